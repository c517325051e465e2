//! `tern devnet`.

use std::net::SocketAddr;

use clap::Args;
use serde_json::Map;
use tern_cluster::ShutdownReason;
use tern_cluster_config::Profile;

use super::flags::{AttestationFlags, DisputeFlags, NodeFlags, set};
use crate::deployment::usual_deadlines;
use crate::devnet;
use crate::supervisor::Failure;

/// Run a whole network in this process.
///
/// Main node, sequencer, prover and bridge, and an L2 of its own unless --l2-rpc names one. Deploys the contracts,
/// prints where everything is, and writes it to DIR/deployment.json. Started again on the same directory, it goes
/// on where it was. The accounts of the well-known test mnemonic have funds: use it for development only.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tern devnet
  tern devnet --data-dir /tmp/net --rpc 127.0.0.1:0 --l2-listen 127.0.0.1:0
  tern devnet --l2-rpc http://127.0.0.1:8545 --data-dir on-anvil
  TERN_SEALING__MIN_INTERVAL=10s tern devnet
  cast send --rpc-url http://127.0.0.1:3050 --mnemonic 'test test test test test test test test test test test junk' \\
       0x000000000000000000000000000000000000dEaD --value 1ether")]
pub(super) struct Arguments {
    #[command(flatten)]
    node: NodeFlags,

    /// Security of the proofs: secure, or insecure-test (quick and worthless) [default: secure].
    #[arg(long, value_name = "PROFILE", conflicts_with = "chain", value_parser = clap::builder::PossibleValuesParser::new(["secure", "insecure-test"]))]
    profile: Option<String>,

    /// Address of the embedded L2's RPC server [default: 127.0.0.1:8545].
    #[arg(long, value_name = "ADDRESS", conflicts_with = "l2_rpc")]
    l2_listen: Option<SocketAddr>,

    #[command(flatten)]
    attestation: AttestationFlags,

    #[command(flatten)]
    disputes: DisputeFlags,
}

pub(super) async fn run(arguments: Arguments) -> Result<ShutdownReason, Failure> {
    let mut more = Map::new();
    set(
        &mut more,
        Some("l2"),
        "embedded_listen",
        arguments.l2_listen,
    );
    arguments.attestation.put(&mut more);
    let config = arguments.node.resolve(more)?;
    let profile = arguments
        .profile
        .as_deref()
        .map(str::parse::<Profile>)
        .transpose()?;
    let disputes = arguments.disputes.terms();
    if let Some(terms) = &disputes {
        let deadlines = usual_deadlines(disputes.as_ref());
        arguments
            .disputes
            .check(terms, &deadlines, &config.attestation)?;
    }
    devnet::run(config, profile.unwrap_or_default(), disputes).await
}
