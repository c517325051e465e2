//! Channels between machines: authenticated, bounded, and known to be alive.
//!
//! ```text
//!  listener ─┐ TCP, TLS, greetings            requests ┌─ Router ── services of the roles
//!            ├──────────────▶ session ──guard──▶ gateway
//!  dialler ──┘   who it is       │  heartbeats         └─ PeerEvent: joined, left
//!   redials                      └──▶ Peer::ask, Peer::hint
//! ```
//!
//! * [`Cluster::new`] makes the supervised children of a node: the node server of `ractor_cluster`, the gateway,
//!   the listener, the dialler, and the watch over the identity folder.
//! * Connections go outward from provers to the nodes that accept; nobody else's are made.
//! * Nothing of the actor system is reachable before the peer's certificate and greeting were checked; its own
//!   listener is parked on the loopback interface and refuses every handshake.
//! * A peer reaches one actor, the gateway, which hands requests to the [`Router`]'s services together with the
//!   caller's authenticated [`PeerIdentity`]. The caller is known by the connection, never by what a message says:
//!   the guard between TLS and actor system stamps each message with its session.
//! * A killed peer is noticed within milliseconds, by its closed connection. One that is frozen or cut off, in one
//!   direction or both, misses heartbeats, and is given up after 7 to 11 s on both sides; diallers are back 1 to 2 s
//!   after healing (measured between network namespaces). A newer connection of a node replaces an older one.
//! * Delivery is at most once, and nothing is repeated here: services must bear repetition by the caller.
//! * Queues are bounded: requests at a time, messages per second, unfinished blobs and unsent answers of each peer.

mod blobs;
mod cluster;
mod credentials;
mod dial;
mod directory;
mod frames;
mod gateway;
mod guard;
mod handshake;
mod hello;
mod limiter;
mod listener;
mod peer;
mod service;
mod session;
mod settings;
mod shared;
mod stream;
mod task;
mod tcp;
mod wire;

pub use cluster::{Cluster, ClusterError, ClusterSettings};
pub use dial::Target;
pub use directory::PeerEvent;
pub use hello::{Incarnation, PROTOCOL, PeerIdentity, Terms};
pub use peer::{AskError, Peer};
pub use service::{Router, ServiceFuture};
pub use session::{Departure, Direction};
pub use settings::{CHUNK, Limits, Rate, Timings};
pub use task::supervised;
pub use wire::Refusal;
