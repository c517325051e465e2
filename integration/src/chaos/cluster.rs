//! The cluster: authority, L2, contracts, nodes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use alloy::primitives::hex;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tern_cluster_config::{Devnet, Profile, Role, development_key};
use tern_node::deployment::Deployment;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::node::{Node, Spec};
use super::run::Plan;
use super::world::World;
use crate::harness::{Anvil, Rebuilt, Settled, User, program};

const CLUSTER_PORT: u16 = 7450;
const RPC_PORT: u16 = 3050;
/// Longest time for a command of the program.
const COMMAND: Duration = Duration::from_secs(60);
/// The preloaded clock.
const CLOCK: &str = include_str!("clock.c");

/// Main node, sequencer and bridge come first.
pub(super) const MAIN: usize = 0;
pub(super) const SEQUENCER: usize = 1;
const BRIDGE: usize = 2;

/// All nodes and what they live on.
#[derive(Debug)]
pub struct Cluster {
    pub(super) world: World,
    pub(super) nodes: Vec<Node>,
    folder: PathBuf,
    program: PathBuf,
    clock: Option<PathBuf>,
    drains: Vec<JoinHandle<Result<()>>>,
    anvil: Anvil,
    pub(super) deployment: Deployment,
}

impl Cluster {
    /// Deploys a chain and starts its nodes: one of each role, and as many provers as planned. `folder` is empty.
    ///
    /// # Errors
    /// If something cannot be started.
    pub(super) async fn start(world: World, folder: &Path, plan: &Plan) -> Result<Self> {
        let program = program()?;
        let anvil = Anvil::start(&["--block-time", "1", "--host", "0.0.0.0"])?;
        let port = anvil.url().rsplit(':').next().map(str::to_owned);
        let l2 = format!("http://{}:{}", world.harness(), port.context("a port")?);
        let chain = Devnet::l3(31_337, Profile::InsecureTest);
        std::fs::write(folder.join("node.toml"), config(plan))?;
        std::fs::write(folder.join("chain.json"), serde_json::to_vec(&chain)?)?;
        let key = hex::encode_prefixed(development_key(0).to_bytes());
        private(&folder.join("operator.key"), &key)?;
        let at = |name: &str| folder.join(name).display().to_string();
        let deployed = run(
            &program,
            &[
                "deploy",
                "--chain",
                &at("chain.json"),
                "--l2-rpc",
                &l2,
                "--operator-key-file",
                &at("operator.key"),
                "--owner",
                &development_key(1).address().to_string(),
                "--guardian",
                &development_key(2).address().to_string(),
                "--allow-insecure-test",
            ],
        )
        .await?;
        let mut deployment: Deployment = serde_json::from_slice(&deployed.stdout)?;
        deployment.l3_rpc_url = format!("http://{}:{RPC_PORT}", world.address(0));
        run(
            &program,
            &[
                "cluster",
                "init",
                "--authority",
                &at("ca"),
                "--cluster",
                "chaos",
            ],
        )
        .await?;
        let mut cluster = Self {
            world,
            nodes: Vec::new(),
            folder: folder.to_owned(),
            clock: clock(folder),
            program,
            drains: Vec::new(),
            anvil,
            deployment,
        };
        cluster.certify("operator", "operator").await?;
        cluster.add("main", Role::MainNode).await?;
        cluster.add("seq", Role::Sequencer).await?;
        cluster.add("bridge", Role::Bridge).await?;
        for number in 1..=plan.provers {
            cluster.add(&format!("p{number}"), Role::Prover).await?;
        }
        Ok(cluster)
    }

    /// Whether clocks can be set: a C compiler is needed for it.
    pub fn has_clock(&self) -> bool {
        self.clock.is_some()
    }

