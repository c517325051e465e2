// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {FriFold} from "src/verifier/FriFold.sol";
import {FriVerifier} from "src/verifier/FriVerifier.sol";
import {Goldilocks} from "src/verifier/Goldilocks.sol";
import {Pair} from "src/verifier/Pair.sol";
import {Transcript} from "src/verifier/Transcript.sol";
import {
    FINAL_POLYNOMIAL,
    FOLD,
    FRI_ALPHA,
    LIST,
    MEMORY_END,
    POWERS,
    SPONGE,
    TRANSCRIPT_BUFFER
} from "src/verifier/WrapStructure.sol";

/// Runs the verifier's functions on their fixed memory, which a test's own memory would overlap.
contract Harness {
    /// Everything below MEMORY_END belongs to the function under test.
    modifier onFixedMemory() {
        assembly ("memory-safe") {
            mstore(0x40, MEMORY_END)
        }
        _;
    }

    function mul(uint256[2] calldata x, uint256[2] calldata y) external pure returns (uint256, uint256) {
        return Goldilocks.mul(x[0], x[1], y[0], y[1]);
    }

    function power7(uint256[2] calldata x) external pure returns (uint256, uint256) {
        return Goldilocks.power7(x[0], x[1]);
    }

    function inverse(uint256 x) external pure returns (uint256) {
        return Goldilocks.inverse(x);
    }

    function norm(uint256[2] calldata x) external pure returns (uint256) {
        return Goldilocks.norm(x[0], x[1]);
    }

    function swapBytes(uint256 w) external pure returns (uint256) {
        return Goldilocks.swapBytes(w);
    }

    function excess(uint256 w) external pure returns (bool) {
        return Goldilocks.excess(w) != 0;
    }

    /// The sum of pairs times extension elements: weights as pairs, elements as two words each.
    function dot(uint256[] calldata weights, uint256[] calldata elements)
        external
        pure
        onFixedMemory
        returns (uint256, uint256)
    {
        for (uint256 i = 0; i < weights.length; ++i) {
            Goldilocks.store(POWERS + 32 * i, weights[i]);
            Goldilocks.store2(LIST + 64 * i, elements[2 * i], elements[2 * i + 1]);
        }
        (uint256 s0, uint256 s1) = Pair.dot(LIST, 64, POWERS, 32, weights.length);
        return (Pair.reduce(s0), Pair.reduce(s1));
    }

    function pairs(uint256 x, uint256 y) external pure returns (uint256 product, uint256 negative) {
        return (Pair.mul(x, y), Pair.reduce(Pair.negate(x)));
    }

    function fold(uint256[] calldata values, uint256[2] calldata t)
        external
        pure
        onFixedMemory
        returns (uint256, uint256)
    {
        FriFold.writeRoots();
        for (uint256 i = 0; i < values.length; ++i) {
            Goldilocks.store(FOLD + 32 * i, values[i]);
        }
        return FriFold.fold(values.length / 2, t[0], t[1]);
    }

    function finalValue(uint256[64] calldata coefficients, uint256 x)
        external
        pure
        onFixedMemory
        returns (uint256, uint256)
    {
        for (uint256 i = 0; i < 64; ++i) {
            Goldilocks.store(FINAL_POLYNOMIAL + 32 * i, coefficients[i]);
        }
        return FriFold.finalValue(x);
    }

    function root(uint256 digest, uint256 index, bytes calldata path) external pure returns (uint256) {
        uint256 start;
        assembly ("memory-safe") {
            start := path.offset
        }
        return FriFold.root(digest, index, start, path.length / 32);
    }

    function unpack(bytes calldata packed) external pure onFixedMemory returns (uint256[] memory elements) {
        uint256 start;
        assembly ("memory-safe") {
            start := packed.offset
        }
        FriFold.unpack(start, FOLD, packed.length / 16);
        elements = new uint256[](packed.length / 8);
        for (uint256 i = 0; i < elements.length; ++i) {
            elements[i] = Goldilocks.load(FOLD + 32 * i);
        }
    }

    function point(uint256 index) external pure returns (uint256, uint256, uint256) {
        return FriVerifier.point(index);
    }

    /// The leaves of a query, combined with the powers of alpha.
    function combine(bytes calldata leaves, uint256[2] calldata alpha)
        external
        pure
        onFixedMemory
        returns (uint256, uint256)
    {
        uint256 start;
        assembly ("memory-safe") {
            start := leaves.offset
        }
        Goldilocks.store2(FRI_ALPHA, alpha[0], alpha[1]);
        FriVerifier.reduceOpenings();
        return FriVerifier.combine(start);
    }

    function permute(uint256[3] calldata state)
        external
        pure
        onFixedMemory
        returns (uint256[3] memory after_)
    {
        for (uint256 i = 0; i < 3; ++i) {
            Goldilocks.store(SPONGE + 32 * i, state[i]);
        }
        Transcript.permute();
        for (uint256 i = 0; i < 3; ++i) {
            after_[i] = Goldilocks.load(SPONGE + 32 * i);
        }
    }

    function expandDigest(uint256 digest) external pure onFixedMemory returns (uint256, uint256) {
        Transcript.expandDigest(TRANSCRIPT_BUFFER, digest);
        return Goldilocks.load2(TRANSCRIPT_BUFFER);
    }
}
