// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Goldilocks, P, PAIR_MASK, PAIR_MODULUS, PAIR_SHIFT} from "./Goldilocks.sol";

/// Arithmetic for both alphas at once: a pair is one word that holds a value for the first alpha in its lower
/// PAIR_SHIFT bits and one for the second above.
///
/// A pair is *reduced* when both values are below p. Sums of up to 2^15 products of reduced pairs with scalars below 2^65
/// fit: the lower value stays below 2^144, the upper one, reduced by the modulus, far below 2^112.
library Pair {
    /// A reduced pair times a scalar below 2^73.
    function scale(uint256 pair, uint256 scalar) internal pure returns (uint256) {
        return mulmod(pair, scalar, PAIR_MODULUS);
    }

    function reduce(uint256 pair) internal pure returns (uint256) {
        return (pair & PAIR_MASK) % P | (pair >> PAIR_SHIFT) % P << PAIR_SHIFT;
    }

    /// The negative of a pair, reduced.
    function negate(uint256 pair) internal pure returns (uint256) {
        unchecked {
            return (P - (pair & PAIR_MASK) % P) | (P - (pair >> PAIR_SHIFT) % P) << PAIR_SHIFT;
        }
    }

    /// Product, value by value, of two reduced pairs; reduced.
    function mul(uint256 x, uint256 y) internal pure returns (uint256) {
        unchecked {
            return
                (x & PAIR_MASK) * (y & PAIR_MASK) % P | (x >> PAIR_SHIFT) * (y >> PAIR_SHIFT) % P
                    << PAIR_SHIFT;
        }
    }

    /// The same value twice.
    function both(uint256 value) internal pure returns (uint256) {
        return value | value << PAIR_SHIFT;
    }

    /// An extension element of reduced pairs times a reduced extension element.
    function mulExtension(uint256 x0, uint256 x1, uint256 y0, uint256 y1)
        internal
        pure
        returns (uint256, uint256)
    {
        unchecked {
            return (scale(x0, y0) + scale(x1, 7 * y1), scale(x0, y1) + scale(x1, y0));
        }
    }

    /// The sum of `count` extension elements in memory at `at`, `stride` bytes apart, each times its power, a pair
    /// at `power`, `powerStride` bytes apart. At most 2^8 terms.
    function dot(uint256 place, uint256 stride, uint256 power, uint256 powerStride, uint256 count)
        internal
        pure
        returns (uint256 sum0, uint256 sum1)
    {
        assembly ("memory-safe") {
            for { let end := add(place, mul(stride, count)) } lt(place, end) { place := add(place, stride) } {
                let weight := mload(power)
                sum0 := add(sum0, mulmod(weight, mload(place), PAIR_MODULUS))
                sum1 := add(sum1, mulmod(weight, mload(add(place, 32)), PAIR_MODULUS))
                power := add(power, powerStride)
            }
        }
    }
}
