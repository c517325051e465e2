// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Nodes of a Merkle-Patricia trie, RLP-encoded
/// @notice Yellow Paper, appendix D. A node of less than 32 bytes stands in its parent as it is, others by
/// their hash. Each function that completes a node appends it, in that form, to its parent at `cursor` in
/// memory, and returns the cursor behind it.
library TrieNode {
    /// @dev Prefix of a 32-byte string.
    uint256 private constant HASH_PREFIX = 0xa0;
    /// @dev Room for one node as its parent holds it, written in whole words.
    uint256 private constant REFERENCE_ROOM = 96;
    /// @dev A branch takes at most 3 bytes of header, 16 hashes with their prefixes and an empty value; one
    /// word more because absent children are written as a whole word.
    uint256 private constant BRANCH_ROOM = 3 + 16 * 33 + 1 + 32;

    /// @notice Memory for one completed node.
    function openReference() internal pure returns (uint256 start) {
        return _allocate(REFERENCE_ROOM);
    }

    /// @notice Hash of the trie whose root node stands between `start` and `end`; it is hashed however short.
    function rootHash(uint256 start, uint256 end) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            switch byte(0, mload(start))
            case 0xa0 { hash := mload(add(start, 1)) }
            default { hash := keccak256(start, sub(end, start)) }
        }
    }

    /// @notice A leaf with the last `bits` bits of a key and a value.
    /// @param item Position of the value in memory << 32 | its length.
    function leaf(uint256 cursor, uint256 item, uint256 path, uint256 bits) internal pure returns (uint256) {
        (uint256 key, uint256 keySize) = _path(path, bits, 2);
        (uint256 position, uint256 length) = (item >> 32, item & type(uint32).max);
        (uint256 prefix, uint256 prefixSize) = _valuePrefix(position, length);
        (uint256 head, uint256 headSize) = _prefix(0xc0, keySize + prefixSize + length);
        uint256 start = _freeMemory();
        uint256 end = _write(start, head, headSize);
        end = _write(end, key, keySize);
        end = _write(end, prefix, prefixSize);
        assembly ("memory-safe") {
            mcopy(end, position, length)
            end := add(end, length)
        }
        return _append(cursor, start, end);
    }

    /// @notice An extension by `bits` bits of key to the node that stands between `child` and `childEnd`.
    function extension(uint256 cursor, uint256 path, uint256 bits, uint256 child, uint256 childEnd)
        internal
        pure
        returns (uint256)
    {
        (uint256 key, uint256 keySize) = _path(path, bits, 0);
        uint256 size = childEnd - child;
        (uint256 head, uint256 headSize) = _prefix(0xc0, keySize + size);
        uint256 start = _freeMemory();
        uint256 end = _write(start, head, headSize);
        end = _write(end, key, keySize);
        assembly ("memory-safe") {
            mcopy(end, child, size)
            end := add(end, size)
        }
        return _append(cursor, start, end);
    }

    /// @notice Memory for a branch, whose 16 children follow from `start` on.
    function openBranch() internal pure returns (uint256 start) {
        return _allocate(BRANCH_ROOM) + 3;
    }

    /// @notice Appends `count` absent children, at most 16, to an open branch.
    function absent(uint256 cursor, uint256 count) internal pure returns (uint256 next) {
        assembly ("memory-safe") {
            mstore(cursor, 0x8080808080808080808080808080808080808080808080808080808080808080)
            next := add(cursor, count)
        }
    }

    /// @notice Completes a branch that holds no value, and gives its memory back.
    function closeBranch(uint256 cursor, uint256 start, uint256 end) internal pure returns (uint256) {
        end = absent(end, 1);
        (uint256 head, uint256 headSize) = _prefix(0xc0, end - start);
        uint256 first = start - headSize;
        assembly ("memory-safe") {
            let headBits := shl(3, headSize)
            let kept := and(mload(first), shr(headBits, not(0)))
            mstore(first, or(shl(sub(256, headBits), head), kept))
            mstore(0x40, sub(start, 3))
        }
        return _append(cursor, first, end);
    }

    /// @dev Appends the node in memory between `start` and `end` to its parent.
    function _append(uint256 cursor, uint256 start, uint256 end) private pure returns (uint256 next) {
        uint256 prefix = HASH_PREFIX;
        assembly ("memory-safe") {
            let size := sub(end, start)
            switch lt(size, 32)
            case 1 {
                mcopy(cursor, start, size)
                next := add(cursor, size)
            }
            default {
                let hash := keccak256(start, size)
                mstore8(cursor, prefix)
                mstore(add(cursor, 1), hash)
                next := add(cursor, 33)
            }
        }
    }

    /// @dev RLP header of a value; none if the value is a byte that is its own RLP.
    function _valuePrefix(uint256 position, uint256 length)
        private
        pure
        returns (uint256 prefix, uint256 size)
    {
        uint256 first;
        assembly ("memory-safe") {
            first := byte(0, mload(position))
        }
        if (length == 1 && first < 0x80) return (0, 0);
        return _prefix(0x80, length);
    }

    /// @dev RLP of the hex-prefix encoding of `bits / 4` nibbles; `flag` is 2 for leaves, 0 for extensions.
    function _path(uint256 path, uint256 bits, uint256 flag)
        private
        pure
        returns (uint256 key, uint256 size)
    {
        bool odd = bits & 4 != 0;
        key = odd ? ((flag + 1) << bits) | path : (flag << (bits + 4)) | path;
        size = bits / 8 + 1;
        // A single byte is its own RLP: it is less than 0x40 here.
        if (size > 1) {
            key |= (0x80 + size) << (8 * size);
            ++size;
        }
    }

    /// @dev RLP header of a string (`base` 0x80) or list (0xc0) of `length` bytes, less than 2^32.
    function _prefix(uint256 base, uint256 length) private pure returns (uint256 prefix, uint256 size) {
        if (length < 56) return (base + length, 1);
        uint256 lengthSize = length < 0x100 ? 1 : length < 0x10000 ? 2 : length < 0x1000000 ? 3 : 4;
        return (((base + 55 + lengthSize) << (8 * lengthSize)) | length, lengthSize + 1);
    }

    /// @dev Writes the last `size` bytes of `value`; what follows them is overwritten.
    function _write(uint256 cursor, uint256 value, uint256 size) private pure returns (uint256 next) {
        assembly ("memory-safe") {
            mstore(cursor, shl(sub(256, shl(3, size)), value))
            next := add(cursor, size)
        }
    }

    function _freeMemory() private pure returns (uint256 start) {
        assembly ("memory-safe") {
            start := mload(0x40)
        }
    }

    function _allocate(uint256 room) private pure returns (uint256 start) {
        assembly ("memory-safe") {
            start := mload(0x40)
            mstore(0x40, add(start, room))
        }
    }
}
