//! Runs jobs.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use alloy::primitives::B256;
use tern_messages::{Job, Proof, TransactionBatch};

use crate::error::ProvingError;
use crate::profile::Profile;
use crate::verifier::JobVerifier;

/// A step of building circuits or of running a job, for showing progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What begins now, in a few words.
    pub step: String,
    /// Steps finished.
    pub done: u32,
    /// Steps in all.
    pub total: u32,
}

/// All circuits of a profile, with everything needed to prove.
pub struct ProvingCircuits {
    verifier: JobVerifier,
}

impl ProvingCircuits {
    /// Builds all circuits. Takes half a minute and some GB of memory under `secure`.
    pub fn build(profile: Profile, progress: &(dyn Fn(Progress) + Sync)) -> Self {
        let _ = (profile, progress);
        todo!()
    }

    /// Names these circuits: jobs and proofs of other circuits have other names.
    pub fn circuits_version(&self) -> B256 {
        self.verifier.circuits_version()
    }

    /// What checks the proofs.
    pub fn verifier(&self) -> &JobVerifier {
        &self.verifier
    }

    /// Runs `job`. `input` is the encoded value's decoded form that a `Segment` job names; `children` are the
    /// proofs of [`Job::children`], in order.
    ///
    /// Blocks the calling thread until the proof is there, an error is found, or `abort` is raised, which is
    /// looked at between steps of at most some seconds.
    ///
    /// # Errors
    /// See [`ProvingError`].
    pub fn prove(
        &self,
        job: &Job,
        input: Option<&TransactionBatch>,
        children: &[Proof],
        abort: Arc<AtomicBool>,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Proof, ProvingError> {
        let _ = (job, input, children, abort, progress);
        todo!()
    }
}
