//! Hands proving jobs to provers under leases, verifies what they return, and keeps it for ever.
//!
//! Supervised by the process's supervisor. When it dies, everything it must know is on disk: planned work
//! follows from blocks and batches, finished work from the proofs, and leases, failures and the epoch have
//! tables of their own. Provers keep their results until they are acknowledged, and send them again.
//!
//! ```text
//! simulator, batcher ──▶ plans ──▶ Machine ──▶ Lease ──▶ prover
//!                                    ▲                     │ Completion
//!                                    └── judge ◀───────────┘
//!                                         │ valid: PROOFS, one fsync
//!                                         ▼
//!               block proven ──▶ ranges ──▶ proof for L2 ──▶ bridge
//! ```
//!
//! * [`Machine`]: who gets what; pure.
//! * `plans`: which jobs there are, read from disk.
//! * A segment that nobody could prove is parked, and the simulator told: it cuts the run into shorter segments, and
//!   everything is planned anew from disk.
//! * `ranges`: which batches share the next proof for L2.
//! * `judge`: verification and storage of proofs, on blocking threads.
//! * `artifacts`: inputs and proofs in bounded pieces.

mod artifacts;
mod desk;
mod judge;
mod message;
mod plans;
mod prune;
mod ranges;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tern_cluster::{Address, Fault};
use tern_messages::CompletionAnswer;
use tern_scheduler::{Machine, Policy};
use tern_storage::WriteBatch;
use tern_storage::tables::sequencer::{BATCHES, COORDINATOR, Coordinator as Epoch};
use tracing::{error, info, warn};

use self::ranges::Ranges;
use super::batcher::BatcherMessage;
use super::fault;
use super::history::{History, Seen};
use super::simulator::SimulatorMessage;
use super::tables::PROVEN;
use crate::main_node::{Chain, MainNodeMessage};
use crate::verifier_bridge::BridgeMessage;
use desk::Desk;
use plans::{PlanFault, Planner};

pub(crate) use judge::{Judge, ProofCheck};
pub use message::CoordinatorMessage;
pub(super) use plans::FINAL_PROOFS;

/// How often leases are looked at.
const TICK: Duration = Duration::from_millis(500);
/// How often work is looked for without a hint, and the state is said.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// The coordinator's configuration.
#[derive(Clone)]
pub struct ProofCoordinator {
    pub(crate) chain: Chain,
    pub(crate) history: History,
    /// Name of the circuits' profile, for messages to humans.
    pub(crate) profile: &'static str,
    pub(crate) check: Arc<dyn ProofCheck>,
    /// Most batches that share a proof.
    pub(crate) batches_per_proof: usize,
    pub(crate) policy: Policy,
    pub(crate) main_node: Address<MainNodeMessage>,
    pub(crate) simulator: Address<SimulatorMessage>,
    pub(crate) batcher: Address<BatcherMessage>,
    pub(crate) bridge: Address<BridgeMessage>,
}

impl std::fmt::Debug for ProofCoordinator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProofCoordinator")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

impl Actor for ProofCoordinator {
    type Msg = CoordinatorMessage;
    type State = Desk;
    type Arguments = ();

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        (): (),
    ) -> Result<Desk, ActorProcessingErr> {
        let desk = self.read().await?;
        drop(myself.send_interval(TICK, || CoordinatorMessage::Tick));
        drop(myself.send_interval(HEARTBEAT, || CoordinatorMessage::Heartbeat));
        Ok(desk)
    }

    async fn post_start(
        &self,
        myself: ActorRef<Self::Msg>,
        _: &mut Desk,
    ) -> Result<(), ActorProcessingErr> {
        let _ = myself.cast(CoordinatorMessage::Heartbeat);
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        desk: &mut Desk,
    ) -> Result<(), ActorProcessingErr> {
        self.history.check(desk.seen)?;
        let outcome = self.take_in(&myself, message, desk).await;
        if outcome.is_err() {
            // Blocks may have been dropped under it.
            self.history.check(desk.seen)?;
        }
        outcome
    }
}

