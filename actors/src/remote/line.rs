//! A way to the node that runs a role.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tern_cluster_config::Role;
use thiserror::Error;

/// Who is at the other end, as its certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Its name: unique in the cluster.
    pub name: String,
    /// What it may speak as.
    pub roles: BTreeSet<Role>,
}

/// Why a question got no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LineError {
    /// No connection at the moment; it is being made again.
    #[error("not connected to the {role}")]
    Away {
        /// Who should be there.
        role: &'static str,
    },
    /// No answer came in time.
    #[error("the {role} did not answer within {limit:?}")]
    Timeout {
        /// Who was asked.
        role: &'static str,
        /// How long was waited.
        limit: Duration,
    },
    /// The other side refused, or broke off.
    #[error("the {role} refused: {reason}")]
    Refused {
        /// Who was asked.
        role: &'static str,
        /// What it said.
        reason: String,
    },
}

/// The answer to come.
pub type Answered = Pin<Box<dyn Future<Output = Result<Vec<u8>, LineError>> + Send>>;

/// A connection that repairs itself.
pub trait Line: Send + Sync + fmt::Debug + 'static {
    /// Sends an encoded request and waits for the encoded answer.
    fn ask(&self, request: Vec<u8>, limit: Duration) -> Answered;

    /// Sends what needs no answer; it may get lost.
    fn tell(&self, request: Vec<u8>);
}
