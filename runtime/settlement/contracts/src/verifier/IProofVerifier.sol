// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// The proof is not the encoding of any proof: wrong length, or a number that is not below the field's order.
error MalformedProof();
/// An element of the statement is not below the field's order.
error MalformedStatement();

/// Verifies the proof of a statement: four elements of the Goldilocks field.
interface IProofVerifier {
    /// What kind of proof it takes: "plonky2", "attestation", or "all" of a set.
    function proofType() external view returns (string memory);

    /// Whether `proof` proves `statement`.
    ///
    /// False for a well-formed proof that does not prove the statement. Malformed input reverts, unless a part of the proof
    /// that was read before is already wrong. Nothing but true means that the statement is proven.
    function verify(bytes calldata proof, uint64[4] calldata statement) external view returns (bool);
}

/// Whether a verifier's kind of proof is `kind`.
function isOfType(IProofVerifier verifier, string memory kind) view returns (bool) {
    return keccak256(bytes(verifier.proofType())) == keccak256(bytes(kind));
}
