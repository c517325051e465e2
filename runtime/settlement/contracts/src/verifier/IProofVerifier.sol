// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// Verifies the proof of a statement: four elements of the Goldilocks field.
interface IProofVerifier {
    /// Whether `proof` proves `statement`.
    ///
    /// A well-formed proof that does not hold, of this statement, returns false. Input that no prover makes
    /// (wrong length, elements that are not less than the field's order) reverts with an error that names it.
    function verify(bytes calldata proof, uint64[4] calldata statement) external view returns (bool);
}
