//! An operator's place in the cluster: connects with one node, asks, and goes.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tern_cluster::Process;
use tern_cluster::identity::Identity;
use tern_cluster::net::{Cluster, ClusterSettings, Limits, Peer, Router, Target, Terms, Timings};
use tern_cluster_config::{JoinTarget, Role};

use crate::remote::questions::Question;
use crate::supervisor::{Failure, rank};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);
/// How long the channels may take to close.
const GOODBYE: Duration = Duration::from_secs(2);

/// A connection with one node.
#[derive(Debug)]
pub struct Operator {
    process: Process,
    cluster: Cluster,
    target: Target,
    patience: Duration,
}

impl Operator {
    /// Connects as the operator of `identity`. Without a role, a sequencer is expected at `target`.
    ///
    /// # Errors
    /// If the identity is not an operator's, or the node is not reached within `patience`.
    pub async fn connect(
        identity: Identity,
        target: JoinTarget,
        patience: Duration,
    ) -> Result<Self, Failure> {
        let target = Target {
            address: target.address,
            role: target.role.unwrap_or(Role::Sequencer),
        };
        let settings = ClusterSettings {
            identity,
            roles: [Role::Operator].into(),
            terms: Terms::default(),
            listener: None,
            join: vec![target.clone()],
            router: Router::new(),
            limits: Limits::default(),
            timings: Timings::default(),
        };
        let (cluster, children) =
            Cluster::new(settings, rank::CLUSTER).map_err(Failure::configuration)?;
        let process = Process::start().await?;
        for child in children {
            process.add(child).await?;
        }
        let operator = Self {
            process,
            cluster,
            target,
            patience,
        };
        operator.peer().await?;
        Ok(operator)
    }

    /// Asks, again after a broken connection.
    ///
    /// # Errors
    /// If there is no answer in time.
    pub async fn ask<Q, A>(&self, question: Question<Q, A>, content: &Q) -> Result<A, Failure>
    where
        Q: Serialize + Sync,
        A: DeserializeOwned,
    {
        loop {
            let peer = self.peer().await?;
            match peer.ask(question.topic, content, ANSWER).await {
                Ok(answer) => return Ok(answer),
                Err(error) if !peer.is_here() && error.may_pass() => {}
                Err(error) => return Err(Failure::fault(error)),
            }
        }
    }

    /// Takes leave.
    pub async fn leave(self) {
        for peer in self.cluster.peers() {
            peer.disconnect("done");
        }
        self.process.stop(GOODBYE).await;
    }

    async fn peer(&self) -> Result<Peer, Failure> {
        let Target { address, role } = &self.target;
        tokio::select! {
            peer = self.cluster.wait_for(*role) => Ok(peer),
            reason = self.process.ended() => Err(Failure(reason)),
            () = tokio::time::sleep(self.patience) => Err(Failure::fault(format!(
                "the {role} at {address} cannot be reached within {:?}", self.patience
            ))),
        }
    }
}
