//! The frames of `ractor_cluster` 0.16: a length (u64, big-endian), then a protobuf message.
//!
//! Its own types are private, so those that the guard looks into are written down here; the rest stays bytes.
//! The field numbers are those of its `.proto` files. A test sends real traffic through them.

use bytes::Bytes;
use prost::Message;

/// Bytes of the length before each frame.
pub(super) const LENGTH: usize = 8;

/// One frame.
#[derive(Clone, PartialEq, Message)]
pub(super) struct NetworkMessage {
    #[prost(oneof = "Network", tags = "1, 2, 3")]
    pub(super) message: Option<Network>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum Network {
    #[prost(message, tag = "1")]
    Auth(Auth),
    #[prost(message, tag = "2")]
    Node(Node),
    #[prost(message, tag = "3")]
    Control(Control),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Auth {
    #[prost(oneof = "AuthMessage", tags = "1, 2, 3, 4, 5, 6")]
    pub(super) msg: Option<AuthMessage>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum AuthMessage {
    #[prost(message, tag = "1")]
    Name(NodeName),
    #[prost(bytes = "bytes", tag = "2")]
    ServerStatus(Bytes),
    #[prost(bytes = "bytes", tag = "3")]
    ClientStatus(Bytes),
    #[prost(message, tag = "4")]
    ServerChallenge(Challenge),
    #[prost(bytes = "bytes", tag = "5")]
    ClientChallenge(Bytes),
    #[prost(bytes = "bytes", tag = "6")]
    ServerAck(Bytes),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NodeName {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(bytes = "bytes", optional, tag = "2")]
    pub(super) flags: Option<Bytes>,
    #[prost(string, tag = "3")]
    pub(super) connection_string: String,
    #[prost(uint64, tag = "4")]
    pub(super) connection_id: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Challenge {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(bytes = "bytes", optional, tag = "2")]
    pub(super) flags: Option<Bytes>,
    #[prost(uint32, tag = "3")]
    pub(super) challenge: u32,
    #[prost(string, tag = "4")]
    pub(super) connection_string: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Node {
    #[prost(oneof = "NodeMessage", tags = "1, 2, 3")]
    pub(super) msg: Option<NodeMessage>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum NodeMessage {
    #[prost(message, tag = "1")]
    Cast(Cast),
    #[prost(message, tag = "2")]
    Call(Call),
    /// An answer to a call of this side.
    #[prost(bytes = "bytes", tag = "3")]
    Reply(Bytes),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Cast {
    #[prost(uint64, tag = "1")]
    pub(super) to: u64,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) what: Bytes,
    #[prost(string, tag = "3")]
    pub(super) variant: String,
    #[prost(bytes = "bytes", optional, tag = "6")]
    pub(super) metadata: Option<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Call {
    #[prost(uint64, tag = "1")]
    pub(super) to: u64,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) what: Bytes,
    #[prost(uint64, tag = "3")]
    pub(super) tag: u64,
    #[prost(uint64, optional, tag = "4")]
    pub(super) timeout_ms: Option<u64>,
    #[prost(string, tag = "5")]
    pub(super) variant: String,
    #[prost(bytes = "bytes", optional, tag = "6")]
    pub(super) metadata: Option<Bytes>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Control {
    #[prost(oneof = "ControlMessage", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9")]
    pub(super) msg: Option<ControlMessage>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum ControlMessage {
    #[prost(bytes = "bytes", tag = "1")]
    Spawn(Bytes),
    #[prost(message, tag = "2")]
    Terminate(Terminate),
    #[prost(bytes = "bytes", tag = "3")]
    Ping(Bytes),
    #[prost(bytes = "bytes", tag = "4")]
    Pong(Bytes),
    #[prost(message, tag = "5")]
    Join(Membership),
    #[prost(message, tag = "6")]
    Leave(Membership),
    #[prost(bytes = "bytes", tag = "7")]
    EnumerateNodeSessions(Bytes),
    #[prost(bytes = "bytes", tag = "8")]
    NodeSessions(Bytes),
    #[prost(bytes = "bytes", tag = "9")]
    Ready(Bytes),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Terminate {
    #[prost(uint64, repeated, tag = "1")]
    pub(super) ids: Vec<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Membership {
    #[prost(string, tag = "1")]
    pub(super) group: String,
    #[prost(message, repeated, tag = "2")]
    pub(super) actors: Vec<RemoteActor>,
    #[prost(string, tag = "3")]
    pub(super) scope: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RemoteActor {
    #[prost(uint64, tag = "1")]
    pub(super) pid: u64,
    #[prost(string, optional, tag = "2")]
    pub(super) name: Option<String>,
}

impl NetworkMessage {
    /// The whole frame, with its length.
    pub(super) fn framed(&self) -> Bytes {
        let len = self.encoded_len();
        let mut out = Vec::with_capacity(LENGTH + len);
        out.extend_from_slice(&(len as u64).to_be_bytes());
        self.encode(&mut out).expect("a vector grows");
        out.into()
    }
}
