//! `tern takeover`.

use alloy::primitives::Address;
use clap::Args;
use serde_json::Map;
use tern_cluster::ShutdownReason;

use super::flags::{MessagesFlags, NodeFlags, set};
use crate::node;
use crate::supervisor::Failure;

/// Go on with a chain whose operator does not.
///
/// When a message, a forced transaction or a committed batch has waited too long, the contract lets anyone commit, with a proof
/// by the same call. This makes the chain from what L2 holds, up to the verified block, and runs main node, sequencer, prover
/// and bridge on it: messages and forced transactions that wait are processed, and so is what users send here. What the operator has
/// confirmed or committed and not proven is dropped. Where messages wait, give a key whose account has ETH on L3 for their gas:
/// `--messages-key-file`. Any key of L2 with funds for gas will do; once nothing waits any more, the
/// contract takes no more from it. Watch that with `tern bridge status`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tern takeover --chain chain.toml --l2-rpc https://l2.example.org --rollup 0x… --operator-key-file mine.key \\
       --data-dir taken-over
  tern takeover --config node.toml")]
pub(super) struct Arguments {
    #[command(flatten)]
    node: NodeFlags,

    /// The Rollup contract on L2.
    #[arg(long, value_name = "ADDRESS")]
    rollup: Option<Address>,

    #[command(flatten)]
    messages: MessagesFlags,
}

pub(super) async fn run(arguments: Arguments) -> Result<ShutdownReason, Failure> {
    let mut more = Map::new();
    set(&mut more, Some("l2"), "rollup", arguments.rollup);
    arguments.messages.put(&mut more);
    node::take_over(arguments.node.resolve(more)?).await
}
