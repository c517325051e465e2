//! Follows L2 for ever, and raises an alarm at the first difference.
//!
//! With a key for that, and on a chain that knows challenges, it challenges what is false and goes on ([`Challenger`]).
//! With another key, it also signs what it has executed, for contracts that ask for it ([`Attestor`]); the bridge asks it.
//! A watcher depends on nobody but L2: it takes every committed batch, executes it, and compares. It is supervised like
//! every part of a node; trouble with L2 is waited out, and a difference ends the process with exit code 3, for whoever
//! looks after it to notice.

use std::sync::Arc;
use std::time::Duration;

use tern_cluster::net::supervised;
use tern_cluster::{ChildSpec, Fault, ShutdownReason};
use tern_cluster_config::{KeySource, NodeConfig};
use tern_settlement::RollupStatus;
use tokio::time::sleep;
use tracing::{error, info, warn};

use super::{Attestor, Challenger, Derivation, DerivationError};
use crate::node::{Deployed, follow_policy};
use crate::rpc::{self, RpcHandle};
use crate::supervisor::{self, Failure, rank};
use crate::verifier_bridge::Backoff;

/// How often to look at L2.
const POLL: Duration = Duration::from_secs(2);

/// Runs a watcher until it is stopped, or finds a difference that it cannot challenge.
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
    let challenging = config.challenge.key.as_ref();
    let challenging = challenging.map(KeySource::load).transpose()?;
    supervisor::run(config.stop_within, async |process| {
        let mut derivation = deployed.derivation(&config, "watcher").await?;
        let mut challenger = None;
        if let Some(key) = challenging {
            let policy = follow_policy(&config, deployed.chain.l2_chain_id);
            let challenging = Challenger::new(&derivation, key, policy).await?;
            info!(target: "tern::watcher", account = %challenging.account(), "challenges what is wrong");
            derivation = derivation.past_lies();
            challenger = Some(challenging);
        }
        let derivation = Arc::new(derivation);
        let mut attestor = None;
        if let Some((key, listener)) = signing {
            let signing = Attestor::new(&derivation, key).await?;
            info!(target: "tern::watcher", account = %signing.account(), "signs what it has executed");
            let server = RpcHandle::attesting(signing.clone(), config.rpc, listener)?;
            process.add(rpc::child("rpc", rank::RPC, server)).await?;
            attestor = Some(signing);
        }
        info!(target: "tern::watcher", rollup = %deployed.rollup, l2 = %deployed.l2, "watching");
        Ok(process.add(child(derivation, attestor, challenger)).await?)
    })
    .await
}

fn child(
    derivation: Arc<Derivation>,
    attestor: Option<Attestor>,
    challenger: Option<Challenger>,
) -> ChildSpec {
    supervised("watcher", rank::MAIN_NODE, move || {
        let (derivation, attestor) = (Arc::clone(&derivation), attestor.clone());
        let challenger = challenger.clone();
        Box::pin(async move { watch(&derivation, attestor.as_ref(), challenger).await })
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
async fn watch(
    derivation: &Derivation,
    attestor: Option<&Attestor>,
    mut challenger: Option<Challenger>,
) -> Fault {
    let mut backoff = Backoff::default();
    let mut said = None;
    let mut alarmed = None;
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
                if let Some(challenger) = &mut challenger {
                    challenger.look(derivation, None).await;
                }
                sleep(POLL).await;
            }
            Err(error) if error.is_retryable() => {
                let (pause, is_new) = backoff.failed(&error.to_string(), rand::random());
                if is_new {
                    warn!(target: "tern::watcher", reason = %error, "cannot go on now; trying again");
                }
                // What was found before can be challenged all the same.
                if let Some(challenger) = &mut challenger {
                    challenger.look(derivation, derivation.lie().as_ref()).await;
                }
                sleep(pause).await;
            }
            Err(error) => {
                // Nobody can challenge what is final.
                let lie = match error {
                    DerivationError::Differs { .. } => derivation.lie(),
                    _ => None,
                };
                let (Some(challenger), Some(lie)) = (&mut challenger, lie) else {
                    return alarm(error);
                };
                backoff.reset();
                if alarmed != Some(lie.batch_hash) {
                    alarmed = Some(lie.batch_hash);
                    say(&error);
                }
                challenger.look(derivation, Some(&lie)).await;
                sleep(POLL).await;
            }
        }
    }
}

fn say(error: &DerivationError) {
    error!(target: "tern::watcher", %error, "ALARM: what L2 holds is not what execution gives");
}

fn alarm(error: DerivationError) -> Fault {
    if error.is_disagreement() {
        say(&error);
        return Fault::Disagreement(error.into());
    }
    match error {
        DerivationError::L2(error) => Fault::Configuration(error.into()),
        DerivationError::Chain(error) => crate::sequencer::fault::chain(error),
        error => Fault::Passing(error.into()),
    }
}
