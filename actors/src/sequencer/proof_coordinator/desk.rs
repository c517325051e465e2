//! The coordinator's memory: the machine, who waits for an answer, and what each root job stands for.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use ractor::{ActorRef, RpcReplyPort};
use tern_cluster::Fault;
use tern_messages::job::StatementData;
use tern_messages::prover::{MAX_NAME, MAX_TEXT};
use tern_messages::{
    Backlog, BatchNumber, BatchesPending, BlockNumber, Completion, CompletionAnswer, FailureCause,
    Job, JobFailure, JobId, JobKind, Lease, Offer, OfferRefusal, ProofStatus, ProvenBlock, Renewal,
    RenewalAnswer, WorkerId,
};
use tern_proving::limits::MAX_PROOF_BYTES;
use tern_scheduler::{Effect, Judgement, Machine, Moment, RequestId};
use tern_storage::tables::chain::HEADS;
use tern_storage::tables::sequencer::{BATCHES, PROOFS};
use tern_storage::{Store, WriteBatch, crash_point};
use tracing::{debug, error, info, warn};

use super::judge::{Judge, Verdict};
use super::plans::{FINAL_PROOFS, FinalProof, News, PlanFault, Planner, is_of_span};
use super::ranges::{Range, Ranges};
use super::{CoordinatorMessage, ProofCoordinator, not_accepted, plan_fault};
use crate::main_node::MainNodeMessage;
use crate::sequencer::batcher::BatcherMessage;
use crate::sequencer::fault;
use crate::sequencer::history::Seen;
use crate::sequencer::simulator::SimulatorMessage;
use crate::sequencer::tables::{FAILED, FailureRecord, LEASES, PROVEN, PRUNED};
use crate::verifier_bridge::BridgeMessage;

type OfferReply = RpcReplyPort<Result<Option<Lease>, OfferRefusal>>;

/// See the module.
pub struct Desk {
    pub(super) seen: Seen,
    machine: Machine,
    judge: Judge,
    started: Instant,
    effects: Vec<Effect>,
    requests: u64,
    asking: HashMap<RequestId, OfferReply>,
    delivering: HashMap<(JobId, WorkerId), Vec<RpcReplyPort<CompletionAnswer>>>,
    /// Blocks of which all is proven but what depends on the statement; the batcher is to hear of them.
    spans_done: Vec<BlockNumber>,
    /// Batches that L2 has no proof of.
    ranges: Ranges,
    /// The row of proven batches as it is on disk.
    saved: BatchNumber,
    /// Proofs that nobody needs any more, to be deleted with the next durable step.
    superfluous: Vec<JobId>,
    /// Final proofs to be remembered with the next durable step.
    finals: Vec<(BatchNumber, FinalProof)>,
    /// Blocks that are proven by themselves, because L2 was told that they are wrong.
    alone: BTreeMap<BlockNumber, Alone>,
    proven_block: BlockNumber,
    reported: Option<Backlog>,
    pub(super) proven: BatchesPending,
    pub(super) pruned: BatchNumber,
    /// Last batch that L2 has verified, as the bridge said, and its last block.
    settled: (BatchNumber, BlockNumber),
    pub(super) planned_block: BlockNumber,
    pub(super) planned_batch: BatchNumber,
    pub(super) planning: bool,
    pub(super) plan_again: bool,
    stands_still: bool,
}

/// How a block is proven by itself.
struct Alone {
    wrap: JobId,
    /// Jobs between the block and this proof, which serve nothing else.
    steps: Vec<JobId>,
    statement: StatementData,
}