    /// Certifies and starts one more node.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn add(&mut self, name: &str, role: Role) -> Result<usize> {
        self.certify(name, role.as_str()).await?;
        let index = self.nodes.len();
        let mut node = Node::new(Spec {
            index: u8::try_from(index)?,
            name: name.to_owned(),
            role,
            arguments: self.arguments(name, role, index)?,
            folder: self.folder.join("nodes").join(name),
            program: self.program.clone(),
            clock: self.clock.clone(),
            world: self.world,
        })?;
        node.start()?;
        self.nodes.push(node);
        Ok(index)
    }

    async fn certify(&self, name: &str, role: &str) -> Result<()> {
        let (authority, out) = (self.at("ca"), self.at(&format!("identity-{name}")));
        let line = [
            "cluster",
            "issue",
            "--authority",
            &authority,
            "--role",
            role,
            "--name",
            name,
            "--out",
            &out,
        ];
        run(&self.program, &line).await.map(drop)
    }

    fn at(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn arguments(&self, name: &str, role: Role, index: usize) -> Result<Vec<String>> {
        let socket = |index: usize, port| -> Result<String> {
            Ok(SocketAddr::from((self.world.address(u8::try_from(index)?), port)).to_string())
        };
        let identity = self.at(&format!("identity-{name}"));
        let data = self.folder.join("nodes").join(name).join("data/store");
        let (main, sequencer) = (
            socket(MAIN, CLUSTER_PORT)?,
            socket(SEQUENCER, CLUSTER_PORT)?,
        );
        let (chain, data) = (self.at("chain.json"), data.display().to_string());
        let own = socket(index, CLUSTER_PORT)?;
        let key = self.at("operator.key");
        let (rpc, rollup) = (socket(index, RPC_PORT)?, self.deployment.rollup.to_string());
        let l2 = &self.deployment.l2_rpc_url;
        let config = self.at("node.toml");
        let both = [
            format!("sequencer@{sequencer}"),
            format!("main-node@{main}"),
        ];
        let mut line = vec!["node", "--role", role.as_str(), "--identity", &identity];
        line.extend(["--config", &config]);
        if role != Role::Prover {
            line.extend(["--chain", &chain, "--data-dir", &data]);
        }
        match role {
            Role::MainNode => line.extend(["--listen", &own, "--rpc", &rpc]),
            Role::Sequencer => line.extend(["--listen", &own, "--join", &main]),
            Role::Prover => line.extend(["--join", &sequencer]),
            Role::Bridge => {
                line.extend(["--join", &both[0], "--join", &both[1]]);
                line.extend(["--l2-rpc", l2, "--rollup", &rollup]);
                line.extend(["--operator-key-file", &key]);
            }
            Role::Operator | Role::Watcher => bail!("{role} is not part of a cluster"),
        }
        Ok(line.into_iter().map(str::to_owned).collect())
    }

    /// Starts again what ended by itself.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn tend(&mut self) -> Result<()> {
        self.nodes.iter_mut().try_for_each(Node::tend)
    }

    /// What a node of this role says of itself and its peers, asked as an operator does; `None` when it cannot be asked.
    async fn status(&self, node: usize) -> Option<Value> {
        let Node { spec, .. } = &self.nodes[node];
        let address = SocketAddr::from((self.nodes[node].address(), CLUSTER_PORT));
        let join = format!("{}@{address}", spec.role);
        let identity = self.at("identity-operator");
        let line = [
            "cluster",
            "status",
            "--identity",
            &identity,
            "--join",
            &join,
            "--json",
            "--timeout",
            "2",
        ];
        let output = run(&self.program, &line).await.ok()?;
        serde_json::from_slice(&output.stdout).ok()
    }

    /// Whether main node and sequencer see everybody whom they should, and the proof coordinator answers.
    pub async fn is_whole(&self) -> bool {
        if self
            .nodes
            .iter()
            .any(|node| !node.runs() && !node.may_leave)
        {
            return false;
        }
        let sees = |status: &Value, of: &Node| {
            let peers = status["peers"].as_array();
            peers.is_some_and(|peers| {
                peers
                    .iter()
                    .any(|peer| peer["name"] == of.spec.name.as_str())
            })
        };
        let (main, sequencer) = (self.status(MAIN).await, self.status(SEQUENCER).await);
        let (Some(main), Some(sequencer)) = (main, sequencer) else {
            return false;
        };
        let staying = self.nodes.iter().filter(|node| !node.may_leave);
        let mut others = staying.filter(|node| node.spec.role != Role::Sequencer);
        let (bridge, second) = (&self.nodes[BRIDGE], &self.nodes[SEQUENCER]);
        others.all(|node| sees(&sequencer, node))
            && sees(&main, bridge)
            && sees(&main, second)
            && !sequencer["proofs"].is_null()
    }

    /// Has a prover finish and leave, as an operator does. [`Cluster::have_left`] says whether it did.
    ///
    /// # Errors
    /// If there is no such node.
    pub(super) fn drain(&mut self, node: usize, within: Duration) -> Result<()> {
        let leaving = self.nodes.get_mut(node).context("no such node")?;
        leaving.may_leave = true;
        let name = leaving.spec.name.clone();
        let sequencer = (self.nodes[SEQUENCER].address(), CLUSTER_PORT);
        let (join, identity) = (SocketAddr::from(sequencer), self.at("identity-operator"));
        let (program, seconds) = (self.program.clone(), within.as_secs());
        self.drains.push(tokio::spawn(async move {
            let line = format!(
                "prover drain {name} --join {join} --within {seconds} --timeout 60 --identity"
            );
            let mut line: Vec<_> = line.split(' ').collect();
            line.push(&identity);
            within_time(within + COMMAND, &program, &line)
                .await
                .map(drop)
        }));
        Ok(())
    }

    /// Waits until all drained provers have left.
    ///
    /// # Errors
    /// If one has not, or did not end well.
    pub(super) async fn have_left(&mut self) -> Result<()> {
        for drain in std::mem::take(&mut self.drains) {
            drain.await??;
        }
        let begun = Instant::now();
        while self.nodes.iter().any(|node| node.may_leave && node.runs()) {
            ensure!(begun.elapsed() < COMMAND, "a drained prover still runs");
            self.tend()?;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        for node in self.nodes.iter().filter(|node| node.may_leave) {
            let ended = node.endings.last().context("it was seen to end")?;
            let name = &node.spec.name;
            ensure!(
                ended.code == Some(0),
                "{name} was to leave, and ended so: {ended:?}"
            );
        }
        Ok(())
    }

    /// Makes the chain again from L2 alone, ends the main node and compares everything.
    ///
    /// # Errors
    /// The first difference.
    pub(super) async fn rebuilds(&mut self) -> Result<()> {
        let rebuilt = Rebuilt::new(&Deployment {
            l2_rpc_url: self.l2(),
            ..self.deployment.clone()
        })?;
        rebuilt.sync(&[]).await?.with(0, &[])?;
        let main = &mut self.nodes[MAIN];
        main.kill()?;
        rebuilt.equals(&main.data().join("store"))?;
        Ok(())
    }

    /// A user with a development account.
    ///
    /// # Errors
    /// If L3 does not answer.
    pub async fn user(&self, index: u32) -> Result<User> {
        User::new(&self.deployment.l3_rpc_url, index).await
    }

    /// The contracts on L2.
    ///
    /// # Errors
    /// If L2's address is none.
    pub fn settled(&self) -> Result<Settled> {
        Settled::new(&self.deployment)
    }

    /// Where the harness reaches L2.
    pub fn l2(&self) -> String {
        self.anvil.url()
    }

    /// The addresses of all nodes but one.
    pub(super) fn others(&self, node: usize) -> Vec<Ipv4Addr> {
        let all = self.nodes.iter().enumerate();
        all.filter(|(index, _)| *index != node)
            .map(|(_, other)| other.address())
            .collect()
    }
}

