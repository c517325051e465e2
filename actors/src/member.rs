//! A node that is one of several machines: some roles run here, the others are reached over the cluster's channels.
//!
//! ```text
//! identity, chain file ─▶ channels ─▶ proxies for the roles that run elsewhere ─▶ the roles that run here
//!                            └─ router: answers for the roles that run here
//! ```
//!
//! A node that only proves needs no chain file: it learns from its sequencer which proofs are wanted.

use std::net::TcpListener;
use std::sync::Arc;

use ractor::{Actor, OutputPort};
use tern_cluster::identity::Identity;
use tern_cluster::net::{Cluster, ClusterSettings, Limits, Router, Target, Terms, Timings};
use tern_cluster::{ChildSpec, Process, RestartPolicy, ShutdownReason};
use tern_cluster_config::{ChainConfig, NodeConfig, Role};
use tern_proving::JobVerifier;
use tracing::info;

use crate::main_node::{ChainSpec, MainNodeHandle, SealedAnnouncement};
use crate::node::{Network, processor, required};
use crate::remote::{
    BatcherProxy, BridgeProxy, CoordinatorProxy, Local, LocalSequencer, MainNodeProxy,
    ReplicaProxy, View, departures, router,
};
use crate::rpc;
use crate::supervisor::{
    self, Failure, Places, Roles, Settlement, Worker, genesis_header, open_chain, profile_named,
    rank, start_prover, start_roles,
};

/// Runs the configured roles as a part of a cluster until the node is stopped.
///
/// # Errors
/// If it cannot start; the failure carries the exit code.
pub async fn run(config: NodeConfig, identity: Identity) -> Result<ShutdownReason, Failure> {
    let listeners = Listeners::bind(&config)?;
    let chain = Known::read(&config)?;
    supervisor::run(config.stop_within, async |process| {
        start(process, &config, identity, chain, listeners).await
    })
    .await
}

/// Bound before anything is started, so that a taken port is noticed at once.
struct Listeners {
    rpc: Option<TcpListener>,
    cluster: Option<TcpListener>,
}

impl Listeners {
    fn bind(config: &NodeConfig) -> Result<Self, Failure> {
        let rpc = config
            .roles
            .contains(&Role::MainNode)
            .then(|| rpc::bind(config.rpc.listen, "rpc.listen", "--rpc"))
            .transpose()?;
        let cluster = config
            .cluster
            .listen
            .map(|address| rpc::bind(address, "cluster.listen", "--listen"))
            .transpose()?;
        Ok(Self { rpc, cluster })
    }
}

/// What this node knows of its chain.
struct Known {
    chain: Option<ChainConfig>,
    network: Option<Network>,
}

impl Known {
    fn read(config: &NodeConfig) -> Result<Self, Failure> {
        let only_proves = config.roles.iter().all(|role| *role == Role::Prover);
        if only_proves && config.chain.is_none() {
            return Ok(Self {
                chain: None,
                network: None,
            });
        }
        let network = config
            .roles
            .contains(&Role::Bridge)
            .then(|| Network::configured(config))
            .transpose()?;
        let chain = match &network {
            Some(network) => network.deployed.chain.clone(),
            None => ChainConfig::load(required("chain", config.chain.as_deref())?)?,
        };
        Ok(Self {
            chain: Some(chain),
            network,
        })
    }

    /// What the peers must agree with.
    fn terms(&self) -> Result<Terms, Failure> {
        let Some(chain) = &self.chain else {
            return Ok(Terms::default());
        };
        let profile = profile_named(chain.profile.as_str())?;
        let verifier = JobVerifier::for_profile(profile).map_err(Failure::fault)?;
        Ok(Terms {
            chain_id: Some(chain.genesis.chain_id),
            genesis_hash: Some(genesis_header(chain)?.hash_slow()),
            profile: Some(profile.name().to_owned()),
            circuits: Some(verifier.circuits_version()),
        })
    }
}

async fn start(
    process: &Process,
    config: &NodeConfig,
    identity: Identity,
    known: Known,
    listeners: Listeners,
) -> Result<(), Failure> {
    let has = |role| config.roles.contains(&role);
    let settlement = match &known.network {
        Some(network) => Some(network.settlement(config).await?),
        None => None,
    };
    let node = match &known.chain {
        Some(chain) if has(Role::MainNode) => Some(open_main_node(config, chain).await?),
        _ => None,
    };
    let places = Places::beside(node.as_ref());
    let join = config.joined();
    let view = View::new(config.roles.iter().copied());
    let settings = ClusterSettings {
        identity,
        roles: config.roles.clone(),
        terms: known.terms()?,
        listener: listeners.cluster,
        join: join
            .into_iter()
            .map(|(role, address)| Target { address, role })
            .collect(),
        router: answers(&places, &view, &has),
        limits: Limits::default(),
        timings: Timings::default(),
    };
    let (cluster, children) =
        Cluster::new(settings, rank::CLUSTER).map_err(Failure::configuration)?;
    view.set(cluster.clone());
    for child in children {
        process.add(child).await?;
    }
    if let Some(address) = cluster.address() {
        info!(target: "tern::node", name = %cluster.name(), %address, "listening for other nodes");
    }
    for child in proxies(&cluster, &places, &has) {
        process.add(child).await?;
    }
    if has(Role::Sequencer) {
        let coordinator = &places.sequencer.coordinator;
        let watch = departures(rank::CLUSTER - 1, &cluster, coordinator);
        process.add(watch).await?;
    }
    if let (Some(node), Some(listener)) = (&node, listeners.rpc) {
        process.add(node.child(rank::MAIN_NODE)).await?;
        let server = rpc::RpcHandle::new(node, config.rpc, listener)?;
        process.add(rpc::child("rpc", rank::RPC, server)).await?;
    }
    start_here(process, config, &cluster, &places, known.chain, settlement).await
}

