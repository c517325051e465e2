//! Peers that die, freeze, are cut off, and come back.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tern_cluster::identity::Role;
use tern_cluster::net::{Departure, Peer, Timings};

use super::proxy::{Proxy, Weather};
use super::stage::{LIMIT, Node, Stage, quick, to};

/// Main node and prover with a network between them.
async fn pair(stage: &Stage) -> (Node, Node, Proxy) {
    let mut main = stage.main_node().await;
    let proxy = Proxy::before(main.address()).await;
    let mut prover = stage.prover("p1", proxy.address).await;
    main.joined().await;
    prover.joined().await;
    (main, prover, proxy)
}

/// When a peer that falls silent is given up, at the latest: one heartbeat begins, and all misses follow.
fn noticed_after(timings: &Timings, misses: u32) -> Duration {
    timings.heartbeat * misses + timings.heartbeat_limit
}

/// When a dialler is back after healing, at the latest, but for the handshake itself.
fn back_after(timings: &Timings) -> Duration {
    timings.connect + timings.handshake + timings.redial_max
}

#[test]
fn production_times_keep_the_promises() {
    let timings = Timings::default();
    assert_eq!(timings.heartbeat, Duration::from_secs(2));
    assert_eq!(timings.heartbeat_limit, Duration::from_secs(1));
    assert_eq!(timings.handshake, Duration::from_secs(5));
    assert_eq!(timings.tcp_user_timeout, Duration::from_secs(10));
    let accepted = noticed_after(&timings, timings.misses_accepted);
    let dialled = noticed_after(&timings, timings.misses_dialled);
    assert!(accepted < dialled, "the accepting side gives up first");
    assert!(dialled <= Duration::from_secs(12), "{dialled:?}");
    assert!(timings.idle <= Duration::from_secs(12));
    assert!(timings.idle > dialled, "heartbeats decide");
    assert!(back_after(&timings) < Duration::from_secs(15));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_is_noticed_at_once_and_the_dialler_comes_back() {
    let stage = Stage::new();
    let (mut main, mut prover, proxy) = pair(&stage).await;
    let cut = Instant::now();
    proxy.set(Weather::Cut);
    let (who, why) = main.left().await;
    assert!(
        cut.elapsed() < Duration::from_millis(500),
        "{:?}",
        cut.elapsed()
    );
    assert_eq!((who.name().as_str(), why), ("p1", Departure::Closed));
    assert_eq!(prover.left().await.1, Departure::Closed);
    proxy.set(Weather::Fair);
    let healed = Instant::now();
    main.joined().await;
    prover.joined().await;
    assert!(healed.elapsed() < back_after(&quick()) + Duration::from_secs(1));
}

#[tokio::test]
async fn a_killed_node_is_noticed_at_once_and_its_next_start_is_another_incarnation() {
    let stage = Stage::new();
    let mut main = stage.main_node().await;
    let folder = stage.issue("p1", &[Role::Prover]);
    let address = main.address();
    // Dropping a runtime closes its sockets without a word, as the system does for a killed process.
    let machine = tokio::runtime::Runtime::new().expect("a runtime");
    let first = machine.spawn({
        let folder = folder.clone();
        async move { start(&folder, address).await }
    });
    let first = first.await.expect("it starts");
    let peer = main.joined().await;
    let killed = Instant::now();
    machine.shutdown_background();
    let (who, why) = main.left().await;
    assert!(
        killed.elapsed() < Duration::from_millis(500),
        "{:?}",
        killed.elapsed()
    );
    assert_eq!((&who, why), (peer.identity(), Departure::Closed));
    let second = start(&folder, address).await;
    let again = main.joined().await;
    assert_eq!(again.identity().name(), who.name());
    assert_ne!(again.identity().incarnation(), first.cluster.incarnation());
    assert_eq!(again.identity().incarnation(), second.cluster.incarnation());
}

async fn start(folder: &std::path::Path, main: SocketAddr) -> Node {
    Node::start(folder, |settings| {
        settings.roles = [Role::Prover].into();
        settings.join = vec![to(main, Role::MainNode)];
    })
    .await
}

/// Both sides notice, and find each other again.
async fn survives(weather: Weather) {
    let stage = Stage::new();
    let (mut main, mut prover, proxy) = pair(&stage).await;
    let begun = Instant::now();
    proxy.set(weather);
    let slack = Duration::from_millis(900);
    let (_, why) = main.left().await;
    let noticed = begun.elapsed();
    // The main node hears the prover if only the other direction fails, until the prover gives up.
    let misses = if weather == Weather::Frozen { 4 } else { 5 };
    assert!(
        noticed < noticed_after(&quick(), misses) + slack,
        "{noticed:?}"
    );
    assert_eq!(
        matches!(why, Departure::Silent { .. }),
        misses == 4,
        "{why:?}"
    );
    let (_, why) = prover.left().await;
    let noticed = begun.elapsed();
    assert!(noticed < noticed_after(&quick(), 5) + slack, "{noticed:?}");
    assert!(matches!(why, Departure::Silent { .. }), "{why:?}");
    proxy.set(Weather::Fair);
    let healed = Instant::now();
    let peer = prover.joined().await;
    assert!(
        healed.elapsed() < back_after(&quick()) + slack,
        "{:?}",
        healed.elapsed()
    );
    let me: String = peer.ask("whoami", &(), LIMIT).await.expect("an answer");
    assert!(me.starts_with("p1@"), "{me}");
    main.joined().await;
    assert_eq!(main.cluster.peers().len(), 1, "the old session is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_peer_is_noticed_and_rejoins_after_healing() {
    survives(Weather::Frozen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_cut_off_in_one_direction_is_noticed_and_rejoins_after_healing() {
    survives(Weather::OneWay).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_freeze_is_forgiven() {
    let stage = Stage::new();
    let (mut main, mut prover, proxy) = pair(&stage).await;
    let peer = prover.cluster.wait_for(Role::MainNode).await;
    proxy.set(Weather::Frozen);
    let limit = Duration::from_millis(100);
    let unanswered = peer.ask::<_, String>("whoami", &(), limit).await;
    assert!(unanswered.is_err(), "{unanswered:?}");
    proxy.set(Weather::Fair);
    let me: String = peer.ask("whoami", &(), LIMIT).await.expect("an answer");
    assert!(me.starts_with("p1@"), "{me}");
    main.no_event();
    prover.no_event();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_line_full_of_blobs_is_alive() {
    let stage = Stage::new();
    let (mut main, mut prover, proxy) = pair(&stage).await;
    let peer = prover.cluster.wait_for(Role::MainNode).await;
    proxy.set(Weather::Slow);
    let sent = vec![1_u8; 7 << 20];
    let begun = Instant::now();
    let echo: Vec<u8> = peer.ask("echo", &sent, LIMIT).await.expect("an answer");
    assert!(echo == sent, "it came back changed");
    let slow = noticed_after(&quick(), 5);
    assert!(
        begun.elapsed() > slow,
        "the line was not slow: {:?}",
        begun.elapsed()
    );
    main.no_event();
    prover.no_event();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flapping_network_leaves_one_session() {
    let stage = Stage::new();
    let (mut main, mut prover, proxy) = pair(&stage).await;
    for _ in 0..5 {
        proxy.set(Weather::Cut);
        main.left().await;
        prover.left().await;
        proxy.set(Weather::Fair);
        main.joined().await;
        prover.joined().await;
    }
    assert_eq!(main.cluster.peers().len(), 1);
    let here: Vec<_> = main.cluster.peers().iter().map(Peer::is_here).collect();
    assert_eq!(here, [true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_connection_of_a_name_replaces_the_older() {
    let stage = Stage::new();
    let (mut main, prover, proxy) = pair(&stage).await;
    let frozen = prover.cluster.incarnation();
    proxy.set(Weather::Frozen);
    let restarted = start(&prover.folder, main.address()).await;
    let (who, why) = main.left().await;
    assert_eq!((who.incarnation(), why), (frozen, Departure::Replaced));
    let peer = main.joined().await;
    assert_eq!(
        peer.identity().incarnation(),
        restarted.cluster.incarnation()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_stops_in_order_and_its_peers_know() {
    let stage = Stage::new();
    let (mut main, prover, _proxy) = pair(&stage).await;
    let begun = Instant::now();
    let report = prover.process.stop(LIMIT).await;
    assert_eq!(report.killed, [""; 0]);
    assert_eq!(report.stopped.len(), 4, "{report:?}");
    assert_eq!(main.left().await.1, Departure::Closed);
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    main.no_event();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnected_peer_dials_again() {
    let stage = Stage::new();
    let (mut main, mut prover, _proxy) = pair(&stage).await;
    let peer = main.cluster.with_role(Role::Prover).expect("it is here");
    peer.disconnect("a test");
    assert_eq!(main.left().await.1, Departure::Ended("a test".into()));
    assert_eq!(prover.left().await.1, Departure::Closed);
    main.joined().await;
    prover.joined().await;
}
