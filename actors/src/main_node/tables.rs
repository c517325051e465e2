//! What the main node keeps beside chain and open block (numbers 0x30–0x3f).

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};
use tern_messages::{
    BatchNumber, BatchRecord, FinalityHeights, HaltReport, L2Anchor, L2Place, Rewind,
};
use tern_storage::Table;

/// Batches as last reported, by number.
pub const BATCH_RECORDS: Table<BatchNumber, BatchRecord> = Table::new(0x30, "batch records");
/// What L2 said last.
pub const FINALITY: Table<(), StoredFinality> = Table::new(0x31, "finality");
/// Why the chain is halted; absent while it is not.
pub(super) const HALT: Table<(), HaltReport> = Table::new(0x32, "halt");
/// The L2 block that the newest L3 block refers to.
pub(super) const ANCHOR: Table<(), L2Anchor> = Table::new(0x34, "anchor");
/// Transactions that are not accepted, and why, by hash.
pub(super) const REFUSED: Table<B256, String> = Table::new(0x35, "refused transactions");
/// Senders whose transactions are not accepted, and why.
pub(super) const REFUSED_SENDERS: Table<Address, String> = Table::new(0x36, "refused senders");
/// Transactions (EIP-2718 bytes) of blocks that were taken back and are to be executed again, in order.
pub(super) const RETURNED: Table<u64, Bytes> = Table::new(0x37, "returned transactions");
/// Blocks that were taken back.
pub(super) const REWINDS: Table<u64, Rewind> = Table::new(0x38, "rewinds");

/// What L2 said last, and in which of its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFinality {
    /// The heights.
    pub heights: FinalityHeights,
    /// The L2 block in which they were read.
    pub l2: L2Place,
}
