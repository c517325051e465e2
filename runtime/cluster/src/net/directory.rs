//! Who is here: all sessions of this node, and the events of their coming and going.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use tokio::sync::{broadcast, watch};
use tracing::{info, warn};

use super::guard::SessionKey;
use super::hello::PeerIdentity;
use super::limiter::RefusalLog;
use super::peer::Peer;
use super::session::{Departure, Session};
use super::settings::{Limits, Timings};
use crate::identity::{Name, Role};

/// Events that a slow listener may have waiting before it misses some.
const EVENTS: usize = 1_024;

/// A peer came or went.
#[derive(Clone, Debug)]
pub enum PeerEvent {
    /// It can be asked.
    Joined(Peer),
    /// It is gone. What was asked of it gets no answer.
    Left {
        /// Who.
        peer: PeerIdentity,
        /// Why.
        why: Departure,
    },
}

/// All sessions of this node.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) limits: Limits,
    pub(super) timings: Timings,
    /// Pid of this node's gateway; 0 before it started.
    pub(super) gateway: Arc<AtomicU64>,
    sessions: Mutex<HashMap<SessionKey, Arc<Session>>>,
    events: broadcast::Sender<PeerEvent>,
    changes: watch::Sender<u64>,
    refusals: RefusalLog,
}

impl Directory {
    pub(super) fn new(limits: Limits, timings: Timings) -> Self {
        Self {
            limits,
            timings,
            gateway: Arc::default(),
            sessions: Mutex::default(),
            events: broadcast::Sender::new(EVENTS),
            changes: watch::Sender::new(0),
            refusals: RefusalLog::new(timings.refusal_window),
        }
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<SessionKey, Arc<Session>>> {
        let sessions = self.sessions.lock();
        sessions.expect("nothing panics under this lock")
    }

    /// Whether a session of that node may be admitted: there is room, or it replaces another one.
    pub(super) fn has_room(&self, name: &Name) -> bool {
        let sessions = self.sessions();
        sessions.len() < self.limits.sessions
            || sessions.values().any(|old| old.peer.name() == name)
    }

    /// Takes in an authenticated session. An older one with the same node ends: its other end knows that it is
    /// dead, or is a process that is no more.
    pub(super) fn admit(&self, session: Arc<Session>) {
        let replaced: Vec<_> = {
            let mut sessions = self.sessions();
            let old: Vec<_> = sessions
                .values()
                .filter(|old| {
                    old.peer.name() == session.peer.name() && old.direction == session.direction
                })
                .map(|old| old.key)
                .collect();
            let old = old.iter().filter_map(|key| sessions.remove(key)).collect();
            sessions.insert(session.key, session);
            old
        };
        for old in replaced {
            old.end(Departure::Replaced);
            self.departed(&old);
        }
    }

    /// The actor session works in both directions: the peer has joined.
    pub(super) fn joined(&self, session: &Arc<Session>) {
        {
            // Under the lock, so that it cannot be forgotten in between, and leave before it joins.
            let sessions = self.sessions();
            if !sessions.contains_key(&session.key) || session.ready.swap(true, Ordering::AcqRel) {
                return;
            }
            let handle = Peer::new(Arc::clone(session), self.limits);
            let _ = self.events.send(PeerEvent::Joined(handle));
        }
        let (peer, address) = (&session.peer, session.address);
        let roles = crate::identity::listed(peer.roles());
        info!(target: "tern::cluster", %peer, roles, %address, "a peer joined");
        self.changes.send_modify(|count| *count += 1);
    }

    /// A session's connection is closed.
    pub(super) fn forget(&self, key: SessionKey) {
        let removed = self.sessions().remove(&key);
        if let Some(session) = removed {
            self.departed(&session);
        }
    }

    fn departed(&self, session: &Session) {
        let (peer, why) = (session.peer.clone(), session.departure());
        let refused = matches!(why, Departure::Violation(_));
        if refused {
            self.refused(&peer, &why);
        }
        if session.ready.load(Ordering::Acquire) {
            // Operators come and go.
            if peer.plays(Role::Operator) {
                info!(target: "tern::cluster", %peer, reason = %why, "a peer left");
            } else {
                warn!(target: "tern::cluster", %peer, reason = %why, "a peer left");
            }
            let _ = self.events.send(PeerEvent::Left { peer, why });
        } else if !refused {
            self.refused(&peer, &format_args!("it never became ready: {why}"));
        }
        self.changes.send_modify(|count| *count += 1);
    }

    pub(super) fn find(&self, key: SessionKey) -> Option<Arc<Session>> {
        self.sessions().get(&key).cloned()
    }

    /// The session with a label of the node server's.
    pub(super) fn find_label(&self, label: &str) -> Option<Arc<Session>> {
        self.find(SessionKey::of_label(label)?)
    }

    /// Sessions that are ready, oldest incarnations included.
    pub(super) fn peers(&self) -> Vec<Peer> {
        let ready = |session: &&Arc<Session>| session.ready.load(Ordering::Acquire);
        self.sessions()
            .values()
            .filter(ready)
            .map(|session| Peer::new(Arc::clone(session), self.limits))
            .collect()
    }

    /// Ends the sessions for which `why` gives a reason.
    pub(super) fn end_where(&self, why: impl Fn(&Session) -> Option<Departure>) {
        let sessions: Vec<_> = self.sessions().values().cloned().collect();
        for session in sessions {
            if let Some(why) = why(&session) {
                session.end(why);
            }
        }
    }

    pub(super) fn events(&self) -> broadcast::Receiver<PeerEvent> {
        self.events.subscribe()
    }

    /// Changes whenever a peer joins or leaves.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Logs a refusal, once for each peer and window.
    pub(super) fn refused(&self, who: &dyn Display, why: &dyn Display) {
        let who = who.to_string();
        if let Some(left_out) = self.refusals.admit(&who, Instant::now()) {
            warn!(target: "tern::cluster", peer = who, reason = %why, left_out, "refused");
        }
    }
}
