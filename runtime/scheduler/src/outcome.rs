//! How jobs end: with a proof that is judged, or with a failure.

use tern_messages::{FailureCause, Fence, JobFailure, JobId, WorkerId};

use super::{Effect, Machine, Moment};

/// What to do about a proof that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Verify it, store it, and call [`Machine::accepted`] or [`Machine::refused`].
    Verify,
    /// The same is being verified already.
    Underway,
    /// A valid proof is there.
    AlreadyDone,
    /// No such job is planned.
    NotWanted,
    /// A proof of the job from a worker of this name was not valid, and it has no lease now: not looked at.
    Barred,
}

impl Machine {
    /// A proof came in, perhaps late, perhaps from somebody who never had the job: valid proofs are welcome.
    pub fn complete(
        &mut self,
        now: Moment,
        job: &JobId,
        worker: WorkerId,
        fence: Fence,
    ) -> (Judgement, Vec<Effect>) {
        let Some(entry) = self.jobs.get(job) else {
            return (Judgement::NotWanted, Vec::new());
        };
        if entry.is_done() {
            return (Judgement::AlreadyDone, Vec::new());
        }
        if entry.liars.contains(&worker.name) && !self.owns(&fence, &worker, job) {
            return (Judgement::Barred, Vec::new());
        }
        if entry.judging.contains_key(&worker) {
            return (Judgement::Underway, Vec::new());
        }
        let held = if self.owns(&fence, &worker, job) {
            self.end_lease(&fence)
        } else {
            None
        };
        let took = held.map(|held| now.saturating_sub(held.granted));
        if let Some(entry) = self.jobs.get_mut(job) {
            entry.judging.insert(worker, took);
        }
        self.settle(job);
        (Judgement::Verify, std::mem::take(&mut self.out))
    }

    /// The proof under judgement is valid, and durable. Says [`Effect::Finished`] if it is the first.
    pub fn accepted(&mut self, now: Moment, job: &JobId, worker: &WorkerId) -> Vec<Effect> {
        let Some(entry) = self.jobs.get_mut(job) else {
            return Vec::new();
        };
        let took = entry.judging.remove(worker).flatten();
        if entry.is_done() {
            return Vec::new();
        }
        let kind = entry.job.kind();
        if let Some(took) = took {
            self.durations.record(kind, took);
        }
        self.finish(job);
        self.out.push(Effect::Finished {
            job: *job,
            kind,
            took,
        });
        self.advance(now)
    }

    /// The proof under judgement is not valid: its worker never gets the job again.
    pub fn refused(
        &mut self,
        now: Moment,
        job: &JobId,
        worker: &WorkerId,
        reason: &str,
    ) -> Vec<Effect> {
        if let Some(entry) = self.jobs.get_mut(job)
            && let Some(took) = entry.judging.remove(worker)
        {
            entry.liars.insert(worker.name.clone());
            let reason = format!("its proof is not valid: {reason}");
            self.bar(job, worker.clone(), reason, took.is_some());
        }
        self.settle(job);
        self.advance(now)
    }

    /// The proof under judgement could not be judged (the disk refused, say): it counts as never sent.
    pub fn unjudged(&mut self, now: Moment, job: &JobId, worker: &WorkerId) -> Vec<Effect> {
        if let Some(entry) = self.jobs.get_mut(job) {
            entry.judging.remove(worker);
        }
        self.settle(job);
        self.advance(now)
    }

    /// A worker gives a job back.
    pub fn fail(&mut self, now: Moment, failure: JobFailure) -> Vec<Effect> {
        let JobFailure {
            worker,
            job,
            fence,
            cause,
        } = failure;
        let own = self.owns(&fence, &worker, &job);
        if own {
            self.end_lease(&fence);
        }
        match cause {
            FailureCause::Released => {}
            FailureCause::Worker { reason } | FailureCause::Job { reason } => {
                self.bar(&job, worker, reason, own);
            }
        }
        self.settle(&job);
        self.advance(now)
    }

    fn owns(&self, fence: &Fence, worker: &WorkerId, job: &JobId) -> bool {
        self.leases
            .get(fence)
            .is_some_and(|held| held.worker == *worker && held.job == *job)
    }

    /// Keeps a job from a worker. The failure counts against the job only if the worker had it under a lease:
    /// nobody can have jobs parked that it was never given.
    fn bar(&mut self, job: &JobId, worker: WorkerId, reason: String, counts: bool) {
        let Some(entry) = self.jobs.get_mut(job).filter(|entry| !entry.is_done()) else {
            return;
        };
        if counts {
            entry.failed.insert(worker.clone());
        }
        if entry.barred.insert(worker.clone()) {
            self.out.push(Effect::SaveFailure {
                job: *job,
                worker,
                reason,
            });
        }
        self.park_if_hopeless(job);
    }
}
