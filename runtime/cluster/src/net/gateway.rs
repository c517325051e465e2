//! The only actor that peers can reach.
//!
//! Supervised by the process's supervisor. When it dies, its successor joins the same group, and peers find it
//! there; requests in between time out.
//!
//! Handlers never wait: each request runs in a task of its own, which ends with its session.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::FutureExt;
use ractor::message::{BoxedDowncastErr, SerializedMessage};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use tern_messages::codec;
use tokio::sync::OwnedSemaphorePermit;

use super::directory::Directory;
use super::guard::{SCOPE, SessionKey, gateway_group};
use super::service::Router;
use super::session::Session;
use super::settings::{CHUNK, MAX_FRAME};
use super::wire::{Answer, Hint, Refusal, Request, Wire};

const PING: &str = "ping";
const ASK: &str = "ask";
const HINT: &str = "hint";

/// What a gateway is sent. Bytes stay bytes here: what cannot be decoded must be answered, not dropped.
#[derive(Debug)]
pub(super) enum GatewayMessage {
    /// A heartbeat.
    Ping(Option<SessionKey>, RpcReplyPort<Vec<u8>>),
    /// An encoded [`Request`]; the reply is an encoded [`Answer`].
    Ask(Option<SessionKey>, Vec<u8>, RpcReplyPort<Vec<u8>>),
    /// An encoded [`Hint`].
    Hint(Option<SessionKey>, Vec<u8>),
}

/// Messages to a gateway of another node are sent as bytes. The session is what the guard of the receiving node
/// stamped; a sender's own is not sent.
impl ractor::Message for GatewayMessage {
    fn serializable() -> bool {
        true
    }

    fn serialize(self) -> Result<SerializedMessage, BoxedDowncastErr> {
        let call = |variant: &str, args, reply| SerializedMessage::Call {
            variant: variant.to_owned(),
            args,
            reply,
            metadata: None,
        };
        Ok(match self {
            Self::Ping(_, reply) => call(PING, Vec::new(), reply),
            Self::Ask(_, args, reply) => call(ASK, args, reply),
            Self::Hint(_, args) => SerializedMessage::Cast {
                variant: HINT.to_owned(),
                args,
                metadata: None,
            },
        })
    }

    fn deserialize(message: SerializedMessage) -> Result<Self, BoxedDowncastErr> {
        match message {
            SerializedMessage::Call {
                variant,
                args,
                reply,
                metadata,
            } => {
                let session = SessionKey::of_stamp(metadata.as_deref());
                if variant == PING {
                    Ok(Self::Ping(session, reply))
                } else {
                    Ok(Self::Ask(session, args, reply))
                }
            }
            SerializedMessage::Cast { args, metadata, .. } => {
                Ok(Self::Hint(SessionKey::of_stamp(metadata.as_deref()), args))
            }
            SerializedMessage::CallReply(..) => Err(BoxedDowncastErr),
        }
    }
}

#[derive(Clone)]
pub(super) struct Gateway {
    pub(super) node: String,
    pub(super) directory: Arc<Directory>,
    pub(super) router: Arc<Router>,
}

impl Actor for Gateway {
    type Msg = GatewayMessage;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn post_start(
        &self,
        myself: ActorRef<Self::Msg>,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        let pid = myself.get_id().pid();
        self.directory.gateway.store(pid, Ordering::Release);
        let group = gateway_group(&self.node);
        ractor::pg::join_scoped(SCOPE.to_owned(), group, vec![myself.get_cell()]);
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        let find = |key: Option<SessionKey>| key.and_then(|key| self.directory.find(key));
        match message {
            GatewayMessage::Ping(key, reply) => {
                if find(key).is_some() {
                    let _ = reply.send(Vec::new());
                }
            }
            GatewayMessage::Ask(key, bytes, reply) => {
                if let Some(session) = find(key) {
                    self.ask(session, bytes, reply);
                }
            }
            GatewayMessage::Hint(key, bytes) => {
                if let Some(session) = find(key) {
                    self.hint(&session, &bytes);
                }
            }
        }
        Ok(())
    }
}