impl ProofCoordinator {
    async fn take_in(
        &self,
        myself: &ActorRef<CoordinatorMessage>,
        message: CoordinatorMessage,
        desk: &mut Desk,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            CoordinatorMessage::WorkArrived => self.look_for_work(myself, desk),
            CoordinatorMessage::Found(news) => {
                desk.planning = false;
                let news = news.map_err(plan_fault)?;
                desk.add(*news);
                if std::mem::take(&mut desk.plan_again) {
                    self.look_for_work(myself, desk);
                }
            }
            CoordinatorMessage::Offer(offer, reply) => desk.offer(offer, reply, self),
            CoordinatorMessage::Renew(renewal, reply) => {
                let _ = reply.send(desk.renew(renewal));
            }
            CoordinatorMessage::Complete(completion, reply) => {
                desk.complete(myself, completion, reply);
            }
            CoordinatorMessage::Judged(id, worker, verdict) => desk.judged(id, &worker, verdict),
            CoordinatorMessage::Fail(failure) => desk.fail(failure),
            CoordinatorMessage::Fetch(query, reply) => {
                let store = Arc::clone(&self.chain.store);
                tokio::task::spawn_blocking(move || {
                    let _ = reply.send(artifacts::read_chunk(&store, query));
                });
            }
            CoordinatorMessage::Tick => desk.tick(),
            CoordinatorMessage::Heartbeat => {
                self.look_for_work(myself, desk);
                desk.heartbeat();
            }
            CoordinatorMessage::Status(reply) => {
                let _ = reply.send(desk.status());
            }
            CoordinatorMessage::Drain(name, reply) => {
                desk.drain(&name);
                let _ = reply.send(());
            }
            CoordinatorMessage::Pending(reply) => {
                let _ = reply.send(desk.proven);
            }
            CoordinatorMessage::Proven(number, reply) => {
                let chain = self.chain.clone();
                tokio::task::spawn_blocking(move || {
                    let proven = plans::proven_range(&chain.store, number);
                    let _ = reply.send(proven.map_err(|error| error.to_string()));
                });
            }
            CoordinatorMessage::ProveBlock(block, reply) => {
                let proven = desk.prove_alone(&self.planner(), block);
                let _ = reply.send(proven.map_err(|fault| fault.to_string()));
            }
            CoordinatorMessage::Settled(heights) => self.settled(desk, heights).await?,
            CoordinatorMessage::Gone(worker) => desk.gone(&worker),
            // Who waits for an answer from the old one asks again.
            CoordinatorMessage::PlanAnew => *desk = self.read().await?,
        }
        desk.carry_out(self).await?;
        Ok(())
    }

    fn planner(&self) -> Planner {
        Planner {
            chain: self.chain.clone(),
            version: self.check.circuits_version(),
        }
    }

    fn judge(&self) -> Judge {
        Judge {
            store: Arc::clone(&self.chain.store),
            check: Arc::clone(&self.check),
        }
    }

    async fn read(&self) -> Result<Desk, ActorProcessingErr> {
        let coordinator = self.clone();
        Ok(tokio::task::spawn_blocking(move || coordinator.open()).await??)
    }

    /// Reads everything back from disk. Blocks.
    fn open(&self) -> Result<Desk, Fault> {
        let (store, seen) = (&self.chain.store, self.history.now());
        let Epoch { epoch } = store
            .get(&COORDINATOR, &())
            .map_err(fault::disk)?
            .unwrap_or_default();
        let next = Epoch { epoch: epoch + 1 };
        let mut batch = WriteBatch::new();
        batch.put(&COORDINATOR, &(), &next);
        store.commit(batch).map_err(fault::disk)?;
        let fences = u32::try_from(next.epoch).map_err(|_| {
            Fault::Lasting("the coordinator was started more than 2^32 times".into())
        })?;
        let machine = Machine::new(self.policy.clone(), fences);
        let ranges = Ranges::of_at_most(self.batches_per_proof);
        let mut desk = Desk::new(machine, self.judge(), ranges, seen);
        let loaded = desk.load(&self.planner());
        if loaded.is_err() {
            self.history.check(seen)?;
        }
        loaded?;
        info!(target: "tern::sequencer", epoch = next.epoch, proven = %desk.proven.proven,
            "the proof coordinator continues");
        Ok(desk)
    }

    fn commit(&self, seen: Seen, batch: WriteBatch) -> Result<(), Fault> {
        self.history.commit(seen, &self.chain.store, batch)
    }

    fn look_for_work(&self, myself: &ActorRef<CoordinatorMessage>, desk: &mut Desk) {
        if desk.planning {
            desk.plan_again = true;
            return;
        }
        desk.planning = true;
        let (block, batch) = (desk.planned_block, desk.planned_batch);
        let (planner, myself) = (self.planner(), myself.clone());
        tokio::task::spawn_blocking(move || {
            let news = planner.news(block, batch).map(Box::new);
            let _ = myself.cast(CoordinatorMessage::Found(news));
        });
    }

    async fn settled(
        &self,
        desk: &mut Desk,
        heights: tern_messages::SettledHeights,
    ) -> Result<(), ActorProcessingErr> {
        let verified = heights.verified;
        if desk
            .is_torn(verified, &self.chain.store)
            .map_err(fault::disk)?
        {
            warn!(target: "tern::sequencer", %verified, "L2 has verified a part of what shares one proof here; the rest is planned anew");
            let mut batch = WriteBatch::new();
            batch.put(&PROVEN, &(), &verified);
            let (coordinator, seen) = (self.clone(), desk.seen);
            let commit = move || coordinator.commit(seen, batch);
            tokio::task::spawn_blocking(commit).await??;
            *desk = self.read().await?;
        }
        let header = self.chain.store.get(&BATCHES, &verified);
        let last_block = header.map_err(fault::disk)?.map(|header| header.last_block);
        desk.verified_elsewhere(verified, last_block.unwrap_or_default());
        if verified <= desk.pruned {
            return Ok(());
        }
        desk.pruned = heights.verified;
        let planner = self.planner();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = prune::prune(&planner, heights.verified) {
                error!(target: "tern::sequencer", %error, "what L2 has verified could not be cleared away");
            }
        });
        Ok(())
    }
}

fn plan_fault(error: PlanFault) -> Fault {
    match error {
        PlanFault::Storage(error) => fault::disk(error),
        PlanFault::Chain(error) => fault::chain(error),
        other => Fault::Lasting(other.into()),
    }
}

fn not_accepted(reason: String) -> CompletionAnswer {
    CompletionAnswer::Invalid { reason }
}
