//! The actor in front of the engine: it passes messages on and never waits.
//!
//! Supervised by the process's supervisor. When it dies, what was confirmed is on disk; the next
//! incarnation executes the open block again and goes on. Callers that waited for an answer get none, and
//! ask again.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;

use ractor::{Actor, ActorProcessingErr, ActorRef, OutputPort, RpcReplyPort};
use tern_cluster::{Address, ChildSpec, Fault, RestartPolicy};
use tern_messages::{BlockNumber, BlockQuery, Rejection, SealedBlock, encode};
use tern_storage::tables::chain::block;
use tern_storage::{StorageError, Store};
use tokio::sync::{Semaphore, watch};

use super::chain::{Chain, ChainError};
use super::engine::{Command, Engine, Reconfirmed};
use super::head::Head;
use super::message::{MainNodeMessage, ReadFailure, SealedAnnouncement};
use super::tables::REWINDS;

/// Submissions that may wait for the engine. At 100,000 a second they would wait 0.1 s.
const MAX_WAITING_SUBMISSIONS: usize = 10_000;
/// Most blocks in one answer, whatever is asked for.
const MAX_BLOCKS: u32 = 256;

/// A main node as the rest of the process knows it. It stays the same over restarts of the actor.
#[derive(Clone)]
pub struct MainNodeHandle {
    /// Where it is reached.
    pub address: Address<MainNodeMessage>,
    /// Sealed blocks are announced here. Subscribers then ask for the blocks; they may miss an
    /// announcement while they restart, so they ask once at their start, too.
    pub sealed: Arc<OutputPort<SealedAnnouncement>>,
    /// The chain on disk, for readers.
    pub chain: Chain,
    head: watch::Sender<Head>,
    /// Held by the thread that works on the chain: a killed actor's thread finishes its turn before the
    /// next one reads the disk.
    ownership: Arc<Semaphore>,
}

impl MainNodeHandle {
    /// A handle for a chain whose actor is not running yet. Reads the disk; needs a runtime.
    ///
    /// # Errors
    /// If the chain cannot be read.
    pub fn new(chain: Chain) -> Result<Self, ChainError> {
        let head = watch::Sender::new(Head::on_disk(&chain)?);
        let address = Address::new(chain.spec.role);
        Ok(Self {
            address,
            sealed: Arc::default(),
            chain,
            head,
            ownership: Arc::new(Semaphore::new(1)),
        })
    }

    /// The newest durable state; changes can be awaited.
    pub fn head(&self) -> watch::Receiver<Head> {
        self.head.subscribe()
    }

    /// What the supervisor needs to run the actor. `rank` is its place in the order of stopping.
    pub fn child(&self, rank: u8) -> ChildSpec {
        let handle = self.clone();
        ChildSpec::new(
            self.chain.spec.role,
            rank,
            RestartPolicy::STANDARD,
            move |supervisor| {
                let handle = handle.clone();
                async move {
                    let address = handle.address.clone();
                    let (actor, _) =
                        Actor::spawn_linked(None, MainNode, handle, supervisor).await?;
                    address.set(actor.clone());
                    Ok(actor.get_cell())
                }
            },
        )
    }
}

impl fmt::Debug for MainNodeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MainNodeHandle")
            .field("chain", &self.chain)
            .finish_non_exhaustive()
    }
}

/// The main node. See the module's head.
struct MainNode;

