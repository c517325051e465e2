//! Measures channels between two nodes of this process, over TCP and TLS on the loopback interface:
//! `cargo run --release -p tern-cluster --example channels`.

use std::error::Error;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use alloy::primitives::Bytes;
use tern_cluster::Process;
use tern_cluster::identity::{NodeRequest, Role, init, issue, load};
use tern_cluster::net::{Cluster, ClusterSettings, Limits, Peer, Router, Target, Terms, Timings};

const LIMIT: Duration = Duration::from_secs(30);
const REQUESTS: usize = 20_000;
const BLOB: usize = 32 << 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("tern-channels-{}", std::process::id()));
    let outcome = measure(&folder).await;
    std::fs::remove_dir_all(&folder)?;
    outcome
}

async fn measure(folder: &Path) -> Result<(), Box<dyn Error>> {
    init(&folder.join("ca"), &"bench".parse()?)?;
    let router = Router::new().answer("echo", Role::ALL, BLOB + 64, |_, bytes: Bytes| async {
        Ok(bytes)
    });
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let (_main, _) = node(folder, Role::MainNode, Some(listener), Vec::new(), router).await?;
    let join = vec![Target {
        address,
        role: Role::MainNode,
    }];
    let begun = Instant::now();
    let (_prover, cluster) = node(folder, Role::Prover, None, join, Router::new()).await?;
    let peer = cluster.wait_for(Role::MainNode).await;
    println!(
        "join (certificate issued, dialled, ready)  {:?}",
        begun.elapsed()
    );
    for len in [100, 10_000, 200_000] {
        latency(&peer, len, REQUESTS / len.div_ceil(10_000)).await?;
    }
    concurrent(&peer, 32).await?;
    blob(&peer, "alone").await?;
    beside_blobs(&peer).await
}

async fn node(
    folder: &Path,
    role: Role,
    listener: Option<TcpListener>,
    join: Vec<Target>,
    router: Router,
) -> Result<(Process, Cluster), Box<dyn Error>> {
    let out = folder.join(role.as_str());
    let request = NodeRequest::new(role.as_str().parse()?, [role]);
    issue(&folder.join("ca"), &request, &out)?;
    let settings = ClusterSettings {
        identity: load(&out)?,
        roles: [role].into(),
        terms: Terms::default(),
        listener,
        join,
        router,
        limits: Limits {
            messages: tern_cluster::net::Rate {
                per_second: 1_000_000,
                burst: 1_000_000,
            },
            ..Limits::default()
        },
        timings: Timings::default(),
    };
    let process = Process::start().await?;
    let (cluster, children) = Cluster::new(settings, 0)?;
    for child in children {
        process.add(child).await?;
    }
    Ok((process, cluster))
}

async fn echo(peer: &Peer, body: &Bytes) -> Result<Duration, Box<dyn Error>> {
    let begun = Instant::now();
    let answer: Bytes = peer.ask("echo", body, LIMIT).await?;
    let took = begun.elapsed();
    if answer == *body {
        Ok(took)
    } else {
        Err("the echo differs".into())
    }
}

async fn latency(peer: &Peer, len: usize, count: usize) -> Result<(), Box<dyn Error>> {
    let body = Bytes::from(vec![7; len]);
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        times.push(echo(peer, &body).await?);
    }
    report(&format!("echo of {len} B, one at a time"), &mut times);
    Ok(())
}

async fn concurrent(peer: &Peer, callers: usize) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let calls = (0..callers).map(|_| async {
        let body = Bytes::from(vec![7; 100]);
        for _ in 0..REQUESTS / callers {
            echo(peer, &body).await?;
        }
        Ok::<_, Box<dyn Error>>(())
    });
    futures::future::try_join_all(calls).await?;
    let rate = REQUESTS as f64 / begun.elapsed().as_secs_f64();
    println!("echo of 100 B, {callers} at a time            {rate:.0}/s");
    Ok(())
}

async fn blob(peer: &Peer, how: &str) -> Result<(), Box<dyn Error>> {
    let body = Bytes::from(vec![7; BLOB]);
    let took = echo(peer, &body).await?;
    let rate = 2.0 * BLOB as f64 / took.as_secs_f64() / 1e6;
    println!("blob of 32 MiB, there and back, {how}: {took:?}, {rate:.0} MB/s");
    Ok(())
}

async fn beside_blobs(peer: &Peer) -> Result<(), Box<dyn Error>> {
    let (body, mut times) = (Bytes::from(vec![7; 100]), Vec::new());
    let mut blob = std::pin::pin!(blob(peer, "with small requests"));
    loop {
        tokio::select! {
            outcome = &mut blob => {
                outcome?;
                break;
            }
            took = echo(peer, &body) => times.push(took?),
        }
    }
    report("echo of 100 B beside a blob", &mut times);
    Ok(())
}

fn report(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied();
    let shown = |time: Option<Duration>| time.map_or_else(String::new, |t| format!("{t:.1?}"));
    let [half, most, last] = [at(0.5), at(0.99), times.last().copied()].map(shown);
    println!("{what:<42} p50 {half}  p99 {most}  max {last}");
}