impl Desk {
    pub(super) fn new(machine: Machine, judge: Judge, ranges: Ranges, seen: Seen) -> Self {
        Self {
            seen,
            machine,
            judge,
            started: Instant::now(),
            effects: Vec::new(),
            requests: 0,
            asking: HashMap::new(),
            delivering: HashMap::new(),
            spans_done: Vec::new(),
            ranges,
            saved: BatchNumber(0),
            superfluous: Vec::new(),
            finals: Vec::new(),
            alone: BTreeMap::new(),
            proven_block: BlockNumber(0),
            reported: None,
            proven: BatchesPending::default(),
            pruned: BatchNumber(0),
            settled: (BatchNumber(0), BlockNumber(0)),
            planned_block: BlockNumber(0),
            planned_batch: BatchNumber(0),
            planning: false,
            plan_again: false,
            stands_still: false,
        }
    }

    fn now(&self) -> Moment {
        self.started.elapsed()
    }

    /// Reads back where everything stood. Blocks on the disk.
    pub(super) fn load(&mut self, planner: &Planner) -> Result<(), Fault> {
        let store = planner.chain.store.clone();
        self.pruned = store
            .get(&PRUNED, &())
            .map_err(fault::disk)?
            .unwrap_or_default();
        self.saved = store
            .get(&PROVEN, &())
            .map_err(fault::disk)?
            .unwrap_or_default();
        let proven = self.saved.max(self.pruned);
        let last = store.get(&BATCHES, &proven).map_err(fault::disk)?;
        self.proven_block = last.map_or(BlockNumber(0), |header| header.last_block);
        self.proven = BatchesPending {
            formed: proven,
            proven,
        };
        (self.planned_block, self.planned_batch) = (self.proven_block, proven);
        let news = planner
            .news(self.planned_block, self.planned_batch)
            .map_err(plan_fault)?;
        self.add(news);
        self.plan_proofs(planner)?;
        self.restore(&store).map_err(fault::disk)
    }

    fn restore(&mut self, store: &Store) -> Result<(), tern_storage::StorageError> {
        for row in store.range(&FAILED, ..) {
            let ((job, _), record) = row?;
            self.machine.restore_failure(&job, record.worker);
        }
        for row in store.range(&LEASES, ..) {
            let (_, record) = row?;
            let effects = self.machine.restore_lease(self.now(), record);
            self.effects.extend(effects);
        }
        Ok(())
    }

    /// Takes in what was planned.
    pub(super) fn add(&mut self, news: News) {
        let now = self.now();
        for header in news.batches {
            if header.number <= self.planned_batch {
                continue;
            }
            (self.planned_batch, self.proven.formed) = (header.number, header.number);
            self.ranges.add_batch(header);
        }
        for span in news.spans {
            if span.block <= self.planned_block {
                continue;
            }
            self.planned_block = span.block;
            if span.block <= self.settled.1 {
                continue;
            }
            let done = span.jobs.last().is_some_and(|planned| planned.done);
            info!(target: "tern::sequencer", block = %span.block, jobs = span.jobs.len(), done, "planned");
            if done {
                self.spans_done.push(span.block);
            }
            self.ranges.add_block(span.block, span.root, done);
            let effects = self.machine.plan(now, span.block.0, span.jobs);
            self.effects.extend(effects);
        }
        let (batch, block) = self.settled;
        self.verified_elsewhere(batch, block);
    }

    pub(super) fn offer(&mut self, offer: Offer, reply: OfferReply, config: &ProofCoordinator) {
        let (len, expected) = (offer.worker.name.len(), config.check.circuits_version());
        let refusal = if !(1..=MAX_NAME).contains(&len) {
            Some(OfferRefusal::BadName { len })
        } else if offer.circuits_version != expected {
            let (found, expected_profile) = (offer.circuits_version, config.profile.to_owned());
            Some(OfferRefusal::OtherCircuits {
                expected,
                expected_profile,
                found,
            })
        } else {
            None
        };
        if let Some(refusal) = refusal {
            warn!(target: "tern::sequencer", worker = %offer.worker.name.escape_debug(), %refusal, "offer refused");
            let _ = reply.send(Err(refusal));
            return;
        }
        self.requests += 1;
        let request = RequestId(self.requests);
        self.asking.insert(request, reply);
        let effects = self.machine.offer(self.now(), request, offer);
        self.effects.extend(effects);
    }

