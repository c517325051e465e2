//! Follows L2 for ever, and raises an alarm at the first difference.
//!
//! With a key, it also signs what it has executed, for contracts that ask for it ([`Attestor`]); the bridge asks it.
//! A watcher depends on nobody but L2: it takes every committed batch, executes it, and compares. It is supervised like
//! every part of a node; trouble with L2 is waited out, and a difference ends the process with exit code 3, for whoever
//! looks after it to notice.

use std::sync::Arc;
use std::time::Duration;

use tern_cluster::net::supervised;
use tern_cluster::{ChildSpec, Fault, ShutdownReason};
use tern_cluster_config::NodeConfig;
use tern_settlement::RollupStatus;
use tokio::time::sleep;
use tracing::{error, info, warn};

use super::{Attestor, Derivation, DerivationError};
use crate::node::Deployed;
use crate::rpc::{self, RpcHandle};
use crate::supervisor::{self, Failure, rank};
use crate::verifier_bridge::Backoff;

/// How often to look at L2.
const POLL: Duration = Duration::from_secs(2);

/// Runs a watcher until it is stopped, or finds a difference.
///
/// # Errors
/// If it cannot start; the failure carries the exit code.
pub async fn run(config: NodeConfig) -> Result<ShutdownReason, Failure> {
    let deployed = Deployed::configured(&config)?;
    let signing = match &config.attestation.key {
        Some(source) => Some((
            source.load()?,
            rpc::bind(config.rpc.listen, "rpc.listen", "--rpc")?,
        )),
        None => None,
    };
    supervisor::run(config.stop_within, async |process| {
        let derivation = Arc::new(deployed.derivation(&config, "watcher").await?);
        let mut attestor = None;
        if let Some((key, listener)) = signing {
            let signing = Attestor::new(&derivation, key).await?;
            info!(target: "tern::watcher", account = %signing.account(), "signs what it has executed");
            let server = RpcHandle::attesting(signing.clone(), config.rpc, listener)?;
            process.add(rpc::child("rpc", rank::RPC, server)).await?;
            attestor = Some(signing);
        }
        info!(target: "tern::watcher", rollup = %deployed.rollup, l2 = %deployed.l2, "watching");
        Ok(process.add(child(derivation, attestor)).await?)
    })
    .await
}

fn child(derivation: Arc<Derivation>, attestor: Option<Attestor>) -> ChildSpec {
    supervised("watcher", rank::MAIN_NODE, move || {
        let (derivation, attestor) = (Arc::clone(&derivation), attestor.clone());
        Box::pin(async move { watch(&derivation, attestor.as_ref()).await })
    })
}

async fn look(
    derivation: &Derivation,
    attestor: Option<&Attestor>,
) -> Result<RollupStatus, DerivationError> {
    let status = derivation.follow().await?;
    if let Some(attestor) = attestor {
        let looked = attestor.look_at_verifier().await;
        looked.map_err(DerivationError::Asked)?;
    }
    Ok(status)
}

/// Ends only with a fault.
async fn watch(derivation: &Derivation, attestor: Option<&Attestor>) -> Fault {
    let mut backoff = Backoff::default();
    let mut said = None;
    loop {
        match look(derivation, attestor).await {
            Ok(status) => {
                if backoff.reset() {
                    info!(target: "tern::watcher", "L2 answers again");
                }
                let heights = (status.last_committed, status.last_verified);
                if said.replace(heights) != Some(heights) {
                    let (committed, verified) = heights;
                    info!(target: "tern::watcher", %committed, %verified, state_root = %status.verified_state_root,
                        "L2 holds what execution gives");
                }
                sleep(POLL).await;
            }
            Err(error) if error.is_retryable() => {
                let (pause, is_new) = backoff.failed(&error.to_string(), rand::random());
                if is_new {
                    warn!(target: "tern::watcher", reason = %error, "cannot go on now; trying again");
                }
                sleep(pause).await;
            }
            Err(error) => return alarm(error),
        }
    }
}

fn alarm(error: DerivationError) -> Fault {
    if error.is_disagreement() {
        error!(target: "tern::watcher", %error, "ALARM: what L2 holds is not what execution gives");
        return Fault::Disagreement(error.into());
    }
    match error {
        DerivationError::L2(error) => Fault::Configuration(error.into()),
        DerivationError::Chain(error) => crate::sequencer::fault::chain(error),
        error => Fault::Passing(error.into()),
    }
}
