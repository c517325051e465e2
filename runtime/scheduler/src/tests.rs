use alloy::primitives::B256;
use tern_messages::{
    BlobId, FailureCause, JobFailure, JobProgress, Renewal, RenewalAnswer, SpanBoundary,
};

use super::*;

pub(super) const GB: u64 = 1 << 30;
const TTL: Duration = Duration::from_secs(30);

pub(super) fn policy() -> Policy {
    Policy {
        lease_ttl: TTL,
        grace: Duration::from_secs(5),
        longest_wait: Duration::from_secs(20),
        most_failures: 3,
        most_losses: 4,
        remembered: Duration::from_secs(600),
        hedge_factor: 2,
        hedge_after: Duration::from_secs(10),
        heavy_memory: 8 * GB,
        light_memory: 2 * GB,
    }
}

/// Segments of one block and the merges above them, as a chain.
pub(super) fn block(number: u8, segments: u32) -> Vec<Planned> {
    let mut jobs = Vec::new();
    let mut add = |job: Job| {
        let id = job.id(B256::ZERO);
        jobs.push(Planned {
            id,
            job,
            done: false,
        });
        id
    };
    let input = BlobId(B256::repeat_byte(number));
    let mut left = None;
    for index in 0..segments {
        let right = add(Job::Segment {
            input,
            index,
            max_cycles_log: 17,
        });
        left = Some(match left {
            None => right,
            Some(left) => add(Job::MergeSpans {
                left,
                right,
                boundary: SpanBoundary::SameBatch,
            }),
        });
    }
    jobs
}

pub(super) fn worker(name: &str) -> WorkerId {
    WorkerId {
        name: name.into(),
        incarnation: 1,
    }
}

pub(super) fn offer(worker: WorkerId, memory: u64) -> Offer {
    Offer {
        worker,
        memory,
        cores: 2,
        profile: "insecure-test".into(),
        circuits_version: B256::ZERO,
        holding: vec![],
        wait: Duration::from_secs(20),
    }
}

fn at(seconds: u64) -> Moment {
    Duration::from_secs(seconds)
}

/// The machine with a counter of requests, and shorthand for what workers do.
struct Bench {
    machine: Machine,
    requests: u64,
}

impl Bench {
    fn with(jobs: Vec<Planned>) -> Self {
        let mut machine = Machine::new(policy(), 1);
        assert_eq!(machine.plan(at(0), 1, jobs), []);
        Self {
            machine,
            requests: 0,
        }
    }

    /// Workers ask once, with too little memory for anything.
    fn introduce<const N: usize>(&mut self, names: [&str; N]) {
        for name in names {
            self.ask(0, name, GB);
        }
    }

    fn ask(&mut self, now: u64, name: &str, memory: u64) -> Vec<Effect> {
        self.ask_holding(now, name, memory, vec![])
    }

    fn ask_holding(
        &mut self,
        now: u64,
        name: &str,
        memory: u64,
        holding: Vec<Fence>,
    ) -> Vec<Effect> {
        self.requests += 1;
        let offer = Offer {
            holding,
            ..offer(worker(name), memory)
        };
        self.machine.offer(at(now), RequestId(self.requests), offer)
    }

    fn lease(&mut self, now: u64, name: &str, memory: u64) -> Lease {
        granted(&self.ask(now, name, memory)).expect("there is work")
    }

    fn finish(&mut self, now: u64, name: &str, lease: &Lease) -> Vec<Effect> {
        let (judgement, _) = self
            .machine
            .complete(at(now), &lease.id, worker(name), lease.fence);
        assert_eq!(judgement, Judgement::Verify);
        self.machine.accepted(at(now), &lease.id, &worker(name))
    }

    fn fail(&mut self, now: u64, name: &str, lease: &Lease) -> Vec<Effect> {
        let cause = FailureCause::Worker {
            reason: "out of memory".into(),
        };
        let failure = JobFailure {
            worker: worker(name),
            job: lease.id,
            fence: lease.fence,
            cause,
        };
        self.machine.fail(at(now), failure)
    }

    fn renew(&mut self, now: u64, name: &str, lease: &Lease) -> RenewalAnswer {
        let progress = JobProgress::default();
        let renewal = Renewal {
            worker: worker(name),
            job: lease.id,
            fence: lease.fence,
            progress,
        };
        self.machine.renew(at(now), renewal).0
    }
}

