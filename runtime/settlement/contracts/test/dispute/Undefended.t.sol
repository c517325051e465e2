// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "src/IRollup.sol";
import {IDisputes} from "src/dispute/IDisputes.sol";
import {DisputeFixture} from "./DisputeFixture.sol";

/// @notice Blocks that nobody proves: what their proposer loses, and how the chain goes on.
contract UndefendedTest is DisputeFixture {
    function setUp() public override {
        super.setUp();
        commitThree();
        proposeThree();
    }

    function test_a_block_that_is_not_proven_drops_its_batch_and_all_behind_it_after_the_proof_time()
        external
    {
        uint64 until = challenge(2, 1);
        waitUntil(until);
        bytes memory reason = abi.encodeWithSelector(IDisputes.ProofTimeRuns.selector, 2, 1, until);
        expectRefused(settling(2, 1), reason);
        waitUntil(until + 1);
        vm.expectEmit();
        emit IRollup.BatchesSuperseded(2, 3);
        vm.expectEmit();
        emit IDisputes.StakeChanged(OPERATOR, 0);
        vm.expectEmit();
        emit IDisputes.ChallengeWon(2, 1, 2, STAKE / 2);
        settle(2, 1);
        vm.assertEq(rollup.lastCommittedBatch(), 1);
        vm.assertEq(rollup.batchHash(2), 0);
        vm.assertEq(rollup.batchHash(1), hashOf(opening(batches[1])));
        vm.assertEq(rollup.lastVerifiedBatch(), 0);
    }

    function test_half_of_the_stake_is_the_challengers_and_the_rest_nobodys() external {
        uint256 before = CHALLENGER.balance;
        lose(1, 0);
        vm.assertEq(disputes.stakeOf(OPERATOR), 0);
        vm.assertEq(disputes.owed(CHALLENGER), BOND + STAKE / 2);
        act(CHALLENGER, 0, abi.encodeCall(IDisputes.collect, ()));
        vm.assertEq(CHALLENGER.balance, before + STAKE / 2);
        vm.assertEq(address(disputes).balance, STAKE / 2);
        vm.assertEq(disputes.owed(OPERATOR) + disputes.owed(OUTSIDER), 0);
    }

    function test_what_is_staked_beyond_the_terms_is_not_taken() external {
        addStake(3 ether);
        lose(1, 0);
        vm.assertEq(disputes.stakeOf(OPERATOR), 3 ether);
    }

    function test_what_a_lost_challenge_has_added_to_the_stake_is_kept() external {
        challenge(1, 0);
        answer(1, 0);
        lose(1, 1);
        vm.assertEq(disputes.stakeOf(OPERATOR), BOND);
    }

    function test_batches_before_it_are_proposed_again_with_a_whole_stake_and_their_windows_begin_anew()
        external
    {
        uint64 end = time + WINDOW;
        uint64 epoch = disputes.epoch();
        lose(3, 0);
        vm.assertTrue(disputes.epoch() > epoch);
        waitUntil(end + 1);
        expectNotProposed(1);
        expectNotProposed(2);
        bytes memory reason = abi.encodeWithSelector(IDisputes.StakeTooSmall.selector, 0, STAKE);
        expectRefused(OPERATOR, 0, proposing(1), reason);
        addStake(STAKE - 1);
        reason = abi.encodeWithSelector(IDisputes.StakeTooSmall.selector, STAKE - 1, STAKE);
        expectRefused(OPERATOR, 0, proposing(1), reason);
        addStake(1);
        end = propose(1);
        propose(2);
        waitUntil(end);
        expectRefused(finalizing(1), abi.encodeWithSelector(IDisputes.WindowIsOpen.selector, 1, end));
        challenge(2, 0);
        answer(2, 0);
        waitUntil(end + 1);
        makeFinal(1);
        makeFinal(2);
        vm.assertEq(rollup.lastVerifiedBatch(), 2);
    }

    function test_a_chain_goes_on_with_what_is_committed_in_place_of_the_lie() external {
        lose(2, 0);
        replace(2, 2, "the truth");
        addStake(STAKE);
        propose(1);
        uint64 end = propose(2);
        waitUntil(end + 1);
        makeFinal(1);
        makeFinal(2);
        expectFinal(2);
    }

    function test_the_same_lie_again_is_challenged_again() external {
        Batch memory lie = batches[1];
        lose(1, 0);
        recommit(lie);
        expectNotProposed(1);
        addStake(STAKE);
        propose(1);
        lose(1, 0);
        vm.assertEq(disputes.owed(CHALLENGER), 2 * (BOND + STAKE / 2));
        vm.assertEq(rollup.lastCommittedBatch(), 0);
    }

    function test_a_false_window_costs_what_a_false_state_does() external {
        Batch memory batch = batches[1];
        bytes memory windows = windowsOf(batch);
        windows[40] ^= 0x01;
        proposeWith(batch, windows);
        lose(1, 1);
        vm.assertEq(disputes.stakeOf(OPERATOR), 0);
        vm.assertEq(rollup.lastCommittedBatch(), 0);
    }

    function test_a_dropped_batch_is_not_proven_any_more() external {
        challenge(3, 0);
        lose(2, 1);
        bytes memory reason = abi.encodeWithSelector(IDisputes.NotProposed.selector, 3);
        expectRefused(answering(3, 0, answerOf(3, 0)), reason);
        reason = abi.encodeWithSelector(IDisputes.NoChallenge.selector, 2, 1);
        expectRefused(answering(2, 1, answerOf(2, 1)), reason);
    }

    function test_what_stands_again_after_a_stake_was_taken_is_not_answered_for() external {
        Batch memory third = batches[3];
        challenge(3, 0);
        Batch memory second = batches[2];
        lose(2, 1);
        recommit(second);
        recommit(third);
        bytes memory reason = abi.encodeWithSelector(IDisputes.NotProposed.selector, 3);
        expectRefused(answering(3, 0, answerOf(3, 0)), reason);
        expectVoid(3, 0);
    }

    function test_a_challenge_is_void_when_another_one_has_won() external {
        challenge(2, 0);
        challenge(1, 0);
        waitUntil(time + PROOF_TIME + 1);
        settle(2, 0);
        expectVoid(1, 0);
        vm.assertEq(rollup.lastCommittedBatch(), 1);
        vm.assertEq(disputes.owed(CHALLENGER), 2 * BOND + STAKE / 2);
        vm.assertEq(address(disputes).balance, 2 * BOND + STAKE);
    }

    function test_a_challenge_of_what_was_dropped_is_void_and_the_stake_is_taken_once() external {
        challenge(1, 0);
        challenge(1, 2);
        challenge(3, 0);
        waitUntil(time + PROOF_TIME + 1);
        settle(1, 2);
        expectVoid(3, 0);
        expectVoid(1, 0);
        vm.assertEq(disputes.owed(CHALLENGER), 3 * BOND + STAKE / 2);
    }

    function test_a_challenge_is_void_when_its_batch_is_proven_as_a_whole() external {
        challenge(1, 1);
        challenge(2, 0);
        proveRange(1, 1);
        bytes memory reason = abi.encodeWithSelector(IDisputes.BatchIsFinal.selector, 1);
        expectRefused(answering(1, 1, answerOf(1, 1)), reason);
        expectVoid(1, 1);
        vm.assertEq(disputes.stakeOf(OPERATOR), STAKE);
        vm.assertEq(disputes.owed(CHALLENGER), BOND);
        // The other goes on.
        answer(2, 0);
    }

    function test_who_stops_proposing_is_answered_for_all_the_same() external {
        vm.prank(OWNER);
        rollup.setOperator(OUTSIDER);
        lose(1, 0);
        vm.assertEq(disputes.stakeOf(OPERATOR), 0);
        vm.assertEq(disputes.stakeOf(OUTSIDER), 0);
    }

    function test_what_was_dropped_still_counts_as_waiting() external {
        uint64 since = rollup.waitingSince();
        lose(1, 0);
        vm.assertEq(rollup.waitingSince(), since);
        replace(1, 1, "the truth");
        vm.assertEq(rollup.waitingSince(), since);
        proveRange(1, 1);
        vm.assertEq(rollup.waitingSince(), 0);
    }

    /// @dev A challenge that nobody answers.
    function lose(uint64 number, uint16 index) private {
        waitUntil(challenge(number, index) + 1);
        settle(number, index);
    }

    function expectVoid(uint64 number, uint16 index) private {
        uint256 owed = disputes.owed(CHALLENGER);
        uint64 id = idOf(number);
        vm.expectEmit();
        emit IDisputes.ChallengeVoid(number, index, id);
        settle(number, index);
        vm.assertEq(disputes.owed(CHALLENGER), owed + BOND);
    }
}
