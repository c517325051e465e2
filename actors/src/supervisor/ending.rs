//! How a process ends: by a signal, by a fault that restarts did not cure, or before it began.

use std::fmt;
use std::time::Duration;

use ractor::SpawnErr;
use tern_cluster::{Process, ShutdownReason, StartError, TerminationSignals};
use tern_cluster_config::ConfigError;
use tern_settlement::SettlementError;
use tern_storage::StorageError;
use tracing::{error, info};

use crate::crossing::CrossingError;
use crate::deployment::{DeployError, DeploymentError};
use crate::derivation::DerivationError;
use crate::main_node::{ChainError, RewindError};
use crate::rpc::RpcServerError;

/// Why a command did not do what it was asked, with the exit code that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub ShutdownReason);

impl Failure {
    /// The input is at fault: exit code 2.
    pub fn configuration(error: impl fmt::Display) -> Self {
        Self(ShutdownReason::Configuration(error.to_string()))
    }

    /// Disk and L2 exclude each other: exit code 3.
    pub fn disagreement(error: impl fmt::Display) -> Self {
        Self(ShutdownReason::Disagreement(error.to_string()))
    }

    /// The machine, the network or this program is at fault: exit code 1.
    pub fn fault(error: impl fmt::Display) -> Self {
        Self(ShutdownReason::Fault(error.to_string()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::configuration(error)
    }
}

impl From<RpcServerError> for Failure {
    fn from(error: RpcServerError) -> Self {
        match error {
            RpcServerError::Listen { .. } => Self::configuration(error),
            _ => Self::fault(error),
        }
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::InUse { .. }
            | StorageError::Foreign { .. }
            | StorageError::NotADataDirectory { .. } => Self::configuration(error),
            _ => Self::fault(error),
        }
    }
}

impl From<ChainError> for Failure {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Storage(error) => error.into(),
            ChainError::Genesis(_) => Self::configuration(error),
            _ => Self::fault(error),
        }
    }
}

impl From<RewindError> for Failure {
    fn from(error: RewindError) -> Self {
        match error {
            RewindError::Chain(error) => error.into(),
            RewindError::Transaction(_) => Self::fault(error),
            _ => Self::configuration(error),
        }
    }
}

impl From<SettlementError> for Failure {
    fn from(error: SettlementError) -> Self {
        if error.is_retryable() {
            Self::fault(error)
        } else {
            Self::configuration(error)
        }
    }
}

impl From<CrossingError> for Failure {
    fn from(error: CrossingError) -> Self {
        match error {
            CrossingError::Chain(error) => error.into(),
            CrossingError::Other(_) => Self::fault(error),
            _ => Self::configuration(error),
        }
    }
}

impl From<DerivationError> for Failure {
    fn from(error: DerivationError) -> Self {
        match error {
            DerivationError::L2(error) => error.into(),
            DerivationError::Chain(error) => error.into(),
            error if error.is_disagreement() => Self::disagreement(error),
            _ => Self::fault(error),
        }
    }
}

impl From<DeployError> for Failure {
    fn from(error: DeployError) -> Self {
        match error {
            DeployError::L2(error) => error.into(),
            DeployError::Circuit(_) => Self::fault(error),
        }
    }
}

impl From<DeploymentError> for Failure {
    fn from(error: DeploymentError) -> Self {
        match error {
            DeploymentError::Io { .. } => Self::fault(error),
            _ => Self::configuration(error),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self(error.reason())
    }
}

impl From<SpawnErr> for Failure {
    fn from(error: SpawnErr) -> Self {
        Self::fault(error)
    }
}

/// Runs what `start` starts until a signal comes or the supervisor gives up; then stops the children in order.
///
/// # Errors
/// Why it could not start.
pub async fn run(
    stop_within: Duration,
    start: impl AsyncFnOnce(&Process) -> Result<(), Failure>,
) -> Result<ShutdownReason, Failure> {
    // Before anything is started: who sees the first sign of life may ask for its end at once.
    let mut signals = TerminationSignals::install()
        .map_err(|error| Failure::fault(format!("signals cannot be received: {error}")))?;
    let process = Process::start().await?;
    let outcome = tokio::select! {
        biased;
        reason = signals.received() => Ok(reason),
        // A child may find before the start is complete that this node cannot take part.
        reason = process.ended() => Ok(reason),
        Err(failure) = start(&process) => Err(failure),
    };
    if let Ok(reason) = &outcome {
        info!(target: "tern::supervisor", %reason, "stopping");
    }
    let report = process.stop(stop_within).await;
    if report.killed.is_empty() {
        info!(target: "tern::supervisor", "stopped in order");
    } else {
        error!(target: "tern::supervisor", killed = ?report.killed, "stopped; these took too long");
    }
    outcome
}
