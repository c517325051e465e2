//! A node of a chain whose contracts are deployed, and what it shares with the devnet.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use alloy::primitives::Address;
use alloy::signers::local::PrivateKeySigner;
use tern_cluster::{Process, ShutdownReason, identity};
use tern_cluster_config::{ChainConfig, ConfigError, KeySource, L2Tag, NodeConfig};
use tern_messages::{ChainId, Role};
use tern_settlement::posting::MAX_BYTES_WITH_PROOF;
use tern_settlement::{Depth, ExpectedRollup, FollowPolicy, L2, L2Endpoint, RollupClient, Tag};
use tracing::{info, warn};

use crate::derivation::{Derivation, DerivationError, watcher};
use crate::main_node::{ChainSpec, MainNodeHandle};
use crate::member;
use crate::rpc;
use crate::supervisor::{
    self, ChainPlace, Failure, Places, Roles, Settlement, genesis_header, open_chain, rank,
    start_chain, start_roles,
};

/// Chain id of development L2s (`anvil`, the embedded one): they mine at once, so looking often pays.
const DEVELOPMENT_L2: u64 = 31_337;
/// Chain ids of L2s that take no block back: those, and that of `geth --dev`.
const STEADY_L2S: [u64; 2] = [DEVELOPMENT_L2, 1_337];

/// A chain and its contract on L2.
#[derive(Clone, Debug)]
pub struct Deployed {
    /// The chain.
    pub chain: ChainConfig,
    /// Where L2 answers.
    pub l2: L2Endpoint,
    /// The `Rollup` on L2.
    pub rollup: Address,
}

/// What the roles beside the main node need to know of their surroundings.
#[derive(Debug)]
pub struct Network {
    /// The chain.
    pub deployed: Deployed,
    /// The key that commits and proves.
    pub operator: PrivateKeySigner,
    /// Whether it is anyone's, on a chain that is open to anyone.
    pub takeover: bool,
}

/// Runs a node of a deployed chain until it is stopped.
///
/// # Errors
/// If it cannot start; the failure carries the exit code.
pub async fn run(config: NodeConfig) -> Result<ShutdownReason, Failure> {
    if let Some(identity) = &config.cluster.identity {
        let identity = identity::load(identity).map_err(Failure::configuration)?;
        return member::run(config, identity).await;
    }
    if config.roles.contains(&Role::Watcher) {
        return watcher::run(config).await;
    }
    let network = Network::configured(&config)?;
    network.run(config).await
}

/// Goes on with a chain that is open to anyone, until it is stopped: makes it from L2 up to the verified block, and commits
/// and proves what comes then.
///
/// # Errors
/// If it cannot start; the failure carries the exit code.
pub async fn take_over(mut config: NodeConfig) -> Result<ShutdownReason, Failure> {
    let mut network = Network {
        takeover: true,
        ..Network::configured(&config)?
    };
    // A batch shares its transaction on L2 with its proof.
    for limit in [
        &mut config.sealing.max_bytes,
        &mut network.deployed.chain.limits.transaction_bytes,
    ] {
        *limit = MAX_BYTES_WITH_PROOF.min(*limit);
    }
    let replica = ChainSpec::replica(&network.deployed.chain);
    let sequencer = open_chain(config.data_dir.join("sequencer"), replica).await?;
    let derivation = network.deployed.derivation(&config, "main-node").await?;
    let derivation = derivation.only_verified().for_sequencer(sequencer)?;
    match derivation.follow().await {
        Ok(status) => {
            info!(target: "tern::node", block = %status.verified_block, state_root = %status.verified_state_root,
                "the chain is made from L2 up to the verified block");
        }
        // Blocks of its own, from before it was started again.
        Err(DerivationError::Ahead { sealed, committed }) => {
            info!(target: "tern::node", %sealed, verified = %committed, "going on with what was begun before");
        }
        Err(error) => return Err(error.into()),
    }
    drop(derivation);
    network.run(config).await
}

impl Deployed {
    /// Everything from the configuration: nothing has a default here.
    pub(crate) fn configured(config: &NodeConfig) -> Result<Self, Failure> {
        let chain = ChainConfig::load(required("chain", config.chain.as_deref())?)?;
        let url = required("l2.rpc_url", config.l2.rpc_url.as_ref())?;
        let rollup = *required("l2.rollup", config.l2.rollup.as_ref())?;
        let mut l2 = L2Endpoint::new(url.expose().clone());
        l2.timeout = config.l2.request_timeout;
        Ok(Self { chain, l2, rollup })
    }

    /// What the contract must say of itself.
    ///
    /// # Errors
    /// If the genesis state cannot be built.
    pub fn expected(&self) -> Result<ExpectedRollup, Failure> {
        Ok(ExpectedRollup {
            address: self.rollup,
            chain_id: self.chain.genesis.chain_id,
            genesis_hash: genesis_header(&self.chain)?.hash_slow(),
        })
    }

    /// The contract, which has shown that it is this chain's.
    ///
    /// # Errors
    /// If L2 does not answer, is another chain, or has another contract.
    pub async fn connect(&self) -> Result<RollupClient, Failure> {
        let l2 = L2::connect_to(self.l2.clone(), ChainId(self.chain.l2_chain_id)).await?;
        Ok(RollupClient::connect(l2, self.expected()?).await?)
    }

    /// The chain as L2 holds it, kept in `folder` of the data directory.
    ///
    /// # Errors
    /// As [`Self::connect`], and if the directory is not this chain's, is in use or damaged.
    pub async fn derivation(
        &self,
        config: &NodeConfig,
        folder: &str,
    ) -> Result<Derivation, Failure> {
        let rollup = self.connect().await?;
        let spec = ChainSpec::rollup(&self.chain, config.sealing, config.pool);
        let chain = open_chain(config.data_dir.join(folder), spec).await?;
        Ok(Derivation::new(
            chain,
            rollup,
            depth(config, self.chain.l2_chain_id),
        ))
    }
}

