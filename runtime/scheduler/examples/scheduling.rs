//! The coordinator's decisions with simulated workers, in simulated time: `scripts/bench-scheduler`.
//!
//! Workers pull jobs, renew their leases and deliver as real ones do; how long a job takes is drawn around what was
//! measured on two cores with `secure` proofs. Every tenth worker breaks down at a random moment: half of these say
//! that the job failed and come back, half fall silent and return as a new start. The table goes to stdout.
//!
//! * Utilisation: busy time over the time of all workers, as long as jobs were waiting for a worker.
//! * Makespan bound: no schedule can be shorter than the work over the workers, nor than the longest chain of jobs
//!   that wait for each other. What breakdowns cost is not in the bound.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io::{self, Write};
use std::time::{Duration, Instant};

use alloy::primitives::{B256, keccak256};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tern_messages::statement::Point;
use tern_messages::{
    BlobId, Completion, FailureCause, Fence, Job, JobFailure, JobId, JobKind, JobProgress, Lease,
    Offer, Proof, Renewal, SpanBoundary, WorkerId,
};
use tern_scheduler::{Effect, Judgement, Machine, Planned, Policy, RequestId};

/// Segments of a block: some 500 transfers.
const SEGMENTS: u32 = 4;
/// Segments for each worker, so that the start and the end weigh little.
const SEGMENTS_EACH: u32 = 60;
/// One way between worker and coordinator.
const DELAY: Duration = Duration::from_millis(5);
const TICK: Duration = Duration::from_millis(500);
const GB: u64 = 1 << 30;

/// Seconds that a job takes, measured (`scripts/bench`).
fn usual(kind: JobKind) -> f64 {
    match kind {
        JobKind::Segment => 62.0,
        JobKind::MergeSpans => 2.8,
        JobKind::Block | JobKind::MergeBlocks | JobKind::Batch => 1.2,
        JobKind::Wrap => 24.0,
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Tick,
    Ask { worker: usize, start: u64 },
    Renew { worker: usize, fence: Fence },
    Done { worker: usize, start: u64 },
    Breakdown { worker: usize },
}

struct Worker {
    /// How many times the usual time it needs.
    slowness: f64,
    start: u64,
    job: Option<Lease>,
}

struct World {
    machine: Machine,
    random: StdRng,
    now: Duration,
    events: BinaryHeap<Reverse<(Duration, u64, Event)>>,
    sequence: u64,
    workers: Vec<Worker>,
    asking: BTreeMap<RequestId, usize>,
    requests: u64,
    left: usize,
    /// Seconds for which jobs have been worked at, and the number of workers that do now.
    busy: f64,
    working: usize,
    ready_until: Duration,
    busy_until_then: f64,
    decisions: u64,
    thinking: Duration,
    longest_thought: Duration,
}

struct Figures {
    workers: usize,
    jobs: usize,
    utilisation: f64,
    stretch: f64,
    decisions: u64,
    mean: Duration,
    longest: Duration,
    load: f64,
}

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "| workers | jobs | utilisation | makespan / bound | decisions | mean | longest | one core's load |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|"
    )?;
    for workers in [1, 4, 16, 64, 250, 1000] {
        let figures = World::new(workers, 7).run();
        writeln!(
            out,
            "| {} | {} | {:.1} % | {:.3} | {} | {:.1?} | {:.1?} | {:.2} % |",
            figures.workers,
            figures.jobs,
            figures.utilisation * 100.0,
            figures.stretch,
            figures.decisions,
            figures.mean,
            figures.longest,
            figures.load * 100.0,
        )?;
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    writeln!(
        out,
        "\nPeak memory of all runs, simulation included: {}",
        peak.unwrap_or("unknown")
            .trim_start_matches("VmHWM:")
            .trim()
    )
}

/// All jobs of one batch of one block.
fn batch(number: u64) -> Vec<Planned> {
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
    let input = BlobId(keccak256(number.to_be_bytes()));
    let mut spans: Vec<JobId> = (0..SEGMENTS)
        .map(|index| {
            add(Job::Segment {
                input,
                index,
                max_cycles_log: 18,
            })
        })
        .collect();
    while spans.len() > 1 {
        spans = spans
            .chunks(2)
            .map(|pair| match *pair {
                [left, right] => add(Job::MergeSpans {
                    left,
                    right,
                    boundary: SpanBoundary::SameBatch,
                }),
                _ => pair[0],
            })
            .collect();
    }
    let blocks = add(Job::Block {
        span: spans[0],
        point: Point([1, 0]),
    });
    let statement = add(Job::Batch { blocks });
    add(Job::Wrap { statement });
    jobs
}

