//! What of a peer's frames reaches the actor system.
//!
//! `ractor_cluster` trusts whoever is authenticated: peers may create actors, join any group, name themselves as
//! they like, and a message does not say whose it is. The guard lets through what a session needs:
//!
//! | frame | verdict |
//! |---|---|
//! | name, challenge | the claimed name must be the authenticated one; it is replaced by one that no other session has, so that sessions never compete for a name |
//! | rest of the handshake | passes, a few times; everything below only after it |
//! | call, cast | to the gateway only; stamped with the session, so that nobody can speak for others; calls get a time limit |
//! | reply | passes: it can only answer a call of this session |
//! | join, leave | of the peer's gateway only, without names; goes to a group of this session's own |
//! | ready | passes once |
//! | terminate, ping, pong | passes |
//! | spawn | dropped: the gateway is known by its group |
//! | lists of nodes | end the session: nodes of this program do not ask for them |

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use thiserror::Error;

use super::frames::{
    Auth, AuthMessage, Control, ControlMessage, Membership, Network, NetworkMessage, Node,
    NodeMessage,
};

/// Scope of all groups of gateways.
pub(super) const SCOPE: &str = "tern";
/// Most frames of a handshake.
const MAX_AUTH: u32 = 8;
/// Most gateways that a peer may show in the life of a session. Each restart of its gateway is another.
const MAX_GATEWAYS: u32 = 256;

/// Names a session within this process. Drawn at random, and never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SessionKey(u64);

impl SessionKey {
    pub(super) fn random() -> Self {
        Self(rand::random())
    }

    /// The session that stamped a message.
    pub(super) fn of_stamp(stamp: Option<&[u8]>) -> Option<Self> {
        let bytes = stamp?.try_into().ok()?;
        Some(Self(u64::from_be_bytes(bytes)))
    }

    fn stamp(self) -> Bytes {
        Bytes::copy_from_slice(&self.0.to_be_bytes())
    }

    pub(super) fn of_label(label: &str) -> Option<Self> {
        let digits = label.strip_prefix("session-")?;
        u64::from_str_radix(digits, 16).ok().map(Self)
    }

    /// The label by which the node server reports the session, and the group of its peer's gateway.
    pub(super) fn label(self) -> String {
        format!("session-{:016x}", self.0)
    }
}

/// The group in which a node shows its gateway.
pub(super) fn gateway_group(node: &str) -> String {
    format!("gateway-of-{node}")
}

/// How a peer broke the rules. It ends the session.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum Violation {
    #[error("a frame of {len} bytes was announced; at most {max} are accepted")]
    TooLong { len: u64, max: usize },
    #[error("a frame is no message of the protocol ({0})")]
    Malformed(String),
    #[error("it claims to be the node `{claimed}`")]
    OtherName { claimed: String },
    #[error("it repeats the handshake")]
    Handshakes,
    #[error("it sends messages before the handshake is complete")]
    Early,
    #[error("it shows too many gateways")]
    Gateways,
    #[error("it asks for or sends lists of nodes")]
    Lists,
}

/// Checks the frames that one peer sends.
#[derive(Debug)]
pub(super) struct Guard {
    session: SessionKey,
    /// The peer's authenticated node name.
    peer: String,
    /// Our gateway's pid; 0 when there is none.
    gateway: Arc<AtomicU64>,
    max_call: Duration,
    auths: u32,
    /// The handshake's last frame came: if it was wrong, the actor system ends the session.
    authenticated: bool,
    ready: bool,
    gateways: u32,
}

/// What kind of frame it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of a call of ours. Does not count against the peer's rate.
    Answer,
    /// A call or a cast.
    Message,
    /// Of the actor system. It says nothing about the gateway's health.
    Control,
}

impl Guard {
    pub(super) fn new(
        session: SessionKey,
        peer: String,
        gateway: Arc<AtomicU64>,
        max_call: Duration,
    ) -> Self {
        Self {
            session,
            peer,
            gateway,
            max_call,
            auths: 0,
            authenticated: false,
            ready: false,
            gateways: 0,
        }
    }

