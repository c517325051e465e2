// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {StrictRlp} from "./StrictRlp.sol";

/// @title The way through a Merkle-Patricia trie to a key of 32 bytes
/// @notice Yellow Paper, appendix D. A proof is the nodes on that way from the root on, as `eth_getProof` gives them: a node
/// of less than 32 bytes stands in the one before it, and is not listed. It shows what stands under the key, or that nothing
/// does. OpenZeppelin's `TrieProof` does not tell the second from a broken proof.
///
///     node  = [child 0, ..., child 15, ""]   branch: the next nibble chooses; keys end in leaves only
///           | [path, child]                  extension: the next nibbles are those of the path
///           | [path, value]                  leaf: all nibbles left are those of the path
///     child = "" | hash of a node | node of less than 32 bytes
library TrieWalk {
    /// @notice Node `index` of the proof is missing, or not needed, or not the one that the node before it (the root) names.
    error InvalidNode(uint256 index);
    /// @notice A node is named by its hash, but it is no node of a trie.
    error MalformedNode();

    /// @dev keccak256(RLP("")): the root of a trie without keys.
    bytes32 private constant EMPTY_ROOT = 0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421;
    uint256 private constant NIBBLES = 64;

    /// @notice What stands under a key, by proof; of length zero if it is proven that nothing does. Every node of the
    /// proof is needed.
    function find(bytes32 root, bytes32 key, bytes[] calldata proof)
        internal
        pure
        returns (bytes calldata value)
    {
        value = _slice(0, 0);
        if (root == EMPTY_ROOT && proof.length == 0) return value;
        bytes32 expected = root;
        uint256 depth;
        for (uint256 index = 0; index < proof.length; ++index) {
            bytes calldata node = proof[index];
            // A shorter node would stand in the one before it; only the root is always hashed.
            if (keccak256(node) != expected || (index != 0 && node.length < 32)) revert InvalidNode(index);
            (uint256 position, uint256 end) = _bounds(node);
            bool ended;
            do {
                (ended, position, end, depth) = _step(uint256(key), depth, position, end);
            } while (!ended && end - position != 33);
            if (ended) {
                if (index + 1 != proof.length) revert InvalidNode(index + 1);
                return _slice(position, end);
            }
            expected = bytes32(StrictRlp.load(position + 1));
        }
        revert InvalidNode(proof.length);
    }

    /// @dev Goes through the node that stands between `from` and `to`. Either the walk has `ended`, with a value or with
    /// nothing between `position` and `end`; or that is the next child, and `below` nibbles of the key are behind it.
    function _step(uint256 key, uint256 depth, uint256 from, uint256 to)
        private
        pure
        returns (bool ended, uint256 position, uint256 end, uint256 below)
    {
        (bool isList, uint256 first, uint256 next) = StrictRlp.item(from, to);
        if (!isList || next != to) revert MalformedNode();
        uint256 path;
        (isList, path, position) = StrictRlp.item(first, to);
        (,, next) = StrictRlp.item(position, to);
        if (next == to) {
            if (isList) revert MalformedNode();
            return _follow(key, depth, path, position, to);
        }
        if (depth == NIBBLES) revert MalformedNode();
        unchecked {
            (position, end) = _child(first, to, (key >> (252 - 4 * depth)) & 15);
            return (end - position == 1, position, end - position == 1 ? position : end, depth + 1);
        }
    }

    /// @dev Goes along the path of an extension or a leaf: it stands from `path` to `second`, where the child or value is.
    function _follow(uint256 key, uint256 depth, uint256 path, uint256 second, uint256 to)
        private
        pure
        returns (bool ended, uint256 position, uint256 end, uint256 below)
    {
        (uint256 flag, uint256 nibbles, uint256 size) = _path(path, second - path);
        bool isLeaf = flag > 1;
        uint256 left = NIBBLES - depth;
        if (isLeaf ? size != left : size == 0 || size >= left) revert MalformedNode();
        bool matches;
        unchecked {
            // A shift by all bits leaves zero.
            matches = (key << (4 * depth)) >> (256 - 4 * size) == nibbles;
        }
        if (isLeaf) {
            (bool isList, uint256 start, uint256 next) = StrictRlp.item(second, to);
            if (isList || start == next) revert MalformedNode();
            return matches ? (true, start, next, NIBBLES) : (true, to, to, depth);
        }
        uint256 prefix = StrictRlp.load(second) >> 248;
        if (second + (prefix == 0xa0 ? 33 : _sizeOfNode(prefix)) != to) revert MalformedNode();
        return matches ? (false, second, to, depth + size) : (true, to, to, depth);
    }

    /// @dev Reads hex-prefix encoding (appendix C) of `length` bytes: the flag, the nibbles as a number, how many.
    function _path(uint256 position, uint256 length)
        private
        pure
        returns (uint256 flag, uint256 nibbles, uint256 size)
    {
        if (length == 0 || length > 33) revert MalformedNode();
        uint256 first = StrictRlp.load(position) >> 248;
        flag = first >> 4;
        bool odd = flag & 1 == 1;
        if (flag > 3 || (!odd && first & 15 != 0)) revert MalformedNode();
        unchecked {
            uint256 rest = length - 1;
            nibbles = StrictRlp.load(position + 1) >> (256 - 8 * rest);
            size = 2 * rest;
            // With 32 bytes more than that one nibble, the size is refused.
            if (odd) (nibbles, size) = (nibbles | ((first & 15) << (8 * rest)), size + 1);
        }
    }

    /// @dev Where child `number` stands of a branch whose children begin at `next` and which ends at `to`. A child is nothing
    /// (1 byte), a hash (33 bytes), or a node.
    function _child(uint256 next, uint256 to, uint256 number)
        private
        pure
        returns (uint256 position, uint256 end)
    {
        unchecked {
            for (uint256 i = 0; i < 16; ++i) {
                uint256 prefix = StrictRlp.load(next) >> 248;
                uint256 size = prefix == 0xa0 ? 33 : prefix == 0x80 ? 1 : _sizeOfNode(prefix);
                if (i == number) (position, end) = (next, next + size);
                next += size;
            }
            if (next + 1 != to || StrictRlp.load(next) >> 248 != 0x80) revert MalformedNode();
        }
    }

    /// @dev Bytes of a node that stands in another one, which are 2 to 31.
    function _sizeOfNode(uint256 prefix) private pure returns (uint256) {
        if (prefix <= 0xc0 || prefix > 0xc0 + 30) revert MalformedNode();
        return prefix - 0xc0 + 1;
    }

    function _bounds(bytes calldata node) private pure returns (uint256 position, uint256 end) {
        assembly ("memory-safe") {
            position := node.offset
            end := add(position, node.length)
        }
    }

    function _slice(uint256 position, uint256 end) private pure returns (bytes calldata slice) {
        assembly ("memory-safe") {
            slice.offset := position
            slice.length := sub(end, position)
        }
    }
}
