// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {
    CARRIES,
    Goldilocks,
    LOW_HALVES,
    MASK_64,
    ONES,
    P,
    PAIR_MASK,
    PAIR_MODULUS,
    PAIR_SHIFT
} from "./Goldilocks.sol";
import {FriFold} from "./FriFold.sol";
import {MalformedProof} from "./IProofVerifier.sol";
import {Pair} from "./Pair.sol";
import {
    COMMITTED_COLUMNS,
    CONSTANTS_LEAF_LENGTH,
    CONSTANTS_SIGMAS_CAP,
    COSET_GENERATOR,
    DEGREE_ROOT,
    DOMAIN_BITS,
    DOMAIN_ROOT,
    FRI_ALPHA,
    FRI_POWERS,
    GRINDING_BITS,
    GRINDING_RESPONSE,
    PERMUTATION_BITS,
    PERMUTATION_RESPONSE,
    LEAF,
    OPENINGS,
    PATH_LEVELS,
    PRODUCTS_LEAF_LENGTH,
    PROOF_PRODUCTS_CAP,
    PROOF_QUERIES,
    PROOF_QUOTIENT_CAP,
    PROOF_WIRES_CAP,
    QUERIES,
    QUERY_CONSTANTS_LEAF,
    QUERY_INDICES,
    QUERY_LEAVES_LENGTH,
    QUERY_LENGTH,
    QUERY_PATHS,
    QUERY_PRODUCTS_LEAF,
    QUERY_QUOTIENT_LEAF,
    QUERY_WIRES_LEAF,
    QUOTIENT_LEAF_LENGTH,
    REDUCED_OPENINGS,
    WIRES_LEAF_LENGTH,
    ZETA,
    ZS_NEXT
} from "./WrapStructure.sol";

