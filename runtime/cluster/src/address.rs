//! A stable way to reach an actor that may be restarted.

use std::sync::Arc;
use std::time::Duration;

use ractor::rpc::CallResult;
use ractor::{ActorRef, Message, RpcReplyPort};
use thiserror::Error;
use tokio::sync::watch;

/// Reaches the present incarnation of a supervised actor.
///
/// The actor's spawn function calls [`Address::set`] each time; everybody else keeps a clone.
pub struct Address<M> {
    name: &'static str,
    present: Arc<watch::Sender<Option<ActorRef<M>>>>,
}

/// Why a call got no answer. All of them may pass: the actor is perhaps being restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CallError {
    /// The actor is not running.
    #[error("{name} is not running")]
    NotRunning {
        /// The actor's name.
        name: &'static str,
    },
    /// The answer did not come in time.
    #[error("{name} did not answer within {limit:?}")]
    Timeout {
        /// The actor's name.
        name: &'static str,
        /// The time it was given.
        limit: Duration,
    },
    /// The actor dropped the call; it most likely failed while handling it.
    #[error("{name} gave no answer")]
    Dropped {
        /// The actor's name.
        name: &'static str,
    },
}

impl<M: Message> Address<M> {
    /// An address at which nobody answers yet.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            present: Arc::new(watch::Sender::new(None)),
        }
    }

    /// Makes `actor` the one that is reached.
    pub fn set(&self, actor: ActorRef<M>) {
        self.present.send_replace(Some(actor));
    }

    /// The present incarnation, if one has been started. It may have stopped since.
    pub fn get(&self) -> Option<ActorRef<M>> {
        self.present.borrow().clone()
    }

    /// Sends `message` without waiting for anything.
    ///
    /// # Errors
    /// [`CallError::NotRunning`] if the actor has not started or has stopped.
    pub fn cast(&self, message: M) -> Result<(), CallError> {
        let actor = self
            .get()
            .ok_or(CallError::NotRunning { name: self.name })?;
        actor
            .cast(message)
            .map_err(|_| CallError::NotRunning { name: self.name })
    }

    /// Sends the message that `build` makes around a reply port, and waits for the reply.
    ///
    /// # Errors
    /// See [`CallError`]. Whether the actor acted on the message is then unknown.
    pub async fn call<R, F>(&self, build: F, limit: Duration) -> Result<R, CallError>
    where
        R: Send + 'static,
        F: FnOnce(RpcReplyPort<R>) -> M,
    {
        let name = self.name;
        let actor = self.get().ok_or(CallError::NotRunning { name })?;
        match actor.call(build, Some(limit)).await {
            Ok(CallResult::Success(reply)) => Ok(reply),
            Ok(CallResult::Timeout) => Err(CallError::Timeout { name, limit }),
            Ok(CallResult::SenderError) => Err(CallError::Dropped { name }),
            Err(_) => Err(CallError::NotRunning { name }),
        }
    }
}

impl<M> Clone for Address<M> {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            present: Arc::clone(&self.present),
        }
    }
}

impl<M> std::fmt::Debug for Address<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Address({})", self.name)
    }
}
