//! Answers for the roles of this process.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ractor::{OutputPort, RpcReplyPort};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tern_cluster::net::{PeerIdentity, Refusal, Router};
use tern_cluster::{Address, CallError};
use tern_messages::{JobFailure, WorkerId};
use tracing::{debug, warn};

use super::questions::{self as q, Hint, Question};
use super::view::{View, for_operators};
use crate::main_node::{MainNodeMessage, SealedAnnouncement};
use crate::sequencer::{BatcherMessage, CoordinatorMessage};
use crate::verifier_bridge::BridgeMessage;

/// How long a role of this process may take to answer.
pub(super) const ANSWER: Duration = Duration::from_secs(10);
/// The same where blocks are read or a proof is verified.
const LONG_ANSWER: Duration = Duration::from_secs(55);
/// Longest time that a prover may want to wait for a job.
const LONGEST_WAIT: Duration = Duration::from_secs(45);
/// How much longer than that the answer may take.
const OFFER_MARGIN: Duration = Duration::from_secs(5);

/// The roles of this process.
#[derive(Clone, Default)]
pub struct Local {
    /// The proof coordinator and the batcher of a sequencer, and where its replica hears of sealed blocks.
    pub sequencer: Option<LocalSequencer>,
    /// The main node.
    pub main_node: Option<Address<MainNodeMessage>>,
    /// The verifier bridge.
    pub bridge: Option<Address<BridgeMessage>>,
    /// The node itself, if operators may ask about it.
    pub view: Option<View>,
}

/// The parts of a sequencer that others ask.
#[derive(Clone)]
pub struct LocalSequencer {
    /// Hands out proving jobs.
    pub coordinator: Address<CoordinatorMessage>,
    /// Forms batches.
    pub batcher: Address<BatcherMessage>,
    /// Where the replica hears of sealed blocks.
    pub announcements: Arc<OutputPort<SealedAnnouncement>>,
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local")
            .field("sequencer", &self.sequencer.is_some())
            .field("main_node", &self.main_node.is_some())
            .field("bridge", &self.bridge.is_some())
            .finish()
    }
}

impl fmt::Debug for LocalSequencer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSequencer").finish_non_exhaustive()
    }
}

/// A router that answers for these roles.
pub fn router(local: Local) -> Router {
    let mut router = Router::new();
    if let Some(view) = &local.view {
        let coordinator = local.sequencer.as_ref().map(|parts| &parts.coordinator);
        router = for_operators(router, view, coordinator);
    }
    if let Some(sequencer) = local.sequencer {
        router = for_provers(router, &sequencer.coordinator);
        router = for_bridge(router, &sequencer);
        let announcements = sequencer.announcements;
        router = hear(router, q::BLOCK_SEALED, move |_, sealed| {
            announcements.send(SealedAnnouncement(sealed));
        });
    }
    if let Some(main_node) = local.main_node {
        router = for_main_node(router, &main_node);
    }
    if let Some(bridge) = local.bridge {
        router = hear(router, q::WAKE, move |_, ()| {
            let _ = bridge.cast(BridgeMessage::Wake);
        });
    }
    router
}

/// What provers ask of a coordinator. A prover can speak for itself only: its certificate says who it is.
fn for_provers(router: Router, coordinator: &Address<CoordinatorMessage>) -> Router {
    let to = coordinator.clone();
    let router = answer(router, q::OFFER, move |caller, mut offer| {
        let to = to.clone();
        async move {
            is_itself(&caller, &offer.worker)?;
            offer.wait = offer.wait.min(LONGEST_WAIT);
            let limit = offer.wait + OFFER_MARGIN;
            let call = |reply| CoordinatorMessage::Offer(offer, reply);
            to.call(call, limit).await.map_err(unavailable)
        }
    });
    let to = coordinator.clone();
    let router = answer(router, q::RENEW, move |caller, renewal| {
        let to = to.clone();
        async move {
            is_itself(&caller, &renewal.worker)?;
            let call = |reply| CoordinatorMessage::Renew(renewal, reply);
            to.call(call, ANSWER).await.map_err(unavailable)
        }
    });
    let to = coordinator.clone();
    let router = answer(router, q::COMPLETE, move |caller, completion| {
        let to = to.clone();
        async move {
            is_itself(&caller, &completion.worker)?;
            let call = |reply| CoordinatorMessage::Complete(completion, reply);
            to.call(call, LONG_ANSWER).await.map_err(unavailable)
        }
    });
    let to = coordinator.clone();
    let router = hear(
        router,
        q::FAIL,
        move |caller, failure: JobFailure| match is_itself(&caller, &failure.worker) {
            Ok(()) => drop(to.cast(CoordinatorMessage::Fail(failure))),
            Err(refusal) => {
                debug!(target: "tern::remote", %caller, %refusal, "a failed job is not counted");
            }
        },
    );
    asked(
        router,
        q::FETCH,
        coordinator,
        ANSWER,
        CoordinatorMessage::Fetch,
    )
}

