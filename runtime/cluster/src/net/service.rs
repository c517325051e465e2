//! What a node answers: topics, who may ask, and the services behind them.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde::{Serialize, de::DeserializeOwned};
use tern_messages::codec;

use super::hello::{PeerIdentity, clean};
use super::settings::CHUNK;
use super::wire::{MAX_TOPIC, Refusal, Wire};
use crate::identity::Role;

/// A service's future.
pub type ServiceFuture = BoxFuture<'static, Result<Vec<u8>, Refusal>>;

type Answering = Arc<dyn Fn(PeerIdentity, Vec<u8>) -> ServiceFuture + Send + Sync>;
type Hearing = Arc<dyn Fn(PeerIdentity, Vec<u8>) + Send + Sync>;

/// The topics that a node answers.
///
/// A topic is asked with encoded bytes, by peers whose certificates allow one of its roles. The service gets the
/// caller as it was authenticated; whatever the bytes say about their sender does not count.
#[derive(Clone, Default)]
pub struct Router {
    topics: HashMap<&'static str, Topic>,
}

#[derive(Clone)]
struct Topic {
    roles: BTreeSet<Role>,
    max_len: usize,
    handler: Handler,
}

#[derive(Clone)]
enum Handler {
    Answering(Answering),
    Hearing(Hearing),
}

impl Router {
    /// A node that answers nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers requests of type `Q`, of at most `max_len` encoded bytes, by peers that play one of `roles`. The
    /// service's future is dropped when the caller leaves or no longer waits.
    ///
    /// # Panics
    /// If the topic's name is longer than 32 bytes, or exists already.
    #[must_use]
    pub fn answer<Q, R, F, S>(
        self,
        topic: &'static str,
        roles: impl IntoIterator<Item = Role>,
        max_len: usize,
        service: S,
    ) -> Self
    where
        Q: DeserializeOwned + Send + 'static,
        R: Serialize,
        F: Future<Output = Result<R, Refusal>> + Send + 'static,
        S: Fn(PeerIdentity, Q) -> F + Send + Sync + 'static,
    {
        let handler = move |caller: PeerIdentity, body: Vec<u8>| -> ServiceFuture {
            let request = match Wire::<Q>::read(&body, max_len).accept() {
                Ok(request) => request,
                Err(refusal) => return futures::future::ready(Err(refusal)).boxed(),
            };
            drop(body);
            let answer = service(caller, request);
            async move { answer.await.map(|answer| codec::encode(&answer)) }.boxed()
        };
        self.with(topic, roles, max_len, Handler::Answering(Arc::new(handler)))
    }

    /// Hears one-way messages of type `T`, which must be short, from peers that play one of `roles`. `service` must
    /// not block.
    ///
    /// # Panics
    /// As [`Router::answer`].
    #[must_use]
    pub fn hear<T, S>(
        self,
        topic: &'static str,
        roles: impl IntoIterator<Item = Role>,
        service: S,
    ) -> Self
    where
        T: DeserializeOwned,
        S: Fn(PeerIdentity, T) + Send + Sync + 'static,
    {
        let handler = move |caller: PeerIdentity, body: Vec<u8>| match Wire::<T>::read(&body, CHUNK)
            .accept()
        {
            Ok(hint) => service(caller, hint),
            Err(refusal) => {
                tracing::debug!(target: "tern::cluster", %caller, %refusal, "a hint was dropped");
            }
        };
        self.with(topic, roles, CHUNK, Handler::Hearing(Arc::new(handler)))
    }

    fn with(
        mut self,
        topic: &'static str,
        roles: impl IntoIterator<Item = Role>,
        max_len: usize,
        handler: Handler,
    ) -> Self {
        assert!(topic.len() <= MAX_TOPIC, "{topic} is too long for a topic");
        let entry = Topic {
            roles: roles.into_iter().collect(),
            max_len,
            handler,
        };
        let before = self.topics.insert(topic, entry);
        assert!(before.is_none(), "there are two services for {topic}");
        self
    }

    fn find(&self, caller: &PeerIdentity, topic: &str, len: usize) -> Result<&Topic, Refusal> {
        let Some(found) = self.topics.get(topic) else {
            return Err(Refusal::UnknownTopic {
                topic: clean(topic),
            });
        };
        if found.roles.is_disjoint(caller.roles()) {
            return Err(Refusal::NotAllowed {
                topic: topic.to_owned(),
                allowed: crate::identity::listed(&found.roles),
                found: crate::identity::listed(caller.roles()),
            });
        }
        if len > found.max_len {
            return Err(Refusal::TooLong {
                len: len as u64,
                max: found.max_len as u64,
            });
        }
        Ok(found)
    }

    pub(super) fn ask(
        &self,
        caller: &PeerIdentity,
        topic: &str,
        body: Vec<u8>,
    ) -> Result<ServiceFuture, Refusal> {
        match &self.find(caller, topic, body.len())?.handler {
            Handler::Answering(service) => Ok(service(caller.clone(), body)),
            Handler::Hearing(_) => Err(Refusal::UnknownTopic {
                topic: topic.to_owned(),
            }),
        }
    }

    pub(super) fn hint(
        &self,
        caller: &PeerIdentity,
        topic: &str,
        body: Vec<u8>,
    ) -> Result<(), Refusal> {
        match &self.find(caller, topic, body.len())?.handler {
            Handler::Hearing(service) => {
                service(caller.clone(), body);
                Ok(())
            }
            Handler::Answering(_) => Err(Refusal::UnknownTopic {
                topic: topic.to_owned(),
            }),
        }
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.topics.keys()).finish()
    }
}