impl World {
    fn new(workers: usize, seed: u64) -> Self {
        let policy = Policy::usual(8 * GB, 2 * GB);
        let mut random = StdRng::seed_from_u64(seed);
        let workers = (0..workers)
            .map(|_| Worker {
                slowness: random.gen_range(0.8..1.25),
                start: 0,
                job: None,
            })
            .collect();
        Self {
            machine: Machine::new(policy, 1),
            random,
            now: Duration::ZERO,
            events: BinaryHeap::new(),
            sequence: 0,
            workers,
            asking: BTreeMap::new(),
            requests: 0,
            left: 0,
            busy: 0.0,
            working: 0,
            ready_until: Duration::ZERO,
            busy_until_then: 0.0,
            decisions: 0,
            thinking: Duration::ZERO,
            longest_thought: Duration::ZERO,
        }
    }

    fn run(mut self) -> Figures {
        let count = self.workers.len();
        let segments = u32::try_from(count).expect("few workers") * SEGMENTS_EACH;
        let blocks = u64::from(segments / SEGMENTS);
        let mut work = 0.0;
        for number in 1..=blocks {
            let jobs = batch(number);
            self.left += jobs.len();
            work += jobs.iter().map(|one| usual(one.job.kind())).sum::<f64>();
            self.decide(|machine, now| machine.plan(now, number, jobs));
        }
        let jobs = self.left;
        // Speed adds up over the workers, each of which needs `slowness` times the usual time.
        let speed: f64 = self
            .workers
            .iter()
            .map(|worker| 1.0 / worker.slowness)
            .sum();
        let fastest = self
            .workers
            .iter()
            .map(|worker| worker.slowness)
            .fold(f64::MAX, f64::min);
        let chain = [
            JobKind::Segment,
            JobKind::MergeSpans,
            JobKind::MergeSpans,
            JobKind::Block,
            JobKind::Batch,
            JobKind::Wrap,
        ];
        let chain = chain.into_iter().map(usual).sum::<f64>() * fastest;
        let bound = (work / speed).max(chain);
        for worker in 0..count {
            self.at(DELAY, Event::Ask { worker, start: 0 });
            if self.random.gen_bool(0.1) {
                let when = self.random.gen_range(0.0..bound);
                self.at(Duration::from_secs_f64(when), Event::Breakdown { worker });
            }
        }
        self.at(TICK, Event::Tick);
        while self.left > 0 {
            let Reverse((time, _, event)) = self.events.pop().expect("ticks go on");
            self.busy += self.working as f64 * (time - self.now).as_secs_f64();
            self.now = time;
            self.happens(event);
        }
        let time = self.ready_until.as_secs_f64() * count as f64;
        Figures {
            workers: count,
            jobs,
            utilisation: self.busy_until_then / time,
            stretch: self.now.as_secs_f64() / bound,
            decisions: self.decisions,
            mean: self.thinking / u32::try_from(self.decisions).expect("fewer than 2^32"),
            longest: self.longest_thought,
            load: self.thinking.as_secs_f64() / self.now.as_secs_f64(),
        }
    }

    fn at(&mut self, after: Duration, event: Event) {
        self.sequence += 1;
        self.events
            .push(Reverse((self.now + after, self.sequence, event)));
    }

    /// Lets the machine decide, and takes the time.
    fn decide(&mut self, decision: impl FnOnce(&mut Machine, Duration) -> Vec<Effect>) {
        let begun = Instant::now();
        let effects = decision(&mut self.machine, self.now);
        let took = begun.elapsed();
        self.decisions += 1;
        self.thinking += took;
        self.longest_thought = self.longest_thought.max(took);
        for effect in effects {
            match effect {
                Effect::Grant { request, lease, .. } => self.begin(request, lease),
                Effect::Dismiss { request } => unreachable!("nobody is drained: {request:?}"),
                Effect::NothingToDo { request } => {
                    if let Some(worker) = self.asking.remove(&request) {
                        let start = self.workers[worker].start;
                        self.at(DELAY * 2, Event::Ask { worker, start });
                    }
                }
                Effect::Finished { .. } => self.left -= 1,
                Effect::Parked { job, reason, .. } => panic!("{job} was parked: {reason}"),
                Effect::SaveLease(_)
                | Effect::DropLease(_)
                | Effect::SaveFailure { .. }
                | Effect::Expired { .. } => {}
            }
        }
        if self.machine.ready_count() > 0 {
            self.ready_until = self.now;
            self.busy_until_then = self.busy;
        }
    }

