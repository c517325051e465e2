// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Pair} from "./Pair.sol";
import {LIST, MDS_WEIGHTS, POWERS, WIRES} from "./WrapStructure.sol";

/// Poseidon's linear layer M, and plonky2's `PoseidonMdsGate`, summed with the powers of both alphas.
///
/// M is symmetric under rotation but for one entry: M[i][j] = circ[(j - i) mod 12], circ = (17, 15, 41, 16,
/// 2, 28, 13, 13, 39, 18, 34, 20), and 8 more at i = j = 0. The sum
/// over i of alpha^i (M y)_i is the sum over j of R_j y_j, where R, the powers times M, is the same for every y.
library MdsGate {
    uint256 private constant SLOT = 64;

    /// Writes R_j = sum over i of power[i * stride] M[i][j] to MDS_WEIGHTS; values below 2^73.
    function weights(uint256 stride) internal pure {
        assembly ("memory-safe") {
            // The powers x_0, ..., x_11 twice, so that x_(j - m mod 12) is word j + 12 - m: no index wraps around.
            let power := POWERS
            for { let place := LIST } lt(place, add(LIST, 384)) { place := add(place, 32) } {
                let x := mload(power)
                mstore(place, x)
                mstore(add(place, 384), x)
                power := add(power, stride)
            }
            let row := LIST
            for { let place := MDS_WEIGHTS } lt(place, add(MDS_WEIGHTS, 384)) { place := add(place, 32) } {
                mstore(
                    place,
                    add(
                        add(
                            add(
                                mul(17, mload(add(row, 384))),
                                add(mul(15, mload(add(row, 352))), mul(41, mload(add(row, 320))))
                            ),
                            add(
                                mul(16, mload(add(row, 288))),
                                add(mul(2, mload(add(row, 256))), mul(28, mload(add(row, 224))))
                            )
                        ),
                        add(
                            add(
                                mul(13, mload(add(row, 192))),
                                add(mul(13, mload(add(row, 160))), mul(39, mload(add(row, 128))))
                            ),
                            add(
                                mul(18, mload(add(row, 96))),
                                add(mul(34, mload(add(row, 64))), mul(20, mload(add(row, 32))))
                            )
                        )
                    )
                )
                row := add(row, 32)
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
