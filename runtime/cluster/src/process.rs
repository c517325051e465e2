//! The supervised process as its `main` sees it.

use std::future::Future;
use std::time::Duration;

use ractor::rpc::CallResult;
use ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr};
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::warn;

use crate::child::ChildSpec;
use crate::fault::Fault;
use crate::shutdown::ShutdownReason;
use crate::supervisor::{Supervisor, SupervisorMessage};

/// A running supervisor with its children.
#[derive(Debug)]
pub struct Process {
    supervisor: ActorRef<SupervisorMessage>,
    supervisor_task: JoinHandle<()>,
    verdict: watch::Receiver<Option<ShutdownReason>>,
}

/// Why a child could not be added.
#[derive(Debug, Error)]
pub enum StartError {
    /// Its start failed.
    #[error("{name} could not start: {cause}")]
    Failed {
        /// The child.
        name: &'static str,
        /// The exit code's reason.
        reason: ShutdownReason,
        /// What went wrong.
        #[source]
        cause: ActorProcessingErr,
    },
    /// A child of that name exists.
    #[error("there is already a child named {name}")]
    Duplicate {
        /// The name.
        name: &'static str,
    },
    /// The process is stopping.
    #[error("{name} was not started, because the process is stopping")]
    Stopping {
        /// The child.
        name: &'static str,
    },
    /// The supervisor has died.
    #[error("{name} was not started: the supervisor has ended")]
    NoSupervisor {
        /// The child.
        name: &'static str,
    },
}

impl StartError {
    pub(crate) fn failed(name: &'static str, cause: ActorProcessingErr) -> Self {
        let reason = cause
            .downcast_ref::<Fault>()
            .and_then(|fault| fault.ends_process(name))
            .unwrap_or_else(|| ShutdownReason::Fault(format!("{name} could not start: {cause}")));
        Self::Failed {
            name,
            reason,
            cause,
        }
    }

    /// How the process should end because of this.
    pub fn reason(&self) -> ShutdownReason {
        match self {
            Self::Failed { reason, .. } => reason.clone(),
            other => ShutdownReason::Fault(other.to_string()),
        }
    }
}

/// How the children ended, in the order in which they did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StopReport {
    /// Finished their messages and stopped.
    pub stopped: Vec<&'static str>,
    /// Took too long.
    pub killed: Vec<&'static str>,
}

impl Process {
    /// Starts a supervisor without children.
    ///
    /// # Errors
    /// If the actor cannot be spawned, which is a bug.
    pub async fn start() -> Result<Self, SpawnErr> {
        let (sender, verdict) = watch::channel(None);
        let (supervisor, supervisor_task) = Actor::spawn(None, Supervisor, sender).await?;
        Ok(Self {
            supervisor,
            supervisor_task,
            verdict,
        })
    }

    /// Starts a child and keeps it running.
    ///
    /// # Errors
    /// See [`StartError`]; a child whose first start fails is not retried.
    pub async fn add(&self, spec: ChildSpec) -> Result<(), StartError> {
        let name = spec.name;
        match self
            .supervisor
            .call(|reply| SupervisorMessage::Add(spec, reply), None)
            .await
        {
            Ok(CallResult::Success(outcome)) => outcome,
            _ => Err(StartError::NoSupervisor { name }),
        }
    }

    /// Ends when a child's failure ends the process; needs no hold of it.
    pub fn ended(&self) -> impl Future<Output = ShutdownReason> + Send + use<> {
        let mut verdict = self.verdict.clone();
        async move {
            match verdict.wait_for(Option::is_some).await {
                Ok(reason) => reason.clone().expect("waited for a reason"),
                Err(_) => ShutdownReason::Fault("the supervisor has ended".to_owned()),
            }
        }
    }

    /// Stops the children by rank within `limit`, then the supervisor.
    pub async fn stop(self, limit: Duration) -> StopReport {
        let grace = Duration::from_secs(1);
        let report = match self
            .supervisor
            .call(
                |reply| SupervisorMessage::Stop(limit, reply),
                Some(limit + grace),
            )
            .await
        {
            Ok(CallResult::Success(report)) => report,
            _ => {
                warn!(target: "tern::supervisor", "the supervisor did not stop the children in time");
                StopReport::default()
            }
        };
        self.supervisor.stop(None);
        if tokio::time::timeout(grace, self.supervisor_task)
            .await
            .is_err()
        {
            self.supervisor.kill();
        }
        report
    }
}
