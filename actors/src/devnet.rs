//! A whole network in one process.
//!
//! ```text
//! listeners ─▶ embedded L2 (or a given one) ─▶ L3 main node and RPC ─▶ contracts ─▶ sequencer, prover, bridge
//!                                                  answers from here on
//! ```

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::TcpListener;
use std::path::Path;

use alloy::primitives::hex;
use alloy::signers::local::PrivateKeySigner;
use tern_cluster::{Process, ShutdownReason};
use tern_cluster_config::{
    ChainConfig, ConfigError, DEVELOPMENT_MNEMONIC, Devnet, KeySource, NodeConfig, Profile,
    SecretUrl, development_key,
};
use tern_messages::{BlockNumber, Role};
use tern_settlement::{DisputeTerms, L2, L2Endpoint};
use tracing::info;

use crate::deployment::{Contract, DEFAULT_DELAY, Deployer, Deployment, deploy, usual_deadlines};
use crate::embedded_l2;
use crate::main_node::ChainSpec;
use crate::node::{Deployed, Network, follow_policy, processor, start_l3};
use crate::rpc;
use crate::supervisor::{self, Failure};

/// The development account that has messages from L2 processed.
const PROCESSOR: u32 = 8;

/// Runs the network until it is stopped.
///
/// # Errors
/// If it cannot start; the failure carries the exit code.
pub async fn run(
    config: NodeConfig,
    profile: Profile,
    disputes: Option<DisputeTerms>,
) -> Result<ShutdownReason, Failure> {
    if config.l2.rollup.is_some() {
        return Err(Failure::configuration(
            "l2.rollup is set, but the devnet deploys its own contracts; use `tern node` for those that exist",
        ));
    }
    if config.roles.contains(&Role::Watcher) {
        return Err(Failure::configuration(
            "a watcher is none of the devnet's roles; start one beside it: tern node --role watcher",
        ));
    }
    let files = Files::read(&config)?;
    let listener = rpc::bind(config.rpc.listen, "rpc.listen", "--rpc")?;
    supervisor::run(config.stop_within, async |process| {
        start(process, &config, profile, disputes, files, listener).await
    })
    .await
}

/// What the configuration names by path: read before anything is started or written.
struct Files {
    chain: Option<ChainConfig>,
    operator: Option<PrivateKeySigner>,
    processor: Option<PrivateKeySigner>,
}

impl Files {
    fn read(config: &NodeConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            chain: config.chain.as_deref().map(ChainConfig::load).transpose()?,
            operator: config
                .l2
                .operator_key
                .as_ref()
                .map(KeySource::load)
                .transpose()?,
            processor: processor(config)?.or_else(|| Some(development_key(PROCESSOR))),
        })
    }
}

async fn start(
    process: &Process,
    config: &NodeConfig,
    profile: Profile,
    disputes: Option<DisputeTerms>,
    files: Files,
    listener: TcpListener,
) -> Result<(), Failure> {
    let l2_url = l2_url(process, config).await?;
    let l2 = connect(&l2_url, config).await?;
    let l2_chain_id = l2.chain_id().0;
    let chain = files
        .chain
        .unwrap_or_else(|| Devnet::l3(l2_chain_id, profile));
    chain.check()?;
    let operator = match files.operator {
        Some(key) => key,
        None => development_operator(l2_chain_id)?,
    };
    let spec = ChainSpec {
        processor: files.processor,
        ..ChainSpec::rollup(&chain, config.sealing, config.pool)
    };
    let (node, address) = start_l3(process, config, spec, listener).await?;
    let genesis = node.chain.expect_header(BlockNumber(0))?.header;
    let contract = Contract {
        chain: &chain,
        genesis: &genesis,
    };
    let deployment = match Deployment::read(&config.data_dir, contract)? {
        Some(stored) if stored.disputes.is_none() && disputes.is_some() => {
            return Err(Failure::configuration(
                "the contracts of this data directory were deployed without --challenge-window; choose another directory with \
                 --data-dir, or leave it out",
            ));
        }
        Some(stored) => stored,
        None => {
            let deployer = Deployer {
                l2: l2.clone(),
                operator: operator.clone(),
                // Nothing of value is here: one account is everything.
                owner: operator.address(),
                guardian: operator.address(),
                delay: DEFAULT_DELAY,
                deadlines: usual_deadlines(disputes.as_ref()),
                disputes,
                policy: follow_policy(config, chain.l2_chain_id),
                attestation: config.attestation.clone(),
            };
            deploy(deployer, contract).await?
        }
    };
    let deployment = Deployment {
        l2_rpc_url: l2_url.to_string(),
        l3_rpc_url: format!("http://{address}"),
        ..deployment
    };
    let path = deployment.write(&config.data_dir)?;
    info!(target: "tern::devnet", file = %path.display(), "addresses written");
    let deployed = Deployed {
        chain,
        l2: l2.endpoint().clone(),
        rollup: deployment.rollup,
    };
    let network = Network {
        deployed,
        operator,
        takeover: false,
    };
    network.start_roles(process, config, &node).await?;
    announce(&deployment, &path)
}

