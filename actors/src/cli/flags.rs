//! Flags that several commands share, and how they become the top layer of the configuration.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy::primitives::{Address, U256};
use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tern_cluster_config::{AttestationConfig, ConfigError, KeySource, NodeConfig, SecretUrl};
use tern_settlement::{Deadlines, DisputeTerms};

use crate::deployment::wrong_terms;
use crate::supervisor::Failure;

/// A chain, its L2, and where this process keeps what it knows of them.
#[derive(Clone, Debug, Args)]
pub(super) struct ChainFlags {
    /// Configuration file (TOML). Flags and TERN_… variables override it.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,

    /// Directory for everything that is kept.
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,

    /// Chain file (TOML or JSON): what all nodes of the chain must agree on.
    #[arg(long, value_name = "FILE")]
    pub(super) chain: Option<PathBuf>,

    /// RPC server of the L2. Tokens in it are never printed.
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    pub(super) l2_rpc: Option<SecretUrl>,
}

/// Settings of a node.
#[derive(Clone, Debug, Args)]
pub(super) struct NodeFlags {
    #[command(flatten)]
    pub(super) chain: ChainFlags,

    /// Address of the L3 RPC server (HTTP and WebSocket) [default: 127.0.0.1:3050].
    #[arg(long, value_name = "ADDRESS")]
    pub(super) rpc: Option<SocketAddr>,

    #[command(flatten)]
    pub(super) key: KeyFlags,

    /// RPC server of a watcher that the bridge asks to sign, where the contract asks for it. May be given several times.
    #[arg(long = "watcher", value_name = "URL", value_parser = parse_url)]
    pub(super) watchers: Vec<SecretUrl>,
}

/// Whose signatures the contract of a new chain asks for.
#[derive(Clone, Debug, Args)]
pub(super) struct AttestationFlags {
    /// Account of a watcher that executes every batch as well, and whose signature the contract asks for. May be given
    /// several times.
    #[arg(long = "watcher-account", value_name = "ADDRESS")]
    accounts: Vec<Address>,

    /// How many of the watchers must sign [default: all].
    #[arg(long, value_name = "K", requires = "accounts")]
    attestations: Option<usize>,
}

impl AttestationFlags {
    pub(super) fn put(&self, top: &mut Map<String, Value>) {
        set(top, Some("attestation"), "accounts", given(&self.accounts));
        set(top, Some("attestation"), "threshold", self.attestations);
    }
}

/// Who has messages processed.
#[derive(Clone, Debug, Args)]
pub(super) struct MessagesFlags {
    /// For a main node: file with the L3 key whose account has messages from L2 processed, and is paid their fees; readable by
    /// you only. Without it that is left to others.
    #[arg(long, value_name = "FILE", conflicts_with = "messages_key_env")]
    messages_key_file: Option<PathBuf>,

    /// For a main node: variable of the environment that holds the same.
    #[arg(long, value_name = "NAME")]
    messages_key_env: Option<String>,
}

impl MessagesFlags {
    pub(super) fn put(&self, top: &mut Map<String, Value>) {
        let key = key_source(
            self.messages_key_file.as_deref(),
            self.messages_key_env.as_deref(),
        );
        set(top, Some("messages"), "key", key);
    }
}

/// Where the operator's key is. It is never given on the command line, where others could see it.
#[derive(Clone, Debug, Args)]
#[group(multiple = false)]
pub(super) struct KeyFlags {
    /// File with the L2 key that deploys, commits and proves: 32 bytes in hexadecimal, readable by you only.
    #[arg(long, value_name = "FILE")]
    operator_key_file: Option<PathBuf>,

    /// Variable of the environment that holds the same.
    #[arg(long, value_name = "NAME")]
    operator_key_env: Option<String>,
}

impl ChainFlags {
    /// The whole configuration.
    pub(super) fn resolve(&self, mut top: Map<String, Value>) -> Result<NodeConfig, ConfigError> {
        set(&mut top, None, "data_dir", self.data_dir.as_ref());
        set(&mut top, None, "chain", self.chain.as_ref());
        set(&mut top, Some("l2"), "rpc_url", self.l2_rpc.as_ref());
        NodeConfig::resolve(self.config.as_deref(), Value::Object(top))
    }
}

