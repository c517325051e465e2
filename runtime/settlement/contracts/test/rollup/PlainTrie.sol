// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

/// @notice The trie of an RLP-keyed list by the Yellow Paper's definition, without any knowledge of the keys.
library PlainTrie {
    function root(bytes[] memory values) internal pure returns (bytes32) {
        bytes[] memory keys = new bytes[](values.length);
        for (uint256 i = 0; i < values.length; ++i) {
            keys[i] = nibbles(RLP.encode(i));
        }
        return keccak256(node(keys, values, 0));
    }

    /// @dev c(J, i): the RLP of the node for these pairs, whose keys agree in their first `depth` nibbles.
    function node(bytes[] memory keys, bytes[] memory values, uint256 depth)
        private
        pure
        returns (bytes memory)
    {
        bytes[] memory parts = new bytes[](2);
        if (keys.length == 1) {
            parts[0] = RLP.encode(hexPrefix(keys[0], depth, keys[0].length, 2));
            parts[1] = RLP.encode(values[0]);
            return RLP.encode(parts);
        }
        uint256 shared = depth;
        while (agree(keys, shared)) ++shared;
        if (shared > depth) {
            parts[0] = RLP.encode(hexPrefix(keys[0], depth, shared, 0));
            parts[1] = embed(node(keys, values, shared));
            return RLP.encode(parts);
        }
        parts = new bytes[](17);
        for (uint256 nibble = 0; nibble < 16; ++nibble) {
            (bytes[] memory keysBelow, bytes[] memory valuesBelow) = select(keys, values, depth, nibble);
            parts[nibble] =
                keysBelow.length == 0 ? bytes(hex"80") : embed(node(keysBelow, valuesBelow, depth + 1));
        }
        parts[16] = hex"80";
        return RLP.encode(parts);
    }

    function embed(bytes memory encoded) private pure returns (bytes memory) {
        return encoded.length < 32 ? encoded : RLP.encode(keccak256(encoded));
    }

    function agree(bytes[] memory keys, uint256 index) private pure returns (bool) {
        for (uint256 i = 0; i < keys.length; ++i) {
            if (keys[i].length <= index || keys[i][index] != keys[0][index]) return false;
        }
        return true;
    }

    function select(bytes[] memory keys, bytes[] memory values, uint256 index, uint256 nibble)
        private
        pure
        returns (bytes[] memory keysBelow, bytes[] memory valuesBelow)
    {
        uint256 count;
        for (uint256 i = 0; i < keys.length; ++i) {
            if (uint8(keys[i][index]) == nibble) ++count;
        }
        (keysBelow, valuesBelow) = (new bytes[](count), new bytes[](count));
        count = 0;
        for (uint256 i = 0; i < keys.length; ++i) {
            if (uint8(keys[i][index]) != nibble) continue;
            (keysBelow[count], valuesBelow[count]) = (keys[i], values[i]);
            ++count;
        }
    }

    function nibbles(bytes memory key) private pure returns (bytes memory out) {
        for (uint256 i = 0; i < key.length; ++i) {
            out = abi.encodePacked(out, uint8(key[i]) >> 4, uint8(key[i]) & 15);
        }
    }

    function hexPrefix(bytes memory key, uint256 from, uint256 to, uint8 flag)
        private
        pure
        returns (bytes memory out)
    {
        bool odd = (to - from) % 2 == 1;
        out = odd ? abi.encodePacked(((flag + 1) << 4) | uint8(key[from])) : abi.encodePacked(flag << 4);
        for (uint256 i = odd ? from + 1 : from; i < to; i += 2) {
            out = abi.encodePacked(out, (uint8(key[i]) << 4) | uint8(key[i + 1]));
        }
    }
}
