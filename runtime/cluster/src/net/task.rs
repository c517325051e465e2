//! An actor around a loop that should never end, so that the supervisor restarts it.

use std::sync::Arc;

use futures::future::BoxFuture;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::task::AbortHandle;

use crate::address::Address;
use crate::child::ChildSpec;
use crate::fault::Fault;

#[derive(Clone)]
struct Task {
    start: Arc<dyn Fn() -> BoxFuture<'static, Fault> + Send + Sync>,
}

struct Ended(Fault);

impl ractor::Message for Ended {}

/// The loop ends with its actor, even if that is killed.
struct Running(AbortHandle);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Actor for Task {
    type Msg = Ended;
    type State = Running;
    type Arguments = ();

    /// What `start` does before it returns its loop is done when the child counts as started.
    async fn pre_start(
        &self,
        myself: ActorRef<Ended>,
        (): (),
    ) -> Result<Running, ActorProcessingErr> {
        let task = tokio::spawn((self.start)());
        let running = Running(task.abort_handle());
        tokio::spawn(async move {
            let fault = task
                .await
                .unwrap_or_else(|error| Fault::Passing(error.into()));
            let _ = myself.cast(Ended(fault));
        });
        Ok(running)
    }

    async fn handle(
        &self,
        _: ActorRef<Ended>,
        Ended(fault): Ended,
        _: &mut Running,
    ) -> Result<(), ActorProcessingErr> {
        Err(fault.into())
    }
}

/// A child that runs a loop, which ends for a reason only.
pub fn supervised(
    name: &'static str,
    rank: u8,
    start: impl Fn() -> BoxFuture<'static, Fault> + Send + Sync + 'static,
) -> ChildSpec {
    let task = Task {
        start: Arc::new(start),
    };
    ChildSpec::of_actor(name, rank, task, &Address::new(name))
}
