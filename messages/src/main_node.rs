//! What the main node tells the other roles, and what they report to it.
//!
//! ```text
//!            BlockSealed, SealedBlock            BatchRecord, FinalityReport, L2Anchor
//! main node ------------------------> sequencer ------------> bridge ------------> main node
//!            <------------------------
//!             Backlog, HaltReport, and the question for Rewinds
//! ```

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::batch::BatchHeader;
use crate::block::Receipt;
use crate::units::{BatchNumber, BlockNumber};

/// The main node's promise about a transaction: its effect is on disk, at this place of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Hash of the transaction.
    pub transaction: B256,
    /// Where it stands.
    pub place: Place,
}

/// Where an accepted transaction stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// Executed in the open block (or in one sealed meanwhile), and durable.
    Executed {
        /// The block that it belongs to.
        block: BlockNumber,
        /// Its index in that block.
        index: u64,
        /// What it did.
        receipt: Box<Receipt>,
    },
    /// Valid, but waiting for an earlier nonce of its sender, or for room in the next block.
    /// It is kept in memory only: no promise is made about it.
    Queued,
}

/// Why a transaction was not accepted. The texts are those that wallets recognise.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum Rejection {
    /// Not a signed transaction of a supported type.
    #[error("{message}")]
    Malformed {
        /// What is wrong with its bytes.
        message: String,
    },
    /// The chain's rules or its state forbid it.
    #[error("{message}")]
    Invalid {
        /// Which rule, in the words that wallets know ("nonce too low: …").
        message: String,
    },
    /// It is here already.
    #[error("already known")]
    AlreadyKnown,
    /// A queued transaction of the same nonce pays nearly as much.
    #[error(
        "replacement transaction underpriced: offer at least {needed_percent} % of the queued one's fees"
    )]
    ReplacementUnderpriced {
        /// The fees to offer, relative to the queued transaction's.
        needed_percent: u64,
    },
    /// Too many transactions wait already.
    #[error("txpool is full: {limit}")]
    PoolFull {
        /// The limit that was met.
        limit: String,
    },
    /// It might be executed, but not proven.
    #[error("transaction cannot be proven: {reason}")]
    Unprovable {
        /// The limit of the prover that it exceeds.
        reason: String,
    },
    /// The sender's last transactions could not be proven.
    #[error(
        "sender {sender} is held back for {seconds} s more: its last transaction could not be proven"
    )]
    HeldBack {
        /// The sender.
        sender: Address,
        /// When it may send again, in seconds from now, rounded up.
        seconds: u64,
    },
    /// The chain is halted.
    #[error("chain halted: {0}")]
    Halted(HaltReport),
    /// The node is about to stop, or its storage failed.
    #[error("the node does not accept transactions now: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
    /// It was taken back because it cannot be proven, until an operator allows it again.
    #[error("transaction {transaction} is refused: {reason}")]
    Refused {
        /// Hash of the transaction.
        transaction: B256,
        /// What was wrong with it.
        reason: String,
    },
    /// A transaction of this sender was taken back, and an operator admits no more of them for now.
    #[error("sender {sender} is refused: {reason}")]
    SenderRefused {
        /// The sender.
        sender: Address,
        /// What was wrong with the transaction.
        reason: String,
    },
}

/// A block was sealed and stored. Subscribers fetch it by number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockSealed {
    /// The block's number.
    pub number: BlockNumber,
    /// The block's hash.
    pub hash: B256,
}

/// Which sealed blocks to return, in order. At least one is returned where one exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockQuery {
    /// The first block wanted.
    pub from: BlockNumber,
    /// At most so many blocks.
    pub max_blocks: u32,
    /// Stop once the encoded blocks reach so many bytes.
    pub max_bytes: u64,
}

/// A block of L2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct L2Place {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
}

/// A transaction on L2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct L2Transaction {
    /// Its hash.
    pub hash: B256,
    /// Number of the L2 block that holds it.
    pub block: u64,
}

/// A batch and how far it got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchRecord {
    /// The batch's place in the chain.
    pub header: BatchHeader,
    /// The L2 transaction that committed it.
    pub committed: Option<L2Transaction>,
    /// The L2 transaction that proved it.
    pub verified: Option<L2Transaction>,
}

