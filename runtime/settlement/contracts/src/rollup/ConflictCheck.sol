// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IGovernance} from "../IGovernance.sol";
import {IRollup} from "../IRollup.sol";
import {IProofVerifier} from "../verifier/IProofVerifier.sol";
import {BatchStatement} from "./BatchStatement.sol";
import {PackedBlock} from "./PackedBlock.sol";
import {Statement} from "./Statement.sol";

/// @title What proofs of one chain state, and whether two of them contradict each other
/// @notice A block's outcome (state root, receipts root, gas used) follows from the state, the block hashes and the
/// block before it, from its transactions, and from the header fields that it is given. Two proofs of different
/// outcomes of the same block therefore show that their verifier believes false statements, whether or not anything
/// of them was ever committed. Outcomes are compared as the values that the circuits see: bytes that are another form
/// of the same elements are refused, by `PackedBlock`.
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

    /// @notice Whether this is the chain that reports are judged for.
    function isFor(Statement.Chain calldata chain) external view returns (bool) {
        return chain.chainId == chainId && chain.gasLimit == gasLimit && chain.beneficiary == beneficiary;
    }

    /// @notice The digest of what a proof of the batch that starts at `start` states; `number` is named in errors.
    function digest(uint64 number, Statement.Point calldata start, IRollup.BatchProof calldata batch)
        public
        view
        returns (uint64[4] memory)
    {
        return BatchStatement.digest(Statement.Chain(chainId, gasLimit, beneficiary), number, start, batch);
    }

    /// @notice Reverts unless a verifier accepts both proofs, and they contradict each other.
    /// @return The verifier.
    function check(Report calldata report) external view returns (IProofVerifier) {
        _expectAccepted(report, 1, report.first, report.firstProof);
        _expectAccepted(report, 2, report.second, report.secondProof);
        if (!contradict(report.first.blocks, report.second.blocks)) revert IGovernance.NoConflict();
        return report.accused;
    }

    /// @notice Whether the first block in which two batches differ was given the same and came out differently. Its own
    /// hash is no outcome: the circuit takes it as it is told, and only later blocks read it.
    function contradict(bytes calldata first, bytes calldata second) public pure returns (bool) {
        uint256 count = first.length < second.length ? first.length : second.length;
        for (uint256 i = 0; i < count / PackedBlock.SIZE; ++i) {
            PackedBlock.Fields memory a = PackedBlock.read(first, i);
            PackedBlock.Fields memory b = PackedBlock.read(second, i);
            if (keccak256(abi.encode(a)) == keccak256(abi.encode(b))) continue;
            bool sameGiven = a.transactionsRoot == b.transactionsRoot && a.beaconRoot == b.beaconRoot
                && a.timestamp == b.timestamp && a.baseFee == b.baseFee;
            bool sameOutcome =
                a.stateRoot == b.stateRoot && a.receiptsRoot == b.receiptsRoot && a.gasUsed == b.gasUsed;
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
        uint64[4] memory statement = digest(number, report.start, batch);
        if (!report.accused.verify(proof, statement)) revert IRollup.ProofRefused(number, number);
    }
}
