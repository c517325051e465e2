//! Random but meaningful transactions, and a chain to run them on.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy::consensus::{Header, SignableTransaction, TxEip1559, TxEnvelope, TxLegacy};
use alloy::eips::eip2718::Encodable2718;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256, address, keccak256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use proptest::prelude::*;
use tern_messages::{Anchor, ChainId, Gas};

use crate::{
    BlockAttributes, BlockBuilder, ChainRules, GenesisAccount, GenesisState, HashWindow,
    MemoryNodes, SealedOutcome,
};

pub(super) const CHAIN: ChainId = ChainId(7_357);
/// Writes pairs (slot, value) from its calldata: `for i in 0..size step 64: sstore(data[i], data[i + 32])`.
pub(super) const WRITER: Address = address!("00000000000000000000000000000000000a11ce");
const WRITER_CODE: &str = "0x5f5b3681101560175780602001358135556040016001565b00";
/// `create2(callvalue, calldata[32..], salt = calldata[..32])`.
pub(super) const FACTORY: Address = address!("00000000000000000000000000000000000fac70");
const FACTORY_CODE: &str = "0x602036038060205f375f35905f34f500";
/// `selfdestruct(caller)` in the constructor: created and destroyed at once.
const VANISH: &[u8] = &[0x33, 0xff];
/// Deploys the one-byte code STOP: `mstore8(0, 0); return(0, 1)`, after writing slot 1.
const DEPLOY: &[u8] = &[
    0x60, 0x01, 0x60, 0x01, 0x55, 0x5f, 0x5f, 0x53, 0x60, 0x01, 0x5f, 0xf3,
];

/// What a user does.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// Sends wei to one of a few addresses, some of which do not exist.
    Transfer { to: u8, wei: u16 },
    /// Writes slots; zero clears.
    Write(Vec<(u8, u8)>),
    /// Creates at an address that depends on the salt, with or without destroying it at once.
    Create { salt: u8, vanish: bool, wei: u16 },
    /// Sends wei to the address that a later creation may take.
    Prefund { salt: u8, vanish: bool },
    /// Deploys by a creation transaction.
    Deploy,
    /// Runs out of gas in the middle of writing.
    Exhaust,
}

pub(super) fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        (any::<u8>(), any::<u16>()).prop_map(|(to, wei)| Action::Transfer { to, wei }),
        prop::collection::vec((0u8..24, 0u8..3), 1..8).prop_map(Action::Write),
        (0u8..3, any::<bool>(), 0u16..2).prop_map(|(salt, vanish, wei)| Action::Create {
            salt,
            vanish,
            wei
        }),
        (0u8..3, any::<bool>()).prop_map(|(salt, vanish)| Action::Prefund { salt, vanish }),
        Just(Action::Deploy),
        Just(Action::Exhaust),
    ]
}

pub(super) fn init_code(vanish: bool) -> &'static [u8] {
    if vanish { VANISH } else { DEPLOY }
}

pub(super) fn created_at(salt: u8, vanish: bool) -> Address {
    FACTORY.create2(B256::with_last_byte(salt), keccak256(init_code(vanish)))
}

pub(super) fn signer(index: usize) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(index.to_be_bytes())).unwrap()
}

pub(super) fn target(to: u8) -> Address {
    Address::left_padding_from(&[0x77, to % 16])
}

/// A chain with its state in memory.
pub(super) struct Chain {
    pub(super) rules: ChainRules,
    pub(super) nodes: Arc<MemoryNodes>,
    pub(super) head: Header,
    pub(super) hashes: HashWindow,
    pub(super) nonces: BTreeMap<usize, u64>,
}

impl Chain {
    pub(super) fn new() -> Self {
        let rules = ChainRules::provable(CHAIN);
        let mut genesis = GenesisState::default().with_beacon_roots();
        for index in 0..3 {
            let account = GenesisAccount {
                balance: U256::from(10).pow(U256::from(20)),
                ..Default::default()
            };
            genesis.accounts.insert(signer(index).address(), account);
        }
        for (address, code) in [(WRITER, WRITER_CODE), (FACTORY, FACTORY_CODE)] {
            let account = GenesisAccount {
                nonce: 1,
                code: code.parse().unwrap(),
                ..Default::default()
            };
            genesis.accounts.insert(address, account);
        }
        let genesis = genesis
            .block(&rules, 1_700_000_000, Gas(30_000_000), 1_000_000_000)
            .unwrap();
        let nodes = Arc::new(MemoryNodes::new());
        nodes.extend(&genesis.nodes, &genesis.codes);
        let hashes = HashWindow::new([genesis.block.hash]);
        Self {
            rules,
            nodes,
            head: genesis.block.header,
            hashes,
            nonces: BTreeMap::new(),
        }
    }

