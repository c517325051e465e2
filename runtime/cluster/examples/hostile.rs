//! Measures what hostile peers cost an honest one: how long its questions take while others misbehave, with
//! production limits and times, over TLS on the loopback interface:
//! `cargo run --release -p tern-cluster --example hostile`. Takes a minute.

#[path = "../tests/channels/stage.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod stage;
#[path = "../tests/channels/stranger.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod stranger;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use tern_cluster::identity::Role;
use tern_cluster::net::{Limits, Peer, Timings};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use stage::{LIMIT, Node, Stage, chain, services, to};
use stranger::{connect, from, greet, hello};

/// How long each kind of trouble lasts.
const TROUBLE: Duration = Duration::from_secs(6);
/// Hostile peers at a time.
const HOSTILE: usize = 8;
/// Pause between two questions of the honest node.
const PAUSE: Duration = Duration::from_millis(2);

/// What one hostile peer does, again and again.
type Act = fn(SocketAddr, PathBuf) -> BoxFuture<'static, ()>;

#[tokio::main]
async fn main() {
    let (stage, elsewhere) = (Stage::new(), Stage::new());
    let main = node(&stage, "main", Role::MainNode, None).await;
    let mut honest = node(&stage, "honest", Role::Prover, Some(main.address())).await;
    let peer = honest.joined().await;
    let own = stage.issue("hostile", &[Role::Prover]);
    let foreign = elsewhere.issue("hostile", &[Role::Prover]);
    println!("| while | questions | p50 | p99 | slowest |\n|---|---:|---:|---:|---:|");
    measure(&peer, "nobody else is there", std::future::pending()).await;
    let idle = crowd(main.address()).await;
    let crowd = format!("{} idle connections are open", idle.len());
    measure(&peer, &crowd, std::future::pending()).await;
    drop(idle);
    let acts: [(&str, Act, &PathBuf); 6] = [
        (
            "strangers send garbage instead of TLS",
            |to, _| no_tls(to).boxed(),
            &own,
        ),
        (
            "strangers without a certificate knock",
            |to, _| knock(to, None).boxed(),
            &own,
        ),
        (
            "strangers of another authority knock",
            |to, folder| knock(to, Some(folder)).boxed(),
            &foreign,
        ),
        (
            "a certified peer announces 16 EiB",
            |to, folder| after_greeting(to, folder, &[0xff; 8]).boxed(),
            &own,
        ),
        (
            "a certified peer sends garbage",
            |to, folder| after_greeting(to, folder, &[7; 512]).boxed(),
            &own,
        ),
        (
            "a certified peer says nothing",
            |to, folder| after_greeting(to, folder, &[]).boxed(),
            &own,
        ),
    ];
    for (what, act, folder) in acts {
        let acting = futures::stream::repeat_with(|| {
            // They share this machine's cores with those whom they attack.
            act(main.address(), folder.clone()).then(|()| tokio::time::sleep(PAUSE))
        });
        let trouble = acting.buffer_unordered(HOSTILE).for_each(|()| async {});
        measure(&peer, what, trouble).await;
    }
    let mut flooding = node(&stage, "flooding", Role::Prover, Some(main.address())).await;
    let flood = flooding.joined().await;
    measure(&peer, "a certified peer floods with questions", async {
        let questions = futures::stream::repeat_with(|| async {
            let _ = flood
                .ask::<_, Vec<u8>>("echo", &vec![0_u8; 200], LIMIT)
                .await;
        });
        questions
            .buffer_unordered(500)
            .for_each(|()| async {})
            .await;
    })
    .await;
}

/// A node as in production.
async fn node(stage: &Stage, name: &str, role: Role, join: Option<SocketAddr>) -> Node {
    let folder = stage.issue(name, &[role]);
    Node::start(&folder, |settings| {
        settings.roles = [role].into();
        settings.limits = Limits::default();
        settings.timings = Timings::default();
        settings.router = services();
        if let Some(address) = join {
            settings.join = vec![to(address, Role::MainNode)];
        } else {
            settings.listener = Some(TcpListener::bind("127.0.0.1:0").expect("a port"));
            settings.terms = chain();
        }
    })
    .await
}

/// Asks while `trouble` lasts, and prints how long the answers took.
async fn measure(peer: &Peer, what: &str, trouble: impl Future<Output = ()>) {
    let mut times = Vec::new();
    let asking = async {
        let begun = Instant::now();
        while begun.elapsed() < TROUBLE {
            let asked = Instant::now();
            let answer = peer
                .ask::<_, Vec<u8>>("echo", &vec![1_u8; 100], LIMIT)
                .await;
            answer.expect("the honest node is answered whatever others do");
            times.push(asked.elapsed());
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = asking => {}
        () = trouble => unreachable!("trouble never ends by itself"),
    }
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!(
        "| {what} | {} | {:.2?} | {:.2?} | {:.2?} |",
        times.len(),
        at(50),
        at(99),
        at(100)
    );
}

/// As many connections from each of many addresses as are let in, and more.
async fn crowd(to: SocketAddr) -> Vec<TcpStream> {
    let mut idle = Vec::new();
    for number in 0..4_000_u16 {
        let host = u8::try_from(2 + number % 200).expect("an address");
        idle.extend(from(host, to).await);
    }
    idle
}

async fn no_tls(to: SocketAddr) {
    if let Ok(mut stream) = TcpStream::connect(to).await {
        let _ = stream.write_all(&[0x55; 4_096]).await;
    }
}

async fn knock(to: SocketAddr, folder: Option<PathBuf>) {
    if let Ok(mut stream) = connect(to, folder.as_deref()).await {
        let _ = greet(&mut stream, &hello("hostile")).await;
    }
}

/// Greets as an honest prover would, and then sends `bytes`.
async fn after_greeting(to: SocketAddr, folder: PathBuf, bytes: &'static [u8]) {
    if let Ok(mut stream) = connect(to, Some(&folder)).await
        && greet(&mut stream, &hello("hostile")).await.is_ok()
    {
        let _ = stream.write_all(bytes).await;
        let _ = stream.flush().await;
        let mut answer = [0; 256];
        let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut answer).await;
    }
}
