//! The block being built: its environment once, then one small write for each confirmed transaction.
//!
//! On start the transactions are executed again on the last sealed block, in order. Sealing deletes the
//! rows in the batch that writes the block.

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};
use tern_messages::{Anchor, BlockNumber};

use crate::Table;

/// The environment of the open block; absent when none is open.
pub const ENVIRONMENT: Table<(), OpenBlock> = Table::new(0x20, "open block");
/// The transactions (EIP-2718 bytes) of the open block by index, as confirmed.
pub const TRANSACTIONS: Table<u64, Bytes> = Table::new(0x21, "transactions of the open block");

/// What was chosen when the block was opened; everything else follows from its parent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenBlock {
    /// The block's number.
    pub number: BlockNumber,
    /// Hash of its parent.
    pub parent_hash: B256,
    /// Its timestamp, in seconds since the Unix epoch.
    pub timestamp: u64,
    /// Who receives the priority fees.
    pub beneficiary: Address,
    /// Gas limit.
    pub gas_limit: u64,
    /// What it knows of L2.
    pub anchor: Anchor,
    /// When its first transaction came, in milliseconds since the Unix epoch. The block's own time may lag behind: L2 bounds it.
    pub since: u64,
}
