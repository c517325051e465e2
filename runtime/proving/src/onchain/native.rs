//! Verification of the same bytes without an EVM.

use plonky2::plonk::circuit_data::VerifierCircuitData;
use tern_messages::StatementDigest;

use super::calldata::decode_calldata;
use super::error::OnchainError;
use super::key::VerifierKey;
use super::structure::structure;

/// Verifies an encoded proof as the contract does.
///
/// # Errors
/// `WrongLength` and `NonCanonical` where the contract reverts, `Rejected` where it returns false.
pub fn verify_native(
    key: &VerifierKey,
    proof: &[u8],
    statement: &StatementDigest,
) -> Result<(), OnchainError> {
    let proof = decode_calldata(proof, statement)?;
    VerifierCircuitData {
        verifier_only: key.verifier_only(),
        common: structure().clone(),
    }
    .verify(proof)
    .map_err(|error| OnchainError::Rejected {
        reason: error.to_string(),
    })
}
