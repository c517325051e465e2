//! What provers and the proof coordinator say to each other.
//!
//! ```text
//! prover                                   coordinator
//!   │ Offer: who I am, what I can run          │
//!   ├─────────────────────────────────────────▶│ waits until there is work, at most `wait`
//!   │◀─────────────────────────────────────────┤ Lease: job, fence, time to live
//!   │ ChunkQuery: the input, the child proofs  │
//!   ├─────────────────────────────────────────▶│
//!   │ Renewal, every third of the time to live │
//!   ├─────────────────────────────────────────▶│ RenewalAnswer: go on, or stop
//!   │ Completion (kept until acknowledged)     │
//!   ├─────────────────────────────────────────▶│ verifies, stores; CompletionAnswer
//! ```
//!
//! Delivery is at most once in each direction, so every message may be sent again: a lease that got lost
//! is given up by the next [`Offer`], which says what its sender holds; a [`Completion`] names the job, and
//! a proof that is there already is acknowledged again.

use std::fmt;
use std::time::Duration;

use alloy::primitives::{B256, Bytes, keccak256};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::codec::encode;
use crate::job::{BlobId, Job, JobId, JobKind, Proof};

/// Longest accepted worker name, in bytes.
pub const MAX_NAME: usize = 64;
/// Longest accepted text of a progress step or a failure, in bytes. Longer ones are cut.
pub const MAX_TEXT: usize = 1024;
/// Most bytes in one [`Chunk`]. Larger frames would hold up heartbeats on the same connection.
pub const MAX_CHUNK: u32 = 256 << 10;

/// One start of one prover.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkerId {
    /// The prover's name: the same after a restart, different from every other prover's.
    pub name: String,
    /// Drawn at random at each start: a new incarnation means that the one before it is dead.
    pub incarnation: u64,
}

impl WorkerId {
    /// A short name of fixed length, for keys.
    pub fn digest(&self) -> B256 {
        keccak256(encode(self))
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{:08x}", self.name, self.incarnation >> 32)
    }
}

/// Names a lease. Later leases have greater fences, over restarts of the coordinator too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fence(pub u64);

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A worker asks for a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Who asks.
    pub worker: WorkerId,
    /// Memory that a job may use, in bytes.
    pub memory: u64,
    /// Processor cores that a job may use.
    pub cores: u16,
    /// Name of the profile of the worker's circuits, for messages to humans.
    pub profile: String,
    /// The worker's circuits; a job of other circuits is of no use to it.
    pub circuits_version: B256,
    /// Leases that the worker still works under. All its others are given up.
    pub holding: Vec<Fence>,
    /// How long to wait for a job before answering that there is none.
    pub wait: Duration,
}

/// The right and the duty to run a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The job's name.
    pub id: JobId,
    /// What to do.
    pub job: Job,
    /// Names this lease.
    pub fence: Fence,
    /// It ends so long after it was given or last renewed, by the coordinator's clock.
    pub ttl: Duration,
}

/// Why a worker gets no job, and should not ask again soon.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum OfferRefusal {
    /// Its circuits are not those of this chain.
    #[error(
        "this chain is proven with circuits {expected} (profile {expected_profile}), the worker has {found}; \
         start it with the same version and profile"
    )]
    OtherCircuits {
        /// The chain's.
        expected: B256,
        /// Their profile.
        expected_profile: String,
        /// The worker's.
        found: B256,
    },
    /// Its name cannot be used.
    #[error("a worker's name has 1 to {MAX_NAME} bytes; this one has {len}")]
    BadName {
        /// Bytes found.
        len: usize,
    },
    /// The coordinator cannot do anything now.
    #[error("the coordinator is not available: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
    /// An operator has drained the worker: it is to leave, and not to ask again.
    #[error("an operator asked that this prover finishes its job and leaves")]
    Drained,
}

/// How far a job is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobProgress {
    /// What is being done, in a few words.
    pub step: String,
    /// Steps finished.
    pub done: u32,
    /// Steps in all; 0 when not known.
    pub total: u32,
}

/// A worker is still at its job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    /// Who works.
    pub worker: WorkerId,
    /// At which job.
    pub job: JobId,
    /// Under which lease.
    pub fence: Fence,
    /// How far it is.
    pub progress: JobProgress,
}

/// What a worker should do about a job it renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RenewalAnswer {
    /// Go on: the lease lives for its whole time again.
    Continue,
    /// Stop: the proof is there already, nobody needs it any more, or others were given the job.
    Abandon,
}

