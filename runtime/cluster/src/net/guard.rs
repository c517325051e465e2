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

#[cfg(test)]
mod tests {
    use super::super::frames::{Call, Cast, Challenge, LENGTH, NodeName, RemoteActor};
    use super::*;

    const GATEWAY: u64 = 17;
    const KEY: SessionKey = SessionKey(0xabcd);

    fn new_guard() -> Guard {
        let gateway = Arc::new(AtomicU64::new(GATEWAY));
        Guard::new(KEY, "p1@1".into(), gateway, Duration::from_secs(60))
    }

    /// After the handshake.
    fn guard() -> Guard {
        let mut guard = new_guard();
        let msg = Some(AuthMessage::ClientChallenge(Bytes::new()));
        sent(&mut guard, Network::Auth(Auth { msg })).expect("passes");
        guard
    }

    fn sent(guard: &mut Guard, message: Network) -> Result<Option<Network>, Violation> {
        let message = Some(message);
        let frame = Bytes::from(NetworkMessage { message }.encode_to_vec());
        let (admitted, _) = guard.admit(frame)?;
        Ok(admitted.and_then(|framed| {
            let body = framed.slice(LENGTH..);
            NetworkMessage::decode(body).expect("a frame").message
        }))
    }

    fn name(claimed: &str) -> Network {
        let msg = Some(AuthMessage::Name(NodeName {
            name: claimed.into(),
            flags: None,
            connection_string: "h:1".into(),
            connection_id: 5,
        }));
        Network::Auth(Auth { msg })
    }

    fn call(to: u64, metadata: Option<Bytes>, timeout_ms: Option<u64>) -> Network {
        let msg = Some(NodeMessage::Call(Call {
            to,
            what: Bytes::from_static(b"body"),
            tag: 3,
            timeout_ms,
            variant: "ask".into(),
            metadata,
        }));
        Network::Node(Node { msg })
    }

    fn control(msg: ControlMessage) -> Network {
        Network::Control(Control { msg: Some(msg) })
    }

    fn join(scope: &str, group: &str) -> Network {
        let actor = |pid| RemoteActor {
            pid,
            name: Some("supervisor".into()),
        };
        control(ControlMessage::Join(Membership {
            group: group.into(),
            actors: vec![actor(9)],
            scope: scope.into(),
        }))
    }

    #[test]
    fn the_authenticated_name_passes_under_a_name_that_no_other_session_has() {
        let expected = Network::Auth(Auth {
            msg: Some(AuthMessage::Name(NodeName {
                name: "p1@1/session-000000000000abcd".into(),
                flags: None,
                connection_string: "session-000000000000abcd".into(),
                connection_id: 5,
            })),
        });
        assert_eq!(sent(&mut guard(), name("p1@1")), Ok(Some(expected)));
    }

    #[test]
    fn another_name_ends_the_session_whichever_side_claims_it() {
        let claimed = || Violation::OtherName {
            claimed: "p2@1".into(),
        };
        assert_eq!(sent(&mut guard(), name("p2@1")), Err(claimed()));
        let msg = Some(AuthMessage::ServerChallenge(Challenge {
            name: "p2@1".into(),
            ..Challenge::default()
        }));
        assert_eq!(
            sent(&mut guard(), Network::Auth(Auth { msg })),
            Err(claimed())
        );
    }

    #[test]
    fn handshakes_cannot_be_repeated_for_ever() {
        let mut guard = guard();
        let last = (0..=MAX_AUTH)
            .map(|_| sent(&mut guard, name("p1@1")))
            .last();
        assert_eq!(last, Some(Err(Violation::Handshakes)));
    }

    #[test]
    fn nothing_passes_before_the_handshake_and_readiness_is_said_once() {
        let ready = || control(ControlMessage::Ready(Bytes::new()));
        assert_eq!(sent(&mut new_guard(), ready()), Err(Violation::Early));
        let early = sent(&mut new_guard(), call(GATEWAY, None, None));
        assert_eq!(early, Err(Violation::Early));
        let mut guard = guard();
        assert_eq!(sent(&mut guard, ready()), Ok(Some(ready())));
        assert_eq!(sent(&mut guard, ready()), Err(Violation::Handshakes));
    }

    #[test]
    fn a_stamp_of_the_peers_own_making_is_replaced_and_the_wait_is_limited() {
        let forged = Some(Bytes::from_static(&[0; 8]));
        let stamped = |wait| Ok(Some(call(GATEWAY, Some(KEY.stamp()), Some(wait))));
        let of = |timeout| sent(&mut guard(), call(GATEWAY, forged.clone(), timeout));
        assert_eq!(of(None), stamped(60_000));
        assert_eq!(of(Some(u64::MAX)), stamped(60_000));
        assert_eq!(of(Some(5)), stamped(5));
        assert_eq!(SessionKey::of_stamp(Some(&KEY.stamp())), Some(KEY));
    }

    #[test]
    fn only_the_gateway_can_be_reached() {
        assert_eq!(sent(&mut guard(), call(GATEWAY + 1, None, None)), Ok(None));
        let cast = Network::Node(Node {
            msg: Some(NodeMessage::Cast(Cast {
                to: GATEWAY + 1,
                ..Cast::default()
            })),
        });
        assert_eq!(sent(&mut guard(), cast), Ok(None));
    }

    #[test]
    fn a_peer_shows_its_own_gateway_only_and_to_this_session_only() {
        let expected = control(ControlMessage::Join(Membership {
            group: "session-000000000000abcd".into(),
            actors: vec![RemoteActor { pid: 9, name: None }],
            scope: SCOPE.into(),
        }));
        let shown = |scope, group| sent(&mut guard(), join(scope, group));
        assert_eq!(shown(SCOPE, "gateway-of-p1@1"), Ok(Some(expected)));
        assert_eq!(shown(SCOPE, "gateway-of-p2@1"), Ok(None));
        assert_eq!(shown(SCOPE, "session-000000000000abce"), Ok(None));
        assert_eq!(shown("other", "gateway-of-p1@1"), Ok(None));
    }

    #[test]
    fn a_peer_cannot_create_actors_or_learn_who_else_is_there() {
        let empty = Bytes::new;
        let spawn = control(ControlMessage::Spawn(empty()));
        assert_eq!(sent(&mut guard(), spawn), Ok(None));
        let list = control(ControlMessage::EnumerateNodeSessions(empty()));
        assert_eq!(sent(&mut guard(), list), Err(Violation::Lists));
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_judged_and_what_passes_is_a_frame(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
            prefix in 0..4_usize,
        ) {
            // Prefixes that lead deep into the decoder: handshake, node message, control message.
            let prefixes: [&[u8]; 4] = [&[], &[0x0a, 0x7f], &[0x12, 0x7f], &[0x1a, 0x7f]];
            let frame = [prefixes[prefix], &bytes[..]].concat();
            if let Ok((Some(framed), _)) = guard().admit(frame.into()) {
                let len = u64::from_be_bytes(framed[..LENGTH].try_into().expect("a length"));
                proptest::prop_assert_eq!(len as usize, framed.len() - LENGTH);
                proptest::prop_assert!(NetworkMessage::decode(framed.slice(LENGTH..)).is_ok());
            }
        }
    }

    #[test]
    fn bytes_that_are_no_message_end_the_session() {
        let end = guard().admit(Bytes::from_static(&[0xff; 40]));
        assert!(matches!(end, Err(Violation::Malformed(_))), "{end:?}");
    }
}
