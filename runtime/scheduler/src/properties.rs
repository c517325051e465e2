//! Random workers, crashes, restarts and lies: what must hold whatever happens.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tern_messages::{FailureCause, JobFailure, JobProgress, Renewal};

use super::matching::suits;
use super::tests::{GB, block, offer, policy, worker};
use super::*;

#[derive(Clone, Debug)]
enum Step {
    PlanBlock { segments: u32 },
    Offer { worker: u8, heavy: bool },
    Complete { pick: usize, valid: bool },
    Fail { pick: usize, released: bool },
    Renew { pick: usize },
    Pass { seconds: u64 },
    RestartWorker { worker: u8 },
    RestartCoordinator,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (1..5u32).prop_map(|segments| Step::PlanBlock { segments }),
        8 => (0..5u8, any::<bool>()).prop_map(|(worker, heavy)| Step::Offer { worker, heavy }),
        8 => (any::<usize>(), prop::bool::weighted(0.9))
            .prop_map(|(pick, valid)| Step::Complete { pick, valid }),
        2 => (any::<usize>(), any::<bool>())
            .prop_map(|(pick, released)| Step::Fail { pick, released }),
        3 => any::<usize>().prop_map(|pick| Step::Renew { pick }),
        4 => (1..45u64).prop_map(|seconds| Step::Pass { seconds }),
        1 => (0..5u8).prop_map(|worker| Step::RestartWorker { worker }),
        1 => Just(Step::RestartCoordinator),
    ];
    prop::collection::vec(step, 1..120)
}

/// What a test knows from the outside: the disk, and what the workers were told.
struct World {
    machine: Machine,
    now: u64,
    epoch: u32,
    requests: u64,
    blocks: Vec<Vec<Planned>>,
    incarnations: [u64; 5],
    /// Everything ever granted, whether the lease still lives or not.
    granted: Vec<(Lease, WorkerId)>,
    proofs: BTreeSet<JobId>,
    failures: BTreeSet<(JobId, WorkerId)>,
    leases_on_disk: Vec<LeaseRecord>,
    last_fence: Fence,
}

impl World {
    fn new() -> Self {
        Self {
            machine: Machine::new(policy(), 1),
            now: 0,
            epoch: 1,
            requests: 0,
            blocks: vec![],
            incarnations: [1; 5],
            granted: vec![],
            proofs: BTreeSet::new(),
            failures: BTreeSet::new(),
            leases_on_disk: vec![],
            last_fence: Fence(0),
        }
    }

    fn at(&self) -> Moment {
        Duration::from_secs(self.now)
    }

