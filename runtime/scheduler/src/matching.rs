//! Who gets which job.

use std::ops::Bound;

use tern_messages::{JobId, Offer};

use super::entry::Entry;
use super::leases::MOST_LEASES;
use super::{Machine, Moment, Place, Policy, RequestId};

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
        let mut place = None;
        while !self.waiting.is_empty()
            && let Some(next) = self.ready_after(place)
        {
            if let Some(request) = self.best_worker(&next.2) {
                self.grant(now, request, &next.2);
            }
            place = Some(next);
        }
        self.hedge(now);
    }

    fn ready_after(&self, place: Option<Place>) -> Option<Place> {
        let start = place.map_or(Bound::Unbounded, Bound::Excluded);
        self.ready.range((start, Bound::Unbounded)).next().copied()
    }

    /// Gives stragglers' jobs to workers that nothing else can be given to, the latest job first.
    fn hedge(&mut self, now: Moment) {
        if self.waiting.is_empty() {
            return;
        }
        for job in self.stragglers(now) {
            if let Some(request) = self.second_worker(&job) {
                self.grant(now, request, &job);
            }
        }
    }

    /// Jobs that have been running longer than is usual, on one worker alone; the latest first.
    fn stragglers(&self, now: Moment) -> Vec<JobId> {
        let late = self.leases.values().filter_map(|held| {
            let entry = self.jobs.get(&held.job)?;
            let patience = self.durations.usual(entry.job.kind())? * self.policy.hedge_factor;
            let late = now.saturating_sub(held.granted + patience.max(self.policy.hedge_after));
            let alone = entry.is_runnable() && entry.leases.len() < MOST_LEASES;
            (alone && !late.is_zero()).then_some((late, held.job))
        });
        let mut late: Vec<_> = late.collect();
        late.sort_unstable_by(|a, b| b.cmp(a));
        late.into_iter().map(|(_, job)| job).collect()
    }

    /// The worker that has waited longest among those that may run the job beside its holder.
    fn second_worker(&self, job: &JobId) -> Option<RequestId> {
        let entry = self.jobs.get(job)?;
        let holders: Vec<&str> = entry
            .leases
            .iter()
            .filter_map(|fence| Some(self.leases.get(fence)?.worker.name.as_str()))
            .collect();
        let mut waiting = self.waiting.iter();
        waiting
            .find(|(_, waiting)| {
                suits(&self.policy, entry, &waiting.offer)
                    && !holders.contains(&waiting.offer.worker.name.as_str())
            })
            .map(|(request, _)| *request)
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

    /// The worker that holds a lease.
    #[cfg(test)]
    pub(super) fn holder(&self, fence: &tern_messages::Fence) -> Option<&tern_messages::WorkerId> {
        self.leases.get(fence).map(|held| &held.worker)
    }
}