/// The L2 to use: the given one, or one of our own.
async fn l2_url(process: &Process, config: &NodeConfig) -> Result<SecretUrl, Failure> {
    if let Some(url) = &config.l2.rpc_url {
        return Ok(url.clone());
    }
    let listener = rpc::bind(
        config.l2.embedded_listen,
        "l2.embedded_listen",
        "--l2-listen",
    )?;
    let url = embedded_l2::start(process, &config.data_dir, listener, config.rpc).await?;
    url.parse().map_err(Failure::fault)
}

async fn connect(url: &SecretUrl, config: &NodeConfig) -> Result<L2, Failure> {
    let mut endpoint = L2Endpoint::new(url.expose().clone());
    endpoint.timeout = config.l2.request_timeout;
    Ok(L2::connect(endpoint).await?)
}

/// The first development account, which has funds on a development L2.
fn development_operator(l2_chain_id: u64) -> Result<PrivateKeySigner, ConfigError> {
    if l2_chain_id == Devnet::L2_CHAIN_ID.0 {
        return Ok(development_key(0));
    }
    Err(ConfigError::Value {
        key: "l2.operator_key",
        problem: format!(
            "must be set (--operator-key-file): L2 is chain {l2_chain_id}, and only on {} has the public \
             development account funds",
            Devnet::L2_CHAIN_ID
        ),
    })
}

/// Says on stdout where everything is.
fn announce(deployment: &Deployment, file: &Path) -> Result<(), Failure> {
    let places = BTreeMap::from([
        (
            "L2 RPC",
            format!(
                "{} (chain {})",
                deployment.l2_rpc_url, deployment.l2_chain_id
            ),
        ),
        (
            "L3 RPC",
            format!(
                "{} (chain {})",
                deployment.l3_rpc_url, deployment.l3_chain_id
            ),
        ),
        ("Plonky2Verifier on L2", deployment.verifier.to_string()),
        ("Proofs", format!("{} profile", deployment.profile)),
        ("Rollup on L2", deployment.rollup.to_string()),
        ("Bridge on L2", deployment.bridge.to_string()),
    ]);
    let mut text = String::from("\nTern devnet is ready.\n\n");
    for (name, place) in places {
        text += &format!("  {name:<22} {place}\n");
    }
    text +=
        &format!("\n  Development accounts, funded on L3: mnemonic \"{DEVELOPMENT_MNEMONIC}\"\n");
    for index in 0..3 {
        let key = development_key(index);
        text += &format!(
            "    {} key {}\n",
            key.address(),
            hex::encode_prefixed(key.to_bytes())
        );
    }
    if deployment.l2_chain_id == Devnet::L2_CHAIN_ID.0 {
        let key = hex::encode_prefixed(development_key(1).to_bytes());
        let program = std::env::args().next().unwrap_or_else(|| "tern".to_owned());
        let file = file.display();
        text += &format!(
            "\n  A first deposit from L2, to try in another terminal:\n    \
             KEY={key} {program} bridge deposit 1.5 --key-env KEY --deployment {file}\n"
        );
    }
    writeln!(io::stdout(), "{text}").map_err(Failure::fault)
}
