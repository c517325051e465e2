//! How one process runs.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy::primitives::Address;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};
use tern_messages::Role;

use crate::attestation::AttestationConfig;
use crate::challenge::ChallengeConfig;
use crate::cluster::ClusterConfig;
use crate::error::ConfigError;
use crate::key::KeySource;
use crate::sealing::SealingPolicy;
use crate::secret::SecretUrl;

/// Longest configuration, chain or key file, in bytes. Genesis files with many accounts are the longest.
const MAX_FILE: u64 = 16 << 20;

/// Variables that start like settings and are none.
const NOT_SETTINGS: [&str; 3] = ["crash_at", "log", "operator_key"];

/// How one process runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeConfig {
    /// The parts of the node that run in this process.
    pub roles: BTreeSet<Role>,
    /// Where the process keeps its data.
    pub data_dir: PathBuf,
    /// The chain file; without one, the devnet's chain.
    pub chain: Option<PathBuf>,
    /// The RPC server of L3.
    pub rpc: RpcConfig,
    /// The queue of transactions that cannot be executed yet.
    pub pool: PoolConfig,
    /// When blocks are closed.
    pub sealing: SealingPolicy,
    /// The parent chain.
    pub l2: L2Config,
    /// Messages from it.
    pub messages: MessagesConfig,
    /// The prover.
    pub prover: ProverConfig,
    /// Watchers' signatures.
    pub attestation: AttestationConfig,
    /// Challenges of what is false.
    pub challenge: ChallengeConfig,
    /// Other machines.
    pub cluster: ClusterConfig,
    /// How long an orderly stop may take.
    #[serde(with = "humantime_serde")]
    pub stop_within: Duration,
}

/// The RPC server and its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RpcConfig {
    /// Address of the HTTP and WebSocket server.
    pub listen: SocketAddr,
    /// Most connections at a time.
    pub max_connections: u32,
    /// Longest request, in bytes.
    pub max_request_bytes: u32,
    /// Longest response, in bytes.
    pub max_response_bytes: u32,
    /// Most calls in one batch request.
    pub max_batch: u32,
    /// Most subscriptions of one WebSocket connection.
    pub max_subscriptions: u32,
    /// Most requests that are worked on at a time.
    pub max_concurrent: u32,
    /// Time after which a call is answered with an error.
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    /// Gas that `eth_call` and `eth_estimateGas` may use.
    pub call_gas: u64,
    /// Limits of `eth_getLogs`.
    pub logs: LogLimits,
}

/// Limits of `eth_getLogs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogLimits {
    /// Most blocks searched.
    pub max_blocks: u64,
    /// Most logs returned.
    pub max_logs: u32,
}

/// The queue of transactions that wait for an earlier nonce or for room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PoolConfig {
    /// Most transactions that wait.
    pub max_transactions: u32,
    /// Most bytes that wait.
    pub max_bytes: u64,
    /// Most transactions of one sender that wait.
    pub max_per_sender: u32,
    /// How far ahead of the account's nonce a transaction may be.
    pub max_nonce_gap: u64,
    /// A waiting transaction is dropped after this time.
    #[serde(with = "humantime_serde")]
    pub lifetime: Duration,
}

/// The parent chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct L2Config {
    /// Its RPC server. Without one, the devnet runs an L2 of its own.
    pub rpc_url: Option<SecretUrl>,
    /// Where the devnet's own L2 listens.
    pub embedded_listen: SocketAddr,
    /// The `Rollup` contract.
    pub rollup: Option<Address>,
    /// The key that commits and proves. Only the devnet has a default.
    pub operator_key: Option<KeySource>,
    /// Time after which a request to it is given up.
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    /// L2 blocks that must hold something, its own included, before it counts as done.
    pub confirmations: u64,
    /// What L2's server must call a block, or one on it, before what it holds counts, in place of `confirmations`. Own
    /// transactions are followed until they have these, all the same.
    pub tag: Option<L2Tag>,
}

/// What L2's server calls its newest block of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum L2Tag {
    /// Hardly ever taken back.
    Safe,
    /// Never taken back.
    Finalized,
}

