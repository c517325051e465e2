//! The actor that starts, watches, restarts and stops the others.
//!
//! Nobody supervises it: [`crate::Process`] holds its reference, and its death ends the process.
//!
//! ```text
//!           Add                 failed, verdict Restart            pause over
//!  (none) ───────▶ running ─────────────────────────▶ pausing ─────────────▶ running
//!                     │ failed, verdict Escalate or lasting fault      │ start failed: counts as a failure
//!                     ▼                                                ▼
//!                  ShutdownReason ───▶ Process::wait
//! ```

use std::time::{Duration, Instant};

use ractor::{
    Actor, ActorCell, ActorProcessingErr, ActorRef, RpcReplyPort, SpawnErr, SupervisionEvent,
};
use tokio::sync::watch;
use tracing::{debug, error, info, warn};

use crate::child::ChildSpec;
use crate::fault::Fault;
use crate::policy::{RestartHistory, Verdict};
use crate::process::{StartError, StopReport};
use crate::shutdown::ShutdownReason;

/// How long a child's `pre_start` may take: opening and checking a database.
const START_LIMIT: Duration = Duration::from_secs(120);

pub(crate) struct Supervisor;

pub(crate) enum SupervisorMessage {
    /// Start a child and keep it running.
    Add(ChildSpec, RpcReplyPort<Result<(), StartError>>),
    /// The pause before a restart is over.
    Restart(&'static str),
    /// Stop all children by rank, within the given time.
    Stop(Duration, RpcReplyPort<StopReport>),
}

impl ractor::Message for SupervisorMessage {}

pub(crate) struct SupervisorState {
    children: Vec<Child>,
    verdict: watch::Sender<Option<ShutdownReason>>,
    stopping: bool,
}

struct Child {
    spec: ChildSpec,
    running: Option<ActorCell>,
    history: RestartHistory,
}

impl Actor for Supervisor {
    type Msg = SupervisorMessage;
    type State = SupervisorState;
    type Arguments = watch::Sender<Option<ShutdownReason>>;

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        verdict: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(SupervisorState {
            children: Vec::new(),
            verdict,
            stopping: false,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SupervisorMessage::Add(spec, reply) => {
                let outcome = state.add(&myself, spec).await;
                let _ = reply.send(outcome);
            }
            SupervisorMessage::Restart(name) => state.restart(&myself, name).await,
            SupervisorMessage::Stop(limit, reply) => {
                let report = state.stop(limit).await;
                let _ = reply.send(report);
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(who, cause) => state.child_ended(&myself, &who, cause),
            SupervisionEvent::ActorTerminated(who, _, reason) => {
                let reason = reason.unwrap_or_else(|| "it stopped by itself".to_owned());
                state.child_ended(&myself, &who, reason.into());
            }
            _ => {}
        }
        Ok(())
    }
}

impl SupervisorState {
    async fn add(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        spec: ChildSpec,
    ) -> Result<(), StartError> {
        let name = spec.name;
        if self.stopping {
            return Err(StartError::Stopping { name });
        }
        if self.children.iter().any(|child| child.spec.name == name) {
            return Err(StartError::Duplicate { name });
        }
        let cell = start(&spec, myself)
            .await
            .map_err(|cause| StartError::failed(name, cause))?;
        info!(target: "tern::supervisor", child = name, "started");
        self.children.push(Child {
            spec,
            running: Some(cell),
            history: RestartHistory::default(),
        });
        Ok(())
    }

    async fn restart(&mut self, myself: &ActorRef<SupervisorMessage>, name: &'static str) {
        if self.stopping {
            return;
        }
        let Some(child) = self
            .children
            .iter_mut()
            .find(|child| child.spec.name == name)
        else {
            return;
        };
        match start(&child.spec, myself).await {
            Ok(cell) => {
                info!(target: "tern::supervisor", child = name, "restarted");
                child.running = Some(cell);
            }
            Err(cause) => self.judge(myself, name, cause),
        }
    }

    fn child_ended(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        who: &ActorCell,
        cause: ActorProcessingErr,
    ) {
        let ended = self.children.iter_mut().find(|child| {
            child
                .running
                .as_ref()
                .is_some_and(|cell| cell.get_id() == who.get_id())
        });
        let Some(child) = ended else {
            debug!(target: "tern::supervisor", ?who, %cause, "an unknown or already replaced actor ended");
            return;
        };
        child.running = None;
        let name = child.spec.name;
        if !self.stopping {
            self.judge(myself, name, cause);
        }
    }

    fn judge(
        &mut self,
        myself: &ActorRef<SupervisorMessage>,
        name: &'static str,
        cause: ActorProcessingErr,
    ) {
        if let Some(reason) = cause
            .downcast_ref::<Fault>()
            .and_then(|fault| fault.ends_process(name))
        {
            return self.escalate(reason);
        }
        let Some(child) = self
            .children
            .iter_mut()
            .find(|child| child.spec.name == name)
        else {
            return;
        };
        match child.history.record(&child.spec.policy, Instant::now()) {
            Verdict::Restart { after } => {
                warn!(target: "tern::supervisor", child = name, reason = %cause, pause = ?after, "failed; it will be restarted");
                myself.send_after(after, move || SupervisorMessage::Restart(name));
            }
            Verdict::Escalate { failures } => {
                let window = child.spec.policy.window;
                self.escalate(ShutdownReason::Fault(format!(
                    "{name} failed {failures} times within {window:?}, last: {cause}"
                )));
            }
        }
    }

    fn escalate(&self, reason: ShutdownReason) {
        match reason {
            ShutdownReason::Requested(_) => info!(target: "tern::supervisor", %reason, "done"),
            _ => error!(target: "tern::supervisor", %reason, "giving up"),
        }
        self.verdict.send_if_modified(|verdict| {
            let first = verdict.is_none();
            if first {
                *verdict = Some(reason);
            }
            first
        });
    }

    async fn stop(&mut self, limit: Duration) -> StopReport {
        self.stopping = true;
        let deadline = Instant::now() + limit;
        let mut report = StopReport::default();
        self.children.sort_by_key(|child| child.spec.rank);
        for child in &mut self.children {
            let Some(cell) = child.running.take() else {
                continue;
            };
            let name = child.spec.name;
            let rest = deadline.saturating_duration_since(Instant::now());
            // Draining handles what is in the mailbox, then runs `post_stop`.
            match cell.drain_and_wait(Some(rest)).await {
                Ok(()) => {
                    info!(target: "tern::supervisor", child = name, "stopped");
                    report.stopped.push(name);
                }
                Err(_) => {
                    warn!(target: "tern::supervisor", child = name, "did not stop in time and was killed");
                    cell.kill();
                    report.killed.push(name);
                }
            }
        }
        report
    }
}

async fn start(
    spec: &ChildSpec,
    supervisor: &ActorRef<SupervisorMessage>,
) -> Result<ActorCell, ActorProcessingErr> {
    match tokio::time::timeout(START_LIMIT, spec.spawn(supervisor.get_cell())).await {
        Ok(Ok(cell)) => Ok(cell),
        Ok(Err(SpawnErr::StartupFailed(cause))) => Err(cause),
        Ok(Err(other)) => Err(other.into()),
        Err(_) => Err(format!("it did not start within {START_LIMIT:?}").into()),
    }
}