    fn id(&self, worker: usize) -> WorkerId {
        WorkerId {
            name: format!("prover-{worker}"),
            incarnation: self.workers[worker].start,
        }
    }

    fn begin(&mut self, request: RequestId, lease: Lease) {
        let Some(worker) = self.asking.remove(&request) else {
            return;
        };
        let spread = self.random.gen_range(0.9..1.1);
        let seconds = usual(lease.job.kind()) * self.workers[worker].slowness * spread;
        let (ttl, fence) = (lease.ttl, lease.fence);
        let start = self.workers[worker].start;
        self.workers[worker].job = Some(lease);
        self.working += 1;
        self.at(ttl / 3, Event::Renew { worker, fence });
        let took = DELAY * 2 + Duration::from_secs_f64(seconds);
        self.at(took, Event::Done { worker, start });
    }

    /// The job that the worker has, if it is still the same start of it.
    fn stop(&mut self, worker: usize, start: u64) -> Option<Lease> {
        let worker = &mut self.workers[worker];
        let start_now = worker.start;
        let lease = worker.job.take_if(|_| start_now == start)?;
        self.working -= 1;
        Some(lease)
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Tick => {
                self.decide(Machine::tick);
                self.at(TICK, Event::Tick);
            }
            Event::Ask { worker, start } => {
                if self.workers[worker].start == start {
                    self.ask(worker);
                }
            }
            Event::Renew { worker, fence } => {
                let job = self.workers[worker].job.as_ref();
                let Some(lease) = job.filter(|lease| lease.fence == fence) else {
                    return;
                };
                let renewal = Renewal {
                    worker: self.id(worker),
                    job: lease.id,
                    fence,
                    progress: JobProgress::default(),
                };
                let ttl = lease.ttl;
                self.decide(|machine, now| machine.renew(now, renewal).1);
                self.at(ttl / 3, Event::Renew { worker, fence });
            }
            Event::Done { worker, start } => {
                let Some(lease) = self.stop(worker, start) else {
                    return;
                };
                let completion = Completion {
                    worker: self.id(worker),
                    job: lease.id,
                    fence: lease.fence,
                    proof: Proof {
                        bytes: Default::default(),
                    },
                    took: Duration::ZERO,
                };
                self.deliver(completion);
                self.at(DELAY * 2, Event::Ask { worker, start });
            }
            Event::Breakdown { worker } => self.break_down(worker),
        }
    }

    fn ask(&mut self, worker: usize) {
        self.requests += 1;
        let request = RequestId(self.requests);
        self.asking.insert(request, worker);
        let offer = Offer {
            worker: self.id(worker),
            memory: 9 * GB,
            cores: 2,
            profile: "secure".into(),
            circuits_version: B256::ZERO,
            holding: Vec::new(),
            wait: Duration::from_secs(15),
        };
        self.decide(|machine, now| machine.offer(now, request, offer));
    }

    fn deliver(&mut self, completion: Completion) {
        let Completion {
            worker, job, fence, ..
        } = completion;
        let mut judgement = Judgement::NotWanted;
        self.decide(|machine, now| {
            let (found, effects) = machine.complete(now, &job, worker.clone(), fence);
            judgement = found;
            effects
        });
        if judgement == Judgement::Verify {
            self.decide(|machine, now| machine.accepted(now, &job, &worker));
        }
    }

    fn break_down(&mut self, worker: usize) {
        let start = self.workers[worker].start;
        let id = self.id(worker);
        let job = self.stop(worker, start);
        let back = Duration::from_secs(20);
        if let Some(lease) = job
            && self.random.gen_bool(0.5)
        {
            let failure = JobFailure {
                worker: id,
                job: lease.id,
                fence: lease.fence,
                cause: FailureCause::Worker {
                    reason: "out of memory".into(),
                },
            };
            self.decide(|machine, now| machine.fail(now, failure));
        }
        self.asking.retain(|_, asking| *asking != worker);
        self.workers[worker].start += 1;
        self.at(
            back,
            Event::Ask {
                worker,
                start: start + 1,
            },
        );
    }
}
