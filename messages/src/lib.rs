//! The vocabulary of Tern: what its crates and its processes say to each other.
//!
//! ```text
//! transaction -> SealedBlock -> BlockWitness -> Job ... -> Proof -> L2
//!                     \-------> Batch -------------------------/
//! ```
//!
//! Everything here is plain data with one binary form ([`codec`]), used on disk and between machines
//! alike. Nothing here executes, proves, stores or sends.

pub mod anchor;
pub mod batch;
pub mod block;
pub mod bridge;
pub mod cluster;
pub mod codec;
pub mod job;
pub mod main_node;
pub mod prover;
pub mod role;
pub mod sequencer;
pub mod statement;
pub mod units;
pub mod witness;

pub use anchor::{Anchor, ForcedTransaction, L2Anchor, OfferedMessages, QueuedMessage, StateProof};
pub use batch::{Batch, BatchHeader};
pub use block::{
    MAX_BLOCK_BYTES, MAX_BLOCK_TRANSACTIONS, MAX_TRANSACTION_SIZE, Receipt, SealedBlock,
};
pub use bridge::BridgeStatus;
pub use cluster::{Drain, DrainAnswer, MemberStatus, PeerStatus};
pub use codec::{CodecError, decode, encode};
pub use job::{BlobId, Job, JobId, JobKind, Proof, SpanBoundary};
pub use main_node::{
    Backlog, BatchRecord, BlockQuery, BlockSealed, Confirmation, FinalityHeights, FinalityRefusal,
    FinalityReport, HaltReport, L2Place, L2Transaction, NodeStatus, Place, Rejection, Rewind,
};
pub use prover::{
    Artifact, Chunk, ChunkQuery, ChunkRefusal, Completion, CompletionAnswer, FailureCause, Fence,
    JobFailure, JobProgress, Lease, Offer, OfferRefusal, ProverStatus, Renewal, RenewalAnswer,
    WorkerId,
};
pub use role::{Role, UnknownRole};
pub use sequencer::{
    BatchesPending, ProofStatus, ProvenBlock, ProvenRange, RunningJob, SettledHeights,
};
pub use statement::{FieldElement, Point, StatementDigest, WindowDigest};
pub use units::{BatchNumber, BlockNumber, ChainId, Gas};
pub use witness::{BlockWitness, StorageWitness, TransactionBatch};
