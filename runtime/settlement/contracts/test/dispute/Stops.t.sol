// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IGovernance} from "src/IGovernance.sol";
import {IRollup} from "src/IRollup.sol";
import {IDisputes} from "src/dispute/IDisputes.sol";
import {ReportFixture} from "../rollup/ReportFixture.sol";
import {RollupFixture} from "../rollup/RollupFixture.sol";
import {VerifierMock} from "../rollup/VerifierMock.sol";
import {DisputeFixture} from "./DisputeFixture.sol";

/// @notice Pauses, halts and the end of the chain: nobody loses a stake for what could not be proven.
contract StopsTest is ReportFixture, DisputeFixture {
    uint64 private constant PAUSE = 3 days;

    function setUp() public override(RollupFixture, DisputeFixture) {
        super.setUp();
        commitThree();
        propose(1);
    }

    function disputesOfNext() internal override(RollupFixture, DisputeFixture) returns (IDisputes) {
        return super.disputesOfNext();
    }

    function test_after_a_pause_there_is_the_whole_proof_time() external {
        uint64 until = challenge(1, 0);
        waitUntil(until - 1);
        pause();
        uint64 end = time + PAUSE;
        expectRunsUntil(end + PROOF_TIME);
        waitUntil(until + 1);
        expectRunsUntil(end + PROOF_TIME);
        waitUntil(end + PROOF_TIME);
        expectRunsUntil(end + PROOF_TIME);
        answer(1, 0);
        vm.assertEq(disputes.stakeOf(OPERATOR), STAKE + BOND);
    }

    function test_after_a_pause_the_stake_is_lost_when_the_proof_time_is_over() external {
        challenge(1, 0);
        pause();
        waitUntil(time + PAUSE + PROOF_TIME + 1);
        settle(1, 0);
        vm.assertEq(disputes.stakeOf(OPERATOR), 0);
    }

    function test_a_pause_that_ended_early_counts_until_its_end() external {
        challenge(1, 0);
        pause();
        waitUntil(time + 1 hours);
        vm.prank(GUARDIAN);
        governance.endPause();
        expectRunsUntil(time + PROOF_TIME);
    }

    function test_a_challenge_in_a_pause_is_taken_and_counts_from_its_end() external {
        pause();
        uint64 end = time + PAUSE;
        waitUntil(time + 1 hours);
        challenge(1, 0);
        expectRunsUntil(end + PROOF_TIME);
    }

    function test_a_pause_before_a_challenge_changes_nothing() external {
        pause();
        waitUntil(time + PAUSE);
        propose(1);
        waitUntil(time + 1);
        uint64 until = challenge(1, 0);
        expectRunsUntil(until);
    }

    function test_while_the_chain_is_paused_nothing_is_proven_or_final() external {
        uint64 end = time + WINDOW;
        challenge(1, 0);
        waitUntil(end + 1);
        pause();
        bytes memory reason = abi.encodeWithSelector(IGovernance.ChainIsPaused.selector, time + PAUSE);
        expectRefused(answering(1, 0, answerOf(1, 0)), reason);
        waitUntil(time + PAUSE);
        answer(1, 0);
        makeFinal(1);
        // The next pause.
        waitUntil(time + 7 days);
        end = propose(2);
        waitUntil(end + 1);
        pause();
        reason = abi.encodeWithSelector(IGovernance.ChainIsPaused.selector, time + PAUSE);
        expectRefused(finalizing(2), reason);
        waitUntil(time + PAUSE);
        makeFinal(2);
    }

    function test_while_the_chain_is_halted_nothing_is_proven_or_final_and_no_stake_is_lost() external {
        uint64 end = time + WINDOW;
        halt();
        waitUntil(end + 1);
        bytes memory reason =
            abi.encodeWithSelector(IGovernance.ChainIsHalted.selector, address(verifier), time - WINDOW - 1);
        expectRefused(finalizing(1), reason);
        waitUntil(end);
        uint64 until = challenge(1, 0);
        expectRefused(answering(1, 0, answerOf(1, 0)), reason);
        waitUntil(until + 5 days);
        expectRunsUntil(time + PROOF_TIME);
        vm.assertEq(disputes.stakeOf(OPERATOR), STAKE);
    }

    function test_after_a_halt_there_is_the_whole_proof_time() external {
        challenge(1, 0);
        halt();
        resume();
        uint64 until = time + PROOF_TIME;
        waitUntil(until);
        expectRunsUntil(until);
        answer(1, 0);
        // Its window went on.
        makeFinal(1);
        expectFinal(1);
    }

    function test_after_a_halt_the_stake_is_lost_when_the_proof_time_is_over() external {
        challenge(1, 0);
        halt();
        resume();
        waitUntil(time + PROOF_TIME + 1);
        settle(1, 0);
        vm.assertEq(disputes.stakeOf(OPERATOR), 0);
    }

    function test_a_replaced_batch_is_given_up_in_a_halt_as_well() external {
        challenge(1, 0);
        replace(1, 1, "another");
        halt();
        settle(1, 0);
        vm.assertEq(disputes.owed(CHALLENGER), BOND + STAKE / 2);
    }

    function test_when_the_chain_ends_what_waits_is_void_and_the_stake_is_free() external {
        uint64 end = START + 1000 + LIVENESS + EMERGENCY;
        waitUntil(end);
        propose(1);
        propose(2);
        uint64 until = challenge(1, 0);
        waitUntil(end + 1);
        rollup.freeze();
        bytes memory reason = abi.encodeWithSelector(IRollup.ChainIsFrozen.selector);
        expectRefused(answering(1, 0, answerOf(1, 0)), reason);
        bytes memory needed = abi.encodeWithSelector(IDisputes.StakeNeeded.selector, STAKE, STAKE + 1);
        expectRefused(OPERATOR, 0, abi.encodeCall(IDisputes.withdrawStake, (1)), needed);
        waitUntil(until + 1);
        uint64 id = idOf(1);
        vm.expectEmit();
        emit IDisputes.ChallengeVoid(1, 0, id);
        settle(1, 0);
        vm.assertEq(disputes.owed(CHALLENGER), BOND);
        vm.assertEq(rollup.lastCommittedBatch(), 3);
        act(OPERATOR, 0, abi.encodeCall(IDisputes.withdrawStake, (STAKE)));
        vm.assertEq(disputes.owed(OPERATOR), STAKE);
    }

    function test_when_the_chain_has_ended_nothing_is_final() external {
        waitUntil(START + 1001 + LIVENESS + EMERGENCY);
        rollup.freeze();
        expectRefused(finalizing(1), abi.encodeWithSelector(IRollup.ChainIsFrozen.selector));
    }

    function pause() private {
        vm.prank(GUARDIAN);
        governance.pause();
    }

    function halt() private {
        governance.reportConflict(conflict(verifier));
    }

    /// @dev By another verifier.
    function resume() private {
        VerifierMock next = new VerifierMock();
        vm.prank(OWNER);
        governance.proposeVerifier(address(next));
        waitUntil(time + DELAY);
        governance.replaceVerifier();
    }

    function expectRunsUntil(uint64 until) private {
        bytes memory reason = abi.encodeWithSelector(IDisputes.ProofTimeRuns.selector, 1, 0, until);
        expectRefused(settling(1, 0), reason);
    }
}
