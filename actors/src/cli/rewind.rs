//! `tern rewind`.

use alloy::primitives::{Address, B256};
use clap::Args;
use serde_json::{Map, Value, json};
use tern_cluster::ShutdownReason;
use tern_cluster_config::{ChainConfig, Devnet, NodeConfig, Profile};
use tern_messages::BlockNumber;
use tracing::warn;

use super::flags::{ChainFlags, set};
use super::print;
use crate::main_node::{
    Chain, ChainSpec, Reconfirmed, Refusals, RewindRequest, Rewound, allow, reconfirm, rewind,
};
use crate::node::Deployed;
use crate::supervisor::{Failure, open_chain};

/// Take blocks back, so that a halted chain goes on without a transaction that cannot be proven.
///
/// For a main node that is stopped. Removes the blocks after --to from main-node/ below the data directory, refuses the
/// transaction that halted the chain from then on, and executes all others again, in their order. What cannot be executed
/// any more is named in the result (JSON). Sequencers follow by themselves. Blocks that L2 has verified stay; batches that
/// are committed and not verified are replaced on L2. Interrupted, it is given again. With --allow, it lifts refusals and
/// takes nothing back.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tern rewind --chain chain.toml --l2-rpc https://l2.example.org --rollup 0x… --data-dir main-data
  tern rewind --config node.toml --to 120 --refuse 0x… --refuse 0x… --refuse-senders
  tern rewind --offline --data-dir devnet-data          the devnet with an L2 of its own
  tern rewind --config node.toml --allow 0x…            the prover was mended: the transaction is welcome again")]
pub(super) struct Arguments {
    #[command(flatten)]
    chain: ChainFlags,

    /// The Rollup contract on L2.
    #[arg(long, value_name = "ADDRESS")]
    rollup: Option<Address>,

    /// Do not ask L2 what it has verified, and go by what the main node last heard of it. For an L2 that cannot be asked.
    #[arg(long)]
    offline: bool,

    /// The last block that stays [default: the one before the block that halted the chain].
    #[arg(long, value_name = "BLOCK")]
    to: Option<u64>,

    /// Hash of a transaction that is refused from now on, beside the one that halted the chain. May be given several times.
    #[arg(long, value_name = "HASH")]
    refuse: Vec<B256>,

    /// Also refuse everything else that the senders of refused transactions send.
    #[arg(long)]
    refuse_senders: bool,

    /// Hash of a transaction that is not refused any more. May be given several times.
    #[arg(long, value_name = "HASH", conflicts_with_all = ["to", "refuse", "refuse_senders"])]
    allow: Vec<B256>,

    /// Account whose transactions are not refused any more. May be given several times.
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["to", "refuse", "refuse_senders"])]
    allow_sender: Vec<Address>,
}

pub(super) async fn run(arguments: Arguments) -> Result<ShutdownReason, Failure> {
    let mut more = Map::new();
    set(&mut more, Some("l2"), "rollup", arguments.rollup);
    let config = arguments.chain.resolve(more)?;
    let lifts = !(arguments.allow.is_empty() && arguments.allow_sender.is_empty());
    let verified = match lifts || arguments.offline {
        true => BlockNumber(0),
        false => verified_block(&config).await?,
    };
    let spec = ChainSpec::rollup(&chain(&config)?, config.sealing, config.pool);
    let directory = config.data_dir.join("main-node");
    if !directory.exists() {
        let directory = directory.display();
        return Err(Failure::configuration(format!(
            "{directory} does not exist; say with --data-dir where the main node's data is"
        )));
    }
    let chain = open_chain(directory, spec).await?;
    let work = move || match lifts {
        true => lift(&chain, &arguments),
        false => take_back(&chain, &arguments, verified),
    };
    let answer = tokio::task::spawn_blocking(work).await;
    print(&format!("{:#}", answer.map_err(Failure::fault)??))?;
    Ok(ShutdownReason::Requested("done".to_owned()))
}

/// The chain file's chain; without one, the devnet's.
fn chain(config: &NodeConfig) -> Result<ChainConfig, Failure> {
    Ok(match &config.chain {
        Some(path) => ChainConfig::load(path)?,
        None => Devnet::l3(Devnet::L2_CHAIN_ID.0, Profile::Secure),
    })
}

/// The last block that L2 has verified.
async fn verified_block(config: &NodeConfig) -> Result<BlockNumber, Failure> {
    let deployed = Deployed::configured(config)?;
    let status = deployed.connect().await?.status().await?;
    Ok(status.verified_block)
}

fn lift(chain: &Chain, arguments: &Arguments) -> Result<Value, Failure> {
    allow(chain, &arguments.allow, &arguments.allow_sender)?;
    Ok(refused(&Refusals::on_disk(&chain.store)?))
}

fn take_back(
    chain: &Chain,
    arguments: &Arguments,
    verified: BlockNumber,
) -> Result<Value, Failure> {
    if arguments.offline {
        warn!(target: "tern::main_node", "L2 was not asked what it has verified");
    }
    let request = RewindRequest {
        to: arguments.to.map(BlockNumber),
        refuse: arguments.refuse.clone(),
        refuse_senders: arguments.refuse_senders,
        verified,
    };
    let rewound = rewind(chain, &request)?;
    let again = reconfirm(chain.clone())?;
    Ok(report(&rewound, &again, &Refusals::on_disk(&chain.store)?))
}

fn report(rewound: &Rewound, again: &Reconfirmed, refusals: &Refusals) -> Value {
    let lost = again.lost.iter().map(|lost| {
        json!({
            "transaction": lost.transaction,
            "sender": lost.sender,
            "nonce": lost.nonce,
            "reason": lost.reason.to_string(),
        })
    });
    let replaced = rewound.replaced;
    json!({
        "lastBlock": rewound.kept,
        "removedBlocks": rewound.removed,
        "batchesToReplace": replaced.map(|(first, last)| json!({ "first": first, "last": last })),
        "executedAgain": again.executed,
        "lost": lost.collect::<Vec<_>>(),
        "refused": refused(refusals),
    })
}

fn refused(refusals: &Refusals) -> Value {
    json!({ "transactions": refusals.transactions, "senders": refusals.senders })
}
