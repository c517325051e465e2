//! The command line. Results go to stdout, diagnostics to stderr.
//!
//! Exit codes: 0 clean stop, 1 runtime fault, 2 usage or configuration, 3 disk and L2 disagree.

mod bridge;
mod cluster;
mod deploy;
mod devnet;
mod flags;
mod genesis;
mod logging;
mod node;
mod prover;
mod rewind;
mod security;
mod status;
mod sync;
mod takeover;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tern_cluster::ShutdownReason;

use crate::supervisor::Failure;

/// How long threads that still prove may hold up the exit.
const LAST_GRACE: Duration = Duration::from_secs(1);

/// An L3 zk-rollup in one program: transactions are confirmed at once, proven with plonky2, and verified by a
/// contract on the parent chain (L2) that trusts nobody.
#[derive(Debug, Parser)]
#[command(name = "tern", version, propagate_version = true, arg_required_else_help = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  tern devnet                                     a whole network on this machine, with an L2 of its own
  tern devnet --l2-rpc http://127.0.0.1:8545      the same on an L2 that runs already, such as anvil
  tern genesis --chain chain.toml                 what follows from a chain file: genesis hash, state root
  tern deploy --chain chain.toml --l2-rpc URL --operator-key-file operator.key --owner 0x… --guardian 0x…
  tern node --config node.toml                    a node of a deployed chain
  tern node --role prover --identity DIR --join HOST:PORT      one more prover machine
  tern sync --from-l2 --chain chain.toml --l2-rpc URL --rollup 0x…  the chain again, from L2 alone
  tern node --role watcher --chain chain.toml --l2-rpc URL --rollup 0x…      the same for ever, with an alarm
  tern bridge deposit 1.5 --key-env MY_KEY        ETH from L2 to L3; withdraw, finalize, send, force, status
  tern takeover --chain chain.toml --l2-rpc URL --rollup 0x…   a chain goes on whose operator does not
  tern rewind --config node.toml                  a halted chain goes on without what cannot be proven
  tern cluster init --authority ca --cluster NAME              certify machines
  tern cluster status --identity DIR --join HOST:PORT          who is there, and what is being proven
  tern prover drain NAME --identity DIR --join HOST:PORT       let a prover finish and leave
  tern security                                   how many bits of security each part of a proof offers

Environment:
  TERN_LOG       what is logged to stderr: error, warn, info (default), debug, trace, or by part, such as
                 info,tern::prover=debug
  TERN_…         any setting of the configuration file, for example TERN_RPC__LISTEN=0.0.0.0:3050

Exit codes:
  0 clean stop    1 runtime fault    2 usage or configuration    3 disk and L2 disagree";

#[derive(Debug, Subcommand)]
enum Command {
    Devnet(devnet::Arguments),
    Node(node::Arguments),
    Cluster(cluster::Arguments),
    Prover(prover::Arguments),
    Deploy(deploy::Arguments),
    Bridge(bridge::Arguments),
    Sync(sync::Arguments),
    Rewind(rewind::Arguments),
    Takeover(takeover::Arguments),
    Genesis(genesis::Arguments),
    Security(security::Arguments),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // Nodes say what they do; the other commands what they found.
    let usual = match cli.command {
        Command::Cluster(_) | Command::Prover(_) | Command::Security(_) | Command::Bridge(_) => {
            "off"
        }
        _ => "info",
    };
    if let Err(failure) = logging::start(usual) {
        return report(&failure);
    }
    match run(cli.command) {
        Ok(reason) => ExitCode::from(&reason),
        Err(failure) => report(&failure),
    }
}

fn run(command: Command) -> Result<ShutdownReason, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::fault(format!("threads cannot be started: {error}")))?;
    let outcome = runtime.block_on(async {
        match command {
            Command::Devnet(arguments) => devnet::run(arguments).await,
            Command::Node(arguments) => node::run(arguments).await,
            Command::Deploy(arguments) => deploy::run(arguments).await,
            Command::Bridge(arguments) => bridge::run(arguments).await,
            Command::Sync(arguments) => sync::run(arguments).await,
            Command::Takeover(arguments) => takeover::run(arguments).await,
            Command::Rewind(arguments) => rewind::run(arguments).await,
            Command::Genesis(arguments) => genesis::run(&arguments),
            Command::Security(arguments) => security::run(&arguments),
            Command::Cluster(arguments) => cluster::run(arguments).await,
            Command::Prover(arguments) => prover::run(arguments).await,
        }
    });
    // A proving job cannot be waited for; its loss costs only time.
    runtime.shutdown_timeout(LAST_GRACE);
    if let Ok(ShutdownReason::Requested(_)) = &outcome {
        return outcome;
    }
    // The reason has been logged where it arose; here is the one sentence for the terminal.
    match outcome {
        Ok(reason) => Err(Failure(reason)),
        failed => failed,
    }
}

/// Prints a result.
fn print(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{text}")
        .map_err(|error| Failure::fault(format!("stdout cannot be written: {error}")))
}

fn report(failure: &Failure) -> ExitCode {
    // Nowhere to say it if stderr is closed.
    let _ = writeln!(io::stderr(), "error: {failure}");
    ExitCode::from(&failure.0)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_every_argument_is_described() {
        let mut command = Cli::command();
        command.build();
        command.clone().debug_assert();
        for sub in command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help")
        {
            assert!(
                sub.get_about().is_some(),
                "{} has no description",
                sub.get_name()
            );
            assert!(
                sub.get_after_help().is_some(),
                "{} has no example",
                sub.get_name()
            );
            for argument in sub.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{} {}",
                    sub.get_name(),
                    argument.get_id()
                );
            }
        }
    }

    #[test]
    fn misspelt_flags_and_values_are_usage_errors() {
        for line in [
            "tern devnet --l2-rcp http://h",
            "tern devnet --profile fast",
            "tern devnet --l2-rpc ftp://h",
            "tern devnet --rpc everywhere",
            "tern deploy",
            "tern fly",
        ] {
            let error = Cli::try_parse_from(line.split(' ')).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