    pub(super) fn attributes(&self) -> BlockAttributes {
        BlockAttributes {
            timestamp: self.head.timestamp + 12,
            beneficiary: address!("00000000000000000000000000000000000000fe"),
            gas_limit: Gas(30_000_000),
            anchor: Anchor {
                l2_block: keccak256(self.head.number.to_be_bytes()),
                ..Anchor::default()
            },
        }
    }

    pub(super) fn open(&self) -> BlockBuilder {
        BlockBuilder::new(
            self.nodes.clone(),
            self.rules,
            &self.head,
            self.hashes.clone(),
            self.attributes(),
        )
        .unwrap()
    }

    pub(super) fn accept(&mut self, sealed: &SealedOutcome) {
        self.nodes.extend(&sealed.nodes, &sealed.codes);
        self.hashes.push(sealed.block.hash);
        self.head = sealed.block.header.clone();
    }

    /// Signs the user's next transaction.
    pub(super) fn sign(&mut self, user: usize, action: &Action) -> Bytes {
        let nonce = self.nonces.entry(user).or_default();
        let (to, value, input, gas_limit) = match action {
            Action::Transfer { to, wei } => (TxKind::Call(target(*to)), *wei, vec![], 21_000),
            Action::Write(pairs) => {
                let words = pairs.iter().flat_map(|(slot, value)| [*slot, *value]);
                let input = words
                    .flat_map(|word| B256::with_last_byte(word).0)
                    .collect();
                (TxKind::Call(WRITER), 0, input, 400_000)
            }
            Action::Create { salt, vanish, wei } => {
                let salt = B256::with_last_byte(*salt);
                let input = [salt.as_slice(), init_code(*vanish)].concat();
                (TxKind::Call(FACTORY), *wei, input, 400_000)
            }
            Action::Prefund { salt, vanish } => {
                (TxKind::Call(created_at(*salt, *vanish)), 5, vec![], 60_000)
            }
            Action::Deploy => (TxKind::Create, 0, DEPLOY.to_vec(), 200_000),
            Action::Exhaust => {
                let input = (1..6)
                    .flat_map(|word| B256::with_last_byte(word).0)
                    .collect();
                (TxKind::Call(WRITER), 0, input, 30_000)
            }
        };
        let (nonce, value) = (std::mem::replace(nonce, *nonce + 1), U256::from(value));
        if nonce.is_multiple_of(2) {
            sign(user, legacy(nonce, to, value, input.into(), gas_limit))
        } else {
            sign(user, dynamic(nonce, to, value, input.into(), gas_limit))
        }
    }
}

pub(super) fn legacy(
    nonce: u64,
    to: TxKind,
    value: U256,
    input: Bytes,
    gas_limit: u64,
) -> TxLegacy {
    let gas_price = 20_000_000_000;
    TxLegacy {
        chain_id: Some(CHAIN.0),
        nonce,
        gas_price,
        gas_limit,
        to,
        value,
        input,
    }
}

pub(super) fn dynamic(
    nonce: u64,
    to: TxKind,
    value: U256,
    input: Bytes,
    gas_limit: u64,
) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN.0,
        nonce,
        gas_limit,
        max_fee_per_gas: 20_000_000_000,
        max_priority_fee_per_gas: 3,
        to,
        value,
        access_list: Default::default(),
        input,
    }
}

pub(super) fn sign<T>(user: usize, transaction: T) -> Bytes
where
    T: SignableTransaction<alloy::primitives::Signature>,
    TxEnvelope: From<alloy::consensus::Signed<T>>,
{
    let signature = signer(user)
        .sign_hash_sync(&transaction.signature_hash())
        .unwrap();
    TxEnvelope::from(transaction.into_signed(signature))
        .encoded_2718()
        .into()
}
