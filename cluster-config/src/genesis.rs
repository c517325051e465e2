//! The first block, as configured. Its header and hash follow from these values alone.

use std::collections::BTreeMap;

use alloy::eips::eip4788::{BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE};
use alloy::primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};
use tern_messages::ChainId;

use crate::error::ConfigError;

/// Provable chains keep their id, times and gas in 32 bits: they are public values of the proof.
pub(crate) const LIMIT_32: u64 = u32::MAX as u64;

/// Smallest gas limit of a block (Ethereum's).
const MIN_GAS_LIMIT: u64 = 5_000;

/// The balances stay below 2^255 wei in all: the kernel of the prover's machine stops at a transaction that sends so
/// much (`core/process_txn.asm`), to exclude that value and fees together wrap around.
const MAX_SUPPLY_BITS: usize = 255;

/// The first block, as configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// EIP-155 chain id, below 2^32.
    pub chain_id: ChainId,
    /// Timestamp of block 0, in seconds since the Unix epoch.
    pub timestamp: u64,
    /// Gas limit of every block.
    pub gas_limit: u64,
    /// Who receives the fees, of every block.
    pub beneficiary: Address,
    /// Base fee of block 0, in wei (EIP-1559 derives the others).
    pub base_fee: u64,
    /// Accounts that exist from the beginning. The system contracts of Cancun are added to them.
    #[serde(default)]
    pub alloc: BTreeMap<Address, GenesisAccount>,
}

/// An account that exists from the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisAccount {
    /// Balance in wei; decimal or 0x-hexadecimal text.
    #[serde(default)]
    pub balance: U256,
    /// Transactions already sent.
    #[serde(default)]
    pub nonce: u64,
    /// Contract code.
    #[serde(default)]
    pub code: Bytes,
    /// Contract storage.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub storage: BTreeMap<B256, B256>,
}

impl Genesis {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.chain_id.0 == 0 || self.chain_id.0 > LIMIT_32 {
            let id = self.chain_id;
            return Err(ConfigError::value(
                "genesis.chain_id",
                format!("{id} is not between 1 and {LIMIT_32}; proofs hold it in 32 bits"),
            ));
        }
        if !(MIN_GAS_LIMIT..=LIMIT_32).contains(&self.gas_limit) {
            let limit = self.gas_limit;
            return Err(ConfigError::value(
                "genesis.gas_limit",
                format!("{limit} is not between {MIN_GAS_LIMIT} and {LIMIT_32}"),
            ));
        }
        if self.timestamp > LIMIT_32 {
            let time = self.timestamp;
            return Err(ConfigError::value(
                "genesis.timestamp",
                format!("{time} is not a time in seconds before the year 2106"),
            ));
        }
        if self.base_fee == 0 {
            return Err(ConfigError::value(
                "genesis.base_fee",
                "must be at least 1 wei",
            ));
        }
        let supply = self
            .alloc
            .values()
            .try_fold(U256::ZERO, |sum, a| sum.checked_add(a.balance));
        if supply.is_none_or(|supply| supply.bit(MAX_SUPPLY_BITS)) {
            return Err(ConfigError::value(
                "genesis.alloc",
                format!(
                    "the balances reach 2^{MAX_SUPPLY_BITS} wei in all; proofs hold no transfer of so much"
                ),
            ));
        }
        // The prover's machine writes the storage of whatever is there, as that code would.
        let beacon_roots = self.alloc.get(&BEACON_ROOTS_ADDRESS);
        if beacon_roots.is_some_and(|account| account.code != BEACON_ROOTS_CODE) {
            return Err(ConfigError::value(
                "genesis.alloc",
                format!(
                    "{BEACON_ROOTS_ADDRESS} must have the code that EIP-4788 says, or be left out: then it is added"
                ),
            ));
        }
        Ok(())
    }
}
