//! Answers for the roles of this process.

use std::time::Duration;

use ractor::OutputPort;
use serde::Serialize;
use std::sync::Arc;
use tern_cluster::{Address, CallError};
use tern_cluster_config::Role;
use tern_messages::{CodecError, decode, encode};
use thiserror::Error;

use super::line::Caller;
use super::request::Request;
use crate::main_node::{MainNodeMessage, SealedAnnouncement};
use crate::sequencer::{BatcherMessage, CoordinatorMessage};
use crate::verifier_bridge::BridgeMessage;

/// How long a role of this process may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// The same where blocks are read or a proof is verified.
const LONG_ANSWER: Duration = Duration::from_secs(60);
/// How much longer than the prover's own patience the answer to an offer may take.
const OFFER_MARGIN: Duration = Duration::from_secs(5);
/// Longest time that a prover may want to wait for a job.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The roles of this process.
#[derive(Clone, Debug, Default)]
pub struct Local {
    /// The proof coordinator of a sequencer.
    pub coordinator: Option<Address<CoordinatorMessage>>,
    /// The batcher of a sequencer.
    pub batcher: Option<Address<BatcherMessage>>,
    /// The main node.
    pub main_node: Option<Address<MainNodeMessage>>,
    /// The verifier bridge.
    pub bridge: Option<Address<BridgeMessage>>,
    /// Where a replica hears of sealed blocks.
    pub announcements: Option<Arc<OutputPort<SealedAnnouncement>>>,
}

