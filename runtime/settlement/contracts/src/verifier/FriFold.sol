// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Goldilocks, MASK_64, P} from "./Goldilocks.sol";
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

    /// Reads the final polynomial, and writes the inverse roots of the pairs: r^-e for e = 0, 4, 2, 6, 1, 5, 3, 7, the first
    /// of which serve the shorter lists too.
    function prepare(uint256 proof) internal pure {
        unpack(proof + PROOF_FINAL_POLYNOMIAL, FINAL_POLYNOMIAL, FINAL_POLYNOMIAL_LENGTH);
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
    function finalValue(uint256 x) private pure returns (uint256 y0, uint256 y1) {
        unchecked {
            for (
                uint256 place = FINAL_POLYNOMIAL + SLOT * FINAL_POLYNOMIAL_LENGTH;
                place != FINAL_POLYNOMIAL;

            ) {
                place -= SLOT;
                (uint256 c0, uint256 c1) = Goldilocks.load2(place);
                (y0, y1) = ((y0 * x + c0) % P, (y1 * x + c1) % P);
            }
        }
    }

    /// 2^k times the value at beta of the polynomial that takes the values at FOLD on the coset; t = beta / s.
    function fold(uint256 count, uint256 t0, uint256 t1) internal pure returns (uint256, uint256) {
        unchecked {
            while (true) {
                count >>= 1;
                uint256 from = FOLD;
                uint256 roots = FOLD_ROOTS;
                for (uint256 to = FOLD; to < FOLD + SLOT * count; to += SLOT) {
                    (uint256 u0, uint256 u1) = Goldilocks.load2(from);
                    (uint256 w0, uint256 w1) = Goldilocks.load2(from + SLOT);
                    uint256 r = Goldilocks.load(roots);
                    (uint256 r0, uint256 r1) = (mulmod(t0, r, P), mulmod(t1, r, P));
                    uint256 d0 = u0 + P - w0;
                    uint256 d1 = u1 + P - w1;
                    Goldilocks.store2(
                        to, (u0 + w0 + r0 * d0 + 7 * (r1 * d1)) % P, (u1 + w1 + r0 * d1 + r1 * d0) % P
                    );
                    from += 2 * SLOT;
                    roots += 32;
                }
                if (count == 1) return Goldilocks.load2(FOLD);
                (t0, t1) = Goldilocks.square(t0, t1);
            }
        }
        return (0, 0);
    }

    /// Reads `count` extension elements, an even number, from calldata to memory.
    function unpack(uint256 from, uint256 to, uint256 count) internal pure {
        uint256 bad;
        unchecked {
            for (uint256 end = to + SLOT * count; to < end; to += 2 * SLOT) {
                uint256 lanes = Goldilocks.loadCalldata(from);
                bad |= Goldilocks.excess(lanes);
                lanes = Goldilocks.swapBytes(lanes);
                Goldilocks.store2(to, lanes >> 192, lanes >> 128 & MASK_64);
                Goldilocks.store2(to + SLOT, lanes >> 64 & MASK_64, lanes & MASK_64);
                from += 32;
            }
        }
        if (bad != 0) revert MalformedProof();
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
            for { let end := add(path, shl(5, levels)) } lt(path, end) { path := add(path, 32) } {
                // The node's side in the scratch space, by the index's lowest bit.
                let side := shl(5, and(index, 1))
                mstore(side, digest)
                mstore(xor(side, 32), calldataload(path))
                digest := keccak256(0, 64)
                index := shr(1, index)
            }
        }
        return digest;
    }
}
