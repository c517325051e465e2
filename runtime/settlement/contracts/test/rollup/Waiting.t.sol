// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "src/IRollup.sol";
import {TrieWalk} from "src/bridge/TrieWalk.sol";
import {ForcedQueue} from "src/forced/ForcedQueue.sol";
import {IForcedQueue} from "src/forced/IForcedQueue.sol";
import {LibZip} from "solady/utils/LibZip.sol";
import {PlainTransaction} from "../forced/PlainTransaction.sol";
import {WaitingFixture} from "./WaitingFixture.sol";

/// @notice What the chain owes to those who wait: messages and forced transactions within their deadline, and after it
/// the chain itself.
contract WaitingTest is WaitingFixture {
    ForcedQueue private queue;

    function setUp() public override {
        super.setUp();
        queue = ForcedQueue(rollup.forcedQueue());
        vm.warp(START);
    }

    function test_no_state_is_proven_that_leaves_a_message_past_its_deadline() external {
        send("one");
        IRollup.InboxProof memory proof = processed(0);
        (Batch memory first, Claim memory claim) = committedAt(START + INCLUSION - 1);
        claim.messages = proof;
        vm.assertEq(first.tip.timestamp, START + INCLUSION);
        submit(1, 1, claim);
        Batch memory second = make(first, 1, "second");
        vm.warp(second.tip.timestamp);
        commit(second);
        claim = claimOf(first, second);
        claim.messages = proof;
        vm.expectRevert(abi.encodeWithSelector(IRollup.MessageOverdue.selector, 0));
        submit(2, 2, claim);
    }

    function test_what_is_processed_is_shown_while_not_all_is_known_to_be() external {
        send("one");
        send("two");
        IRollup.InboxProof memory proof = processed(2);
        (Batch memory first, Claim memory claim) = committedAt(START + 100);
        vm.expectRevert(abi.encodeWithSelector(TrieWalk.InvalidNode.selector, 0));
        this.submitted(claim);
        claim.messages = proof;
        submit(1, 1, claim);
        vm.assertEq(rollup.processedMessages(), 2);
        // All are: nothing has to be shown.
        Batch memory second = make(first, 1, "second");
        vm.warp(second.tip.timestamp);
        commit(second);
        submit(2, 2, claimOf(first, second));
    }

    function test_one_more_message_is_enough_where_more_are_due() external {
        for (uint256 i = 0; i < 20; ++i) {
            send("one of many");
        }
        (, Claim memory few) = committedWith(0, START + INCLUSION + 100);
        vm.expectRevert(abi.encodeWithSelector(IRollup.MessageOverdue.selector, 0));
        this.submitted(few);
        (, Claim memory enough) = committedWith(1, START + INCLUSION + 100);
        submit(1, 1, enough);
        vm.assertEq(rollup.processedMessages(), 1);
    }

    function test_an_operator_whose_time_stands_still_owes_what_has_waited_for_long() external {
        post(0);
        vm.warp(START + INCLUSION + LIVENESS - 1);
        commit(make(genesisBatch(), 1, "just before"));
        vm.warp(START + INCLUSION + LIVENESS);
        Batch memory batch = make(genesisBatch(), 1, "of the same time");
        expectCommitRefused(batch, abi.encodeWithSelector(IForcedQueue.EntryDue.selector, 0));
    }

    function test_a_batch_past_the_deadline_without_the_forced_transaction_is_refused() external {
        post(0);
        goTo(START + INCLUSION - 2);
        commit(make(genesisBatch(), 1, "just before"));
        goTo(START + INCLUSION - 1);
        Batch memory batch = make(genesisBatch(), 1, "late");
        expectCommitRefused(batch, abi.encodeWithSelector(IForcedQueue.EntryDue.selector, 0));
        firstTransaction = transaction(0);
        batch = make(genesisBatch(), 1, "with it");
        // It must be shown.
        expectCommitRefused(batch, abi.encodeWithSelector(IForcedQueue.EntryDue.selector, 0));
        show(batch);
        commit(batch);
    }

    function test_only_a_transaction_of_the_batch_is_shown() external {
        post(0);
        Batch memory batch = make(genesisBatch(), 1, "first");
        show(batch);
        expectCommitRefused(batch, abi.encodeWithSelector(IForcedQueue.OtherTransaction.selector, 0));
        batch.forced[0] = 1;
        expectCommitRefused(batch, abi.encodeWithSelector(IRollup.NoSuchTransaction.selector, 1));
    }

    function test_a_transaction_is_off_the_queue_when_its_batch_is_proven_and_not_before() external {
        post(0);
        firstTransaction = transaction(0);
        Batch memory batch = make(genesisBatch(), 1, "with it");
        show(batch);
        commit(batch);
        firstTransaction = "";
        // Superseded by one without it: the queue is as before.
        commit(make(genesisBatch(), 1, "without"));
        firstTransaction = transaction(0);
        vm.assertEq(rollup.verifiedForced(), 0);
        commit(batch);
        Claim memory claim = claimOf(genesisBatch(), batch);
        claim.extents[0].forced = 0;
        bytes4 reason = IRollup.BatchHashMismatch.selector;
        vm.assertTrue(bytes4(refusedProof(claim)) == reason);
        claim.extents[0].forced = 1;
        submit(1, 1, claim);
        vm.assertEq(rollup.verifiedForced(), 1);
    }

    function test_a_batch_that_is_not_proven_in_time_opens_the_chain_until_one_is() external {
        Batch memory first = make(genesisBatch(), 1, "first");
        vm.warp(START + 1000);
        commit(first);
        vm.warp(START + 1000 + LIVENESS);
        vm.assertTrue(!rollup.isOpen());
        vm.warp(START + 1001 + LIVENESS);
        vm.assertTrue(rollup.isOpen());
        // Another in its place does not hide that.
        commit(make(genesisBatch(), 1, "another"));
        vm.assertTrue(rollup.isOpen());
        commit(first);
        Batch memory second = make(first, 1, "second");
        commit(second);
        submit(1, 1, claimOf(genesisBatch(), first));
        vm.assertTrue(!rollup.isOpen());
        vm.warp(START + 1002 + 2 * LIVENESS);
        vm.assertTrue(rollup.isOpen());
        submit(2, 2, claimOf(first, second));
        vm.warp(START + 10 * LIVENESS);
        vm.assertTrue(!rollup.isOpen());
    }

    function test_a_message_that_waits_opens_the_chain_and_one_that_was_processed_does_not() external {
        send("one");
        (, Claim memory claim) = committedWith(0, START + 1000);
        submit(1, 1, claim);
        vm.warp(START + INCLUSION + LIVENESS);
        vm.assertTrue(!rollup.isOpen());
        vm.warp(START + INCLUSION + LIVENESS + 1);
        vm.assertTrue(rollup.isOpen());
    }

    function test_a_quiet_chain_that_owes_nothing_is_not_open() external {
        send("one");
        (, Claim memory claim) = committedWith(1, START + 1000);
        submit(1, 1, claim);
        vm.warp(START + 10 * (INCLUSION + LIVENESS + EMERGENCY));
        vm.assertTrue(!rollup.isOpen());
        vm.expectRevert(abi.encodeWithSelector(IRollup.NotLate.selector));
        rollup.freeze();
    }

    function test_anyone_commits_and_proves_a_forced_transaction_that_waits_too_long() external {
        post(0);
        Batch memory unproven = make(genesisBatch(), 1, "of the operator");
        vm.warp(START + INCLUSION + LIVENESS - 2);
        commit(unproven);
        firstTransaction = transaction(0);
        Batch memory batch = make(genesisBatch(), 1, "of an outsider");
        show(batch);
        Claim memory claim = claimOf(genesisBatch(), batch);
        vm.warp(START + INCLUSION + LIVENESS - 1);
        expectNotOpen(batch, claim);
        vm.warp(START + INCLUSION + LIVENESS);
        vm.assertTrue(rollup.isOpen());
        commitAndProve(batch, claim);
        vm.assertEq(rollup.verifiedStateRoot(), batch.tip.stateRoot);
        vm.assertEq(rollup.verifiedForced(), 1);
        vm.assertEq(rollup.lastCommittedBatch(), 1);
        vm.assertTrue(!rollup.isOpen());
        expectNotOpen(batch, claim);
    }

    function test_an_outsider_commits_nothing_without_its_proof() external {
        post(0);
        firstTransaction = transaction(0);
        Batch memory batch = make(genesisBatch(), 1, "of an outsider");
        show(batch);
        Claim memory claim = claimOf(genesisBatch(), batch);
        vm.warp(START + INCLUSION + LIVENESS);
        claim.proof = "forged";
        vm.expectRevert(abi.encodeWithSelector(IRollup.ProofRefused.selector, 1, 1));
        commitAndProve(batch, claim);
        vm.assertEq(rollup.lastCommittedBatch(), 0);
        bytes memory compressed = LibZip.flzCompress(batch.transactions);
        vm.expectRevert(abi.encodeWithSelector(IRollup.NotOperator.selector, OUTSIDER));
        vm.prank(OUTSIDER, OUTSIDER);
        rollup.commitBatch(1, batch.previous, batch.posted, compressed, batch.forced, batch.tip.blockHash);
    }

    function test_an_outsider_commits_nothing_where_nodes_do_not_find_it() external {
        post(0);
        firstTransaction = transaction(0);
        Batch memory batch = make(genesisBatch(), 1, "of an outsider");
        show(batch);
        Claim memory claim = claimOf(genesisBatch(), batch);
        vm.warp(START + INCLUSION + LIVENESS);
        (bytes memory commit_, bytes memory proof) = encoded(batch, claim);
        vm.expectRevert(abi.encodeWithSelector(IRollup.NotATransaction.selector, OUTSIDER));
        vm.prank(OUTSIDER, OPERATOR);
        rollup.commitAndProve(commit_, proof);
        commitAndProve(batch, claim);
    }

    function test_an_outsider_leaves_no_batch_unproven() external {
        post(0);
        firstTransaction = transaction(0);
        Batch memory first = make(genesisBatch(), 1, "first");
        show(first);
        firstTransaction = "";
        Batch memory second = make(first, 1, "second");
        vm.warp(START + 1000);
        commit(first);
        vm.warp(START + INCLUSION + LIVENESS);
        Claim memory claim = claimOf(genesisBatch(), first);
        vm.expectRevert(abi.encodeWithSelector(IRollup.NotProven.selector, 1, 2));
        commitAndProve(second, claim);
    }

    function test_a_chain_that_stands_still_is_frozen_by_anyone_after_both_deadlines() external {
        post(0);
        vm.warp(START + INCLUSION + LIVENESS + EMERGENCY - 1);
        vm.expectRevert(abi.encodeWithSelector(IRollup.NotLate.selector));
        rollup.freeze();
        vm.warp(START + INCLUSION + LIVENESS + EMERGENCY);
        vm.expectEmit();
        emit IRollup.ChainFrozen(genesis.stateRoot);
        vm.prank(OUTSIDER, OUTSIDER);
        rollup.freeze();
        vm.assertTrue(rollup.frozen());
        vm.expectRevert(abi.encodeWithSelector(IRollup.ChainIsFrozen.selector));
        rollup.freeze();
        firstTransaction = transaction(0);
        Batch memory batch = make(genesisBatch(), 1, "too late");
        show(batch);
        expectCommitRefused(batch, abi.encodeWithSelector(IRollup.ChainIsFrozen.selector));
    }

    function test_a_frozen_chain_proves_nothing_more() external {
        Batch memory batch = make(genesisBatch(), 1, "first");
        vm.warp(START + 1000);
        commit(batch);
        Claim memory claim = claimOf(genesisBatch(), batch);
        vm.warp(START + 1001 + LIVENESS + EMERGENCY);
        rollup.freeze();
        vm.expectRevert(abi.encodeWithSelector(IRollup.ChainIsFrozen.selector));
        submit(1, 1, claim);
        vm.assertEq(rollup.verifiedStateRoot(), genesis.stateRoot);
    }

    function submitted(Claim calldata claim) external {
        rollup.proveBatches(1, 1, claim.extents, claim.batches, claim.proof, claim.messages);
    }

    function refusedProof(Claim memory claim) private returns (bytes memory) {
        try this.submitted(claim) {
            revert("proven");
        } catch (bytes memory reason) {
            return reason;
        }
    }

    /// @dev A batch of one block, a second after this time.
    function committedAt(uint64 time) private returns (Batch memory batch, Claim memory claim) {
        goTo(time);
        batch = make(genesisBatch(), 1, "first");
        commit(batch);
        claim = claimOf(genesisBatch(), batch);
    }

    /// @dev The same, with a state that has processed so many messages.
    function committedWith(uint40 count, uint64 time)
        private
        returns (Batch memory batch, Claim memory claim)
    {
        IRollup.InboxProof memory proof = processed(count);
        (batch, claim) = committedAt(time);
        claim.messages = proof;
    }

    /// @dev The batch shows its first transaction.
    function show(Batch memory batch) private pure {
        batch.forced = new uint32[](1);
        batch.nextForced = batch.previous.forced + 1;
    }

    function commitAndProve(Batch memory batch, Claim memory claim) private {
        (bytes memory commit_, bytes memory proof) = encoded(batch, claim);
        vm.prank(OUTSIDER, OUTSIDER);
        rollup.commitAndProve(commit_, proof);
    }

    function expectNotOpen(Batch memory batch, Claim memory claim) private {
        (bytes memory commit_, bytes memory proof) = encoded(batch, claim);
        vm.expectRevert(abi.encodeWithSelector(IRollup.NotOpen.selector));
        vm.prank(OUTSIDER, OUTSIDER);
        rollup.commitAndProve(commit_, proof);
    }

    function transaction(uint64 nonce) private view returns (bytes memory) {
        return PlainTransaction.signed(0xa11ce, genesis.chainId, nonce, 21_000, address(0x1234), "");
    }

    function post(uint64 nonce) private {
        queue.post{value: queue.depositNow()}(transaction(nonce));
    }
}