fn granted(effects: &[Effect]) -> Option<Lease> {
    effects.iter().find_map(|effect| match effect {
        Effect::Grant { lease, .. } => Some(lease.clone()),
        _ => None,
    })
}

#[test]
fn a_job_is_handed_out_only_after_its_children_are_done() {
    let jobs = block(1, 2);
    let mut bench = Bench::with(jobs.clone());
    let first = bench.lease(0, "a", 9 * GB);
    let second = bench.lease(0, "b", 9 * GB);
    assert_eq!(granted(&bench.ask(0, "c", 9 * GB)), None);
    bench.finish(60, "a", &first);
    let effects = bench.finish(61, "b", &second);
    assert_eq!(
        granted(&effects).unwrap().job,
        jobs[2].job,
        "the waiting worker gets the merge"
    );
}

#[test]
fn a_finished_job_is_not_handed_out_again_after_planning_it_again() {
    let mut jobs = block(1, 1);
    let mut bench = Bench::with(jobs.clone());
    let lease = bench.lease(0, "a", 9 * GB);
    bench.finish(60, "a", &lease);
    bench.machine.plan(at(61), 1, jobs.clone());
    assert_eq!(granted(&bench.ask(62, "a", 9 * GB)), None);

    jobs[0].done = true;
    let mut restarted = Bench::with(jobs);
    assert_eq!(granted(&restarted.ask(0, "a", 9 * GB)), None);
}

#[test]
fn a_lease_that_is_not_renewed_expires_and_the_job_goes_to_another_worker() {
    let mut bench = Bench::with(block(1, 1));
    let lease = bench.lease(0, "a", 9 * GB);
    assert_eq!(granted(&bench.ask(20, "b", 9 * GB)), None);
    let effects = bench.machine.tick(at(30));
    assert!(effects.contains(&Effect::Expired {
        job: lease.id,
        worker: worker("a")
    }));
    let taken = granted(&effects).unwrap();
    assert_eq!(bench.machine.holder(&taken.fence), Some(&worker("b")));
    assert!(taken.fence > lease.fence);
}

#[test]
fn a_renewed_lease_lives_on() {
    let mut bench = Bench::with(block(1, 1));
    let lease = bench.lease(0, "a", 9 * GB);
    for now in [10, 35, 60] {
        assert_eq!(bench.renew(now, "a", &lease), RenewalAnswer::Continue);
        assert_eq!(bench.machine.tick(at(now + 20)), []);
    }
}

#[test]
fn a_worker_whose_connection_is_lost_keeps_its_job_for_the_grace_period_or_until_it_returns() {
    let mut bench = Bench::with(block(1, 1));
    let lease = bench.lease(0, "a", 9 * GB);
    assert_eq!(bench.machine.gone(at(1), "b"), 0);
    assert_eq!(bench.machine.gone(at(1), "a"), 1);
    assert_eq!(bench.machine.tick(at(5)), []);
    assert_eq!(bench.renew(5, "a", &lease), RenewalAnswer::Continue);
    assert_eq!(bench.machine.tick(at(34)), [], "it came back");
    assert_eq!(bench.machine.gone(at(34), "a"), 1);
    let expired = |effects: Vec<Effect>| {
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Expired { .. }))
    };
    assert!(
        expired(bench.machine.tick(at(35))),
        "no lease lives longer for it"
    );
    let again = bench.lease(36, "b", 9 * GB);
    assert_eq!(again.id, lease.id);
    bench.machine.gone(at(40), "b");
    assert!(!expired(bench.machine.tick(at(44))));
    assert!(expired(bench.machine.tick(at(45))));
}

#[test]
fn an_expired_lease_lives_again_when_its_worker_returns_and_nobody_needs_it_otherwise() {
    let mut bench = Bench::with(block(1, 1));
    let lease = bench.lease(0, "a", 9 * GB);
    bench.machine.tick(at(31));
    assert_eq!(bench.renew(32, "a", &lease), RenewalAnswer::Continue);
    assert_eq!(granted(&bench.ask(33, "b", 9 * GB)), None);
}

#[test]
fn a_late_valid_proof_is_welcome_and_the_other_worker_is_told_to_stop() {
    let mut bench = Bench::with(block(1, 1));
    let late = bench.lease(0, "a", 9 * GB);
    bench.machine.tick(at(31));
    let second = bench.lease(32, "b", 9 * GB);
    let effects = bench.finish(40, "a", &late);
    assert!(effects.contains(&Effect::DropLease(second.fence)));
    assert_eq!(bench.renew(41, "b", &second), RenewalAnswer::Abandon);
    let (judgement, _) = bench
        .machine
        .complete(at(50), &second.id, worker("b"), second.fence);
    assert_eq!(judgement, Judgement::AlreadyDone);
}

