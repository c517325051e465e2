// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Poseidon} from "../verifier/Poseidon.sol";
import {PackedBlock} from "./PackedBlock.sol";

/// @title What a batch proof states
/// @notice The circuit absorbs a stream S of Goldilocks elements and publishes its Poseidon commitment C and
/// y = S(r), S read as a polynomial. The contract rebuilds S from what was committed, draws the point r from C
/// and S, and evaluates S there.
/// @dev C fixes the circuit's stream S' before r is known, since r depends on C. If S' differs from S, the two
/// polynomials agree at a point of the quadratic extension with probability at most |S| / p^2, about
/// |S| / 2^128. A 256-bit value is eight 32-bit limbs, the least significant first; S is kept in memory as
/// 8 big-endian bytes for each element:
///
///     chain id (1), start state root (8), start window (4)
///     per block: parent hash (8), beneficiary (5), state root (8), transactions root (8), receipts root (8),
///         number (1), gas limit (1), gas used (1), timestamp (1), random (8), base fee (2),
///         parent beacon block root (8), block hash (8)
///     end window (4), number of blocks (1)
library Statement {
    /// @notice Constants of the chain that S holds.
    struct Chain {
        uint64 chainId;
        uint64 gasLimit;
        address beneficiary;
    }

    /// @notice Where a batch starts or ends.
    struct Point {
        bytes32 stateRoot;
        bytes32 blockHash;
        uint64 number;
        uint64[4] window;
    }

    /// @dev Goldilocks: 2^64 - 2^32 + 1.
    uint256 internal constant PRIME = 0xffffffff00000001;
    uint256 private constant PREFIX = 13 * 8;
    uint256 private constant PER_BLOCK = 67 * 8;
    uint256 private constant SUFFIX = 5 * 8;

    /// @notice S for a batch of posted blocks, one after the other as in `IRollup.BatchProof.blocks`. The chain's constants
    /// are elements, and the windows canonical.
    function stream(Chain memory chain, Point memory start, uint64[4] memory endWindow, bytes calldata blocks)
        internal
        pure
        returns (bytes memory s)
    {
        uint256 count = blocks.length / PackedBlock.SIZE;
        uint256 length = PREFIX + PER_BLOCK * count + SUFFIX;
        // Elements are written as whole words: one more word, which the length leaves out.
        s = new bytes(length + 32);
        uint256 cursor;
        assembly ("memory-safe") {
            mstore(s, length)
            cursor := add(s, 0x20)
        }
        cursor = _element(cursor, chain.chainId);
        cursor = _limbs(cursor, start.stateRoot);
        cursor = _window(cursor, start.window);
        bytes32 parentHash = start.blockHash;
        PackedBlock.element("number", start.number + count);
        for (uint256 i = 0; i < count; ++i) {
            PackedBlock.Fields memory fields = PackedBlock.read(blocks, i);
            cursor = _block(cursor, chain, parentHash, start.number + 1 + i, fields);
            parentHash = fields.blockHash;
        }
        cursor = _window(cursor, endWindow);
        _element(cursor, count);
    }

    /// @notice The point r at which S is evaluated.
    function point(uint64[4] memory c, bytes memory s) internal pure returns (uint256 r0, uint256 r1) {
        uint256 h = uint256(keccak256(abi.encodePacked(c[0], c[1], c[2], c[3], keccak256(s))));
        r0 = (h >> 192) % PRIME;
        r1 = ((h >> 128) & type(uint64).max) % PRIME;
    }

    /// @notice S(r) = sum of S[i] r^i in F_p[X]/(X^2 - 7), by Horner's rule from the end.
    function evaluate(bytes memory s, uint256 r0, uint256 r1) internal pure returns (uint256 y0, uint256 y1) {
        uint256 prime = PRIME;
        assembly ("memory-safe") {
            let nonResidue := mul(7, r1)
            // Each element lies in the last 8 bytes of the word that ends with it.
            let first := add(s, 8)
            for { let at := add(s, mload(s)) } iszero(lt(at, first)) { at := sub(at, 8) } {
                let element := and(mload(at), 0xffffffffffffffff)
                // y0, y1, r0, r1 < 2^64: the sums are less than 2^132.
                let next := add(add(mul(y0, r0), mul(y1, nonResidue)), element)
                y1 := mod(add(mul(y0, r1), mul(y1, r0)), prime)
                y0 := mod(next, prime)
            }
        }
    }

    /// @notice The digest of a batch's statement, which the proof has as its public inputs.
    function digest(uint64[4] memory c, uint256 r0, uint256 r1, uint64[2] memory y)
        internal
        pure
        returns (uint64[4] memory)
    {
        return Poseidon.hash8([c[0], c[1], c[2], c[3], uint64(r0), uint64(r1), y[0], y[1]]);
    }

    /// @dev The 67 elements of a block.
    function _block(
        uint256 cursor,
        Chain memory chain,
        bytes32 parentHash,
        uint256 number,
        PackedBlock.Fields memory fields
    ) private pure returns (uint256) {
        cursor = _limbs(cursor, parentHash);
        cursor = _address(cursor, chain.beneficiary);
        cursor = _limbs(cursor, fields.stateRoot);
        cursor = _limbs(cursor, fields.transactionsRoot);
        cursor = _limbs(cursor, fields.receiptsRoot);
        cursor = _element(cursor, number);
        cursor = _element(cursor, chain.gasLimit);
        cursor = _element(cursor, fields.gasUsed);
        cursor = _element(cursor, fields.timestamp);
        cursor = _limbs(cursor, keccak256(abi.encode(parentHash)));
        cursor = _element(cursor, fields.baseFee & type(uint32).max);
        cursor = _element(cursor, fields.baseFee >> 32);
        cursor = _limbs(cursor, fields.beaconRoot);
        return _limbs(cursor, fields.blockHash);
    }

    /// @dev One element. The 24 bytes after it are cleared.
    function _element(uint256 cursor, uint256 value) private pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(cursor, shl(192, value))
        }
        return cursor + 8;
    }

    function _window(uint256 cursor, uint64[4] memory window) private pure returns (uint256) {
        for (uint256 i = 0; i < 4; ++i) {
            cursor = _element(cursor, window[i]);
        }
        return cursor;
    }

    /// @dev Five limbs of an address.
    function _address(uint256 cursor, address value) private pure returns (uint256) {
        uint256 bits = uint256(uint160(value));
        assembly ("memory-safe") {
            mstore(add(cursor, 32), shl(192, shr(128, bits)))
        }
        _spread(cursor, bits);
        return cursor + 40;
    }

    /// @dev Eight limbs of a 256-bit value.
    function _limbs(uint256 cursor, bytes32 value) private pure returns (uint256) {
        _spread(cursor, uint256(value));
        _spread(cursor + 32, uint256(value) >> 128);
        return cursor + 64;
    }

    /// @dev The four lower 32-bit limbs of `value`, the least significant first, as four elements.
    function _spread(uint256 cursor, uint256 value) private pure {
        assembly ("memory-safe") {
            let high := or(shl(192, and(value, 0xffffffff)), shl(128, and(shr(32, value), 0xffffffff)))
            let low := or(shl(64, and(shr(64, value), 0xffffffff)), and(shr(96, value), 0xffffffff))
            mstore(cursor, or(high, low))
        }
    }
}
