//! `tern sync`.

use alloy::primitives::Address;
use clap::Args;
use serde_json::{Map, json};
use tern_cluster::ShutdownReason;

use super::flags::{ChainFlags, set};
use super::print;
use crate::main_node::{ChainSpec, reported_finality};
use crate::node::Deployed;
use crate::supervisor::{Failure, open_chain};

/// Make a chain again from what L2 holds of it.
///
/// Reads every committed batch from L2, executes its blocks, and stores blocks, state, receipts and indices as the
/// main node does, in main-node/ below the data directory, and what a sequencer needs to go on there in sequencer/: a
/// node with all roles can be started on it. Ends at the last committed batch, with the state root that L2 has verified. Interrupted, it goes on where it was. A batch that is not what
/// its transactions make of the state before it is named, and ends the command with exit code 3. What was confirmed
/// and not yet committed is not on L2.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tern sync --from-l2 --chain chain.toml --l2-rpc https://l2.example.org --rollup 0x… --data-dir rebuilt
  tern sync --from-l2 --config node.toml")]
pub(super) struct Arguments {
    /// Take everything from L2: the only source there is.
    #[arg(long, required = true)]
    from_l2: bool,

    #[command(flatten)]
    chain: ChainFlags,

    /// The Rollup contract on L2.
    #[arg(long, value_name = "ADDRESS")]
    rollup: Option<Address>,
}

pub(super) async fn run(arguments: Arguments) -> Result<ShutdownReason, Failure> {
    let mut more = Map::new();
    set(&mut more, Some("l2"), "rollup", arguments.rollup);
    let config = arguments.chain.resolve(more)?;
    let deployed = Deployed::configured(&config)?;
    let directory = config.data_dir.join("sequencer");
    let sequencer = open_chain(directory, ChainSpec::replica(&deployed.chain)).await?;
    let derivation = deployed.derivation(&config, "main-node").await?;
    let derivation = derivation.for_sequencer(sequencer)?;
    let status = derivation.follow().await?;
    let chain = derivation.chain();
    let (batch, block) = reported_finality(chain)?.committed;
    let last = chain.expect_header(block)?;
    let answer = json!({
        "committedBatch": batch,
        "block": block,
        "blockHash": last.hash,
        "stateRoot": last.header.state_root,
        "verifiedBatch": status.last_verified,
        "verifiedBlock": status.verified_block,
        "verifiedStateRoot": status.verified_state_root,
    });
    print(&format!("{answer:#}"))?;
    Ok(ShutdownReason::Requested("done".to_owned()))
}
