//! What the sequencer tells the bridge about its batches, and what it hears of their fate.
//!
//! ```text
//! sequencer ── BatchesPending: hint ──▶ bridge ── SettledHeights ──▶ sequencer
//!           ◀─ which batch? ───────────
//!           ── Batch, ProvenRange ────▶
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::job::{JobId, JobKind, Proof, StatementData};
use crate::prover::WorkerId;
use crate::units::{BatchNumber, BlockNumber};

/// How far the sequencer's batches are. A hint: the bridge fetches what it needs by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchesPending {
    /// The last batch formed; 0 when there is none.
    pub formed: BatchNumber,
    /// The last batch of which, and of all before it, the proof is there; 0 when there is none.
    pub proven: BatchNumber,
}

/// Consecutive batches with the one proof that the L2 contract accepts for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenRange {
    /// The first batch.
    pub first: BatchNumber,
    /// The last batch.
    pub last: BatchNumber,
    /// What the proof states of all their blocks, beyond what was committed.
    pub statement: StatementData,
    /// The proof in the verifier's calldata form.
    pub proof: Proof,
}

/// A block that was proven by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenBlock {
    /// The block.
    pub block: BlockNumber,
    /// What the proof states of it.
    pub statement: StatementData,
    /// The proof in the verifier's calldata form.
    pub proof: Proof,
}

/// What the L2 contract holds, deep enough to be relied on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledHeights {
    /// Last committed batch; 0 when there is none.
    pub committed: BatchNumber,
    /// Last verified batch; 0 when there is none.
    pub verified: BatchNumber,
}

/// The proof coordinator at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofStatus {
    /// Jobs that wait for the proofs of others.
    pub waiting: u64,
    /// Jobs that could run now.
    pub ready: u64,
    /// Jobs under lease or being verified.
    pub running: Vec<RunningJob>,
    /// Jobs that failed too often; an operator must look.
    pub parked: Vec<JobId>,
    /// Workers that asked for a job and have none.
    pub idle_workers: u64,
    /// Why nothing moves, if nothing does.
    pub blocked: Option<String>,
    /// Workers that get no more jobs because an operator drains them.
    pub draining: Vec<String>,
}

/// A job that somebody works at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningJob {
    /// The job.
    pub id: JobId,
    /// Its kind.
    pub kind: JobKind,
    /// The worker.
    pub worker: WorkerId,
    /// Seconds since the lease was given.
    pub seconds: u64,
    /// Its last report.
    pub step: String,
}

impl fmt::Display for RunningJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            kind,
            worker,
            seconds,
            step,
        } = self;
        write!(f, "{kind:?} {id} on {worker} for {seconds}s")?;
        if !step.is_empty() {
            write!(f, " ({step})")?;
        }
        Ok(())
    }
}
