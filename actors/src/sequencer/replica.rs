//! Fetches every sealed block and executes it again: an independent check of the main node.
//!
//! Supervised by the process's supervisor. When it dies it starts again from the last block on disk; a block
//! and everything that follows from it are stored in one durable step, so no block is half there.
//!
//! ```text
//! hint, timer ──▶ BlocksFrom ──▶ replay each ──▶ store block, state, inputs of its proof ──▶ simulator
//!    ▲            Rewinds           │
//!    │              main node       │
//!    └── more blocks ───────────────┤ differs
//!                                   ▼
//!                                 Halt ──▶ main node
//! ```
//!
//! A main node that took blocks back says so, and which: those are dropped, and no others. A block that does not follow
//! the last one here is accused if no rewind explains it.

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, OutputPort, RpcReplyPort};
use tern_cluster::{Address, Fault};
use tern_execution::{BatchLimits, HashWindow, ReplayError, replay};
use tern_messages::{
    BlobId, BlockNumber, BlockQuery, BlockSealed, HaltReport, Rewind, SealedBlock, encode,
};
use tern_storage::tables::chain::{HEADS, Heads, StoredHeader, put_block};
use tern_storage::tables::sequencer::{BLOBS, BLOCK_INPUTS};
use tern_storage::{WriteBatch, crash_point};
use tracing::{error, info, warn};

use super::fault;
use super::history::History;
use super::rewind::{follow, followed};
use super::simulator::SimulatorMessage;
use super::tables::{HALTS, Stage};
use crate::main_node::{Chain, MainNodeMessage, SealedAnnouncement};

/// How long the main node may take to answer.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// Most blocks and bytes fetched at a time.
const FETCH: (u32, u64) = (64, 8 << 20);

/// The replica's configuration.
#[derive(Clone)]
pub struct Replica {
    pub(crate) chain: Chain,
    pub(crate) history: History,
    pub(crate) limits: BatchLimits,
    /// How often to ask for blocks without a hint.
    pub(crate) poll: Duration,
    pub(crate) main_node: Address<MainNodeMessage>,
    pub(crate) simulator: Address<SimulatorMessage>,
    /// Where sealed blocks are announced.
    pub(crate) announcements: Announcements,
}

/// Where sealed blocks are announced: hints to ask for them.
pub type Announcements = Arc<OutputPort<SealedAnnouncement>>;

/// What the replica can be told.
#[derive(Debug)]
pub enum ReplicaMessage {
    /// A block was sealed: a hint.
    BlockSealed(BlockSealed),
    /// Look for blocks.
    Poll,
    /// The main node answered.
    Fetched(Result<News, String>),
    /// Blocks were executed again.
    Replayed(Box<Progress>),
    /// The last block stored, and why the replica stopped if it did.
    Status(RpcReplyPort<(BlockNumber, Option<HaltReport>)>),
}

impl ractor::Message for ReplicaMessage {}

/// What the main node answered.
#[derive(Debug)]
pub struct News {
    blocks: Vec<SealedBlock>,
    /// Every rewind, asked for after the blocks: one that came between is among them.
    rewinds: Vec<Rewind>,
}

/// How far a run of replays came.
#[derive(Debug)]
pub struct Progress {
    tip: Tip,
    /// Rewinds that were followed, in place of replaying.
    followed: Option<Vec<Rewind>>,
    outcome: Result<(), Stop>,
}

#[derive(Debug)]
enum Stop {
    Differs(HaltReport),
    Fault(Fault),
}

/// The last block, and what the next one sees.
#[derive(Clone, Debug)]
struct Tip {
    parent: StoredHeader,
    window: HashWindow,
}

/// What the replica knows.
#[derive(Debug)]
pub struct State {
    /// Absent while blocks are being executed.
    tip: Option<Tip>,
    number: BlockNumber,
    busy: bool,
    silent: bool,
    halted: Option<HaltReport>,
    /// Every rewind that was followed.
    followed: Vec<Rewind>,
}

