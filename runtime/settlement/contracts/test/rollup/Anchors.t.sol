// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {IRollup} from "src/IRollup.sol";
import {RollupFixture} from "./RollupFixture.sol";

/// @notice Which L2 blocks an L3 block may name, and what that says of its time.
contract AnchorsTest is RollupFixture {
    uint64 private constant HOUR = 3600;

    function test_a_block_older_than_its_anchor_is_refused() external {
        Batch memory batch = make(genesisBatch(), 1, "first");
        batch.posted[0].timestamp = START - 1;
        bytes4 reason = IRollup.TimestampBeforeAnchor.selector;
        expectCommitRefused(batch, abi.encodeWithSelector(reason, 1, START - 1, START));
        batch.posted[0].timestamp = START;
        expectCommitRefusedForHash(batch);
    }

    function test_an_anchor_more_than_an_hour_old_is_refused() external {
        vm.warp(START + 30 days);
        Batch memory batch = make(genesisBatch(), 2, "first");
        batch.posted[1].timestamp = START + HOUR + 1;
        bytes4 reason = IRollup.AnchorTooOld.selector;
        expectCommitRefused(batch, abi.encodeWithSelector(reason, 2, START + HOUR + 1, START));
        // However late the commit: what counts is the block's time.
        batch.posted[1].timestamp = START + HOUR;
        expectCommitRefusedForHash(batch);
    }

    function test_naming_no_L2_block_is_accepted_for_an_hour_after_genesis_and_no_longer() external {
        Batch memory batch = make(genesisBatch(), 1, "first");
        batch.posted[0].anchor.blockHash = bytes32(0);
        uint64 latest = genesis.timestamp + HOUR;
        vm.warp(latest + 30 days);
        batch.posted[0].timestamp = latest + 1;
        bytes4 reason = IRollup.AnchorTooOld.selector;
        expectCommitRefused(batch, abi.encodeWithSelector(reason, 1, latest + 1, genesis.timestamp));
        batch.posted[0].timestamp = latest;
        expectCommitRefusedForHash(batch);
    }

    function test_naming_no_L2_block_after_one_was_named_is_refused() external {
        Batch memory batch = make(genesisBatch(), 2, "first");
        batch.posted[1].anchor.blockHash = bytes32(0);
        bytes4 reason = IRollup.UnknownL2Block.selector;
        expectCommitRefused(batch, abi.encodeWithSelector(reason, 2, bytes32(0)));
    }

    function test_a_chain_that_stood_still_goes_on_with_a_new_anchor() external {
        vm.warp(START + 2 days);
        Batch memory first = make(genesisBatch(), 1, "first");
        commit(first);
        (bytes memory header, bytes32 hash) = record(L2_BLOCK - 2, START + 1 days, "");
        vm.assertTrue(header.length > 0);
        Batch memory second = make(first, 1, "second");
        second.posted[0].timestamp = START + 1 days + HOUR;
        second.posted[0].anchor.blockHash = hash;
        // A lower number than the first anchor's: time does not make up for it.
        bytes4 reason = IRollup.StaleL2Block.selector;
        expectCommitRefused(second, abi.encodeWithSelector(reason, 2, L2_BLOCK - 2, L2_BLOCK - 1));
        vm.roll(L2_BLOCK + 5);
        (, hash) = record(L2_BLOCK + 4, START + 1 days, "");
        second.posted[0].anchor.blockHash = hash;
        expectCommitRefusedForHash(second);
    }

    function test_an_unrecorded_L2_block_is_refused() external {
        Batch memory batch = make(genesisBatch(), 1, "first");
        bytes32 unknown = l2Hash(L2_BLOCK - 3);
        batch.posted[0].anchor.blockHash = unknown;
        expectCommitRefused(batch, abi.encodeWithSelector(IRollup.UnknownL2Block.selector, 1, unknown));
    }

    function test_an_older_L2_block_than_the_parents_is_refused() external {
        (, bytes32 older) = record(L2_BLOCK - 3, START - 36, "");
        Batch memory batch = make(genesisBatch(), 2, "first");
        batch.posted[1].anchor.blockHash = older;
        bytes4 reason = IRollup.StaleL2Block.selector;
        expectCommitRefused(batch, abi.encodeWithSelector(reason, 2, L2_BLOCK - 3, L2_BLOCK - 1));
    }

    function test_messages_that_were_not_sent_are_refused() external {
        send("one");
        Batch memory batch = make(genesisBatch(), 1, "first");
        batch.posted[0].anchor.messages = 2;
        expectCommitRefused(batch, abi.encodeWithSelector(IRollup.UnknownMessages.selector, 1, 2));
        batch.posted[0].anchor.messages = 1;
        expectCommitRefused(batch, abi.encodeWithSelector(IRollup.UnknownMessages.selector, 1, 1));
        // The first message was sent at this time.
        batch.posted[0].timestamp = START + 1000;
        expectCommitRefusedForHash(batch);
    }

    function test_messages_without_an_L2_block_are_refused() external {
        send("one");
        Batch memory batch = make(genesisBatch(), 1, "first");
        batch.posted[0].timestamp = START + 1000;
        batch.posted[0].anchor.blockHash = bytes32(0);
        expectCommitRefused(batch, abi.encodeWithSelector(IRollup.UnknownL2Block.selector, 1, bytes32(0)));
    }

    function test_fewer_messages_than_the_parent_names_are_refused() external {
        send("one");
        Batch memory batch = make(genesisBatch(), 2, "first");
        batch.posted[0].timestamp = START + 1000;
        batch.posted[1].timestamp = START + 1000;
        batch.posted[1].anchor.messages = 0;
        expectCommitRefused(batch, abi.encodeWithSelector(IRollup.FewerMessages.selector, 2, 0, 1));
    }

    function test_a_block_names_256_messages_more_than_were_processed_at_most() external {
        vm.warp(START);
        for (uint256 i = 0; i < 257; ++i) {
            send("");
        }
        Batch memory batch = make(genesisBatch(), 2, "first");
        vm.warp(START + 1000);
        batch.posted[1].anchor.messages = 257;
        expectCommitRefused(batch, abi.encodeWithSelector(IRollup.TooManyMessages.selector, 2, 257, 256));
        batch.posted[0].anchor.messages = 256;
        batch.posted[1].anchor.messages = 256;
        expectCommitRefusedForHash(batch);
    }

    function test_a_block_says_in_its_header_which_messages_it_may_process() external {
        vm.warp(START);
        send("one");
        Batch memory batch = make(genesisBatch(), 1, "first");
        (bytes27 chain,) = inbox.entry(1);
        bytes32 anchor = keccak256(abi.encode(l2Hash(L2_BLOCK - 1), uint256(1), chain));
        vm.assertEq(batch.tip.beaconRoot, anchor);
        vm.warp(START + 1);
        send("two");
        Batch memory second = make(batch, 1, "second");
        vm.warp(START + 1000);
        commit(batch);
        commit(second);
    }

    function test_another_anchor_than_the_parents_is_refused() external {
        vm.warp(START);
        send("one");
        Batch memory first = make(genesisBatch(), 1, "first");
        vm.warp(START + 1000);
        commit(first);
        Batch memory second = make(first, 1, "second");
        second.previous.anchor.messages = 0;
        expectCommitRefused(second, abi.encodeWithSelector(IRollup.OtherAnchor.selector, 1));
        second.previous.anchor = IRollup.Anchor(l2Hash(L2_BLOCK - 2), 1);
        expectCommitRefused(second, abi.encodeWithSelector(IRollup.OtherAnchor.selector, 1));
    }

    function test_every_commit_records_the_L2_block_before_it_with_the_time_of_its_own() external {
        vm.roll(L2_BLOCK + 5);
        vm.setBlockhash(L2_BLOCK + 4, l2Hash(L2_BLOCK + 4));
        expectRecorded(l2Hash(L2_BLOCK + 4), 0, 0);
        vm.expectEmit();
        emit IRollup.BlockHashRecorded(uint64(L2_BLOCK + 4), l2Hash(L2_BLOCK + 4), START + 1000);
        commit(make(genesisBatch(), 1, "first"));
        expectRecorded(l2Hash(L2_BLOCK + 4), uint64(L2_BLOCK + 4), START + 1000);
    }

    function test_a_zero_hash_is_never_recorded() external {
        vm.roll(L2_BLOCK + 5);
        vm.setBlockhash(L2_BLOCK + 4, 0);
        vm.recordLogs();
        commit(make(genesisBatch(), 1, "first"));
        vm.assertEq(vm.getRecordedLogs().length, 1);
        expectRecorded(0, 0, 0);
    }

    function test_anyone_records_one_of_the_last_256_blocks_by_its_header() external {
        (bytes memory header, bytes32 hash) = record(L2_BLOCK - 10, START - 120, "");
        expectRecorded(hash, uint64(L2_BLOCK - 10), START - 120);
        vm.roll(L2_BLOCK - 10);
        expectNoHeader(header, L2_BLOCK - 10);
        vm.roll(L2_BLOCK - 10 + 257);
        expectNoHeader(header, L2_BLOCK - 10);
    }

    function test_no_other_header_than_the_blocks_is_recorded() external {
        bytes memory header = headerOf(L2_BLOCK - 10, START - 120, "");
        expectNoHeader(header, L2_BLOCK - 10);
        bytes memory later = headerOf(L2_BLOCK - 10, START, "");
        vm.setBlockhash(L2_BLOCK - 10, keccak256(header));
        expectNoHeader(later, L2_BLOCK - 10);
        expectNoHeader(headerOf(type(uint256).max, START, ""), type(uint256).max);
    }

    function testFuzz_number_and_time_are_read_from_every_header(
        uint64 number,
        uint64 time,
        bytes calldata rest
    ) external {
        number = uint64(bound(number, 1, type(uint64).max - 1));
        vm.roll(uint256(number) + 1);
        (, bytes32 hash) = record(number, time, rest);
        expectRecorded(hash, time == 0 ? 0 : number, time);
    }

    function test_a_header_corrects_the_time_of_a_record() external {
        vm.roll(L2_BLOCK + 5);
        bytes memory header = headerOf(L2_BLOCK + 4, START + 990, "");
        vm.setBlockhash(L2_BLOCK + 4, keccak256(header));
        commit(make(genesisBatch(), 1, "first"));
        expectRecorded(keccak256(header), uint64(L2_BLOCK + 4), START + 1000);
        rollup.recordBlockHash(header);
        expectRecorded(keccak256(header), uint64(L2_BLOCK + 4), START + 990);
        commit(make(genesisBatch(), 1, "other"));
        expectRecorded(keccak256(header), uint64(L2_BLOCK + 4), START + 990);
    }

    function test_a_recorded_block_is_not_recorded_again() external {
        vm.recordLogs();
        (bytes memory header,) = record(L2_BLOCK - 10, START - 120, "");
        rollup.recordBlockHash(header);
        vm.assertEq(vm.getRecordedLogs().length, 1);
    }

    function record(uint256 number, uint64 time, bytes memory rest)
        private
        returns (bytes memory header, bytes32 hash)
    {
        header = headerOf(number, time, rest);
        hash = keccak256(header);
        vm.setBlockhash(number, hash);
        rollup.recordBlockHash(header);
    }

    /// @dev Of a block of L2; `rest` is what comes after its time.
    function headerOf(uint256 number, uint64 time, bytes memory rest) private pure returns (bytes memory) {
        bytes[] memory items = new bytes[](13);
        for (uint256 i = 0; i < 7; ++i) {
            items[i] = RLP.encode(keccak256(abi.encode(i)));
        }
        items[2] = RLP.encode(address(0xbeef));
        items[6] = RLP.encode(new bytes(256));
        items[7] = RLP.encode(uint256(0));
        items[8] = RLP.encode(number);
        items[9] = RLP.encode(uint256(30_000_000));
        items[10] = RLP.encode(uint256(21_000));
        items[11] = RLP.encode(uint256(time));
        items[12] = RLP.encode(rest);
        return RLP.encode(items);
    }

    function expectRecorded(bytes32 hash, uint64 number, uint64 time) private view {
        (uint64 foundNumber, uint64 foundTime) = rollup.recordedBlock(hash);
        vm.assertEq(foundTime, time);
        if (time != 0) vm.assertEq(foundNumber, number);
    }

    function expectNoHeader(bytes memory header, uint256 number) private {
        vm.expectRevert(abi.encodeWithSelector(IRollup.BlockHashUnavailable.selector, number));
        rollup.recordBlockHash(header);
    }
}
