//! A peer that can be asked.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use ractor::ActorRef;
use ractor::rpc::CallResult;
use serde::{Serialize, de::DeserializeOwned};
use tern_messages::{CodecError, codec};
use thiserror::Error;

use super::gateway::GatewayMessage;
use super::hello::PeerIdentity;
use super::session::{Departure, Direction, Session};
use super::settings::{CHUNK, Limits, MAX_FRAME};
use super::wire::{Answer, Hint, Refusal, Request, Wire};

/// How much later than the peer's own time limit this side gives up: the refusal shall arrive.
const MARGIN: Duration = Duration::from_millis(500);

/// A peer, for as long as its connection lives.
#[derive(Clone)]
pub struct Peer {
    session: Arc<Session>,
    limits: Limits,
}

/// Why a request got no answer.
#[derive(Debug, Error)]
pub enum AskError {
    /// The peer is gone. Whether it acted on the request is unknown.
    #[error("{peer} left: {why}")]
    Left {
        /// Who.
        peer: PeerIdentity,
        /// Why.
        why: Departure,
    },
    /// No answer came in time. Whether the peer acted on the request is unknown.
    #[error("{peer} did not answer within {limit:?}")]
    Timeout {
        /// Who.
        peer: PeerIdentity,
        /// The time it was given.
        limit: Duration,
    },
    /// The peer did not answer.
    #[error("{peer} refused: {refusal}")]
    Refused {
        /// Who.
        peer: PeerIdentity,
        /// Why.
        refusal: Refusal,
    },
    /// The answer is not what it should be.
    #[error("the answer of {peer} cannot be read: {source}")]
    Unreadable {
        /// Who.
        peer: PeerIdentity,
        /// What is wrong with it.
        #[source]
        source: CodecError,
    },
    /// The request or the answer is longer than a blob may be.
    #[error("{len} bytes are too many for one message; {max} are possible")]
    TooLong {
        /// Its bytes.
        len: u64,
        /// Most bytes.
        max: u64,
    },
}

impl AskError {
    /// Whether the same request, perhaps to another peer, may succeed later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Left { .. } | Self::Timeout { .. } => true,
            Self::Refused { refusal, .. } => refusal.may_pass(),
            Self::Unreadable { .. } | Self::TooLong { .. } => false,
        }
    }
}

static NEXT_BLOB: AtomicU64 = AtomicU64::new(0);

impl Peer {
    pub(super) fn new(session: Arc<Session>, limits: Limits) -> Self {
        Self { session, limits }
    }

    /// Who it is, as authenticated.
    pub fn identity(&self) -> &PeerIdentity {
        &self.session.peer
    }

    /// Its network address.
    pub fn address(&self) -> SocketAddr {
        self.session.address
    }

    /// Which side opened the connection.
    pub fn direction(&self) -> Direction {
        self.session.direction
    }

    /// For how long it has been connected.
    pub fn connected(&self) -> Duration {
        self.session.since.elapsed()
    }

    /// Whether its connection still lives.
    pub fn is_here(&self) -> bool {
        !self.session.over.is_cancelled()
    }

    /// Returns when it is gone, and why.
    pub async fn left(&self) -> Departure {
        self.session.over.cancelled().await;
        self.session.departure()
    }

    /// Ends the connection. A peer that dialled will dial again.
    pub fn disconnect(&self, why: impl Into<String>) {
        self.session.end(Departure::Ended(why.into()));
    }

    /// Asks a topic and waits at most `limit`. Long requests and answers travel in acknowledged chunks.
    ///
    /// # Errors
    /// See [`AskError`]; [`AskError::may_pass`] says whether trying again can help.
    pub async fn ask<Q, R>(&self, topic: &str, request: &Q, limit: Duration) -> Result<R, AskError>
    where
        Q: Serialize,
        R: DeserializeOwned,
    {
        let asked = self.ask_bytes(topic, codec::encode(request), limit);
        let bytes = match tokio::time::timeout(limit + MARGIN, asked).await {
            Ok(outcome) => outcome?,
            Err(_) => return Err(self.late(limit)),
        };
        Wire::read(&bytes, self.limits.blob)
            .0
            .map_err(|source| AskError::Unreadable {
                peer: self.identity().clone(),
                source,
            })
    }

    /// Tells a topic something that may be lost: it is, if too much waits for a slow peer already.
    ///
    /// # Errors
    /// If the peer is known to be gone, or the message is longer than a chunk.
    pub fn hint<T: Serialize>(&self, topic: &str, hint: &T) -> Result<(), AskError> {
        let body = codec::encode(hint);
        if body.len() > CHUNK {
            return Err(AskError::TooLong {
                len: body.len() as u64,
                max: CHUNK as u64,
            });
        }
        let hint = Hint {
            topic: topic.to_owned(),
            body: body.into(),
        };
        let (gateway, bytes) = (self.gateway()?, codec::encode(&hint));
        if !self.session.unsent.try_reserve(bytes.len()) {
            return Ok(());
        }
        gateway
            .cast(GatewayMessage::Hint(None, bytes))
            .map_err(|_| self.gone())
    }

    /// A heartbeat: whether it was answered within `limit`.
    pub(super) async fn ping(&self, limit: Duration) -> bool {
        let Some(gateway) = self.session.gateway() else {
            return false;
        };
        let call = gateway.call(|reply| GatewayMessage::Ping(None, reply), Some(limit));
        matches!(
            tokio::time::timeout(limit, call).await,
            Ok(Ok(CallResult::Success(_)))
        )
    }

