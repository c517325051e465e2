//! Checks a proof that came in, and stores it if it is good. Runs on blocking threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use alloy::primitives::B256;
use tern_messages::{Artifact, Job, JobId, Proof, TransactionBatch, decode};
use tern_proving::{JobVerifier, ProvingError};
use tern_storage::tables::sequencer::{BLOBS, PROOFS};
use tern_storage::{StorageError, Store, WriteBatch, crash_point};
use tracing::info;

/// Checks proofs: [`JobVerifier`], or a stand-in in tests.
pub(crate) trait ProofCheck: Send + Sync + 'static {
    /// The circuits' version.
    fn circuits_version(&self) -> B256;

    /// Checks the proof of a job.
    fn check(
        &self,
        job: &Job,
        proof: &Proof,
        input: Option<&TransactionBatch>,
        children: &[Proof],
    ) -> Result<(), ProvingError>;
}

impl ProofCheck for JobVerifier {
    fn circuits_version(&self) -> B256 {
        Self::circuits_version(self)
    }

    fn check(
        &self,
        job: &Job,
        proof: &Proof,
        input: Option<&TransactionBatch>,
        children: &[Proof],
    ) -> Result<(), ProvingError> {
        self.verify(job, proof, input, children)
    }
}

/// What became of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is valid, and on disk.
    Stored,
    /// It is not valid.
    Invalid(String),
    /// Nothing is known about it: an input is missing here, or the disk refused.
    Unjudged(String),
}

/// Checks and stores.
#[derive(Clone)]
pub(crate) struct Judge {
    pub(crate) store: Arc<Store>,
    pub(crate) check: Arc<dyn ProofCheck>,
}

impl Judge {
    /// Checks the proof of a job against what is on disk, and stores it there.
    pub(crate) fn judge(&self, id: JobId, job: &Job, proof: &Proof) -> Verdict {
        let (input, children) = match self.inputs(job) {
            Ok(inputs) => inputs,
            Err(reason) => return Verdict::Unjudged(reason),
        };
        // A proof is hostile input: a verifier that panics on it refuses it.
        let checked = catch_unwind(AssertUnwindSafe(|| {
            self.check.check(job, proof, input.as_ref(), &children)
        }));
        match checked {
            Err(_) => return Verdict::Invalid("the verifier gave up on it".to_owned()),
            Ok(Err(
                error @ (ProvingError::VerifierData { .. } | ProvingError::WrongInput { .. }),
            )) => {
                return Verdict::Unjudged(error.to_string());
            }
            Ok(Err(error)) => return Verdict::Invalid(error.to_string()),
            Ok(Ok(())) => {}
        }
        let mut batch = WriteBatch::new();
        batch.put(&PROOFS, &id, proof);
        crash_point("coordinator/proof-received");
        match self.store.commit(batch) {
            Ok(()) => {
                info!(target: "tern::sequencer", job = %id, "proof stored");
                crash_point("coordinator/proof-stored");
                Verdict::Stored
            }
            Err(error) => Verdict::Unjudged(error.to_string()),
        }
    }

    fn inputs(&self, job: &Job) -> Result<(Option<TransactionBatch>, Vec<Proof>), String> {
        let refused = |error: StorageError| error.to_string();
        let absent = |artifact: Artifact| format!("{artifact} is not on disk");
        let input = match job {
            Job::Segment { input, .. } => {
                let blob = self.store.get(&BLOBS, input).map_err(refused)?;
                let blob = blob.ok_or_else(|| absent(Artifact::Input(*input)))?;
                Some(decode(&blob).map_err(|error| error.to_string())?)
            }
            _ => None,
        };
        let mut children = Vec::new();
        for child in job.children() {
            let proof = self.store.get(&PROOFS, &child).map_err(refused)?;
            children.push(proof.ok_or_else(|| absent(Artifact::Proof(child)))?);
        }
        Ok((input, children))
    }
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judge")
            .field("version", &self.check.circuits_version())
            .finish()
    }
}
