// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "src/IRollup.sol";
import {IDisputes} from "src/dispute/IDisputes.sol";
import {Statement} from "src/rollup/Statement.sol";
import {PlainStatement} from "../rollup/PlainStatement.sol";
import {DisputeFixture} from "./DisputeFixture.sol";

/// @notice Challenges of what is true, and what proves it.
contract AnswersTest is DisputeFixture {
    function setUp() public override {
        super.setUp();
        commitThree();
    }

    function test_the_first_block_is_proven_and_its_bond_becomes_the_proposers_stake() external {
        propose(1);
        vm.expectEmit();
        emit IDisputes.BlockChallenged(1, 0, 1, CHALLENGER);
        challenge(1, 0);
        expectProven(1, 0);
    }

    function test_a_block_in_the_middle_is_proven_from_the_one_before_it() external {
        propose(1);
        challenge(1, 1);
        expectProven(1, 1);
    }

    function test_blocks_of_a_batch_on_one_that_is_proposed_are_proven() external {
        propose(1);
        propose(2);
        challenge(2, 0);
        challenge(2, 1);
        expectProven(2, 1);
        expectProven(2, 0);
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_every_block_of_a_batch_is_proven_by_itself(uint256 count, uint256 index) external {
        count = bound(count, 1, 8);
        index = index % count;
        commitNext(count, "fourth");
        proveRange(1, 3);
        propose(4);
        challenge(4, uint16(index));
        expectProven(4, uint16(index));
    }

    function test_whoever_brings_the_proof_has_no_part_in_the_bond() external {
        propose(1);
        challenge(1, 1);
        act(CHALLENGER, 0, answering(1, 1, answerOf(1, 1)));
        vm.assertEq(disputes.stakeOf(OPERATOR), STAKE + BOND);
        vm.assertEq(disputes.stakeOf(CHALLENGER) + disputes.owed(CHALLENGER), 0);
    }

    function test_a_block_is_challenged_once() external {
        propose(1);
        challenge(1, 0);
        bytes memory again = abi.encodeWithSelector(IDisputes.AlreadyChallenged.selector, 1, 0);
        expectRefused(CHALLENGER, BOND, challenging(1, 0), again);
        answer(1, 0);
        expectRefused(CHALLENGER, BOND, challenging(1, 0), again);
        bytes memory none = abi.encodeWithSelector(IDisputes.NoChallenge.selector, 1, 0);
        expectRefused(answering(1, 0, answerOf(1, 0)), none);
        expectRefused(settling(1, 0), none);
    }

    function test_a_batch_waits_for_its_challenges_and_is_final_once_they_are_answered() external {
        uint64 end = proposeThree();
        challenge(2, 0);
        waitUntil(end);
        challenge(2, 1);
        waitUntil(end + 1);
        makeFinal(1);
        expectWaiting(2, 2);
        answer(2, 1);
        expectWaiting(2, 1);
        answer(2, 0);
        makeFinal(2);
        makeFinal(3);
        expectFinal(3);
    }

    function test_a_block_is_proven_late_as_long_as_nobody_had_its_challenge_decided() external {
        propose(1);
        uint64 until = challenge(1, 2);
        waitUntil(until + 1 days);
        expectProven(1, 2);
        makeFinal(1);
        expectFinal(1);
    }

    function test_a_proof_of_another_block_is_refused() external {
        IDisputes.Answer memory given = challenged(1, 1);
        given.proof = answerOf(1, 0).proof;
        bytes memory reason = abi.encodeWithSelector(IRollup.ProofRefused.selector, 1, 1);
        expectRefused(answering(1, 1, given), reason);
        given.proof = "";
        expectRefused(answering(1, 1, given), reason);
        IDisputes.Answer memory other = answerOf(1, 2);
        (given.commitment, given.evaluation, given.proof) = (other.commitment, other.evaluation, other.proof);
        expectOtherStatement(1, 1, given);
    }

    function test_a_proof_from_another_start_is_refused() external {
        for (uint16 index = 0; index < 2; ++index) {
            IDisputes.Answer memory given = challenged(1, index);
            for (uint256 part = 0; part < 4; ++part) {
                Statement.Point memory start = pointBefore(batches[0], batches[1], index);
                if (part == 0) start.stateRoot = keccak256("a better state");
                if (part == 1) start.blockHash = keccak256("another block");
                if (part == 2) start.number += 1;
                if (part == 3) start.window[index] ^= 1;
                proveBlock(given, start, windowAt(batches[1], index), batches[1].blocks[index]);
                expectOtherStatement(1, index, given);
            }
        }
    }

    function test_a_proof_with_another_window_at_its_end_is_refused() external {
        IDisputes.Answer memory given = challenged(1, 1);
        uint64[4] memory end = windowAt(batches[1], 1);
        end[3] ^= 1;
        proveBlock(given, pointBefore(batches[0], batches[1], 1), end, batches[1].blocks[1]);
        expectOtherStatement(1, 1, given);
    }

    function test_a_proof_of_another_outcome_is_refused() external {
        IDisputes.Answer memory given = challenged(1, 1);
        PlainStatement.Block memory other = batches[1].blocks[1];
        other.stateRoot = keccak256("another state");
        proveBlock(given, pointBefore(batches[0], batches[1], 1), windowAt(batches[1], 1), other);
        expectOtherStatement(1, 1, given);
    }

    function test_a_proof_after_a_proposed_batch_starts_with_the_window_that_it_said() external {
        Batch memory batch = batches[1];
        bytes memory windows = windowsOf(batch);
        windows[95] ^= 0x01;
        proposeWith(batch, windows);
        propose(2);
        challenge(2, 0);
        IDisputes.Answer memory given = answerOf(2, 0);
        expectOtherStatement(2, 0, given);
        Statement.Point memory start = pointBefore(batch, batches[2], 0);
        start.window[3] ^= 1;
        proveBlock(given, start, windowAt(batches[2], 0), batches[2].blocks[0]);
        act(OUTSIDER, 0, answering(2, 0, given));
        vm.assertEq(disputes.stakeOf(OPERATOR), STAKE + BOND);
    }

    function test_a_window_that_is_no_digest_cannot_be_proven() external {
        Batch memory batch = batches[1];
        bytes memory windows = windowsOf(batch);
        for (uint256 i = 0; i < 8; ++i) {
            windows[32 + i] = 0xff;
        }
        proposeWith(batch, windows);
        challenge(1, 1);
        IDisputes.Answer memory given = answerOf(1, 1);
        given.windows = windows;
        expectRefused(answering(1, 1, given), abi.encodeWithSelector(IRollup.NotCanonical.selector, 1));
    }

    function test_other_batches_than_the_proposed_one_and_the_one_before_it_are_refused() external {
        IDisputes.Answer memory given = challenged(1, 1);
        given.batch = opened(batches[2]);
        expectRefused(answering(1, 1, given), abi.encodeWithSelector(IDisputes.OtherBatch.selector, 1));
        given = answerOf(1, 1);
        given.previous = opened(batches[1]);
        expectRefused(answering(1, 1, given), abi.encodeWithSelector(IDisputes.OtherBatch.selector, 0));
        given = answerOf(1, 1);
        given.previous.tip.stateRoot = keccak256("a better state");
        expectRefused(answering(1, 1, given), abi.encodeWithSelector(IDisputes.OtherBatch.selector, 0));
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_any_changed_byte_of_blocks_or_windows_is_refused(uint256 position, uint8 flip)
        external
    {
        IDisputes.Answer memory given = challenged(1, 1);
        (bytes memory blocks, bytes memory windows) = (given.blocks, given.windows);
        position = position % (blocks.length + windows.length);
        if (position < blocks.length) blocks[position] ^= bytes1(flip | 1);
        else windows[position - blocks.length] ^= bytes1(flip | 1);
        expectRefused(answering(1, 1, given), abi.encodeWithSelector(IDisputes.OtherBatch.selector, 1));
    }

    function test_blocks_or_windows_that_are_cut_off_are_refused() external {
        IDisputes.Answer memory given = challenged(1, 1);
        bytes memory reason = abi.encodeWithSelector(IDisputes.OtherBatch.selector, 1);
        given.blocks = abi.encodePacked(given.blocks, uint8(0));
        expectRefused(answering(1, 1, given), reason);
        given = answerOf(1, 1);
        given.windows = "";
        expectRefused(answering(1, 1, given), reason);
    }

    function test_a_block_that_is_not_challenged_is_not_answered() external {
        IDisputes.Answer memory given = challenged(1, 1);
        expectRefused(answering(1, 0, given), abi.encodeWithSelector(IDisputes.NoChallenge.selector, 1, 0));
        expectRefused(answering(2, 0, given), abi.encodeWithSelector(IDisputes.NoChallenge.selector, 2, 0));
        expectRefused(settling(1, 0), abi.encodeWithSelector(IDisputes.NoChallenge.selector, 1, 0));
    }

    /// @dev Proposes and challenges; what an honest operator answers.
    function challenged(uint64 number, uint16 index) private returns (IDisputes.Answer memory) {
        if (!disputes.isProposed(number)) propose(number);
        challenge(number, index);
        return answerOf(number, index);
    }

    function expectProven(uint64 number, uint16 index) private {
        uint64 id = idOf(number);
        (uint256 staked, uint256 waiting) = (disputes.stakeOf(OPERATOR), disputes.proposal(number).open);
        vm.assertFalse(disputes.challengeOf(id, index).decided);
        vm.expectEmit();
        emit IDisputes.StakeChanged(OPERATOR, staked + BOND);
        vm.expectEmit();
        emit IDisputes.ChallengeAnswered(number, index, id);
        answer(number, index);
        vm.assertEq(disputes.stakeOf(OPERATOR), staked + BOND);
        vm.assertEq(disputes.owed(CHALLENGER), 0);
        vm.assertEq(disputes.proposal(number).open, waiting - 1);
        IDisputes.Challenge memory found = disputes.challengeOf(id, index);
        vm.assertTrue(found.decided && found.challenger == CHALLENGER);
        uint256 bonds = BOND * disputes.standing(OPERATOR).waiting.length;
        vm.assertEq(address(disputes).balance, staked + BOND + bonds);
    }

    function expectWaiting(uint64 number, uint16 open) private {
        bytes memory reason = abi.encodeWithSelector(IDisputes.ChallengesWait.selector, number, open);
        expectRefused(finalizing(number), reason);
    }

    function expectOtherStatement(uint64 number, uint16 index, IDisputes.Answer memory given) private {
        bytes memory reason = refusalOf(OUTSIDER, 0, answering(number, index, given));
        vm.assertEq(bytes32(bytes4(reason)), bytes32(IRollup.EvaluationMismatch.selector));
    }
}
