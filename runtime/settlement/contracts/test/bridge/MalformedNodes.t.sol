// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {StrictRlp} from "src/bridge/StrictRlp.sol";
import {TrieWalk} from "src/bridge/TrieWalk.sol";
import {Test} from "../Test.sol";
import {PlainStateTrie} from "./PlainStateTrie.sol";
import {ProofCaller} from "./ProofCaller.sol";

/// @notice Nodes that have the hash that names them, and yet are none.
contract MalformedNodesTest is Test {
    bytes32 private constant KEY = 0x123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0;
    bytes32 private constant HASH = keccak256("a node");

    ProofCaller private immutable caller = new ProofCaller();

    function test_the_same_nodes_well_formed_are_taken() external view {
        vm.assertEq(find(leaf(0x20, 32, hex"05")), hex"05");
        vm.assertEq(find(branch(17, hex"", hex"80")), hex"");
        vm.assertEq(find(PlainStateTrie.pair(hex"15", RLP.encode(HASH))), hex"");
    }

    function test_a_path_that_has_no_kind_is_refused() external {
        expectMalformedNode(leaf(0x40, 32, hex"05"));
        expectMalformedNode(leaf(0x80, 32, hex"05"));
        expectMalformedNode(leaf(0xf0, 32, hex"05"));
    }

    function test_a_path_that_is_padded_with_more_than_zero_is_refused() external {
        expectMalformedNode(leaf(0x21, 32, hex"05"));
        expectMalformedNode(PlainStateTrie.pair(hex"0112", RLP.encode(HASH)));
    }

    function test_a_leaf_whose_path_does_not_end_with_the_key_is_refused() external {
        expectMalformedNode(leaf(0x20, 31, hex"05"));
        expectMalformedNode(leaf(0x31, 31, hex"05"));
        expectMalformedNode(leaf(0x31, 32, hex"05"));
        expectMalformedNode(leaf(0x20, 33, hex"05"));
        expectMalformedNode(PlainStateTrie.pair(hex"20", hex"05"));
    }

    function test_an_extension_without_path_or_child_is_refused() external {
        expectMalformedNode(PlainStateTrie.pair(hex"00", RLP.encode(HASH)));
        expectMalformedNode(PlainStateTrie.pair(hex"11", hex"80"));
        expectMalformedNode(PlainStateTrie.pair(hex"", RLP.encode(HASH)));
    }

    function test_an_extension_that_leaves_nothing_of_the_key_is_refused() external {
        expectMalformedNode(PlainStateTrie.pair(abi.encodePacked(hex"00", KEY), RLP.encode(HASH)));
        expectMalformedNode(PlainStateTrie.pair(abi.encodePacked(hex"11", KEY), RLP.encode(HASH)));
    }

    function test_a_path_that_is_a_list_is_refused() external {
        expectMalformedNode(RLP.encode(list(hex"c120", hex"05")));
    }

    function test_a_value_that_is_none_is_refused() external {
        expectMalformedNode(leafOf(hex"80"));
        expectMalformedNode(leafOf(hex"c105"));
    }

    function test_a_child_that_is_no_node_is_refused() external {
        bytes[4] memory children =
            [bytes(hex"05"), hex"c0", RLP.encode(new bytes(31)), abi.encodePacked(hex"df", new bytes(31))];
        for (uint256 i = 0; i < 4; ++i) {
            expectMalformedNode(PlainStateTrie.pair(hex"11", children[i]));
            expectMalformedNode(branch(17, children[i], hex"80"));
        }
    }

    function test_a_branch_with_a_value_is_refused() external {
        expectMalformedNode(branch(17, hex"", hex"05"));
        expectMalformedNode(branch(17, hex"", RLP.encode(HASH)));
        expectMalformedNode(branch(17, hex"", hex"c105"));
    }

    function test_a_node_with_another_number_of_items_is_refused() external {
        expectMalformedNode(branch(16, hex"", hex"80"));
        expectMalformedNode(branch(18, hex"", hex"80"));
        expectMalformedNode(branch(3, hex"", hex"80"));
        expectMalformedRlp(hex"c0");
        expectMalformedRlp(hex"c180");
    }

    function test_a_node_that_is_no_list_is_refused() external {
        expectMalformedNode(hex"80");
        expectMalformedNode(RLP.encode(leaf(0x20, 32, hex"05")));
        expectMalformedRlp(hex"");
    }

    function test_bytes_behind_a_node_are_refused() external {
        expectMalformedNode(bytes.concat(leaf(0x20, 32, hex"05"), hex"00"));
        expectMalformedNode(bytes.concat(branch(17, hex"", hex"80"), hex"80"));
    }

    function test_a_node_that_is_cut_is_refused() external {
        bytes memory node = leaf(0x20, 32, hex"05");
        for (uint256 length = 1; length < node.length; ++length) {
            bytes memory cut = bytes.concat(node);
            assembly ("memory-safe") {
                mstore(cut, length)
            }
            expectMalformedRlp(cut);
        }
    }

    function test_rlp_that_is_longer_than_needed_is_refused() external {
        bytes memory path = abi.encodePacked(hex"a120", KEY);
        expectMalformedRlp(abi.encodePacked(hex"f823", path, hex"05"));
        expectMalformedRlp(abi.encodePacked(hex"e4", path, hex"8105"));
        expectMalformedRlp(abi.encodePacked(hex"e5", path, hex"b80105"));
        bytes memory value = new bytes(56);
        vm.assertEq(find(abi.encodePacked(hex"f85c", path, hex"b838", value)), value);
        expectMalformedRlp(abi.encodePacked(hex"f85d", path, hex"b90038", value));
        expectMalformedRlp(abi.encodePacked(hex"f9005c", path, hex"b838", value));
        expectMalformedRlp(abi.encodePacked(hex"f84b", path, hex"b827", new bytes(39)));
    }

    function test_a_length_beyond_the_node_is_refused() external {
        bytes memory path = abi.encodePacked(hex"a120", KEY);
        expectMalformedRlp(abi.encodePacked(hex"e3", path, hex"82"));
        expectMalformedRlp(abi.encodePacked(hex"eb", path, hex"bfffffffffffffffff"));
        expectMalformedRlp(hex"ffffffffffffffffff");
    }

    function test_a_short_node_that_is_named_by_its_hash_is_refused() external {
        bytes memory short = leafBelow(hex"05");
        vm.assertTrue(short.length < 32);
        bytes[] memory proof =
            list(PlainStateTrie.pair(hex"1123456789abcd", RLP.encode(keccak256(short))), short);
        vm.expectRevert(abi.encodeWithSelector(TrieWalk.InvalidNode.selector, 1));
        caller.find(keccak256(proof[0]), KEY, proof);
        // In its place it is right.
        vm.assertEq(find(PlainStateTrie.pair(hex"1123456789abcd", short)), hex"05");
    }

    function test_a_node_that_stands_in_another_is_not_listed() external {
        bytes memory short = leafBelow(hex"05");
        bytes[] memory proof = list(PlainStateTrie.pair(hex"1123456789abcd", short), short);
        vm.expectRevert(abi.encodeWithSelector(TrieWalk.InvalidNode.selector, 1));
        caller.find(keccak256(proof[0]), KEY, proof);
    }

    function test_a_branch_behind_the_end_of_the_key_is_refused() external {
        bytes memory below = branchAt(0, hex"c22005");
        bytes memory last = branchAt(0, below);
        bytes memory node =
            PlainStateTrie.pair(PlainStateTrie.hexPrefix(KEY, 0, 63, 0), RLP.encode(keccak256(last)));
        bytes[] memory proof = list(node, last);
        vm.expectRevert(abi.encodeWithSelector(TrieWalk.MalformedNode.selector));
        caller.find(keccak256(node), KEY, proof);
    }

    function find(bytes memory node) private view returns (bytes memory) {
        bytes[] memory proof = PlainStateTrie.push(new bytes[](0), node);
        return caller.find(keccak256(node), KEY, proof);
    }

    function expectMalformedNode(bytes memory node) private {
        expectRefused(node, TrieWalk.MalformedNode.selector);
    }

    function expectMalformedRlp(bytes memory node) private {
        expectRefused(node, StrictRlp.MalformedRlp.selector);
    }

    function expectRefused(bytes memory node, bytes4 selector) private {
        bytes[] memory proof = PlainStateTrie.push(new bytes[](0), node);
        vm.expectRevert(abi.encodeWithSelector(selector));
        caller.find(keccak256(node), KEY, proof);
    }

    /// @dev A leaf at the root: the first byte of the path, and so many bytes of the key.
    function leaf(uint8 first, uint256 length, bytes memory value) private pure returns (bytes memory) {
        bytes memory path = abi.encodePacked(first, KEY, uint8(0));
        assembly ("memory-safe") {
            mstore(path, add(length, 1))
        }
        return PlainStateTrie.pair(path, RLP.encode(value));
    }

    function leafOf(bytes memory encodedValue) private pure returns (bytes memory) {
        return PlainStateTrie.pair(abi.encodePacked(hex"20", KEY), encodedValue);
    }

    /// @dev The leaf that is left of the key below an extension by 13 nibbles.
    function leafBelow(bytes memory value) private pure returns (bytes memory) {
        return PlainStateTrie.pair(PlainStateTrie.hexPrefix(KEY, 13, 64, 2), RLP.encode(value));
    }

    /// @dev A branch of so many items, of which the first and the last are given (the first not, if empty).
    function branch(uint256 items, bytes memory first, bytes memory last)
        private
        pure
        returns (bytes memory)
    {
        bytes[] memory parts = new bytes[](items);
        for (uint256 i = 0; i < items; ++i) {
            parts[i] = i == 2 ? RLP.encode(HASH) : bytes(hex"80");
        }
        if (first.length != 0) parts[0] = first;
        parts[items - 1] = last;
        return RLP.encode(parts);
    }

    function branchAt(uint256 nibble, bytes memory child) private pure returns (bytes memory) {
        bytes[] memory parts = new bytes[](17);
        for (uint256 i = 0; i < 17; ++i) {
            parts[i] = i == nibble ? child : bytes(hex"80");
        }
        return RLP.encode(parts);
    }

    function list(bytes memory first, bytes memory second) private pure returns (bytes[] memory items) {
        items = new bytes[](2);
        (items[0], items[1]) = (first, second);
    }
}
