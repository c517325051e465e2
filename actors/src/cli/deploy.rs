//! `tern deploy`.

use std::path::PathBuf;
use std::time::Duration;

use alloy::primitives::Address;
use clap::Args;
use serde_json::{Map, Value, json};
use tern_cluster::ShutdownReason;
use tern_cluster_config::{ChainConfig, NodeConfig, Profile, SecretUrl};
use tern_messages::ChainId;
use tern_settlement::{Deadlines, L2, L2Endpoint};

use super::flags::{AttestationFlags, DisputeFlags, KeyFlags, parse_url, set};
use super::print;
use crate::deployment::{
    Contract, DEFAULT_DEADLINES, DEFAULT_DELAY, Deployer, deploy, usual_deadlines,
};
use crate::node::follow_policy;
use crate::supervisor::{Failure, genesis_header};

/// Deploy the contracts of a chain to L2.
///
/// Prints the addresses as JSON. The operator's account pays, and commits batches afterwards. The owner appoints operator
/// and guardian and replaces the verifier behind the delay; the guardian pauses the chain for three days at most. They are
/// different accounts, with keys in different places, and neither is one of the watchers. With --watcher-account, nothing
/// is verified without the signatures of watchers who have executed it as well. Proofs of the profile insecure-test can
/// be forged by anyone: a chain with it is refused unless --allow-insecure-test is given.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tern deploy --chain chain.toml --l2-rpc https://l2.example.org --operator-key-file operator.key \\
       --owner 0x… --guardian 0x…
  TERN_OPERATOR_KEY=0x… tern deploy --chain chain.toml --l2-rpc http://127.0.0.1:8545 \\
       --operator-key-env TERN_OPERATOR_KEY --owner 0x… --guardian 0x…
  tern deploy --chain chain.toml --l2-rpc https://l2.example.org --operator-key-file operator.key \\
       --owner 0x… --guardian 0x… --delay-days 14 \\
       --watcher-account 0x… --watcher-account 0x… --watcher-account 0x… --attestations 2
  tern deploy --chain chain.toml --l2-rpc https://l2.example.org --operator-key-file operator.key \\
       --owner 0x… --guardian 0x… --challenge-window 7days --proof-time 3days --stake 10 --bond 1")]
pub(super) struct Arguments {
    /// Chain file (TOML or JSON).
    #[arg(long, value_name = "FILE")]
    chain: PathBuf,

    /// RPC server of the L2. Tokens in it are never printed.
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    l2_rpc: SecretUrl,

    #[command(flatten)]
    key: KeyFlags,

    /// Account that appoints operator and guardian, and replaces the verifier behind the delay.
    #[arg(long, value_name = "ADDRESS")]
    owner: Address,

    /// Account that may pause commits and proofs for three days.
    #[arg(long, value_name = "ADDRESS")]
    guardian: Address,

