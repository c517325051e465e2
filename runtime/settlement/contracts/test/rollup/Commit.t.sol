// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LibZip} from "solady/utils/LibZip.sol";
import {IRollup} from "src/IRollup.sol";
import {Rollup} from "src/Rollup.sol";
import {RollupFixture} from "./RollupFixture.sol";

contract CommitTest is RollupFixture {
    function test_a_batch_is_committed_under_the_hash_of_its_blocks() external {
        Batch memory first = make(genesisBatch(), 3, "first");
        vm.expectEmit();
        emit IRollup.BatchCommitted(1, hashOf(opening(first)), first.tip.blockHash, 0);
        commit(first);
        vm.assertEq(rollup.lastCommittedBatch(), 1);
        vm.assertEq(rollup.batchHash(1), hashOf(opening(first)));
        vm.assertEq(rollup.lastVerifiedBatch(), 0);
        vm.assertEq(rollup.verifiedStateRoot(), genesis.stateRoot);
    }

    function test_batches_follow_each_other() external {
        Batch memory first = make(genesisBatch(), 2, "first");
        Batch memory second = make(first, 1, "second");
        commit(first);
        commit(second);
        vm.assertEq(rollup.lastCommittedBatch(), 2);
        vm.assertEq(rollup.batchHash(2), hashOf(opening(second)));
    }

    function test_only_the_operator_commits() external {
        Batch memory batch = make(genesisBatch(), 1, "first");
        bytes memory posted = LibZip.flzCompress(batch.transactions);
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IRollup.NotOperator.selector, OWNER));
        rollup.commitBatch(
            batch.number, batch.previous, batch.posted, posted, batch.forced, batch.tip.blockHash
        );
    }

    function test_the_operator_commits_nothing_where_nodes_do_not_find_it() external {
        Batch memory batch = make(genesisBatch(), 1, "first");
        bytes memory posted = LibZip.flzCompress(batch.transactions);
        bytes memory reason = abi.encodeWithSelector(IRollup.NotATransaction.selector, OPERATOR);
        bytes memory payload = abi.encodeCall(
            IRollup.commitBatch,
            (batch.number, batch.previous, batch.posted, posted, batch.forced, batch.tip.blockHash)
        );
        // A contract is the operator, whoever sends the transaction.
        vm.prank(OPERATOR, OWNER);
        expectFailure(payload, reason);
        // Code that its account has delegated to calls again.
        vm.etch(OPERATOR, abi.encodePacked(hex"ef0100", OWNER));
        vm.prank(OPERATOR, OPERATOR);
        expectFailure(payload, reason);
        vm.etch(OPERATOR, "");
        commit(batch);
    }

    function expectFailure(bytes memory payload, bytes memory reason) private {
        (bool done, bytes memory answer) = address(rollup).call(payload);
        vm.assertTrue(!done && keccak256(answer) == keccak256(reason));
    }

    function test_a_gap_between_batches_is_refused() external {
        Batch memory second = make(make(genesisBatch(), 1, "first"), 1, "second");
        expectCommitRefused(second, abi.encodeWithSelector(IRollup.BatchOutOfOrder.selector, 2, 0, 0));
    }

    function test_batch_zero_is_refused() external {
        Batch memory batch = make(genesisBatch(), 1, "first");
        batch.number = 0;
        expectCommitRefused(batch, abi.encodeWithSelector(IRollup.BatchOutOfOrder.selector, 0, 0, 0));
    }

    function test_a_verified_batch_cannot_be_replaced() external {
        Batch memory first = make(genesisBatch(), 1, "first");
        finalize(genesisBatch(), first);
        Batch memory other = make(genesisBatch(), 1, "other");
        expectCommitRefused(other, abi.encodeWithSelector(IRollup.BatchOutOfOrder.selector, 1, 1, 1));
    }

    function test_an_unproven_batch_is_superseded_with_all_that_follow() external {
        Batch memory first = make(genesisBatch(), 1, "first");
        Batch memory second = make(first, 1, "second");
        Batch memory third = make(second, 1, "third");
        commit(first);
        commit(second);
        commit(third);
        Batch memory other = make(first, 2, "other");
        vm.expectEmit();
        emit IRollup.BatchesSuperseded(2, 3);
        commit(other);
        vm.assertEq(rollup.lastCommittedBatch(), 2);
        vm.assertEq(rollup.batchHash(2), hashOf(opening(other)));
        vm.assertEq(rollup.batchHash(3), bytes32(0));
        expectCommitRefused(third, abi.encodeWithSelector(IRollup.PreviousBatchMismatch.selector, 2));
        commit(make(other, 1, "third again"));
    }

    function test_a_batch_after_another_one_than_committed_is_refused() external {
        commit(make(genesisBatch(), 1, "first"));
        Batch memory second = make(make(genesisBatch(), 1, "other"), 1, "second");
        expectCommitRefused(second, abi.encodeWithSelector(IRollup.PreviousBatchMismatch.selector, 1));
    }

    function test_each_field_of_the_previous_batch_is_checked() external {
        Batch memory first = make(genesisBatch(), 1, "first");
        commit(first);
        bytes memory reason = abi.encodeWithSelector(IRollup.PreviousBatchMismatch.selector, 1);
        for (uint256 word = 0; word < 9; ++word) {
            Batch memory second = make(first, 1, "second");
            bytes memory encoded = abi.encode(second.previous);
            encoded[32 * word + 31] ^= 0x01;
            second.previous = abi.decode(encoded, (IRollup.PreviousBatch));
            expectCommitRefused(second, reason);
        }
    }

    function test_a_batch_without_blocks_is_refused() external {
        expectCommitRefused(
            make(genesisBatch(), 0, "first"), abi.encodeWithSelector(IRollup.EmptyBatch.selector)
        );
    }

    function test_a_block_without_transactions_is_refused() external {
        Batch memory batch = make(genesisBatch(), 2, "first");
        batch.posted[1].transactions = 0;
        expectCommitRefused(batch, abi.encodeWithSelector(IRollup.EmptyBlock.selector, 2));
    }

    function test_malformed_transactions_are_refused() external {
        Batch memory batch = make(genesisBatch(), 1, "first");
        batch.transactions = hex"000002aa";
        expectCommitRefused(batch, abi.encodeWithSelector(IRollup.MalformedTransactions.selector, 0));
    }

    function test_more_or_fewer_transactions_than_the_blocks_say_are_refused() external {
        Batch memory batch = make(genesisBatch(), 2, "first");
        uint256 length = batch.transactions.length;
        bytes4 reason = IRollup.MalformedTransactions.selector;
        batch.transactions = abi.encodePacked(batch.transactions, hex"000001aa");
        expectCommitRefused(batch, abi.encodeWithSelector(reason, length));
        batch = make(genesisBatch(), 2, "first");
        batch.posted[1].transactions += 1;
        expectCommitRefused(batch, abi.encodeWithSelector(reason, length));
    }

    function test_transactions_that_are_moved_to_another_block_are_refused() external {
        Batch memory batch = make(genesisBatch(), 3, "first");
        (batch.posted[0].transactions, batch.posted[2].transactions) =
        (batch.posted[0].transactions + 1, batch.posted[2].transactions - 1);
        expectCommitRefusedForHash(batch);
    }

    function test_transactions_that_cannot_be_decompressed_are_refused() external {
        Batch memory batch = make(genesisBatch(), 1, "first");
        bytes memory posted = LibZip.flzCompress(batch.transactions);
        posted = abi.encodePacked(posted, hex"05");
        bytes4 reason = IRollup.MalformedCompression.selector;
        vm.prank(OPERATOR, OPERATOR);
        vm.expectRevert(abi.encodeWithSelector(reason, posted.length));
        rollup.commitBatch(
            batch.number, batch.previous, batch.posted, posted, batch.forced, batch.tip.blockHash
        );
    }

    function test_a_time_before_the_parents_is_refused_and_the_same_is_accepted() external {
        Batch memory batch = make(genesisBatch(), 2, "first");
        uint64 parent = batch.posted[0].timestamp;
        batch.posted[1].timestamp = parent - 1;
        bytes4 reason = IRollup.TimestampBeforeParent.selector;
        expectCommitRefused(batch, abi.encodeWithSelector(reason, 2, parent - 1, parent));
        batch.posted[1].timestamp = parent;
        expectCommitRefusedForHash(batch);
    }

    function test_a_time_up_to_15_seconds_ahead_of_L2_is_accepted_and_no_more() external {
        uint64 latest = uint64(block.timestamp) + 15;
        Batch memory batch = make(genesisBatch(), 1, "first");
        batch.posted[0].timestamp = latest + 1;
        expectCommitRefused(
            batch, abi.encodeWithSelector(IRollup.TimestampAhead.selector, 1, latest + 1, latest)
        );
        batch.posted[0].timestamp = latest;
        expectCommitRefusedForHash(batch);
    }

    function test_more_gas_than_the_limit_is_refused() external {
        Batch memory batch = make(genesisBatch(), 1, "first");
        batch.posted[0].gasUsed = GAS_LIMIT + 1;
        bytes4 reason = IRollup.GasUsedAboveLimit.selector;
        expectCommitRefused(batch, abi.encodeWithSelector(reason, 1, GAS_LIMIT + 1));
    }

    function test_the_chain_goes_on_at_the_highest_base_fee() external {
        genesis.baseFee = type(uint64).max;
        genesis.gasUsed = GAS_LIMIT;
        setUpAgain();
        Batch memory batch = make(genesisBatch(), 1, "first");
        vm.assertEq(batch.tip.baseFee, type(uint64).max);
        commit(batch);
    }

    function test_another_last_block_hash_is_refused() external {
        Batch memory batch = make(genesisBatch(), 2, "first");
        bytes32 computed = batch.tip.blockHash;
        batch.tip.blockHash = keccak256("other");
        bytes4 reason = IRollup.BlockHashMismatch.selector;
        expectCommitRefused(batch, abi.encodeWithSelector(reason, batch.tip.blockHash, computed));
    }

    function testFuzz_a_changed_transaction_byte_is_refused(uint256 position, uint8 flip) external {
        Batch memory batch = make(genesisBatch(), 3, "first");
        batch.transactions[position % batch.transactions.length] ^= bytes1(flip | 1);
        expectAnyRefusal(batch);
    }

    function testFuzz_a_changed_compressed_byte_is_refused(uint256 position, uint8 flip) external {
        Batch memory batch = make(genesisBatch(), 3, "first");
        bytes memory posted = LibZip.flzCompress(batch.transactions);
        posted[position % posted.length] ^= bytes1(flip | 1);
        // A match at another distance may find the same bytes.
        bytes32 found = keccak256(LibZip.flzDecompress(posted));
        vm.assume(found != keccak256(batch.transactions));
        expectAnyRefusal(batch, posted);
    }

    function testFuzz_a_changed_header_field_is_refused(uint256 index, uint256 position, uint8 flip)
        external
    {
        Batch memory batch = make(genesisBatch(), 3, "first");
        IRollup.PostedBlock memory posted = batch.posted[index % 3];
        bytes memory encoded = abi.encode(posted);
        encoded[position % encoded.length] ^= bytes1(flip | 1);
        try this.decodePosted(encoded) returns (IRollup.PostedBlock memory changed) {
            batch.posted[index % 3] = changed;
        } catch {
            return; // Not a 64-bit number any more: the call's decoding refuses it.
        }
        expectAnyRefusal(batch);
    }

    function decodePosted(bytes calldata encoded) external pure returns (IRollup.PostedBlock memory) {
        return abi.decode(encoded, (IRollup.PostedBlock));
    }

    function expectAnyRefusal(Batch memory batch) private {
        expectAnyRefusal(batch, LibZip.flzCompress(batch.transactions));
    }

    function expectAnyRefusal(Batch memory batch, bytes memory posted) private {
        vm.assertTrue(refusal(batch, posted).length >= 4);
    }

    function setUpAgain() private {
        deploy(verifier);
    }
}
