// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IRollup} from "../IRollup.sol";
import {IProofVerifier} from "../verifier/IProofVerifier.sol";
import {BatchStatement} from "./BatchStatement.sol";
import {Statement} from "./Statement.sol";

/// @title Shows that a verifier accepts what cannot be true
/// @notice A block's outcome (state root, receipts root, gas used) follows from the state, the block hashes and the
/// block before it, from its transactions, and from the header fields that it is given. Two proofs of different
/// outcomes of the same block therefore show that their verifier believes false statements, whether or not anything
/// of them was ever committed.
contract ConflictCheck {
    /// @notice Two outcomes of a batch, and the proofs of them.
    struct Report {
        /// The verifier that accepts both.
        IProofVerifier accused;
        /// Where both batches start: any state, any history.
        Statement.Point start;
        /// A batch, as `proveBatches` takes it.
        IRollup.BatchProof first;
        /// Another outcome of it.
        IRollup.BatchProof second;
        /// Accepted for `first`.
        bytes firstProof;
        /// Accepted for `second`.
        bytes secondProof;
    }

    uint64 private immutable chainId;
    uint64 private immutable gasLimit;
    address private immutable beneficiary;

    constructor(Statement.Chain memory chain) {
        chainId = chain.chainId;
        gasLimit = chain.gasLimit;
        beneficiary = chain.beneficiary;
    }

    /// @notice Reverts unless a verifier accepts both proofs, and they contradict each other.
    /// @return The verifier.
    function check(Report calldata report) external view returns (IProofVerifier) {
        _expectAccepted(report, 1, report.first, report.firstProof);
        _expectAccepted(report, 2, report.second, report.secondProof);
        if (!contradict(report.first.blocks, report.second.blocks)) revert IRollup.NoConflict();
        return report.accused;
    }

    /// @notice Whether the first block in which two batches differ was given the same and came out differently. Its own
    /// hash is no outcome: the circuit takes it as it is told, and only later blocks read it.
    function contradict(bytes calldata first, bytes calldata second) public pure returns (bool) {
        uint256 size = Statement.PACKED_BLOCK;
        for (uint256 at = 0; at + size <= first.length && at + size <= second.length; at += size) {
            bytes calldata a = first[at:at + size];
            bytes calldata b = second[at:at + size];
            if (keccak256(a) == keccak256(b)) continue;
            // Transactions root; beacon root; timestamp and base fee.
            bool sameGiven = bytes32(a[32:64]) == bytes32(b[32:64])
                && bytes32(a[96:128]) == bytes32(b[96:128]) && bytes16(a[168:184]) == bytes16(b[168:184]);
            // State root; receipts root; gas used.
            bool sameOutcome = bytes32(a[0:32]) == bytes32(b[0:32]) && bytes32(a[64:96]) == bytes32(b[64:96])
                && bytes8(a[160:168]) == bytes8(b[160:168]);
            return sameGiven && !sameOutcome;
        }
        return false;
    }

    function _expectAccepted(
        Report calldata report,
        uint64 number,
        IRollup.BatchProof calldata batch,
        bytes calldata proof
    ) private view {
        Statement.Chain memory chain = Statement.Chain(chainId, gasLimit, beneficiary);
        uint64[4] memory statement = BatchStatement.digest(chain, number, report.start, batch);
        if (!report.accused.verify(proof, statement)) revert IRollup.ProofRefused(number, number);
    }
}