    /// Days from the announcement of another verifier to its use, and from a halt to its end. Longer than the week in
    /// which users can leave.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_DELAY.as_secs() / DAY.as_secs(),
        value_parser = clap::value_parser!(u64).range(8..=90))]
    delay_days: u64,

    /// Hours that a message or a forced transaction may wait for its block [default: 24; with a challenge window, a day
    /// more than a challenge takes].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=720))]
    inclusion_hours: Option<u64>,

    /// Hours that what is due or committed may wait further, until anyone may commit and prove [default: 168; with a
    /// challenge window, four days more than a challenge takes at least].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(73..=720))]
    liveness_hours: Option<u64>,

    /// Hours after that, until anyone may freeze the chain, so that users take out what they own.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_DEADLINES.emergency.as_secs() / HOUR.as_secs(),
        value_parser = clap::value_parser!(u64).range(1..=720))]
    emergency_hours: u64,

    #[command(flatten)]
    attestation: AttestationFlags,

    /// L2 blocks that must hold each contract before it counts as deployed.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    confirmations: u64,

    /// Accept the profile insecure-test.
    #[arg(long)]
    allow_insecure_test: bool,

    // Its heading is that of all that follow.
    #[command(flatten)]
    disputes: DisputeFlags,
}

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

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
    let watchers = config.attestation.accounts.iter();
    let accounts = [
        ("the operator", operator.address()),
        ("the owner", arguments.owner),
        ("the guardian", arguments.guardian),
    ];
    expect_different(
        accounts
            .into_iter()
            .chain(watchers.map(|&account| ("a watcher", account))),
    )?;
    let genesis = genesis_header(&chain)?;
    let mut endpoint = L2Endpoint::new(arguments.l2_rpc.expose().clone());
    endpoint.timeout = config.l2.request_timeout;
    let l2 = L2::connect_to(endpoint, ChainId(chain.l2_chain_id)).await?;
    let contract = Contract {
        chain: &chain,
        genesis: &genesis,
    };
    let policy = follow_policy(&config, chain.l2_chain_id);
    let disputes = arguments.disputes.terms();
    let usual = usual_deadlines(disputes.as_ref());
    let deadlines = Deadlines {
        inclusion: arguments.inclusion_hours.map_or(usual.inclusion, hours),
        liveness: arguments.liveness_hours.map_or(usual.liveness, hours),
        emergency: hours(arguments.emergency_hours),
    };
    if let Some(terms) = &disputes {
        arguments
            .disputes
            .check(terms, &deadlines, &config.attestation)?;
    }
    let deployer = Deployer {
        l2,
        operator,
        owner: arguments.owner,
        guardian: arguments.guardian,
        delay: Duration::from_secs(arguments.delay_days * DAY.as_secs()),
        deadlines,
        disputes,
        policy,
        attestation: config.attestation,
    };
    let deployment = deploy(deployer, contract).await?;
    print(&format!("{:#}", json!(deployment)))?;
    Ok(ShutdownReason::Requested("done".to_owned()))
}

fn hours(number: u64) -> Duration {
    Duration::from_secs(number * HOUR.as_secs())
}

/// Whoever holds two of the roles holds what they are to guard each other from.
fn expect_different(
    accounts: impl Iterator<Item = (&'static str, Address)>,
) -> Result<(), Failure> {
    let mut known: Vec<(&str, Address)> = Vec::new();
    for (role, account) in accounts {
        if account.is_zero() {
            return Err(Failure::configuration(format!(
                "{role} has the account 0x0, which nobody holds"
            )));
        }
        if let Some((other, _)) = known.iter().find(|(_, before)| *before == account) {
            return Err(Failure::configuration(format!(
                "{account} is {other} and {role}: whoever steals that key could do what both may. Give a different \
                 account to each of operator, owner, guardian and watchers"
            )));
        }
        known.push((role, account));
    }
    Ok(())
}

fn settings(arguments: &Arguments) -> Value {
    let (mut top, l2) = (Map::new(), Some("l2"));
    set(&mut top, l2, "confirmations", Some(arguments.confirmations));
    set(&mut top, l2, "operator_key", arguments.key.source());
    arguments.attestation.put(&mut top);
    Value::Object(top)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_for_two_of_the_roles_is_a_usage_error() {
        let account = Address::repeat_byte;
        let refusal = |accounts: &[(&'static str, u8)]| {
            let accounts = accounts.iter().map(|&(role, byte)| (role, account(byte)));
            expect_different(accounts)
        };
        let roles = ["the operator", "the owner", "the guardian", "a watcher"];
        let all: Vec<_> = roles.into_iter().zip(1..).collect();
        assert!(refusal(&all).is_ok());
        for (first, second) in [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)] {
            let mut accounts = all.clone();
            accounts[second].1 = accounts[first].1;
            let failure = refusal(&accounts).unwrap_err();
            let text = format!("{failure:?}");
            for part in [roles[first], roles[second]] {
                assert!(text.contains(part), "{text}");
            }
        }
        assert!(refusal(&[("the owner", 0)]).is_err());
    }
}