    fn worker(&self, index: u8) -> WorkerId {
        let incarnation = self.incarnations[usize::from(index)];
        WorkerId {
            incarnation,
            ..worker(&format!("w{index}"))
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::SaveLease(record) => self.leases_on_disk.push(record),
                Effect::DropLease(fence) => self.leases_on_disk.retain(|r| r.fence != fence),
                Effect::SaveFailure { job, worker, .. } => {
                    self.failures.insert((job, worker));
                }
                Effect::Grant { lease, worker, .. } => {
                    assert!(lease.fence > self.last_fence, "fences grow");
                    self.last_fence = lease.fence;
                    assert!(
                        !self.proofs.contains(&lease.id),
                        "a finished job is not handed out"
                    );
                    assert!(!self.failures.contains(&(lease.id, worker.clone())));
                    for child in lease.job.children() {
                        assert!(self.proofs.contains(&child), "children come first");
                    }
                    self.granted.push((lease, worker));
                }
                Effect::Finished { job, .. } => {
                    assert!(self.proofs.contains(&job), "only after the proof is stored");
                }
                Effect::NothingToDo { .. }
                | Effect::Dismiss { .. }
                | Effect::Expired { .. }
                | Effect::Parked { .. } => {}
            }
        }
        self.nobody_idles_beside_work();
    }

    fn nobody_idles_beside_work(&self) {
        for (_, _, id) in &self.machine.ready {
            let entry = &self.machine.jobs[id];
            for waiting in self.machine.waiting.values() {
                assert!(
                    !suits(&self.machine.policy, entry, &waiting.offer),
                    "{waiting:?} idles"
                );
            }
        }
        for entry in self.machine.jobs.values() {
            assert!(entry.leases.len() <= leases::MOST_LEASES);
        }
    }

    fn complete(&mut self, lease: &Lease, worker: &WorkerId, valid: bool) {
        let (now, had) = (self.at(), self.proofs.contains(&lease.id));
        let (judgement, effects) =
            self.machine
                .complete(now, &lease.id, worker.clone(), lease.fence);
        self.carry_out(effects);
        if judgement != Judgement::Verify {
            assert!(
                had || judgement == Judgement::Barred,
                "a proof of a planned job is only turned away when there is one, or from a liar"
            );
            return;
        }
        let effects = if valid {
            assert!(self.proofs.insert(lease.id), "finished twice");
            self.machine.accepted(now, &lease.id, worker)
        } else {
            self.machine.refused(now, &lease.id, worker, "made up")
        };
        self.carry_out(effects);
    }

    fn planned(&self, block: &[Planned]) -> Vec<Planned> {
        let done = |planned: &Planned| self.proofs.contains(&planned.id);
        block
            .iter()
            .map(|p| Planned {
                done: done(p),
                ..p.clone()
            })
            .collect()
    }

    fn restart_coordinator(&mut self) {
        self.epoch += 1;
        self.machine = Machine::new(policy(), self.epoch);
        let now = self.at();
        for (number, block) in (1u64..).zip(self.blocks.clone()) {
            let jobs = self.planned(&block);
            let effects = self.machine.plan(now, number, jobs);
            self.carry_out(effects);
        }
        for (job, worker) in self.failures.clone() {
            self.machine.restore_failure(&job, worker);
        }
        for record in self.leases_on_disk.clone() {
            let effects = self.machine.restore_lease(now, record);
            self.carry_out(effects);
        }
    }

    fn step(&mut self, step: Step) {
        let now = self.at();
        let granted = |pick: usize| match self.granted.len() {
            0 => None,
            len => Some(self.granted[pick % len].clone()),
        };
        match step {
            Step::PlanBlock { segments } => {
                let number = u8::try_from(self.blocks.len() + 1).unwrap();
                let jobs = block(number, segments);
                self.blocks.push(jobs.clone());
                let effects = self.machine.plan(now, u64::from(number), jobs);
                self.carry_out(effects);
            }
            Step::Offer { worker, heavy } => {
                self.requests += 1;
                let offer = offer(self.worker(worker), if heavy { 9 * GB } else { 3 * GB });
                let effects = self.machine.offer(now, RequestId(self.requests), offer);
                self.carry_out(effects);
            }
            Step::Complete { pick, valid } => {
                let Some((lease, worker)) = granted(pick) else {
                    return;
                };
                self.complete(&lease, &worker, valid);
            }
            Step::Fail { pick, released } => {
                let Some((lease, worker)) = granted(pick) else {
                    return;
                };
                let cause = match released {
                    true => FailureCause::Released,
                    false => FailureCause::Worker {
                        reason: "it failed".into(),
                    },
                };
                let failure = JobFailure {
                    worker,
                    job: lease.id,
                    fence: lease.fence,
                    cause,
                };
                let effects = self.machine.fail(now, failure);
                self.carry_out(effects);
            }
            Step::Renew { pick } => {
                let Some((lease, worker)) = granted(pick) else {
                    return;
                };
                let progress = JobProgress::default();
                let renewal = Renewal {
                    worker,
                    job: lease.id,
                    fence: lease.fence,
                    progress,
                };
                let (_, effects) = self.machine.renew(now, renewal);
                self.carry_out(effects);
            }
            Step::Pass { seconds } => {
                self.now += seconds;
                let effects = self.machine.tick(self.at());
                self.carry_out(effects);
            }
            Step::RestartWorker { worker } => self.incarnations[usize::from(worker)] += 1,
            Step::RestartCoordinator => self.restart_coordinator(),
        }
    }

    /// A new, honest and sufficient worker arrives after a restart: everything must get done.
    fn finish_everything(&mut self) {
        self.restart_coordinator();
        self.now += 60;
        let effects = self.machine.tick(self.at());
        self.carry_out(effects);
        let fresh = worker("fresh");
        loop {
            self.requests += 1;
            let before = self.granted.len();
            let offer = offer(fresh.clone(), 9 * GB);
            let effects = self
                .machine
                .offer(self.at(), RequestId(self.requests), offer);
            self.carry_out(effects);
            let Some((lease, _)) = self.granted.get(before).cloned() else {
                break;
            };
            self.complete(&lease, &fresh, true);
        }
        let all: BTreeSet<_> = self
            .blocks
            .iter()
            .flatten()
            .map(|planned| planned.id)
            .collect();
        assert_eq!(self.proofs, all, "no job is lost");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_job_is_lost_or_done_twice_and_no_worker_idles_beside_work(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        world.finish_everything();
    }
}
