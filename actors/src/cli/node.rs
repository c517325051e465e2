//! `tern node`.

use std::net::SocketAddr;
use std::path::PathBuf;

use alloy::primitives::Address;
use clap::Args;
use serde_json::Map;
use tern_cluster::ShutdownReason;
use tern_cluster_config::{JoinTarget, Role};

use super::flags::{MessagesFlags, NodeFlags, given, key_source, set};
use crate::node;
use crate::supervisor::Failure;

/// Run a node of a chain whose contracts are deployed.
///
/// Runs the given roles (by default all of them) in this process; with --identity, the others run on other machines.
/// Nothing is deployed and no key has a default. A node that only proves needs no more than --identity and --join.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tern node --config node.toml
  tern node --chain chain.toml --l2-rpc https://l2.example.org --rollup 0x… \\
       --operator-key-file operator.key --data-dir /var/lib/tern
  tern node --role main-node --chain chain.toml --identity main --listen 10.0.0.1:7450 --data-dir main-data
  tern node --role sequencer --chain chain.toml --identity seq --listen 10.0.0.2:7450 --join 10.0.0.1:7450
  tern node --role prover --identity prover-1 --join 10.0.0.2:7450
  tern node --role watcher --chain chain.toml --l2-rpc https://l2.example.org --rollup 0x… --data-dir watched
  tern node --role watcher … --attestation-key-file watcher.key --rpc 10.0.0.9:3051        signs what it has executed
  tern node --role watcher … --challenge-key-file challenger.key                           challenges what is wrong")]
pub(super) struct Arguments {
    #[command(flatten)]
    node: NodeFlags,

    /// The Rollup contract on L2.
    #[arg(long, value_name = "ADDRESS")]
    rollup: Option<Address>,

    /// The roles that run here: main-node, sequencer, prover, bridge [default: all four], or
    /// watcher, alone: it makes the chain again from L2, and ends with exit code 3 at the first difference that it cannot
    /// challenge.
    #[arg(long = "role", value_name = "ROLE", value_delimiter = ',')]
    roles: Vec<Role>,

    /// For a watcher: file with the key that signs what it has executed, readable by you only. It then answers the
    /// bridge at --rpc.
    #[arg(long, value_name = "FILE", conflicts_with = "attestation_key_env")]
    attestation_key_file: Option<PathBuf>,

    /// For a watcher: variable of the environment that holds the same.
    #[arg(long, value_name = "NAME")]
    attestation_key_env: Option<String>,

    /// For a watcher, on a chain with a challenge window: file with the key that challenges what is wrong, readable by
    /// you only. Its account on L2 pays the bonds.
    #[arg(long, value_name = "FILE", conflicts_with = "challenge_key_env")]
    challenge_key_file: Option<PathBuf>,

    /// For a watcher: variable of the environment that holds the same.
    #[arg(long, value_name = "NAME")]
    challenge_key_env: Option<String>,

    #[command(flatten)]
    messages: MessagesFlags,

    /// Folder with this node's certificate and key, as `tern cluster issue` wrote it.
    #[arg(long, value_name = "DIR")]
    identity: Option<PathBuf>,

    /// Address where other nodes connect to this one (main node, sequencer).
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,

    /// A node to connect to: HOST:PORT of the sequencer (for a prover) or the main node (for a sequencer), or
    /// ROLE@HOST:PORT. May be given several times.
    #[arg(long, value_name = "[ROLE@]HOST:PORT")]
    join: Vec<JoinTarget>,
}

pub(super) async fn run(arguments: Arguments) -> Result<ShutdownReason, Failure> {
    let mut more = Map::new();
    set(&mut more, Some("l2"), "rollup", arguments.rollup);
    set(&mut more, None, "roles", given(&arguments.roles));
    let key = key_source(
        arguments.attestation_key_file.as_deref(),
        arguments.attestation_key_env.as_deref(),
    );
    set(&mut more, Some("attestation"), "key", key);
    let key = key_source(
        arguments.challenge_key_file.as_deref(),
        arguments.challenge_key_env.as_deref(),
    );
    set(&mut more, Some("challenge"), "key", key);
    arguments.messages.put(&mut more);
    set(&mut more, Some("cluster"), "identity", arguments.identity);
    set(&mut more, Some("cluster"), "listen", arguments.listen);
    set(&mut more, Some("cluster"), "join", given(&arguments.join));
    node::run(arguments.node.resolve(more)?).await
}
