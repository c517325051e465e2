//! The proof coordinator's decisions: a state machine without clock, disk or network.
//!
//! ```text
//!             children done            Offer                 Completion         valid, stored
//!  waiting ────────────────▶ ready ──────────▶ leased ────────────────▶ judged ─────────────▶ done
//!                              ▲                 │ expired, released,     │ invalid
//!                              ├─────────────────┘ failed                 │
//!                              ├──────────────────────────────────────────┘
//!                              ▼ failed on too many workers
//!                            parked ─── a late valid proof ──▶ done
//! ```
//!
//! Every method takes the present [`Moment`] where time matters and returns [`Effect`]s, to be carried out in
//! order. Properties (see `properties`): no job is lost, none is finished twice, a worker never gets a job
//! that failed on it, and no worker waits while there is a ready job that it may run.

mod drain;
mod durations;
mod entry;
mod leases;
mod matching;
mod outcome;
mod planning;
mod policy;
#[cfg(test)]
mod properties;
mod summary;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tern_messages::{Fence, Job, JobId, JobKind, Lease, Offer, WorkerId};

use drain::Drained;
use durations::Durations;
use entry::Entry;
use leases::Held;
pub use leases::LeaseRecord;
use matching::Waiting;
pub use outcome::Judgement;
pub use policy::Policy;

/// Time since the coordinator started, by its monotonic clock.
pub type Moment = Duration;

/// Names a worker's question that waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A job to be done, or known to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The job's name.
    pub id: JobId,
    /// The job.
    pub job: Job,
    /// Its proof is stored already.
    pub done: bool,
}

/// What is to be done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Remember a lease over restarts.
    SaveLease(LeaseRecord),
    /// Forget a lease.
    DropLease(Fence),
    /// Remember that a job failed on a worker.
    SaveFailure {
        /// The job.
        job: JobId,
        /// The worker.
        worker: WorkerId,
        /// What it said.
        reason: String,
    },
    /// Answer a question with a job.
    Grant {
        /// The question.
        request: RequestId,
        /// The job.
        lease: Lease,
        /// Who gets it.
        worker: WorkerId,
        /// Another worker has it too.
        hedge: bool,
    },
    /// Answer a question: there is no job.
    NothingToDo {
        /// The question.
        request: RequestId,
    },
    /// Answer a question: the worker gets nothing more, and is to leave.
    Dismiss {
        /// The question.
        request: RequestId,
    },
    /// A lease ended because it was not renewed.
    Expired {
        /// The job.
        job: JobId,
        /// Who held it.
        worker: WorkerId,
    },
    /// The job's proof is there. Said once for each job.
    Finished {
        /// The job.
        job: JobId,
        /// Its kind.
        kind: JobKind,
        /// From lease to proof, where the lease was still known.
        took: Option<Duration>,
    },
    /// Nobody gets this job any more: an operator must look.
    Parked {
        /// The job.
        job: JobId,
        /// Its kind.
        kind: JobKind,
        /// What happened.
        reason: String,
    },
}

/// Where a ready job stands in line: the oldest blocks first, and of these what lies deepest, since the most
/// steps wait for it.
type Place = (u64, u32, JobId);

/// Which worker gets which job. See the crate's head.
#[derive(Debug)]
pub struct Machine {
    policy: Policy,
    jobs: BTreeMap<JobId, Entry>,
    /// The jobs that wait for a proof, by the job that yields it; the latter need not be planned yet.
    dependents: BTreeMap<JobId, BTreeSet<JobId>>,
    ready: BTreeSet<Place>,
    leases: BTreeMap<Fence, Held>,
    waiting: BTreeMap<RequestId, Waiting>,
    durations: Durations,
    next_fence: u64,
    /// When workers of each name last asked for a job.
    seen: BTreeMap<String, Moment>,
    /// Workers that get no more jobs.
    drained: Drained,
    out: Vec<Effect>,
}

impl Machine {
    /// A machine without jobs. `epoch` must be greater at each start: fences begin with it.
    pub fn new(policy: Policy, epoch: u32) -> Self {
        Self {
            policy,
            jobs: BTreeMap::new(),
            dependents: BTreeMap::new(),
            ready: BTreeSet::new(),
            leases: BTreeMap::new(),
            waiting: BTreeMap::new(),
            durations: Durations::default(),
            next_fence: u64::from(epoch) << 32,
            seen: BTreeMap::new(),
            drained: Drained::default(),
            out: Vec::new(),
        }
    }

    /// A worker asks for a job. The answer is an effect, now or by a later call.
    pub fn offer(&mut self, now: Moment, request: RequestId, offer: Offer) -> Vec<Effect> {
        self.give_up_leases_not_held(&offer);
        self.seen.insert(offer.worker.name.clone(), now);
        let remembered = self.policy.remembered;
        self.seen
            .retain(|_, last| now.saturating_sub(*last) < remembered);
        let same = |waiting: &Waiting| waiting.offer.worker.name == offer.worker.name;
        let earlier: Vec<_> = self
            .waiting
            .iter()
            .filter(|(_, w)| same(w))
            .map(|(id, _)| *id)
            .collect();
        for request in earlier {
            self.waiting.remove(&request);
            self.out.push(Effect::NothingToDo { request });
        }
        if self.drained.holds(&offer.worker) {
            self.out.push(Effect::Dismiss { request });
            return self.advance(now);
        }
        let deadline = now + offer.wait.min(self.policy.longest_wait);
        self.waiting.insert(request, Waiting { offer, deadline });
        self.advance(now)
    }

    /// Time has passed: call it a few times per second.
    pub fn tick(&mut self, now: Moment) -> Vec<Effect> {
        self.expire_leases(now);
        self.match_waiting(now);
        let late: Vec<_> = self
            .waiting
            .iter()
            .filter(|(_, w)| w.deadline <= now)
            .map(|(id, _)| *id)
            .collect();
        for request in late {
            self.waiting.remove(&request);
            self.out.push(Effect::NothingToDo { request });
        }
        std::mem::take(&mut self.out)
    }

    /// Whether the job's proof is known to be there.
    pub fn is_done(&self, job: &JobId) -> bool {
        self.jobs.get(job).is_some_and(Entry::is_done)
    }

    /// Jobs that wait for nothing but a worker.
    pub fn ready_count(&self) -> usize {
        self.ready.len()
    }

    /// The job of this name.
    pub fn job(&self, id: &JobId) -> Option<&Job> {
        self.jobs.get(id).map(|entry| &entry.job)
    }

    fn advance(&mut self, now: Moment) -> Vec<Effect> {
        self.match_waiting(now);
        std::mem::take(&mut self.out)
    }
}
