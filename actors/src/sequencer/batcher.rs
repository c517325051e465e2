//! Gathers blocks that can be proven into batches: consecutive, without gaps, durable before anybody hears of
//! them.
//!
//! Supervised by the process's supervisor. When it dies it starts again after the last batch on disk; blocks
//! that were in no batch are looked at again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy::primitives::{Address, B256};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tern_cluster::Fault;
use tern_messages::{Batch, BatchHeader, BatchNumber, BlockNumber, StateProof, WindowDigest};
use tern_settlement::posting::posted_size_of;
use tern_storage::tables::chain::{BODIES, HEADERS, block};
use tern_storage::tables::sequencer::BATCHES;
use tern_storage::{StorageError, Store, WriteBatch, crash_point};
use tracing::{info, warn};

use super::batching::{BatchingPolicy, Candidate};
use super::fault;
use super::history::{History, Seen};
use super::proof_coordinator::CoordinatorMessage;
use super::tables::{SIMULATIONS, TAKEN_BACK};
use crate::main_node::{Chain, ChainError};
use crate::statement::windows_after;
use crate::verifier_bridge::BridgeMessage;

/// The batcher's configuration.
#[derive(Clone, Debug)]
pub struct Batcher {
    pub(crate) chain: Chain,
    pub(crate) history: History,
    pub(crate) policy: BatchingPolicy,
    /// How often to look at the age of what waits.
    pub(crate) poll: Duration,
    pub(crate) coordinator: tern_cluster::Address<CoordinatorMessage>,
    pub(crate) bridge: tern_cluster::Address<BridgeMessage>,
}

/// What the batcher can be told.
#[derive(Debug)]
pub enum BatcherMessage {
    /// Look whether a batch is due.
    Poll,
    /// All of the block is proven but what depends on its batch: a batch with it is due.
    SpanProven(BlockNumber),
    /// A look is over.
    Looked(Result<Option<BatchHeader>, Fault>),
    /// The last batch.
    Last(RpcReplyPort<BatchNumber>),
    /// The places of the batches from the first to the last named, as far as they were formed.
    Headers(
        BatchNumber,
        BatchNumber,
        RpcReplyPort<Result<Vec<BatchHeader>, String>>,
    ),
    /// A batch with its blocks, if it was formed.
    Batch(BatchNumber, RpcReplyPort<Result<Option<Batch>, String>>),
    /// What the state after a block says of an account and some of its slots.
    Proof(
        BlockNumber,
        Address,
        Vec<B256>,
        RpcReplyPort<Result<StateProof, String>>,
    ),
    /// The windows after the blocks from the first to the last named.
    Windows(
        BlockNumber,
        BlockNumber,
        RpcReplyPort<Result<Vec<WindowDigest>, String>>,
    ),
    /// Batches that were dropped since the main node took their blocks back. L2 may hold them still.
    TakenBack(RpcReplyPort<Result<Vec<BatchHeader>, String>>),
}

impl ractor::Message for BatcherMessage {}

/// What the batcher knows.
#[derive(Debug)]
pub struct State {
    seen: Seen,
    last: BatchNumber,
    last_block: BlockNumber,
    span_proven: BlockNumber,
    busy: bool,
    again: bool,
}

impl Actor for Batcher {
    type Msg = BatcherMessage;
    type State = State;
    type Arguments = ();

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        (): (),
    ) -> Result<State, ActorProcessingErr> {
        let (store, seen) = (self.chain.store.clone(), self.history.now());
        let last = tokio::task::spawn_blocking(move || store.last(&BATCHES)).await?;
        let last = last.map_err(fault::disk)?;
        let (last, last_block) = last.map_or_else(Default::default, |(n, h)| (n, h.last_block));
        drop(myself.send_interval(self.poll, || BatcherMessage::Poll));
        let _ = myself.cast(BatcherMessage::Poll);
        Ok(State {
            seen,
            last,
            last_block,
            span_proven: BlockNumber(0),
            busy: false,
            again: false,
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
            BatcherMessage::Poll => self.look(&myself, state),
            BatcherMessage::SpanProven(block) => {
                state.span_proven = state.span_proven.max(block);
                self.look(&myself, state);
            }
            BatcherMessage::Looked(outcome) => self.looked(&myself, state, outcome?),
            BatcherMessage::Last(reply) => {
                let _ = reply.send(state.last);
            }
            BatcherMessage::Headers(first, last, reply) => {
                let store = self.chain.store.clone();
                tokio::task::spawn_blocking(move || {
                    let rows = store
                        .range(&BATCHES, first..=last)
                        .map(|row| row.map(|(_, h)| h));
                    let headers: Result<Vec<_>, StorageError> = rows.collect();
                    let _ = reply.send(headers.map_err(|error| error.to_string()));
                });
            }
            BatcherMessage::Batch(number, reply) => {
                let store = self.chain.store.clone();
                tokio::task::spawn_blocking(move || {
                    let batch = read_batch(&store, number).map_err(|error| error.to_string());
                    let _ = reply.send(batch);
                });
            }
            BatcherMessage::Proof(block, account, slots, reply) => {
                let chain = self.chain.clone();
                tokio::task::spawn_blocking(move || {
                    let proof = state_proof(&chain, block, account, &slots);
                    let _ = reply.send(proof.map_err(|error| error.to_string()));
                });
            }
            BatcherMessage::Windows(first, last, reply) => {
                let chain = self.chain.clone();
                tokio::task::spawn_blocking(move || {
                    let windows = windows_after(&chain, first, last);
                    let _ = reply.send(windows.map_err(|error| error.to_string()));
                });
            }
            BatcherMessage::TakenBack(reply) => {
                let store = self.chain.store.clone();
                tokio::task::spawn_blocking(move || {
                    let rows = store.range(&TAKEN_BACK, ..).map(|row| row.map(|(_, h)| h));
                    let headers: Result<Vec<_>, StorageError> = rows.collect();
                    let _ = reply.send(headers.map_err(|error| error.to_string()));
                });
            }
        }
        Ok(())
    }
}

