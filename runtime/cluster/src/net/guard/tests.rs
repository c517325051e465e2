//! The guard frame by frame.

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
