//! Why something cannot be converted, simulated, proven or verified.

use tern_messages::{BlobId, BlockNumber, JobKind};
use thiserror::Error;

use crate::profile::Table;
use crate::statement::StatementError;

/// Why a transaction batch is no input for the prover's machine. Trying again cannot help.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InputError {
    /// A number is larger than the prover's machine can express.
    #[error("{field} is {value}; the prover's machine holds at most {max}")]
    OutOfRange {
        /// Name of the header field or count.
        field: &'static str,
        /// The value found.
        value: u64,
        /// The largest value that fits.
        max: u64,
    },
    /// The header holds a value that cannot be stated.
    #[error(transparent)]
    Header(#[from] StatementError),
    /// A part of the batch contradicts another.
    #[error("the transaction batch contradicts itself: {what}")]
    Inconsistent {
        /// What does not fit together.
        what: &'static str,
    },
    /// A trie node of the witness cannot be decoded.
    #[error("trie node {hash} of the witness is malformed: {reason}")]
    Node {
        /// Hash of the node.
        hash: alloy::primitives::B256,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A transaction or receipt cannot be decoded.
    #[error("{what} {index} of the batch cannot be decoded")]
    Encoding {
        /// `transaction` or `receipt`.
        what: &'static str,
        /// Its index in the block.
        index: usize,
    },
    /// The prover's machine refused the input when it was loaded.
    #[error("the prover's machine refuses the input: {message}")]
    Refused {
        /// What it said.
        message: String,
    },
}

/// Why a transaction batch cannot be proven.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unprovable {
    /// The batch is no input for the prover's machine.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A table is longer than the longest for which circuits exist.
    #[error(
        "block {block}: table {table} of segment {segment} needs 2^{size} rows; there are circuits for 2^{largest} at most"
    )]
    DoesNotFit {
        /// The block.
        block: BlockNumber,
        /// The segment, from 0.
        segment: usize,
        /// The table.
        table: Table,
        /// log2 of its length.
        size: usize,
        /// log2 of the longest length accepted.
        largest: usize,
    },
    /// The run has more segments than are accepted.
    #[error(
        "block {block}: the run has more than {max} segments; cut it into more transaction batches"
    )]
    TooLong {
        /// The block.
        block: BlockNumber,
        /// The limit.
        max: usize,
    },
    /// The machine's kernel disagrees with the block: a root, gas or receipt differs, or it failed.
    #[error(
        "block {block}: the kernel stops in segment {segment} at transaction {transaction:?}: {message}"
    )]
    Kernel {
        /// The block.
        block: BlockNumber,
        /// The segment, from 0.
        segment: usize,
        /// Index in the block of the transaction that was being executed, where it is known.
        transaction: Option<u64>,
        /// What the kernel reported.
        message: String,
    },
}

/// Why a job yielded no proof, or a proof was refused.
#[derive(Debug, Error)]
pub enum ProvingError {
    /// The input cannot be proven by these circuits.
    #[error(transparent)]
    Unprovable(#[from] Unprovable),
    /// The caller raised the abort flag.
    #[error("the job was aborted")]
    Aborted,
    /// The job names an input, and none or another one was given.
    #[error("the job needs input {expected}")]
    WrongInput {
        /// The input that the job names.
        expected: BlobId,
    },
    /// The job needs another number of children.
    #[error("the job needs {expected} child proofs, not {found}")]
    WrongChildCount {
        /// As the job says.
        expected: usize,
        /// As given.
        found: usize,
    },
    /// The run has no such segment.
    #[error("the run has {count} segments; there is no segment {index}")]
    NoSuchSegment {
        /// The segment asked for.
        index: u32,
        /// How many there are.
        count: usize,
    },
    /// A child proof is malformed, fails verification, or is of the wrong kind.
    #[error("child proof {index} of the {job:?} job is invalid: {reason}")]
    InvalidChild {
        /// The kind of the job that consumes it.
        job: JobKind,
        /// Its position among the children.
        index: usize,
        /// What is wrong.
        reason: String,
    },
    /// The children are valid, but do not fit together as the job says.
    #[error("the children of the {job:?} job do not fit together: {rule}")]
    Mismatch {
        /// The kind of the job.
        job: JobKind,
        /// The rule that is broken.
        rule: &'static str,
    },
    /// The proof itself is malformed or does not verify.
    #[error("the proof of the {job:?} job is invalid: {reason}")]
    InvalidProof {
        /// The kind of the job.
        job: JobKind,
        /// What is wrong.
        reason: String,
    },
    /// The proof verifies, but states something else than the job asks for.
    #[error("the proof of the {job:?} job states another {field}")]
    WrongStatement {
        /// The kind of the job.
        job: JobKind,
        /// What differs.
        field: &'static str,
    },
    /// The prover failed although the job looked sound.
    #[error("proving the {job:?} job failed: {message}")]
    Failed {
        /// The kind of the job.
        job: JobKind,
        /// What the prover said.
        message: String,
    },
    /// Committed verifier data cannot be read or is of another build.
    #[error("the verifier data cannot be read: {reason}")]
    VerifierData {
        /// What is wrong.
        reason: String,
    },
}

impl ProvingError {
    /// Whether the same job may succeed elsewhere or later, with the same input and children.
    ///
    /// `Failed` may be a machine short of memory; `InvalidProof` and `WrongStatement` blame the worker that
    /// made the proof. All others are the same everywhere.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Aborted
                | Self::Failed { .. }
                | Self::InvalidProof { .. }
                | Self::WrongStatement { .. }
        )
    }
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// A batch needs blocks, a block needs runs, a run needs segments.
    #[error("there is nothing to plan: {what} is empty")]
    Empty {
        /// What is empty.
        what: &'static str,
    },
    /// More blocks than one batch may have.
    #[error("the batch has {count} blocks; at most {max} are accepted")]
    TooManyBlocks {
        /// As given.
        count: usize,
        /// The limit.
        max: usize,
    },
}
