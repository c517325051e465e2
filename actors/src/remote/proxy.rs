//! Actors that stand for roles on other machines.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tern_cluster::net::Cluster;
use tracing::{info, warn};

use super::questions::{self as q, Hint, Question};
use crate::main_node::{MainNodeMessage, SealedAnnouncement};
use crate::sequencer::{BatcherMessage, CoordinatorMessage};
use crate::verifier_bridge::BridgeMessage;

/// How long an answer may take that the other side has at hand. Callers wait less long, or as long.
const ANSWER: Duration = Duration::from_secs(10);
/// How long an answer may take that carries blocks, or for which a proof is verified.
const LONG_ANSWER: Duration = Duration::from_secs(60);
/// How much longer than the prover's own patience the answer to an offer may take.
const OFFER_MARGIN: Duration = Duration::from_secs(10);
/// Pause before something important is said again.
const INSISTENCE: Duration = Duration::from_secs(1);

/// What all proxies do.
#[derive(Clone, Debug)]
struct Asking {
    cluster: Cluster,
    silent: Arc<AtomicBool>,
}

impl Asking {
    fn over(cluster: Cluster) -> Self {
        Self {
            cluster,
            silent: Arc::default(),
        }
    }

    /// Passes the answer on; drops the port when there is none, which the caller sees as a failed call.
    fn ask<Q, A>(
        &self,
        question: Question<Q, A>,
        content: Q,
        limit: Duration,
        reply: RpcReplyPort<A>,
    ) where
        Q: Serialize + Send + Sync + 'static,
        A: DeserializeOwned + Send + 'static,
    {
        let asking = self.clone();
        tokio::spawn(async move {
            match asking.asked(question, &content, limit).await {
                Ok(answer) => {
                    if asking.silent.swap(false, Ordering::Relaxed) {
                        info!(target: "tern::remote", of = %question.of, "answers again");
                    }
                    let _ = reply.send(answer);
                }
                Err(error) => {
                    // Once: whoever asks asks again.
                    if !asking.silent.swap(true, Ordering::Relaxed) {
                        warn!(target: "tern::remote", of = %question.of, question = question.topic, %error, "no answer");
                    }
                }
            }
        });
    }

    async fn asked<Q, A>(
        &self,
        question: Question<Q, A>,
        content: &Q,
        limit: Duration,
    ) -> Result<A, String>
    where
        Q: Serialize + Sync,
        A: DeserializeOwned,
    {
        let peer = self.cluster.with_role(question.of);
        let peer = peer.ok_or_else(|| format!("not connected to a {}", question.of))?;
        let answer = peer.ask(question.topic, content, limit).await;
        answer.map_err(|error| error.to_string())
    }

    /// Says it once, if the other side is there.
    fn hint<Q: Serialize>(&self, hint: Hint<Q>, content: &Q) {
        let Some(peer) = self.cluster.with_role(hint.of) else {
            return;
        };
        if let Err(error) = peer.hint(hint.topic, content) {
            warn!(target: "tern::remote", of = %hint.of, hint = hint.topic, %error, "not said");
        }
    }

    /// Says it until the other side has heard.
    fn insist<Q>(&self, question: Question<Q, ()>, content: Q)
    where
        Q: Serialize + Send + Sync + 'static,
    {
        let asking = self.clone();
        tokio::spawn(async move {
            while let Err(error) = asking.asked(question, &content, ANSWER).await {
                warn!(target: "tern::remote", of = %question.of, question = question.topic, %error,
                    "not heard; saying it again");
                tokio::time::sleep(INSISTENCE).await;
            }
        });
    }
}

