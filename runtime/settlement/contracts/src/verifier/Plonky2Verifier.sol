// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ConstraintVerifier} from "./ConstraintVerifier.sol";
import {FriFold} from "./FriFold.sol";
import {FriVerifier} from "./FriVerifier.sol";
import {Goldilocks, P} from "./Goldilocks.sol";
import {IProofVerifier, MalformedProof, MalformedStatement} from "./IProofVerifier.sol";
import {Poseidon} from "./Poseidon.sol";
import {Transcript} from "./Transcript.sol";
import {
    BETAS,
    CIRCUIT_DIGEST,
    CONSTANTS_SIGMAS_CAP,
    CONSTRAINT_INPUT_LENGTH,
    MEMORY_END,
    MEMORY_START,
    OPENINGS,
    OPENINGS_COUNT,
    PROOF_GRINDING_WITNESS,
    PROOF_LENGTH,
    PROOF_OPENINGS,
    PUBLIC_INPUTS_HASH
} from "./WrapStructure.sol";

/// Verifies plonky2 proofs of one circuit structure (WrapStructure.sol), at 100 bits, without a trusted setup.
///
/// The circuit itself, and with it the chain's parameters, is the key given at deployment. Calldata layout:
/// runtime/proving/src/onchain/calldata.rs, which also holds the twin of this contract.
contract Plonky2Verifier is IProofVerifier {
    /// The constraints could not be checked with the gas that was given.
    error OutOfGas();

    ConstraintVerifier private immutable constraints = new ConstraintVerifier();
    /// Digest of the circuit, which every transcript absorbs.
    bytes32 public immutable circuitDigest;
    /// The cap of the Merkle tree of the circuit's constant and permutation polynomials: 16 digests.
    bytes32 private immutable cap0;
    bytes32 private immutable cap1;
    bytes32 private immutable cap2;
    bytes32 private immutable cap3;
    bytes32 private immutable cap4;
    bytes32 private immutable cap5;
    bytes32 private immutable cap6;
    bytes32 private immutable cap7;
    bytes32 private immutable cap8;
    bytes32 private immutable cap9;
    bytes32 private immutable cap10;
    bytes32 private immutable cap11;
    bytes32 private immutable cap12;
    bytes32 private immutable cap13;
    bytes32 private immutable cap14;
    bytes32 private immutable cap15;

    constructor(bytes32 circuitDigest_, bytes32[16] memory constantsSigmasCap) {
        circuitDigest = circuitDigest_;
        cap0 = constantsSigmasCap[0];
        cap1 = constantsSigmasCap[1];
        cap2 = constantsSigmasCap[2];
        cap3 = constantsSigmasCap[3];
        cap4 = constantsSigmasCap[4];
        cap5 = constantsSigmasCap[5];
        cap6 = constantsSigmasCap[6];
        cap7 = constantsSigmasCap[7];
        cap8 = constantsSigmasCap[8];
        cap9 = constantsSigmasCap[9];
        cap10 = constantsSigmasCap[10];
        cap11 = constantsSigmasCap[11];
        cap12 = constantsSigmasCap[12];
        cap13 = constantsSigmasCap[13];
        cap14 = constantsSigmasCap[14];
        cap15 = constantsSigmasCap[15];
    }

    /// @inheritdoc IProofVerifier
    function proofType() external pure returns (string memory) {
        return "plonky2";
    }

    /// @inheritdoc IProofVerifier
    function verify(bytes calldata proof, uint64[4] calldata statement) external view returns (bool) {
        reserveMemory();
        if (proof.length != PROOF_LENGTH) revert MalformedProof();
        uint256 start;
        assembly ("memory-safe") {
            start := proof.offset
        }
        hashPublicInputs(statement);
        loadKey();
        unchecked {
            FriFold.unpack(start + PROOF_OPENINGS, OPENINGS, OPENINGS_COUNT);
            uint256 witness = Goldilocks.loadCalldata(start + PROOF_GRINDING_WITNESS);
            // With the witness of the permutation argument, which follows.
            if (Goldilocks.excess(witness >> 128) != 0) revert MalformedProof();
        }
        Transcript.run(start);
        return constraintsHold() && FriVerifier.hold(start);
    }

    function constraintsHold() private view returns (bool holds) {
        address target = address(constraints);
        bool success;
        assembly ("memory-safe") {
            mstore(0, 0)
            success := staticcall(gas(), target, BETAS, CONSTRAINT_INPUT_LENGTH, 0, 32)
            holds := and(success, eq(mload(0), 1))
        }
        // It has no reason to fail but a lack of gas: that is not an answer about the proof.
        if (!success) revert OutOfGas();
    }

    /// Takes the memory from MEMORY_START to MEMORY_END for the fixed places of WrapStructure.sol. What lies below is
    /// the compiler's, which must not have grown beyond it.
    function reserveMemory() private pure {
        uint256 free;
        assembly ("memory-safe") {
            free := mload(0x40)
        }
        assert(free <= MEMORY_START);
        assembly ("memory-safe") {
            mstore(0x40, MEMORY_END)
        }
    }

    function hashPublicInputs(uint64[4] calldata statement) private pure {
        for (uint256 i = 0; i < 4; ++i) {
            if (statement[i] >= P) revert MalformedStatement();
        }
        uint64[4] memory digest = Poseidon.hash4(statement);
        for (uint256 i = 0; i < 4; ++i) {
            Goldilocks.store(PUBLIC_INPUTS_HASH + 32 * i, digest[i]);
        }
    }

    function loadKey() private view {
        unchecked {
            store(CIRCUIT_DIGEST, circuitDigest);
            store(CONSTANTS_SIGMAS_CAP + 0, cap0);
            store(CONSTANTS_SIGMAS_CAP + 32, cap1);
            store(CONSTANTS_SIGMAS_CAP + 64, cap2);
            store(CONSTANTS_SIGMAS_CAP + 96, cap3);
            store(CONSTANTS_SIGMAS_CAP + 128, cap4);
            store(CONSTANTS_SIGMAS_CAP + 160, cap5);
            store(CONSTANTS_SIGMAS_CAP + 192, cap6);
            store(CONSTANTS_SIGMAS_CAP + 224, cap7);
            store(CONSTANTS_SIGMAS_CAP + 256, cap8);
            store(CONSTANTS_SIGMAS_CAP + 288, cap9);
            store(CONSTANTS_SIGMAS_CAP + 320, cap10);
            store(CONSTANTS_SIGMAS_CAP + 352, cap11);
            store(CONSTANTS_SIGMAS_CAP + 384, cap12);
            store(CONSTANTS_SIGMAS_CAP + 416, cap13);
            store(CONSTANTS_SIGMAS_CAP + 448, cap14);
            store(CONSTANTS_SIGMAS_CAP + 480, cap15);
        }
    }

    function store(uint256 place, bytes32 word) private pure {
        Goldilocks.store(place, uint256(word));
    }
}
