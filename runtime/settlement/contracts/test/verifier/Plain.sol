// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Poseidon} from "src/verifier/Poseidon.sol";

/// The verifier's arithmetic again, as plainly as it can be written: what the fast code is compared with.
library Plain {
    uint256 internal constant ORDER = 2 ** 64 - 2 ** 32 + 1;
    uint256 private constant GENERATOR = 0xc65c18b67785d900;
    uint256 private constant ROOT_2_32 = 7277203076849721926;

    struct Element {
        uint256 c0;
        uint256 c1;
    }

    function add(Element memory x, Element memory y) internal pure returns (Element memory) {
        return Element((x.c0 + y.c0) % ORDER, (x.c1 + y.c1) % ORDER);
    }

    function mul(Element memory x, Element memory y) internal pure returns (Element memory) {
        return Element(
            addmod(mulmod(x.c0, y.c0, ORDER), mulmod(7, mulmod(x.c1, y.c1, ORDER), ORDER), ORDER),
            addmod(mulmod(x.c0, y.c1, ORDER), mulmod(x.c1, y.c0, ORDER), ORDER)
        );
    }

    function scale(Element memory x, uint256 y) internal pure returns (Element memory) {
        return Element(mulmod(x.c0, y, ORDER), mulmod(x.c1, y, ORDER));
    }

    function power(uint256 x, uint256 exponent) internal pure returns (uint256 y) {
        y = 1;
        for (uint256 bit = 256; bit > 0; --bit) {
            y = mulmod(y, y, ORDER);
            if (exponent >> (bit - 1) & 1 == 1) y = mulmod(y, x, ORDER);
        }
    }

    function reverseBits(uint256 x, uint256 bits) internal pure returns (uint256 y) {
        for (uint256 i = 0; i < bits; ++i) {
            if (x >> i & 1 == 1) y |= 1 << (bits - 1 - i);
        }
    }

    /// The element of the evaluation domain at an index, in bit-reversed order.
    function point(uint256 index) internal pure returns (uint256) {
        uint256 root = power(ROOT_2_32, 2 ** 12);
        return mulmod(GENERATOR, power(root, reverseBits(index, 20)), ORDER);
    }

    function reverseBytes(uint64 x) internal pure returns (uint64 y) {
        for (uint256 i = 0; i < 8; ++i) {
            y = y << 8 | uint8(x >> (8 * i));
        }
    }

    /// plonky2's `KeccakPermutation`, on the bytes of the state.
    function permute(bytes memory state) internal pure returns (bytes memory next) {
        bytes32 hash = keccak256(state);
        while (true) {
            for (uint256 i = 0; i < 4; ++i) {
                uint64 lane = uint64(uint256(hash) >> (192 - 64 * i));
                if (reverseBytes(lane) < ORDER) next = bytes.concat(next, bytes8(lane));
                if (next.length == 96) return next;
            }
            hash = keccak256(bytes.concat(hash));
        }
    }

    function merkleRoot(bytes32 digest, uint256 index, bytes32[] memory path)
        internal
        pure
        returns (bytes32)
    {
        for (uint256 i = 0; i < path.length; ++i) {
            digest = index >> i & 1 == 0
                ? keccak256(bytes.concat(digest, path[i]))
                : keccak256(bytes.concat(path[i], digest));
        }
        return digest;
    }

    /// Poseidon's permutation, by its definition.
    function poseidon(uint256[12] memory state) internal pure returns (uint256[12] memory) {
        uint8[12] memory circulant = [17, 15, 41, 16, 2, 28, 13, 13, 39, 18, 34, 20];
        bytes memory constants = Poseidon.ROUND_CONSTANTS;
        for (uint256 round = 0; round < 30; ++round) {
            for (uint256 i = 0; i < 12; ++i) {
                state[i] = (state[i] + roundConstant(constants, 12 * round + i)) % ORDER;
                if (i == 0 || round < 4 || round >= 26) state[i] = power(state[i], 7);
            }
            uint256[12] memory mixed;
            for (uint256 i = 0; i < 12; ++i) {
                mixed[i] = i == 0 ? 8 * state[0] : 0;
                for (uint256 j = 0; j < 12; ++j) {
                    mixed[i] += circulant[j] * state[(i + j) % 12];
                }
                mixed[i] %= ORDER;
            }
            state = mixed;
        }
        return state;
    }

    /// Words of three 80-bit lanes.
    function roundConstant(bytes memory constants, uint256 index) private pure returns (uint256) {
        uint256 word;
        uint256 offset = 32 * (index / 3) + 32;
        assembly ("memory-safe") {
            word := mload(add(constants, offset))
        }
        return uint64(word >> (80 * (index % 3)));
    }
}
