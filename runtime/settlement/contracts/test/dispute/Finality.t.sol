// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "src/IRollup.sol";
import {IDisputes} from "src/dispute/IDisputes.sol";
import {DisputeFixture} from "./DisputeFixture.sol";

/// @notice What is proposed and not challenged, and proofs in the same chain.
contract FinalityTest is DisputeFixture {
    function setUp() public override {
        super.setUp();
        commitThree();
    }

    function test_a_proposal_is_kept_and_its_windows_are_said() external {
        (bytes32 first, bytes32 second) = (rollup.batchHash(1), rollup.batchHash(2));
        bytes memory windows = windowsOf(batches[2]);
        propose(1);
        waitUntil(time + 100);
        vm.expectEmit();
        emit IDisputes.BatchProposed(2, second, 2, windows);
        propose(2);
        IDisputes.Proposal memory expected = IDisputes.Proposal({
            batchHash: second,
            windowsHash: keccak256(windows),
            startWindow: packed(windowAfter(batches[1])),
            endWindow: packed(windowAfter(batches[2])),
            proposer: OPERATOR,
            since: uint40(time),
            blocks: 2,
            open: 0,
            epoch: 0,
            slashes: 0,
            lastBlock: 5,
            processed: 0,
            id: 2
        });
        vm.assertEq(abi.encode(disputes.proposal(2)), abi.encode(expected));
        vm.assertEq(disputes.proposal(1).batchHash, first);
        vm.assertTrue(disputes.isProposed(1) && disputes.isProposed(2) && !disputes.isProposed(3));
    }

    function test_how_things_stand_is_told_in_one_call() external {
        expectStanding(0, 0);
        proposeThree();
        expectStanding(3, 0);
        challenge(2, 1);
        challenge(1, 2);
        expectStanding(3, 2);
        IDisputes.Waiting[] memory waiting = disputes.standing(OPERATOR).waiting;
        vm.assertEq(abi.encode(waiting[0]), abi.encode(IDisputes.Waiting(2, 1, false)));
        vm.assertEq(abi.encode(waiting[1]), abi.encode(IDisputes.Waiting(1, 2, false)));
        answer(2, 1);
        expectStanding(3, 1);
        proveRange(1, 1);
        settle(1, 2);
        expectStanding(3, 0);
        replace(3, 1, "other");
        expectStanding(1, 0);
    }

    function test_which_challenges_are_decided_at_once_is_told() external {
        proposeThree();
        challenge(1, 0);
        challenge(2, 0);
        challenge(3, 0);
        expectLeft(false, false, false);
        // Replaced.
        replace(3, 1, "other");
        expectLeft(false, false, true);
        // Proven.
        proveRange(1, 1);
        expectLeft(true, false, true);
        // Another challenge wins.
        settle(3, 0);
        IDisputes.Waiting[] memory waiting = disputes.standing(OPERATOR).waiting;
        vm.assertEq(waiting.length, 2);
        vm.assertTrue(waiting[0].left && waiting[1].left);
        settle(1, 0);
        settle(2, 0);
        vm.assertEq(disputes.owed(CHALLENGER), 3 * BOND + STAKE / 2);
    }

    function test_a_batch_that_nobody_challenges_is_final_after_its_window_and_not_before() external {
        uint64 end = propose(1);
        waitUntil(end);
        expectRefused(finalizing(1), abi.encodeWithSelector(IDisputes.WindowIsOpen.selector, 1, end));
        waitUntil(end + 1);
        vm.expectEmit();
        emit IRollup.BatchVerified(1, batches[1].tip.blockHash, batches[1].tip.stateRoot);
        makeFinal(1);
        expectFinal(1);
    }

    function test_a_batch_that_is_not_proposed_is_never_final() external {
        waitUntil(time + 30 days);
        expectNotProposed(1);
    }

    function test_batches_are_final_in_order_only() external {
        uint64 end = proposeThree();
        waitUntil(end + 1);
        expectRefused(finalizing(2), abi.encodeWithSelector(IDisputes.OtherStart.selector, 2));
        makeFinal(1);
        expectRefused(finalizing(3), abi.encodeWithSelector(IDisputes.OtherStart.selector, 3));
        makeFinal(2);
        makeFinal(3);
        expectFinal(3);
    }

    function test_batches_are_final_in_order_though_their_windows_be_the_same() external {
        Batch memory batch = batches[1];
        bytes memory windows = windowsOf(batch);
        bytes32 start = packed(genesis.hashWindow);
        assembly ("memory-safe") {
            mstore(add(windows, mload(windows)), start)
        }
        proposeWith(batch, windows);
        uint64 end = propose(2);
        waitUntil(end + 1);
        bytes4 reason = IRollup.RangeOutOfOrder.selector;
        expectRefused(finalizing(2), abi.encodeWithSelector(reason, 2, 2, 0, 3));
    }

    function test_a_final_batch_is_not_made_final_again() external {
        uint64 end = propose(1);
        waitUntil(end + 1);
        makeFinal(1);
        expectRefused(finalizing(1), abi.encodeWithSelector(IDisputes.OtherStart.selector, 1));
        expectFinal(1);
    }

    function test_what_waits_counts_from_the_last_final_batch() external {
        vm.assertEq(rollup.waitingSince(), START + 1000);
        uint64 end = proposeThree();
        waitUntil(end + 100);
        makeFinal(1);
        vm.assertEq(rollup.waitingSince(), end + 100);
        waitUntil(end + 200);
        makeFinal(2);
        vm.assertEq(rollup.waitingSince(), end + 200);
        makeFinal(3);
        vm.assertEq(rollup.waitingSince(), 0);
    }

    function test_a_proof_continues_from_where_a_proposal_ended() external {
        uint64 end = propose(1);
        waitUntil(end + 1);
        makeFinal(1);
        proveRange(2, 3);
        expectFinal(3);
    }

    function test_a_proof_makes_batches_final_at_once_and_proposals_behind_them_go_on() external {
        uint64 end = proposeThree();
        proveRange(1, 2);
        expectFinal(2);
        vm.assertTrue(disputes.isProposed(3));
        waitUntil(end + 1);
        makeFinal(3);
        expectFinal(3);
    }

    function test_a_batch_is_proposed_on_a_proven_one() external {
        proveRange(1, 1);
        bytes memory reason = abi.encodeWithSelector(IDisputes.BatchIsFinal.selector, 1);
        expectRefused(OPERATOR, 0, proposing(1), reason);
        uint64 end = propose(2);
        waitUntil(end + 1);
        makeFinal(2);
        expectFinal(2);
    }

    function test_what_follows_another_window_than_the_proven_one_is_proposed_again() external {
        Batch memory batch = batches[1];
        bytes memory windows = windowsOf(batch);
        windows[95] ^= 0x01;
        proposeWith(batch, windows);
        propose(2);
        propose(3);
        proveRange(1, 1);
        expectFinal(1);
        waitUntil(time + WINDOW + 1);
        expectRefused(finalizing(2), abi.encodeWithSelector(IDisputes.OtherStart.selector, 2));
        uint64 end = propose(2);
        waitUntil(end);
        expectRefused(finalizing(2), abi.encodeWithSelector(IDisputes.WindowIsOpen.selector, 2, end));
        waitUntil(end + 1);
        makeFinal(2);
        // It has said the right windows all the time.
        makeFinal(3);
        expectFinal(3);
    }

    function test_what_is_proposed_again_can_be_challenged_from_the_beginning() external {
        propose(1);
        waitUntil(time + WINDOW);
        uint64 end = propose(1);
        waitUntil(end);
        expectRefused(finalizing(1), abi.encodeWithSelector(IDisputes.WindowIsOpen.selector, 1, end));
        challenge(1, 0);
    }

    function test_a_batch_is_proposed_after_the_one_before_it() external {
        bytes memory reason = abi.encodeWithSelector(IDisputes.NotProposed.selector, 1);
        expectRefused(OPERATOR, 0, proposing(2), reason);
    }

    function expectLeft(bool first, bool second, bool third) private view {
        IDisputes.Waiting[] memory expected = new IDisputes.Waiting[](3);
        expected[0] = IDisputes.Waiting(1, 0, first);
        expected[1] = IDisputes.Waiting(2, 0, second);
        expected[2] = IDisputes.Waiting(3, 0, third);
        vm.assertEq(abi.encode(disputes.standing(OPERATOR).waiting), abi.encode(expected));
    }

    function expectStanding(uint64 proposed, uint256 waiting) private view {
        IDisputes.Standing memory found = disputes.standing(OPERATOR);
        vm.assertEq(found.proposed, proposed);
        vm.assertEq(found.waiting.length, waiting);
        vm.assertEq(found.staked, disputes.stakeOf(OPERATOR));
    }
}
