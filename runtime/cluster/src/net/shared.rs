//! What the parts of a node's cluster side share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ractor_cluster::node::NodeServerSessionInformation;
use ractor_cluster::{NodeEventSubscription, NodeServerMessage};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::MissedTickBehavior;

use super::credentials::Credentials;
use super::directory::Directory;
use super::hello::{Hello, PeerIdentity};
use super::peer::Peer;
use super::session::{Departure, Direction, Pulse, Session};
use super::stream::GuardedStream;
use crate::address::Address;

/// How often a session that reported ready is asked for its peer's gateway.
const GATEWAY_POLL: Duration = Duration::from_millis(5);

pub(super) struct Shared {
    pub(super) hello: Hello,
    pub(super) credentials: Arc<Credentials>,
    pub(super) directory: Arc<Directory>,
    pub(super) server: Address<NodeServerMessage>,
}

impl Shared {
    /// Hands an authenticated connection to the actor system.
    pub(super) fn open<S>(
        self: &Arc<Self>,
        stream: S,
        peer: PeerIdentity,
        address: SocketAddr,
        direction: Direction,
    ) -> Arc<Session>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let directory = &self.directory;
        let life = directory.timings.blob;
        let session = Session::new(peer, address, direction, &directory.limits, life);
        let session = Arc::new(session);
        directory.admit(Arc::clone(&session));
        let stream = GuardedStream::new(stream, Arc::clone(&session), Arc::clone(directory));
        // If the node server is not there, the stream is dropped, and with it the session ends.
        let _ = self
            .server
            .cast(NodeServerMessage::ConnectionOpenedExternal {
                stream: Box::new(stream),
                is_server: direction == Direction::Accepted,
            });
        tokio::spawn(watch(Arc::clone(directory), Arc::clone(&session)));
        session
    }
}

/// Accompanies a session: until it is ready, then with heartbeats to its end.
async fn watch(directory: Arc<Directory>, session: Arc<Session>) {
    let over = session.over.clone();
    let life = async {
        let timings = directory.timings;
        if tokio::time::timeout(timings.ready, became_ready(&session))
            .await
            .is_err()
        {
            return session.end(Departure::NotReady);
        }
        directory.joined(&session);
        session.end(silent(&directory, &session).await);
    };
    over.run_until_cancelled(life).await;
}

async fn became_ready(session: &Session) {
    session.reported.notified().await;
    while session.gateway().is_none() {
        tokio::time::sleep(GATEWAY_POLL).await;
    }
}

/// Sends heartbeats until too many in a row were missed. A late answer does not count as missed while other
/// messages come: on a slow line, heartbeats wait behind blobs.
async fn silent(directory: &Directory, session: &Arc<Session>) -> Departure {
    let timings = directory.timings;
    let allowed = match session.direction {
        Direction::Accepted => timings.misses_accepted,
        Direction::Dialled => timings.misses_dialled,
    };
    let peer = Peer::new(Arc::clone(session), directory.limits);
    let mut pauses = tokio::time::interval(timings.heartbeat);
    pauses.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut missed, mut pulse) = (0, Pulse::now());
    while missed < allowed {
        pauses.tick().await;
        let before = session.heard.load(Ordering::Relaxed);
        let answered = peer.ping(timings.heartbeat_limit).await;
        if answered || session.heard.load(Ordering::Relaxed) != before {
            pulse.beat();
            missed = 0;
        } else {
            missed += 1;
        }
    }
    Departure::Silent {
        since: pulse.silence(),
    }
}

/// Learns from the node server which sessions are ready.
pub(super) struct Subscription(pub(super) Arc<Directory>);

impl NodeEventSubscription for Subscription {
    fn node_session_opened(&self, _: NodeServerSessionInformation) {}

    fn node_session_disconnected(&self, session: NodeServerSessionInformation) {
        if let Some(session) = self.0.find_label(&session.peer_addr) {
            session.end(Departure::Closed);
        }
    }

    fn node_session_authenticated(&self, _: NodeServerSessionInformation) {}

    fn node_session_ready(&self, session: NodeServerSessionInformation) {
        if let Some(session) = self.0.find_label(&session.peer_addr) {
            session.reported.notify_one();
        }
    }
}
