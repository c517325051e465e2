// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

/// @notice Tries of keys of 32 bytes by the Yellow Paper's definition, and proofs in them as `eth_getProof` gives them.
library PlainStateTrie {
    /// @notice Root of the trie of all pairs, and the nodes on the way to `key`, whether it is there or not. Keys differ.
    function prove(bytes32[] memory keys, bytes[] memory values, bytes32 key)
        internal
        pure
        returns (bytes32 root, bytes[] memory proof)
    {
        if (keys.length == 0) return (keccak256(hex"80"), proof);
        root = keccak256(node(keys, values, 0));
        uint256 depth;
        while (true) {
            bytes memory encoded = node(keys, values, depth);
            if (proof.length == 0 || encoded.length >= 32) proof = push(proof, encoded);
            if (keys.length == 1) return (root, proof);
            uint256 shared = commonLength(keys, depth);
            if (shared > depth) {
                if (path(key, depth, shared) != path(keys[0], depth, shared)) return (root, proof);
                depth = shared;
            } else {
                (keys, values) = select(keys, values, depth, nibble(key, depth));
                if (keys.length == 0) return (root, proof);
                ++depth;
            }
        }
    }

    /// @notice A key in a trie so large that its proof has `nodes` nodes, all full branches but the last.
    function proveDeep(bytes32 key, bytes memory value, uint256 nodes, bytes32 seed)
        internal
        pure
        returns (bytes32 root, bytes[] memory proof)
    {
        proof = new bytes[](nodes);
        proof[nodes - 1] = pair(hexPrefix(key, nodes - 1, 64, 2), RLP.encode(value));
        for (uint256 depth = nodes - 1; depth > 0; --depth) {
            bytes[] memory parts = new bytes[](17);
            for (uint256 i = 0; i < 16; ++i) {
                parts[i] = RLP.encode(keccak256(abi.encode(seed, depth, i)));
            }
            parts[nibble(key, depth - 1)] = embed(proof[depth]);
            parts[16] = hex"80";
            proof[depth - 1] = RLP.encode(parts);
        }
        root = keccak256(proof[0]);
    }

    /// @notice What an account is in the trie.
    function account(uint256 nonce, uint256 balance, bytes32 storageRoot, bytes32 codeHash)
        internal
        pure
        returns (bytes memory)
    {
        bytes[] memory parts = new bytes[](4);
        (parts[0], parts[1]) = (RLP.encode(nonce), RLP.encode(balance));
        (parts[2], parts[3]) = (RLP.encode(storageRoot), RLP.encode(codeHash));
        return RLP.encode(parts);
    }

    /// @dev c(J, i): the RLP of the node for these pairs, whose keys agree in their first `depth` nibbles.
    function node(bytes32[] memory keys, bytes[] memory values, uint256 depth)
        internal
        pure
        returns (bytes memory)
    {
        if (keys.length == 1) return pair(hexPrefix(keys[0], depth, 64, 2), RLP.encode(values[0]));
        uint256 shared = commonLength(keys, depth);
        if (shared > depth) {
            return pair(hexPrefix(keys[0], depth, shared, 0), embed(node(keys, values, shared)));
        }
        bytes[] memory parts = new bytes[](17);
        for (uint256 i = 0; i < 16; ++i) {
            (bytes32[] memory keysBelow, bytes[] memory valuesBelow) = select(keys, values, depth, i);
            parts[i] = keysBelow.length == 0 ? bytes(hex"80") : embed(node(keysBelow, valuesBelow, depth + 1));
        }
        parts[16] = hex"80";
        return RLP.encode(parts);
    }

    function pair(bytes memory first, bytes memory second) internal pure returns (bytes memory) {
        bytes[] memory parts = new bytes[](2);
        (parts[0], parts[1]) = (RLP.encode(first), second);
        return RLP.encode(parts);
    }

    function embed(bytes memory encoded) internal pure returns (bytes memory) {
        return encoded.length < 32 ? encoded : RLP.encode(keccak256(encoded));
    }

    function hexPrefix(bytes32 key, uint256 from, uint256 to, uint256 flag)
        internal
        pure
        returns (bytes memory out)
    {
        bool odd = (to - from) % 2 == 1;
        out = odd
            ? abi.encodePacked(uint8((flag + 1) << 4 | nibble(key, from)))
            : abi.encodePacked(uint8(flag << 4));
        for (uint256 i = odd ? from + 1 : from; i < to; i += 2) {
            out = abi.encodePacked(out, uint8(nibble(key, i) << 4 | nibble(key, i + 1)));
        }
    }

    function nibble(bytes32 key, uint256 index) internal pure returns (uint256) {
        return (uint256(key) >> (252 - 4 * index)) & 15;
    }

    function path(bytes32 key, uint256 from, uint256 to) private pure returns (bytes32) {
        return keccak256(hexPrefix(key, from, to, 0));
    }

    function commonLength(bytes32[] memory keys, uint256 depth) private pure returns (uint256) {
        for (uint256 shared = depth; true; ++shared) {
            for (uint256 i = 1; i < keys.length; ++i) {
                if (nibble(keys[i], shared) != nibble(keys[0], shared)) return shared;
            }
        }
        return 0;
    }

    function select(bytes32[] memory keys, bytes[] memory values, uint256 index, uint256 wanted)
        private
        pure
        returns (bytes32[] memory keysBelow, bytes[] memory valuesBelow)
    {
        uint256 count;
        for (uint256 i = 0; i < keys.length; ++i) {
            if (nibble(keys[i], index) == wanted) ++count;
        }
        (keysBelow, valuesBelow) = (new bytes32[](count), new bytes[](count));
        count = 0;
        for (uint256 i = 0; i < keys.length; ++i) {
            if (nibble(keys[i], index) != wanted) continue;
            (keysBelow[count], valuesBelow[count]) = (keys[i], values[i]);
            ++count;
        }
    }

    function push(bytes[] memory list, bytes memory item) internal pure returns (bytes[] memory longer) {
        longer = new bytes[](list.length + 1);
        for (uint256 i = 0; i < list.length; ++i) {
            longer[i] = list[i];
        }
        longer[list.length] = item;
    }
}
