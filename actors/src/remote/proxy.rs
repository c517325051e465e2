//! Actors that stand for roles on other machines.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tern_messages::{decode, encode};
use tracing::{info, warn};

use super::line::{Line, LineError};
use super::request::{Question, question};
use crate::main_node::{MainNodeMessage, SealedAnnouncement};
use crate::sequencer::{BatcherMessage, CoordinatorMessage};
use crate::verifier_bridge::BridgeMessage;

/// How long an answer may take that the other side has at hand. Callers wait less long, or as long.
const ANSWER: Duration = Duration::from_secs(10);
/// How long an answer may take that carries blocks, or for which a proof is verified.
const LONG_ANSWER: Duration = Duration::from_secs(60);
/// Pause before something important is said again.
const INSISTENCE: Duration = Duration::from_secs(1);
/// How much longer than the prover's own patience the answer to an offer may take.
const OFFER_MARGIN: Duration = Duration::from_secs(10);

/// What all proxies do.
#[derive(Clone, Debug)]
struct Asking {
    line: Arc<dyn Line>,
    silent: Arc<AtomicBool>,
}

impl Asking {
    fn over(line: Arc<dyn Line>) -> Self {
        Self {
            line,
            silent: Arc::default(),
        }
    }

    /// Passes the answer on; drops the port when there is none, which the caller sees as a failed call.
    fn ask<Q: Question>(&self, question: Q, limit: Duration, reply: RpcReplyPort<Q::Answer>) {
        let request = question.request();
        let what = request.name();
        let answered = self.line.ask(encode(&request), limit);
        let silent = Arc::clone(&self.silent);
        tokio::spawn(async move {
            let answer = answered.await.and_then(|bytes| {
                decode::<Q::Answer>(&bytes).map_err(|error| LineError::Refused {
                    role: "other side",
                    reason: format!("its answer makes no sense: {error}"),
                })
            });
            match answer {
                Ok(answer) => {
                    if silent.swap(false, Ordering::Relaxed) {
                        info!(target: "tern::remote", what, "answered again");
                    }
                    let _ = reply.send(answer);
                }
                Err(error) => {
                    // Once: whoever asks asks again.
                    if !silent.swap(true, Ordering::Relaxed) {
                        warn!(target: "tern::remote", what, %error, "no answer");
                    }
                }
            }
        });
    }

    fn tell<Q: Question>(&self, question: Q) {
        self.line.tell(encode(&question.request()));
    }

    /// Says it until the other side has heard.
    fn insist<Q: Question>(&self, question: Q) {
        let (line, request) = (Arc::clone(&self.line), encode(&question.request()));
        tokio::spawn(async move {
            while let Err(error) = line.ask(request.clone(), ANSWER).await {
                warn!(target: "tern::remote", %error, "not heard; saying it again");
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
            /// A proxy at the near end of `line`.
            pub fn over(line: Arc<dyn Line>) -> Self {
                Self(Asking::over(line))
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
    /// Stands for the main node.
    MainNodeProxy for MainNodeMessage
);
proxy!(
    /// Stands for the verifier bridge.
    BridgeProxy for BridgeMessage
);

proxy!(
    /// Stands for a sequencer's replica, which is told of sealed blocks.
    ReplicaProxy for SealedAnnouncement
);

impl ReplicaProxy {
    fn pass_on(&self, SealedAnnouncement(sealed): SealedAnnouncement) {
        self.0.tell(question::BlockSealed(sealed));
    }
}

impl CoordinatorProxy {
    fn pass_on(&self, message: CoordinatorMessage) {
        match message {
            CoordinatorMessage::Offer(offer, reply) => {
                let limit = offer.wait + OFFER_MARGIN;
                self.0.ask(question::Offer(offer), limit, reply);
            }
            CoordinatorMessage::Renew(renewal, reply) => {
                self.0.ask(question::Renew(renewal), ANSWER, reply);
            }
            CoordinatorMessage::Complete(completion, reply) => {
                self.0
                    .ask(question::Complete(completion), LONG_ANSWER, reply);
            }
            CoordinatorMessage::Fail(failure) => self.0.tell(question::Fail(failure)),
            CoordinatorMessage::Fetch(query, reply) => {
                self.0.ask(question::Fetch(query), ANSWER, reply);
            }
            CoordinatorMessage::Pending(reply) => self.0.ask(question::Pending(()), ANSWER, reply),
            CoordinatorMessage::Proven(number, reply) => {
                self.0.ask(question::Proven(number), LONG_ANSWER, reply);
            }
            CoordinatorMessage::Settled(heights) => self.0.tell(question::Settled(heights)),
            CoordinatorMessage::Status(reply) => {
                self.0.ask(question::ProofStatus(()), ANSWER, reply);
            }
            message @ (CoordinatorMessage::WorkArrived
            | CoordinatorMessage::Found(_)
            | CoordinatorMessage::Judged(..)
            | CoordinatorMessage::Tick
            | CoordinatorMessage::Heartbeat) => not_for_others(&message),
        }
    }
}

impl BatcherProxy {
    fn pass_on(&self, message: BatcherMessage) {
        match message {
            BatcherMessage::Last(reply) => self.0.ask(question::LastBatch(()), ANSWER, reply),
            BatcherMessage::Headers(first, last, reply) => {
                self.0
                    .ask(question::BatchHeaders((first, last)), LONG_ANSWER, reply);
            }
            BatcherMessage::Batch(number, reply) => {
                self.0.ask(question::Batch(number), LONG_ANSWER, reply);
            }
            message @ (BatcherMessage::Poll
            | BatcherMessage::SpanProven(_)
            | BatcherMessage::Looked(_)) => not_for_others(&message),
        }
    }
}

impl MainNodeProxy {
    fn pass_on(&self, message: MainNodeMessage) {
        match message {
            MainNodeMessage::BlocksFrom(query, reply) => {
                self.0.ask(question::BlocksFrom(query), LONG_ANSWER, reply);
            }
            MainNodeMessage::ReportFinality(report, reply) => {
                self.0.ask(question::ReportFinality(report), ANSWER, reply);
            }
            MainNodeMessage::ReportAnchor(anchor) => self.0.tell(question::ReportAnchor(anchor)),
            MainNodeMessage::ReportBacklog(backlog) => {
                self.0.tell(question::ReportBacklog(backlog));
            }
            MainNodeMessage::Halt(report) => self.0.insist(question::Halt(report)),
            MainNodeMessage::Resume(number) => self.0.insist(question::Resume(number)),
            message @ (MainNodeMessage::SubmitTransaction(..)
            | MainNodeMessage::Status(_)
            | MainNodeMessage::EngineFailed(_)) => not_for_others(&message),
        }
    }
}

impl BridgeProxy {
    fn pass_on(&self, message: BridgeMessage) {
        match message {
            BridgeMessage::Wake => self.0.tell(question::Wake(())),
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
