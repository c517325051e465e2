//! Who gets which job.

use tern_messages::{JobId, Offer};

use super::entry::Entry;
use super::leases::MOST_LEASES;
use super::{Machine, Moment, Policy, RequestId};

/// A worker's question that waits for an answer.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) offer: Offer,
    pub(super) deadline: Moment,
}

/// Whether the worker that made the offer may run the job.
pub(super) fn suits(policy: &Policy, entry: &Entry, offer: &Offer) -> bool {
    policy.memory(entry.job.kind()) <= offer.memory && !entry.barred.contains(&offer.worker)
}

impl Machine {
    /// Gives ready jobs to waiting workers, in order of the jobs' places; then hedges stragglers.
    pub(super) fn match_waiting(&mut self, now: Moment) {
        if self.waiting.is_empty() {
            return;
        }
        let line: Vec<JobId> = self.ready.iter().map(|(_, _, id)| *id).collect();
        for job in line {
            if let Some(request) = self.best_worker(&job) {
                self.grant(now, request, &job);
            }
        }
        let idle: Vec<RequestId> = self.waiting.keys().copied().collect();
        for request in idle {
            if let Some(job) = self.straggler_for(now, request) {
                self.grant(now, request, &job);
            }
        }
    }

    /// The waiting worker with the least memory that suffices, so that larger ones stay free for larger jobs;
    /// among equals the one that has waited longest.
    fn best_worker(&self, job: &JobId) -> Option<RequestId> {
        let entry = self.jobs.get(job)?;
        self.waiting
            .iter()
            .filter(|(_, waiting)| suits(&self.policy, entry, &waiting.offer))
            .min_by_key(|(request, waiting)| (waiting.offer.memory, **request))
            .map(|(request, _)| *request)
    }

    /// The job that has been running longest beyond what is usual, and that this worker may run too.
    fn straggler_for(&self, now: Moment, request: RequestId) -> Option<JobId> {
        let offer = &self.waiting.get(&request)?.offer;
        self.leases
            .values()
            .filter(|held| held.worker.name != offer.worker.name)
            .filter_map(|held| Some((held, self.jobs.get(&held.job)?)))
            .filter(|(_, entry)| entry.is_runnable() && entry.leases.len() < MOST_LEASES)
            .filter(|(_, entry)| suits(&self.policy, entry, offer))
            .filter_map(|(held, entry)| {
                let patience = self.durations.usual(entry.job.kind())? * self.policy.hedge_factor;
                let late = now.saturating_sub(held.granted + patience.max(self.policy.hedge_after));
                (!late.is_zero()).then_some((late, held.job))
            })
            .max()
            .map(|(_, job)| job)
    }

    /// The worker that holds a lease.
    #[cfg(test)]
    pub(super) fn holder(&self, fence: &tern_messages::Fence) -> Option<&tern_messages::WorkerId> {
        self.leases.get(fence).map(|held| &held.worker)
    }
}
