// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IDisputes} from "src/dispute/IDisputes.sol";
import {DisputeFixture} from "./DisputeFixture.sol";

/// @notice Batches that are committed in place of others: what was proposed, and what was challenged.
contract ReplacedTest is DisputeFixture {
    function setUp() public override {
        super.setUp();
        commitThree();
    }

    function test_a_lie_that_is_hidden_behind_the_truth_is_proposed_again_when_it_comes_back() external {
        Batch memory lie = batches[2];
        propose(1);
        uint64 end = propose(2);
        replace(2, 2, "the truth");
        propose(1);
        propose(2);
        waitUntil(end + 1);
        recommit(lie);
        expectNotProposed(2);
        expectNotProposed(1);
        propose(1);
        end = propose(2);
        expectOpen(2, end);
        challenge(2, 1);
        waitUntil(end + 1);
        makeFinal(1);
        expectRefused(finalizing(2), abi.encodeWithSelector(IDisputes.ChallengesWait.selector, 2, 1));
    }

    function test_a_lie_that_is_hidden_by_replacing_the_batch_before_it_is_proposed_again() external {
        (Batch memory first, Batch memory lie) = (batches[1], batches[2]);
        propose(1);
        uint64 end = propose(2);
        replace(1, 1, "the truth");
        vm.assertFalse(disputes.isProposed(2));
        waitUntil(end + 1);
        recommit(first);
        recommit(lie);
        expectNotProposed(1);
        expectNotProposed(2);
        end = propose(1);
        expectOpen(1, end);
        end = propose(2);
        expectOpen(2, end);
    }

    function test_a_lie_that_nobody_looked_at_is_not_final_by_standing_for_a_moment_at_the_end() external {
        Batch memory truth = batches[1];
        replace(1, 1, "a lie");
        Batch memory lie = batches[1];
        uint64 end = propose(1);
        recommit(truth);
        for (uint256 i = 0; i < 3; ++i) {
            propose(1);
            waitUntil(end + 1);
            recommit(lie);
            expectNotProposed(1);
            recommit(truth);
            end = time + WINDOW;
        }
        vm.assertEq(rollup.lastVerifiedBatch(), 0);
    }

    function test_replacing_any_batch_ends_all_proposals() external {
        uint64 end = proposeThree();
        uint64 epoch = disputes.epoch();
        replace(3, 1, "another end");
        vm.assertTrue(disputes.epoch() > epoch);
        waitUntil(end + 1);
        for (uint64 number = 1; number <= 3; ++number) {
            expectNotProposed(number);
        }
    }

    function test_committing_at_the_end_ends_no_proposal() external {
        uint64 end = propose(1);
        commitNext(1, "fourth");
        waitUntil(end + 1);
        makeFinal(1);
        expectFinal(1);
    }

    function test_a_challenged_batch_that_its_proposer_replaces_is_given_up() external {
        proposeThree();
        challenge(2, 0);
        uint64 id = idOf(2);
        replace(2, 2, "the truth");
        bytes32 hash = rollup.batchHash(2);
        expectRefused(
            answering(2, 0, answerOf(2, 0)), abi.encodeWithSelector(IDisputes.NotProposed.selector, 2)
        );
        vm.expectEmit();
        emit IDisputes.ChallengeWon(2, 0, id, STAKE / 2);
        settle(2, 0);
        vm.assertEq(disputes.owed(CHALLENGER), BOND + STAKE / 2);
        vm.assertEq(disputes.stakeOf(OPERATOR), 0);
        vm.assertEq(rollup.lastCommittedBatch(), 2);
        vm.assertEq(rollup.batchHash(2), hash);
    }

    function test_a_challenged_batch_that_falls_with_the_one_before_it_is_given_up() external {
        proposeThree();
        challenge(3, 0);
        replace(2, 2, "the truth");
        settle(3, 0);
        vm.assertEq(disputes.owed(CHALLENGER), BOND + STAKE / 2);
        vm.assertEq(rollup.lastCommittedBatch(), 2);
    }

    function test_what_replaces_a_challenged_batch_is_proposed_after_the_challenge_is_decided() external {
        proposeThree();
        challenge(2, 0);
        replace(2, 2, "the truth");
        propose(1);
        bytes memory reason = abi.encodeWithSelector(IDisputes.ChallengesWait.selector, 2, 1);
        expectRefused(OPERATOR, 0, proposing(2), reason);
        settle(2, 0);
        addStake(STAKE);
        propose(1);
        uint64 end = propose(2);
        waitUntil(end + 1);
        makeFinal(1);
        makeFinal(2);
        expectFinal(2);
    }

    function test_a_challenged_batch_is_not_given_up_when_one_behind_it_is_replaced() external {
        proposeThree();
        uint64 until = challenge(1, 1);
        replace(3, 1, "another end");
        waitUntil(until);
        bytes memory reason = abi.encodeWithSelector(IDisputes.ProofTimeRuns.selector, 1, 1, until);
        expectRefused(settling(1, 1), reason);
        answer(1, 1);
        vm.assertEq(disputes.stakeOf(OPERATOR), STAKE + BOND);
        uint64 end = propose(1);
        waitUntil(end + 1);
        makeFinal(1);
        expectFinal(1);
    }

    function test_a_false_batch_is_dropped_though_one_behind_it_was_replaced() external {
        proposeThree();
        uint64 until = challenge(1, 1);
        replace(3, 1, "another end");
        waitUntil(until + 1);
        settle(1, 1);
        vm.assertEq(rollup.lastCommittedBatch(), 0);
        vm.assertEq(disputes.owed(CHALLENGER), BOND + STAKE / 2);
    }

    function test_a_challenged_batch_that_is_gone_and_comes_back_has_to_be_proven() external {
        Batch memory batch = batches[1];
        propose(1);
        uint64 until = challenge(1, 0);
        replace(1, 1, "another");
        recommit(batch);
        waitUntil(until);
        bytes memory reason = abi.encodeWithSelector(IDisputes.ProofTimeRuns.selector, 1, 0, until);
        expectRefused(settling(1, 0), reason);
        waitUntil(until + 1);
        settle(1, 0);
        vm.assertEq(rollup.lastCommittedBatch(), 0);
        vm.assertEq(disputes.stakeOf(OPERATOR), 0);
    }

    function test_a_challenged_batch_that_its_proposer_replaces_and_proves_is_given_up() external {
        propose(1);
        challenge(1, 0);
        replace(1, 1, "the truth");
        proveRange(1, 1);
        settle(1, 0);
        vm.assertEq(disputes.owed(CHALLENGER), BOND + STAKE / 2);
        expectFinal(1);
    }

    function test_a_challenge_meets_the_proposal_that_was_meant_or_none() external {
        propose(1);
        bytes memory first = challenging(1, 0);
        propose(1);
        expectRefused(CHALLENGER, BOND, first, abi.encodeWithSelector(IDisputes.OtherProposal.selector, 1, 2));
        bytes memory second = challenging(1, 0);
        replace(1, 1, "the truth");
        bytes memory gone = abi.encodeWithSelector(IDisputes.NotProposed.selector, 1);
        expectRefused(CHALLENGER, BOND, second, gone);
        propose(1);
        expectRefused(
            CHALLENGER, BOND, second, abi.encodeWithSelector(IDisputes.OtherProposal.selector, 1, 3)
        );
        act(CHALLENGER, BOND, challenging(1, 0));
    }

    function test_a_proposal_is_not_replaced_while_challenges_of_it_wait() external {
        propose(1);
        challenge(1, 0);
        challenge(1, 2);
        expectKept(2);
        answer(1, 0);
        expectKept(1);
        answer(1, 2);
        waitUntil(time + WINDOW);
        uint64 end = propose(1);
        expectOpen(1, end);
        // It is another proposal.
        challenge(1, 0);
    }

    function test_an_outsider_who_takes_over_ends_all_proposals() external {
        uint64 since = time;
        waitUntil(since + LIVENESS);
        uint64 end = proposeThree();
        waitUntil(since + LIVENESS + 1);
        takeOver(make(genesisBatch(), 1, "of an outsider"));
        vm.assertEq(rollup.lastVerifiedBatch(), 1);
        vm.assertEq(rollup.lastCommittedBatch(), 1);
        waitUntil(end + 1);
        expectNotProposed(1);
        expectNotProposed(2);
        expectNotProposed(3);
    }

    function test_a_challenged_batch_that_an_outsider_replaces_is_given_up_as_well() external {
        waitUntil(time + LIVENESS + 1);
        propose(1);
        challenge(1, 0);
        takeOver(make(genesisBatch(), 1, "of an outsider"));
        settle(1, 0);
        vm.assertEq(disputes.owed(CHALLENGER), BOND + STAKE / 2);
        vm.assertEq(disputes.stakeOf(OPERATOR), 0);
    }

    function takeOver(Batch memory batch) private {
        (bytes memory commit_, bytes memory proof) = encoded(batch, claimOf(genesisBatch(), batch));
        vm.prank(OUTSIDER, OUTSIDER);
        rollup.commitAndProve(commit_, proof);
    }

    function expectOpen(uint64 number, uint64 end) private {
        bytes memory reason = abi.encodeWithSelector(IDisputes.WindowIsOpen.selector, number, end);
        expectRefused(finalizing(number), reason);
    }

    function expectKept(uint16 open) private {
        bytes memory reason = abi.encodeWithSelector(IDisputes.ChallengesWait.selector, 1, open);
        expectRefused(OPERATOR, 0, proposing(1), reason);
    }
}
