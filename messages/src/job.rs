//! Units of proving. A job is named by what it computes, so work planned twice is done once.

use std::fmt;

use alloy::primitives::{B256, Bytes, keccak256};
use serde::{Deserialize, Serialize};

use crate::codec::encode;
use crate::statement::{FieldElement, Point, WindowDigest};

/// Names a job, and the proof that it yields: keccak256 of the circuits' version and the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobId(pub B256);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", hex_prefix(&self.0))
    }
}

/// Names an input by its content: keccak256 of the encoded `TransactionBatch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlobId(pub B256);

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", hex_prefix(&self.0))
    }
}

impl BlobId {
    /// The name of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(keccak256(bytes))
    }
}

fn hex_prefix(hash: &B256) -> String {
    hash.iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// How two neighbouring spans meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SpanBoundary {
    /// Both lie in one run: registers and memory continue.
    SameBatch,
    /// The right one begins the next transaction batch: roots, transaction number and gas continue.
    NextBatch,
}

/// One unit of proving. Every job but `Segment` needs only the proofs of the jobs that it names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Job {
    /// Segment `index` of the run of a transaction batch, folded into a span.
    Segment {
        /// The encoded `TransactionBatch`.
        input: BlobId,
        /// Position in the run, from 0.
        index: u32,
        /// log2 of the segment's length in machine cycles.
        max_cycles_log: u8,
    },
    /// Two neighbouring spans of one block become one.
    MergeSpans {
        /// The earlier span.
        left: JobId,
        /// The later span.
        right: JobId,
        /// How they meet.
        boundary: SpanBoundary,
    },
    /// A complete span becomes a block, evaluated at the batch's point.
    Block {
        /// The span that covers the block.
        span: JobId,
        /// r of the batch.
        point: Point,
    },
    /// Two neighbouring runs of blocks become one.
    MergeBlocks {
        /// The earlier blocks.
        left: JobId,
        /// The later blocks.
        right: JobId,
    },
    /// A run of blocks becomes a batch statement.
    Batch {
        /// All blocks of the batch.
        blocks: JobId,
    },
    /// The proof that the L2 contract verifies.
    Wrap {
        /// The batch.
        statement: JobId,
    },
}

/// The kinds of [`Job`], for matching workers and for figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum JobKind {
    /// See [`Job::Segment`].
    Segment,
    /// See [`Job::MergeSpans`].
    MergeSpans,
    /// See [`Job::Block`].
    Block,
    /// See [`Job::MergeBlocks`].
    MergeBlocks,
    /// See [`Job::Batch`].
    Batch,
    /// See [`Job::Wrap`].
    Wrap,
}

impl Job {
    /// The job's name under circuits of this version.
    pub fn id(&self, circuits_version: B256) -> JobId {
        JobId(keccak256(encode(&(circuits_version, self))))
    }

    /// The job's kind.
    pub fn kind(&self) -> JobKind {
        match self {
            Self::Segment { .. } => JobKind::Segment,
            Self::MergeSpans { .. } => JobKind::MergeSpans,
            Self::Block { .. } => JobKind::Block,
            Self::MergeBlocks { .. } => JobKind::MergeBlocks,
            Self::Batch { .. } => JobKind::Batch,
            Self::Wrap { .. } => JobKind::Wrap,
        }
    }

    /// The jobs whose proofs this one consumes, in order.
    pub fn children(&self) -> Vec<JobId> {
        match self {
            Self::Segment { .. } => vec![],
            Self::MergeSpans { left, right, .. } | Self::MergeBlocks { left, right } => {
                vec![*left, *right]
            }
            Self::Block { span: child, .. }
            | Self::Batch { blocks: child }
            | Self::Wrap { statement: child } => vec![*child],
        }
    }
}

/// The result of a job: a serialised plonky2 proof with its public inputs.
///
/// For `Wrap` it is the calldata form that the L2 verifier reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The proof's bytes.
    pub bytes: Bytes,
}

/// What `proveBatches` needs to know of one batch beyond what was committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementData {
    /// Digest of the 256 hashes that the first block sees.
    pub start_window: WindowDigest,
    /// Digest of the 256 hashes that the block after the last one sees.
    pub end_window: WindowDigest,
    /// C.
    pub commitment: [FieldElement; 4],
    /// r, derived from `commitment` and S.
    pub point: Point,
    /// y = S(r).
    pub evaluation: [FieldElement; 2],
}
