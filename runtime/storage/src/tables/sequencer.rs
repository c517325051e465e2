//! Batches, proving jobs and their results.

use alloy::primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};
use tern_messages::{BatchHeader, BatchNumber, BlobId, BlockNumber, Job, JobId, Proof};

use crate::Table;

/// Batches, from 1, without gaps.
pub const BATCHES: Table<BatchNumber, BatchHeader> = Table::new(0x40, "batches");
/// The inputs of each block, in order: names of encoded transaction batches.
pub const BLOCK_INPUTS: Table<BlockNumber, Vec<BlobId>> = Table::new(0x41, "inputs of blocks");
/// Job inputs by content: encoded transaction batches.
pub const BLOBS: Table<BlobId, Bytes> = Table::new(0x42, "job inputs");
/// Jobs that were planned, by name.
pub const JOBS: Table<JobId, PlannedJob> = Table::new(0x43, "jobs");
/// Finished proofs by the name of their job. Never proven twice.
pub const PROOFS: Table<JobId, Proof> = Table::new(0x44, "proofs");
/// Where the leases stand.
pub const COORDINATOR: Table<(), Coordinator> = Table::new(0x45, "coordinator");
/// Jobs that failed on a worker: what the worker said, by job and worker.
pub const FAILURES: Table<(JobId, B256), String> = Table::new(0x46, "failed jobs");

/// A job and what it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedJob {
    /// The job.
    pub job: Job,
    /// The batch that needs it; for a range, its last one.
    pub batch: BatchNumber,
}

/// What a restarted coordinator must not forget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coordinator {
    /// Raised at every start: leases of earlier epochs are void.
    pub epoch: u64,
}
