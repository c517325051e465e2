//! The only part that holds an L2 key: commits batches, proves them, and tells everybody what L2 holds.
//!
//! Supervised by the process's supervisor. When it dies it starts again from what L2 says; what it had under way
//! is then either there, or is sent again under the same nonce. It ends the process with exit code 3 when disk
//! and L2 exclude each other, and with 2 when it was given the wrong L2 or contract.
//!
//! ```text
//!            ┌──────────────── observe: heads, contract at the head and at the settled depth
//!            ▼
//!  check: what L2 holds is what we have ──▶ report: heights and anchor to main node and coordinator
//!            │                                                  │
//!            │ differs: exit 3                                  ▼
//!                                            decide ──▶ prove | commit ──▶ observe …
//!                                               └─────▶ wait for a hint or some seconds
//! ```
//!
//! * `decision`: what to do next; pure.
//! * `attestors`: the signatures of watchers, where the contract asks for them.
//! * `settlement`: what the bridge asks of L2, on real chains and in tests.
//! * `looping`: the loop above.
//! * `following`: what L2 says to L3.
//! * `delivery`: what L2 wants of L3.
//! * `disputing`: stake, proposals, challenges, where batches are final without a proof.
//! * `reports`: what the others are told.
//! * `records`: what is kept on disk.

mod attestors;
mod backoff;
mod decision;
mod delivery;
mod disputing;
mod following;
mod looping;
mod records;
mod reports;
mod settlement;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tern_cluster::{Address, Fault};
use tern_messages::BridgeStatus;
use tern_settlement::Depth;
use tern_storage::Store;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tracing::info;

use crate::main_node::MainNodeMessage;
use crate::sequencer::{BatcherMessage, CoordinatorMessage};
pub(crate) use backoff::Backoff;
use looping::Loop;
pub use settlement::{Answer, Connector, L2Connector, OnL2, Settlement};

/// The bridge's configuration.
#[derive(Clone, Debug)]
pub struct VerifierBridge<C> {
    /// Reaches L2.
    pub connector: C,
    /// The bridge's own data.
    pub store: Arc<Store>,
    /// Header of L3 block 0.
    pub genesis: alloy::consensus::Header,
    /// How deep something must be on L2 before it is reported.
    pub depth: Depth,
    /// The key is anyone's: batches are committed with their proofs, and only while the chain is open to anyone.
    pub takeover: bool,
    /// How often to look at L2 without a hint.
    pub poll: Duration,
    /// Who hears of anchors and finality.
    pub main_node: Address<MainNodeMessage>,
    /// Who has batches.
    pub batcher: Address<BatcherMessage>,
    /// Who has proofs.
    pub coordinator: Address<CoordinatorMessage>,
}

/// What the bridge can be asked and told.
#[derive(Debug)]
pub enum BridgeMessage {
    /// From the sequencer: there may be something to commit or to prove.
    Wake,
    /// The bridge at a glance.
    Status(RpcReplyPort<BridgeStatus>),
    /// The loop ended by itself.
    Ended(Fault),
}

impl ractor::Message for BridgeMessage {}

/// What the actor holds of its loop.
#[derive(Debug)]
pub struct State {
    board: Board,
    wake: Arc<Notify>,
    looping: Option<JoinHandle<()>>,
}

/// What the loop does now, for whoever asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board(Arc<Mutex<BridgeStatus>>);

impl Board {
    fn status(&self) -> BridgeStatus {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, change: impl FnOnce(&mut BridgeStatus)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl<C: Connector> Actor for VerifierBridge<C> {
    type Msg = BridgeMessage;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<State, ActorProcessingErr> {
        Ok(State {
            board: Board::default(),
            wake: Arc::default(),
            looping: None,
        })
    }

    async fn post_start(
        &self,
        myself: ActorRef<Self::Msg>,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        info!(target: "tern::bridge", depth = ?self.depth, "the bridge starts");
        let looping = Loop::new(self.clone(), state.board.clone(), Arc::clone(&state.wake));
        state.looping = Some(tokio::spawn(async move {
            let fault = looping.run().await;
            let _ = myself.cast(BridgeMessage::Ended(fault));
        }));
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            BridgeMessage::Wake => {
                state.wake.notify_one();
                Ok(())
            }
            BridgeMessage::Status(reply) => {
                let _ = reply.send(state.board.status());
                Ok(())
            }
            BridgeMessage::Ended(fault) => Err(fault.into()),
        }
    }
}

/// A loop must not outlive its actor. It may be cut off anywhere: after the next start L2 tells how far it came.
impl Drop for State {
    fn drop(&mut self) {
        if let Some(looping) = self.looping.take() {
            looping.abort();
        }
    }
}