impl NodeFlags {
    /// The whole configuration.
    pub(super) fn resolve(&self, mut top: Map<String, Value>) -> Result<NodeConfig, ConfigError> {
        set(&mut top, Some("rpc"), "listen", self.rpc);
        set(&mut top, Some("l2"), "operator_key", self.key.source());
        set(
            &mut top,
            Some("attestation"),
            "watchers",
            given(&self.watchers),
        );
        self.chain.resolve(top)
    }
}

/// What a flag that may be given several times says, if it was given.
pub(super) fn given<T>(values: &[T]) -> Option<&[T]> {
    Some(values).filter(|values| !values.is_empty())
}

/// Adds a setting that was given.
pub(super) fn set(
    top: &mut Map<String, Value>,
    section: Option<&str>,
    key: &str,
    value: Option<impl Serialize>,
) {
    let Some(value) = value else { return };
    let fields = match section {
        Some(section) => top
            .entry(section)
            .or_insert_with(|| json!({}))
            .as_object_mut(),
        None => Some(top),
    };
    if let Some(fields) = fields {
        fields.insert(key.to_owned(), json!(value));
    }
}

impl KeyFlags {
    pub(super) fn source(&self) -> Option<KeySource> {
        key_source(
            self.operator_key_file.as_deref(),
            self.operator_key_env.as_deref(),
        )
    }
}

/// Where a key is, by the flags that say so.
pub(super) fn key_source(file: Option<&Path>, variable: Option<&str>) -> Option<KeySource> {
    let file = file.map(|path| KeySource::File(path.to_owned()));
    file.or_else(|| variable.map(|name| KeySource::Env(name.to_owned())))
}

/// Whether batches are final without a proof unless somebody challenges them.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Challenges")]
pub(super) struct DisputeFlags {
    /// Batches that nobody challenges for so long are final without a proof, such as 7days. Without this, proofs alone make
    /// them final.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    challenge_window: Option<Duration>,

    /// How long the operator has to prove a block that was challenged.
    #[arg(long, value_name = "TIME", requires = "challenge_window", default_value = "3days",
        value_parser = humantime::parse_duration)]
    proof_time: Duration,

    /// What the operator puts behind what it commits, in ETH.
    #[arg(long, value_name = "ETH", requires = "challenge_window", default_value = "10", value_parser = parse_ether)]
    stake: U256,

    /// What a challenge takes, in ETH: it should pay for the proof of a block.
    #[arg(long, value_name = "ETH", requires = "challenge_window", default_value = "1", value_parser = parse_ether)]
    bond: U256,
}

impl DisputeFlags {
    /// What was asked for, if anything was.
    pub(super) fn terms(&self) -> Option<DisputeTerms> {
        self.challenge_window.map(|challenge_window| DisputeTerms {
            challenge_window,
            proof_time: self.proof_time,
            stake: self.stake,
            bond: self.bond,
        })
    }

    /// Refuses terms that the contracts would refuse, and those that nobody could keep.
    pub(super) fn check(
        &self,
        terms: &DisputeTerms,
        deadlines: &Deadlines,
        attestation: &AttestationConfig,
    ) -> Result<(), Failure> {
        if !attestation.accounts.is_empty() {
            return Err(Failure::configuration(
                "--challenge-window and --watcher-account exclude each other: the answer to a challenge would need the \
                 watchers' signatures under a single block. Watchers challenge instead: tern node --role watcher \
                 --challenge-key-file FILE",
            ));
        }
        match wrong_terms(terms, deadlines) {
            Some(wrong) => Err(Failure::configuration(wrong)),
            None => Ok(()),
        }
    }
}

fn parse_ether(text: &str) -> Result<U256, String> {
    alloy::primitives::utils::parse_ether(text).map_err(|error| error.to_string())
}

/// For clap: the text itself stays out of the error's reason.
pub(super) fn parse_url(text: &str) -> Result<SecretUrl, String> {
    text.parse()
}
