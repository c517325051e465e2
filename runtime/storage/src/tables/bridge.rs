//! What the bridge remembers between starts. L2's own state wins over all of it.

use alloy::primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};
use tern_messages::BatchNumber;

use crate::Table;

/// The last L2 block whose events were handled.
pub const CURSOR: Table<(), Cursor> = Table::new(0x60, "L2 cursor");
/// L2 transactions that were signed and are not final, by the operator's nonce.
pub const PENDING: Table<u64, PendingTransaction> = Table::new(0x61, "pending L2 transactions");

/// A block of L2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Its number.
    pub number: u64,
    /// Its hash: a differing one at the same number tells a reorganisation.
    pub hash: B256,
}

/// An L2 transaction of the operator that is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingTransaction {
    /// What it does.
    pub purpose: Purpose,
    /// Everything that was signed for this nonce, oldest first: hash and raw bytes. Replacements pay more.
    pub sent: Vec<(B256, Bytes)>,
    /// When it was first sent, in seconds since the Unix epoch.
    pub first_sent: u64,
}

/// What an L2 transaction of the operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// Commits a batch.
    Commit(BatchNumber),
    /// Proves the batches from the first to the last.
    Prove(BatchNumber, BatchNumber),
    /// Adds to the stake behind proposals.
    Stake,
    /// Proposes a batch.
    Propose(BatchNumber),
    /// Makes a batch final that nobody challenged with success.
    Finalize(BatchNumber),
    /// Proves a challenged block of a batch, by its place there.
    Answer(BatchNumber, u16),
    /// Has a challenge decided.
    Settle(BatchNumber, u16),
}
