//! `tern genesis`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tern_cluster::ShutdownReason;
use tern_cluster_config::{ChainConfig, Devnet, Profile};

use super::print;
use crate::supervisor::{Failure, genesis_header};

/// Check a chain file and print what follows from it.
///
/// Prints the genesis block's hash and state root as JSON. Whoever deployed the Rollup must have given it these
/// values; anyone can recompute them.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tern genesis --chain chain.toml
  tern genesis                           the devnet's own chain
  tern genesis --print-chain > chain.json    a chain file to start from")]
pub(super) struct Arguments {
    /// Chain file (TOML or JSON); without it, the devnet's chain.
    #[arg(long, value_name = "FILE")]
    chain: Option<PathBuf>,

    /// Print the chain file itself, as JSON, instead of what follows from it.
    #[arg(long)]
    print_chain: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ShutdownReason, Failure> {
    let chain = match &arguments.chain {
        Some(path) => ChainConfig::load(path)?,
        None => Devnet::l3(Devnet::L2_CHAIN_ID.0, Profile::Secure),
    };
    let genesis = &chain.genesis;
    let header = genesis_header(&chain)?;
    let answer = if arguments.print_chain {
        json!(chain)
    } else {
        json!({
            "chainId": genesis.chain_id,
            "l2ChainId": chain.l2_chain_id,
            "l2Bridge": chain.l2_bridge,
            "profile": chain.profile,
            "hash": header.hash_slow(),
            "stateRoot": header.state_root,
            "timestamp": genesis.timestamp,
            "gasLimit": genesis.gas_limit,
            "baseFeePerGas": genesis.base_fee,
            "accounts": genesis.alloc.len(),
        })
    };
    print(&format!("{answer:#}"))?;
    Ok(ShutdownReason::Requested("done".to_owned()))
}
