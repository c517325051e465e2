//! What the supervisor must know to run an actor.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use ractor::{Actor, ActorCell, SpawnErr};

use crate::address::Address;
use crate::policy::RestartPolicy;

/// The future of a spawn: the started actor's cell.
pub type SpawnFuture = Pin<Box<dyn Future<Output = Result<ActorCell, SpawnErr>> + Send>>;

/// A child and how to treat it.
#[derive(Clone)]
pub struct ChildSpec {
    /// Names it in logs and reasons; unique in its process.
    pub name: &'static str,
    /// Children of lower rank are stopped earlier. Ranks follow the flow of data.
    pub rank: u8,
    /// How often it may be restarted.
    pub policy: RestartPolicy,
    spawn: Arc<dyn Fn(ActorCell) -> SpawnFuture + Send + Sync>,
}

impl ChildSpec {
    /// A child that `spawn` starts, given its supervisor's cell to link with (`Actor::spawn_linked`). It is
    /// called again for each restart, and sets the child's [`crate::Address`].
    pub fn new<F, S>(name: &'static str, rank: u8, policy: RestartPolicy, spawn: F) -> Self
    where
        F: Fn(ActorCell) -> S + Send + Sync + 'static,
        S: Future<Output = Result<ActorCell, SpawnErr>> + Send + 'static,
    {
        Self {
            name,
            rank,
            policy,
            spawn: Arc::new(move |cell| Box::pin(spawn(cell))),
        }
    }

    /// A child that is an actor without arguments, reached at `address`, under [`RestartPolicy::STANDARD`]. Each
    /// start clones it.
    pub fn of_actor<A>(name: &'static str, rank: u8, actor: A, address: &Address<A::Msg>) -> Self
    where
        A: Actor<Arguments = ()> + Clone,
    {
        let address = address.clone();
        Self::new(name, rank, RestartPolicy::STANDARD, move |supervisor| {
            let (actor, address) = (actor.clone(), address.clone());
            async move {
                let (running, _) = Actor::spawn_linked(None, actor, (), supervisor).await?;
                let cell = running.get_cell();
                address.set(running);
                Ok(cell)
            }
        })
    }

    pub(crate) fn spawn(&self, supervisor: ActorCell) -> SpawnFuture {
        (self.spawn)(supervisor)
    }
}

impl fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec")
            .field("name", &self.name)
            .field("rank", &self.rank)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
