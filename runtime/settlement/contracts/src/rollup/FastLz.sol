// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../IRollup.sol";

/// @title Decompression of FastLZ, level 1
/// @notice Format: https://ariya.github.io/FastLZ/. A sequence of runs, each with its kind in the first 3 bits:
///
///     0             literals: the next 5 bits + 1 bytes follow
///     1..6          match: kind + 2 bytes; distance - 1 in the next 13 bits
///     7             match: 9 bytes + the next byte but 5 bits; distance - 1 in those 5 bits and the byte after
///
/// @dev Unlike other decompressors for contracts, this one refuses what no decompressor outside the EVM could
/// read: runs beyond the end, and matches before the start, which would find whatever else is in memory. What
/// is accepted here can be recovered from the calldata by anyone.
library FastLz {
    /// @notice The bytes that `compressed` stands for.
    function decompress(bytes calldata compressed) internal pure returns (bytes memory result) {
        uint256 malformed = type(uint256).max;
        assembly ("memory-safe") {
            result := mload(0x40)
            let start := add(result, 0x20)
            let to := start
            let next := compressed.offset
            let end := add(next, compressed.length)
            for {} lt(next, end) {} {
                let word := calldataload(next)
                let first := byte(0, word)
                if lt(first, 0x20) {
                    // At most 32 bytes; what is beyond the run will be overwritten.
                    mstore(to, calldataload(add(next, 1)))
                    to := add(to, add(first, 1))
                    next := add(next, add(first, 2))
                    continue
                }
                let size := 2
                let length := add(shr(5, first), 2)
                let distance := add(and(shr(240, word), 0x1fff), 1)
                if gt(first, 0xdf) {
                    size := 3
                    length := add(9, byte(1, word))
                    distance := add(or(shl(8, and(first, 0x1f)), byte(2, word)), 1)
                }
                if gt(distance, sub(to, start)) {
                    malformed := sub(next, compressed.offset)
                    break
                }
                next := add(next, size)
                let from := sub(to, distance)
                // A match may reach into itself: then the bytes before it repeat.
                for {} gt(length, distance) {} {
                    mcopy(to, from, distance)
                    to := add(to, distance)
                    length := sub(length, distance)
                    distance := shl(1, distance)
                }
                mcopy(to, from, length)
                to := add(to, length)
            }
            // The last run began before the end, and must not go beyond it.
            if gt(next, end) { malformed := compressed.length }
            mstore(result, sub(to, start))
            mstore(0x40, and(add(to, 0x3f), not(0x1f)))
        }
        if (malformed != type(uint256).max) revert IRollup.MalformedCompression(malformed);
    }
}
