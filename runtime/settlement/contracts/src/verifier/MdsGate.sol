// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Pair} from "./Pair.sol";
import {MDS_WEIGHTS, POWERS, WIRES} from "./WrapStructure.sol";

/// Poseidon's linear layer M, and plonky2's `PoseidonMdsGate`, summed with the powers of both alphas.
///
/// M is symmetric under rotation but for one entry: M[i][j] = circ[(j - i) mod 12], and 8 more at i = j = 0. The sum
/// over i of alpha^i (M y)_i is the sum over j of R_j y_j, where R, the powers times M, is the same for every y.
library MdsGate {
    uint256 private constant SLOT = 64;
    /// circ: 17, 15, 41, 16, 2, 28, 13, 13, 39, 18, 34, 20; a byte each, the first one on top.
    uint256 private constant CIRCULANT = 0x110f2910021c0d0d271222140000000000000000000000000000000000000000;

    /// Writes R_j = sum over i of power[i * stride] M[i][j] to MDS_WEIGHTS; values below 2^73.
    function weights(uint256 stride) internal pure {
        assembly ("memory-safe") {
            for { let j := 0 } lt(j, 12) { j := add(j, 1) } {
                let sum := 0
                let power := POWERS
                for { let i := 0 } lt(i, 12) { i := add(i, 1) } {
                    sum := add(sum, mul(mload(power), byte(mod(add(sub(12, i), j), 12), CIRCULANT)))
                    power := add(power, stride)
                }
                mstore(add(MDS_WEIGHTS, shl(5, j)), sum)
            }
            mstore(MDS_WEIGHTS, add(mload(MDS_WEIGHTS), shl(3, mload(POWERS))))
        }
    }

    /// output - M * input, in the algebra: inputs are wires 0, 2, ..., 22, outputs wires 24, 26, ..., 46.
    function constraints() internal pure returns (uint256 sum0, uint256 sum1) {
        unchecked {
            weights(64);
            (uint256 s0, uint256 s1) = Pair.dot(WIRES, 2 * SLOT, MDS_WEIGHTS, 32, 12);
            (uint256 t0, uint256 t1) = Pair.dot(WIRES + SLOT, 2 * SLOT, MDS_WEIGHTS, 32, 12);
            uint256 alpha;
            assembly ("memory-safe") {
                alpha := mload(add(POWERS, 32))
            }
            s0 = Pair.reduce(s0) + Pair.mul(alpha, Pair.reduce(t0));
            s1 = Pair.reduce(s1) + Pair.mul(alpha, Pair.reduce(t1));
            (sum0, sum1) = Pair.dot(WIRES + 24 * SLOT, SLOT, POWERS, 32, 24);
            sum0 += Pair.negate(s0);
            sum1 += Pair.negate(s1);
        }
    }
}