/// plonky2's FRI verifier: the committed polynomials take the opened values at zeta and g zeta.
///
/// With alpha's powers, all columns are combined to one, f; for x of the domain
///
///     v(x) = alpha^2 (f(x) - f(zeta)) / (x - zeta) + (h(x) - h(g zeta)) / (x - g zeta),   h = Z_0 + alpha Z_1,
///
/// is close to a polynomial of low degree, which folding by 16 and by 8 shows (`FriFold`).
library FriVerifier {
    /// Whether the queries of the proof at `proof` in calldata hold, for the openings and challenges in memory.
    function hold(uint256 proof) internal pure returns (bool) {
        unchecked {
            if (Goldilocks.load(GRINDING_RESPONSE) >> (64 - GRINDING_BITS) != 0) return false;
            if (Goldilocks.load(PERMUTATION_RESPONSE) >> (64 - PERMUTATION_BITS) != 0) return false;
            reduceOpenings();
            FriFold.prepare(proof);
            for (uint256 i = 0; i < QUERIES; ++i) {
                uint256 index = Goldilocks.load(QUERY_INDICES + 32 * i);
                uint256 query = proof + PROOF_QUERIES + QUERY_LENGTH * i;
                if (!included(proof, query, index)) return false;
                if (!consistent(proof, query, index)) return false;
            }
            return true;
        }
    }

    /// Writes alpha^j as a pair of its components, and f(zeta), h(g zeta).
    function reduceOpenings() internal pure {
        unchecked {
            (uint256 a0, uint256 a1) = Goldilocks.load2(FRI_ALPHA);
            assembly ("memory-safe") {
                let p0 := 1
                let p1 := 0
                let end := add(FRI_POWERS, shl(5, COMMITTED_COLUMNS))
                for { let place := FRI_POWERS } lt(place, end) { place := add(place, 32) } {
                    mstore(place, or(p0, shl(PAIR_SHIFT, p1)))
                    let product := mod(add(mul(p0, a0), mul(7, mul(p1, a1))), P)
                    p1 := mod(add(mul(p0, a1), mul(p1, a0)), P)
                    p0 := product
                }
            }
            (uint256 r0, uint256 r1) = join(OPENINGS, COMMITTED_COLUMNS);
            Goldilocks.store2(REDUCED_OPENINGS, r0, r1);
            (r0, r1) = join(ZS_NEXT, 2);
            Goldilocks.store2(REDUCED_OPENINGS + 64, r0, r1);
        }
    }

    /// The sum of alpha^j times the `count` extension elements at `at`.
    function join(uint256 place, uint256 count) private pure returns (uint256, uint256) {
        unchecked {
            (uint256 s0, uint256 s1) = Pair.dot(place, 64, FRI_POWERS, 32, count);
            return
                (((s0 & PAIR_MASK) + 7 * (s1 >> PAIR_SHIFT)) % P, ((s1 & PAIR_MASK) + (s0 >> PAIR_SHIFT)) % P);
        }
    }

    /// Whether the query's four leaves are in the committed trees.
    function included(uint256 proof, uint256 query, uint256 index) private pure returns (bool) {
        unchecked {
            uint256 path = query + QUERY_PATHS;
            uint256 slot = index >> PATH_LEVELS << 5;
            uint256 root = FriFold.root(
                hashLeaf(query + QUERY_CONSTANTS_LEAF, CONSTANTS_LEAF_LENGTH), index, path, PATH_LEVELS
            );
            if (root != Goldilocks.load(CONSTANTS_SIGMAS_CAP + slot)) return false;
            path += 32 * PATH_LEVELS;
            root =
                FriFold.root(hashLeaf(query + QUERY_WIRES_LEAF, WIRES_LEAF_LENGTH), index, path, PATH_LEVELS);
            if (root != Goldilocks.loadCalldata(proof + PROOF_WIRES_CAP + slot)) return false;
            path += 32 * PATH_LEVELS;
            root = FriFold.root(
                hashLeaf(query + QUERY_PRODUCTS_LEAF, PRODUCTS_LEAF_LENGTH), index, path, PATH_LEVELS
            );
            if (root != Goldilocks.loadCalldata(proof + PROOF_PRODUCTS_CAP + slot)) return false;
            path += 32 * PATH_LEVELS;
            root = FriFold.root(
                hashLeaf(query + QUERY_QUOTIENT_LEAF, QUOTIENT_LEAF_LENGTH), index, path, PATH_LEVELS
            );
            return root == Goldilocks.loadCalldata(proof + PROOF_QUOTIENT_CAP + slot);
        }
    }

    function hashLeaf(uint256 place, uint256 length) private pure returns (uint256 digest) {
        assembly ("memory-safe") {
            calldatacopy(LEAF, place, length)
            digest := keccak256(LEAF, length)
        }
    }

    /// Whether v at the query's point is what the folded codewords continue.
    function consistent(uint256 proof, uint256 query, uint256 index) private pure returns (bool) {
        unchecked {
            // x = high * middle * low, by the bits of the index that remain after both foldings, after one, and none.
            (uint256 high, uint256 middle, uint256 low) = point(index);
            uint256 x = mulmod(mulmod(high, middle, P), low, P);

            // The denominators' norms, and one inversion for both and for x.
            (uint256 z0, uint256 z1) = Goldilocks.load2(ZETA);
            uint256 y0 = x + P - mulmod(z0, DEGREE_ROOT, P);
            uint256 y1 = mulmod(z1, DEGREE_ROOT, P);
            z0 = x + P - z0;
            uint256 zNorm = Goldilocks.norm(z0, z1);
            uint256 yNorm = Goldilocks.norm(y0, y1);
            uint256 norms = mulmod(zNorm, yNorm, P);
            if (norms == 0) return false;
            uint256 inverse = Goldilocks.inverse(mulmod(norms, x, P));
            uint256 xInverse = mulmod(inverse, norms, P);
            inverse = mulmod(inverse, x, P);

            (uint256 v0, uint256 v1) = combine(query);
            (uint256 o0, uint256 o1) = Goldilocks.load2(REDUCED_OPENINGS);
            (v0, v1) = Goldilocks.mul(v0 + P - o0, v1 + P - o1, z0, z1);
            yNorm = mulmod(inverse, yNorm, P);
            (v0, v1) = (mulmod(v0, yNorm, P), mulmod(v1, yNorm, P));
            (o0, o1) = alphaPower(2);
            (v0, v1) = Goldilocks.mul(v0, v1, o0, o1);
            (o0, o1) = products(query);
            (o0, o1) = Goldilocks.mul(o0, o1, y0, y1);
            zNorm = mulmod(inverse, zNorm, P);
            v0 = addmod(v0, mulmod(o0, zNorm, P), P);
            v1 = addmod(v1, mulmod(o1, zNorm, P), P);
            return FriFold.continues(proof, query, index, high, xInverse, middle, low, v0, v1);
        }
    }

    /// h(x) - h(g zeta), from the products' leaf, which begins with Z_0 and Z_1.
    function products(uint256 query) private pure returns (uint256, uint256) {
        unchecked {
            uint256 lanes = Goldilocks.swapBytes(Goldilocks.loadCalldata(query + QUERY_PRODUCTS_LEAF));
            (uint256 a0, uint256 a1) = Goldilocks.load2(FRI_ALPHA);
            (uint256 o0, uint256 o1) = Goldilocks.load2(REDUCED_OPENINGS + 64);
            uint256 z = lanes >> 128 & MASK_64;
            return (((lanes >> 192) + a0 * z + P - o0) % P, (a1 * z + P - o1) % P);
        }
    }

    function alphaPower(uint256 index) private pure returns (uint256, uint256) {
        unchecked {
            uint256 power = Goldilocks.load(FRI_POWERS + 32 * index);
            return (power & PAIR_MASK, power >> PAIR_SHIFT);
        }
    }

    /// f(x): the elements of the query's leaves times the powers of alpha.
    function combine(uint256 query) internal pure returns (uint256 f0, uint256 f1) {
        uint256 sum;
        uint256 bad;
        assembly ("memory-safe") {
            let power := FRI_POWERS
            for { let end := add(query, QUERY_LEAVES_LENGTH) } lt(query, end) { query := add(query, 32) } {
                let w := calldataload(query)
                // Little-endian lanes: swap bytes, then pairs, then halves; an upper half of 2^32 - 1 with a lower
                // half that is not zero is a number of p or more.
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
                sum := add(sum, mulmod(mload(power), shr(192, w), PAIR_MODULUS))
                sum := add(sum, mulmod(mload(add(power, 32)), and(shr(128, w), MASK_64), PAIR_MODULUS))
                sum := add(sum, mulmod(mload(add(power, 64)), and(shr(64, w), MASK_64), PAIR_MODULUS))
                sum := add(sum, mulmod(mload(add(power, 96)), and(w, MASK_64), PAIR_MODULUS))
                power := add(power, 128)
            }
            f0 := mod(and(sum, PAIR_MASK), P)
            f1 := mod(shr(PAIR_SHIFT, sum), P)
        }
        if (bad & CARRIES != 0) revert MalformedProof();
    }

    /// The domain's element at an index, in bit-reversed order: COSET_GENERATOR times, for each bit k that is set, the root
    /// of order 2^(k+1). Three factors: bits 19 to 7 (with the generator), 6 to 4, and 3 to 0.
    function point(uint256 index) internal pure returns (uint256 high, uint256 middle, uint256 low) {
        assembly ("memory-safe") {
            function powers(bits, from, to, start, first) -> product, root {
                product := start
                root := first
                for {} gt(from, to) {} {
                    from := sub(from, 1)
                    if and(shr(from, bits), 1) { product := mulmod(product, root, P) }
                    root := mulmod(root, root, P)
                }
            }
            let root
            high, root := powers(index, DOMAIN_BITS, 7, COSET_GENERATOR, DOMAIN_ROOT)
            middle, root := powers(index, 7, 4, 1, root)
            low, root := powers(index, 4, 0, 1, root)
        }
    }
}
