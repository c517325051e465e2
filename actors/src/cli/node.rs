//! `tern node`.

use alloy::primitives::Address;
use clap::Args;
use serde_json::{Map, json};
use tern_cluster::ShutdownReason;

use super::flags::NodeFlags;
use crate::node;
use crate::supervisor::Failure;

/// Run a node of a chain whose contracts are deployed.
///
/// Runs the roles named in the configuration file (`roles`; by default all of them) in this process. Chain file,
/// L2, contract and operator key must be given; nothing is deployed and no key has a default.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tern node --config node.toml
  tern node --chain chain.toml --l2-rpc https://l2.example.org --rollup 0x… \\
       --operator-key-file operator.key --data-dir /var/lib/tern")]
pub(super) struct Arguments {
    #[command(flatten)]
    node: NodeFlags,

    /// The Rollup contract on L2.
    #[arg(long, value_name = "ADDRESS")]
    rollup: Option<Address>,
}

pub(super) async fn run(arguments: Arguments) -> Result<ShutdownReason, Failure> {
    let mut more = Map::new();
    if let Some(address) = arguments.rollup {
        more.insert("l2".to_owned(), json!({ "rollup": address }));
    }
    node::run(arguments.node.resolve(more)?).await
}
