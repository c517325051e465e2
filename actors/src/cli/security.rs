//! `tern security`.

use std::fmt::Write;

use clap::Args;
use serde_json::json;
use tern_cluster::ShutdownReason;
use tern_proving::Profile;
use tern_proving::security::{levels, tenth, weakest};

use super::print;
use crate::supervisor::Failure;

/// Print how many bits of security every argument of a proof offers.
///
/// Two figures each: under the conjectures about FRI that are still believed, and what is proven. A proof is worth
/// its weakest argument.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  tern security
  tern security --json
  tern security --profile insecure-test      what test proofs are worth")]
pub(super) struct Arguments {
    /// The parameters to look at: secure or insecure-test.
    #[arg(long, default_value = "secure")]
    profile: Profile,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ShutdownReason, Failure> {
    let levels = levels(arguments.profile);
    let (conjectured, proven) = weakest(&levels);
    let text = if arguments.json {
        let rows = levels.iter().map(|level| {
            json!({
                "layer": level.layer,
                "argument": level.argument.to_string(),
                "conjectured": tenth(level.conjectured),
                "proven": tenth(level.proven),
            })
        });
        format!(
            "{:#}",
            json!({
                "profile": arguments.profile.name(),
                "conjectured": tenth(conjectured),
                "proven": tenth(proven),
                "levels": rows.collect::<Vec<_>>(),
            })
        )
    } else {
        let mut text = format!(
            "{:<34} {:<28} {:>11} {:>7}\n",
            "layer", "argument", "conjectured", "proven"
        );
        for level in &levels {
            let _ = writeln!(
                text,
                "{:<34} {:<28} {:>11.1} {:>7.1}",
                level.layer,
                level.argument,
                tenth(level.conjectured),
                tenth(level.proven)
            );
        }
        let _ = write!(
            text,
            "{:<63} {:>11.1} {:>7.1}",
            "weakest",
            tenth(conjectured),
            tenth(proven)
        );
        text
    };
    print(&text)?;
    Ok(ShutdownReason::Requested("done".to_owned()))
}
