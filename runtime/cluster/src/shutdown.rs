//! Why a process stops, and the exit code that says so.

use std::process::ExitCode;
use std::{fmt, io};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Why the process stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShutdownReason {
    /// Somebody asked for it: a signal, or the end of a finite command.
    Requested(String),
    /// Something failed and could not be repaired by restarting it.
    Fault(String),
    /// The command line, the configuration or the environment is wrong.
    Configuration(String),
    /// The disk and L2 disagree; a human must look.
    Disagreement(String),
}

impl ShutdownReason {
    /// 0 clean stop, 1 runtime fault, 2 usage or configuration, 3 disk and L2 disagree.
    pub fn code(&self) -> u8 {
        match self {
            Self::Requested(_) => 0,
            Self::Fault(_) => 1,
            Self::Configuration(_) => 2,
            Self::Disagreement(_) => 3,
        }
    }
}

impl From<&ShutdownReason> for ExitCode {
    fn from(reason: &ShutdownReason) -> Self {
        Self::from(reason.code())
    }
}

impl fmt::Display for ShutdownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested(text)
            | Self::Fault(text)
            | Self::Configuration(text)
            | Self::Disagreement(text) => f.write_str(text),
        }
    }
}

/// SIGINT and SIGTERM, which end the process no longer by themselves.
#[derive(Debug)]
pub struct TerminationSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl TerminationSignals {
    /// Receives the signals from now on.
    ///
    /// # Errors
    /// If the handlers cannot be installed.
    pub fn install() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next signal, or returns one that came since.
    pub async fn received(&mut self) -> ShutdownReason {
        let name = tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        };
        ShutdownReason::Requested(format!("received {name}"))
    }
}
