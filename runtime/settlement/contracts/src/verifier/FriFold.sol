// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CARRIES, Goldilocks, LOW_HALVES, MASK_64, ONES, P} from "./Goldilocks.sol";
import {MalformedProof} from "./IProofVerifier.sol";
import {
    FINAL_POLYNOMIAL,
    FINAL_POLYNOMIAL_LENGTH,
    FOLD,
    FOLD_0_LEVELS,
    FOLD_1_LEVELS,
    FOLD_ROOTS,
    FRI_BETAS,
    INVERSE_16,
    INVERSE_8,
    LEAF,
    PROOF_FINAL_POLYNOMIAL,
    PROOF_FOLD_0_CAP,
    PROOF_FOLD_1_CAP,
    QUERY_FOLD_0,
    QUERY_FOLD_0_PATH,
    QUERY_FOLD_1,
    QUERY_FOLD_1_PATH,
    ROOT_16_INVERSE_1,
    ROOT_16_INVERSE_2,
    ROOT_16_INVERSE_3,
    ROOT_16_INVERSE_4,
    ROOT_16_INVERSE_5,
    ROOT_16_INVERSE_6,
    ROOT_16_INVERSE_7
} from "./WrapStructure.sol";

/// The foldings of FRI: from the combined codeword by 16, by 8, to the final polynomial.
///
/// A coset s, s r, s r^2, ... of order 2^k, in bit-reversed order, holds the values of a polynomial of degree below 2^k; its
/// value at beta is had by k halvings: with neighbours u at t and w at -t,
///
///     (u + w) / 2 + (beta / t) (u - w) / 2
///
/// is the value at t^2 of the polynomial that is wanted at beta^2. The halves are made up for at the end.
library FriFold {
    uint256 private constant SLOT = 64;

    /// Reads the final polynomial, and writes the roots.
    function prepare(uint256 proof) internal pure {
        unchecked {
            unpack(proof + PROOF_FINAL_POLYNOMIAL, FINAL_POLYNOMIAL, FINAL_POLYNOMIAL_LENGTH);
        }
        writeRoots();
    }

    /// The inverse roots of the pairs: r^-e for e = 0, 4, 2, 6, 1, 5, 3, 7, the first of which serve shorter lists too.
    function writeRoots() internal pure {
        unchecked {
            Goldilocks.store2(FOLD_ROOTS, 1, ROOT_16_INVERSE_4);
            Goldilocks.store2(FOLD_ROOTS + 64, ROOT_16_INVERSE_2, ROOT_16_INVERSE_6);
            Goldilocks.store2(FOLD_ROOTS + 128, ROOT_16_INVERSE_1, ROOT_16_INVERSE_5);
            Goldilocks.store2(FOLD_ROOTS + 192, ROOT_16_INVERSE_3, ROOT_16_INVERSE_7);
        }
    }

    /// Whether v, the combined codeword at index, is in the first coset, which folds to a value of the second, which
    /// folds to a value of the final polynomial; and whether both cosets are committed to.
    function continues(
        uint256 proof,
        uint256 query,
        uint256 index,
        uint256 high,
        uint256 xInverse,
        uint256 middle,
        uint256 low,
        uint256 v0,
        uint256 v1
    ) internal pure returns (bool) {
        unchecked {
            unpack(query + QUERY_FOLD_0, FOLD, 16);
            (uint256 u0, uint256 u1) = Goldilocks.load2(FOLD + SLOT * (index & 15));
            if (u0 != v0 || u1 != v1) return false;
            index >>= 4;
            uint256 digest =
                root(hash(query + QUERY_FOLD_0, 256), index, query + QUERY_FOLD_0_PATH, FOLD_0_LEVELS);
            if (digest != Goldilocks.loadCalldata(proof + PROOF_FOLD_0_CAP + (index >> FOLD_0_LEVELS << 5))) {
                return false;
            }
            // The coset begins at high * middle = x / low.
            uint256 start = mulmod(xInverse, low, P);
            (v0, v1) = Goldilocks.load2(FRI_BETAS);
            (v0, v1) = fold(16, mulmod(v0, start, P), mulmod(v1, start, P));
            (v0, v1) = (mulmod(v0, INVERSE_16, P), mulmod(v1, INVERSE_16, P));

            unpack(query + QUERY_FOLD_1, FOLD, 8);
            (u0, u1) = Goldilocks.load2(FOLD + SLOT * (index & 7));
            if (u0 != v0 || u1 != v1) return false;
            index >>= 3;
            digest = root(hash(query + QUERY_FOLD_1, 128), index, query + QUERY_FOLD_1_PATH, FOLD_1_LEVELS);
            if (digest != Goldilocks.loadCalldata(proof + PROOF_FOLD_1_CAP + (index >> FOLD_1_LEVELS << 5))) {
                return false;
            }
            // The second coset begins at high^16.
            start = power16(mulmod(start, middle, P));
            (v0, v1) = Goldilocks.load2(FRI_BETAS + SLOT);
            (v0, v1) = fold(8, mulmod(v0, start, P), mulmod(v1, start, P));
            (v0, v1) = (mulmod(v0, INVERSE_8, P), mulmod(v1, INVERSE_8, P));

            high = power16(high);
            high = mulmod(high, high, P);
            high = mulmod(high, high, P);
            (u0, u1) = finalValue(mulmod(high, high, P));
            return u0 == v0 && u1 == v1;
        }
    }

    function power16(uint256 x) private pure returns (uint256) {
        x = mulmod(x, x, P);
        x = mulmod(x, x, P);
        x = mulmod(x, x, P);
        return mulmod(x, x, P);
    }

    /// The final polynomial at x.
    function finalValue(uint256 x) internal pure returns (uint256 y0, uint256 y1) {
        assembly ("memory-safe") {
            // Four coefficients a step, from the end: y x^4 + c_3 x^3 + ... + c_0, below 2^131.
            let x2 := mulmod(x, x, P)
            let x3 := mulmod(x2, x, P)
            let x4 := mulmod(x2, x2, P)
            let place := add(FINAL_POLYNOMIAL, shl(6, FINAL_POLYNOMIAL_LENGTH))
            for {} gt(place, FINAL_POLYNOMIAL) {} {
                place := sub(place, 256)
                y0 := add(mul(y0, x4), mload(place))
                y1 := add(mul(y1, x4), mload(add(place, 32)))
                y0 := add(y0, mul(x, mload(add(place, 64))))
                y1 := add(y1, mul(x, mload(add(place, 96))))
                y0 := add(y0, mul(x2, mload(add(place, 128))))
                y1 := add(y1, mul(x2, mload(add(place, 160))))
                y0 := mod(add(y0, mul(x3, mload(add(place, 192)))), P)
                y1 := mod(add(y1, mul(x3, mload(add(place, 224)))), P)
            }
        }
    }

    /// 2^k times the value at beta of the polynomial that takes the values at FOLD on the coset; t = beta / s.
    function fold(uint256 count, uint256 t0, uint256 t1) internal pure returns (uint256, uint256) {
        assembly ("memory-safe") {
            for { count := shr(1, count) } count { count := shr(1, count) } {
                let from := FOLD
                let roots := FOLD_ROOTS
                let end := add(FOLD, shl(6, count))
                for { let to := FOLD } lt(to, end) { to := add(to, 64) } {
                    let r1 := mload(roots)
                    let r0 := mulmod(t0, r1, P)
                    r1 := mulmod(t1, r1, P)
                    let d0 := sub(add(mload(from), P), mload(add(from, 64)))
                    let d1 := sub(add(mload(add(from, 32)), P), mload(add(from, 96)))
                    mstore(
                        to,
                        mod(
                            add(
                                add(mload(from), mload(add(from, 64))),
                                add(mul(r0, d0), mul(7, mul(r1, d1)))
                            ),
                            P
                        )
                    )
                    mstore(
                        add(to, 32),
                        mod(
                            add(
                                add(mload(add(from, 32)), mload(add(from, 96))),
                                add(mul(r0, d1), mul(r1, d0))
                            ),
                            P
                        )
                    )
                    from := add(from, 128)
                    roots := add(roots, 32)
                }
                let square := mod(add(mul(t0, t0), mul(7, mul(t1, t1))), P)
                t1 := mod(shl(1, mul(t0, t1)), P)
                t0 := square
            }
        }
        return Goldilocks.load2(FOLD);
    }

    /// Reads `count` extension elements, an even number, from calldata to memory.
    function unpack(uint256 from, uint256 to, uint256 count) internal pure {
        uint256 bad;
        assembly ("memory-safe") {
            for { let end := add(to, shl(6, count)) } lt(to, end) { to := add(to, 128) } {
                let w := calldataload(from)
                // Little-endian lanes: swap bytes, then pairs, then halves; see `Goldilocks.excess` for the check.
                w := or(
                    shl(8, and(w, 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff)),
                    and(shr(8, w), 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff)
                )
                w := or(
                    shl(16, and(w, 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff)),
                    and(shr(16, w), 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff)
                )
                let upper := and(w, LOW_HALVES)
                let lower := and(shr(32, w), LOW_HALVES)
                bad := or(bad, and(add(upper, ONES), add(lower, LOW_HALVES)))
                w := or(shl(32, upper), lower)
                mstore(to, shr(192, w))
                mstore(add(to, 32), and(shr(128, w), MASK_64))
                mstore(add(to, 64), and(shr(64, w), MASK_64))
                mstore(add(to, 96), and(w, MASK_64))
                from := add(from, 32)
            }
        }
        if (bad & CARRIES != 0) revert MalformedProof();
    }

    function hash(uint256 place, uint256 length) private pure returns (uint256 digest) {
        assembly ("memory-safe") {
            calldatacopy(LEAF, place, length)
            digest := keccak256(LEAF, length)
        }
    }

    /// The node that the Merkle path at `path` leads to from the leaf of this digest and index.
    function root(uint256 digest, uint256 index, uint256 path, uint256 levels)
        internal
        pure
        returns (uint256)
    {
        assembly ("memory-safe") {
            // A node's side in the scratch space, 0 or 32, is its index's lowest bit.
            let sides := shl(5, index)
            for { let end := add(path, shl(5, and(levels, 0xfc))) } lt(path, end) { path := add(path, 128) } {
                let side := and(sides, 32)
                mstore(side, digest)
                mstore(xor(side, 32), calldataload(path))
                side := and(shr(1, sides), 32)
                mstore(side, keccak256(0, 64))
                mstore(xor(side, 32), calldataload(add(path, 32)))
                side := and(shr(2, sides), 32)
                mstore(side, keccak256(0, 64))
                mstore(xor(side, 32), calldataload(add(path, 64)))
                side := and(shr(3, sides), 32)
                mstore(side, keccak256(0, 64))
                mstore(xor(side, 32), calldataload(add(path, 96)))
                digest := keccak256(0, 64)
                sides := shr(4, sides)
            }
            for { levels := and(levels, 3) } levels { levels := sub(levels, 1) } {
                let side := and(sides, 32)
                mstore(side, digest)
                mstore(xor(side, 32), calldataload(path))
                digest := keccak256(0, 64)
                sides := shr(1, sides)
                path := add(path, 32)
            }
        }
        return digest;
    }
}