impl Gateway {
    fn ask(&self, session: Arc<Session>, bytes: Vec<u8>, reply: RpcReplyPort<Vec<u8>>) {
        let permit = match Arc::clone(&session.requests).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let reason = "too many requests of this peer at a time".to_owned();
                let refused = Answer::Refused(Refusal::Busy { reason });
                let _ = reply.send(codec::encode(&refused));
                return;
            }
        };
        let desk = Desk {
            session,
            router: Arc::clone(&self.router),
            directory: Arc::clone(&self.directory),
        };
        tokio::spawn(desk.serve(bytes, reply, permit));
    }

    fn hint(&self, session: &Session, bytes: &[u8]) {
        let outcome =
            Wire::<Hint>::read(bytes, MAX_FRAME)
                .accept()
                .and_then(|Hint { topic, body }| {
                    let heard = || self.router.hint(&session.peer, &topic, body.to_vec());
                    std::panic::catch_unwind(AssertUnwindSafe(heard))
                        .unwrap_or(Err(Refusal::Failed))
                });
        if let Err(refusal) = outcome {
            self.directory.refused(&session.peer, &refusal);
        }
    }
}

/// One request of one peer.
struct Desk {
    session: Arc<Session>,
    router: Arc<Router>,
    directory: Arc<Directory>,
}

impl Desk {
    async fn serve(
        self,
        bytes: Vec<u8>,
        reply: RpcReplyPort<Vec<u8>>,
        permit: OwnedSemaphorePermit,
    ) {
        let work = async {
            let answer = self.answer(bytes).await.unwrap_or_else(|refusal| {
                if !refusal.may_pass() {
                    self.directory.refused(&self.session.peer, &refusal);
                }
                Answer::Refused(refusal)
            });
            let encoded = codec::encode(&answer);
            let len = encoded.len();
            self.session.unsent.reserve(len).await;
            if reply.send(encoded).is_err() {
                // The caller no longer waits, and it will not be written.
                self.session.unsent.wrote(len);
            }
        };
        self.session.over.run_until_cancelled(work).await;
        drop(permit);
    }

    async fn answer(&self, bytes: Vec<u8>) -> Result<Answer, Refusal> {
        let request = Wire::<Request>::read(&bytes, MAX_FRAME).accept()?;
        drop(bytes);
        let now = Instant::now();
        let blobs = || {
            let lock = self.session.blobs.lock();
            lock.expect("nothing panics under this lock")
        };
        match request {
            Request::Ask { topic, limit, body } => self.ask(&topic, limit, body.to_vec()).await,
            Request::AskBlob { topic, limit, blob } => {
                let body = blobs().finish(blob)?;
                self.ask(&topic, limit, body).await
            }
            Request::Chunk {
                blob,
                total,
                index,
                bytes,
            } => {
                blobs().take(blob, total, index, bytes.to_vec(), now)?;
                Ok(Answer::Received)
            }
            Request::Fetch { blob, index } => {
                let chunk = blobs().chunk(blob, index, now)?;
                Ok(Answer::Body(chunk.into()))
            }
            Request::Release { blob } => {
                blobs().release(blob);
                Ok(Answer::Received)
            }
        }
    }

    async fn ask(&self, topic: &str, limit: Duration, body: Vec<u8>) -> Result<Answer, Refusal> {
        let limit = limit.min(self.directory.timings.answer);
        let service = self.router.ask(&self.session.peer, topic, body)?;
        let outcome = tokio::time::timeout(limit, AssertUnwindSafe(service).catch_unwind()).await;
        let body = match outcome {
            Ok(Ok(answer)) => answer?,
            Ok(Err(_)) => return Err(Refusal::Failed),
            Err(_) => return Err(Refusal::Late { limit }),
        };
        if body.len() <= CHUNK {
            return Ok(Answer::Body(body.into()));
        }
        let total = body.len() as u64;
        let lock = self.session.blobs.lock();
        let blob = lock
            .expect("nothing panics under this lock")
            .offer(body, Instant::now())?;
        Ok(Answer::Blob { blob, total })
    }
}
