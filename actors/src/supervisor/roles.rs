//! Sequencer, prover and bridge, each by itself: what it asks of others may run here or elsewhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use alloy::signers::local::PrivateKeySigner;
use tern_cluster::{Address, ChildSpec, Process};
use tern_cluster_config::{ChainConfig, PoolConfig, ProverConfig, Role, SealingPolicy, SecretUrl};
use tern_messages::ChainId;
use tern_proving::{JobVerifier, Profile};
use tern_settlement::{Depth, ExpectedRollup, FollowPolicy, L2Endpoint};
use tern_storage::{ChainIdentity, Store};

use super::chain::open_chain;
use super::ending::Failure;
use super::rank;
use crate::deployment::verifier_key;
use crate::main_node::{ChainSpec, MainNodeHandle, MainNodeMessage};
use crate::prover::{Circuits, Prover};
use crate::sequencer::{
    Announcements, BatchingPolicy, CoordinatorMessage, Sequencer, SequencerSettings, lease_policy,
    renew,
};
use crate::verifier_bridge::{BridgeMessage, L2Connector, VerifierBridge};

/// How often the bridge looks at L2 without a hint.
const BRIDGE_POLL: Duration = Duration::from_secs(2);

/// Where the roles are reached, whether they run in this process or not.
#[derive(Clone)]
pub struct Places {
    /// The main node.
    pub main_node: Address<MainNodeMessage>,
    /// Where sealed blocks are announced.
    pub announcements: Announcements,
    /// The parts of the sequencer.
    pub sequencer: Sequencer,
    /// The bridge.
    pub bridge: Address<BridgeMessage>,
}

impl Places {
    /// Places at which nobody answers yet but the main node, if it is here.
    pub fn beside(main_node: Option<&MainNodeHandle>) -> Self {
        Self {
            main_node: main_node.map_or_else(
                || Address::new("main node"),
                |handle| handle.address.clone(),
            ),
            announcements: main_node.map_or_else(Arc::default, |handle| handle.sealed.clone()),
            sequencer: Sequencer::default(),
            bridge: Address::new("bridge"),
        }
    }
}

/// What the bridge needs to know of L2.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// Where L2 answers.
    pub l2: L2Endpoint,
    /// The contract.
    pub rollup: ExpectedRollup,
    /// The key that commits and proves.
    pub operator: PrivateKeySigner,
    /// How L2 transactions are followed.
    pub follow: FollowPolicy,
    /// How deep something must be on L2 before it counts.
    pub depth: Depth,
    /// RPC servers of the watchers that are asked to sign.
    pub watchers: Vec<SecretUrl>,
    /// The key is anyone's, and the chain is open to anyone: nothing is committed but with its proof.
    pub takeover: bool,
}

/// What the roles beside the main node need.
#[derive(Debug)]
pub struct Roles {
    /// Which of them to start.
    pub wanted: BTreeSet<Role>,
    /// The chain.
    pub chain: ChainConfig,
    /// Where each keeps its data.
    pub data_dir: PathBuf,
    /// For the bridge.
    pub settlement: Option<Settlement>,
    /// What the prover may use.
    pub prover: ProverConfig,
    /// The prover's name.
    pub prover_name: String,
}

/// Starts the wanted roles.
///
/// # Errors
/// If a data directory or the verifying data cannot be used.
pub async fn start_roles(process: &Process, places: &Places, roles: Roles) -> Result<(), Failure> {
    let wanted = |role| roles.wanted.contains(&role);
    let profile = profile_named(roles.chain.profile.as_str())?;
    if wanted(Role::Sequencer) {
        let takeover = roles.settlement.as_ref().is_some_and(|to| to.takeover);
        let (chain, data_dir) = (&roles.chain, &roles.data_dir);
        start_sequencer(process, places, chain, profile, takeover, data_dir).await?;
    }
    if wanted(Role::Prover) {
        let worker = Worker {
            name: roles.prover_name,
            profile,
            config: roles.prover,
            alone: roles.wanted.len() == 1,
        };
        start_prover(process, &places.sequencer.coordinator, worker).await?;
    }
    if let Some(settlement) = roles.settlement.filter(|_| wanted(Role::Bridge)) {
        start_bridge(process, places, &roles.chain, settlement, &roles.data_dir).await?;
    }
    Ok(())
}

/// The prover's parameters of this name.
///
/// # Errors
/// If there are none.
pub fn profile_named(name: &str) -> Result<Profile, Failure> {
    name.parse().map_err(Failure::configuration)
}