    pub(super) fn renew(&mut self, mut renewal: Renewal) -> RenewalAnswer {
        cut(&mut renewal.progress.step);
        let (answer, effects) = self.machine.renew(self.now(), renewal);
        self.effects.extend(effects);
        answer
    }

    pub(super) fn complete(
        &mut self,
        myself: &ActorRef<CoordinatorMessage>,
        completion: Completion,
        reply: RpcReplyPort<CompletionAnswer>,
    ) {
        let Completion {
            worker,
            job: id,
            fence,
            proof,
            ..
        } = completion;
        let len = proof.bytes.len();
        if len > MAX_PROOF_BYTES {
            let reason = format!("it has {len} bytes; at most {MAX_PROOF_BYTES} are accepted");
            let _ = reply.send(not_accepted(reason));
            return;
        }
        let (judgement, effects) = self
            .machine
            .complete(self.now(), &id, worker.clone(), fence);
        self.effects.extend(effects);
        let answer = match judgement {
            Judgement::AlreadyDone => CompletionAnswer::AlreadyDone,
            Judgement::NotWanted => CompletionAnswer::NotWanted,
            Judgement::Barred => {
                not_accepted("an earlier proof of this job by this worker was not valid".to_owned())
            }
            Judgement::Underway => {
                self.delivering.entry((id, worker)).or_default().push(reply);
                return;
            }
            Judgement::Verify => {
                self.delivering
                    .entry((id, worker.clone()))
                    .or_default()
                    .push(reply);
                let job = self
                    .machine
                    .job(&id)
                    .expect("it is judged because it is known")
                    .clone();
                let (judge, myself) = (self.judge.clone(), myself.clone());
                tokio::task::spawn_blocking(move || {
                    let verdict = judge.judge(id, &job, &proof);
                    let _ = myself.cast(CoordinatorMessage::Judged(id, worker, verdict));
                });
                return;
            }
        };
        let _ = reply.send(answer);
    }

    pub(super) fn judged(&mut self, id: JobId, worker: &WorkerId, verdict: Verdict) {
        let now = self.now();
        let (answer, effects) = match verdict {
            Verdict::Stored => (
                Some(CompletionAnswer::Accepted),
                self.machine.accepted(now, &id, worker),
            ),
            Verdict::Invalid(reason) => {
                warn!(target: "tern::sequencer", job = %id, %worker, %reason, "a proof is not valid");
                let effects = self.machine.refused(now, &id, worker, &reason);
                (Some(not_accepted(reason)), effects)
            }
            Verdict::Unjudged(reason) => {
                error!(target: "tern::sequencer", job = %id, %reason, "a proof could not be judged");
                (None, self.machine.unjudged(now, &id, worker))
            }
        };
        self.effects.extend(effects);
        // Without an answer the worker sends its proof again.
        for reply in self
            .delivering
            .remove(&(id, worker.clone()))
            .unwrap_or_default()
        {
            if let Some(answer) = &answer {
                let _ = reply.send(answer.clone());
            }
        }
    }

    pub(super) fn fail(&mut self, mut failure: JobFailure) {
        if let FailureCause::Worker { reason } | FailureCause::Job { reason } = &mut failure.cause {
            cut(reason);
            warn!(target: "tern::sequencer", job = %failure.job, worker = %failure.worker, %reason,
                "a job failed");
        }
        let effects = self.machine.fail(self.now(), failure);
        self.effects.extend(effects);
    }

    pub(super) fn gone(&mut self, worker: &str) {
        let held = self.machine.gone(self.now(), worker);
        if held > 0 {
            info!(target: "tern::sequencer", worker = %worker.escape_debug(), held,
                "lost the connection to a prover; its jobs go to others soon");
        }
    }