async fn start_here(
    process: &Process,
    config: &NodeConfig,
    cluster: &Cluster,
    places: &Places,
    chain: Option<ChainConfig>,
    settlement: Option<Settlement>,
) -> Result<(), Failure> {
    let name = cluster.name().to_string();
    if let Some(chain) = chain {
        let roles = Roles {
            wanted: config.roles.clone(),
            chain,
            data_dir: config.data_dir.clone(),
            settlement,
            prover: config.prover,
            prover_name: name,
        };
        return start_roles(process, places, roles).await;
    }
    info!(target: "tern::node", %name, "waiting for a sequencer to say which proofs are wanted");
    let sequencer = cluster.wait_for(Role::Sequencer).await;
    let profile = sequencer.identity().terms().profile.clone();
    let profile = profile.ok_or_else(|| {
        Failure::fault("the sequencer does not say which profile its chain is proven with")
    })?;
    info!(target: "tern::node", %name, sequencer = %sequencer.identity(), profile, "joined");
    let worker = Worker {
        name,
        profile: profile_named(&profile)?,
        config: config.prover,
        alone: true,
    };
    start_prover(process, &places.sequencer.coordinator, worker).await
}

async fn open_main_node(
    config: &NodeConfig,
    chain: &ChainConfig,
) -> Result<MainNodeHandle, Failure> {
    let spec = ChainSpec {
        processor: processor(config)?,
        ..ChainSpec::rollup(chain, config.sealing, config.pool)
    };
    let chain = open_chain(config.data_dir.join("main-node"), spec).await?;
    Ok(MainNodeHandle::new(chain)?)
}

/// Answers for the roles that run here.
fn answers(places: &Places, view: &View, has: &impl Fn(Role) -> bool) -> Router {
    let sequencer = LocalSequencer {
        coordinator: places.sequencer.coordinator.clone(),
        batcher: places.sequencer.batcher.clone(),
        announcements: places.announcements.clone(),
    };
    router(Local {
        sequencer: has(Role::Sequencer).then_some(sequencer),
        main_node: has(Role::MainNode).then(|| places.main_node.clone()),
        bridge: has(Role::Bridge).then(|| places.bridge.clone()),
        view: Some(view.clone()),
    })
}

/// Actors that stand for the roles that run elsewhere.
fn proxies(cluster: &Cluster, places: &Places, has: &impl Fn(Role) -> bool) -> Vec<ChildSpec> {
    let mut children = Vec::new();
    let rank = rank::CLUSTER - 1;
    if !has(Role::MainNode) {
        let proxy = MainNodeProxy::over(cluster.clone());
        children.push(ChildSpec::of_actor(
            "main-node-proxy",
            rank,
            proxy,
            &places.main_node,
        ));
    }
    if !has(Role::Sequencer) {
        let (coordinator, batcher) = (&places.sequencer.coordinator, &places.sequencer.batcher);
        let proxy = CoordinatorProxy::over(cluster.clone());
        children.push(ChildSpec::of_actor(
            "coordinator-proxy",
            rank,
            proxy,
            coordinator,
        ));
        let proxy = BatcherProxy::over(cluster.clone());
        children.push(ChildSpec::of_actor("batcher-proxy", rank, proxy, batcher));
        if has(Role::MainNode) {
            let proxy = ReplicaProxy::over(cluster.clone());
            children.push(announcing(rank, proxy, places.announcements.clone()));
        }
    }
    if has(Role::Sequencer) && !has(Role::Bridge) {
        let proxy = BridgeProxy::over(cluster.clone());
        children.push(ChildSpec::of_actor(
            "bridge-proxy",
            rank,
            proxy,
            &places.bridge,
        ));
    }
    children
}

/// Tells a sequencer elsewhere of sealed blocks.
fn announcing(
    rank: u8,
    proxy: ReplicaProxy,
    announcements: Arc<OutputPort<SealedAnnouncement>>,
) -> ChildSpec {
    let name = "replica-proxy";
    ChildSpec::new(name, rank, RestartPolicy::STANDARD, move |supervisor| {
        let (proxy, announcements) = (proxy.clone(), Arc::clone(&announcements));
        async move {
            let (running, _) = Actor::spawn_linked(None, proxy, (), supervisor).await?;
            let cell = running.get_cell();
            announcements.subscribe(running, Some);
            Ok(cell)
        }
    })
}