    async fn ask_bytes(
        &self,
        topic: &str,
        body: Vec<u8>,
        limit: Duration,
    ) -> Result<Vec<u8>, AskError> {
        let topic = topic.to_owned();
        let request = if body.len() <= CHUNK {
            let body = body.into();
            Request::Ask { topic, limit, body }
        } else {
            let blob = self.upload(body, limit).await?;
            Request::AskBlob { topic, limit, blob }
        };
        match self.exchange(request, limit).await? {
            Answer::Body(body) => Ok(body.to_vec()),
            Answer::Blob { blob, total } => self.fetch(blob, total, limit).await,
            other => Err(self.unexpected(other)),
        }
    }

    async fn upload(&self, body: Vec<u8>, limit: Duration) -> Result<u64, AskError> {
        self.check_len(body.len() as u64)?;
        let (blob, total) = (NEXT_BLOB.fetch_add(1, Ordering::Relaxed), body.len() as u64);
        let body = bytes::Bytes::from(body);
        let chunks = (0..body.len().div_ceil(CHUNK)).map(|index| {
            let start = index * CHUNK;
            let bytes = body.slice(start..body.len().min(start + CHUNK)).into();
            let index = u32::try_from(index).expect("a blob has few chunks");
            let chunk = Request::Chunk {
                blob,
                total,
                index,
                bytes,
            };
            async move {
                match self.exchange(chunk, limit).await? {
                    Answer::Received => Ok(()),
                    other => Err(self.unexpected(other)),
                }
            }
        });
        stream::iter(chunks)
            .buffer_unordered(self.limits.window)
            .try_collect::<()>()
            .await?;
        Ok(blob)
    }

    async fn fetch(&self, blob: u64, total: u64, limit: Duration) -> Result<Vec<u8>, AskError> {
        self.check_len(total)?;
        let count = total.div_ceil(CHUNK as u64);
        let chunks = (0..count).map(|index| {
            let index = u32::try_from(index).expect("a blob has few chunks");
            async move {
                match self.exchange(Request::Fetch { blob, index }, limit).await? {
                    Answer::Body(bytes) => Ok(bytes),
                    other => Err(self.unexpected(other)),
                }
            }
        });
        let mut chunks = std::pin::pin!(stream::iter(chunks).buffered(self.limits.window));
        let mut whole = Vec::new();
        while let Some(chunk) = chunks.next().await {
            whole.extend_from_slice(&chunk?);
            if whole.len() as u64 > total {
                break;
            }
        }
        if whole.len() as u64 != total {
            let len = whole.len();
            let reason = format!("the answer has {len} bytes instead of {total}");
            return Err(self.refused(Refusal::Malformed { reason }));
        }
        self.exchange(Request::Release { blob }, limit).await?;
        Ok(whole)
    }

    async fn exchange(&self, request: Request, limit: Duration) -> Result<Answer, AskError> {
        let (gateway, bytes) = (self.gateway()?, codec::encode(&request));
        drop(request);
        let call = gateway.call(
            |reply| GatewayMessage::Ask(None, bytes, reply),
            Some(limit + MARGIN),
        );
        let Some(outcome) = self.session.over.run_until_cancelled(call).await else {
            return Err(self.gone());
        };
        let bytes = match outcome {
            Ok(CallResult::Success(bytes)) => bytes,
            Ok(CallResult::Timeout) => return Err(self.late(limit)),
            // The remote actor dropped the port: the gateway or the session is going away.
            Ok(CallResult::SenderError) | Err(_) => return Err(self.gone()),
        };
        match Wire::read(&bytes, MAX_FRAME).0 {
            Ok(Answer::Refused(refusal)) => Err(self.refused(refusal)),
            Ok(answer) => Ok(answer),
            Err(source) => Err(AskError::Unreadable {
                peer: self.identity().clone(),
                source,
            }),
        }
    }

    fn gateway(&self) -> Result<ActorRef<GatewayMessage>, AskError> {
        self.session.gateway().ok_or_else(|| self.gone())
    }

    fn check_len(&self, len: u64) -> Result<(), AskError> {
        let max = self.limits.blob as u64;
        if len > max {
            return Err(AskError::TooLong { len, max });
        }
        Ok(())
    }

    fn gone(&self) -> AskError {
        if self.is_here() {
            let reason = "its gateway is being restarted".to_owned();
            return self.refused(Refusal::Unavailable { reason });
        }
        AskError::Left {
            peer: self.identity().clone(),
            why: self.session.departure(),
        }
    }

    fn late(&self, limit: Duration) -> AskError {
        AskError::Timeout {
            peer: self.identity().clone(),
            limit,
        }
    }

    fn refused(&self, refusal: Refusal) -> AskError {
        AskError::Refused {
            peer: self.identity().clone(),
            refusal,
        }
    }

    fn unexpected(&self, answer: Answer) -> AskError {
        let kind = match answer {
            Answer::Body(_) => "a body",
            Answer::Blob { .. } => "a blob",
            Answer::Received => "an acknowledgement",
            Answer::Refused(refusal) => return self.refused(refusal),
        };
        self.refused(Refusal::Malformed {
            reason: format!("{kind} is not an answer to this"),
        })
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Peer").field(&self.session).finish()
    }
}
