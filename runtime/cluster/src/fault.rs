//! An actor's error that says whether starting again can help.

use std::error::Error;

use thiserror::Error;

use crate::shutdown::ShutdownReason;

/// The error with which an actor gives up. Any other error, and any panic, counts as [`Fault::Passing`].
#[derive(Debug, Error)]
pub enum Fault {
    /// A restart may help: a connection broke, a resource was busy.
    #[error("{0}")]
    Passing(#[source] Box<dyn Error + Send + Sync>),
    /// Nothing is wrong: its work is done, and the process is to end.
    #[error("{0}")]
    Finished(String),
    /// A restart would fail in the same way: the process stops at once.
    #[error("{0}")]
    Lasting(#[source] Box<dyn Error + Send + Sync>),
    /// The configuration, or something that only the operator can change, is wrong.
    #[error("{0}")]
    Configuration(#[source] Box<dyn Error + Send + Sync>),
    /// What is on disk and what L2 says exclude each other.
    #[error("{0}")]
    Disagreement(#[source] Box<dyn Error + Send + Sync>),
}

impl Fault {
    /// How the process must end because of this fault of `child`, if it must.
    pub fn ends_process(&self, child: &str) -> Option<ShutdownReason> {
        let reason = format!("{child}: {self}");
        match self {
            Self::Passing(_) => None,
            Self::Finished(_) => Some(ShutdownReason::Requested(reason)),
            Self::Lasting(_) => Some(ShutdownReason::Fault(reason)),
            Self::Configuration(_) => Some(ShutdownReason::Configuration(reason)),
            Self::Disagreement(_) => Some(ShutdownReason::Disagreement(reason)),
        }
    }
}