impl Network {
    /// Everything from the configuration: nothing has a default here.
    pub(crate) fn configured(config: &NodeConfig) -> Result<Self, Failure> {
        Ok(Self {
            deployed: Deployed::configured(config)?,
            operator: required("l2.operator_key", config.l2.operator_key.as_ref())?.load()?,
            takeover: false,
        })
    }

    async fn run(self, config: NodeConfig) -> Result<ShutdownReason, Failure> {
        let listener = rpc::bind(config.rpc.listen, "rpc.listen", "--rpc")?;
        supervisor::run(config.stop_within, async |process| {
            self.start(process, &config, listener).await
        })
        .await
    }

    async fn start(
        self,
        process: &Process,
        config: &NodeConfig,
        listener: TcpListener,
    ) -> Result<(), Failure> {
        let spec = ChainSpec {
            processor: processor(config)?,
            catches_up: self.takeover,
            ..ChainSpec::rollup(&self.deployed.chain, config.sealing, config.pool)
        };
        let (node, _) = start_l3(process, config, spec, listener).await?;
        self.start_roles(process, config, &node).await
    }

    /// Checks that the contract is this chain's, and starts the roles beside the main node.
    ///
    /// # Errors
    /// If L2 does not answer, is another chain, or has another contract.
    pub async fn start_roles(
        self,
        process: &Process,
        config: &NodeConfig,
        node: &MainNodeHandle,
    ) -> Result<(), Failure> {
        let settlement = self.settlement(config).await?;
        let roles = Roles {
            wanted: config.roles.clone(),
            data_dir: config.data_dir.clone(),
            settlement: Some(settlement),
            prover: config.prover,
            prover_name: "local".to_owned(),
            chain: self.deployed.chain,
        };
        start_roles(process, &Places::beside(Some(node)), roles).await
    }

    /// What the bridge needs, once L2 has shown that it has this chain's contract.
    ///
    /// # Errors
    /// If L2 does not answer, is another chain, or has another contract.
    pub async fn settlement(&self, config: &NodeConfig) -> Result<Settlement, Failure> {
        let deployed = &self.deployed;
        deployed.connect().await?;
        Ok(Settlement {
            l2: deployed.l2.clone(),
            rollup: deployed.expected()?,
            operator: self.operator.clone(),
            follow: follow_policy(config, deployed.chain.l2_chain_id),
            depth: depth(config, deployed.chain.l2_chain_id),
            watchers: config.attestation.watchers.clone(),
            takeover: self.takeover,
        })
    }
}

/// Starts the main node of a chain and its RPC server.
///
/// # Errors
/// As [`start_chain`].
pub async fn start_l3(
    process: &Process,
    config: &NodeConfig,
    spec: ChainSpec,
    listener: TcpListener,
) -> Result<(MainNodeHandle, SocketAddr), Failure> {
    let place = ChainPlace {
        directory: config.data_dir.join("main-node"),
        listener,
        rpc: config.rpc,
        rpc_name: "rpc",
        rpc_rank: rank::RPC,
        rank: rank::MAIN_NODE,
    };
    start_chain(process, spec, place).await
}

/// The account that has messages from L2 processed.
///
/// # Errors
/// If its key cannot be read.
pub(crate) fn processor(config: &NodeConfig) -> Result<Option<PrivateKeySigner>, ConfigError> {
    config
        .messages
        .key
        .as_ref()
        .map(KeySource::load)
        .transpose()
}

/// How transactions on an L2 of this chain id are followed.
pub fn follow_policy(config: &NodeConfig, l2_chain_id: u64) -> FollowPolicy {
    let poll = if l2_chain_id == DEVELOPMENT_L2 {
        Duration::from_millis(200)
    } else {
        Duration::from_secs(1)
    };
    FollowPolicy {
        confirmations: config.l2.confirmations,
        poll,
        ..FollowPolicy::default()
    }
}

/// How deep something must be on an L2 of this chain id before it counts.
pub(crate) fn depth(config: &NodeConfig, l2_chain_id: u64) -> Depth {
    let depth = match config.l2.tag {
        Some(L2Tag::Safe) => Depth::Tag(Tag::Safe),
        Some(L2Tag::Finalized) => Depth::Tag(Tag::Finalized),
        None => Depth::Confirmations(config.l2.confirmations),
    };
    if is_shallow(depth, l2_chain_id) {
        warn!(target: "tern::node", l2_chain_id,
            "L2 may take its newest block back, and an L3 block that names it can then never be committed: set \
             l2.tag = \"safe\" or \"finalized\", or more l2.confirmations");
    }
    depth
}

/// Whether the newest block of an L2 of this chain id counts, which may be taken back.
fn is_shallow(depth: Depth, l2_chain_id: u64) -> bool {
    depth == Depth::Confirmations(1) && !STEADY_L2S.contains(&l2_chain_id)
}

pub(crate) fn required<T>(key: &'static str, value: Option<T>) -> Result<T, ConfigError> {
    let problem =
        || "must be set, in the configuration file or by a flag; only the devnet has a default";
    value.ok_or_else(|| ConfigError::Value {
        key,
        problem: problem().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_block_of_a_real_l2_is_not_deep_enough_for_silence() {
        let one = Depth::Confirmations(1);
        assert!(is_shallow(one, 10));
        for steady in STEADY_L2S {
            assert!(!is_shallow(one, steady));
        }
        for deep in [Depth::Confirmations(2), Depth::Tag(Tag::Safe)] {
            assert!(!is_shallow(deep, 10));
        }
    }
}
