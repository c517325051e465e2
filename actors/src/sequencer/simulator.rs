//! Runs each block through the prover's machine as soon as it is stored: what cannot be proven is noticed
//! within seconds, before anything is built on it.
//!
//! Supervised by the process's supervisor. When it dies it starts again from the last block whose result is on
//! disk.

use std::time::{Duration, Instant};

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tern_cluster::{Address, Fault};
use tern_messages::{BlobId, BlockNumber, HaltReport, TransactionBatch, decode};
use tern_proving::{Profile, Simulation, Unprovable, simulate_within};
use tern_storage::tables::chain::RECEIPTS;
use tern_storage::tables::sequencer::{BATCHES, BLOBS, BLOCK_INPUTS};
use tern_storage::{StorageError, Store, WriteBatch, crash_point};
use tracing::{error, info};

use super::batcher::BatcherMessage;
use super::fault;
use super::history::{History, Seen};
use super::proof_coordinator::CoordinatorMessage;
use super::tables::{HALTS, PRUNED, SIMULATIONS, SimulatedBlock, SimulatedRun, Stage};
use crate::main_node::{Chain, MainNodeMessage};

/// Looks at one transaction batch, with segments of 2^n cycles at most: [`simulate_within`], or a stand-in in tests.
pub(crate) type Examine = fn(&TransactionBatch, Profile, u8) -> Result<Simulation, Unprovable>;

/// The simulator's configuration.
#[derive(Clone, Debug)]
pub struct Simulator {
    pub(crate) chain: Chain,
    pub(crate) history: History,
    pub(crate) profile: Profile,
    pub(crate) examine: Examine,
    /// How often to look for blocks without a hint.
    pub(crate) poll: Duration,
    pub(crate) main_node: Address<MainNodeMessage>,
    pub(crate) batcher: Address<BatcherMessage>,
    pub(crate) coordinator: Address<CoordinatorMessage>,
}

/// What the simulator can be told.
#[derive(Debug)]
pub enum SimulatorMessage {
    /// Look for blocks.
    Poll,
    /// A block was looked at.
    Examined(BlockNumber, Outcome),
    /// From the coordinator: a segment of the run of this input, of 2^`tried` cycles, could not be proven by anybody.
    Halve {
        /// The run's input.
        input: BlobId,
        /// log2 of its segments' length.
        tried: u8,
    },
    /// The last block that can be proven, and why the simulator stopped if it did.
    Status(RpcReplyPort<(BlockNumber, Option<HaltReport>)>),
}

impl ractor::Message for SimulatorMessage {}

/// What became of a block.
#[derive(Debug)]
pub enum Outcome {
    /// It can be proven; that is on disk.
    Provable,
    /// It is not stored yet.
    Absent,
    /// It cannot be proven.
    Unprovable(HaltReport),
    /// Nothing is known: the disk refused.
    Fault(Fault),
}

/// What the simulator knows.
#[derive(Debug)]
pub struct State {
    seen: Seen,
    last: BlockNumber,
    busy: bool,
    halted: Option<HaltReport>,
}

