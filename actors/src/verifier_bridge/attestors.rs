//! The signatures of watchers, where the contract asks for them beside the proof.

use std::collections::BTreeMap;

use alloy::primitives::{Address, Signature};
use tern_cluster_config::SecretUrl;
use tern_messages::{Proof, ProvenRange, StatementDigest};
use tern_proving::statement::digest_of;
use tern_settlement::{
    AttestationVerifier, L2Endpoint, RequiredProofs, SettlementError, Signatures, Watcher,
};
use tokio::task::JoinSet;
use tracing::info;

use super::settlement::Answer;

/// Longest answer of a watcher, in bytes: a signature, or a sentence that says why not.
const MAX_ANSWER: usize = 16 << 10;

/// Everybody who can be asked to sign, and what the contract asks for.
#[derive(Debug)]
pub(super) struct Attestors {
    required: RequiredProofs,
    watchers: Vec<Watcher>,
}

impl Attestors {
    /// # Errors
    /// [`SettlementError::TooFewWatchers`], and if a URL cannot be used.
    pub(super) fn new(required: RequiredProofs, urls: &[SecretUrl]) -> Answer<Self> {
        for attestation in required.attestations() {
            if urls.len() < attestation.threshold {
                return Err(SettlementError::TooFewWatchers {
                    verifier: attestation.address,
                    threshold: attestation.threshold,
                    known: urls.len(),
                });
            }
        }
        let watcher = |url: &SecretUrl| {
            let mut endpoint = L2Endpoint::new(url.expose().clone());
            endpoint.max_response = MAX_ANSWER;
            Watcher::new(endpoint)
        };
        let watchers = urls.iter().map(watcher).collect::<Answer<_>>()?;
        Ok(Self { required, watchers })
    }

    /// What the contract asks for.
    pub(super) fn required(&self) -> &RequiredProofs {
        &self.required
    }

    /// The proof that the contract takes.
    ///
    /// # Errors
    /// [`SettlementError::NotAttested`] while too few watchers have signed.
    pub(super) async fn complete(&self, proven: &ProvenRange) -> Answer<Proof> {
        let statement = digest_of(&proven.statement);
        let mut signatures = Signatures::new();
        for attestation in self.required.attestations() {
            let signed = self.collect(attestation, statement, proven).await?;
            signatures.insert(attestation.address, signed);
        }
        let proof = self.required.assemble(&proven.proof, &signatures);
        Ok(proof.expect("each verifier has its proof"))
    }

    /// Asks all watchers at once, and listens until enough have signed.
    async fn collect(
        &self,
        attestation: &AttestationVerifier,
        statement: StatementDigest,
        proven: &ProvenRange,
    ) -> Answer<BTreeMap<Address, Signature>> {
        let (verifier, first, last) = (attestation.address, proven.first, proven.last);
        let mut asked = JoinSet::new();
        for watcher in &self.watchers {
            let watcher = watcher.clone();
            asked.spawn(async move {
                let answer = watcher.sign(verifier, first, last).await;
                (watcher.name(), answer)
            });
        }
        let mut signed = BTreeMap::new();
        let mut reasons = Vec::new();
        while signed.len() < attestation.threshold {
            let Some(answered) = asked.join_next().await else {
                return Err(SettlementError::NotAttested {
                    first,
                    last,
                    verifier,
                    threshold: attestation.threshold,
                    signed: signed.len(),
                    reasons,
                });
            };
            let Ok((name, answer)) = answered else {
                continue;
            };
            match answer {
                Ok(signature) => match attestation.signer(statement, &signature) {
                    Some(account) => {
                        signed.insert(account, signature);
                    }
                    None => reasons.push(format!(
                        "{name}: its signature is not a watcher's under what was proven"
                    )),
                },
                Err(reason) => reasons.push(format!("{name}: {reason}")),
            }
        }
        info!(target: "tern::bridge", %first, %last, %verifier, watchers = ?signed.keys().collect::<Vec<_>>(), "attested");
        Ok(signed)
    }
}