impl Batcher {
    fn look(&self, myself: &ActorRef<BatcherMessage>, state: &mut State) {
        if state.busy {
            state.again = true;
            return;
        }
        (state.busy, state.again) = (true, false);
        let look = Look {
            seen: state.seen,
            number: BatchNumber(state.last.0 + 1),
            first: BlockNumber(state.last_block.0 + 1),
            due: state.span_proven > state.last_block,
        };
        let (batcher, myself) = (self.clone(), myself.clone());
        tokio::task::spawn_blocking(move || {
            let outcome = batcher.form(look, SystemTime::now());
            let _ = myself.cast(BatcherMessage::Looked(outcome));
        });
    }

    fn looked(
        &self,
        myself: &ActorRef<BatcherMessage>,
        state: &mut State,
        formed: Option<BatchHeader>,
    ) {
        state.busy = false;
        if let Some(header) = formed {
            info!(target: "tern::sequencer", batch = %header.number, first = %header.first_block,
                last = %header.last_block, "formed a batch");
            (state.last, state.last_block) = (header.number, header.last_block);
            state.again = true;
            // Both look for themselves too: a lost hint costs seconds.
            let _ = self.coordinator.cast(CoordinatorMessage::WorkArrived);
            let _ = self.bridge.cast(BridgeMessage::Wake);
        }
        if state.again {
            self.look(myself, state);
        }
    }

    fn form(&self, look: Look, now: SystemTime) -> Result<Option<BatchHeader>, Fault> {
        let Some(header) = self.due(look, now).map_err(fault::disk)? else {
            return Ok(None);
        };
        let mut batch = WriteBatch::new();
        batch.put(&BATCHES, &look.number, &header);
        crash_point("sequencer/batch-forming");
        self.history.commit(look.seen, &self.chain.store, batch)?;
        crash_point("sequencer/batch-formed");
        Ok(Some(header))
    }

    fn due(&self, look: Look, now: SystemTime) -> Result<Option<BatchHeader>, StorageError> {
        let store = &self.chain.store;
        let mut candidates = Vec::new();
        for row in store
            .range(&SIMULATIONS, look.first..)
            .take(self.policy.max_blocks + 1)
        {
            let (number, simulated) = row?;
            let expected = look.first.0 + candidates.len() as u64;
            let (Some(body), Some(header)) =
                (store.get(&BODIES, &number)?, store.get(&HEADERS, &number)?)
            else {
                break;
            };
            if number.0 != expected {
                warn!(target: "tern::sequencer", block = %number, expected, "a block is missing before it");
                break;
            }
            candidates.push(Candidate {
                bytes: posted_size_of(body.iter().map(|transaction| transaction.len())),
                segments: simulated.segments(),
                sealed_at: UNIX_EPOCH + Duration::from_secs(header.header.timestamp),
            });
        }
        let Some(count) = self.policy.due(&candidates, now, look.due) else {
            return Ok(None);
        };
        let last_block = BlockNumber(look.first.0 + count as u64 - 1);
        let Some(last) = store.get(&HEADERS, &last_block)? else {
            return Ok(None);
        };
        Ok(Some(BatchHeader {
            number: look.number,
            first_block: look.first,
            last_block,
            last_block_hash: last.hash,
            state_root: last.header.state_root,
        }))
    }
}

/// What to look for.
#[derive(Clone, Copy, Debug)]
struct Look {
    seen: Seen,
    number: BatchNumber,
    first: BlockNumber,
    /// A batch is due whatever its age.
    due: bool,
}

fn state_proof(
    chain: &Chain,
    block: BlockNumber,
    account: Address,
    slots: &[B256],
) -> Result<StateProof, ChainError> {
    let root = chain.expect_header(block)?.header.state_root;
    Ok(chain.state(root).proof(account, slots)?.into())
}

/// Reads a batch with its blocks.
pub(crate) fn read_batch(
    store: &Store,
    number: BatchNumber,
) -> Result<Option<Batch>, StorageError> {
    let Some(header) = store.get(&BATCHES, &number)? else {
        return Ok(None);
    };
    let mut blocks = Vec::new();
    for number in header.first_block.0..=header.last_block.0 {
        let Some(block) = block(store, BlockNumber(number))? else {
            return Ok(None);
        };
        blocks.push(block);
    }
    Ok(Some(Batch { header, blocks }))
}
