//! `tern deploy`.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};
use tern_cluster::ShutdownReason;
use tern_cluster_config::{ChainConfig, NodeConfig, Profile, SecretUrl};
use tern_execution::ChainRules;
use tern_messages::ChainId;
use tern_settlement::{L2, L2Endpoint};

use super::flags::{AttestationFlags, KeyFlags, parse_url, set};
use super::print;
use crate::deployment::{Contract, Deployer, deploy};
use crate::main_node::genesis_block;
use crate::node::follow_policy;
use crate::supervisor::Failure;

/// Deploy the contracts of a chain to L2.
///
/// Prints the addresses as JSON. The operator's account pays, and owns the Rollup. With --watcher-account, nothing is
/// verified without the signatures of watchers who have executed it as well. Proofs of the profile
/// insecure-test can be forged by anyone: a chain with it is refused unless --allow-insecure-test is given.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tern deploy --chain chain.toml --l2-rpc https://l2.example.org --operator-key-file operator.key
  TERN_OPERATOR_KEY=0x… tern deploy --chain chain.toml --l2-rpc http://127.0.0.1:8545 \\
       --operator-key-env TERN_OPERATOR_KEY
  tern deploy --chain chain.toml --l2-rpc https://l2.example.org --operator-key-file operator.key \\
       --watcher-account 0x… --watcher-account 0x… --watcher-account 0x… --attestations 2")]
pub(super) struct Arguments {
    /// Chain file (TOML or JSON).
    #[arg(long, value_name = "FILE")]
    chain: PathBuf,

    /// RPC server of the L2. Tokens in it are never printed.
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    l2_rpc: SecretUrl,

    #[command(flatten)]
    key: KeyFlags,

    #[command(flatten)]
    attestation: AttestationFlags,

    /// L2 blocks that must hold each contract before it counts as deployed.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    confirmations: u64,

    /// Accept the profile insecure-test.
    #[arg(long)]
    allow_insecure_test: bool,
}

pub(super) async fn run(arguments: Arguments) -> Result<ShutdownReason, Failure> {
    let chain = ChainConfig::load(&arguments.chain)?;
    if chain.profile == Profile::InsecureTest && !arguments.allow_insecure_test {
        return Err(Failure::configuration(
            "the chain's profile is insecure-test: anyone can forge its proofs, and take what it holds. Give \
             --allow-insecure-test if nothing of value will ever be there",
        ));
    }
    let config = NodeConfig::resolve(None, settings(&arguments))?;
    let source = config.l2.operator_key.as_ref().ok_or_else(|| {
        Failure::configuration("give the key that pays: --operator-key-file or --operator-key-env")
    })?;
    let operator = source.load()?;
    let rules = ChainRules::provable(chain.genesis.chain_id);
    let genesis = genesis_block(&chain.genesis, &rules)
        .map_err(Failure::configuration)?
        .block;
    let mut endpoint = L2Endpoint::new(arguments.l2_rpc.expose().clone());
    endpoint.timeout = config.l2.request_timeout;
    let l2 = L2::connect_to(endpoint, ChainId(chain.l2_chain_id)).await?;
    let contract = Contract {
        chain: &chain,
        genesis: &genesis.header,
    };
    let policy = follow_policy(&config, chain.l2_chain_id);
    let deployer = Deployer {
        l2,
        operator,
        policy,
        attestation: config.attestation,
    };
    let deployment = deploy(deployer, contract).await?;
    print(&format!("{:#}", json!(deployment)))?;
    Ok(ShutdownReason::Requested("done".to_owned()))
}

fn settings(arguments: &Arguments) -> Value {
    let (mut top, l2) = (Map::new(), Some("l2"));
    set(&mut top, l2, "confirmations", Some(arguments.confirmations));
    set(&mut top, l2, "operator_key", arguments.key.source());
    arguments.attestation.put(&mut top);
    Value::Object(top)
}
