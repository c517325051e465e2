//! The machine at a glance, and why nothing moves.

use tern_messages::{ProofStatus, RunningJob};

use super::entry::Fate;
use super::matching::suits;
use super::{Machine, Moment};

impl Machine {
    /// Counts, running jobs, and why nothing moves if nothing does.
    pub fn summary(&self, now: Moment) -> ProofStatus {
        let running: Vec<RunningJob> = self
            .leases
            .values()
            .filter_map(|held| {
                Some(RunningJob {
                    id: held.job,
                    kind: self.jobs.get(&held.job)?.job.kind(),
                    worker: held.worker.clone(),
                    seconds: now.saturating_sub(held.granted).as_secs(),
                    step: held.progress.step.clone(),
                })
            })
            .collect();
        let open = self.jobs.values().filter(|entry| entry.fate == Fate::Open);
        let parked: Vec<_> = self
            .jobs
            .values()
            .filter(|entry| entry.fate == Fate::Parked)
            .map(|entry| entry.id)
            .collect();
        let blocked = if running.is_empty() {
            self.blocked(&parked)
        } else {
            None
        };
        ProofStatus {
            waiting: open.filter(|entry| !entry.missing.is_empty()).count() as u64,
            ready: self.ready.len() as u64,
            running,
            idle_workers: self.waiting.len() as u64,
            blocked,
            parked,
            draining: self.drained.names().cloned().collect(),
        }
    }

    fn blocked(&self, parked: &[tern_messages::JobId]) -> Option<String> {
        let Some((_, _, first)) = self.ready.first() else {
            return parked
                .first()
                .map(|job| format!("job {job} is parked, and all else waits for it"));
        };
        let entry = self.jobs.get(first)?;
        let need = self.policy.memory(entry.job.kind()) >> 20;
        let kind = entry.job.kind();
        if self.waiting.is_empty() {
            return Some(format!(
                "no prover asks for work; {} jobs are ready",
                self.ready.len()
            ));
        }
        let failed = self
            .waiting
            .values()
            .any(|waiting| entry.barred.contains(&waiting.offer.worker));
        let fits = self
            .waiting
            .values()
            .any(|waiting| suits(&self.policy, entry, &waiting.offer));
        (!fits).then(|| match failed {
            true => format!("job {first} ({kind:?}) failed on every prover that asks for work"),
            false => format!("job {first} ({kind:?}) needs {need} MB, more than any prover offers"),
        })
    }
}