fn for_bridge(router: Router, sequencer: &LocalSequencer) -> Router {
    let LocalSequencer {
        coordinator,
        batcher,
        ..
    } = sequencer;
    let router = asked(router, q::PENDING, coordinator, ANSWER, |(), reply| {
        CoordinatorMessage::Pending(reply)
    });
    let router = asked(
        router,
        q::PROVEN,
        coordinator,
        LONG_ANSWER,
        CoordinatorMessage::Proven,
    );
    let router = asked(
        router,
        q::PROVE_BLOCK,
        coordinator,
        LONG_ANSWER,
        CoordinatorMessage::ProveBlock,
    );
    let router = told(router, q::SETTLED, coordinator, CoordinatorMessage::Settled);
    let router = asked(router, q::PROOF_STATUS, coordinator, ANSWER, |(), reply| {
        CoordinatorMessage::Status(reply)
    });
    let router = asked(router, q::LAST_BATCH, batcher, ANSWER, |(), reply| {
        BatcherMessage::Last(reply)
    });
    let windows = |(first, last), reply| BatcherMessage::Windows(first, last, reply);
    let router = asked(router, q::WINDOWS, batcher, ANSWER, windows);
    let headers = |(first, last), reply| BatcherMessage::Headers(first, last, reply);
    let router = asked(router, q::BATCH_HEADERS, batcher, LONG_ANSWER, headers);
    let proof =
        |(block, account, slots), reply| BatcherMessage::Proof(block, account, slots, reply);
    let router = asked(router, q::STATE_PROOF, batcher, LONG_ANSWER, proof);
    let router = asked(router, q::TAKEN_BACK, batcher, ANSWER, |(), reply| {
        BatcherMessage::TakenBack(reply)
    });
    asked(
        router,
        q::BATCH,
        batcher,
        LONG_ANSWER,
        BatcherMessage::Batch,
    )
}

fn for_main_node(router: Router, main_node: &Address<MainNodeMessage>) -> Router {
    let router = asked(
        router,
        q::BLOCKS_FROM,
        main_node,
        LONG_ANSWER,
        MainNodeMessage::BlocksFrom,
    );
    let router = asked(router, q::REWINDS, main_node, ANSWER, |(), reply| {
        MainNodeMessage::Rewinds(reply)
    });
    let router = asked(
        router,
        q::REPORT_FINALITY,
        main_node,
        ANSWER,
        MainNodeMessage::ReportFinality,
    );
    let router = told(
        router,
        q::REPORT_ANCHOR,
        main_node,
        MainNodeMessage::ReportAnchor,
    );
    let router = asked(
        router,
        q::OFFER_MESSAGES,
        main_node,
        ANSWER,
        MainNodeMessage::OfferMessages,
    );
    let router = told(
        router,
        q::OFFER_FORCED,
        main_node,
        MainNodeMessage::OfferForced,
    );
    let router = told(
        router,
        q::REPORT_BACKLOG,
        main_node,
        MainNodeMessage::ReportBacklog,
    );
    let router = heard(router, q::HALT, main_node, MainNodeMessage::Halt);
    heard(router, q::RESUME, main_node, MainNodeMessage::Resume)
}

/// A question that an actor answers.
fn asked<Q, A, M>(
    router: Router,
    question: Question<Q, A>,
    to: &Address<M>,
    limit: Duration,
    message: impl Fn(Q, RpcReplyPort<A>) -> M + Copy + Send + Sync + 'static,
) -> Router
where
    Q: DeserializeOwned + Send + 'static,
    A: Serialize + Send + 'static,
    M: ractor::Message,
{
    let to = to.clone();
    answer(router, question, move |_, content| {
        let to = to.clone();
        async move {
            let call = |reply| message(content, reply);
            to.call(call, limit).await.map_err(unavailable)
        }
    })
}

/// Something that an actor must hear; the caller says it until it knows that it was.
fn heard<Q, M>(
    router: Router,
    question: Question<Q, ()>,
    to: &Address<M>,
    message: fn(Q) -> M,
) -> Router
where
    Q: DeserializeOwned + Send + 'static,
    M: ractor::Message,
{
    let to = to.clone();
    answer(router, question, move |_, content| {
        let outcome = to.cast(message(content)).map_err(unavailable);
        async move { outcome }
    })
}

/// Something that an actor is told, and may miss.
fn told<Q, M>(router: Router, hint: Hint<Q>, to: &Address<M>, message: fn(Q) -> M) -> Router
where
    Q: DeserializeOwned + 'static,
    M: ractor::Message,
{
    let to = to.clone();
    hear(router, hint, move |_, content| {
        let _ = to.cast(message(content));
    })
}

pub(super) fn answer<Q, A, F>(
    router: Router,
    question: Question<Q, A>,
    service: impl Fn(PeerIdentity, Q) -> F + Send + Sync + 'static,
) -> Router
where
    Q: DeserializeOwned + Send + 'static,
    A: Serialize,
    F: Future<Output = Result<A, Refusal>> + Send + 'static,
{
    let Question {
        topic, by, max_len, ..
    } = question;
    router.answer(topic, by.iter().copied(), max_len, service)
}

fn hear<Q>(
    router: Router,
    hint: Hint<Q>,
    service: impl Fn(PeerIdentity, Q) + Send + Sync + 'static,
) -> Router
where
    Q: DeserializeOwned,
{
    router.hear(hint.topic, hint.by.iter().copied(), service)
}

fn is_itself(caller: &PeerIdentity, claimed: &WorkerId) -> Result<(), Refusal> {
    if claimed.name == caller.name().as_str() {
        return Ok(());
    }
    let claimed: String = claimed.name.escape_debug().take(64).collect();
    warn!(target: "tern::remote", %caller, claimed, "a prover speaks in another's name");
    Err(Refusal::Malformed {
        reason: format!("{} cannot speak for the worker `{claimed}`", caller.name()),
    })
}

fn unavailable(error: CallError) -> Refusal {
    Refusal::Unavailable {
        reason: error.to_string(),
    }
}