#[test]
fn the_same_proof_sent_twice_is_judged_once_and_finishes_the_job_once() {
    let mut bench = Bench::with(block(1, 1));
    let lease = bench.lease(0, "a", 9 * GB);
    let complete = |bench: &mut Bench| {
        bench
            .machine
            .complete(at(9), &lease.id, worker("a"), lease.fence)
            .0
    };
    assert_eq!(complete(&mut bench), Judgement::Verify);
    assert_eq!(complete(&mut bench), Judgement::Underway);
    let finished = |effects: &[Effect]| {
        effects
            .iter()
            .filter(|effect| matches!(effect, Effect::Finished { .. }))
            .count()
    };
    assert_eq!(
        finished(&bench.machine.accepted(at(9), &lease.id, &worker("a"))),
        1
    );
    assert_eq!(
        finished(&bench.machine.accepted(at(9), &lease.id, &worker("a"))),
        0
    );
    assert_eq!(complete(&mut bench), Judgement::AlreadyDone);
}

#[test]
fn a_job_is_not_handed_out_while_its_proof_is_judged() {
    let mut bench = Bench::with(block(1, 1));
    let lease = bench.lease(0, "a", 9 * GB);
    bench
        .machine
        .complete(at(9), &lease.id, worker("a"), lease.fence);
    assert_eq!(granted(&bench.ask(9, "b", 9 * GB)), None);
    let effects = bench
        .machine
        .refused(at(10), &lease.id, &worker("a"), "FRI");
    assert_eq!(
        bench.machine.holder(&granted(&effects).unwrap().fence),
        Some(&worker("b"))
    );
}

#[test]
fn a_worker_never_gets_a_job_again_that_failed_on_it() {
    let mut bench = Bench::with(block(1, 1));
    let lease = bench.lease(0, "a", 9 * GB);
    let effects = bench.fail(5, "a", &lease);
    assert!(effects.contains(&Effect::SaveFailure {
        job: lease.id,
        worker: worker("a"),
        reason: "out of memory".into()
    }));
    assert_eq!(granted(&bench.ask(6, "a", 9 * GB)), None);
    assert!(
        bench
            .machine
            .summary(at(6))
            .blocked
            .unwrap()
            .contains("failed on every prover")
    );
    assert!(granted(&bench.ask(7, "b", 9 * GB)).is_some());
}

#[test]
fn a_failure_is_remembered_over_a_restart_but_its_count_is_not() {
    let jobs = block(1, 1);
    let mut bench = Bench::with(jobs.clone());
    bench.machine.restore_failure(&jobs[0].id, worker("a"));
    assert_eq!(granted(&bench.ask(0, "a", 9 * GB)), None);
    for name in ["b", "c"] {
        let lease = bench.lease(1, name, 9 * GB);
        assert!(
            !bench
                .fail(2, name, &lease)
                .iter()
                .any(|e| matches!(e, Effect::Parked { .. }))
        );
    }
}

#[test]
fn a_job_that_fails_on_three_workers_is_parked_and_named() {
    let mut bench = Bench::with(block(1, 1));
    bench.introduce(["a", "b", "c", "d"]);
    let mut last = vec![];
    for name in ["a", "b", "c"] {
        let lease = bench.lease(1, name, 9 * GB);
        last = bench.fail(2, name, &lease);
    }
    let job = block(1, 1)[0].id;
    let reason = "it failed on a#00000000, b#00000000, c#00000000".to_owned();
    assert!(last.contains(&Effect::Parked {
        job,
        kind: JobKind::Segment,
        reason
    }));
    assert_eq!(granted(&bench.ask(3, "d", 9 * GB)), None);
    assert_eq!(bench.machine.summary(at(3)).parked, [job]);
}

/// Starts of one worker that each fail at the one job.
fn failing_starts(bench: &mut Bench, name: &str, count: u64) -> Vec<Effect> {
    let mut last = vec![];
    for incarnation in 1..=count {
        let worker = WorkerId {
            incarnation,
            ..worker(name)
        };
        bench.requests += 1;
        let request = RequestId(bench.requests);
        let effects = bench
            .machine
            .offer(at(1), request, offer(worker.clone(), 9 * GB));
        let lease = granted(&effects).expect("a new start may try again");
        let failure = JobFailure {
            worker,
            job: lease.id,
            fence: lease.fence,
            cause: FailureCause::Job {
                reason: "out of memory".into(),
            },
        };
        last = bench.machine.fail(at(2), failure);
    }
    last
}