/// A finished job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// Who did it.
    pub worker: WorkerId,
    /// Which job.
    pub job: JobId,
    /// Under which lease; it may have ended meanwhile.
    pub fence: Fence,
    /// The result.
    pub proof: Proof,
    /// How long the job took.
    pub took: Duration,
}

/// What became of a [`Completion`]. The worker may forget its result after any of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CompletionAnswer {
    /// The proof is valid, and durable.
    Accepted,
    /// A valid proof of the job is there already.
    AlreadyDone,
    /// Nobody asked for this job, or nobody needs it any more.
    NotWanted,
    /// The proof is not valid. The worker will not get this job again.
    Invalid {
        /// What is wrong with it.
        reason: String,
    },
}

/// A job that a worker gives back without a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFailure {
    /// Who gives it back.
    pub worker: WorkerId,
    /// Which job.
    pub job: JobId,
    /// Under which lease.
    pub fence: Fence,
    /// Why.
    pub cause: FailureCause,
}

/// Why a job came back without a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureCause {
    /// It did not fail: the worker is about to stop, or was told to stop.
    Released,
    /// It failed here, but may succeed on another machine.
    Worker {
        /// What went wrong.
        reason: String,
    },
    /// It cannot succeed anywhere: its input or a child proof is not what the circuits accept.
    Job {
        /// What went wrong.
        reason: String,
    },
}

/// Something that a job needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Artifact {
    /// An encoded transaction batch.
    Input(BlobId),
    /// The encoded proof of a finished job.
    Proof(JobId),
}

impl fmt::Display for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(id) => write!(f, "input {id}"),
            Self::Proof(id) => write!(f, "proof {id}"),
        }
    }
}

/// Asks for a part of an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkQuery {
    /// Of which.
    pub artifact: Artifact,
    /// The first byte wanted.
    pub offset: u64,
    /// At most so many bytes; at most [`MAX_CHUNK`] are sent.
    pub max_len: u32,
}

/// A part of an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Length of the whole, in bytes.
    pub total: u64,
    /// The bytes from the offset that was asked for.
    pub bytes: Bytes,
}

/// Why there is no chunk.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum ChunkRefusal {
    /// No such artifact is stored here.
    #[error("there is no {artifact} here")]
    Unknown {
        /// What was asked for.
        artifact: Artifact,
    },
    /// The offset lies behind its end.
    #[error("{artifact} has {total} bytes; there is nothing at {offset}")]
    OutOfRange {
        /// What was asked for.
        artifact: Artifact,
        /// Its length.
        total: u64,
        /// The offset asked for.
        offset: u64,
    },
    /// It cannot be read now.
    #[error("{artifact} cannot be read: {reason}")]
    Unavailable {
        /// What was asked for.
        artifact: Artifact,
        /// Why.
        reason: String,
    },
}

/// A prover at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProverStatus {
    /// What it does now, in a few words.
    pub activity: String,
    /// The job that it works at.
    pub job: Option<(JobId, JobKind)>,
    /// How far it is.
    pub progress: JobProgress,
    /// Since when, in seconds.
    pub seconds: u64,
    /// Jobs finished since the start, by kind: how many, and how long they took on average.
    pub finished: Vec<(JobKind, u64, Duration)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::decode;

    #[test]
    fn a_worker_is_named_by_its_name_and_its_start() {
        let first = WorkerId {
            name: "prover-1".into(),
            incarnation: 1,
        };
        let again = WorkerId {
            incarnation: 2,
            ..first.clone()
        };
        assert_ne!(first.digest(), again.digest());
        assert_eq!(first.digest(), first.clone().digest());
        assert_eq!(
            WorkerId {
                name: "p".into(),
                incarnation: 0xab << 32
            }
            .to_string(),
            "p#000000ab"
        );
    }

    #[test]
    fn an_offer_survives_the_wire() {
        let offer = Offer {
            worker: WorkerId {
                name: "prover-1".into(),
                incarnation: 7,
            },
            memory: 9 << 30,
            cores: 2,
            profile: "secure".into(),
            circuits_version: B256::repeat_byte(3),
            holding: vec![Fence(4), Fence(5)],
            wait: Duration::from_secs(20),
        };
        assert_eq!(decode::<Offer>(&encode(&offer)).unwrap(), offer);
    }
}
