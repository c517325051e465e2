//! Measures, with production times and a real second process, how soon a killed and a frozen peer are noticed and
//! how soon it is back: `cargo run --release -p tern-cluster --example liveness`. Takes half a minute.

use std::error::Error;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use tern_cluster::Process;
use tern_cluster::identity::{NodeRequest, Role, init, issue, load};
use tern_cluster::net::{
    Cluster, ClusterSettings, Limits, PeerEvent, Router, Target, Terms, Timings,
};
use tokio::sync::broadcast::Receiver;

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    if let (Some(folder), Some(address)) = (arguments.next(), arguments.next()) {
        return prover(&PathBuf::from(folder), address).await;
    }
    let folder = std::env::temp_dir().join(format!("tern-liveness-{}", std::process::id()));
    let outcome = measure(&folder).await;
    std::fs::remove_dir_all(&folder)?;
    outcome
}

async fn measure(folder: &Path) -> Result<(), Box<dyn Error>> {
    let (ca, main, prover) = (
        folder.join("ca"),
        folder.join("main"),
        folder.join("prover"),
    );
    init(&ca, &"measure".parse()?)?;
    issue(
        &ca,
        &NodeRequest::new("main".parse()?, [Role::MainNode]),
        &main,
    )?;
    issue(
        &ca,
        &NodeRequest::new("prover".parse()?, [Role::Prover]),
        &prover,
    )?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let (_process, cluster) = node(&main, Role::MainNode, Some(listener), Vec::new()).await?;
    let mut events = cluster.events();

    let mut child = start(&prover, &address)?;
    println!("started, joined after {:.1?}", joined(&mut events).await?);
    child.kill()?;
    println!("killed, noticed after {:.1?}", left(&mut events).await?);
    child.wait()?;

    let mut child = start(&prover, &address)?;
    println!("started, joined after {:.1?}", joined(&mut events).await?);
    signal(&child, "-STOP")?;
    println!("frozen, noticed after {:.1?}", left(&mut events).await?);
    signal(&child, "-CONT")?;
    println!("continued, joined after {:.1?}", joined(&mut events).await?);
    child.kill()?;
    child.wait()?;
    Ok(())
}

async fn joined(events: &mut Receiver<PeerEvent>) -> Result<Duration, Box<dyn Error>> {
    let begun = Instant::now();
    match tokio::time::timeout(LIMIT, events.recv()).await?? {
        PeerEvent::Joined(_) => Ok(begun.elapsed()),
        left @ PeerEvent::Left { .. } => Err(format!("{left:?}").into()),
    }
}

async fn left(events: &mut Receiver<PeerEvent>) -> Result<Duration, Box<dyn Error>> {
    let begun = Instant::now();
    match tokio::time::timeout(LIMIT, events.recv()).await?? {
        PeerEvent::Left { .. } => Ok(begun.elapsed()),
        joined @ PeerEvent::Joined(_) => Err(format!("{joined:?}").into()),
    }
}

fn start(folder: &Path, address: &str) -> Result<Child, Box<dyn Error>> {
    let program = std::env::current_exe()?;
    Ok(Command::new(program).arg(folder).arg(address).spawn()?)
}

fn signal(child: &Child, which: &str) -> Result<(), Box<dyn Error>> {
    let status = Command::new("kill")
        .args([which, &child.id().to_string()])
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("kill {which} failed").into())
    }
}

async fn prover(folder: &Path, address: String) -> Result<(), Box<dyn Error>> {
    let role = Role::MainNode;
    let (process, _) = node(folder, Role::Prover, None, vec![Target { address, role }]).await?;
    Err(process.ended().await.to_string().into())
}

async fn node(
    folder: &Path,
    role: Role,
    listener: Option<TcpListener>,
    join: Vec<Target>,
) -> Result<(Process, Cluster), Box<dyn Error>> {
    let settings = ClusterSettings {
        identity: load(folder)?,
        roles: [role].into(),
        terms: Terms::default(),
        listener,
        join,
        router: Router::new(),
        limits: Limits::default(),
        timings: Timings::default(),
    };
    let process = Process::start().await?;
    let (cluster, children) = Cluster::new(settings, 0)?;
    for child in children {
        process.add(child).await?;
    }
    Ok((process, cluster))
}