/// Why a request is not answered. The connection stays.
#[derive(Debug, Error)]
pub enum Refused {
    /// It is no request.
    #[error("the request cannot be read: {0}")]
    Malformed(#[from] CodecError),
    /// Another role may ask this.
    #[error("{name} is certified as {found:?}; {request} is for {allowed:?}")]
    NotAllowed {
        /// Who asked.
        name: String,
        /// What it may speak as.
        found: Vec<Role>,
        /// What was asked.
        request: &'static str,
        /// Who may ask that.
        allowed: &'static [Role],
    },
    /// A prover speaks in another's name.
    #[error("{name} is not the worker {claimed} that it says it is")]
    Impostor {
        /// Who asked.
        name: String,
        /// Whom it said it was.
        claimed: String,
    },
    /// The role is not here.
    #[error("no {role:?} runs here")]
    NotHere {
        /// Which.
        role: Role,
    },
    /// The role did not answer.
    #[error(transparent)]
    NoAnswer(#[from] CallError),
}

/// Answers for the roles of this process.
#[derive(Clone, Debug)]
pub struct Service {
    local: Local,
}

impl Service {
    /// A service for these roles.
    pub fn new(local: Local) -> Self {
        Self { local }
    }

    /// Answers an encoded request.
    ///
    /// # Errors
    /// Why not; the text may be sent to the caller.
    pub async fn answer(&self, caller: &Caller, request: &[u8]) -> Result<Vec<u8>, Refused> {
        let request: Request = decode(request)?;
        check(caller, &request)?;
        self.dispatch(request).await
    }

    async fn dispatch(&self, request: Request) -> Result<Vec<u8>, Refused> {
        match request {
            Request::Offer(mut offer) => {
                offer.wait = offer.wait.min(LONGEST_WAIT);
                let limit = offer.wait + OFFER_MARGIN;
                let call = |reply| CoordinatorMessage::Offer(offer, reply);
                answered(self.coordinator()?.call(call, limit).await?)
            }
            Request::Renew(renewal) => {
                let call = |reply| CoordinatorMessage::Renew(renewal, reply);
                answered(self.coordinator()?.call(call, ANSWER).await?)
            }
            Request::Complete(completion) => {
                let call = |reply| CoordinatorMessage::Complete(completion, reply);
                answered(self.coordinator()?.call(call, LONG_ANSWER).await?)
            }
            Request::Fail(failure) => {
                self.coordinator()?
                    .cast(CoordinatorMessage::Fail(failure))?;
                answered(())
            }
            Request::Fetch(query) => {
                let call = |reply| CoordinatorMessage::Fetch(query, reply);
                answered(self.coordinator()?.call(call, ANSWER).await?)
            }
            Request::Pending(()) => {
                let call = CoordinatorMessage::Pending;
                answered(self.coordinator()?.call(call, ANSWER).await?)
            }
            Request::Proven(number) => {
                let call = |reply| CoordinatorMessage::Proven(number, reply);
                answered(self.coordinator()?.call(call, LONG_ANSWER).await?)
            }
            Request::Settled(heights) => {
                self.coordinator()?
                    .cast(CoordinatorMessage::Settled(heights))?;
                answered(())
            }
            Request::ProofStatus(()) => {
                let call = CoordinatorMessage::Status;
                answered(self.coordinator()?.call(call, ANSWER).await?)
            }
            Request::LastBatch(()) => {
                answered(self.batcher()?.call(BatcherMessage::Last, ANSWER).await?)
            }
            Request::BatchHeaders((first, last)) => {
                let call = |reply| BatcherMessage::Headers(first, last, reply);
                answered(self.batcher()?.call(call, LONG_ANSWER).await?)
            }
            Request::Batch(number) => {
                let call = |reply| BatcherMessage::Batch(number, reply);
                answered(self.batcher()?.call(call, LONG_ANSWER).await?)
            }
            Request::BlocksFrom(query) => {
                let call = |reply| MainNodeMessage::BlocksFrom(query, reply);
                answered(self.main_node()?.call(call, LONG_ANSWER).await?)
            }
            Request::ReportFinality(report) => {
                let call = |reply| MainNodeMessage::ReportFinality(report, reply);
                answered(self.main_node()?.call(call, ANSWER).await?)
            }
            Request::ReportAnchor(anchor) => {
                self.main_node()?
                    .cast(MainNodeMessage::ReportAnchor(anchor))?;
                answered(())
            }
            Request::ReportBacklog(backlog) => {
                self.main_node()?
                    .cast(MainNodeMessage::ReportBacklog(backlog))?;
                answered(())
            }
            Request::Halt(report) => {
                self.main_node()?.cast(MainNodeMessage::Halt(report))?;
                answered(())
            }
            Request::Resume(number) => {
                self.main_node()?.cast(MainNodeMessage::Resume(number))?;
                answered(())
            }
            Request::BlockSealed(sealed) => {
                let announcements = self.local.announcements.as_ref();
                let role = Role::Sequencer;
                announcements
                    .ok_or(Refused::NotHere { role })?
                    .send(SealedAnnouncement(sealed));
                answered(())
            }
            Request::Wake(()) => {
                let bridge = self.local.bridge.as_ref();
                let role = Role::Bridge;
                bridge
                    .ok_or(Refused::NotHere { role })?
                    .cast(BridgeMessage::Wake)?;
                answered(())
            }
        }
    }

    fn coordinator(&self) -> Result<&Address<CoordinatorMessage>, Refused> {
        let role = Role::Sequencer;
        self.local
            .coordinator
            .as_ref()
            .ok_or(Refused::NotHere { role })
    }

    fn batcher(&self) -> Result<&Address<BatcherMessage>, Refused> {
        let role = Role::Sequencer;
        self.local.batcher.as_ref().ok_or(Refused::NotHere { role })
    }

    fn main_node(&self) -> Result<&Address<MainNodeMessage>, Refused> {
        let role = Role::MainNode;
        self.local
            .main_node
            .as_ref()
            .ok_or(Refused::NotHere { role })
    }
}

/// Whether the caller may ask this, in this name.
fn check(caller: &Caller, request: &Request) -> Result<(), Refused> {
    let allowed = request.askers();
    if !allowed.iter().any(|role| caller.roles.contains(role)) {
        return Err(Refused::NotAllowed {
            name: caller.name.clone(),
            found: caller.roles.iter().copied().collect(),
            request: request.name(),
            allowed,
        });
    }
    let worker = match request {
        Request::Offer(offer) => &offer.worker,
        Request::Renew(renewal) => &renewal.worker,
        Request::Complete(completion) => &completion.worker,
        Request::Fail(failure) => &failure.worker,
        _ => return Ok(()),
    };
    if worker.name == caller.name {
        return Ok(());
    }
    Err(Refused::Impostor {
        name: caller.name.clone(),
        claimed: worker.name.escape_debug().take(64).collect(),
    })
}

fn answered(answer: impl Serialize) -> Result<Vec<u8>, Refused> {
    Ok(encode(&answer))
}