fn parks(effects: &[Effect]) -> bool {
    let parked = |effect: &Effect| matches!(effect, Effect::Parked { .. });
    effects.iter().any(parked)
}

#[test]
fn one_worker_that_comes_again_and_again_cannot_have_a_job_parked_but_all_there_are_can() {
    let mut bench = Bench::with(block(1, 1));
    bench.introduce(["b", "c"]);
    assert!(!parks(&failing_starts(&mut bench, "a", 9)));
    assert!(!parks(&failing_starts(&mut bench, "b", 1)));
    assert!(parks(&failing_starts(&mut bench, "c", 1)));
    let mut two = Bench::with(block(1, 1));
    two.introduce(["b"]);
    assert!(!parks(&failing_starts(&mut two, "a", 9)));
    assert!(parks(&failing_starts(&mut two, "b", 1)));
    let mut alone = Bench::with(block(1, 1));
    assert!(!parks(&failing_starts(&mut alone, "a", 2)));
    let mut alone = Bench::with(block(1, 1));
    assert!(parks(&failing_starts(&mut alone, "a", 3)));
}

#[test]
fn who_sent_a_bad_proof_is_not_listened_to_again_unless_it_has_the_job() {
    let mut bench = Bench::with(block(1, 1));
    let lease = bench.lease(0, "a", 9 * GB);
    let complete = |bench: &mut Bench, incarnation, fence| {
        let worker = WorkerId {
            incarnation,
            ..worker("a")
        };
        let (judgement, _) = bench
            .machine
            .complete(at(3), &lease.id, worker.clone(), fence);
        if judgement == Judgement::Verify {
            bench.machine.refused(at(3), &lease.id, &worker, "FRI");
        }
        judgement
    };
    assert_eq!(complete(&mut bench, 1, lease.fence), Judgement::Verify);
    assert_eq!(complete(&mut bench, 1, lease.fence), Judgement::Barred);
    assert_eq!(complete(&mut bench, 2, lease.fence), Judgement::Barred);
    let again = WorkerId {
        incarnation: 3,
        ..worker("a")
    };
    let effects = bench
        .machine
        .offer(at(4), RequestId(77), offer(again, 9 * GB));
    let fence = granted(&effects).unwrap().fence;
    assert_eq!(complete(&mut bench, 3, fence), Judgement::Verify);
    let (judgement, _) = bench
        .machine
        .complete(at(5), &lease.id, worker("b"), lease.fence);
    assert_eq!(judgement, Judgement::Verify, "others are");
}

#[test]
fn a_parked_job_still_accepts_a_valid_proof() {
    let mut bench = Bench::with(block(1, 1));
    let early = bench.lease(0, "z", 9 * GB);
    bench.machine.tick(at(31));
    for name in ["a", "b", "c"] {
        let lease = bench.lease(40, name, 9 * GB);
        bench.fail(41, name, &lease);
    }
    let effects = bench.finish(50, "z", &early);
    assert!(matches!(effects.last(), Some(Effect::Finished { .. })));
}

#[test]
fn nobody_can_park_a_job_that_it_was_never_given() {
    let mut bench = Bench::with(block(1, 1));
    let lease = bench.lease(0, "a", 9 * GB);
    for name in ["x", "y", "z"] {
        let effects = bench.fail(1, name, &lease);
        assert!(
            !effects
                .iter()
                .any(|effect| matches!(effect, Effect::Parked { .. }))
        );
    }
    assert_eq!(bench.renew(2, "a", &lease), RenewalAnswer::Continue);
}

#[test]
fn a_job_that_silences_every_worker_is_parked() {
    let mut bench = Bench::with(block(1, 1));
    bench.introduce(["a", "b", "c", "d"]);
    let mut last = vec![];
    for (round, name) in (0..).zip(["a", "b", "c", "d"]) {
        bench.lease(round * 100, name, 9 * GB);
        last = bench.machine.tick(at(round * 100 + 31));
    }
    assert!(
        matches!(last.last(), Some(Effect::Parked { reason, .. }) if reason.contains("silent"))
    );
}

