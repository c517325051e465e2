//! `tern cluster status`.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tern_cluster::identity;
use tern_cluster_config::{JoinTarget, Role};
use tern_messages::{MemberStatus, PeerStatus, ProofStatus};

use crate::operator::Operator;
use crate::remote::questions as q;
use crate::supervisor::Failure;

/// How an operator's command reaches the cluster.
#[derive(Clone, Debug, Args)]
pub(super) struct Access {
    /// Identity folder of an operator: `tern cluster issue --role operator` writes it.
    #[arg(long, value_name = "DIR")]
    identity: PathBuf,

    /// The node that is asked: HOST:PORT of a sequencer, or main-node@HOST:PORT.
    #[arg(long, value_name = "[ROLE@]HOST:PORT")]
    join: JoinTarget,

    /// How long the node may be out of reach.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tern cluster status --identity alice --join 10.0.0.2:7450
  tern cluster status --identity alice --join main-node@10.0.0.1:7450 --json")]
pub(super) struct Arguments {
    #[command(flatten)]
    access: Access,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Access {
    pub(super) async fn connect(self) -> Result<Operator, Failure> {
        let identity = identity::load(&self.identity).map_err(Failure::configuration)?;
        Operator::connect(identity, self.join, Duration::from_secs(self.timeout)).await
    }
}

pub(super) async fn run(arguments: Arguments) -> Result<String, Failure> {
    let operator = arguments.access.connect().await?;
    let status = operator.ask(q::MEMBERS, &()).await;
    operator.leave().await;
    let status = status?;
    Ok(if arguments.json {
        format!("{:#}", as_json(&status))
    } else {
        as_table(&status)
    })
}

fn as_json(status: &MemberStatus) -> Value {
    let peer = |peer: &PeerStatus| {
        json!({
            "name": peer.name,
            "roles": peer.roles,
            "software": peer.software,
            "address": peer.address,
            "connectedSeconds": peer.connected.as_secs(),
        })
    };
    json!({
        "name": status.name,
        "roles": status.roles,
        "software": status.software,
        "runningSeconds": status.running.as_secs(),
        "peers": status.peers.iter().map(peer).collect::<Vec<_>>(),
        "proofs": status.proofs.as_ref().map(proofs_as_json),
    })
}

fn proofs_as_json(proofs: &ProofStatus) -> Value {
    let running = proofs.running.iter().map(|job| {
        json!({
            "job": job.id.to_string(),
            "kind": format!("{:?}", job.kind),
            "worker": job.worker.to_string(),
            "seconds": job.seconds,
            "step": job.step,
        })
    });
    json!({
        "waiting": proofs.waiting,
        "ready": proofs.ready,
        "running": running.collect::<Vec<_>>(),
        "parked": proofs.parked.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "idleWorkers": proofs.idle_workers,
        "draining": proofs.draining,
        "blocked": proofs.blocked,
    })
}

fn as_table(status: &MemberStatus) -> String {
    let mut rows =
        vec![["NODE", "ROLES", "VERSION", "ADDRESS", "SINCE", "WORK"].map(str::to_owned)];
    rows.push([
        format!("{} (asked)", status.name),
        listed(&status.roles),
        status.software.clone(),
        "-".to_owned(),
        since(status.running),
        "-".to_owned(),
    ]);
    for peer in &status.peers {
        rows.push([
            peer.name.clone(),
            listed(&peer.roles),
            peer.software.clone(),
            peer.address.to_string(),
            since(peer.connected),
            work(peer, status.proofs.as_ref()),
        ]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths);
        let line: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        let _ = writeln!(text, "{}", line.join("  ").trim_end());
    }
    match &status.proofs {
        None => text.push_str("\nasked a node that is no sequencer: nothing is known about proofs"),
        Some(proofs) => text.push_str(&queue(proofs)),
    }
    text
}

fn queue(proofs: &ProofStatus) -> String {
    let ProofStatus {
        waiting,
        ready,
        running,
        parked,
        idle_workers,
        blocked,
        draining: _,
    } = proofs;
    let mut text = format!(
        "\njobs: {} under lease, {ready} ready, {waiting} wait for others, {} parked; {idle_workers} provers idle",
        running.len(),
        parked.len(),
    );
    for job in running {
        let _ = write!(text, "\n  {job}");
    }
    if let Some(reason) = blocked {
        let _ = write!(text, "\nnothing moves: {reason}");
    }
    text
}

fn work(peer: &PeerStatus, proofs: Option<&ProofStatus>) -> String {
    let Some(proofs) = proofs.filter(|_| peer.roles.contains(&Role::Prover)) else {
        return "-".to_owned();
    };
    let mut running = proofs.running.iter();
    let job = running.find(|job| job.worker.name == peer.name);
    let job = job.map_or_else(|| "idle".to_owned(), |job| format!("{:?}", job.kind));
    if proofs.draining.contains(&peer.name) {
        return format!("{job}, draining");
    }
    job
}

fn listed(roles: &[Role]) -> String {
    let names: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
    names.join(",")
}

fn since(time: Duration) -> String {
    let (minutes, seconds) = (time.as_secs() / 60, time.as_secs() % 60);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m {seconds}s"),
        (hours, minutes) => format!("{hours}h {minutes}m"),
    }
}
