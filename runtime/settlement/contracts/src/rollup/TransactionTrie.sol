// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../IRollup.sol";
import {TrieNode} from "./TrieNode.sol";

/// @title The transactions root of a block header
/// @notice Merkle-Patricia trie whose keys are RLP(index) and whose values are the transactions.
/// @dev The keys of a list are known in advance, so the trie is built from above without comparing keys:
///
///     index 0          key 80         nibbles 8 0
///     index 1..127     key ii         nibbles i i
///     index 128..255   key 81 ii      nibbles 8 1 i i
///     index 256..      key 82 ii ii   nibbles 8 2 i i i i
///
/// Within a line the key's last bits are the index, so a node covers consecutive indices.
library TransactionTrie {
    /// @dev Two bytes of index in the longest key.
    uint256 private constant MAX_TRANSACTIONS = 1 << 16;

    /// @notice Takes `count` transactions that each follow their length in 3 bytes.
    /// @param offset Where in `stream` the first of them is.
    /// @return items Per transaction: position in memory << 32 | length in bytes.
    /// @return next Where in `stream` the last of them ends.
    function take(bytes memory stream, uint256 offset, uint256 count)
        internal
        pure
        returns (uint256[] memory items, uint256 next)
    {
        if (count > MAX_TRANSACTIONS) revert IRollup.TooManyTransactions(count);
        items = new uint256[](count);
        uint256 malformed = type(uint256).max;
        assembly ("memory-safe") {
            let start := add(stream, 0x20)
            let end := add(start, mload(stream))
            let at := add(start, offset)
            let item := add(items, 0x20)
            for { let last := add(item, shl(5, count)) } lt(item, last) { item := add(item, 0x20) } {
                let length := shr(232, mload(at))
                let behind := add(add(at, 3), length)
                if or(iszero(length), gt(behind, end)) {
                    malformed := sub(at, start)
                    break
                }
                mstore(item, or(shl(32, add(at, 3)), length))
                at := behind
            }
            next := sub(at, start)
        }
        if (malformed != type(uint256).max) revert IRollup.MalformedTransactions(malformed);
    }

    /// @notice The root over the transactions that `take` found; there must be at least one.
    function root(uint256[] memory items) internal pure returns (bytes32) {
        uint256 node = TrieNode.openReference();
        uint256 end = items.length == 1 ? TrieNode.leaf(node, items[0], 0x80, 8) : _rootBranch(node, items);
        return TrieNode.rootHash(node, end);
    }

    function _rootBranch(uint256 cursor, uint256[] memory items) private pure returns (uint256) {
        uint256 start = TrieNode.openBranch();
        uint256 end = start;
        for (uint256 nibble = 0; nibble < 8; ++nibble) {
            uint256 low = nibble == 0 ? 1 : nibble << 4;
            uint256 high = _min(items.length, (nibble + 1) << 4);
            end = low < high ? _node(end, items, low, high, 4) : TrieNode.absent(end, 1);
        }
        end = _underEight(end, items);
        end = TrieNode.absent(end, 7);
        return TrieNode.closeBranch(cursor, start, end);
    }

    /// @dev The node below nibble 8 of the root: index 0, and all from 128 on.
    function _underEight(uint256 cursor, uint256[] memory items) private pure returns (uint256) {
        uint256 count = items.length;
        if (count <= 128) return TrieNode.leaf(cursor, items[0], 0, 4);
        uint256 start = TrieNode.openBranch();
        uint256 end = TrieNode.leaf(start, items[0], 0, 0);
        end = _node(end, items, 128, _min(count, 256), 8);
        end = count > 256 ? _node(end, items, 256, count, 16) : TrieNode.absent(end, 1);
        end = TrieNode.absent(end, 13);
        return TrieNode.closeBranch(cursor, start, end);
    }

    /// @dev The node for the indices `low` to `high - 1`, whose keys agree but for their last `bits` bits.
    function _node(uint256 cursor, uint256[] memory items, uint256 low, uint256 high, uint256 bits)
        private
        pure
        returns (uint256)
    {
        if (high - low == 1) return TrieNode.leaf(cursor, items[low], low & ((1 << bits) - 1), bits);
        uint256 fork = bits;
        while (low >> (fork - 4) == (high - 1) >> (fork - 4)) fork -= 4;
        if (fork == bits) return _branch(cursor, items, low, high, fork);
        uint256 child = TrieNode.openReference();
        uint256 childEnd = _branch(child, items, low, high, fork);
        uint256 shared = bits - fork;
        return TrieNode.extension(cursor, (low >> fork) & ((1 << shared) - 1), shared, child, childEnd);
    }

    /// @dev A branch on the highest nibble of the last `bits` bits.
    function _branch(uint256 cursor, uint256[] memory items, uint256 low, uint256 high, uint256 bits)
        private
        pure
        returns (uint256)
    {
        uint256 rest = bits - 4;
        uint256 start = TrieNode.openBranch();
        uint256 end = TrieNode.absent(start, (low >> rest) & 15);
        uint256 from = low;
        while (from < high) {
            uint256 to = _min(high, ((from >> rest) + 1) << rest);
            end = _node(end, items, from, to, rest);
            from = to;
        }
        end = TrieNode.absent(end, 15 - (((high - 1) >> rest) & 15));
        return TrieNode.closeBranch(cursor, start, end);
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
