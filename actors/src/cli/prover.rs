//! `tern prover`: what operators do about provers.

use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use tern_cluster::ShutdownReason;
use tern_messages::{Drain, DrainAnswer};

use super::print;
use super::status::Access;
use crate::operator::Operator;
use crate::remote::questions as q;
use crate::supervisor::Failure;

/// How often a prover that is to leave is looked for.
const LOOK: Duration = Duration::from_secs(1);

/// Have provers leave in peace.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tern prover drain prover-3 --identity alice --join 10.0.0.2:7450")]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Let a prover finish its job and leave. Its process ends with exit code 0.
    ///
    /// Waits until it is gone. A prover that is started again afterwards gets jobs as before.
    #[command(after_help = "\
Examples:
  tern prover drain prover-3 --identity alice --join 10.0.0.2:7450
  tern prover drain prover-3 --identity alice --join 10.0.0.2:7450 --within 60")]
    Drain {
        /// Name of the prover, as in its certificate.
        name: String,

        #[command(flatten)]
        access: Access,

        /// How long to wait until it has left. It leaves all the same when this is over.
        #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
        within: u64,
    },
}

pub(super) async fn run(arguments: Arguments) -> Result<ShutdownReason, Failure> {
    let Action::Drain {
        name,
        access,
        within,
    } = arguments.action;
    let operator = access.connect().await?;
    let outcome = drain(&operator, &name, Duration::from_secs(within)).await;
    operator.leave().await;
    outcome?;
    print(&format!("{name} has left"))?;
    Ok(ShutdownReason::Requested("done".to_owned()))
}

/// Says it again and again: a sequencer that was restarted in between has forgotten it.
async fn drain(operator: &Operator, name: &str, limit: Duration) -> Result<(), Failure> {
    let begun = Instant::now();
    let mut wish = Drain {
        name: name.to_owned(),
        start: None,
    };
    loop {
        match operator.ask(q::DRAIN, &wish).await? {
            DrainAnswer::Left => return Ok(()),
            DrainAnswer::Unknown { .. } if wish.start.is_some() => return Ok(()),
            DrainAnswer::Unknown { connected } => {
                let connected = connected.join(", ");
                return Err(Failure::configuration(format!(
                    "no prover {name} is connected; connected: {connected}"
                )));
            }
            DrainAnswer::Leaving { start } => {
                if wish.start.replace(start).is_none() {
                    print(&format!(
                        "{name} gets no more jobs, and leaves when it has finished"
                    ))?;
                }
            }
        }
        if begun.elapsed() > limit {
            return Err(Failure::fault(format!(
                "{name} has not left within {limit:?}; it still will"
            )));
        }
        tokio::time::sleep(LOOK).await;
    }
}