#[test]
fn heavy_jobs_go_only_to_workers_with_enough_memory() {
    let mut bench = Bench::with(block(1, 2));
    assert_eq!(granted(&bench.ask(0, "small", 3 * GB)), None);
    let status = bench.machine.summary(at(0));
    assert!(status.blocked.unwrap().contains("needs 8192 MB"));
    let first = bench.lease(0, "a", 9 * GB);
    let second = bench.lease(0, "b", 9 * GB);
    bench.finish(10, "a", &first);
    bench.ask(10, "a", 9 * GB);
    let effects = bench.finish(11, "b", &second);
    let merge = granted(&effects).unwrap();
    assert_eq!(
        bench.machine.holder(&merge.fence),
        Some(&worker("small")),
        "the smallest that fits"
    );
}

#[test]
fn the_oldest_block_comes_first_and_in_it_what_lies_deepest() {
    let (old, new) = (block(1, 3), block(2, 1));
    let mut bench = Bench::with(vec![]);
    bench.machine.plan(at(0), 2, new.clone());
    bench.machine.plan(at(0), 1, old.clone());
    let first = bench.lease(0, "a", 9 * GB);
    let second = bench.lease(0, "b", 9 * GB);
    let own = |lease: &Lease| old.iter().any(|planned| planned.id == lease.id);
    assert!(own(&first) && own(&second));
    bench.finish(1, "a", &first);
    bench.finish(1, "b", &second);
    let third = bench.lease(2, "a", 9 * GB);
    assert!(
        matches!(third.job, Job::Segment { .. }) && own(&third),
        "the last segment of block 1"
    );
}

#[test]
fn a_job_that_an_older_batch_needs_moves_up() {
    let (a, b) = (block(5, 1), block(6, 1));
    let mut bench = Bench::with(vec![]);
    bench.machine.plan(at(0), 5, a);
    bench.machine.plan(at(0), 6, b.clone());
    bench.machine.plan(at(0), 1, b.clone());
    assert_eq!(bench.lease(0, "a", 9 * GB).id, b[0].id);
}

#[test]
fn a_question_is_answered_in_time_even_without_work() {
    let mut bench = Bench::with(vec![]);
    assert_eq!(bench.ask(0, "a", 9 * GB), []);
    assert_eq!(bench.machine.tick(at(19)), []);
    assert_eq!(
        bench.machine.tick(at(20)),
        [Effect::NothingToDo {
            request: RequestId(1)
        }]
    );
}

#[test]
fn a_worker_that_asks_again_gives_up_what_it_does_not_hold() {
    let mut bench = Bench::with(block(1, 2));
    let lost_on_the_way = bench.lease(0, "a", 9 * GB);
    let again = granted(&bench.ask(1, "a", 9 * GB)).unwrap();
    assert_eq!(again.id, lost_on_the_way.id);
    let held = granted(&bench.ask_holding(2, "a", 9 * GB, vec![again.fence])).unwrap();
    assert_ne!(held.id, again.id);
    assert_eq!(bench.renew(3, "a", &again), RenewalAnswer::Continue);
}

#[test]
fn a_new_start_of_a_worker_frees_the_leases_of_the_start_before() {
    let mut bench = Bench::with(block(1, 1));
    let lease = bench.lease(0, "a", 9 * GB);
    let reborn = WorkerId {
        incarnation: 2,
        ..worker("a")
    };
    let effects = bench
        .machine
        .offer(at(1), RequestId(9), offer(reborn.clone(), 9 * GB));
    let next = granted(&effects).unwrap();
    assert_eq!(next.id, lease.id);
    assert_eq!(bench.machine.holder(&next.fence), Some(&reborn));
}

#[test]
fn a_straggler_is_hedged_once_when_a_worker_is_idle() {
    let mut bench = Bench::with(block(1, 4));
    for _ in 0..3 {
        let lease = bench.lease(0, "quick", 9 * GB);
        bench.finish(10, "quick", &lease);
    }
    let slow = bench.lease(10, "slow", 9 * GB);
    let mut merges = vec![];
    while let Some(merge) = granted(&bench.ask(11, "quick", 9 * GB)) {
        bench.finish(11, "quick", &merge);
        merges.push(merge);
    }
    bench.renew(25, "slow", &slow);
    assert_eq!(
        granted(&bench.machine.tick(at(29))),
        None,
        "twice the usual 10 s are not over"
    );
    let hedged = granted(&bench.ask(35, "quick", 9 * GB)).unwrap();
    assert_eq!(hedged.id, slow.id);
    assert_eq!(granted(&bench.ask(36, "third", 9 * GB)), None);
    bench.finish(40, "quick", &hedged);
    assert_eq!(bench.renew(41, "slow", &slow), RenewalAnswer::Abandon);
}

