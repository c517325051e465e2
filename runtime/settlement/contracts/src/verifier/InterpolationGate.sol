// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Goldilocks, P} from "./Goldilocks.sol";
import {Pair} from "./Pair.sol";
import {SimpleGates} from "./SimpleGates.sol";
import {INVERSE_16, LIST, POWERS, ROOT_16, WIRES} from "./WrapStructure.sol";

/// plonky2's `CosetInterpolationGate` on 16 points, of degree 6, summed with the powers of both alphas.
///
/// Wires: shift 0; values from 1; point 33; value 35; intermediate evaluations 37, 39 and products 41, 43; shifted
/// point 45. All but the shift are elements of the algebra (two wires). Barycentric weight i is root^i / 16.
library InterpolationGate {
    uint256 private constant SLOT = 64;
    uint256 private constant ALGEBRA = 128;
    uint256 private constant POINT = 33;
    uint256 private constant VALUE = 35;
    uint256 private constant EVALUATIONS = 37;
    uint256 private constant PRODUCTS = 41;
    uint256 private constant SHIFTED = 45;
    /// Memory: the running evaluation and product, the factor x - root^i, and a product.
    uint256 private constant EVALUATION = LIST;
    uint256 private constant PRODUCT = LIST + ALGEBRA;
    uint256 private constant FACTOR = LIST + 2 * ALGEBRA;
    uint256 private constant TERM = LIST + 3 * ALGEBRA;

    function wire(uint256 index) private pure returns (uint256) {
        unchecked {
            return WIRES + SLOT * index;
        }
    }

    function constraints() internal pure returns (uint256 sum0, uint256 sum1) {
        unchecked {
            // point - shift * shifted point
            (uint256 s0, uint256 s1) = Goldilocks.load2(wire(0));
            for (uint256 i = 0; i < 2; ++i) {
                (uint256 w0, uint256 w1) = Goldilocks.load2(wire(POINT + i));
                (uint256 t0, uint256 t1) = Goldilocks.load2(wire(SHIFTED + i));
                (t0, t1) = Goldilocks.mul(s0, s1, t0, t1);
                sum0 += Pair.scale(Goldilocks.load(POWERS + 32 * i), w0 + P - t0);
                sum1 += Pair.scale(Goldilocks.load(POWERS + 32 * i), w1 + P - t1);
            }

            copy(wire(SHIFTED), FACTOR);
            (s0, s1) = Goldilocks.load2(FACTOR);
            for (uint256 i = 0; i < 8; ++i) {
                Goldilocks.store(LIST + 32 * i, 0);
            }
            Goldilocks.store(PRODUCT, 1);
            uint256 root = 1;
            uint256 end = 6;
            uint256 point;
            for (uint256 segment = 0; segment < 2; ++segment) {
                for (; point < end; ++point) {
                    step(point, root, s0);
                    root = mulmod(root, ROOT_16, P);
                }
                end += 5;
                // intermediate evaluation and product - computed ones; then go on from the wires.
                (uint256 t0, uint256 t1) =
                    difference(wire(EVALUATIONS + 2 * segment), EVALUATION, POWERS + 64 + 128 * segment);
                sum0 += t0;
                sum1 += t1;
                (t0, t1) = difference(wire(PRODUCTS + 2 * segment), PRODUCT, POWERS + 128 + 128 * segment);
                sum0 += t0;
                sum1 += t1;
                copy(wire(EVALUATIONS + 2 * segment), EVALUATION);
                copy(wire(PRODUCTS + 2 * segment), PRODUCT);
            }
            for (; point < 16; ++point) {
                step(point, root, s0);
                root = mulmod(root, ROOT_16, P);
            }
            (s0, s1) = difference(wire(VALUE), EVALUATION, POWERS + 320);
            return (sum0 + s0, sum1 + s1);
        }
    }

    /// evaluation = evaluation * factor + weight * value * product; product = product * factor.
    function step(uint256 i, uint256 root, uint256 shifted0) private pure {
        unchecked {
            Goldilocks.store(FACTOR, (shifted0 + P - root) % P);
            uint256 weight = mulmod(root, INVERSE_16, P);
            SimpleGates.algebraMul(EVALUATION, FACTOR, EVALUATION);
            SimpleGates.algebraMul(wire(1 + 2 * i), PRODUCT, TERM);
            for (uint256 k = 0; k < ALGEBRA; k += 32) {
                Goldilocks.store(
                    EVALUATION + k, (Goldilocks.load(EVALUATION + k) + weight * Goldilocks.load(TERM + k)) % P
                );
            }
            SimpleGates.algebraMul(PRODUCT, FACTOR, PRODUCT);
        }
    }

    function copy(uint256 from, uint256 to) private pure {
        assembly ("memory-safe") {
            mcopy(to, from, ALGEBRA)
        }
    }

    /// The algebra element at `at` minus the one at `computed`, with two powers.
    function difference(uint256 place, uint256 computed, uint256 powers)
        private
        pure
        returns (uint256 sum0, uint256 sum1)
    {
        unchecked {
            for (uint256 i = 0; i < 2; ++i) {
                (uint256 x0, uint256 x1) = Goldilocks.load2(place + SLOT * i);
                (uint256 y0, uint256 y1) = Goldilocks.load2(computed + SLOT * i);
                uint256 weight = Goldilocks.load(powers + 32 * i);
                sum0 += Pair.scale(weight, x0 + P - y0);
                sum1 += Pair.scale(weight, x1 + P - y1);
            }
        }
    }
}
