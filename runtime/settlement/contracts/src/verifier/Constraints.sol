// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Goldilocks, P, PAIR_MASK, PAIR_SHIFT} from "./Goldilocks.sol";
import {InterpolationGate} from "./InterpolationGate.sol";
import {MdsGate} from "./MdsGate.sol";
import {Pair} from "./Pair.sol";
import {PoseidonGate} from "./PoseidonGate.sol";
import {SimpleGates} from "./SimpleGates.sol";
import {
    ALPHAS,
    BETAS,
    COSET_GENERATOR,
    DEGREE_BITS,
    DEGREE_INVERSE,
    GAMMAS,
    GATE_CONSTRAINTS,
    GATE_SUMS,
    PARTIAL_PRODUCTS,
    PERMUTATION_CHUNK,
    POWERS,
    QUOTIENTS,
    SELECTORS,
    SIGMAS,
    WIRES,
    ZETA,
    ZS,
    ZS_NEXT
} from "./WrapStructure.sol";

/// The identity that the circuit's polynomials satisfy at zeta: for each of the two alphas,
///
///     sum over k of alpha^k term_k = (zeta^n - 1) * (quotient's chunks, joined by powers of zeta^n).
///
/// Terms: 0, 1: L_0 (Z_i - 1) for the two permutation arguments; 2 to 17: the steps of their partial products; from 18:
/// the gates' constraints, each gate's times its filter.
library Constraints {
    uint256 private constant SLOT = 64;
    uint256 private constant FIRST_GATE_TERM = 18;
    /// plonky2's `UNUSED_SELECTOR`.
    uint256 private constant UNUSED = 0xffffffff;

    /// Whether the identity holds for the openings and challenges in memory.
    function hold() internal pure returns (bool) {
        unchecked {
            powersOfAlpha();
            (uint256 gates0, uint256 gates1) = gates();

            (uint256 z0, uint256 z1) = Goldilocks.load2(ZETA);
            (uint256 n0, uint256 n1) = (z0, z1);
            for (uint256 i = 0; i < DEGREE_BITS; ++i) {
                (n0, n1) = Goldilocks.square(n0, n1);
            }
            // L_0(zeta) = (zeta^n - 1) / (n (zeta - 1)).
            z0 = (z0 + P - 1) % P;
            uint256 scale = Goldilocks.norm(z0, z1);
            if (scale == 0) return false;
            scale = mulmod(Goldilocks.inverse(scale), DEGREE_INVERSE, P);
            uint256 v0 = (n0 + P - 1) % P;
            (uint256 l0, uint256 l1) = Goldilocks.mul(v0, n1, mulmod(z0, scale, P), mulmod(P - z1, scale, P));

            (uint256 sum0, uint256 sum1) = permutation(l0, l1);
            uint256 shift = Goldilocks.load(POWERS + 32 * FIRST_GATE_TERM);
            sum0 = Pair.reduce(sum0 + Pair.mul(shift, Pair.reduce(gates0)));
            sum1 = Pair.reduce(sum1 + Pair.mul(shift, Pair.reduce(gates1)));

            (uint256 q0, uint256 q1) = quotient(QUOTIENTS, v0, n0, n1);
            if (q0 != sum0 & PAIR_MASK || q1 != sum1 & PAIR_MASK) return false;
            (q0, q1) = quotient(QUOTIENTS + 8 * SLOT, v0, n0, n1);
            return q0 == sum0 >> PAIR_SHIFT && q1 == sum1 >> PAIR_SHIFT;
        }
    }

    /// (zeta^n - 1) * sum over i of t_i zeta^(n i), of the eight chunks at `at`.
    function quotient(uint256 place, uint256 v0, uint256 n0, uint256 n1)
        private
        pure
        returns (uint256 q0, uint256 q1)
    {
        unchecked {
            for (uint256 i = 8 * SLOT; i != 0;) {
                i -= SLOT;
                (q0, q1) = Goldilocks.mul(q0, q1, n0, n1);
                (uint256 t0, uint256 t1) = Goldilocks.load2(place + i);
                (q0, q1) = (q0 + t0, q1 + t1);
            }
            return Goldilocks.mul(q0, q1, v0, n1);
        }
    }

    /// Writes (alpha_0^i, alpha_1^i), from i = 0.
    function powersOfAlpha() private pure {
        unchecked {
            (uint256 alpha0, uint256 alpha1) = Goldilocks.load2(ALPHAS);
            uint256 power0 = 1;
            uint256 power1 = 1;
            for (uint256 place = POWERS; place < POWERS + 32 * GATE_CONSTRAINTS; place += 32) {
                Goldilocks.store(place, power0 | power1 << PAIR_SHIFT);
                power0 = mulmod(power0, alpha0, P);
                power1 = mulmod(power1, alpha1, P);
            }
        }
    }

    /// The sum of terms 0 to 17.
    function permutation(uint256 l0, uint256 l1) private pure returns (uint256 sum0, uint256 sum1) {
        unchecked {
            for (uint256 i = 0; i < 2; ++i) {
                (uint256 z0, uint256 z1) = Goldilocks.load2(ZS + SLOT * i);
                uint256 weight = Goldilocks.load(POWERS + 32 * i);
                (uint256 t0, uint256 t1) = Goldilocks.mul(l0, l1, z0 + P - 1, z1);
                sum0 += Pair.scale(weight, t0);
                sum1 += Pair.scale(weight, t1);

                uint256 coset = 1;
                for (uint256 chunk = 0; chunk < 8; ++chunk) {
                    uint256 place = PARTIAL_PRODUCTS + SLOT * (7 * i + chunk);
                    // The product before this chunk, and after it.
                    (uint256 n0, uint256 n1) = chunk == 0 ? (z0, z1) : Goldilocks.load2(place - SLOT);
                    (uint256 d0, uint256 d1) = Goldilocks.load2(chunk == 7 ? ZS_NEXT + SLOT * i : place);
                    uint256 offset = SLOT * PERMUTATION_CHUNK * chunk;
                    (n0, n1, coset) = numerator(n0, n1, i, offset, coset);
                    (d0, d1) = denominator(d0, d1, i, offset);
                    weight = Goldilocks.load(POWERS + 32 * (2 + 8 * i + chunk));
                    sum0 += Pair.scale(weight, n0 + P - d0);
                    sum1 += Pair.scale(weight, n1 + P - d1);
                }
            }
        }
    }

    /// n times the product of wire + beta * coset * zeta + gamma over a chunk's wires.
    function numerator(uint256 n0, uint256 n1, uint256 challenge, uint256 offset, uint256 coset)
        private
        pure
        returns (uint256, uint256, uint256)
    {
        unchecked {
            (uint256 x0, uint256 x1) = Goldilocks.load2(ZETA);
            uint256 beta = Goldilocks.load(BETAS + 32 * challenge);
            uint256 gamma = Goldilocks.load(GAMMAS + 32 * challenge);
            x0 = mulmod(x0, beta, P);
            x1 = mulmod(x1, beta, P);
            uint256 place = WIRES + offset;
            uint256 end = place + SLOT * PERMUTATION_CHUNK;
            assembly ("memory-safe") {
                for {} lt(place, end) { place := add(place, 64) } {
                    let f0 := add(add(mload(place), gamma), mul(x0, coset))
                    let f1 := add(mload(add(place, 32)), mul(x1, coset))
                    let product := mod(add(mul(n0, f0), mul(7, mul(n1, f1))), P)
                    n1 := mod(add(mul(n0, f1), mul(n1, f0)), P)
                    n0 := product
                    coset := mulmod(coset, COSET_GENERATOR, P)
                }
            }
            return (n0, n1, coset);
        }
    }

    /// d times the product of wire + beta * sigma + gamma over a chunk's wires.
    function denominator(uint256 d0, uint256 d1, uint256 challenge, uint256 offset)
        private
        pure
        returns (uint256, uint256)
    {
        unchecked {
            uint256 beta = Goldilocks.load(BETAS + 32 * challenge);
            uint256 gamma = Goldilocks.load(GAMMAS + 32 * challenge);
            uint256 end = offset + SLOT * PERMUTATION_CHUNK;
            assembly ("memory-safe") {
                for {} lt(offset, end) { offset := add(offset, 64) } {
                    let f0 :=
                        add(add(mload(add(WIRES, offset)), gamma), mul(beta, mload(add(SIGMAS, offset))))
                    let f1 :=
                        add(
                            mload(add(add(WIRES, 32), offset)),
                            mul(beta, mload(add(add(SIGMAS, 32), offset)))
                        )
                    let product := mod(add(mul(d0, f0), mul(7, mul(d1, f1))), P)
                    d1 := mod(add(mul(d0, f1), mul(d1, f0)), P)
                    d0 := product
                }
            }
            return (d0, d1);
        }
    }

    /// The sum over gates of filter times constraints.
    function gates() private pure returns (uint256, uint256) {
        Goldilocks.store2(GATE_SUMS, 0, 0);
        (uint256 a, uint256 b) = SimpleGates.constants();
        filtered(a, b, 1, 0, 7, 0);
        (a, b) = MdsGate.constraints();
        filtered(a, b, 2, 0, 7, 0);
        (a, b) = SimpleGates.publicInputs();
        filtered(a, b, 3, 0, 7, 0);
        (a, b) = SimpleGates.baseSum();
        filtered(a, b, 4, 0, 7, 0);
        (a, b) = SimpleGates.reducingExtension();
        filtered(a, b, 5, 0, 7, 0);
        (a, b) = SimpleGates.reducing();
        filtered(a, b, 6, 0, 7, 0);
        (a, b) = SimpleGates.arithmeticExtension();
        filtered(a, b, 7, 7, 11, 1);
        (a, b) = SimpleGates.arithmetic();
        filtered(a, b, 8, 7, 11, 1);
        (a, b) = SimpleGates.mulExtension();
        filtered(a, b, 9, 7, 11, 1);
        (a, b) = SimpleGates.randomAccess();
        filtered(a, b, 10, 7, 11, 1);
        (a, b) = InterpolationGate.constraints();
        filtered(a, b, 11, 11, 13, 2);
        (a, b) = PoseidonGate.constraints();
        filtered(a, b, 12, 11, 13, 2);
        return Goldilocks.load2(GATE_SUMS);
    }

    /// Adds filter * (a, b). The filter is the product of i - s over the other gates of the group and UNUSED, where s is
    /// the group's selector; it vanishes where another gate of the group is used, and where none is.
    function filtered(uint256 a, uint256 b, uint256 gate, uint256 start, uint256 end, uint256 selector)
        private
        pure
    {
        unchecked {
            (uint256 s0, uint256 s1) = Goldilocks.load2(SELECTORS + SLOT * selector);
            s1 = P - s1;
            uint256 f0 = UNUSED + P - s0;
            uint256 f1 = s1;
            for (uint256 i = start; i < end; ++i) {
                if (i != gate) (f0, f1) = Goldilocks.mul(f0, f1, i + P - s0, s1);
            }
            (a, b) = Pair.mulExtension(Pair.reduce(a), Pair.reduce(b), f0, f1);
            (uint256 sum0, uint256 sum1) = Goldilocks.load2(GATE_SUMS);
            Goldilocks.store2(GATE_SUMS, sum0 + a, sum1 + b);
        }
    }
}
