//! Pulls proving jobs and runs them. Stateless: it may die at any time, and loses only its own effort.
//!
//! Supervised by the process's supervisor. When the actor dies, its loop ends with it; the coordinator gives the
//! job to another worker, or to the next start of this one. Circuits outlive the actor within the process.
//!
//! ```text
//! build circuits ──▶ Offer ──▶ Lease ──▶ fetch input, child proofs ──▶ prove ──▶ Completion ──▶ Offer …
//!  (blocking)                   │                                    (blocking)   │ kept until
//!                               └── Renewal every ttl/3; abort when told ─────────┘ acknowledged
//! ```
//!
//! * The actor answers for its loop: status, stop.
//! * `looping`: the loop. One job at a time, so memory for one.
//! * `errand`: one job, from lease to acknowledgement.
//! * `tools`: what proves: circuits in this process, or a stand-in in tests.

mod errand;
mod looping;
mod status;
#[cfg(test)]
mod tests;
mod tools;

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tern_cluster::{Address, Fault};
use tern_messages::{ProverStatus, WorkerId};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::sequencer::CoordinatorMessage;
use looping::Loop;
use status::Board;
pub use tools::{Circuits, OnStep, Tools, Workshop};

/// How long the loop may take to give its job back when the prover stops.
const FAREWELL: Duration = Duration::from_secs(2);

/// The prover's configuration.
#[derive(Clone)]
pub struct Prover {
    /// Its name: the same after a restart, different from every other prover's.
    pub name: String,
    /// Memory that a job may use, in bytes.
    pub memory: u64,
    /// Cores that a job may use.
    pub cores: u16,
    /// What makes its tools.
    pub workshop: Arc<dyn Workshop>,
    /// The process only proves: it ends when the prover is drained.
    pub alone: bool,
    /// Who has work.
    pub coordinator: Address<CoordinatorMessage>,
}

/// What the prover can be asked.
#[derive(Debug)]
pub enum ProverMessage {
    /// The prover at a glance.
    Status(RpcReplyPort<ProverStatus>),
    /// The loop ended by itself: it failed, or was drained.
    Ended(Fault),
}

impl ractor::Message for ProverMessage {}

/// What the actor holds of its loop.
#[derive(Debug)]
pub struct State {
    board: Arc<Board>,
    stop: CancellationToken,
    looping: Option<JoinHandle<()>>,
}

impl Actor for Prover {
    type Msg = ProverMessage;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<State, ActorProcessingErr> {
        Ok(State {
            board: Arc::default(),
            stop: CancellationToken::new(),
            looping: None,
        })
    }

    async fn post_start(
        &self,
        myself: ActorRef<Self::Msg>,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let worker = WorkerId {
            name: self.name.clone(),
            incarnation: rand::random(),
        };
        info!(target: "tern::prover", %worker, memory_mb = self.memory >> 20, cores = self.cores, "the prover starts");
        let looping = Loop {
            prover: self.clone(),
            worker,
            board: Arc::clone(&state.board),
            stop: state.stop.clone(),
        };
        let run = tokio::spawn(looping.run());
        state.looping = Some(tokio::spawn(async move {
            let end = match run.await {
                Ok(Ok(())) => return,
                Ok(Err(fault)) => fault,
                Err(panic) => Fault::Passing(panic.into()),
            };
            let _ = myself.cast(ProverMessage::Ended(end));
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
            ProverMessage::Status(reply) => {
                let _ = reply.send(state.board.status());
                Ok(())
            }
            ProverMessage::Ended(fault) => Err(fault.into()),
        }
    }

    async fn post_stop(
        &self,
        _: ActorRef<Self::Msg>,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        state.stop.cancel();
        if let Some(looping) = state.looping.take() {
            // Whatever does not end in time is given up: the lease will expire.
            let _ = tokio::time::timeout(FAREWELL, looping).await;
        }
        Ok(())
    }
}

/// A loop must not outlive an actor that was killed.
impl Drop for State {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl std::fmt::Debug for Prover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prover")
            .field("name", &self.name)
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}