impl Actor for Replica {
    type Msg = ReplicaMessage;
    type State = State;
    type Arguments = ();

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        (): (),
    ) -> Result<State, ActorProcessingErr> {
        let chain = self.chain.clone();
        let load = move || -> Result<_, Fault> {
            let followed = followed(&chain.store).map_err(fault::disk)?;
            Ok((Tip::load(&chain)?, followed))
        };
        let (tip, followed) = tokio::task::spawn_blocking(load).await??;
        let number = BlockNumber(tip.parent.header.number);
        info!(target: "tern::sequencer", block = %number, "the replica continues");
        let hint = |SealedAnnouncement(sealed)| Some(ReplicaMessage::BlockSealed(sealed));
        self.announcements.subscribe(myself.clone(), hint);
        let interval = self.poll;
        drop(myself.send_interval(interval, || ReplicaMessage::Poll));
        let _ = myself.cast(ReplicaMessage::Poll);
        Ok(State {
            tip: Some(tip),
            number,
            busy: false,
            silent: false,
            halted: None,
            followed,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ReplicaMessage::Poll | ReplicaMessage::BlockSealed(_) => self.fetch(&myself, state),
            ReplicaMessage::Fetched(answer) => self.fetched(&myself, state, answer),
            ReplicaMessage::Replayed(progress) => self.replayed(&myself, state, *progress)?,
            ReplicaMessage::Status(reply) => {
                let _ = reply.send((state.number, state.halted.clone()));
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Replica {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replica")
            .field("chain", &self.chain)
            .finish_non_exhaustive()
    }
}

impl Replica {
    fn fetch(&self, myself: &ActorRef<ReplicaMessage>, state: &mut State) {
        if state.busy {
            return;
        }
        state.busy = true;
        let (max_blocks, max_bytes) = match state.halted {
            None => FETCH,
            // Only a rewind is of interest.
            Some(_) => (1, 0),
        };
        let from = BlockNumber(state.number.0.saturating_add(1));
        let query = BlockQuery {
            from,
            max_blocks,
            max_bytes,
        };
        let (main_node, myself) = (self.main_node.clone(), myself.clone());
        tokio::spawn(async move {
            let _ = myself.cast(ReplicaMessage::Fetched(ask(&main_node, query).await));
        });
    }

    fn fetched(
        &self,
        myself: &ActorRef<ReplicaMessage>,
        state: &mut State,
        answer: Result<News, String>,
    ) {
        let News { blocks, rewinds } = match answer {
            Ok(news) => news,
            Err(reason) => {
                if !state.silent {
                    warn!(target: "tern::sequencer", %reason, "blocks cannot be fetched now");
                }
                (state.silent, state.busy) = (true, false);
                return;
            }
        };
        if state.silent {
            info!(target: "tern::sequencer", "blocks can be fetched again");
            state.silent = false;
        }
        let new = |rewind: &&Rewind| !state.followed.contains(rewind);
        let rewinds: Vec<_> = rewinds.iter().filter(new).cloned().collect();
        let replays = state.halted.is_none() && !blocks.is_empty();
        let Some(tip) = state.tip.take_if(|_| replays || !rewinds.is_empty()) else {
            state.busy = false;
            return;
        };
        let (replica, myself) = (self.clone(), myself.clone());
        tokio::task::spawn_blocking(move || {
            let progress = match rewinds.is_empty() {
                true => replica.replay_all(tip, blocks),
                false => replica.follow_all(tip, rewinds),
            };
            let _ = myself.cast(ReplicaMessage::Replayed(Box::new(progress)));
        });
    }

    fn replayed(
        &self,
        myself: &ActorRef<ReplicaMessage>,
        state: &mut State,
        progress: Progress,
    ) -> Result<(), Fault> {
        state.busy = false;
        state.number = BlockNumber(progress.tip.parent.header.number);
        state.tip = Some(progress.tip);
        if let Some(rewinds) = progress.followed {
            state.followed.extend(rewinds);
            state.halted = None;
        }
        // The simulator polls too: a lost hint costs seconds.
        let _ = self.simulator.cast(SimulatorMessage::Poll);
        match progress.outcome {
            Ok(()) => self.fetch(myself, state),
            Err(Stop::Fault(fault)) => return Err(fault),
            Err(Stop::Differs(report)) => {
                error!(target: "tern::sequencer", block = %report.block, reason = %report.reason,
                    "ALARM: a sealed block is not what its transactions make of its parent; nothing is built on it");
                let _ = self.main_node.cast(MainNodeMessage::Halt(report.clone()));
                state.halted = Some(report);
            }
        }
        Ok(())
    }

    fn replay_all(&self, mut tip: Tip, blocks: Vec<SealedBlock>) -> Progress {
        let mut outcome = Ok(());
        for block in blocks {
            match self.replay_one(&tip, &block) {
                Ok(()) => tip.advance(&block),
                Err(stop) => {
                    outcome = Err(stop);
                    break;
                }
            }
        }
        Progress {
            tip,
            followed: None,
            outcome,
        }
    }

    fn follow_all(&self, tip: Tip, rewinds: Vec<Rewind>) -> Progress {
        let dropped = self.history.rewrite(|| {
            let mut dropped = false;
            for rewind in &rewinds {
                dropped |= follow(&self.chain, rewind)?;
            }
            Ok(dropped)
        });
        match dropped.and_then(|()| Tip::load(&self.chain)) {
            Ok(tip) => Progress {
                tip,
                followed: Some(rewinds),
                outcome: Ok(()),
            },
            Err(fault) => Progress {
                tip,
                followed: None,
                outcome: Err(Stop::Fault(fault)),
            },
        }
    }

    fn replay_one(&self, tip: &Tip, block: &SealedBlock) -> Result<(), Stop> {
        let number = block.number();
        let source = self.chain.nodes();
        let rules = self.chain.spec.rules;
        let parent = &tip.parent.header;
        let replayed = replay(source, rules, parent, &tip.window, block, self.limits);
        let replayed = match replayed {
            Ok(replayed) => replayed,
            Err(error) if error.accuses_block() => return Err(self.accuse(tip, block, &error)),
            Err(error) => return Err(Stop::Fault(Fault::Passing(error.into()))),
        };
        let mut batch = WriteBatch::new();
        put_block(&mut batch, block, &replayed.nodes, &replayed.codes);
        let mut inputs = Vec::with_capacity(replayed.witness.batches.len());
        for part in &replayed.witness.batches {
            let bytes = encode(part);
            let id = BlobId::of(&bytes);
            batch.put(&BLOBS, &id, &bytes.into());
            inputs.push(id);
        }
        batch.put(&BLOCK_INPUTS, &number, &inputs);
        batch.put(
            &HEADS,
            &(),
            &Heads {
                sealed: number,
                ..Heads::default()
            },
        );
        crash_point("sequencer/replayed");
        let resumed = self.was_halted_at(number)?;
        if resumed {
            batch.delete(&HALTS, &(Stage::Replay as u32));
        }
        self.chain
            .store
            .commit(batch)
            .map_err(|error| Stop::Fault(fault::disk(error)))?;
        crash_point("sequencer/block-stored");
        info!(target: "tern::sequencer", block = %number, hash = %block.hash,
            transactions = block.transactions.len(), runs = inputs.len(), "executed again");
        if resumed {
            let _ = self.main_node.cast(MainNodeMessage::Resume(number));
        }
        Ok(())
    }

    /// What differs, on disk before anybody hears of it.
    fn accuse(&self, tip: &Tip, block: &SealedBlock, error: &ReplayError) -> Stop {
        let transaction = match error {
            ReplayError::Transaction { index, .. } => block
                .receipts
                .get(*index)
                .map(|receipt| receipt.transaction_hash),
            _ => None,
        };
        // The block that should come next is at fault, whatever number it claims.
        let number = BlockNumber(tip.parent.header.number.saturating_add(1));
        let report = HaltReport {
            block: number,
            transaction,
            reason: error.to_string(),
        };
        let mut batch = WriteBatch::new();
        batch.put(&HALTS, &(Stage::Replay as u32), &report);
        match self.chain.store.commit(batch) {
            Ok(()) => Stop::Differs(report),
            Err(error) => Stop::Fault(fault::disk(error)),
        }
    }

    fn was_halted_at(&self, number: BlockNumber) -> Result<bool, Stop> {
        let halt = self.chain.store.get(&HALTS, &(Stage::Replay as u32));
        let halt = halt.map_err(|error| Stop::Fault(fault::disk(error)))?;
        Ok(halt.is_some_and(|report| report.block == number))
    }
}

/// Blocks, and then the rewinds.
async fn ask(main_node: &Address<MainNodeMessage>, query: BlockQuery) -> Result<News, String> {
    let ask = |reply| MainNodeMessage::BlocksFrom(query, reply);
    let blocks = main_node.call(ask, CALL_LIMIT).await;
    let blocks = blocks.map_err(|error| error.to_string())?;
    let rewinds = main_node.call(MainNodeMessage::Rewinds, CALL_LIMIT).await;
    let rewinds = rewinds.map_err(|error| error.to_string())?;
    Ok(News {
        blocks: blocks.map_err(|error| error.to_string())?,
        rewinds: rewinds.map_err(|error| error.to_string())?,
    })
}

impl Tip {
    fn load(chain: &Chain) -> Result<Self, Fault> {
        let last = chain.heads().map_err(fault::chain)?.sealed;
        let parent = chain.expect_header(last).map_err(fault::chain)?;
        let next = last.next().expect("block numbers stay below 2^64");
        let window = chain.window_before(next).map_err(fault::chain)?;
        Ok(Self { parent, window })
    }

    fn advance(&mut self, block: &SealedBlock) {
        self.parent = StoredHeader {
            header: block.header.clone(),
            hash: block.hash,
        };
        self.window.push(block.hash);
    }
}
