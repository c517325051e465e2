//! One authenticated connection, from the greetings to its end.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use ractor::{ActorRef, ActorStatus};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use super::blobs::Blobs;
use super::gateway::GatewayMessage;
use super::guard::{SCOPE, SessionKey};
use super::hello::PeerIdentity;
use super::settings::Limits;

/// Which side opened the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The peer.
    Accepted,
    /// This node.
    Dialled,
}

/// Why a peer is no longer there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Departure {
    /// The connection was closed or broke: the peer stopped, was killed, or TCP gave up.
    Closed,
    /// It did not answer.
    Silent {
        /// For how long, when it was given up.
        since: Duration,
    },
    /// It broke the rules of the protocol.
    Violation(String),
    /// It connected anew.
    Replaced,
    /// Its certificate was revoked.
    Revoked,
    /// Its certificate expired.
    Expired,
    /// The actor session was not ready in time.
    NotReady,
    /// This node ended the session.
    Ended(String),
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the connection was closed"),
            Self::Silent { since } => write!(f, "nothing was heard for {since:?}"),
            Self::Violation(what) => write!(f, "it broke the protocol: {what}"),
            Self::Replaced => f.write_str("it connected anew"),
            Self::Revoked => f.write_str("its certificate was revoked"),
            Self::Expired => f.write_str("its certificate expired"),
            Self::NotReady => f.write_str("its session was not ready in time"),
            Self::Ended(why) => write!(f, "this node ended the session: {why}"),
        }
    }
}

/// Shared by everybody who serves one connection.
pub(super) struct Session {
    pub(super) key: SessionKey,
    pub(super) peer: PeerIdentity,
    pub(super) address: SocketAddr,
    pub(super) direction: Direction,
    /// When its greetings were exchanged.
    pub(super) since: Instant,
    /// Cancelled when the session ends; reading and writing end with it.
    pub(super) over: CancellationToken,
    /// Calls, casts and answers that came: signs of life.
    pub(super) heard: AtomicU64,
    /// The node server says that the actor session is ready.
    pub(super) reported: Notify,
    /// The peer has joined.
    pub(super) ready: AtomicBool,
    /// Requests of the peer that are worked on.
    pub(super) requests: Arc<Semaphore>,
    /// Unfinished blobs of the peer.
    pub(super) blobs: Mutex<Blobs>,
    pub(super) unsent: Unsent,
    departure: OnceLock<Departure>,
    gateway: Mutex<Option<ActorRef<GatewayMessage>>>,
}

impl Session {
    pub(super) fn new(
        peer: PeerIdentity,
        address: SocketAddr,
        direction: Direction,
        limits: &Limits,
        blob_life: Duration,
    ) -> Self {
        Self {
            key: SessionKey::random(),
            peer,
            address,
            direction,
            since: Instant::now(),
            over: CancellationToken::new(),
            heard: AtomicU64::new(0),
            reported: Notify::new(),
            ready: AtomicBool::new(false),
            requests: Arc::new(Semaphore::new(limits.requests)),
            blobs: Mutex::new(Blobs::new(limits.blob, limits.blobs, blob_life)),
            unsent: Unsent::new(limits.unsent),
            departure: OnceLock::new(),
            gateway: Mutex::new(None),
        }
    }

    /// Ends the session. The first reason counts.
    pub(super) fn end(&self, why: Departure) {
        let _ = self.departure.set(why);
        self.over.cancel();
    }

    /// Why it ended; [`Departure::Closed`] if nobody said.
    pub(super) fn departure(&self) -> Departure {
        self.departure.get().cloned().unwrap_or(Departure::Closed)
    }

    /// The peer's gateway, unless it is being restarted or the session is over.
    pub(super) fn gateway(&self) -> Option<ActorRef<GatewayMessage>> {
        if self.over.is_cancelled() {
            return None;
        }
        let mut known = self.gateway.lock().expect("nothing panics under this lock");
        let alive = |actor: &ActorRef<GatewayMessage>| actor.get_status() < ActorStatus::Stopping;
        if !known.as_ref().is_some_and(alive) {
            *known = ractor::pg::get_scoped_members(&SCOPE.to_owned(), &self.key.label())
                .into_iter()
                .filter(|cell| !cell.get_id().is_local())
                .map(ActorRef::from)
                .find(alive);
        }
        known.clone()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("peer", &self.peer)
            .field("address", &self.address)
            .field("direction", &self.direction)
            .finish_non_exhaustive()
    }
}

/// Bytes of answers and hints that were handed to the actor system, whose queues have no bound, and are not written yet.
#[derive(Debug)]
pub(super) struct Unsent {
    limit: u64,
    bytes: AtomicU64,
    written: Notify,
}

impl Unsent {
    fn new(limit: u64) -> Self {
        Self {
            limit,
            bytes: AtomicU64::new(0),
            written: Notify::new(),
        }
    }

    /// Waits until there is room, then counts `len` more.
    pub(super) async fn reserve(&self, len: usize) {
        loop {
            let written = self.written.notified();
            if self.try_reserve(len) {
                return;
            }
            written.await;
        }
    }

    /// Counts `len` more if there is room.
    pub(super) fn try_reserve(&self, len: usize) -> bool {
        let len = len as u64;
        self.bytes
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |bytes| {
                (bytes < self.limit).then(|| bytes.saturating_add(len))
            })
            .is_ok()
    }

    /// Counts bytes that were written, of whatever kind.
    pub(super) fn wrote(&self, len: usize) {
        let len = len as u64;
        let _ = self
            .bytes
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |bytes| {
                Some(bytes.saturating_sub(len))
            });
        self.written.notify_waiters();
    }
}

/// When a session was last heard of.
#[derive(Debug)]
pub(super) struct Pulse {
    heard: Instant,
}

impl Pulse {
    pub(super) fn now() -> Self {
        Self {
            heard: Instant::now(),
        }
    }

    pub(super) fn beat(&mut self) {
        self.heard = Instant::now();
    }

    pub(super) fn silence(&self) -> Duration {
        self.heard.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn answers_wait_while_too_much_is_unsent() {
        let unsent = Unsent::new(100);
        assert!(unsent.reserve(90).now_or_never().is_some());
        assert!(
            unsent.reserve(90).now_or_never().is_some(),
            "there was room"
        );
        let mut waiting = Box::pin(unsent.reserve(1));
        assert!(waiting.as_mut().now_or_never().is_none(), "180 bytes wait");
        unsent.wrote(70);
        assert!(waiting.as_mut().now_or_never().is_none(), "110 bytes wait");
        unsent.wrote(20);
        assert!(waiting.now_or_never().is_some());
        unsent.wrote(10_000);
        assert!(
            unsent.reserve(1).now_or_never().is_some(),
            "it never gets below nothing"
        );
    }
}