/// Messages from the parent chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MessagesConfig {
    /// The L3 key whose account has them processed, and is paid their fees. Without one the main node leaves that to others.
    /// Only the devnet has a default.
    pub key: Option<KeySource>,
}

/// The prover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProverConfig {
    /// Threads that it may use; without a number, one for each core.
    pub threads: Option<u32>,
    /// Memory that it may use, in MiB; without a number, what the machine has.
    pub memory_mib: Option<u64>,
}

/// The roles that a role asks things of.
fn asked_by(role: Role) -> &'static [Role] {
    match role {
        Role::MainNode | Role::Watcher | Role::Operator => &[],
        Role::Sequencer => &[Role::MainNode],
        Role::Prover => &[Role::Sequencer],
        Role::Bridge => &[Role::Sequencer, Role::MainNode],
    }
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            roles: [Role::MainNode, Role::Sequencer, Role::Prover, Role::Bridge].into(),
            data_dir: "devnet-data".into(),
            chain: None,
            rpc: RpcConfig::default(),
            pool: PoolConfig::default(),
            sealing: SealingPolicy::default(),
            l2: L2Config::default(),
            messages: MessagesConfig::default(),
            prover: ProverConfig::default(),
            attestation: AttestationConfig::default(),
            challenge: ChallengeConfig::default(),
            cluster: ClusterConfig::default(),
            stop_within: Duration::from_secs(20),
        }
    }
}

impl Default for RpcConfig {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 3050).into(),
            max_connections: 1000,
            max_request_bytes: 2 << 20,
            max_response_bytes: 32 << 20,
            max_batch: 100,
            max_subscriptions: 64,
            max_concurrent: 256,
            request_timeout: Duration::from_secs(30),
            call_gas: 50_000_000,
            logs: LogLimits::default(),
        }
    }
}

impl Default for LogLimits {
    fn default() -> Self {
        Self {
            max_blocks: 10_000,
            max_logs: 10_000,
        }
    }
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            max_transactions: 4096,
            max_bytes: 32 << 20,
            max_per_sender: 64,
            max_nonce_gap: 256,
            lifetime: Duration::from_secs(3 * 3600),
        }
    }
}

impl Default for L2Config {
    fn default() -> Self {
        Self {
            rpc_url: None,
            embedded_listen: (Ipv4Addr::LOCALHOST, 8545).into(),
            rollup: None,
            operator_key: None,
            request_timeout: Duration::from_secs(15),
            confirmations: 1,
            tag: None,
        }
    }
}

impl NodeConfig {
    /// Puts the layers together: defaults, then the TOML file, then variables such as
    /// `TERN_RPC__LISTEN`, then flags; and checks the whole.
    ///
    /// `flags` is the part of the configuration that the command line set, in the shape of this type.
    ///
    /// # Errors
    /// Names the layer, the key and what is wrong with it.
    pub fn resolve(file: Option<&Path>, flags: impl Serialize) -> Result<Self, ConfigError> {
        let mut layers = Figment::from(Serialized::defaults(Self::default()));
        if let Some(path) = file {
            read_limited("configuration file", path)?;
            layers = layers.merge(Toml::file_exact(path));
        }
        let config: Self = layers
            .merge(Env::prefixed("TERN_").ignore(&NOT_SETTINGS).split("__"))
            .merge(Serialized::defaults(flags))
            .extract()
            .map_err(|error| ConfigError::Layers {
                source: Box::new(error),
            })?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let refuse = |key, problem: &str| Err(ConfigError::value(key, problem));
        self.sealing.check()?;
        self.attestation.check()?;
        self.check_roles()?;
        if self.l2.confirmations == 0 {
            return refuse("l2.confirmations", "must be at least 1");
        }
        let own_l2 = self.l2.rpc_url.is_none();
        if own_l2 && self.rpc.listen == self.l2.embedded_listen && self.rpc.listen.port() != 0 {
            return refuse(
                "rpc.listen",
                "is also l2.embedded_listen; L3 and L2 need an address each",
            );
        }
        let rpc = &self.rpc;
        for (key, value) in [
            ("rpc.max_connections", rpc.max_connections),
            ("rpc.max_request_bytes", rpc.max_request_bytes),
            ("rpc.max_response_bytes", rpc.max_response_bytes),
            ("rpc.max_batch", rpc.max_batch),
            ("rpc.max_concurrent", rpc.max_concurrent),
            ("pool.max_per_sender", self.pool.max_per_sender),
        ] {
            if value == 0 {
                return refuse(key, "must be at least 1");
            }
        }
        if rpc.request_timeout.is_zero() || self.l2.request_timeout.is_zero() {
            return refuse(
                "rpc.request_timeout",
                "a timeout of 0 would refuse everything",
            );
        }
        if self.prover.threads == Some(0) {
            return refuse("prover.threads", "must be at least 1");
        }
        Ok(())
    }
}

