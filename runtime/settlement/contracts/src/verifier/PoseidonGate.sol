// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Goldilocks, MASK_64, P} from "./Goldilocks.sol";
import {MdsGate} from "./MdsGate.sol";
import {Pair} from "./Pair.sol";
import {POSEIDON_TABLE} from "./PoseidonTable.sol";
import {LIST, MDS_WEIGHTS, POWERS, ROW_A, ROW_B, WIRES} from "./WrapStructure.sol";

/// plonky2's `PoseidonGate`, summed with the powers of both alphas.
///
/// Wires: inputs 0, outputs 12, swap 24, deltas 25, S-box inputs of rounds 1 to 3 from 29, of the partial rounds from
/// 65, of the last four rounds from 87. Between S-boxes everything is linear, so each round's constraints are
/// (linear layer of the last S-boxes) + constants - (next S-box inputs).
///
/// The 22 partial rounds are computed as plonky2 does: state (d, s_1 .. s_11) becomes (25 y + w . s, s + y v).
library PoseidonGate {
    uint256 private constant SLOT = 64;
    /// Positions in the table: constants of rounds 0 to 3, of rounds 26 to 29, then for the partial rounds: constants
    /// and matrix of the first linear layers, constants after the S-boxes, and the vectors v and w, entry by entry.
    uint256 private constant LATE_ROUNDS = 48;
    uint256 private constant ENTRY_CONSTANTS = 96;
    uint256 private constant ENTRY_MATRIX = 108;
    uint256 private constant PARTIAL_CONSTANTS = 252;
    uint256 private constant PARTIAL_VECTORS = 274;

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

    function entry(uint256 table, uint256 index) private pure returns (uint256) {
        unchecked {
            return Goldilocks.load(table + 8 * index - 24) & MASK_64;
        }
    }

    function constraints() internal pure returns (uint256 sum0, uint256 sum1) {
        bytes memory packed = POSEIDON_TABLE;
        uint256 table;
        assembly ("memory-safe") {
            table := add(packed, 32)
        }
        unchecked {
            MdsGate.weights(32);
            (sum0, sum1) = inputs(table);
            uint256 s0;
            uint256 s1;
            for (uint256 round = 1; round < 4; ++round) {
                (s0, s1) = fullRound(5 + 12 * (round - 1), 29 + 12 * (round - 1), table, 12 * round);
                (sum0, sum1) = (sum0 + s0, sum1 + s1);
                powers(29 + 12 * (round - 1));
            }
            (s0, s1) = partialRounds(table);
            (sum0, sum1) = (sum0 + s0, sum1 + s1);
            powers(87);
            for (uint256 round = 1; round < 4; ++round) {
                (s0, s1) = fullRound(63 + 12 * round, 87 + 12 * round, table, LATE_ROUNDS + 12 * round);
                (sum0, sum1) = (sum0 + s0, sum1 + s1);
                powers(87 + 12 * round);
            }
            (s0, s1) = linearLayer(111);
            (sum0, sum1) = (sum0 + s0, sum1 + s1);
            (s0, s1) = Pair.dot(wire(12), SLOT, POWERS + 32 * 111, 32, 12);
            (sum0, sum1) = (sum0 + Pair.negate(s0), sum1 + Pair.negate(s1));
        }
    }

    /// The swap's constraints; the S-boxes of round 0, of inputs swapped by the deltas, go to the row.
    function inputs(uint256 table) private pure returns (uint256 sum0, uint256 sum1) {
        unchecked {
            (uint256 s0, uint256 s1) = Goldilocks.load2(wire(24));
            sum0 = Pair.scale(power(0), (s0 * s0 + 7 * (s1 * s1) + P - s0) % P);
            sum1 = Pair.scale(power(0), (2 * s0 * s1 + P - s1) % P);
            for (uint256 i = 0; i < 4; ++i) {
                (uint256 l0, uint256 l1) = Goldilocks.load2(wire(i));
                (uint256 r0, uint256 r1) = Goldilocks.load2(wire(i + 4));
                (uint256 d0, uint256 d1) = Goldilocks.load2(wire(25 + i));
                (uint256 t0, uint256 t1) = Goldilocks.mul(s0, s1, r0 + P - l0, r1 + P - l1);
                sum0 += Pair.scale(power(1 + i), t0 + P - d0);
                sum1 += Pair.scale(power(1 + i), t1 + P - d1);
                substitute(i, (l0 + d0 + entry(table, i)) % P, (l1 + d1) % P);
                substitute(i + 4, (r0 + P - d0 + entry(table, i + 4)) % P, (r1 + P - d1) % P);
            }
            for (uint256 i = 8; i < 12; ++i) {
                (uint256 x0, uint256 x1) = Goldilocks.load2(wire(i));
                substitute(i, (x0 + entry(table, i)) % P, x1);
            }
        }
    }

    /// The S-box: row[i] = x^7.
    function substitute(uint256 i, uint256 x0, uint256 x1) private pure {
        unchecked {
            (x0, x1) = Goldilocks.power7(x0, x1);
            Goldilocks.store(ROW_A + 32 * i, x0);
            Goldilocks.store(ROW_B + 32 * i, x1);
        }
    }

    /// The S-boxes of the 12 wires from `first` to the row.
    function powers(uint256 first) private pure {
        unchecked {
            for (uint256 i = 0; i < 12; ++i) {
                (uint256 x0, uint256 x1) = Goldilocks.load2(wire(first + i));
                substitute(i, x0, x1);
            }
        }
    }

    /// 12 constraints from number `constraint`: linear layer of the row + constants - wires from `first`.
    function fullRound(uint256 constraint, uint256 first, uint256 table, uint256 constants)
        private
        pure
        returns (uint256 sum0, uint256 sum1)
    {
        unchecked {
            (sum0, sum1) = linearLayer(constraint);
            for (uint256 i = 0; i < 12; ++i) {
                (uint256 w0, uint256 w1) = Goldilocks.load2(wire(first + i));
                uint256 weight = power(constraint + i);
                sum0 += Pair.scale(weight, entry(table, constants + i) + P - w0);
                sum1 += Pair.scale(weight, P - w1);
            }
        }
    }

    /// alpha^constraint times the sum over i of alpha^i (M row)_i.
    function linearLayer(uint256 constraint) private pure returns (uint256 sum0, uint256 sum1) {
        unchecked {
            for (uint256 i = 0; i < 384; i += 32) {
                uint256 weight = Goldilocks.load(MDS_WEIGHTS + i);
                sum0 += Pair.scale(weight, Goldilocks.load(ROW_A + i));
                sum1 += Pair.scale(weight, Goldilocks.load(ROW_B + i));
            }
            uint256 shift = power(constraint);
            sum0 = Pair.mul(shift, Pair.reduce(sum0));
            sum1 = Pair.mul(shift, Pair.reduce(sum1));
        }
    }

    /// The constraints of the partial rounds and of the first full round after them.
    function partialRounds(uint256 table) private pure returns (uint256 sum0, uint256 sum1) {
        unchecked {
            // The state before the partial rounds, at LIST: s_i as two words, below 2^132.
            for (uint256 i = 0; i < 12; ++i) {
                uint256 s0 = entry(table, ENTRY_CONSTANTS + i);
                uint256 s1;
                uint256 factors = table + 8 * (ENTRY_MATRIX + 12 * i) - 24;
                assembly ("memory-safe") {
                    for { let row := 0 } lt(row, 384) { row := add(row, 32) } {
                        let factor := and(mload(factors), MASK_64)
                        s0 := add(s0, mul(factor, mload(add(ROW_A, row))))
                        s1 := add(s1, mul(factor, mload(add(ROW_B, row))))
                        factors := add(factors, 8)
                    }
                }
                Goldilocks.store2(LIST + SLOT * i, s0, s1);
            }
            (uint256 d0, uint256 d1) = Goldilocks.load2(LIST);
            for (uint256 round = 0; round < 22; ++round) {
                (uint256 y0, uint256 y1) = Goldilocks.load2(wire(65 + round));
                uint256 weight = power(41 + round);
                sum0 += Pair.scale(weight, d0 % P + P - y0);
                sum1 += Pair.scale(weight, d1 % P + P - y1);
                (y0, y1) = Goldilocks.power7(y0, y1);
                y0 += entry(table, PARTIAL_CONSTANTS + round);
                (d0, d1) = partialRound(table + 8 * (PARTIAL_VECTORS + 22 * round), y0, y1);
            }
            Goldilocks.store2(LIST, d0, d1);
            for (uint256 i = 0; i < 12; ++i) {
                (d0, d1) = Goldilocks.load2(LIST + SLOT * i);
                (uint256 w0, uint256 w1) = Goldilocks.load2(wire(87 + i));
                uint256 weight = power(63 + i);
                sum0 += Pair.scale(weight, (d0 + entry(table, LATE_ROUNDS + i)) % P + P - w0);
                sum1 += Pair.scale(weight, d1 % P + P - w1);
            }
        }
    }

    /// One partial round: returns d = 25 y + w . s, sets s to s + y v. The vectors' entries are v_1, w_1, v_2, w_2, ...
    /// s stays below 2^133 over all rounds, d below 2^202.
    function partialRound(uint256 vectors, uint256 y0, uint256 y1)
        private
        pure
        returns (uint256 d0, uint256 d1)
    {
        assembly ("memory-safe") {
            d0 := mul(25, y0)
            d1 := mul(25, y1)
            let place := add(LIST, 64)
            for { let end := add(place, 704) } lt(place, end) { place := add(place, 64) } {
                let vw := mload(sub(vectors, 16))
                vectors := add(vectors, 16)
                let v := and(shr(64, vw), MASK_64)
                let w := and(vw, MASK_64)
                let s := mload(place)
                d0 := add(d0, mul(w, s))
                mstore(place, add(s, mul(v, y0)))
                s := mload(add(place, 32))
                d1 := add(d1, mul(w, s))
                mstore(add(place, 32), add(s, mul(v, y1)))
            }
        }
    }
}
