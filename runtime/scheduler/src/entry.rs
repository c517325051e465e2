//! One job and where it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tern_messages::{Fence, Job, JobId, WorkerId};

use super::Place;

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: JobId,
    pub(super) job: Job,
    /// The oldest block that needs the job.
    pub(super) group: u64,
    /// Steps below it: 0 for a segment.
    pub(super) level: u32,
    /// Children whose proofs are not there.
    pub(super) missing: BTreeSet<JobId>,
    /// Live leases: one, or two when hedged.
    pub(super) leases: BTreeSet<Fence>,
    /// Workers whose proofs are being verified, and how long they took, where that is known.
    pub(super) judging: BTreeMap<WorkerId, Option<Duration>>,
    /// Workers that never get it again.
    pub(super) barred: BTreeSet<WorkerId>,
    /// Names of workers whose proofs of it were not valid: what they send without having a lease is
    /// not verified any more.
    pub(super) liars: BTreeSet<String>,
    /// Workers on which it failed since the coordinator started.
    pub(super) failed: BTreeSet<WorkerId>,
    /// Workers that fell silent over it since the coordinator started.
    pub(super) lost: BTreeSet<WorkerId>,
    pub(super) fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Open,
    Parked,
    Done,
}

impl Entry {
    pub(super) fn new(id: JobId, job: Job, group: u64, level: u32) -> Self {
        Self {
            id,
            job,
            group,
            level,
            missing: BTreeSet::new(),
            leases: BTreeSet::new(),
            judging: BTreeMap::new(),
            barred: BTreeSet::new(),
            liars: BTreeSet::new(),
            failed: BTreeSet::new(),
            lost: BTreeSet::new(),
            fate: Fate::Open,
        }
    }

    pub(super) fn place(&self) -> Place {
        (self.group, self.level, self.id)
    }

    pub(super) fn is_done(&self) -> bool {
        self.fate == Fate::Done
    }

    /// Somebody should be given the job.
    pub(super) fn is_ready(&self) -> bool {
        self.is_runnable() && self.leases.is_empty()
    }

    /// A worker may work at the job, perhaps beside another one.
    pub(super) fn is_runnable(&self) -> bool {
        self.fate == Fate::Open && self.missing.is_empty() && self.judging.is_empty()
    }
}
