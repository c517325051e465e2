//! Checks proofs from verifier data alone.

mod check;
mod keys;

use alloy::primitives::{B256, keccak256};
use plonky2::field::types::{Field, PrimeField64};
use tern_messages::{Job, Proof, TransactionBatch, encode};

use crate::circuits::block::Run;
use crate::circuits::recursion::key_public_inputs;
use crate::circuits::span::Span;
use crate::circuits::{F, PlonkyProof, VerifierData};
use crate::error::ProvingError;
use crate::limits::MAX_PROOF_BYTES;
use crate::machine::catch_panic;
use crate::onchain::{VerifierKey, verify_native};
use crate::profile::Profile;

pub(crate) use check::{checked_input, expected, read_children};
pub(crate) use keys::Keys;

/// Checks the proofs of jobs. Small, and quick to load: it holds verifier data only.
#[derive(Clone, Debug)]
pub struct JobVerifier {
    profile: Profile,
    pub(crate) version: B256,
    /// Digest of the machine's initial state.
    pub(crate) start: [F; 4],
    pub(crate) keys: Keys,
}

/// A proof that was read and verified, and whether a merge made it.
pub(crate) struct Verified {
    pub(crate) proof: PlonkyProof,
    pub(crate) is_merge: bool,
}

/// The kinds of proofs that jobs consume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Span,
    Run,
    Statement,
}

impl JobVerifier {
    pub(crate) fn new(profile: Profile, start: [F; 4], keys: Keys) -> Self {
        let start_elements = start.map(|element| element.to_canonical_u64());
        let version = keccak256(encode(&(profile, start_elements, keys.to_bytes())));
        Self {
            profile,
            version,
            start,
            keys,
        }
    }

    /// The verifier of a profile, from the data committed with this crate.
    ///
    /// # Errors
    /// If the committed data cannot be read, which is a defect of the build.
    pub fn for_profile(profile: Profile) -> Result<Self, ProvingError> {
        let bytes: &[u8] = match profile {
            Profile::Secure => include_bytes!("../keys/secure.bin"),
            Profile::InsecureTest => include_bytes!("../keys/insecure-test.bin"),
        };
        Self::from_bytes(bytes)
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// If the bytes are anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProvingError> {
        let error = |reason: String| ProvingError::VerifierData { reason };
        let (profile, start, keys): (Profile, [u64; 4], Vec<u8>) =
            tern_messages::decode(bytes).map_err(|cause| error(cause.to_string()))?;
        let keys = catch_panic(|| Keys::from_bytes(&keys))
            .map_err(error)?
            .ok_or_else(|| error("a circuit's data are malformed".to_owned()))?;
        Ok(Self::new(
            profile,
            start.map(F::from_noncanonical_u64),
            keys,
        ))
    }

    /// All verifier data, to be read by [`Self::from_bytes`].
    pub fn to_bytes(&self) -> Vec<u8> {
        let start = self.start.map(|element| element.to_canonical_u64());
        encode(&(self.profile, start, self.keys.to_bytes()))
    }

    /// The profile of the circuits.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// keccak256 of the profile and all verifier data.
    pub fn circuits_version(&self) -> B256 {
        self.version
    }

    /// What the contract that verifies `Wrap` proofs is deployed with.
    pub fn contract_key(&self) -> &VerifierKey {
        &self.keys.contract
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
        let children = check::read_children(self, job, children)?;
        let expected = check::expected(self, job, input, &children)?;
        let invalid = |reason| ProvingError::InvalidProof {
            job: job.kind(),
            reason,
        };
        let Some(kind) = self.output_kind(job) else {
            let statement = expected.statement();
            return verify_native(&self.keys.contract, &proof.bytes, &statement)
                .map_err(|error| invalid(error.to_string()));
        };
        let found = self.read(kind, proof).map_err(invalid)?;
        if found.is_merge != check::is_merge(job) {
            return Err(invalid("it was made by another circuit".to_owned()));
        }
        check::compare(job, &expected, &found.proof.public_inputs)
    }

    /// What a job's proof is; `None` for the wrap's.
    pub(crate) fn output_kind(&self, job: &Job) -> Option<Kind> {
        match job {
            Job::Segment { .. } | Job::MergeSpans { .. } => Some(Kind::Span),
            Job::Block { .. } | Job::MergeBlocks { .. } => Some(Kind::Run),
            Job::Batch { .. } => Some(Kind::Statement),
            Job::Wrap { .. } => None,
        }
    }

    /// Reads and verifies a proof, including the verifier data in the public inputs of a cycle's.
    pub(crate) fn read(&self, kind: Kind, proof: &Proof) -> Result<Verified, String> {
        let Keys {
            span, run, batch, ..
        } = &self.keys;
        let (base, merge) = match kind {
            Kind::Span => (&span.base, Some(&span.merge)),
            Kind::Run => (&run.base, Some(&run.merge)),
            Kind::Statement => (batch, None),
        };
        let proof = parse(base, proof)?;
        if let Some(merge) = merge
            && !proof
                .public_inputs
                .ends_with(&key_public_inputs(&merge.verifier_only))
        {
            return Err("it carries the verifier data of another cycle".to_owned());
        }
        let verifies = |key: &VerifierData| {
            catch_panic(|| key.verify(proof.clone())).is_ok_and(|result| result.is_ok())
        };
        let is_merge = !verifies(base);
        if is_merge && !merge.is_some_and(verifies) {
            return Err("it does not verify".to_owned());
        }
        Ok(Verified { proof, is_merge })
    }
}

impl Verified {
    pub(crate) fn span(&self) -> Span<F> {
        Span::from_slice(&self.proof.public_inputs)
    }

    pub(crate) fn run(&self) -> Run<F> {
        Run::from_slice(&self.proof.public_inputs)
    }

    pub(crate) fn child(&self) -> (&PlonkyProof, bool) {
        (&self.proof, self.is_merge)
    }
}

/// Reads a proof of the right shape, in its one canonical encoding.
fn parse(key: &VerifierData, proof: &Proof) -> Result<PlonkyProof, String> {
    let bytes = &proof.bytes;
    if bytes.len() > MAX_PROOF_BYTES {
        return Err(format!(
            "it has {} bytes; at most {MAX_PROOF_BYTES} are accepted",
            bytes.len()
        ));
    }
    let parsed = catch_panic(|| PlonkyProof::from_bytes(bytes.to_vec(), &key.common))?
        .map_err(|_| "it cannot be decoded".to_owned())?;
    if parsed.public_inputs.len() != key.common.num_public_inputs {
        return Err("it has another number of public inputs".to_owned());
    }
    // Elements above the modulus and bytes after the end would make second encodings of one proof.
    if catch_panic(|| parsed.to_bytes())? != bytes[..] {
        return Err("it is not in canonical form".to_owned());
    }
    Ok(parsed)
}