impl Actor for Simulator {
    type Msg = SimulatorMessage;
    type State = State;
    type Arguments = ();

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        (): (),
    ) -> Result<State, ActorProcessingErr> {
        let (store, seen) = (self.chain.store.clone(), self.history.now());
        let last = tokio::task::spawn_blocking(move || last_done(&store)).await?;
        let last = last.map_err(fault::disk)?;
        drop(myself.send_interval(self.poll, || SimulatorMessage::Poll));
        let _ = myself.cast(SimulatorMessage::Poll);
        Ok(State {
            seen,
            last,
            busy: false,
            halted: None,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        self.history.check(state.seen)?;
        match message {
            SimulatorMessage::Poll => self.examine_next(&myself, state),
            SimulatorMessage::Examined(number, outcome) => {
                self.examined(&myself, state, number, outcome)?;
            }
            SimulatorMessage::Halve { input, tried } => {
                let simulator = self.clone();
                tokio::spawn(simulator.halve(state.seen, input, tried));
            }
            SimulatorMessage::Status(reply) => {
                let _ = reply.send((state.last, state.halted.clone()));
            }
        }
        Ok(())
    }
}

impl Simulator {
    fn examine_next(&self, myself: &ActorRef<SimulatorMessage>, state: &mut State) {
        if state.busy || state.halted.is_some() {
            return;
        }
        state.busy = true;
        let (number, seen) = (BlockNumber(state.last.0.saturating_add(1)), state.seen);
        let (simulator, myself) = (self.clone(), myself.clone());
        tokio::spawn(async move {
            let examining = simulator.clone();
            let run = tokio::task::spawn_blocking(move || examining.examine_block(seen, number));
            let outcome = match run.await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(fault)) => Outcome::Fault(fault),
                // What makes the machine panic cannot be proven.
                Err(panic) => {
                    let reason = format!("the prover's machine failed: {panic}");
                    Outcome::Unprovable(HaltReport {
                        block: number,
                        transaction: None,
                        reason,
                    })
                }
            };
            let outcome = match outcome {
                Outcome::Unprovable(report) => simulator.halt(seen, report).await,
                other => other,
            };
            let _ = myself.cast(SimulatorMessage::Examined(number, outcome));
        });
    }

    /// Stores why a block cannot be proven, and has the main node stop; unless the block was taken back meanwhile.
    async fn halt(&self, seen: Seen, report: HaltReport) -> Outcome {
        let mut batch = WriteBatch::new();
        batch.put(&HALTS, &(Stage::Simulation as u32), &report);
        let simulator = self.clone();
        let commit = move || {
            simulator
                .history
                .commit(seen, &simulator.chain.store, batch)
        };
        let stored = tokio::task::spawn_blocking(commit).await;
        if let Ok(Err(fault @ Fault::Passing(_))) = stored {
            return Outcome::Fault(fault);
        }
        if !matches!(stored, Ok(Ok(()))) {
            error!(target: "tern::sequencer", block = %report.block, "the halt could not be stored");
        }
        let _ = self.main_node.cast(MainNodeMessage::Halt(report.clone()));
        Outcome::Unprovable(report)
    }

    fn examined(
        &self,
        myself: &ActorRef<SimulatorMessage>,
        state: &mut State,
        number: BlockNumber,
        outcome: Outcome,
    ) -> Result<(), Fault> {
        state.busy = false;
        match outcome {
            Outcome::Absent => {}
            Outcome::Provable => {
                state.last = number;
                let _ = self.coordinator.cast(CoordinatorMessage::WorkArrived);
                let _ = self.batcher.cast(BatcherMessage::Poll);
                self.examine_next(myself, state);
            }
            Outcome::Unprovable(report) => {
                error!(target: "tern::sequencer", block = %report.block,
                    transaction = ?report.transaction, reason = %report.reason,
                    "ALARM: a sealed block cannot be proven; sealing stops");
                state.halted = Some(report);
            }
            Outcome::Fault(fault) => return Err(fault),
        }
        Ok(())
    }

    /// Looks at a block, and stores how it will be proven.
    fn examine_block(&self, seen: Seen, number: BlockNumber) -> Result<Outcome, Fault> {
        let begun = Instant::now();
        let block = match self.simulated(number).map_err(fault::disk)? {
            Ok(block) => block,
            Err(outcome) => return Ok(outcome),
        };
        let store = &self.chain.store;
        let halted = store.get(&HALTS, &(Stage::Simulation as u32));
        let halted = halted.map_err(fault::disk)?;
        let resumed = halted.is_some_and(|report| report.block == number);
        let mut writes = WriteBatch::new();
        writes.put(&SIMULATIONS, &number, &block);
        if resumed {
            writes.delete(&HALTS, &(Stage::Simulation as u32));
        }
        crash_point("sequencer/simulating");
        self.history.commit(seen, store, writes)?;
        crash_point("sequencer/simulated");
        if resumed {
            let _ = self.main_node.cast(MainNodeMessage::Resume(number));
        }
        info!(target: "tern::sequencer", block = %number, segments = block.segments(),
            took = ?begun.elapsed(), "can be proven");
        Ok(Outcome::Provable)
    }

    /// How a block will be proven, or why it will not.
    fn simulated(
        &self,
        number: BlockNumber,
    ) -> Result<Result<SimulatedBlock, Outcome>, StorageError> {
        let store = &self.chain.store;
        let Some(inputs) = store.get(&BLOCK_INPUTS, &number)? else {
            return Ok(Err(Outcome::Absent));
        };
        let mut runs = Vec::with_capacity(inputs.len());
        for input in inputs {
            let blob = store.get(&BLOBS, &input)?;
            let batch: Option<TransactionBatch> = blob.and_then(|blob| decode(&blob).ok());
            let Some(batch) = batch else {
                let reason = format!("its proof's input {input} is missing on disk, or damaged");
                return Ok(Err(unprovable(number, None, reason)));
            };
            match (self.examine)(&batch, self.profile, self.profile.max_cycles_log()) {
                Ok(simulation) => runs.push(SimulatedRun { input, simulation }),
                Err(error) => {
                    let transaction = self.transaction_of(number, &batch, &error)?;
                    return Ok(Err(unprovable(number, transaction, error.to_string())));
                }
            }
        }
        if runs.is_empty() {
            let reason = "it has no transactions".to_owned();
            return Ok(Err(unprovable(number, None, reason)));
        }
        Ok(Ok(SimulatedBlock { runs }))
    }

    /// Cuts a run into segments of at most half the length that was tried, and has everything planned anew.
    async fn halve(self, seen: Seen, input: BlobId, tried: u8) {
        let simulator = self.clone();
        let cut = tokio::task::spawn_blocking(move || simulator.cut_shorter(seen, input, tried));
        let cut = cut
            .await
            .unwrap_or_else(|panic| Err(format!("the prover's machine failed: {panic}")));
        match cut {
            Ok(Some((block, segments))) => {
                info!(target: "tern::sequencer", %block, %input, segments, "cut into shorter segments");
                let _ = self.coordinator.cast(CoordinatorMessage::PlanAnew);
            }
            Ok(None) => {}
            Err(reason) => {
                error!(target: "tern::sequencer", %input, %reason,
                    "ALARM: a segment could not be proven and cannot be cut shorter; its batch cannot be proven until the \
                     cause is removed and the sequencer restarted");
            }
        }
    }

    /// The block, and how many segments it has now. `None` if the run was cut shorter already.
    fn cut_shorter(
        &self,
        seen: Seen,
        input: BlobId,
        tried: u8,
    ) -> Result<Option<(BlockNumber, u64)>, String> {
        let store = &self.chain.store;
        let mut found = None;
        for row in store.range(&SIMULATIONS, ..) {
            let (number, block) = row.map_err(|error| error.to_string())?;
            if block.runs.iter().any(|run| run.input == input) {
                found = Some((number, block));
                break;
            }
        }
        let (number, mut block) = found.ok_or("no block has this input")?;
        let run = block.runs.iter_mut().find(|run| run.input == input);
        let run = run.expect("the block was chosen for it");
        if run.simulation.max_cycles_log < tried {
            return Ok(None);
        }
        let shorter = tried - 1;
        if shorter < self.profile.min_cycles_log() {
            return Err(format!("2^{tried} cycles are the shortest segment"));
        }
        let blob = store
            .get(&BLOBS, &input)
            .map_err(|error| error.to_string())?;
        let batch: Option<TransactionBatch> = blob.and_then(|blob| decode(&blob).ok());
        let batch = batch.ok_or("the input is missing on disk, or damaged")?;
        run.simulation =
            (self.examine)(&batch, self.profile, shorter).map_err(|error| error.to_string())?;
        let mut writes = WriteBatch::new();
        writes.put(&SIMULATIONS, &number, &block);
        let stored = self.history.commit(seen, store, writes);
        stored.map_err(|error| error.to_string())?;
        Ok(Some((number, block.segments())))
    }

    /// The transaction at which the machine stopped, or the only one that there is.
    fn transaction_of(
        &self,
        number: BlockNumber,
        batch: &TransactionBatch,
        error: &Unprovable,
    ) -> Result<Option<alloy::primitives::B256>, StorageError> {
        let named = match error {
            Unprovable::Kernel { transaction, .. } => *transaction,
            _ => None,
        };
        let only = (batch.own_transactions().len() == 1).then_some(batch.first_transaction);
        let index = named.or(only).and_then(|index| usize::try_from(index).ok());
        let receipts = self
            .chain
            .store
            .get(&RECEIPTS, &number)?
            .unwrap_or_default();
        Ok(index
            .and_then(|index| receipts.get(index))
            .map(|receipt| receipt.transaction_hash))
    }
}

/// The last block that was looked at, or that L2 has verified before this directory was made.
fn last_done(store: &Store) -> Result<BlockNumber, StorageError> {
    let simulated = store.last(&SIMULATIONS)?;
    let cleared = match store.get(&PRUNED, &())? {
        Some(batch) => store.get(&BATCHES, &batch)?,
        None => None,
    };
    let simulated = simulated.map_or(BlockNumber(0), |(number, _)| number);
    Ok(cleared.map_or(simulated, |header| header.last_block.max(simulated)))
}

fn unprovable(
    block: BlockNumber,
    transaction: Option<alloy::primitives::B256>,
    reason: String,
) -> Outcome {
    Outcome::Unprovable(HaltReport {
        block,
        transaction,
        reason,
    })
}

/// The real thing.
pub(crate) const SIMULATE: Examine = simulate_within;
