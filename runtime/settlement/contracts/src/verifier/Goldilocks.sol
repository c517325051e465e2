// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Order of the field: p = 2^64 - 2^32 + 1.
uint256 constant P = 0xffffffff00000001;
// The low 64-bit lane of a word.
uint256 constant MASK_64 = 0xffffffffffffffff;
// The low half of each of a word's four lanes.
uint256 constant LOW_HALVES = 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;
// 1 in each lane.
uint256 constant ONES = 0x0000000000000001000000000000000100000000000000010000000000000001;
// 2^32 in each lane.
uint256 constant CARRIES = 0x0000000100000000000000010000000000000001000000000000000100000000;

// Two values side by side: the lower one in PAIR_SHIFT bits, so that sums of products never reach the upper one;
// multiplication modulo PAIR_MODULUS keeps the lower product whole and reduces the upper one modulo p.
uint256 constant PAIR_SHIFT = 144;
uint256 constant PAIR_MASK = 0xffffffffffffffffffffffffffffffffffff;
uint256 constant PAIR_MODULUS = 0xffffffff00000001000000000000000000000000000000000000;

/// Arithmetic in the Goldilocks field and its quadratic extension F[X] / (X^2 - 7), and words of memory.
///
/// Elements of the extension are two words, c0 + c1 X. Arguments may be unreduced (each function says how far);
/// results are reduced. Nothing is checked for overflow: the bounds are in the comments.
library Goldilocks {
    /// x * y. Arguments whose products, 8 of them added up, are below 2^256: for example 2^130 times 2^120.
    function mul(uint256 x0, uint256 x1, uint256 y0, uint256 y1) internal pure returns (uint256, uint256) {
        unchecked {
            return ((x0 * y0 + 7 * (x1 * y1)) % P, (x0 * y1 + x1 * y0) % P);
        }
    }

    /// x * x, for reduced x.
    function square(uint256 x0, uint256 x1) internal pure returns (uint256, uint256) {
        unchecked {
            return ((x0 * x0 + 7 * (x1 * x1)) % P, (2 * x0 * x1) % P);
        }
    }

    /// x^7, for reduced x.
    function power7(uint256 x0, uint256 x1) internal pure returns (uint256 y0, uint256 y1) {
        // x^2 and x^6 stay unreduced, below 2^131.
        assembly ("memory-safe") {
            y1 := mul(7, mul(x1, x1))
            y0 := add(mul(x0, x0), y1)
            y1 := shl(1, mul(x0, x1))
            let z0 := mod(add(mul(y0, x0), mul(7, mul(y1, x1))), P)
            let z1 := mod(add(mul(y0, x1), mul(y1, x0)), P)
            y0 := add(mul(z0, z0), mul(7, mul(z1, z1)))
            y1 := shl(1, mul(z0, z1))
            z0 := mod(add(mul(y0, x0), mul(7, mul(y1, x1))), P)
            y1 := mod(add(mul(y0, x1), mul(y1, x0)), P)
            y0 := z0
        }
    }

    /// 1 / x in the base field, as x^(p - 2); 0 for 0.
    function inverse(uint256 x) internal pure returns (uint256 y) {
        // p - 2 = 2^64 - 2^32 - 1: 31 ones, a zero, 32 ones. A name tells how many ones the exponent has.
        assembly ("memory-safe") {
            function squareThrice(a) -> b {
                b := mulmod(a, a, P)
                b := mulmod(b, b, P)
                b := mulmod(b, b, P)
            }
            function squareSixTimes(a) -> b {
                b := squareThrice(squareThrice(a))
            }
            let ones2 := mulmod(mulmod(x, x, P), x, P)
            let ones3 := mulmod(mulmod(ones2, ones2, P), x, P)
            let ones6 := mulmod(squareThrice(ones3), ones3, P)
            let ones12 := mulmod(squareSixTimes(ones6), ones6, P)
            let ones24 := mulmod(squareSixTimes(squareSixTimes(ones12)), ones12, P)
            let ones30 := mulmod(squareSixTimes(ones24), ones6, P)
            let ones31 := mulmod(mulmod(ones30, ones30, P), x, P)
            let ones32 := mulmod(mulmod(ones31, ones31, P), x, P)
            y := squareSixTimes(squareSixTimes(squareSixTimes(squareSixTimes(squareSixTimes(ones31)))))
            y := mulmod(squareThrice(y), ones32, P)
        }
    }

    /// The norm x0^2 - 7 x1^2, for reduced x; 1 / x = (x0 - x1 X) / norm.
    function norm(uint256 x0, uint256 x1) internal pure returns (uint256) {
        unchecked {
            return (x0 * x0 + 7 * (x1 * (P - x1))) % P;
        }
    }

    /// Reverses the bytes of each of the four lanes.
    function swapBytes(uint256 w) internal pure returns (uint256) {
        w = (w & 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff) << 8 | w >> 8
            & 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
        w = (w & 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff) << 16 | w >> 16
            & 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
        return (w & LOW_HALVES) << 32 | w >> 32 & LOW_HALVES;
    }

    /// Not zero if one of the four lanes, each a little-endian number, is p or more: if its upper half (the low
    /// half of the lane) is 2^32 - 1 and its lower half is not zero.
    function excess(uint256 w) internal pure returns (uint256) {
        unchecked {
            return ((w & LOW_HALVES) + ONES) & ((w >> 32 & LOW_HALVES) + LOW_HALVES) & CARRIES;
        }
    }

    function load(uint256 place) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(place)
        }
    }

    function load2(uint256 place) internal pure returns (uint256 x0, uint256 x1) {
        assembly ("memory-safe") {
            x0 := mload(place)
            x1 := mload(add(place, 32))
        }
    }

    function store(uint256 place, uint256 word) internal pure {
        assembly ("memory-safe") {
            mstore(place, word)
        }
    }

    function store2(uint256 place, uint256 x0, uint256 x1) internal pure {
        assembly ("memory-safe") {
            mstore(place, x0)
            mstore(add(place, 32), x1)
        }
    }

    function loadCalldata(uint256 place) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(place)
        }
    }
}
