//! The network that `tern devnet` runs when nothing else is said.

use alloy::primitives::{Address, U256, address, bytes};
use alloy::signers::local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use tern_messages::ChainId;

use crate::chain::{CANONICAL_BRIDGE, ChainConfig, Profile, ProvingLimits};
use crate::genesis::{Genesis, GenesisAccount};

/// The mnemonic of the development accounts, known to everybody: whatever they own on a real chain is lost.
pub const DEVELOPMENT_MNEMONIC: &str =
    "test test test test test test test test test test test junk";

/// Development accounts that are funded at genesis.
const FUNDED: u32 = 10;

/// What each of them has: 10,000 ether.
const FUNDS: u128 = 10_000 * 10u128.pow(18);

/// 1 January 2025. Fixed, so that the genesis hash is the same everywhere.
const GENESIS_TIME: u64 = 1_735_689_600;

/// The chains of the default network.
#[derive(Clone, Copy, Debug)]
pub struct Devnet;

impl Devnet {
    /// Chain id of the devnet's L3.
    pub const L3_CHAIN_ID: ChainId = ChainId(33_050);
    /// Chain id of the embedded L2; also that of `anvil`.
    pub const L2_CHAIN_ID: ChainId = ChainId(31_337);

    /// The L3 of the default network, on an L2 of the given chain id.
    pub fn l3(l2_chain_id: u64, profile: Profile) -> ChainConfig {
        ChainConfig {
            l2_chain_id,
            l2_bridge: CANONICAL_BRIDGE,
            profile,
            limits: ProvingLimits::default(),
            genesis: Genesis {
                chain_id: Self::L3_CHAIN_ID,
                timestamp: GENESIS_TIME,
                gas_limit: 10_000_000,
                // Fees go to the last development account, so that the others' balances stay readable.
                beneficiary: development_key(FUNDED - 1).address(),
                base_fee: 1_000_000_000,
                alloc: development_accounts(),
            },
        }
    }

    /// The genesis of the embedded L2: a plain EVM chain.
    pub fn l2() -> Genesis {
        Genesis {
            chain_id: Self::L2_CHAIN_ID,
            timestamp: GENESIS_TIME,
            gas_limit: 36_000_000,
            beneficiary: Address::ZERO,
            base_fee: 1_000_000_000,
            alloc: development_accounts()
                .into_iter()
                .chain([(FACTORY, factory())])
                .collect(),
        }
    }
}

/// Creates contracts where only their code decides: the "deterministic deployment proxy", which most chains have.
const FACTORY: Address = address!("4e59b44847b379578588920ca78fbf26c0b4956c");

/// The code that most chains have there: CREATE2 with the first word of the calldata as salt and the rest as creation code.
fn factory() -> GenesisAccount {
    GenesisAccount {
        nonce: 1,
        code: bytes!(
            "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
        ),
        ..GenesisAccount::default()
    }
}

/// The key of a development account (derivation path m/44'/60'/0'/0/`index`).
///
/// # Panics
/// Never for indices below 2^31.
pub fn development_key(index: u32) -> PrivateKeySigner {
    MnemonicBuilder::<English>::default()
        .phrase(DEVELOPMENT_MNEMONIC)
        .index(index)
        .and_then(|builder| builder.build())
        .expect("the development mnemonic is valid")
}

fn development_accounts() -> std::collections::BTreeMap<Address, GenesisAccount> {
    (0..FUNDED)
        .map(|index| {
            let account = GenesisAccount {
                balance: U256::from(FUNDS),
                ..Default::default()
            };
            (development_key(index).address(), account)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use alloy::primitives::address;

    use super::*;

    #[test]
    fn the_first_development_account_is_the_well_known_one() {
        let known = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
        assert_eq!(development_key(0).address(), known);
        assert_eq!(Devnet::l2().alloc.len(), 11);
        assert!(Devnet::l2().alloc.contains_key(&known));
    }

    #[test]
    fn the_devnet_chains_are_valid() {
        Devnet::l3(31_337, Profile::Secure).check().unwrap();
    }
}