    /// Has a block proven by itself, before everything else; its proof, if it is there. Nothing is kept of this but proofs: who
    /// wants one asks again after a restart.
    pub(super) fn prove_alone(
        &mut self,
        planner: &Planner,
        block: BlockNumber,
    ) -> Result<Option<ProvenBlock>, PlanFault> {
        let store = &planner.chain.store;
        if let Some(alone) = self.alone.get(&block) {
            let statement = alone.statement.clone();
            let proof = store.get(&PROOFS, &alone.wrap)?;
            return Ok(proof.map(|proof| ProvenBlock {
                block,
                statement,
                proof,
            }));
        }
        let Some((plan, statement)) = planner.alone(block)? else {
            return Ok(None);
        };
        let wrap = plan.root;
        let steps = plan.jobs.iter().filter(|(_, job)| !is_of_span(job.kind()));
        let alone = Alone {
            wrap,
            steps: steps.map(|(id, _)| *id).collect(),
            statement,
        };
        self.alone.insert(block, alone);
        let jobs = planner.needed(&plan)?;
        if jobs.last().is_some_and(|planned| planned.done) {
            return self.prove_alone(planner, block);
        }
        info!(target: "tern::sequencer", %block, jobs = jobs.len(), "a block is challenged on L2; it is proven by itself first");
        let effects = self.machine.plan(self.now(), 0, jobs);
        self.effects.extend(effects);
        Ok(None)
    }

    pub(super) fn tick(&mut self) {
        let effects = self.machine.tick(self.now());
        self.effects.extend(effects);
    }

    pub(super) fn drain(&mut self, name: &str) {
        info!(target: "tern::sequencer", prover = name, "drained: it gets no more jobs");
        let effects = self.machine.drain(self.now(), name);
        self.effects.extend(effects);
    }

    pub(super) fn status(&self) -> ProofStatus {
        self.machine.summary(self.now())
    }

    pub(super) fn heartbeat(&mut self) {
        self.reported = None;
        let ProofStatus {
            waiting,
            ready,
            running,
            parked,
            idle_workers,
            blocked,
            draining: _,
        } = self.status();
        if waiting + ready + running.len() as u64 + parked.len() as u64 == 0 {
            debug!(target: "tern::sequencer", idle_workers, "nothing to prove");
            return;
        }
        let at: Vec<String> = running.iter().map(ToString::to_string).collect();
        let (stood_still, parked) = (self.stands_still, parked.len());
        self.stands_still = blocked.is_some();
        match blocked {
            Some(reason) if stood_still => {
                warn!(target: "tern::sequencer", waiting, ready, parked, %reason, "proving stands still");
            }
            // Once is no trouble: a prover may be starting.
            Some(reason) => {
                info!(target: "tern::sequencer", waiting, ready, parked, %reason, "proving stands still");
            }
            None => {
                info!(target: "tern::sequencer", waiting, ready, running = %at.join("; "), idle_workers, "proving")
            }
        }
    }

    /// Does what was decided: the disk first, then answers and hints.
    pub(super) async fn carry_out(&mut self, config: &ProofCoordinator) -> Result<(), Fault> {
        loop {
            self.plan_proofs(&config.planner())?;
            let rests = self.finals.is_empty() && self.superfluous.is_empty();
            if self.effects.is_empty() && rests && self.saved == self.proven.proven {
                break;
            }
            let effects = std::mem::take(&mut self.effects);
            let batch = self.durable(&effects);
            let (coordinator, seen) = (config.clone(), self.seen);
            if !batch.is_empty() {
                let commit = move || coordinator.commit(seen, batch);
                let commit = tokio::task::spawn_blocking(commit).await;
                commit.expect("a commit does not panic")?;
            }
            if effects
                .iter()
                .any(|effect| matches!(effect, Effect::SaveLease(_)))
            {
                crash_point("coordinator/lease-stored");
            }
            for effect in effects {
                self.announce(effect, config);
            }
        }
        for block in std::mem::take(&mut self.spans_done) {
            let _ = config.batcher.cast(BatcherMessage::SpanProven(block));
        }
        self.report(config);
        Ok(())
    }

