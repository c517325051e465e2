//! Diagnostics on stderr, filtered by `TERN_LOG`.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::supervisor::Failure;

/// The variable that sets the filter.
const VARIABLE: &str = "TERN_LOG";
/// Libraries speak up only when something is wrong. `ractor_cluster` prints whole payloads at debug level.
const QUIET: &str = "ractor=warn,ractor_cluster=warn,sled=warn,jsonrpsee=warn,hyper=warn,reqwest=warn,h2=warn,\
                     evm_arithmetization=warn,plonky2=warn,starky=warn";

/// Starts logging, at the level `usual` unless the environment says otherwise.
///
/// # Errors
/// If the filter cannot be understood.
pub(super) fn start(usual: &str) -> Result<(), Failure> {
    let wish = std::env::var(VARIABLE).ok();
    let wish = wish.filter(|wish| !wish.trim().is_empty());
    let filter = match &wish {
        Some(wish) => format!("{QUIET},{wish}"),
        None if usual == "info" => format!("{QUIET},{usual}"),
        None => usual.to_owned(),
    };
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        let wish = wish.unwrap_or_default();
        Failure::configuration(format!("{VARIABLE}=`{wish}` is not a log filter: {error}"))
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    Ok(())
}
