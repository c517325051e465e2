//! Limits and times. The defaults are for production; tests shorten the times.

use std::time::Duration;

/// Most bytes of a blob in one message. Larger frames would hold up heartbeats on the same connection:
/// 256 KiB are 2 ms at 1 Gbit/s.
pub const CHUNK: usize = 256 << 10;

/// Longest frame that is accepted from a peer: a chunk and what is around it.
pub(crate) const MAX_FRAME: usize = CHUNK + (16 << 10);

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// TCP connect, when dialling.
    pub connect: Duration,
    /// TLS and the exchange of greetings, on each side.
    pub handshake: Duration,
    /// From the greetings to the readiness of the actor session.
    pub ready: Duration,
    /// From one heartbeat to the next.
    pub heartbeat: Duration,
    /// After which a heartbeat counts as missed.
    pub heartbeat_limit: Duration,
    /// Missed heartbeats after which the accepting side gives a session up.
    pub misses_accepted: u32,
    /// The same for the dialling side: later, so that the old session is gone when it redials.
    pub misses_dialled: u32,
    /// A session that sends nothing for so long is over.
    pub idle: Duration,
    /// A frame that has begun must be complete after so long.
    pub frame: Duration,
    /// `TCP_USER_TIMEOUT` (RFC 5482): how long sent data may stay unacknowledged.
    pub tcp_user_timeout: Duration,
    /// When TCP begins to probe a connection on which nothing is sent.
    pub tcp_keepalive: Duration,
    /// First pause before dialling again; doubles with each failure.
    pub redial_first: Duration,
    /// Longest pause before dialling again.
    pub redial_max: Duration,
    /// Pause after a refusal that only an operator can cure, such as another chain or a revoked certificate.
    pub redial_refused: Duration,
    /// How often the identity folder is looked at for a new revocation list or certificate.
    pub identity_check: Duration,
    /// Longest time that a service may take for an answer, whatever the caller allows.
    pub answer: Duration,
    /// Parts of a blob that nobody touches for so long are dropped.
    pub blob: Duration,
    /// One log line for the refusals of one peer in such a time.
    pub refusal_window: Duration,
}

impl Default for Timings {
    /// A peer that falls silent just after a heartbeat misses the fourth one 4 × 2 + 1 = 9 s later, and the fifth after
    /// 11 s. After healing, a dialler is back within one connect attempt, one pause and one handshake: 3 s + 4 s + some
    /// round trips.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            handshake: Duration::from_secs(5),
            ready: Duration::from_secs(5),
            heartbeat: Duration::from_secs(2),
            heartbeat_limit: Duration::from_secs(1),
            misses_accepted: 4,
            misses_dialled: 5,
            idle: Duration::from_secs(12),
            frame: Duration::from_secs(10),
            tcp_user_timeout: Duration::from_secs(10),
            tcp_keepalive: Duration::from_secs(5),
            redial_first: Duration::from_millis(250),
            redial_max: Duration::from_secs(4),
            redial_refused: Duration::from_secs(15),
            identity_check: Duration::from_secs(5),
            answer: Duration::from_secs(60),
            blob: Duration::from_secs(60),
            refusal_window: Duration::from_secs(60),
        }
    }
}

/// A token bucket: `burst` at once, `per_second` in the long run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Tokens that are added each second.
    pub per_second: u32,
    /// Most tokens that can be saved.
    pub burst: u32,
}

/// How much one peer, and all of them, may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most sessions at a time.
    pub sessions: usize,
    /// Most handshakes at a time. When there are more, the oldest ones are dropped: an honest one takes milliseconds.
    pub handshakes: usize,
    /// Most handshakes at a time from one address (IPv6: from one /64).
    pub handshakes_per_address: usize,
    /// Connections from one address.
    pub connections: Rate,
    /// Requests, hints and control messages of one peer; each 32 KiB of a message count as one more. Beyond, it is
    /// read more slowly. The default allows some 110 MB/s in chunks.
    pub messages: Rate,
    /// Requests of one peer that are worked on at a time. Beyond, it is told that this node is busy.
    pub requests: usize,
    /// Longest blob, in bytes, as a request or an answer.
    pub blob: usize,
    /// Bytes of unfinished blobs that one peer may keep here.
    pub blobs: usize,
    /// Bytes of answers and hints that may wait for one slow peer; then its requests wait, and hints are lost.
    pub unsent: u64,
    /// Chunks of one blob that are sent before the first is acknowledged.
    pub window: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 2_048,
            handshakes: 256,
            handshakes_per_address: 32,
            connections: Rate {
                per_second: 8,
                burst: 64,
            },
            messages: Rate {
                per_second: 4_000,
                burst: 8_000,
            },
            requests: 64,
            blob: tern_messages::codec::MAX_LEN,
            blobs: 2 * tern_messages::codec::MAX_LEN,
            unsent: 8 << 20,
            window: 4,
        }
    }
}
