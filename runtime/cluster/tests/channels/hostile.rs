//! Peers that should not be there, and peers that do what they should not.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use tern_cluster::identity::{Name, NodeRequest, Role, issue};
use tern_cluster::net::{Departure, Limits, PROTOCOL, Rate};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::stage::{LIMIT, Node, Stage, name, quick, roomy, services, to};
use super::stranger::{closed, connect, from, greet, hello};

/// The error of a stranger that is refused by TLS. With TLS 1.3 it learns that when it first reads.
async fn refused(main: &Node, folder: Option<&Path>) -> String {
    let attempt = async {
        let mut stream = connect(main.address(), folder).await?;
        greet(&mut stream, &hello("p1")).await
    };
    let outcome = tokio::time::timeout(LIMIT, attempt).await.expect("in time");
    outcome.expect_err("refused").to_string()
}

/// The verdict on a greeting of somebody with a certificate as prover `p1`.
async fn verdict(stage: &Stage, main: &Node, hello: &Value) -> Value {
    let folder = stage.path("p1");
    if !folder.exists() {
        stage.issue("p1", &[Role::Prover]);
    }
    let mut stream = connect(main.address(), Some(&folder)).await.expect("TLS");
    greet(&mut stream, hello).await.expect("a verdict")
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_good_certificate_nobody_gets_past_tls() {
    let (stage, other) = (Stage::new(), Stage::new());
    let mut main = stage.main_node().await;
    let now = SystemTime::now();
    let hour = Duration::from_secs(3600);
    let expired = stage.issue_as(&NodeRequest {
        from: now - 2 * hour,
        until: now - hour,
        ..NodeRequest::new(name("old"), [Role::Prover])
    });
    let foreign = other.issue("p1", &[Role::Prover]);
    let revoked = stage.issue("p2", &[Role::Prover]);
    stage.revoke("p2", &main.folder);
    // Until the main node has read the list again.
    let read = async {
        while !refused_as_revoked(&main, &revoked).await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, read)
        .await
        .expect("the list is read again");
    let alert = |text: &str| format!("received fatal alert: {text}");
    assert_eq!(refused(&main, None).await, alert("CertificateRequired"));
    assert_eq!(
        refused(&main, Some(&expired)).await,
        alert("CertificateExpired")
    );
    // Both authorities have the same name, so it is the signature that differs.
    assert_eq!(refused(&main, Some(&foreign)).await, alert("DecryptError"));
    main.no_event();
    assert_eq!(main.cluster.peers().len(), 0);
}

async fn refused_as_revoked(main: &Node, folder: &Path) -> bool {
    let Ok(mut stream) = connect(main.address(), Some(folder)).await else {
        return false;
    };
    match greet(&mut stream, &hello("p2")).await {
        Ok(_) => false,
        Err(error) => error.to_string().contains("CertificateRevoked"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_is_disconnected_when_its_certificate_is_revoked_and_stays_out() {
    let stage = Stage::new();
    let mut main = stage.main_node().await;
    let mut prover = stage.prover("p1", main.address()).await;
    main.joined().await;
    prover.joined().await;
    stage.revoke("p1", &main.folder);
    assert_eq!(main.left().await.1, Departure::Revoked);
    prover.left().await;
    assert!(refused_as_revoked(&main, &prover.folder).await);
    main.no_event();
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_beyond_the_certificate_and_other_chains_are_refused_with_what_differs() {
    let stage = Stage::new();
    let mut main = stage.main_node().await;
    let protocol = format!("protocol version: here {PROTOCOL}, there {}", PROTOCOL + 1);
    let cases = [
        (
            "/name",
            json!("p2"),
            "name: claimed p2, but the certificate is p1's",
        ),
        (
            "/roles",
            json!(["prover", "sequencer"]),
            "role: claimed sequencer, but the certificate does not allow it",
        ),
        ("/protocol", json!(PROTOCOL + 1), &protocol),
        (
            "/terms",
            json!({"chainId": 8}),
            "chain id: here 7357, there 8",
        ),
        (
            "/terms",
            json!({"profile": "secure"}),
            "profile: here insecure-test, there secure",
        ),
    ];
    for (field, value, reason) in cases {
        let mut hello = hello("p1");
        *hello.pointer_mut(field).expect("a field") = value;
        let verdict = verdict(&stage, &main, &hello).await;
        assert_eq!(verdict, json!({"refused": [reason]}));
    }
    let verdict = verdict(&stage, &main, &hello("p1")).await;
    assert_eq!(verdict.pointer("/welcome/name"), Some(&json!("main")));
    main.no_event();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dialler_refuses_a_node_that_is_not_what_it_expects() {
    let stage = Stage::new();
    let mut main = stage.main_node().await;
    let folder = stage.issue("p1", &[Role::Prover]);
    let address = main.address();
    let mut prover = Node::start(&folder, |settings| {
        settings.roles = [Role::Prover].into();
        settings.join = vec![to(address, Role::Sequencer)];
    })
    .await;
    let ended = tokio::time::timeout(LIMIT, prover.process.ended());
    let reason = ended.await.expect("a wrong configuration ends the node");
    assert_eq!(reason.code(), 2, "{reason}");
    let text = reason.to_string();
    assert!(text.contains("role sequencer, which is expected"), "{text}");
    let honest = stage.prover("p2", address).await;
    assert_eq!(main.joined().await.identity().name(), honest.cluster.name());
    prover.no_event();
    assert_eq!(prover.cluster.peers().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provers_certificate_cannot_be_used_by_a_server() {
    let stage = Stage::new();
    let folder = stage.issue("p1", &[Role::Prover]);
    let certificate = std::fs::read(folder.join("node.crt")).expect("a file");
    let (_, pem) = x509_parser::pem::parse_x509_pem(&certificate).expect("PEM");
    let certificate = pem.parse_x509().expect("a certificate");
    let usage = certificate
        .extended_key_usage()
        .expect("readable")
        .expect("there");
    assert_eq!(
        (usage.value.client_auth, usage.value.server_auth),
        (true, false)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn oversized_frames_garbage_and_silence_after_the_greetings_end_the_connection() {
    let stage = Stage::new();
    let mut main = stage.main_node().await;
    let folder = stage.issue("p1", &[Role::Prover]);
    let other_name = {
        // A protobuf of the actor system's handshake: name `q`.
        let name = [0x0a, 0x05, 0x0a, 0x03, 0x0a, 0x01, b'q'];
        [&7_u64.to_be_bytes()[..], &name].concat()
    };
    let words: [Vec<u8>; 6] = [
        u64::MAX.to_be_bytes().to_vec(),
        (1_u64 << 20).to_be_bytes().to_vec(),
        [&40_u64.to_be_bytes()[..], &[0xff; 40]].concat(),
        b"GET / HTTP/1.1\r\nHost: tern\r\n\r\n".to_vec(),
        other_name,
        Vec::new(),
    ];
    for word in words {
        let mut stream = connect(main.address(), Some(&folder)).await.expect("TLS");
        let verdict = greet(&mut stream, &hello("p1")).await.expect("a verdict");
        assert!(verdict.get("welcome").is_some(), "{verdict}");
        stream.write_all(&word).await.expect("sent");
        stream.flush().await.expect("sent");
        let begun = Instant::now();
        closed(&mut stream).await;
        let silent = word.is_empty();
        let limit = if silent {
            quick().ready * 2
        } else {
            Duration::from_millis(500)
        };
        assert!(
            begun.elapsed() < limit,
            "{:?} for {word:?}",
            begun.elapsed()
        );
    }
    let mut honest = stage.prover("p2", main.address()).await;
    honest.joined().await;
    assert_eq!(main.joined().await.identity().name(), &name("p2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_client_is_closed_after_the_handshake_limit() {
    let stage = Stage::new();
    let main = stage.main_node().await;
    let begun = Instant::now();
    let mut silent = TcpStream::connect(main.address()).await.expect("connects");
    closed(&mut silent).await;
    let folder = stage.issue("p1", &[Role::Prover]);
    let mut mute = connect(main.address(), Some(&folder)).await.expect("TLS");
    closed(&mut mute).await;
    let elapsed = begun.elapsed();
    assert!(elapsed < quick().handshake * 3, "{elapsed:?}");
    assert!(elapsed > quick().handshake, "{elapsed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_idle_connections_do_not_keep_an_honest_node_out_or_slow() {
    let stage = Stage::new();
    let limits = Limits {
        handshakes: 64,
        handshakes_per_address: 32,
        ..roomy()
    };
    let mut main = stage.main_node_with(limits, services()).await;
    let mut early = stage.prover("p1", main.address()).await;
    let peer = early.joined().await;
    main.joined().await;
    let mut idle = Vec::new();
    for i in 0..4_000_u16 {
        let host = u8::try_from(2 + i % 200).expect("an address");
        idle.push(
            from(host, main.address())
                .await
                .expect("the system accepts"),
        );
    }
    let begun = Instant::now();
    let mut late = stage.prover("p2", main.address()).await;
    late.joined().await;
    let joined = begun.elapsed();
    assert!(joined < Duration::from_secs(1), "{joined:?}");
    let mut slowest = Duration::ZERO;
    for _ in 0..100 {
        let asked = Instant::now();
        peer.ask::<_, String>("whoami", &(), LIMIT)
            .await
            .expect("an answer");
        slowest = slowest.max(asked.elapsed());
    }
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
    main.joined().await;
    main.no_event();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_floods_is_read_slowly_and_others_do_not_notice() {
    let stage = Stage::new();
    let limits = Limits {
        messages: Rate {
            per_second: 500,
            burst: 500,
        },
        ..roomy()
    };
    let heard = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&heard);
    let router = services().hear("news", [Role::Prover], move |_, (): ()| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let mut main = stage.main_node_with(limits, router).await;
    let mut flooding = stage.prover("p1", main.address()).await;
    let mut honest = stage.prover("p2", main.address()).await;
    let (flood, peer) = (flooding.joined().await, honest.joined().await);
    main.joined().await;
    main.joined().await;
    let begun = Instant::now();
    for _ in 0..20_000 {
        flood.hint("news", &()).expect("sent");
    }
    let mut slowest = Duration::ZERO;
    while heard.load(Ordering::Relaxed) < 1_500 {
        let asked = Instant::now();
        peer.ask::<_, Vec<u8>>("echo", &vec![1_u8; 10], LIMIT)
            .await
            .expect("an answer");
        slowest = slowest.max(asked.elapsed());
    }
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
    let rate = f64::from(1_000) / begun.elapsed().as_secs_f64();
    assert!(rate < 600.0, "{rate} hints per second beyond the burst");
    main.no_event();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_connects_too_often_is_turned_away_and_others_are_not() {
    let stage = Stage::new();
    let limits = Limits {
        connections: Limits::default().connections,
        ..roomy()
    };
    let mut main = stage.main_node_with(limits, services()).await;
    let burst = limits.connections.burst;
    let mut turned_away = 0;
    for _ in 0..burst + 36 {
        let mut stream = from(2, main.address()).await.expect("the system accepts");
        // Who is let in must fail TLS; who is not is closed without a byte.
        let _ = stream.write_all(b"nonsense").await;
        let mut bytes = [0; 64];
        let read = tokio::io::AsyncReadExt::read(&mut stream, &mut bytes);
        let answer = tokio::time::timeout(LIMIT, read).await.expect("in time");
        turned_away += u32::from(!matches!(answer, Ok(count) if count > 0));
    }
    assert!((20..=36).contains(&turned_away), "{turned_away}");
    let mut prover = stage.prover("p1", main.address()).await;
    prover.joined().await;
    main.joined().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_node_says_so() {
    let stage = Stage::new();
    let limits = Limits {
        sessions: 1,
        ..roomy()
    };
    let mut main = stage.main_node_with(limits, services()).await;
    let _first = stage.prover("p2", main.address()).await;
    main.joined().await;
    let verdict = verdict(&stage, &main, &hello("p1")).await;
    assert_eq!(verdict, json!("full"));
}

#[test]
fn a_certificate_of_a_second_authority_of_the_same_name_is_worth_nothing_here() {
    let (ours, theirs) = (Stage::new(), Stage::new());
    let folder = ours.issue("p1", &[Role::Prover]);
    let request = NodeRequest::new(name("p1") as Name, [Role::Prover]);
    let forged = theirs.path("forged");
    issue(&theirs.ca(), &request, &forged).expect("issued");
    for file in ["node.crt", "node.key"] {
        std::fs::copy(forged.join(file), folder.join(file)).expect("copied");
    }
    let error = tern_cluster::identity::load(&folder).expect_err("foreign");
    assert!(error.to_string().contains("not signed by"), "{error}");
}