/// What all nodes have in common. Blocks are few, since each has to be proven.
fn config(plan: &Plan) -> String {
    let seconds = plan.blocks.as_secs();
    let threads = (4 / plan.provers).max(1);
    format!(
        "stop_within = \"5s\"\n[sealing]\nmin_interval = \"{seconds}s\"\nmax_interval = \"{}s\"\n\
         [prover]\nthreads = {threads}\nmemory_mib = 2600\n",
        2 * seconds
    )
}

/// Compiles the clock that can be set. Without a compiler, clocks stay as they are.
fn clock(folder: &Path) -> Option<PathBuf> {
    let (source, library) = (folder.join("clock.c"), folder.join("clock.so"));
    std::fs::write(&source, CLOCK).ok()?;
    let compiled = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-O2", "-o"])
        .args([&library, &source])
        .status()
        .ok()?;
    compiled.success().then_some(library)
}

async fn run(program: &Path, arguments: &[&str]) -> Result<Output> {
    within_time(COMMAND, program, arguments).await
}

async fn within_time(limit: Duration, program: &Path, arguments: &[&str]) -> Result<Output> {
    let output = tokio::process::Command::new(program)
        .args(arguments)
        .kill_on_drop(true)
        .output();
    let what = || format!("tern {}", arguments.join(" "));
    let output = timeout(limit, output).await.with_context(what)??;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {said}", what());
    Ok(output)
}

fn private(path: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::File::options()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    Ok(std::io::Write::write_all(&mut file, text.as_bytes())?)
}
