// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {TrieWalk} from "src/bridge/TrieWalk.sol";
import {Test} from "../Test.sol";
import {PlainStateTrie} from "./PlainStateTrie.sol";
import {ProofCaller} from "./ProofCaller.sol";

/// @dev A run builds a trie, which takes long; each draws up to six keys.
/// forge-config: default.fuzz.runs = 32
contract TrieWalkTest is Test {
    ProofCaller private immutable caller = new ProofCaller();

    bytes32[] private keys;
    bytes[] private values;

    function testFuzz_every_key_is_found_and_by_openzeppelin_too(uint256 count, bytes32 seed) external {
        draw(bound(count, 1, 6), seed);
        for (uint256 i = 0; i < keys.length; ++i) {
            (bytes32 root, bytes[] memory proof) = PlainStateTrie.prove(keys, values, keys[i]);
            vm.assertEq(caller.find(root, keys[i], proof), values[i]);
            vm.assertEq(caller.traverse(root, keys[i], proof), values[i]);
        }
    }

    function testFuzz_what_is_absent_is_proven_absent(uint256 count, bytes32 seed) external {
        draw(bound(count, 1, 6), seed);
        for (uint256 i = 0; i < 6; ++i) {
            bytes32 key = near(keys[i % keys.length], uint256(keccak256(abi.encode(seed, "absent", i))));
            if (has(key)) continue;
            (bytes32 root, bytes[] memory proof) = PlainStateTrie.prove(keys, values, key);
            vm.assertEq(caller.find(root, key, proof), "");
            try caller.traverse(root, key, proof) {
                revert("found what is absent");
            } catch {}
        }
    }

    function test_nodes_that_stand_in_others_are_walked_through() external {
        // Two differ in their last nibble: their leaves stand in a branch, and this stands in an extension.
        keys = [bytes32(uint256(0x10)), bytes32(uint256(0x13)), bytes32(uint256(1) << 255)];
        values = [bytes(hex"01"), hex"02", hex"03"];
        for (uint256 i = 0; i < 3; ++i) {
            (bytes32 root, bytes[] memory proof) = PlainStateTrie.prove(keys, values, keys[i]);
            vm.assertEq(proof.length, 2);
            vm.assertEq(caller.find(root, keys[i], proof), values[i]);
        }
        (bytes32 other, bytes[] memory shown) = PlainStateTrie.prove(keys, values, bytes32(uint256(0x11)));
        vm.assertEq(caller.find(other, bytes32(uint256(0x11)), shown), "");
    }

    function test_a_trie_without_keys_has_none() external {
        bytes[] memory none;
        vm.assertEq(caller.find(keccak256(hex"80"), bytes32(0), none), "");
        bytes[] memory node = PlainStateTrie.push(none, hex"80");
        vm.expectRevert(abi.encodeWithSelector(TrieWalk.MalformedNode.selector));
        caller.find(keccak256(hex"80"), bytes32(0), node);
    }

    function test_no_proof_shows_nothing() external {
        bytes[] memory none;
        expectInvalid(0);
        caller.find(bytes32(uint256(1)), bytes32(0), none);
        expectInvalid(0);
        caller.find(keccak256(""), bytes32(0), none);
    }

    function testFuzz_a_flipped_bit_is_refused_in_every_node(uint256 count, bytes32 seed, uint256 bit)
        external
    {
        (bytes32 root, bytes32 key, bytes[] memory proof) = drawProof(count, seed);
        for (uint256 i = 0; i < proof.length; ++i) {
            uint256 place = bit % (8 * proof[i].length);
            flip(proof[i], place);
            expectInvalid(i);
            caller.find(root, key, proof);
            flip(proof[i], place);
        }
    }

    function testFuzz_a_node_that_is_missing_is_refused(uint256 count, bytes32 seed) external {
        (bytes32 root, bytes32 key, bytes[] memory proof) = drawProof(count, seed);
        for (uint256 i = 0; i < proof.length; ++i) {
            expectInvalid(i);
            caller.find(root, key, without(proof, i));
        }
    }

    function testFuzz_a_node_that_is_there_twice_is_refused(uint256 count, bytes32 seed) external {
        (bytes32 root, bytes32 key, bytes[] memory proof) = drawProof(count, seed);
        for (uint256 i = 0; i < proof.length; ++i) {
            expectInvalid(i + 1);
            caller.find(root, key, doubled(proof, i));
        }
    }

    function testFuzz_a_node_behind_the_last_is_refused(uint256 count, bytes32 seed, bytes calldata more)
        external
    {
        (bytes32 root, bytes32 key, bytes[] memory proof) = drawProof(count, seed);
        expectInvalid(proof.length);
        caller.find(root, key, PlainStateTrie.push(proof, more));
    }

    function testFuzz_nodes_in_another_order_are_refused(uint256 count, bytes32 seed) external {
        (bytes32 root, bytes32 key, bytes[] memory proof) = drawProof(count, seed);
        for (uint256 i = 0; i + 1 < proof.length; ++i) {
            (proof[i], proof[i + 1]) = (proof[i + 1], proof[i]);
            expectInvalid(i);
            caller.find(root, key, proof);
            (proof[i], proof[i + 1]) = (proof[i + 1], proof[i]);
        }
    }

    function testFuzz_another_root_is_refused(uint256 count, bytes32 seed, bytes32 root) external {
        (bytes32 honest, bytes32 key, bytes[] memory proof) = drawProof(count, seed);
        vm.assume(root != honest);
        expectInvalid(0);
        caller.find(root, key, proof);
    }

    /// @notice A proof of one key shows of another one no other than what the trie has: it says the truth or is refused.
    function testFuzz_the_proof_of_another_key_does_not_lie(uint256 count, bytes32 seed) external {
        draw(bound(count, 2, 4), seed);
        for (uint256 i = 0; i < keys.length; ++i) {
            (bytes32 root, bytes[] memory proof) = PlainStateTrie.prove(keys, values, keys[i]);
            for (uint256 j = 0; j < keys.length; ++j) {
                try caller.find(root, keys[j], proof) returns (bytes memory value) {
                    vm.assertEq(value, values[j]);
                } catch {
                    vm.assertTrue(i != j);
                }
            }
        }
    }

    /// @notice Whatever is found, OpenZeppelin finds too; and whatever is refused is refused by name, not by a panic.
    function testFuzz_nodes_of_any_shape_are_not_taken_for_more_than_by_openzeppelin(
        uint256 count,
        bytes32 seed,
        uint256 place,
        uint8 change
    ) external {
        draw(bound(count, 1, 3), seed);
        bytes32 key = keys[uint256(seed) % keys.length];
        (, bytes[] memory proof) = PlainStateTrie.prove(keys, values, key);
        proof[0][place % (place % 3 == 0 ? 4 : proof[0].length)] = bytes1(change);
        bytes32 root = keccak256(proof[0]);
        try caller.find(root, key, proof) returns (bytes memory value) {
            if (value.length != 0) vm.assertEq(value, caller.traverse(root, key, proof));
        } catch (bytes memory reason) {
            vm.assertTrue(bytes4(reason) != bytes4(0x4e487b71));
        }
    }

    function expectInvalid(uint256 index) private {
        vm.expectRevert(abi.encodeWithSelector(TrieWalk.InvalidNode.selector, index));
    }

    function drawProof(uint256 count, bytes32 seed)
        private
        returns (bytes32 root, bytes32 key, bytes[] memory proof)
    {
        draw(bound(count, 2, 6), seed);
        key = keys[uint256(seed) % keys.length];
        (root, proof) = PlainStateTrie.prove(keys, values, key);
    }

    /// @dev Some keys at random, others close to them, so that there are extensions and short nodes.
    function draw(uint256 count, bytes32 seed) private {
        (keys, values) = (new bytes32[](0), new bytes[](0));
        for (uint256 i = 0; i < count; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            bytes32 key = i == 0 || random % 3 == 0 ? bytes32(random) : near(keys[random % i], random);
            if (has(key)) key = bytes32(random);
            keys.push(key);
            values.push(random & 256 == 0 ? abi.encodePacked(uint8(random >> 9) | 1) : long(random));
        }
    }

    function long(uint256 random) private pure returns (bytes memory value) {
        value = new bytes(2 + random % 120);
        value[0] = bytes1(uint8(random >> 16));
    }

    /// @dev The key with one nibble changed, near its end in most cases.
    function near(bytes32 key, uint256 random) private pure returns (bytes32) {
        uint256 place = random & 1024 == 0 ? (random >> 32) % 4 : (random >> 32) % 64;
        return key ^ bytes32((1 + (random >> 64) % 15) << (4 * place));
    }

    function has(bytes32 key) private view returns (bool) {
        for (uint256 i = 0; i < keys.length; ++i) {
            if (keys[i] == key) return true;
        }
        return false;
    }

    function flip(bytes memory node, uint256 bit) private pure {
        node[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
    }

    function without(bytes[] memory proof, uint256 index) private pure returns (bytes[] memory out) {
        for (uint256 i = 0; i < proof.length; ++i) {
            if (i != index) out = PlainStateTrie.push(out, proof[i]);
        }
    }

    function doubled(bytes[] memory proof, uint256 index) private pure returns (bytes[] memory out) {
        for (uint256 i = 0; i < proof.length; ++i) {
            out = PlainStateTrie.push(out, proof[i]);
            if (i == index) out = PlainStateTrie.push(out, proof[i]);
        }
    }
}
