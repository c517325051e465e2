//! What operators see of a node, and what they may ask of it.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tern_cluster::net::{Cluster, Peer, Refusal, Router};
use tern_cluster::{Address, CallError};
use tern_messages::{Drain, DrainAnswer, MemberStatus, PeerStatus, Role};

use super::questions as q;
use super::router::{ANSWER, answer};
use crate::sequencer::CoordinatorMessage;

/// This node, for the operators who ask about it.
#[derive(Clone, Debug)]
pub struct View {
    cluster: Arc<OnceLock<Cluster>>,
    started: Instant,
    roles: Vec<Role>,
}

impl View {
    /// A node that plays these roles and has no place in the cluster yet.
    pub fn new(roles: impl IntoIterator<Item = Role>) -> Self {
        Self {
            cluster: Arc::default(),
            started: Instant::now(),
            roles: roles.into_iter().collect(),
        }
    }

    /// The node has its place: from now on operators get answers.
    pub fn set(&self, cluster: Cluster) {
        // A process has one place in one cluster.
        let _ = self.cluster.set(cluster);
    }

    fn cluster(&self) -> Result<&Cluster, Refusal> {
        self.cluster.get().ok_or_else(|| Refusal::Unavailable {
            reason: "the node is starting".to_owned(),
        })
    }

    async fn status(
        &self,
        coordinator: Option<Address<CoordinatorMessage>>,
    ) -> Result<MemberStatus, Refusal> {
        let cluster = self.cluster()?;
        let proofs = match coordinator {
            Some(to) => to.call(CoordinatorMessage::Status, ANSWER).await.ok(),
            None => None,
        };
        let mut peers: Vec<_> = cluster.peers().iter().map(seen).collect();
        peers.sort_unstable_by(|a, b| (&a.roles, &a.name).cmp(&(&b.roles, &b.name)));
        Ok(MemberStatus {
            name: cluster.name().to_string(),
            roles: self.roles.clone(),
            software: env!("CARGO_PKG_VERSION").to_owned(),
            running: self.started.elapsed(),
            peers,
            proofs,
        })
    }

    async fn drain(
        &self,
        coordinator: Address<CoordinatorMessage>,
        Drain { name, start }: Drain,
    ) -> Result<DrainAnswer, Refusal> {
        let peers = self.cluster()?.peers();
        let mut provers: Vec<_> = peers
            .iter()
            .map(Peer::identity)
            .filter(|peer| peer.plays(Role::Prover))
            .collect();
        let Some(meant) = provers.iter().find(|peer| peer.name().as_str() == name) else {
            provers.sort_unstable_by_key(|peer| peer.name());
            let connected = provers.iter().map(|peer| peer.name().to_string()).collect();
            return Ok(DrainAnswer::Unknown { connected });
        };
        let present = meant.incarnation().0;
        if start.is_some_and(|start| start != present) {
            return Ok(DrainAnswer::Left);
        }
        let call = |reply| CoordinatorMessage::Drain(name, reply);
        let heard = coordinator.call(call, ANSWER).await;
        heard.map_err(|error: CallError| Refusal::Unavailable {
            reason: error.to_string(),
        })?;
        Ok(DrainAnswer::Leaving { start: present })
    }
}

fn seen(peer: &Peer) -> PeerStatus {
    let identity = peer.identity();
    PeerStatus {
        name: identity.name().to_string(),
        roles: identity.roles().iter().copied().collect(),
        software: identity.software(),
        address: peer.address(),
        connected: peer.connected(),
    }
}

/// Answers operators: about every node, and for the provers of a sequencer.
pub(super) fn for_operators(
    router: Router,
    view: &View,
    coordinator: Option<&Address<CoordinatorMessage>>,
) -> Router {
    let (of, to) = (view.clone(), coordinator.cloned());
    let router = answer(router, q::MEMBERS, move |_, ()| {
        let (of, to) = (of.clone(), to.clone());
        async move { of.status(to).await }
    });
    let Some(coordinator) = coordinator.cloned() else {
        return router;
    };
    let of = view.clone();
    answer(router, q::DRAIN, move |_, wish| {
        let (of, to) = (of.clone(), coordinator.clone());
        async move { of.drain(to, wish).await }
    })
}