    /// The frame to hand on instead of `frame`, if any.
    pub(super) fn admit(&mut self, frame: Bytes) -> Result<(Option<Bytes>, Kind), Violation> {
        let message = NetworkMessage::decode(frame)
            .map_err(|error| Violation::Malformed(error.to_string()))?;
        let mut kind = Kind::Control;
        let early = !self.authenticated;
        let admitted = match message.message {
            Some(Network::Node(_) | Network::Control(_)) if early => return Err(Violation::Early),
            Some(Network::Auth(auth)) => self.auth(auth)?.map(Network::Auth),
            Some(Network::Node(node)) => {
                kind = match node.msg {
                    Some(NodeMessage::Reply(_)) => Kind::Answer,
                    _ => Kind::Message,
                };
                self.node(node).map(Network::Node)
            }
            Some(Network::Control(control)) => self.control(control)?.map(Network::Control),
            None => None,
        };
        let framed = admitted.map(|message| {
            let message = Some(message);
            NetworkMessage { message }.framed()
        });
        Ok((framed, kind))
    }

    fn auth(&mut self, mut auth: Auth) -> Result<Option<Auth>, Violation> {
        self.auths += 1;
        if self.auths > MAX_AUTH {
            return Err(Violation::Handshakes);
        }
        match &mut auth.msg {
            Some(AuthMessage::Name(name)) => {
                self.rename(&mut name.name, &mut name.connection_string)?;
            }
            Some(AuthMessage::ServerChallenge(challenge)) => {
                self.rename(&mut challenge.name, &mut challenge.connection_string)?;
            }
            Some(AuthMessage::ClientChallenge(_) | AuthMessage::ServerAck(_)) => {
                self.authenticated = true;
            }
            Some(AuthMessage::ServerStatus(_) | AuthMessage::ClientStatus(_)) => {}
            None => return Ok(None),
        }
        Ok(Some(auth))
    }

    fn rename(&self, name: &mut String, connection: &mut String) -> Result<(), Violation> {
        if *name != self.peer {
            let claimed = super::hello::clean(name);
            return Err(Violation::OtherName { claimed });
        }
        let label = self.session.label();
        *name = format!("{}/{label}", self.peer);
        *connection = label;
        Ok(())
    }

    fn node(&self, mut node: Node) -> Option<Node> {
        let gateway = self.gateway.load(Ordering::Acquire);
        match &mut node.msg {
            Some(NodeMessage::Cast(cast)) if cast.to == gateway => {
                cast.metadata = Some(self.session.stamp());
            }
            Some(NodeMessage::Call(call)) if call.to == gateway => {
                call.metadata = Some(self.session.stamp());
                let max = u64::try_from(self.max_call.as_millis()).unwrap_or(u64::MAX);
                call.timeout_ms = Some(call.timeout_ms.unwrap_or(max).min(max));
            }
            Some(NodeMessage::Reply(_)) => {}
            // A gateway that has just been restarted may get mail for its predecessor.
            _ => return None,
        }
        Some(node)
    }

    fn control(&mut self, control: Control) -> Result<Option<Control>, Violation> {
        let msg = match control.msg {
            Some(ControlMessage::Join(join)) => self.membership(join)?.map(ControlMessage::Join),
            Some(ControlMessage::Leave(leave)) => {
                self.membership(leave)?.map(ControlMessage::Leave)
            }
            Some(ControlMessage::EnumerateNodeSessions(_) | ControlMessage::NodeSessions(_)) => {
                return Err(Violation::Lists);
            }
            Some(ControlMessage::Ready(ready)) => {
                if std::mem::replace(&mut self.ready, true) {
                    return Err(Violation::Handshakes);
                }
                Some(ControlMessage::Ready(ready))
            }
            Some(ControlMessage::Spawn(_)) | None => None,
            Some(
                passing @ (ControlMessage::Terminate(_)
                | ControlMessage::Ping(_)
                | ControlMessage::Pong(_)),
            ) => Some(passing),
        };
        Ok(msg.map(|msg| Control { msg: Some(msg) }))
    }

    fn membership(&mut self, mut of: Membership) -> Result<Option<Membership>, Violation> {
        if of.scope != SCOPE || of.group != gateway_group(&self.peer) || of.actors.len() != 1 {
            return Ok(None);
        }
        self.gateways += 1;
        if self.gateways > MAX_GATEWAYS {
            return Err(Violation::Gateways);
        }
        of.group = self.session.label();
        for actor in &mut of.actors {
            actor.name = None;
        }
        Ok(Some(of))
    }
}