struct MainNodeState {
    commands: Sender<Command>,
    submissions: Arc<AtomicUsize>,
    store: Arc<Store>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Actor for MainNode {
    type Msg = MainNodeMessage;
    type State = MainNodeState;
    type Arguments = MainNodeHandle;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        handle: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        let store = Arc::clone(&handle.chain.store);
        let (commands, inbox) = mpsc::channel();
        let owned = Arc::clone(&handle.ownership).acquire_owned().await?;
        let recovery = tokio::task::spawn_blocking(move || {
            Engine::recover(handle.chain, handle.head, handle.sealed)
        });
        let engine = recovery.await?.map_err(fault)?;
        let thread = thread::Builder::new()
            .name("main-node".to_owned())
            .spawn(move || {
                let ended = catch_unwind(AssertUnwindSafe(|| engine.run(&inbox)));
                drop(owned);
                // The actor may have stopped already; then nobody needs to know.
                let _ = match ended {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(error)) => myself.cast(MainNodeMessage::EngineFailed(error)),
                    // A bug: the panic hook has printed where. Starting again from disk may help.
                    Err(_) => {
                        myself.stop(Some("its engine panicked".to_owned()));
                        Ok(())
                    }
                };
            })?;
        Ok(MainNodeState {
            commands,
            submissions: Arc::default(),
            store,
            thread: Some(thread),
        })
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let command = match message {
            MainNodeMessage::SubmitTransaction(raw, reply) => {
                let waiting = state.submissions.fetch_add(1, Ordering::Relaxed);
                if waiting >= MAX_WAITING_SUBMISSIONS {
                    state.submissions.fetch_sub(1, Ordering::Relaxed);
                    let reason = "too many transactions arrive at once; try again".to_owned();
                    let _ = reply.send(Err(Rejection::Unavailable { reason }));
                    return Ok(());
                }
                Command::Submit {
                    raw,
                    reply,
                    counted: Counted(Arc::clone(&state.submissions)),
                }
            }
            MainNodeMessage::BlocksFrom(query, reply) => {
                let store = Arc::clone(&state.store);
                tokio::task::spawn_blocking(move || answer_blocks(&store, query, reply));
                return Ok(());
            }
            MainNodeMessage::Rewinds(reply) => {
                let store = Arc::clone(&state.store);
                tokio::task::spawn_blocking(move || {
                    let rewinds = store.range(&REWINDS, ..).map(|row| Ok(row?.1));
                    let rewinds = rewinds.collect::<Result<_, _>>();
                    let _ = reply.send(rewinds.map_err(unreadable));
                });
                return Ok(());
            }
            MainNodeMessage::ReportFinality(report, reply) => Command::Finality(report, reply),
            MainNodeMessage::ReportAnchor(anchor) => Command::Anchor(anchor),
            MainNodeMessage::OfferMessages(messages, reply) => Command::Messages(messages, reply),
            MainNodeMessage::OfferForced(raw) => Command::Forced(raw),
            MainNodeMessage::ReportBacklog(backlog) => Command::Backlog(backlog),
            MainNodeMessage::Halt(report) => Command::Halt(report),
            MainNodeMessage::Resume(block) => Command::Resume(block),
            MainNodeMessage::Status(reply) => Command::Status(reply),
            MainNodeMessage::EngineFailed(error) => return Err(fault(error)),
        };
        // If the engine has ended, its failure is on the way; the caller's reply port is dropped.
        let _ = state.commands.send(command);
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<Self::Msg>,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let _ = state.commands.send(Command::Stop);
        if let Some(thread) = state.thread.take() {
            tokio::task::spawn_blocking(move || thread.join())
                .await?
                .map_err(|_| "engine panicked")?;
        }
        Ok(())
    }
}

/// Executes what an earlier [`rewind`](super::rewind()) has returned, without a running node. Blocks on the disk.
///
/// # Errors
/// If the chain cannot be read or written.
pub fn reconfirm(chain: Chain) -> Result<Reconfirmed, ChainError> {
    let head = watch::Sender::new(Head::on_disk(&chain)?);
    Engine::recover(chain, head, Arc::default())?.reconfirm()
}

/// A submission that is counted until it is dropped.
pub(super) struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Starting again reads the same disk: only a fault that may pass is worth it.
fn fault(error: ChainError) -> ActorProcessingErr {
    Fault::Lasting(Box::new(error)).into()
}

fn answer_blocks(
    store: &Store,
    query: BlockQuery,
    reply: RpcReplyPort<Result<Vec<SealedBlock>, ReadFailure>>,
) {
    let blocks = read_blocks(store, query).map_err(unreadable);
    // The caller may have given up waiting.
    let _ = reply.send(blocks);
}

fn unreadable(error: StorageError) -> ReadFailure {
    ReadFailure {
        reason: error.to_string(),
    }
}

fn read_blocks(store: &Store, query: BlockQuery) -> Result<Vec<SealedBlock>, StorageError> {
    let mut blocks = Vec::new();
    let mut bytes = 0;
    let mut number = query.from;
    for _ in 0..query.max_blocks.clamp(1, MAX_BLOCKS) {
        let Some(found) = block(store, number)? else {
            break;
        };
        bytes += encode(&found).len() as u64;
        if bytes > query.max_bytes && !blocks.is_empty() {
            break;
        }
        blocks.push(found);
        number = BlockNumber(number.0.saturating_add(1));
    }
    Ok(blocks)
}
