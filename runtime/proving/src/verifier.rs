//! Checks proofs from verifier data alone.

use alloy::primitives::B256;
use tern_messages::{Job, Proof, TransactionBatch};

use crate::error::ProvingError;
use crate::profile::Profile;
use crate::statement::StatementDigest;

/// Checks the proofs of jobs. Small, and quick to load: it holds verifier data only.
#[derive(Clone, Debug)]
pub struct JobVerifier {
    profile: Profile,
    version: B256,
}

impl JobVerifier {
    /// The verifier of a profile, from the data committed with this crate.
    ///
    /// # Errors
    /// If the committed data cannot be read, which is a defect of the build.
    pub fn for_profile(profile: Profile) -> Result<Self, ProvingError> {
        let _ = profile;
        todo!()
    }

    /// The profile of the circuits.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// keccak256 of the profile and all verifier data.
    pub fn circuits_version(&self) -> B256 {
        self.version
    }

    /// Checks that `proof` is a valid proof of `job`: that it verifies, and that its public inputs are those
    /// which `input` (of a `Segment` job) or `children` (of all others) determine.
    ///
    /// Of a segment that is neither the first nor the last of its run, the machine's state at both ends is not
    /// known here; a valid proof of another segment of the same run is found when it is merged.
    ///
    /// # Errors
    /// See [`ProvingError`]. `InvalidProof` and `WrongStatement` blame the worker.
    pub fn verify(
        &self,
        job: &Job,
        proof: &Proof,
        input: Option<&TransactionBatch>,
        children: &[Proof],
    ) -> Result<(), ProvingError> {
        let _ = (job, proof, input, children);
        todo!()
    }

    /// The statement digest that a valid `Batch`, `Range` or `Wrap` proof has as public inputs.
    ///
    /// # Errors
    /// If the proof is malformed.
    pub fn statement_digest(
        &self,
        job: &Job,
        proof: &Proof,
    ) -> Result<StatementDigest, ProvingError> {
        let _ = (job, proof);
        todo!()
    }
}