impl NodeConfig {
    /// The roles that run elsewhere and that this node's roles ask things of.
    pub fn missing_roles(&self) -> BTreeSet<Role> {
        let asked = self.roles.iter().flat_map(|role| asked_by(*role));
        asked
            .copied()
            .filter(|role| !self.roles.contains(role))
            .collect()
    }

    /// The nodes to connect to, each with what is expected there.
    pub fn joined(&self) -> Vec<(Role, String)> {
        let missing = self.missing_roles();
        // The nearest role that is missing: a prover's sequencer, a sequencer's main node.
        let usual = missing.last().copied().unwrap_or(Role::Sequencer);
        let join = self.cluster.join.iter();
        join.map(|target| (target.role.unwrap_or(usual), target.address.clone()))
            .collect()
    }

    fn check_roles(&self) -> Result<(), ConfigError> {
        let refuse = |key, problem: String| Err(ConfigError::value(key, problem));
        if self.roles.is_empty() {
            return refuse("roles", "must not be empty".to_owned());
        }
        if self.roles.contains(&Role::Operator) {
            let problem = "operator is for people: `tern cluster status`, `tern prover drain`";
            return refuse("roles", problem.to_owned());
        }
        let alone = self.roles.len() == 1 && self.cluster == ClusterConfig::default();
        if self.roles.contains(&Role::Watcher) && !alone {
            let problem =
                "a watcher runs by itself, without an identity: it is to depend on nobody but L2";
            return refuse("roles", problem.to_owned());
        }
        if self.attestation.key.is_some() && !self.roles.contains(&Role::Watcher) {
            let problem =
                "is a watcher's (--role watcher): no other role signs what it has executed";
            return refuse("attestation.key", problem.to_owned());
        }
        if self.challenge.key.is_some() && !self.roles.contains(&Role::Watcher) {
            let problem = "is a watcher's (--role watcher): no other role challenges what is false";
            return refuse("challenge.key", problem.to_owned());
        }
        let missing = self.missing_roles();
        if self.cluster.identity.is_none() {
            if self.cluster.listen.is_some() || !self.cluster.join.is_empty() {
                let problem = "must be set (--identity) to connect with other nodes";
                return refuse("cluster.identity", problem.to_owned());
            }
            return match missing.first() {
                None => Ok(()),
                Some(role) => refuse(
                    "roles",
                    format!(
                        "need the {role}, which is not among them, and cluster.identity is not set"
                    ),
                ),
            };
        }
        if self.cluster.listen.is_some()
            && !self.roles.iter().any(|role| role.accepts_connections())
        {
            let problem = "only main-node and sequencer accept connections; this node joins others";
            return refuse("cluster.listen", problem.to_owned());
        }
        let joined: BTreeSet<Role> = self.joined().into_iter().map(|(role, _)| role).collect();
        // The main node is found by the sequencer and the bridge, which connect to it.
        match missing.difference(&joined).next() {
            None => Ok(()),
            Some(role) => refuse(
                "cluster.join",
                format!("must name the {role} (--join {role}@HOST:PORT)"),
            ),
        }
    }
}

/// Reads a text file of a sane size.
pub(crate) fn read_limited(what: &'static str, path: &Path) -> Result<String, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable {
        what,
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let len = file.metadata().map_err(unreadable)?.len();
    let mut text = String::new();
    let read = file
        .take(MAX_FILE + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if read as u64 > MAX_FILE {
        return Err(ConfigError::TooLarge {
            what,
            path: path.to_owned(),
            len,
            limit: MAX_FILE,
        });
    }
    Ok(text)
}
