//! Sequencer, prover and bridge beside a main node.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use alloy::signers::local::PrivateKeySigner;
use tern_cluster::{Address, ChildSpec, Process};
use tern_cluster_config::{ChainConfig, ProverConfig, Role};
use tern_messages::ChainId;
use tern_proving::Profile;
use tern_settlement::{ExpectedRollup, FollowPolicy, L2Endpoint};
use tern_storage::{ChainIdentity, Store};

use super::ending::Failure;
use super::rank;
use crate::main_node::{Chain, ChainSpec, MainNodeHandle};
use crate::prover::{Circuits, Prover};
use crate::sequencer::{BatchingPolicy, Sequencer, SequencerSettings, lease_policy};
use crate::verifier_bridge::{L2Connector, VerifierBridge};

/// How often the bridge looks at L2 without a hint.
const BRIDGE_POLL: Duration = Duration::from_secs(2);

/// What the roles beside the main node need.
#[derive(Debug)]
pub struct Roles {
    /// Which of them to start.
    pub wanted: BTreeSet<Role>,
    /// The chain.
    pub chain: ChainConfig,
    /// Where each keeps its data.
    pub data_dir: PathBuf,
    /// Where L2 answers.
    pub l2: L2Endpoint,
    /// The contract.
    pub rollup: ExpectedRollup,
    /// The key that commits and proves.
    pub operator: PrivateKeySigner,
    /// How L2 transactions are followed.
    pub follow: FollowPolicy,
    /// What the prover may use.
    pub prover: ProverConfig,
}

/// Starts the wanted roles beside a main node.
///
/// # Errors
/// If a data directory or the verifying data cannot be used.
pub async fn start_roles(
    process: &Process,
    node: &MainNodeHandle,
    roles: Roles,
) -> Result<(), Failure> {
    let wanted = |role| roles.wanted.contains(&role);
    if !wanted(Role::Sequencer) {
        return Ok(());
    }
    let profile: Profile = roles
        .chain
        .profile
        .as_str()
        .parse()
        .map_err(Failure::configuration)?;
    let bridge = Address::new("bridge");
    let (chain, store) = open(&roles).await?;
    let settings = SequencerSettings {
        chain,
        profile,
        batching: BatchingPolicy::default(),
        leases: lease_policy(profile),
        main_node: node.address.clone(),
        announcements: node.sealed.clone(),
        bridge: bridge.clone(),
    };
    let sequencer = Sequencer::default();
    // Verifying data is read and checked here: some 100 ms.
    for child in sequencer
        .children(rank::SEQUENCER, &settings)
        .map_err(Failure::fault)?
    {
        process.add(child).await?;
    }
    if wanted(Role::Prover) {
        let prover = prover(profile, &roles.prover, &sequencer)?;
        let address = Address::new("prover");
        process
            .add(ChildSpec::of_actor(
                "prover",
                rank::PROVER,
                prover,
                &address,
            ))
            .await?;
    }
    if wanted(Role::Bridge) {
        let connector = L2Connector {
            endpoint: roles.l2,
            chain_id: ChainId(roles.chain.l2_chain_id),
            rollup: roles.rollup,
            operator: roles.operator,
            policy: roles.follow,
        };
        let genesis = node
            .chain
            .expect_header(tern_messages::BlockNumber(0))?
            .header;
        let actor = VerifierBridge {
            connector,
            store,
            genesis,
            confirmations: roles.follow.confirmations,
            poll: BRIDGE_POLL,
            main_node: node.address.clone(),
            batcher: sequencer.batcher.clone(),
            coordinator: sequencer.coordinator.clone(),
        };
        process
            .add(ChildSpec::of_actor("bridge", rank::BRIDGE, actor, &bridge))
            .await?;
    }
    Ok(())
}

/// Opens the data of sequencer and bridge.
async fn open(roles: &Roles) -> Result<(Chain, Arc<Store>), Failure> {
    let (spec, directory) = (ChainSpec::replica(&roles.chain), roles.data_dir.clone());
    let identity = ChainIdentity::new(roles.rollup.chain_id, roles.rollup.genesis_hash, "bridge");
    let opened = tokio::task::spawn_blocking(move || {
        let chain = Chain::open(&directory.join("sequencer"), spec)?;
        let store = Store::open(&directory.join("bridge"), &identity)?;
        Ok::<_, Failure>((chain, Arc::new(store)))
    });
    opened.await.map_err(Failure::fault)?
}

fn prover(
    profile: Profile,
    config: &ProverConfig,
    sequencer: &Sequencer,
) -> Result<Prover, Failure> {
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
        name: "local".to_owned(),
        memory,
        cores: u16::try_from(cores).unwrap_or(u16::MAX),
        workshop: Arc::new(Circuits::new(profile, threads)),
        coordinator: sequencer.coordinator.clone(),
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
