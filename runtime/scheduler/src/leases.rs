//! Leases: given, renewed, given up, expired, and restored after a restart.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tern_messages::{Fence, JobId, JobProgress, Lease, Offer, Renewal, RenewalAnswer, WorkerId};

use super::entry::Fate;
use super::{Effect, Machine, Moment, RequestId};

/// A lease as it is kept on disk. Times are not kept: they mean nothing to another process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// Names the lease.
    pub fence: Fence,
    /// What was leased.
    pub job: JobId,
    /// To whom.
    pub worker: WorkerId,
}

#[derive(Debug)]
pub(super) struct Held {
    pub(super) job: JobId,
    pub(super) worker: WorkerId,
    pub(super) granted: Moment,
    pub(super) expires: Moment,
    pub(super) progress: JobProgress,
}

/// A straggler's job is given to one more worker, not to many.
pub(super) const MOST_LEASES: usize = 2;

impl Machine {
    /// Takes over a lease of the coordinator's last run; its worker gets the whole time to renew it.
    pub fn restore_lease(&mut self, now: Moment, record: LeaseRecord) -> Vec<Effect> {
        let runnable = self
            .jobs
            .get(&record.job)
            .is_some_and(|entry| entry.is_runnable());
        if runnable {
            self.hold(now, &record);
        } else {
            self.out.push(Effect::DropLease(record.fence));
        }
        std::mem::take(&mut self.out)
    }

    /// Takes over a failure of the coordinator's last run: the worker never gets the job again.
    pub fn restore_failure(&mut self, job: &JobId, worker: WorkerId) {
        if let Some(entry) = self.jobs.get_mut(job) {
            entry.barred.insert(worker);
        }
    }

    /// A worker is still at its job. A lease that expired meanwhile lives again if the job still needs it.
    pub fn renew(&mut self, now: Moment, renewal: Renewal) -> (RenewalAnswer, Vec<Effect>) {
        let Renewal {
            worker,
            job,
            fence,
            progress,
        } = renewal;
        let expires = now + self.policy.lease_ttl;
        let held = self
            .leases
            .get_mut(&fence)
            .filter(|h| h.worker == worker && h.job == job);
        if let Some(held) = held {
            held.expires = expires;
            held.progress = progress;
            return (RenewalAnswer::Continue, Vec::new());
        }
        let revives = !self.leases.contains_key(&fence)
            && fence.0 < self.next_fence
            && self.jobs.get(&job).is_some_and(|entry| {
                entry.is_runnable()
                    && entry.leases.len() < MOST_LEASES
                    && !entry.barred.contains(&worker)
            });
        if !revives {
            return (RenewalAnswer::Abandon, Vec::new());
        }
        let record = LeaseRecord { fence, job, worker };
        self.hold(now, &record);
        self.out.push(Effect::SaveLease(record));
        (RenewalAnswer::Continue, std::mem::take(&mut self.out))
    }

    /// The connection to the worker of this name was lost: its leases live for [`Policy::grace`] more at most, unless
    /// it comes back and renews them. Returns how many there are.
    ///
    /// [`Policy::grace`]: crate::Policy::grace
    pub fn gone(&mut self, now: Moment, worker: &str) -> usize {
        let end = now + self.policy.grace;
        let held = self
            .leases
            .values_mut()
            .filter(|held| held.worker.name == worker);
        held.map(|held| held.expires = held.expires.min(end))
            .count()
    }

    /// The worker says what it holds: all its other leases, and those of its earlier starts, are void.
    pub(super) fn give_up_leases_not_held(&mut self, offer: &Offer) {
        let void = self.leases.iter().filter(|(fence, held)| {
            held.worker.name == offer.worker.name
                && (held.worker != offer.worker || !offer.holding.contains(fence))
        });
        let void: Vec<Fence> = void.map(|(fence, _)| *fence).collect();
        for fence in void {
            self.end_lease(&fence);
        }
    }

    pub(super) fn expire_leases(&mut self, now: Moment) {
        let expired: Vec<Fence> = self
            .leases
            .iter()
            .filter(|(_, held)| held.expires <= now)
            .map(|(fence, _)| *fence)
            .collect();
        for fence in expired {
            let Some(Held { job, worker, .. }) = self.end_lease(&fence) else {
                continue;
            };
            self.out.push(Effect::Expired {
                job,
                worker: worker.clone(),
            });
            if let Some(entry) = self.jobs.get_mut(&job) {
                entry.lost.insert(worker);
            }
            self.park_if_hopeless(&job);
        }
    }

    /// Ends a lease; the job returns to the line if nobody else has it.
    pub(super) fn end_lease(&mut self, fence: &Fence) -> Option<Held> {
        let held = self.leases.remove(fence)?;
        self.out.push(Effect::DropLease(*fence));
        if let Some(entry) = self.jobs.get_mut(&held.job) {
            entry.leases.remove(fence);
        }
        self.settle(&held.job);
        Some(held)
    }

    pub(super) fn grant(&mut self, now: Moment, request: RequestId, job: &JobId) {
        let Some(waiting) = self.waiting.remove(&request) else {
            return;
        };
        let Some(entry) = self.jobs.get(job) else {
            return;
        };
        let (hedge, description) = (!entry.leases.is_empty(), entry.job.clone());
        let fence = Fence(self.next_fence);
        self.next_fence += 1;
        let worker = waiting.offer.worker;
        let record = LeaseRecord {
            fence,
            job: *job,
            worker: worker.clone(),
        };
        self.hold(now, &record);
        let lease = Lease {
            id: *job,
            job: description,
            fence,
            ttl: self.policy.lease_ttl,
        };
        self.out.push(Effect::SaveLease(record));
        self.out.push(Effect::Grant {
            request,
            lease,
            worker,
            hedge,
        });
    }

    fn hold(&mut self, now: Moment, record: &LeaseRecord) {
        let held = Held {
            job: record.job,
            worker: record.worker.clone(),
            granted: now,
            expires: now + self.policy.lease_ttl,
            progress: JobProgress::default(),
        };
        self.leases.insert(record.fence, held);
        if let Some(entry) = self.jobs.get_mut(&record.job) {
            entry.leases.insert(record.fence);
        }
        self.settle(&record.job);
    }

    pub(super) fn park_if_hopeless(&mut self, job: &JobId) {
        let Some(entry) = self.jobs.get_mut(job) else {
            return;
        };
        let workers = self.seen.len();
        let hopeless = |on: &BTreeSet<WorkerId>, most: usize| {
            if workers < 2 {
                return on.len() >= most;
            }
            let names: BTreeSet<_> = on.iter().map(|worker| &worker.name).collect();
            names.len() >= most.min(workers)
        };
        let failed = hopeless(&entry.failed, self.policy.most_failures);
        let lost = hopeless(&entry.lost, self.policy.most_losses);
        if entry.fate != Fate::Open || !(failed || lost) {
            return;
        }
        entry.fate = Fate::Parked;
        let names = |workers: &BTreeSet<WorkerId>| {
            workers
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let reason = if failed {
            format!("it failed on {}", names(&entry.failed))
        } else {
            format!("its workers fell silent: {}", names(&entry.lost))
        };
        let kind = entry.job.kind();
        self.settle(job);
        self.out.push(Effect::Parked {
            job: *job,
            kind,
            reason,
        });
    }
}