    fn durable(&mut self, effects: &[Effect]) -> WriteBatch {
        let mut batch = WriteBatch::new();
        for job in std::mem::take(&mut self.superfluous) {
            batch.delete(&PROOFS, &job);
        }
        for (number, proof) in std::mem::take(&mut self.finals) {
            batch.put(&FINAL_PROOFS, &number, &proof);
        }
        for effect in effects {
            match effect {
                Effect::SaveLease(record) => {
                    batch.put(&LEASES, &record.fence.0, record);
                }
                Effect::DropLease(fence) => {
                    batch.delete(&LEASES, &fence.0);
                }
                Effect::SaveFailure {
                    job,
                    worker,
                    reason,
                } => {
                    let record = FailureRecord {
                        worker: worker.clone(),
                        reason: reason.clone(),
                    };
                    batch.put(&FAILED, &(*job, worker.digest()), &record);
                }
                Effect::Finished { job, .. } => self.finished(job),
                _ => {}
            }
        }
        if self.saved != self.proven.proven {
            self.saved = self.proven.proven;
            batch.put(&PROVEN, &(), &self.saved);
        }
        batch
    }

    fn announce(&mut self, effect: Effect, config: &ProofCoordinator) {
        match effect {
            Effect::SaveLease(_) | Effect::DropLease(_) | Effect::SaveFailure { .. } => {}
            Effect::Grant {
                request,
                lease,
                worker,
                hedge,
            } => {
                let (job, fence, kind) = (lease.id, lease.fence, lease.job.kind());
                let reply = self.asking.remove(&request);
                let sent = reply.is_some_and(|reply| reply.send(Ok(Some(lease))).is_ok());
                if sent {
                    info!(target: "tern::sequencer", %job, ?kind, %worker, %fence, hedge, "leased");
                } else {
                    // It no longer waits for the answer: the job is free again.
                    let cause = FailureCause::Released;
                    self.fail(JobFailure {
                        worker,
                        job,
                        fence,
                        cause,
                    });
                }
            }
            Effect::NothingToDo { request } => {
                if let Some(reply) = self.asking.remove(&request) {
                    let _ = reply.send(Ok(None));
                }
            }
            Effect::Dismiss { request } => {
                if let Some(reply) = self.asking.remove(&request) {
                    let _ = reply.send(Err(OfferRefusal::Drained));
                }
            }
            Effect::Expired { job, worker } => {
                warn!(target: "tern::sequencer", %job, %worker, "a lease expired; others may take the job");
            }
            Effect::Finished { job, kind, took } => {
                info!(target: "tern::sequencer", %job, ?kind, ?took, "proven");
            }
            Effect::Parked {
                job,
                reason,
                kind: JobKind::Segment,
            } => {
                let Some(Job::Segment {
                    input,
                    max_cycles_log,
                    ..
                }) = self.machine.job(&job)
                else {
                    return;
                };
                warn!(target: "tern::sequencer", %job, %reason,
                    "a segment is parked; its run will be cut into shorter ones");
                let halve = SimulatorMessage::Halve {
                    input: *input,
                    tried: *max_cycles_log,
                };
                let _ = config.simulator.cast(halve);
            }
            Effect::Parked { job, kind, reason } => {
                error!(target: "tern::sequencer", %job, ?kind, %reason,
                    "ALARM: a job is parked; its batch cannot be proven until the cause is removed and the sequencer restarted");
            }
        }
    }

    fn finished(&mut self, job: &JobId) {
        if self.alone.values().any(|alone| alone.wrap == *job) {
            info!(target: "tern::sequencer", %job, "a challenged block is proven");
            // The bridge hears of it.
            self.reported = None;
            let effects = self.machine.forget(job);
            self.effects.extend(effects);
        }
        self.spans_done.extend(self.ranges.finished(job));
        if let Some(range) = self.ranges.under_way()
            && range.wrap == *job
        {
            self.proven_up_to(range.last);
        }
    }

