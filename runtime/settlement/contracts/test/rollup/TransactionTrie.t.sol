// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "src/IRollup.sol";
import {TransactionTrie} from "src/rollup/TransactionTrie.sol";
import {Test} from "../Test.sol";
import {PlainTrie} from "./PlainTrie.sol";

contract TrieCaller {
    function root(bytes memory stream, uint256 count) external pure returns (bytes32) {
        (uint256[] memory items, uint256 end) = TransactionTrie.take(stream, 0, count);
        assert(end == stream.length);
        return TransactionTrie.root(items);
    }
}

contract TransactionTrieTest is Test {
    TrieCaller private immutable trie = new TrieCaller();

    function test_roots_of_1_to_300_transactions_are_those_of_alloy() external view {
        checkAll("transactions", 400);
    }

    function test_roots_of_values_that_stand_in_their_parents_are_those_of_alloy() external view {
        checkAll("tiny", 4);
    }

    function test_roots_of_long_transactions_are_those_of_alloy() external view {
        checkAll("long", 70_000);
    }

    function test_roots_of_many_transactions_are_those_of_alloy() external view {
        uint256[5] memory counts = [uint256(511), 512, 513, 1000, 4097];
        bytes32[] memory roots = vectors("many");
        for (uint256 i = 0; i < counts.length; ++i) {
            vm.assertEq(
                trie.root(frame(values("many", 100, counts[i])), counts[i]), roots[i], vm.toString(counts[i])
            );
        }
    }

    function testFuzz_roots_are_those_of_the_plain_trie(uint256 count, uint256 longest, string calldata seed)
        external
        view
    {
        bytes[] memory drawn = values(seed, bound(longest, 1, 300), bound(count, 1, 270));
        vm.assertEq(trie.root(frame(drawn), drawn.length), PlainTrie.root(drawn));
    }

    function testFuzz_another_byte_gives_another_root(uint256 count, uint256 index, string calldata seed)
        external
        view
    {
        bytes[] memory drawn = values(seed, 200, bound(count, 1, 40));
        bytes32 before = trie.root(frame(drawn), drawn.length);
        bytes memory changed = drawn[index % drawn.length];
        changed[index % changed.length] ^= 0x01;
        vm.assertTrue(trie.root(frame(drawn), drawn.length) != before);
    }

    function testFuzz_another_order_gives_another_root(uint256 count, uint256 index) external view {
        bytes[] memory drawn = values("order", 200, bound(count, 2, 40));
        bytes32 before = trie.root(frame(drawn), drawn.length);
        uint256 left = index % (drawn.length - 1);
        vm.assume(keccak256(drawn[left]) != keccak256(drawn[left + 1]));
        (drawn[left], drawn[left + 1]) = (drawn[left + 1], drawn[left]);
        vm.assertTrue(trie.root(frame(drawn), drawn.length) != before);
    }

    function test_a_length_beyond_the_end_is_refused() external {
        expectMalformed(0);
        trie.root(hex"000002aa", 1);
        expectMalformed(4);
        trie.root(hex"000001aaffffffbb", 2);
    }

    function test_a_cut_length_is_refused() external {
        expectMalformed(0);
        trie.root(hex"0000", 1);
        expectMalformed(4);
        trie.root(hex"000001aa00", 2);
    }

    function test_an_empty_transaction_is_refused() external {
        expectMalformed(0);
        trie.root(hex"000000", 1);
        expectMalformed(4);
        trie.root(hex"000001aa000000000001bb", 3);
    }

    function test_a_count_beyond_the_end_is_refused() external {
        expectMalformed(4);
        trie.root(hex"000001aa", 2);
        expectMalformed(0);
        trie.root("", 1);
    }

    function testFuzz_transactions_taken_in_parts_are_those_taken_at_once(uint256 count, uint256 part)
        external
        pure
    {
        bytes[] memory drawn = values("parts", 200, bound(count, 2, 40));
        bytes memory stream = frame(drawn);
        part = bound(part, 1, drawn.length - 1);
        (uint256[] memory all, uint256 end) = TransactionTrie.take(stream, 0, drawn.length);
        (uint256[] memory left, uint256 middle) = TransactionTrie.take(stream, 0, part);
        (uint256[] memory right, uint256 last) = TransactionTrie.take(stream, middle, drawn.length - part);
        vm.assertEq(end, stream.length);
        vm.assertEq(last, end);
        for (uint256 i = 0; i < all.length; ++i) {
            vm.assertEq(all[i], i < part ? left[i] : right[i - part]);
        }
    }

    function test_more_transactions_than_two_bytes_of_index_are_refused() external {
        vm.expectRevert(abi.encodeWithSelector(IRollup.TooManyTransactions.selector, 65_537));
        trie.root(hex"000001aa", 65_537);
    }

    function expectMalformed(uint256 index) private {
        vm.expectRevert(abi.encodeWithSelector(IRollup.MalformedTransactions.selector, index));
    }

    function checkAll(string memory family, uint256 longest) private view {
        bytes32[] memory roots = vectors(family);
        vm.assertTrue(roots.length > 0);
        bytes[] memory all = values(family, longest, roots.length);
        bytes[] memory some;
        for (uint256 count = 1; count <= roots.length; ++count) {
            some = new bytes[](count);
            for (uint256 i = 0; i < count; ++i) {
                some[i] = all[i];
            }
            vm.assertEq(trie.root(frame(some), count), roots[count - 1], vm.toString(count));
        }
    }

    function vectors(string memory family) private view returns (bytes32[] memory) {
        return vm.parseJsonBytes32Array(vm.readFile("test/vectors/trie.json"), string.concat(".", family));
    }

    /// @dev As in the Rust test that makes the vectors: 1 + h mod `longest` bytes of h repeated.
    function values(string memory seed, uint256 longest, uint256 count)
        private
        pure
        returns (bytes[] memory out)
    {
        out = new bytes[](count);
        for (uint256 i = 0; i < count; ++i) {
            bytes32 hash = keccak256(abi.encodePacked(seed, uint64(i)));
            uint256 length = 1 + uint256(hash) % longest;
            bytes memory value = new bytes(length + 32);
            assembly ("memory-safe") {
                for { let index := 0 } lt(index, length) { index := add(index, 32) } {
                    mstore(add(add(value, 32), index), hash)
                }
                mstore(value, length)
            }
            out[i] = value;
        }
    }

    function frame(bytes[] memory transactions) private pure returns (bytes memory framed) {
        uint256 total;
        for (uint256 i = 0; i < transactions.length; ++i) {
            total += 3 + transactions[i].length;
        }
        framed = new bytes(total);
        uint256 index = 32;
        for (uint256 i = 0; i < transactions.length; ++i) {
            bytes memory transaction = transactions[i];
            assembly ("memory-safe") {
                let to := add(framed, index)
                let length := mload(transaction)
                mstore8(to, shr(16, length))
                mstore8(add(to, 1), shr(8, length))
                mstore8(add(to, 2), length)
                mcopy(add(to, 3), add(transaction, 32), length)
            }
            index += 3 + transaction.length;
        }
    }
}
