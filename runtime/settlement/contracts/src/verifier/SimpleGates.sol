// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Goldilocks, P, PAIR_MODULUS} from "./Goldilocks.sol";
import {Pair} from "./Pair.sol";
import {
    ARITHMETIC_EXTENSION_OPERATIONS,
    ARITHMETIC_OPERATIONS,
    BASE_SUM_LIMBS,
    GATE_CONSTANTS,
    LIST,
    MULTIPLICATION_EXTENSION_OPERATIONS,
    POWERS,
    PUBLIC_INPUTS_HASH,
    RANDOM_ACCESS_COPIES,
    REDUCING_COEFFICIENTS,
    REDUCING_EXTENSION_COEFFICIENTS,
    WIRES
} from "./WrapStructure.sol";

/// The constraints of the small gates, as in plonky2's `gates`, each gate's summed with the powers of both alphas.
///
/// Every function returns two pairs, the components of an extension element: the sum over the gate's constraints c_k
/// of alpha^k c_k, unfiltered. Wires, constants and powers are in memory. An element of the extension algebra
/// that a gate computes in is two wires.
library SimpleGates {
    /// Bytes of an extension element in memory, and of an element of the algebra.
    uint256 private constant SLOT = 64;
    uint256 private constant ALGEBRA = 128;

    function wire(uint256 index) private pure returns (uint256) {
        unchecked {
            return WIRES + SLOT * index;
        }
    }

    function power(uint256 index) private pure returns (uint256) {
        unchecked {
            return Goldilocks.load(POWERS + 32 * index);
        }
    }

    /// `ConstantGate`: constant - wire.
    function constants() internal pure returns (uint256 sum0, uint256 sum1) {
        unchecked {
            for (uint256 i = 0; i < 2; ++i) {
                (uint256 c0, uint256 c1) = Goldilocks.load2(GATE_CONSTANTS + SLOT * i);
                (uint256 w0, uint256 w1) = Goldilocks.load2(wire(i));
                sum0 += Pair.scale(power(i), c0 + P - w0);
                sum1 += Pair.scale(power(i), c1 + P - w1);
            }
        }
    }

    /// `PublicInputGate`: wire - element of the public inputs' hash.
    function publicInputs() internal pure returns (uint256 sum0, uint256 sum1) {
        unchecked {
            for (uint256 i = 0; i < 4; ++i) {
                (uint256 w0, uint256 w1) = Goldilocks.load2(wire(i));
                sum0 += Pair.scale(power(i), w0 + P - Goldilocks.load(PUBLIC_INPUTS_HASH + 32 * i));
                sum1 += Pair.scale(power(i), w1);
            }
        }
    }

    /// `BaseSumGate`, base 2: the sum of the bits - wire; bit^2 - bit.
    function baseSum() internal pure returns (uint256 sum0, uint256 sum1) {
        unchecked {
            uint256 total0;
            uint256 total1;
            assembly ("memory-safe") {
                let limb := add(WIRES, 64)
                let weight := add(POWERS, 32)
                for { let i := 0 } lt(i, BASE_SUM_LIMBS) { i := add(i, 1) } {
                    let b0 := mload(limb)
                    let b1 := mload(add(limb, 32))
                    total0 := add(total0, shl(i, b0))
                    total1 := add(total1, shl(i, b1))
                    let square := mod(add(mul(b0, b0), add(mul(7, mul(b1, b1)), sub(P, b0))), P)
                    sum0 := add(sum0, mulmod(mload(weight), square, PAIR_MODULUS))
                    square := mod(add(shl(1, mul(b0, b1)), sub(P, b1)), P)
                    sum1 := add(sum1, mulmod(mload(weight), square, PAIR_MODULUS))
                    limb := add(limb, 64)
                    weight := add(weight, 32)
                }
            }
            (uint256 w0, uint256 w1) = Goldilocks.load2(wire(0));
            sum0 += Pair.scale(power(0), total0 % P + P - w0);
            sum1 += Pair.scale(power(0), total1 % P + P - w1);
        }
    }

    /// `ReducingExtensionGate`: accumulator * alpha + coefficient - next accumulator, in the algebra.
    function reducingExtension() internal pure returns (uint256 sum0, uint256 sum1) {
        unchecked {
            // The coefficients' components are wires 6, 7, 8, ...: all powers in order.
            (sum0, sum1) = Pair.dot(wire(6), SLOT, POWERS, 32, 2 * REDUCING_EXTENSION_COEFFICIENTS);
            (uint256 t0, uint256 t1) =
                accumulators(6 + 2 * REDUCING_EXTENSION_COEFFICIENTS, REDUCING_EXTENSION_COEFFICIENTS);
            sum0 += t0;
            sum1 += t1;
        }
    }

    /// `ReducingGate`: the same with coefficients of one wire.
    function reducing() internal pure returns (uint256 sum0, uint256 sum1) {
        unchecked {
            (sum0, sum1) = Pair.dot(wire(6), SLOT, POWERS, 64, REDUCING_COEFFICIENTS);
            (uint256 t0, uint256 t1) = accumulators(6 + REDUCING_COEFFICIENTS, REDUCING_COEFFICIENTS);
            sum0 += t0;
            sum1 += t1;
        }
    }

    /// What both reducing gates share: the sum of alpha^(2i) (acc_(i-1) * A - acc_i), where acc_(-1) is wires 4 and 5, A
    /// wires 2 and 3, the last accumulator wires 0 and 1, and the others begin at wire `first`.
    function accumulators(uint256 first, uint256 count) private pure returns (uint256 sum0, uint256 sum1) {
        unchecked {
            uint256 shift = power(2);
            // B: the sums of alpha^(2i) acc_i without the last; component by component of the algebra.
            (uint256 b00, uint256 b01) = Pair.dot(wire(first), ALGEBRA, POWERS, 64, count - 1);
            (uint256 b10, uint256 b11) = Pair.dot(wire(first + 1), ALGEBRA, POWERS, 64, count - 1);
            (b00, b01, b10, b11) = (Pair.reduce(b00), Pair.reduce(b01), Pair.reduce(b10), Pair.reduce(b11));

            // - (B + last), the second component times alpha.
            uint256 lastPower = power(2 * count - 2);
            (uint256 w0, uint256 w1) = Goldilocks.load2(wire(0));
            (uint256 v0, uint256 v1) = Goldilocks.load2(wire(1));
            uint256 alpha = power(1);
            sum0 = Pair.negate(b00 + Pair.scale(lastPower, w0))
                + Pair.mul(alpha, Pair.negate(b10 + Pair.scale(lastPower, v0)));
            sum1 = Pair.negate(b01 + Pair.scale(lastPower, w1))
                + Pair.mul(alpha, Pair.negate(b11 + Pair.scale(lastPower, v1)));

            // U = old + alpha^2 B: the sums of alpha^(2i) acc_(i-1).
            (w0, w1) = Goldilocks.load2(wire(4));
            (v0, v1) = Goldilocks.load2(wire(5));
            b00 = Pair.reduce(Pair.both(w0) + Pair.mul(shift, b00));
            b01 = Pair.reduce(Pair.both(w1) + Pair.mul(shift, b01));
            b10 = Pair.reduce(Pair.both(v0) + Pair.mul(shift, b10));
            b11 = Pair.reduce(Pair.both(v1) + Pair.mul(shift, b11));

            // U * A = (U0 A0 + 7 U1 A1, U0 A1 + U1 A0), the second component times alpha.
            (w0, w1) = Goldilocks.load2(wire(2));
            (v0, v1) = Goldilocks.load2(wire(3));
            (uint256 t0, uint256 t1) = Pair.mulExtension(
                Pair.reduce(b00 + Pair.mul(alpha, b10)), Pair.reduce(b01 + Pair.mul(alpha, b11)), w0, w1
            );
            sum0 += t0;
            sum1 += t1;
            (t0, t1) = Pair.mulExtension(
                Pair.reduce(7 * b10 + Pair.mul(alpha, b00)),
                Pair.reduce(7 * b11 + Pair.mul(alpha, b01)),
                v0,
                v1
            );
            sum0 += t0;
            sum1 += t1;
        }
    }

    /// `ArithmeticExtensionGate`: output - (c0 * x * y + c1 * addend), in the algebra.
    function arithmeticExtension() internal pure returns (uint256 sum0, uint256 sum1) {
        unchecked {
            (uint256 p0, uint256 p1) = algebraProducts(8 * SLOT, ARITHMETIC_EXTENSION_OPERATIONS);
            (uint256 a0, uint256 a1) = algebraDot(4, 8 * SLOT, ARITHMETIC_EXTENSION_OPERATIONS);
            (sum0, sum1) = algebraDot(6, 8 * SLOT, ARITHMETIC_EXTENSION_OPERATIONS);
            (uint256 t0, uint256 t1) = timesConstant(p0, p1, 0);
            (a0, a1) = timesConstant(a0, a1, 1);
            sum0 += Pair.negate(t0 + a0);
            sum1 += Pair.negate(t1 + a1);
        }
    }

    /// `MulExtensionGate`: output - c0 * x * y, in the algebra.
    function mulExtension() internal pure returns (uint256 sum0, uint256 sum1) {
        unchecked {
            (uint256 p0, uint256 p1) = algebraProducts(6 * SLOT, MULTIPLICATION_EXTENSION_OPERATIONS);
            (sum0, sum1) = algebraDot(4, 6 * SLOT, MULTIPLICATION_EXTENSION_OPERATIONS);
            (p0, p1) = timesConstant(p0, p1, 0);
            sum0 += Pair.negate(p0);
            sum1 += Pair.negate(p1);
        }
    }

    /// `ArithmeticGate`: output - (c0 * x * y + c1 * addend).
    function arithmetic() internal pure returns (uint256 sum0, uint256 sum1) {
        unchecked {
            uint256 p0;
            uint256 p1;
            for (uint256 i = 0; i < ARITHMETIC_OPERATIONS; ++i) {
                (uint256 x0, uint256 x1) = Goldilocks.load2(wire(4 * i));
                (uint256 y0, uint256 y1) = Goldilocks.load2(wire(4 * i + 1));
                (x0, x1) = Goldilocks.mul(x0, x1, y0, y1);
                p0 += Pair.scale(power(i), x0);
                p1 += Pair.scale(power(i), x1);
            }
            (uint256 a0, uint256 a1) = Pair.dot(wire(2), 4 * SLOT, POWERS, 32, ARITHMETIC_OPERATIONS);
            (sum0, sum1) = Pair.dot(wire(3), 4 * SLOT, POWERS, 32, ARITHMETIC_OPERATIONS);
            (p0, p1) = timesConstant(p0, p1, 0);
            (a0, a1) = timesConstant(a0, a1, 1);
            sum0 += Pair.negate(p0 + a0);
            sum1 += Pair.negate(p1 + a1);
        }
    }

    function timesConstant(uint256 x0, uint256 x1, uint256 index) private pure returns (uint256, uint256) {
        unchecked {
            (uint256 c0, uint256 c1) = Goldilocks.load2(GATE_CONSTANTS + SLOT * index);
            return Pair.mulExtension(Pair.reduce(x0), Pair.reduce(x1), c0, c1);
        }
    }

    /// The sum over operations of alpha^(2i) w + alpha^(2i+1) v, for the algebra element w, v from wire `first`.
    function algebraDot(uint256 first, uint256 stride, uint256 count)
        private
        pure
        returns (uint256, uint256)
    {
        unchecked {
            (uint256 s0, uint256 s1) = Pair.dot(wire(first), stride, POWERS, 64, count);
            (uint256 t0, uint256 t1) = Pair.dot(wire(first + 1), stride, POWERS + 32, 64, count);
            return (s0 + t0, s1 + t1);
        }
    }

    /// The same for the products of the algebra elements of wires 0, 1 and 2, 3 of each operation.
    function algebraProducts(uint256 stride, uint256 count)
        private
        pure
        returns (uint256 sum0, uint256 sum1)
    {
        unchecked {
            for (uint256 i = 0; i < count; ++i) {
                algebraMul(WIRES + stride * i, WIRES + stride * i + ALGEBRA, LIST);
                (uint256 s0, uint256 s1) = Pair.dot(LIST, SLOT, POWERS + 64 * i, 32, 2);
                sum0 += s0;
                sum1 += s1;
            }
        }
    }

    /// Product in the algebra of the elements at `x` and `y`, to `z`: (x0 y0 + 7 x1 y1, x0 y1 + x1 y0).
    function algebraMul(uint256 x, uint256 y, uint256 z) internal pure {
        assembly ("memory-safe") {
            let x00 := mload(x)
            let x01 := mload(add(x, 32))
            let x10 := mload(add(x, 64))
            let x11 := mload(add(x, 96))
            let y00 := mload(y)
            let y01 := mload(add(y, 32))
            let y10 := mload(add(y, 64))
            let y11 := mload(add(y, 96))
            mstore(
                z,
                mod(
                    add(
                        add(mul(x00, y00), mul(7, mul(x01, y01))),
                        mul(7, add(mul(x10, y10), mul(7, mul(x11, y11))))
                    ),
                    P
                )
            )
            mstore(
                add(z, 32),
                mod(add(add(mul(x00, y01), mul(x01, y00)), mul(7, add(mul(x10, y11), mul(x11, y10)))), P)
            )
            mstore(
                add(z, 64),
                mod(add(add(mul(x00, y10), mul(x10, y00)), mul(7, add(mul(x01, y11), mul(x11, y01)))), P)
            )
            mstore(
                add(z, 96),
                mod(add(add(mul(x00, y11), mul(x01, y10)), add(mul(x10, y01), mul(x11, y00))), P)
            )
        }
    }

    /// `RandomAccessGate` of 16 items: bit^2 - bit; the index of the bits - index; item at the index - claimed item. Then
    /// constant - wire, for the gate's two spare wires.
    function randomAccess() internal pure returns (uint256 sum0, uint256 sum1) {
        unchecked {
            for (uint256 copy = 0; copy < RANDOM_ACCESS_COPIES; ++copy) {
                uint256 constraint = 6 * copy;
                uint256 base = wire(18 * copy);
                uint256 bits = wire(18 * RANDOM_ACCESS_COPIES + 2 + 4 * copy);
                uint256 index0;
                uint256 index1;
                uint256 from = base + 2 * SLOT;
                for (uint256 i = 0; i < 4; ++i) {
                    (uint256 b0, uint256 b1) = Goldilocks.load2(bits + SLOT * i);
                    sum0 += Pair.scale(power(constraint + i), (b0 * b0 + 7 * (b1 * b1) + P - b0) % P);
                    sum1 += Pair.scale(power(constraint + i), (2 * b0 * b1 + P - b1) % P);
                    index0 += b0 << i;
                    index1 += b1 << i;
                    select(from, 8 >> i, b0, b1);
                    from = LIST;
                }
                (uint256 w0, uint256 w1) = Goldilocks.load2(base);
                sum0 += Pair.scale(power(constraint + 4), index0 + P - w0);
                sum1 += Pair.scale(power(constraint + 4), index1 + P - w1);
                (w0, w1) = Goldilocks.load2(base + SLOT);
                (uint256 item0, uint256 item1) = Goldilocks.load2(LIST);
                sum0 += Pair.scale(power(constraint + 5), item0 + P - w0);
                sum1 += Pair.scale(power(constraint + 5), item1 + P - w1);
            }
            for (uint256 i = 0; i < 2; ++i) {
                (uint256 c0, uint256 c1) = Goldilocks.load2(GATE_CONSTANTS + SLOT * i);
                (uint256 w0, uint256 w1) = Goldilocks.load2(wire(18 * RANDOM_ACCESS_COPIES + i));
                sum0 += Pair.scale(power(6 * RANDOM_ACCESS_COPIES + i), c0 + P - w0);
                sum1 += Pair.scale(power(6 * RANDOM_ACCESS_COPIES + i), c1 + P - w1);
            }
        }
    }

    /// Folds the list at `from` to `count` items in LIST: x + bit * (y - x) for each two neighbours.
    function select(uint256 from, uint256 count, uint256 b0, uint256 b1) private pure {
        unchecked {
            for (uint256 to = LIST; to < LIST + SLOT * count; to += SLOT) {
                (uint256 x0, uint256 x1) = Goldilocks.load2(from);
                (uint256 y0, uint256 y1) = Goldilocks.load2(from + SLOT);
                (y0, y1) = (y0 + P - x0, y1 + P - x1);
                Goldilocks.store2(to, (x0 + b0 * y0 + 7 * (b1 * y1)) % P, (x1 + b0 * y1 + b1 * y0) % P);
                from += 2 * SLOT;
            }
        }
    }
}
