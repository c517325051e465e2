//! What the main node keeps beside chain and open block (numbers 0x30–0x3f).

use serde::{Deserialize, Serialize};
use tern_messages::{BatchNumber, BatchRecord, FinalityHeights, HaltReport, L2Anchor, L2Place};
use tern_storage::Table;

/// Batches as last reported, by number.
pub const BATCH_RECORDS: Table<BatchNumber, BatchRecord> = Table::new(0x30, "batch records");
/// What L2 said last.
pub const FINALITY: Table<(), StoredFinality> = Table::new(0x31, "finality");
/// Why the chain is halted; absent while it is not.
pub(super) const HALT: Table<(), HaltReport> = Table::new(0x32, "halt");
/// The L2 block that the newest L3 block refers to.
pub(super) const ANCHOR: Table<(), L2Anchor> = Table::new(0x34, "anchor");

/// What L2 said last, and in which of its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFinality {
    /// The heights.
    pub heights: FinalityHeights,
    /// The L2 block in which they were read.
    pub l2: L2Place,
}