async fn start_sequencer(
    process: &Process,
    places: &Places,
    chain: &ChainConfig,
    profile: Profile,
    takeover: bool,
    data_dir: &Path,
) -> Result<(), Failure> {
    let chain = open_chain(data_dir.join("sequencer"), ChainSpec::replica(chain)).await?;
    // Verifying data is read and checked here: some 100 ms.
    let verifier = JobVerifier::for_profile(profile).map_err(Failure::fault)?;
    let (store, circuits) = (chain.store.clone(), verifier.circuits_version());
    let renewed = tokio::task::spawn_blocking(move || renew(&store, circuits)).await;
    renewed.map_err(Failure::fault)??;
    let settings = SequencerSettings {
        chain,
        verifier: Arc::new(verifier),
        batching: match takeover {
            true => BatchingPolicy::with_proof(),
            false => BatchingPolicy::default(),
        },
        batches_per_proof: if takeover { 1 } else { usize::MAX },
        leases: lease_policy(profile),
        main_node: places.main_node.clone(),
        announcements: places.announcements.clone(),
        bridge: places.bridge.clone(),
    };
    for child in places.sequencer.children(rank::SEQUENCER, settings) {
        process.add(child).await?;
    }
    Ok(())
}

/// The prover of this process.
#[derive(Debug)]
pub struct Worker {
    /// Its name.
    pub name: String,
    /// What it proves with.
    pub profile: Profile,
    /// What it may use.
    pub config: ProverConfig,
    /// The process only proves.
    pub alone: bool,
}

/// Starts a prover that works for `coordinator`.
///
/// # Errors
/// If the machine's memory is neither known nor configured.
pub async fn start_prover(
    process: &Process,
    coordinator: &Address<CoordinatorMessage>,
    worker: Worker,
) -> Result<(), Failure> {
    let prover = prover(worker, coordinator.clone())?;
    let child = ChildSpec::of_actor("prover", rank::PROVER, prover, &Address::new("prover"));
    Ok(process.add(child).await?)
}

async fn start_bridge(
    process: &Process,
    places: &Places,
    chain: &ChainConfig,
    settlement: Settlement,
    data_dir: &Path,
) -> Result<(), Failure> {
    let Settlement {
        l2,
        rollup,
        operator,
        follow,
        depth,
        watchers,
        takeover,
    } = settlement;
    let identity = ChainIdentity::new(rollup.chain_id, rollup.genesis_hash, "bridge");
    let directory = data_dir.join("bridge");
    let opened = tokio::task::spawn_blocking(move || Store::open(&directory, &identity)).await;
    let key = verifier_key(chain.profile).await?;
    let actor = VerifierBridge {
        connector: L2Connector {
            endpoint: l2,
            chain_id: ChainId(chain.l2_chain_id),
            rollup,
            circuit: key.circuit_digest,
            operator,
            policy: follow,
            watchers,
        },
        store: Arc::new(opened.map_err(Failure::fault)??),
        genesis: genesis_header(chain)?,
        depth,
        takeover,
        poll: BRIDGE_POLL,
        main_node: places.main_node.clone(),
        batcher: places.sequencer.batcher.clone(),
        coordinator: places.sequencer.coordinator.clone(),
    };
    let child = ChildSpec::of_actor("bridge", rank::BRIDGE, actor, &places.bridge);
    Ok(process.add(child).await?)
}

/// Header of the chain's block 0.
///
/// # Errors
/// If the genesis state cannot be built.
pub fn genesis_header(chain: &ChainConfig) -> Result<alloy::consensus::Header, Failure> {
    let spec = ChainSpec::rollup(chain, SealingPolicy::default(), PoolConfig::default());
    let genesis = spec.genesis_block().map_err(Failure::configuration)?;
    Ok(genesis.block.header)
}

fn prover(worker: Worker, coordinator: Address<CoordinatorMessage>) -> Result<Prover, Failure> {
    let Worker {
        name,
        profile,
        config,
        alone,
    } = worker;
    let threads = config
        .threads
        .and_then(|threads| usize::try_from(threads).ok());
    let cores = match threads {
        Some(threads) => threads,
        None => std::thread::available_parallelism()
            .map_err(Failure::fault)?
            .get(),
    };
    let memory = match config.memory_mib {
        Some(mib) => mib.saturating_mul(1 << 20),
        None => machine_memory()?,
    };
    Ok(Prover {
        name,
        memory,
        cores: u16::try_from(cores).unwrap_or(u16::MAX),
        workshop: Arc::new(Circuits::new(profile, threads)),
        alone,
        coordinator,
    })
}

/// The machine's memory in bytes, as Linux says it.
fn machine_memory() -> Result<u64, Failure> {
    let unknown = || {
        Failure::configuration(
            "the machine's memory is not known; set prover.memory_mib (TERN_PROVER__MEMORY_MIB)",
        )
    };
    let text = std::fs::read_to_string("/proc/meminfo").map_err(|_| unknown())?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .ok_or_else(unknown)?;
    let kib = line
        .trim()
        .trim_end_matches("kB")
        .trim()
        .parse::<u64>()
        .map_err(|_| unknown())?;
    Ok(kib.saturating_mul(1024))
}
