//! What roles do with peers.

use std::sync::Arc;
use std::time::Duration;

use tern_cluster::identity::{Role, load};
use tern_cluster::net::{
    AskError, CHUNK, Cluster, ClusterError, ClusterSettings, Limits, Refusal, Router, Terms,
};
use tokio::sync::mpsc;

use super::stage::{LIMIT, Node, Stage, chain, name, quick, roomy, services, to};

fn refusal(error: AskError) -> Refusal {
    match error {
        AskError::Refused { refusal, .. } => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prover_joins_learns_the_chain_and_is_known_by_its_certificate() {
    let stage = Stage::new();
    let mut main = stage.main_node().await;
    let mut prover = stage.prover("p1", main.address()).await;
    let peer = prover.joined().await;
    assert_eq!(peer.identity().terms(), &chain());
    assert!(peer.identity().plays(Role::MainNode));
    let seen = main.joined().await;
    assert_eq!(seen.identity().name(), &name("p1"));
    assert_eq!(seen.identity().incarnation(), prover.cluster.incarnation());
    let me: String = peer.ask("whoami", &(), LIMIT).await.expect("an answer");
    assert_eq!(me, format!("p1@{}", prover.cluster.incarnation()));
    // The accepting side can ask, too.
    let echo: Vec<u8> = seen
        .ask("echo", &vec![1_u8, 2], LIMIT)
        .await
        .expect("an answer");
    assert_eq!(echo, [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_caller_is_itself_however_many_there_are() {
    let stage = Stage::new();
    let mut main = stage.main_node().await;
    let mut provers = Vec::new();
    for node in ["p1", "p2", "p3"] {
        let mut prover = stage.prover(node, main.address()).await;
        main.joined().await;
        let peer = prover.joined().await;
        provers.push((prover, peer));
    }
    assert_eq!(main.cluster.peers().len(), 3);
    for _ in 0..20 {
        for (prover, peer) in &provers {
            let me: String = peer.ask("whoami", &(), LIMIT).await.expect("an answer");
            let (name, incarnation) = (prover.cluster.name(), prover.cluster.incarnation());
            assert_eq!(me, format!("{name}@{incarnation}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_requests_and_answers_travel_in_chunks() {
    let stage = Stage::new();
    let main = stage.main_node().await;
    let mut prover = stage.prover("p1", main.address()).await;
    let peer = prover.joined().await;
    for len in [0, CHUNK - 100, CHUNK, CHUNK + 1, 3 * CHUNK, 5_000_000] {
        let sent: Vec<u8> = (0..len)
            .map(|i| u8::try_from(i % 251).expect("small"))
            .collect();
        let echo: Vec<u8> = peer.ask("echo", &sent, LIMIT).await.expect("an answer");
        assert!(echo == sent, "{len} bytes came back changed");
    }
    let too_long = vec![0_u8; (8 << 20) + 1];
    let refused = peer.ask::<_, Vec<u8>>("echo", &too_long, LIMIT).await;
    let refused = refusal(refused.expect_err("too long for the topic"));
    assert!(matches!(refused, Refusal::TooLong { .. }), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_cannot_answer_is_refused_with_the_reason() {
    let stage = Stage::new();
    let main = stage.main_node().await;
    let mut prover = stage.prover("p1", main.address()).await;
    let peer = prover.joined().await;
    let ask = |topic: &'static str| {
        let peer = peer.clone();
        async move {
            refusal(
                peer.ask::<_, u32>(topic, &(), LIMIT)
                    .await
                    .expect_err("refused"),
            )
        }
    };
    assert_eq!(
        ask("secret").await,
        Refusal::NotAllowed {
            topic: "secret".into(),
            allowed: "sequencer".into(),
            found: "prover".into(),
        }
    );
    assert_eq!(
        ask("nothing").await,
        Refusal::UnknownTopic {
            topic: "nothing".into()
        }
    );
    assert_eq!(ask("panic").await, Refusal::Failed);
    let limit = quick().answer;
    assert_eq!(ask("never").await, Refusal::Late { limit });
    let odd = peer.ask::<_, String>("whoami", &"text", LIMIT).await;
    let odd = refusal(odd.expect_err("not the topic's type"));
    assert!(matches!(odd, Refusal::Malformed { .. }), "{odd:?}");
    let unreadable = peer.ask::<_, [u64; 9]>("whoami", &(), LIMIT).await;
    let unreadable = unreadable.expect_err("not the answer's type");
    assert!(
        matches!(unreadable, AskError::Unreadable { .. }),
        "{unreadable:?}"
    );
    // None of it harmed the session.
    let me: String = peer.ask("whoami", &(), LIMIT).await.expect("an answer");
    assert!(me.starts_with("p1@"), "{me}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_asks_too_much_at_once_is_told_so_and_stays() {
    let stage = Stage::new();
    let limits = Limits {
        requests: 4,
        ..roomy()
    };
    let mut main = stage.main_node_with(limits, services()).await;
    let mut prover = stage.prover("p1", main.address()).await;
    main.joined().await;
    let peer = prover.joined().await;
    let limit = Duration::from_millis(1_500);
    let asked = (0..6).map(|_| peer.ask::<_, ()>("never", &(), limit));
    let outcomes = futures::future::join_all(asked).await;
    let refusals: Vec<_> = outcomes
        .into_iter()
        .map(|outcome| refusal(outcome.expect_err("never answered")))
        .collect();
    let busy = refusals
        .iter()
        .filter(|refusal| matches!(refusal, Refusal::Busy { .. }));
    assert_eq!(busy.count(), 2, "{refusals:?}");
    assert!(refusals.iter().all(Refusal::may_pass));
    assert!(peer.is_here(), "heartbeats have no limit");
    main.no_event();
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_arrive_with_their_senders_name() {
    let stage = Stage::new();
    let (heard, mut hints) = mpsc::unbounded_channel();
    let router = Router::new().hear("news", [Role::MainNode], move |caller, text: String| {
        let _ = heard.send(format!("{} says {text}", caller.name()));
    });
    let mut main = stage.main_node().await;
    let folder = stage.issue("p1", &[Role::Prover]);
    let address = main.address();
    let _prover = Node::start(&folder, |settings| {
        settings.roles = [Role::Prover].into();
        settings.join = vec![to(address, Role::MainNode)];
        settings.router = router;
    })
    .await;
    let peer = main.joined().await;
    peer.hint("news", &"block 7").expect("sent");
    let hint = tokio::time::timeout(LIMIT, hints.recv())
        .await
        .expect("in time");
    assert_eq!(hint.as_deref(), Some("main says block 7"));
    let long = peer.hint("news", &vec![0_u8; CHUNK]);
    assert!(matches!(long, Err(AskError::TooLong { .. })), "{long:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_died_is_restarted_and_found_again() {
    let stage = Stage::new();
    let main = stage.main_node().await;
    let mut prover = stage.prover("p1", main.address()).await;
    let peer = prover.joined().await;
    let group = format!("gateway-of-main@{}", main.cluster.incarnation());
    let members = ractor::pg::get_scoped_local_members(&"tern".to_owned(), &group);
    assert_eq!(members.len(), 1, "one gateway for each node");
    members[0].kill();
    let answered = async {
        while peer
            .ask::<_, String>("whoami", &(), Duration::from_millis(200))
            .await
            .is_err()
        {}
    };
    tokio::time::timeout(LIMIT, answered)
        .await
        .expect("the new gateway answers in time");
    assert!(peer.is_here(), "the session outlived the gateway");
}

#[tokio::test]
async fn a_node_cannot_play_or_accept_what_its_certificate_does_not_allow() {
    let stage = Stage::new();
    let folder = stage.issue("p1", &[Role::Prover]);
    let settings = |roles: &[Role], listen: bool| ClusterSettings {
        identity: load(&folder).expect("a good identity"),
        roles: roles.iter().copied().collect(),
        terms: Terms::default(),
        listener: listen.then(|| std::net::TcpListener::bind("127.0.0.1:0").expect("a port")),
        join: Vec::new(),
        router: Router::new(),
        limits: Limits::default(),
        timings: quick(),
    };
    let play = Cluster::new(settings(&[Role::Sequencer], false), 0).expect_err("refused");
    assert!(matches!(play, ClusterError::Identity(_)), "{play:?}");
    let accept = Cluster::new(settings(&[Role::Prover], true), 0).expect_err("refused");
    assert!(
        matches!(accept, ClusterError::AcceptsNothing { .. }),
        "{accept:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_to_a_peer_that_leaves_end_at_once() {
    let stage = Stage::new();
    let mut main = stage.main_node().await;
    let mut prover = stage.prover("p1", main.address()).await;
    let peer = Arc::new(prover.joined().await);
    main.joined().await;
    let asked = {
        let peer = Arc::clone(&peer);
        tokio::spawn(async move { peer.ask::<_, ()>("never", &(), LIMIT).await })
    };
    // The request is on its way when the peer has answered a later one.
    peer.ask::<_, String>("whoami", &(), LIMIT)
        .await
        .expect("an answer");
    main.process.stop(LIMIT).await;
    let begun = std::time::Instant::now();
    let outcome = asked.await.expect("no panic").expect_err("no answer");
    assert!(matches!(outcome, AskError::Left { .. }), "{outcome:?}");
    assert!(outcome.may_pass());
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
}
