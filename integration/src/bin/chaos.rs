//! A cluster on this machine, and everything that can go wrong with it. Started by `scripts/chaos`.
//!
//! Exit codes: 0 nothing was lost, 1 something was, 2 it cannot run here.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use tern_integration::chaos::report::Report;
use tern_integration::chaos::world::{World, enter};
use tern_integration::chaos::{Plan, run};

/// Run a cluster of real processes in network namespaces, and kill, freeze, cut off, slow down, fill up and confuse its
/// nodes under steady load. After each fault everything is looked at: nothing confirmed may be lost.
#[derive(Debug, Parser)]
#[command(after_help = "\
Examples:
  scripts/chaos                          a dozen faults, some minutes
  scripts/chaos --long                   an hour's worth
  scripts/chaos --seed 7 --rounds 30     the same faults as every other run with this seed

Exit codes: 0 nothing was lost, 1 something was, 2 it cannot run here")]
struct Arguments {
    /// Draws the faults [default: a new one].
    #[arg(long)]
    seed: Option<u64>,

    /// How many rounds of faults.
    #[arg(long)]
    rounds: Option<usize>,

    /// Many rounds, and longer faults.
    #[arg(long, conflicts_with = "short")]
    long: bool,

    /// Few rounds, short faults and two provers: some four minutes on two cores.
    #[arg(long)]
    short: bool,

    /// Where namespaces cannot be made, run on loopback addresses, with the faults that are possible there.
    #[arg(long)]
    or_loopback: bool,

    /// Where the report goes, as JSON. The table goes to stdout.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Keeps data and logs of all nodes in this new folder.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let world = match enter() {
        Ok(world) => world,
        Err(error) if arguments.or_loopback => {
            eprintln!("on loopback addresses only: {error:#}");
            World::Loopback
        }
        Err(error) => {
            eprintln!(
                "error: {error:#}\nrun it as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, \
                 user.max_user_namespaces), or give --or-loopback"
            );
            return ExitCode::from(2);
        }
    };
    match go(&arguments, world) {
        Ok(report) if report.is_well() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn go(arguments: &Arguments, world: World) -> Result<Report> {
    let seconds = Duration::from_secs;
    let usual = Plan {
        seed: arguments
            .seed
            .unwrap_or_else(|| u64::from(std::process::id()) ^ now()),
        rounds: 14,
        lasts: (seconds(3), seconds(15)),
        combined: true,
        provers: 4,
        pace: seconds(2),
        blocks: seconds(20),
        settle: seconds(1200),
    };
    let mut plan = match (arguments.long, arguments.short) {
        (true, _) => Plan {
            rounds: 60,
            lasts: (seconds(3), seconds(30)),
            settle: seconds(3600),
            ..usual
        },
        (_, true) => Plan {
            rounds: 6,
            provers: 2,
            lasts: (seconds(2), seconds(5)),
            pace: seconds(5),
            blocks: seconds(25),
            settle: seconds(600),
            ..usual
        },
        _ => usual,
    };
    plan.rounds = arguments.rounds.unwrap_or(plan.rounds);
    let temporary;
    let folder = match &arguments.keep {
        Some(folder) => {
            std::fs::create_dir(folder).with_context(|| format!("{}", folder.display()))?;
            folder.canonicalize()?
        }
        None => {
            temporary = tempfile::tempdir()?;
            temporary.path().to_owned()
        }
    };
    eprintln!("seed {}", plan.seed);
    let runtime = tokio::runtime::Runtime::new()?;
    let report = runtime.block_on(run(plan, world, &folder))?;
    println!("{}", report.table());
    if let Some(path) = &arguments.report {
        let json = serde_json::to_vec_pretty(&report)?;
        std::fs::write(path, json).with_context(|| format!("{}", path.display()))?;
    }
    Ok(report)
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs() << 22)
}