macro_rules! proxy {
    ($(#[$doc:meta])* $name:ident for $message:ty) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(Asking);

        impl $name {
            /// Reaches the role wherever in the cluster it is.
            pub fn over(cluster: Cluster) -> Self {
                Self(Asking::over(cluster))
            }
        }

        impl Actor for $name {
            type Msg = $message;
            type State = ();
            type Arguments = ();

            async fn pre_start(
                &self,
                _: ActorRef<Self::Msg>,
                (): (),
            ) -> Result<(), ActorProcessingErr> {
                Ok(())
            }

            async fn handle(
                &self,
                _: ActorRef<Self::Msg>,
                message: Self::Msg,
                (): &mut (),
            ) -> Result<(), ActorProcessingErr> {
                self.pass_on(message);
                Ok(())
            }
        }
    };
}

proxy!(
    /// Stands for a sequencer's proof coordinator.
    CoordinatorProxy for CoordinatorMessage
);
proxy!(
    /// Stands for a sequencer's batcher.
    BatcherProxy for BatcherMessage
);
proxy!(
    /// Stands for a sequencer's replica, which is told of sealed blocks.
    ReplicaProxy for SealedAnnouncement
);
proxy!(
    /// Stands for the main node.
    MainNodeProxy for MainNodeMessage
);
proxy!(
    /// Stands for the verifier bridge.
    BridgeProxy for BridgeMessage
);

impl CoordinatorProxy {
    fn pass_on(&self, message: CoordinatorMessage) {
        let Self(to) = self;
        match message {
            CoordinatorMessage::Offer(offer, reply) => {
                let limit = offer.wait + OFFER_MARGIN;
                to.ask(q::OFFER, offer, limit, reply);
            }
            CoordinatorMessage::Renew(renewal, reply) => to.ask(q::RENEW, renewal, ANSWER, reply),
            CoordinatorMessage::Complete(completion, reply) => {
                to.ask(q::COMPLETE, completion, LONG_ANSWER, reply);
            }
            CoordinatorMessage::Fail(failure) => to.hint(q::FAIL, &failure),
            CoordinatorMessage::Fetch(query, reply) => to.ask(q::FETCH, query, ANSWER, reply),
            CoordinatorMessage::Pending(reply) => to.ask(q::PENDING, (), ANSWER, reply),
            CoordinatorMessage::Proven(number, reply) => {
                to.ask(q::PROVEN, number, LONG_ANSWER, reply);
            }
            CoordinatorMessage::ProveBlock(block, reply) => {
                to.ask(q::PROVE_BLOCK, block, LONG_ANSWER, reply);
            }
            CoordinatorMessage::Settled(heights) => to.hint(q::SETTLED, &heights),
            CoordinatorMessage::Status(reply) => to.ask(q::PROOF_STATUS, (), ANSWER, reply),
            message @ (CoordinatorMessage::WorkArrived
            | CoordinatorMessage::Found(_)
            | CoordinatorMessage::Judged(..)
            | CoordinatorMessage::Gone(_)
            | CoordinatorMessage::PlanAnew
            | CoordinatorMessage::Tick
            | CoordinatorMessage::Drain(..)
            | CoordinatorMessage::Heartbeat) => not_for_others(&message),
        }
    }
}

impl BatcherProxy {
    fn pass_on(&self, message: BatcherMessage) {
        let Self(to) = self;
        match message {
            BatcherMessage::Last(reply) => to.ask(q::LAST_BATCH, (), ANSWER, reply),
            BatcherMessage::Headers(first, last, reply) => {
                to.ask(q::BATCH_HEADERS, (first, last), LONG_ANSWER, reply);
            }
            BatcherMessage::Batch(number, reply) => to.ask(q::BATCH, number, LONG_ANSWER, reply),
            BatcherMessage::Proof(block, account, slots, reply) => {
                to.ask(q::STATE_PROOF, (block, account, slots), LONG_ANSWER, reply);
            }
            BatcherMessage::Windows(first, last, reply) => {
                to.ask(q::WINDOWS, (first, last), ANSWER, reply);
            }
            BatcherMessage::TakenBack(reply) => to.ask(q::TAKEN_BACK, (), ANSWER, reply),
            message @ (BatcherMessage::Poll
            | BatcherMessage::SpanProven(_)
            | BatcherMessage::Looked(_)) => not_for_others(&message),
        }
    }
}

impl ReplicaProxy {
    fn pass_on(&self, SealedAnnouncement(sealed): SealedAnnouncement) {
        self.0.hint(q::BLOCK_SEALED, &sealed);
    }
}

impl MainNodeProxy {
    fn pass_on(&self, message: MainNodeMessage) {
        let Self(to) = self;
        match message {
            MainNodeMessage::BlocksFrom(query, reply) => {
                to.ask(q::BLOCKS_FROM, query, LONG_ANSWER, reply);
            }
            MainNodeMessage::Rewinds(reply) => to.ask(q::REWINDS, (), ANSWER, reply),
            MainNodeMessage::ReportFinality(report, reply) => {
                to.ask(q::REPORT_FINALITY, report, ANSWER, reply);
            }
            MainNodeMessage::ReportAnchor(anchor) => to.hint(q::REPORT_ANCHOR, &anchor),
            MainNodeMessage::OfferMessages(messages, reply) => {
                to.ask(q::OFFER_MESSAGES, messages, ANSWER, reply);
            }
            MainNodeMessage::OfferForced(raw) => to.hint(q::OFFER_FORCED, &raw),
            MainNodeMessage::ReportBacklog(backlog) => to.hint(q::REPORT_BACKLOG, &backlog),
            MainNodeMessage::Halt(report) => to.insist(q::HALT, report),
            MainNodeMessage::Resume(number) => to.insist(q::RESUME, number),
            message @ (MainNodeMessage::SubmitTransaction(..)
            | MainNodeMessage::Status(_)
            | MainNodeMessage::EngineFailed(_)) => not_for_others(&message),
        }
    }
}

impl BridgeProxy {
    fn pass_on(&self, message: BridgeMessage) {
        match message {
            BridgeMessage::Wake => self.0.hint(q::WAKE, &()),
            message @ (BridgeMessage::Status(_) | BridgeMessage::Ended(_)) => {
                not_for_others(&message);
            }
        }
    }
}

/// What an actor sends to itself or asks within its process only.
fn not_for_others(message: &impl fmt::Debug) {
    warn!(target: "tern::remote", ?message, "not passed on: it is for a role of the same process");
}