#[test]
fn leases_survive_a_restart_of_the_coordinator() {
    let jobs = block(1, 2);
    let mut before = Bench::with(jobs.clone());
    let lease = before.lease(0, "a", 9 * GB);

    let mut machine = Machine::new(policy(), 2);
    machine.plan(at(0), 1, jobs);
    let record = LeaseRecord {
        fence: lease.fence,
        job: lease.id,
        worker: worker("a"),
    };
    assert_eq!(machine.restore_lease(at(0), record), []);
    let mut after = Bench {
        machine,
        requests: 100,
    };
    let other = after.lease(1, "b", 9 * GB);
    assert_ne!(other.id, lease.id);
    assert!(other.fence > lease.fence);
    assert_eq!(after.renew(2, "a", &lease), RenewalAnswer::Continue);
}

#[test]
fn a_lease_of_a_job_that_is_done_is_dropped_at_the_restart() {
    let mut jobs = block(1, 1);
    jobs[0].done = true;
    let mut bench = Bench::with(jobs.clone());
    let record = LeaseRecord {
        fence: Fence(1),
        job: jobs[0].id,
        worker: worker("a"),
    };
    assert_eq!(
        bench.machine.restore_lease(at(0), record),
        [Effect::DropLease(Fence(1))]
    );
}

#[test]
fn what_nobody_needs_any_more_is_forgotten_with_its_leases() {
    let jobs = block(1, 3);
    let mut bench = Bench::with(jobs.clone());
    let lease = bench.lease(0, "a", 9 * GB);
    let effects = bench.machine.forget(&jobs.last().unwrap().id);
    assert_eq!(effects, [Effect::DropLease(lease.fence)]);
    assert_eq!(granted(&bench.ask(1, "a", 9 * GB)), None);
    let (judgement, _) = bench
        .machine
        .complete(at(2), &lease.id, worker("a"), lease.fence);
    assert_eq!(judgement, Judgement::NotWanted);
    let status = bench.machine.summary(at(2));
    assert_eq!((status.waiting, status.ready), (0, 0));
}

#[test]
fn a_proof_that_cannot_be_stored_counts_as_never_sent() {
    let mut bench = Bench::with(block(1, 1));
    let lease = bench.lease(0, "a", 9 * GB);
    bench
        .machine
        .complete(at(1), &lease.id, worker("a"), lease.fence);
    bench.machine.unjudged(at(2), &lease.id, &worker("a"));
    assert_eq!(bench.lease(3, "a", 9 * GB).id, lease.id);
}

#[test]
fn a_drained_worker_finishes_its_job_gets_no_other_and_is_welcome_after_a_new_start() {
    let mut bench = Bench::with(block(1, 2));
    let lease = bench.lease(0, "a", 9 * GB);
    assert_eq!(bench.machine.drain(at(1), "a"), []);
    assert_eq!(bench.renew(2, "a", &lease), RenewalAnswer::Continue);
    let dismissed = |effects: &[Effect]| {
        let dismisses = |effect: &Effect| matches!(effect, Effect::Dismiss { .. });
        effects.iter().any(dismisses)
    };
    for second in [3, 4] {
        let effects = bench.ask(second, "a", 9 * GB);
        assert!(dismissed(&effects) && granted(&effects).is_none());
    }
    assert_eq!(bench.machine.summary(at(4)).draining, ["a"]);
    let again = WorkerId {
        incarnation: 2,
        ..worker("a")
    };
    let effects = bench
        .machine
        .offer(at(5), RequestId(90), offer(again, 9 * GB));
    assert!(granted(&effects).is_some(), "a new start is another worker");
    assert_eq!(bench.machine.summary(at(5)).draining, [""; 0]);
}

#[test]
fn a_worker_that_waits_is_dismissed_at_once_when_it_is_drained() {
    let mut bench = Bench::with(vec![]);
    assert_eq!(bench.ask(0, "a", 9 * GB), []);
    let request = RequestId(1);
    assert_eq!(
        bench.machine.drain(at(1), "a"),
        [Effect::Dismiss { request }]
    );
}
