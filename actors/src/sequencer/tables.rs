//! What the sequencer keeps beside the chain and the tables of [`tern_storage::tables::sequencer`]
//! (numbers 0x50–0x5f).

use serde::{Deserialize, Serialize};
use tern_messages::{
    BatchHeader, BatchNumber, BlobId, BlockNumber, HaltReport, JobId, Rewind, WorkerId,
};
use tern_proving::{BlockRuns, Run, Simulation};
use tern_storage::Table;

use tern_scheduler::LeaseRecord;

/// How each block will be proven. A row says that the whole block can be.
pub(crate) const SIMULATIONS: Table<BlockNumber, SimulatedBlock> = Table::new(0x50, "simulations");
/// Live leases by their fence.
pub(crate) const LEASES: Table<u64, LeaseRecord> = Table::new(0x51, "leases");
/// Jobs that failed, by job and digest of the worker.
pub(crate) const FAILED: Table<(JobId, alloy::primitives::B256), FailureRecord> =
    Table::new(0x52, "failed jobs of workers");
/// The last batch of which, and of all before it, the proof is there.
pub(crate) const PROVEN: Table<(), BatchNumber> = Table::new(0x53, "proven batches");
/// The block that a part of the sequencer found wrong; see [`Stage`].
pub(crate) const HALTS: Table<u32, HaltReport> = Table::new(0x54, "halts");
/// The last batch whose job inputs and intermediate proofs were deleted.
pub(crate) const PRUNED: Table<(), BatchNumber> = Table::new(0x55, "pruned batches");
/// Batches that were dropped because the main node took their blocks back, by the hash of their last block. L2 may hold
/// them still; they are replaced there.
pub(crate) const TAKEN_BACK: Table<alloy::primitives::B256, BatchHeader> =
    Table::new(0x56, "batches taken back");
/// The main node's rewinds that were followed.
pub(crate) const FOLLOWED: Table<u64, Rewind> = Table::new(0x57, "followed rewinds");
/// The version of the circuits that everything here is planned for.
pub(crate) const CIRCUITS: Table<(), alloy::primitives::B256> = Table::new(0x59, "circuits");

/// Who found a block wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Executing it again gave something else.
    Replay = 0,
    /// It cannot be proven.
    Simulation = 1,
}

/// How a block will be proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SimulatedBlock {
    /// One entry for each transaction batch, in order.
    pub(crate) runs: Vec<SimulatedRun>,
}

/// How a transaction batch will be proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SimulatedRun {
    /// The encoded transaction batch.
    pub(crate) input: BlobId,
    /// Its segments and their sizes.
    pub(crate) simulation: Simulation,
}

impl SimulatedBlock {
    /// The number of segments.
    pub(crate) fn segments(&self) -> u64 {
        self.runs
            .iter()
            .map(|run| run.simulation.segments.len() as u64)
            .sum()
    }

    /// In the planner's words.
    pub(crate) fn runs(&self) -> BlockRuns {
        let runs = self.runs.iter().map(|run| Run {
            input: run.input,
            segments: u32::try_from(run.simulation.segments.len()).unwrap_or(u32::MAX),
            max_cycles_log: run.simulation.max_cycles_log,
        });
        BlockRuns {
            runs: runs.collect(),
        }
    }
}

/// A job that failed on a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FailureRecord {
    /// The worker.
    pub(crate) worker: WorkerId,
    /// What it said.
    pub(crate) reason: String,
}