    /// Plans the next proof for L2 if none is being made and a batch waits for one.
    fn plan_proofs(&mut self, planner: &Planner) -> Result<(), Fault> {
        let store = &planner.chain.store;
        while self.ranges.under_way().is_none() {
            let first = BatchNumber(self.proven.proven.0.saturating_add(1));
            if self.ranges.ready(first, None).is_empty() {
                break;
            }
            let decided = store.get(&FINAL_PROOFS, &first).map_err(fault::disk)?;
            let last = decided.map(|decided| decided.last);
            let batches = self.ranges.ready(first, last);
            let (Some(oldest), Some(newest)) = (batches.first(), batches.last()) else {
                break;
            };
            let (plan, statement) = planner.proof(oldest, newest).map_err(plan_fault)?;
            let (group, last) = (oldest.first_block.0, newest.number);
            let jobs = planner.needed(&plan).map_err(fault::disk)?;
            let done = jobs.last().is_some_and(|planned| planned.done);
            let wrap = plan.root;
            info!(target: "tern::sequencer", %first, %last, done, "a proof for L2 is planned");
            self.ranges.begin(Range { last, wrap });
            let proof = FinalProof {
                last,
                wrap,
                statement,
            };
            self.finals.push((first, proof));
            let effects = self.machine.plan(self.now(), group, jobs);
            self.effects.extend(effects);
            if done {
                self.proven_up_to(last);
            }
        }
        Ok(())
    }

    /// These batches need no further proof: their jobs are forgotten.
    fn proven_up_to(&mut self, last: BatchNumber) {
        let (last_block, jobs) = self.ranges.done(last);
        for job in &jobs {
            let effects = self.machine.forget(job);
            self.effects.extend(effects);
        }
        if let Some(block) = last_block {
            self.proven_block = block;
        }
        self.proven.proven = last;
        info!(target: "tern::sequencer", batch = %last, last_block = %self.proven_block, "proven for L2");
    }

    /// L2 has verified these batches, whoever proved them: they need no proof of ours any more.
    pub(super) fn verified_elsewhere(&mut self, verified: BatchNumber, last_block: BlockNumber) {
        self.settled = (verified, last_block);
        let rest = self
            .alone
            .split_off(&BlockNumber(last_block.0.saturating_add(1)));
        for alone in std::mem::replace(&mut self.alone, rest).into_values() {
            let effects = self.machine.forget(&alone.wrap);
            self.effects.extend(effects);
            self.superfluous.extend(alone.steps);
        }
        let verified = verified.min(self.planned_batch);
        if verified > self.proven.proven {
            self.proven_up_to(verified);
        }
    }

    /// Whether L2 has verified a part of what shares one proof here, so that this proof is worth nothing.
    pub(super) fn is_torn(
        &self,
        verified: BatchNumber,
        store: &Store,
    ) -> Result<bool, tern_storage::StorageError> {
        let proven = self.proven.proven;
        if verified > proven {
            let range = self.ranges.under_way();
            return Ok(range.is_some_and(|range| verified < range.last));
        }
        let next = BatchNumber(verified.0.saturating_add(1));
        Ok(verified < proven && !store.contains(&FINAL_PROOFS, &next)?)
    }

    /// Tells bridge and main node how far proving is, when that has changed.
    fn report(&mut self, config: &ProofCoordinator) {
        let heads = config.chain.store.get(&HEADS, &());
        let Ok(heads) = heads else { return };
        let sealed = heads.unwrap_or_default().sealed;
        let backlog = Backlog {
            unproven_blocks: sealed.0.saturating_sub(self.proven_block.0),
        };
        if self.reported != Some(backlog) {
            self.reported = Some(backlog);
            let _ = config
                .main_node
                .cast(MainNodeMessage::ReportBacklog(backlog));
            let _ = config.bridge.cast(BridgeMessage::Wake);
        }
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk")
            .field("proven", &self.proven)
            .finish_non_exhaustive()
    }
}

/// Texts of others are not stored at any length.
fn cut(text: &mut String) {
    if text.len() > MAX_TEXT {
        text.truncate(text.floor_char_boundary(MAX_TEXT));
    }
}
