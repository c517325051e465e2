// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "src/IRollup.sol";
import {TrieWalk} from "src/bridge/TrieWalk.sol";
import {IDisputes} from "src/dispute/IDisputes.sol";
import {DisputeFixture} from "./DisputeFixture.sol";

/// @notice How many messages a proposed state has processed, as far as was shown.
contract KnownMessagesTest is DisputeFixture {
    function setUp() public override {
        super.setUp();
        vm.warp(START);
    }

    function test_a_block_names_256_messages_more_than_the_batch_before_it_has_shown() external {
        sendMany(256);
        IRollup.InboxProof memory shown = processed(256);
        Batch memory first = make(genesisBatch(), 1, "first");
        sendMany(256);
        Batch memory second = make(first, 1, "second");
        sendMany(1);
        Batch memory more = make(first, 1, "more");
        waitUntil(START + 1000);
        recommit(first);
        bytes4 reason = IRollup.TooManyMessages.selector;
        expectCommitRefused(second, abi.encodeWithSelector(reason, 2, 512, 256));
        propose(1);
        expectCommitRefused(second, abi.encodeWithSelector(reason, 2, 512, 256));
        proposeShowing(first, shown);
        vm.assertEq(disputes.knownMessages(1), 256);
        expectCommitRefused(more, abi.encodeWithSelector(reason, 2, 513, 512));
        recommit(second);
        vm.assertEq(rollup.processedMessages(), 0);
    }

    function test_what_a_batch_has_shown_holds_for_those_behind_it_until_the_proposals_end() external {
        (Batch memory first, IRollup.InboxProof memory shown) = committedWith(1, START + 1000);
        commitNext(1, "second");
        vm.assertEq(disputes.knownMessages(1), 0);
        proposeShowing(first, shown);
        propose(2);
        vm.assertEq(disputes.knownMessages(1), 1);
        vm.assertEq(disputes.knownMessages(2), 1);
        vm.assertEq(disputes.knownMessages(3), 0);
        replace(2, 1, "another");
        vm.assertEq(disputes.knownMessages(1), 0);
        vm.assertEq(disputes.knownMessages(2), 0);
    }

    function test_what_a_final_batch_has_shown_is_what_the_chain_has_processed() external {
        (Batch memory first, IRollup.InboxProof memory shown) = committedWith(1, START + 1000);
        commitNext(1, "second");
        uint64 end = proposeShowing(first, shown);
        propose(2);
        waitUntil(end + 1);
        makeFinal(1);
        vm.assertEq(rollup.processedMessages(), 1);
        makeFinal(2);
        vm.assertEq(rollup.processedMessages(), 1);
        expectFinal(2);
    }

    function test_a_proof_of_another_state_shows_nothing() external {
        IRollup.InboxProof memory other = processed(5);
        (Batch memory first,) = committedWith(1, START + 1000);
        bytes memory reason = abi.encodeWithSelector(TrieWalk.InvalidNode.selector, 0);
        expectRefused(OPERATOR, 0, proposing(first, windowsOf(first), other), reason);
    }

    function test_a_batch_that_leaves_a_message_past_its_deadline_is_not_final() external {
        (Batch memory first, IRollup.InboxProof memory shown) = committedWith(0, START + INCLUSION + 100);
        uint64 end = propose(1);
        waitUntil(end + 1);
        expectOverdue(1);
        end = proposeShowing(first, shown);
        waitUntil(end + 1);
        expectOverdue(1);
        vm.assertEq(rollup.lastVerifiedBatch(), 0);
    }

    function test_a_message_that_was_processed_in_time_is_shown_before_the_batch_is_final() external {
        (Batch memory first, IRollup.InboxProof memory shown) = committedWith(1, START + INCLUSION + 100);
        uint64 end = propose(1);
        waitUntil(end + 1);
        expectOverdue(1);
        end = proposeShowing(first, shown);
        expectRefused(finalizing(1), abi.encodeWithSelector(IDisputes.WindowIsOpen.selector, 1, end));
        waitUntil(end + 1);
        makeFinal(1);
        vm.assertEq(rollup.processedMessages(), 1);
    }

    function test_what_shows_less_than_a_proof_has_shown_since_is_proposed_again() external {
        (Batch memory first, IRollup.InboxProof memory shown) = committedWith(1, START + 1000);
        commitNext(1, "second");
        propose(1);
        uint64 end = propose(2);
        Claim memory claim = claimOf(genesisBatch(), first);
        claim.messages = shown;
        submit(1, 1, claim);
        vm.assertEq(rollup.processedMessages(), 1);
        waitUntil(end + 1);
        expectOverdue(2);
        end = propose(2);
        waitUntil(end + 1);
        makeFinal(2);
        expectFinal(2);
    }

    /// @dev A message, and at that time a batch whose state has processed so many.
    function committedWith(uint40 count, uint64 time_)
        private
        returns (Batch memory batch, IRollup.InboxProof memory shown)
    {
        vm.warp(START);
        send("one");
        shown = processed(count);
        goTo(time_);
        waitUntil(time_ + 1);
        batch = make(genesisBatch(), 1, "first");
        recommit(batch);
    }

    function proposeShowing(Batch memory batch, IRollup.InboxProof memory shown)
        private
        returns (uint64 end)
    {
        act(OPERATOR, 0, proposing(batch, windowsOf(batch), shown));
        return time + WINDOW;
    }

    function expectOverdue(uint64 number) private {
        expectRefused(finalizing(number), abi.encodeWithSelector(IRollup.MessageOverdue.selector, 0));
    }

    function sendMany(uint256 count) private {
        for (uint256 i = 0; i < count; ++i) {
            send("");
        }
    }
}