/// What the L2 contract says. Idempotent; the latest report wins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalityReport {
    /// The L2 block in which the contract was read.
    pub l2: L2Place,
    /// Last committed batch; 0 when there is none.
    pub committed: BatchNumber,
    /// Last verified batch; 0 when there is none.
    pub verified: BatchNumber,
    /// Batches that are new or changed since the last accepted report, ascending. After a start: all
    /// that are not verified, and the last verified one.
    pub batches: Vec<BatchRecord>,
    /// L2 took blocks back: the numbers may be lower than before.
    pub reorganised: bool,
}

/// Why a [`FinalityReport`] was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum FinalityRefusal {
    /// The named batch was never reported.
    #[error("batch {batch} was never reported; report its record first")]
    UnknownBatch {
        /// The batch.
        batch: BatchNumber,
    },
    /// The numbers fall although L2 did not take blocks back, or verified exceeds committed.
    #[error(
        "reported heights (committed {committed}, verified {verified}) contradict what is known"
    )]
    Inconsistent {
        /// As reported.
        committed: BatchNumber,
        /// As reported.
        verified: BatchNumber,
    },
    /// L2 holds another block than this node: the two must not go on.
    #[error(
        "batch {batch} ends on L2 with block {block} = {reported}, but this node has {stored:?} there"
    )]
    ForeignBlock {
        /// The batch.
        batch: BatchNumber,
        /// Its last block.
        block: BlockNumber,
        /// Hash on L2.
        reported: B256,
        /// Hash on disk.
        stored: Option<B256>,
    },
    /// The node's storage failed.
    #[error("the report could not be stored: {reason}")]
    Storage {
        /// What went wrong.
        reason: String,
    },
    /// The batch ends with a block that was taken back. Whoever formed it has not heard of that yet.
    #[error(
        "batch {batch} ends with block {block}, which was taken back; the sequencer will drop it"
    )]
    TakenBack {
        /// The batch.
        batch: BatchNumber,
        /// Its last block.
        block: BlockNumber,
    },
}

/// How far proving lags behind sealing; sealing slows down by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    /// Sealed blocks whose proof is not finished.
    pub unproven_blocks: u64,
}

/// A block that cannot be proven, or that came out differently when executed again. Nothing may be
/// built on it: sealing stops.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error(
    "block {block}{} cannot be finalised: {reason}",
    transaction.map(|hash| format!(", transaction {hash},")).unwrap_or_default()
)]
pub struct HaltReport {
    /// The block.
    pub block: BlockNumber,
    /// The transaction that causes it, if one does.
    pub transaction: Option<B256>,
    /// What differs, or which limit is exceeded.
    pub reason: String,
}

/// Sealed blocks that an operator took back, so that the chain goes on without one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewind {
    /// Counts the rewinds of a chain's main node, from 1.
    pub number: u64,
    /// The last block that stays.
    pub kept: BlockNumber,
    /// Hashes of the blocks after it, in order. Never empty.
    pub removed: Vec<B256>,
    /// When, in seconds since the Unix epoch.
    pub at: u64,
}

impl Rewind {
    /// Whether the block of this number and hash was taken back.
    pub fn removes(&self, number: BlockNumber, hash: B256) -> bool {
        let after = number.0.checked_sub(self.kept.0.saturating_add(1));
        let index = after.and_then(|after| usize::try_from(after).ok());
        index.and_then(|index| self.removed.get(index)) == Some(&hash)
    }

    /// The last block that was taken back.
    pub fn last(&self) -> BlockNumber {
        BlockNumber(self.kept.0.saturating_add(self.removed.len() as u64))
    }
}

/// Heights that follow what L2 says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalityHeights {
    /// Last committed batch and its last block.
    pub committed: (BatchNumber, BlockNumber),
    /// Last verified batch and its last block.
    pub verified: (BatchNumber, BlockNumber),
}

/// The state of the main node at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Number of the last sealed block.
    pub sealed: BlockNumber,
    /// Its hash.
    pub sealed_hash: B256,
    /// Transactions in the open block.
    pub open_transactions: u64,
    /// Transactions that wait in the pool.
    pub queued_transactions: u64,
    /// What L2 says.
    pub finality: FinalityHeights,
    /// The proving backlog as last reported.
    pub backlog: Backlog,
    /// Why the chain is halted, if it is.
    pub halted: Option<HaltReport>,
    /// Account that receives the fees.
    pub beneficiary: Address,
}
