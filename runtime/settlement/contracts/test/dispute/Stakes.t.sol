// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IDisputes} from "src/dispute/IDisputes.sol";
import {DisputeFixture} from "./DisputeFixture.sol";
import {Receiver} from "./Receivers.sol";

/// @notice Stakes that stand behind proposals, and what is paid out.
contract StakesTest is DisputeFixture {
    function setUp() public override {
        super.setUp();
        commitThree();
    }

    function test_nothing_is_proposed_without_a_whole_stake() external {
        withdraw(1);
        bytes memory reason = abi.encodeWithSelector(IDisputes.StakeTooSmall.selector, STAKE - 1, STAKE);
        expectRefused(OPERATOR, 0, proposing(1), reason);
        vm.expectEmit();
        emit IDisputes.StakeChanged(OPERATOR, STAKE);
        addStake(1);
        propose(1);
    }

    function test_a_stake_of_another_account_does_not_count() external {
        vm.prank(OWNER);
        rollup.setOperator(CHALLENGER);
        bytes memory reason = abi.encodeWithSelector(IDisputes.StakeTooSmall.selector, 0, STAKE);
        expectRefused(CHALLENGER, 0, proposing(1), reason);
        expectRefused(
            OPERATOR, 0, proposing(1), abi.encodeWithSelector(IDisputes.NotOperator.selector, OPERATOR)
        );
    }

    function test_a_stake_is_withdrawn_while_nothing_is_proposed() external {
        uint256 before = OPERATOR.balance;
        vm.expectEmit();
        emit IDisputes.StakeChanged(OPERATOR, 0);
        withdraw(STAKE);
        vm.assertEq(disputes.owed(OPERATOR), STAKE);
        collect(OPERATOR);
        vm.assertEq(OPERATOR.balance, before + STAKE);
        vm.assertEq(address(disputes).balance, 0);
    }

    function test_no_more_is_withdrawn_than_is_staked() external {
        expectNeeded(STAKE, STAKE + 1, STAKE + 1);
        propose(1);
        refusalOf(OPERATOR, 0, abi.encodeCall(IDisputes.withdrawStake, (type(uint256).max)));
    }

    function test_a_stake_stays_until_all_that_was_proposed_is_final() external {
        uint64 end = proposeThree();
        // Once more, and the highest counts.
        propose(1);
        expectNeeded(STAKE, 1, STAKE + 1);
        waitUntil(end + 1);
        makeFinal(1);
        makeFinal(2);
        expectNeeded(STAKE, 1, STAKE + 1);
        makeFinal(3);
        withdraw(STAKE);
    }

    function test_a_stake_stays_until_what_was_proposed_is_proven() external {
        propose(1);
        expectNeeded(STAKE, 1, STAKE + 1);
        proveRange(1, 1);
        withdraw(STAKE);
    }

    function test_more_than_the_stake_is_withdrawn_at_any_time() external {
        addStake(3 ether);
        propose(1);
        challenge(1, 0);
        expectNeeded(STAKE + 3 ether, 3 ether + 1, STAKE + 3 ether + 1);
        withdraw(3 ether);
        answer(1, 0);
        withdraw(BOND);
    }

    function test_a_stake_stays_while_a_challenge_waits_though_its_proposal_ended() external {
        propose(1);
        challenge(1, 0);
        challenge(1, 1);
        replace(1, 1, "another");
        expectNeeded(STAKE, 1, STAKE + 1);
        settle(1, 1);
        vm.assertEq(disputes.stakeOf(OPERATOR), 0);
        addStake(STAKE);
        expectNeeded(STAKE, 1, STAKE + 1);
        settle(1, 0);
        withdraw(STAKE);
    }

    function test_a_stake_stays_while_a_challenge_of_a_proven_batch_waits() external {
        propose(1);
        challenge(1, 0);
        proveRange(1, 1);
        expectNeeded(STAKE, 1, STAKE + 1);
        settle(1, 0);
        withdraw(STAKE);
    }

    function test_a_stake_is_free_when_the_proposals_have_ended() external {
        proposeThree();
        replace(3, 1, "another");
        withdraw(STAKE);
        bytes memory reason = abi.encodeWithSelector(IDisputes.StakeTooSmall.selector, 0, STAKE);
        expectRefused(OPERATOR, 0, proposing(1), reason);
    }

    function test_who_proposed_before_stays_liable_until_its_batches_are_final() external {
        propose(1);
        vm.prank(OWNER);
        rollup.setOperator(CHALLENGER);
        act(CHALLENGER, STAKE, abi.encodeCall(IDisputes.addStake, ()));
        act(CHALLENGER, 0, proposing(2));
        expectNeeded(STAKE, 1, STAKE + 1);
        waitUntil(time + WINDOW + 1);
        makeFinal(1);
        withdraw(STAKE);
        makeFinal(2);
    }

    function test_what_is_owed_is_paid_once() external {
        withdraw(4 ether);
        collect(OPERATOR);
        bytes memory reason = abi.encodeWithSelector(IDisputes.NothingOwed.selector, OPERATOR);
        expectRefused(OPERATOR, 0, abi.encodeCall(IDisputes.collect, ()), reason);
        reason = abi.encodeWithSelector(IDisputes.NothingOwed.selector, OUTSIDER);
        expectRefused(OUTSIDER, 0, abi.encodeCall(IDisputes.collect, ()), reason);
        vm.assertEq(address(disputes).balance, STAKE - 4 ether);
    }

    function test_what_a_receiver_refuses_stays_its_own() external {
        Receiver receiver = owing(2 ether);
        receiver.refuse(true);
        bytes memory reason = abi.encodeWithSelector(IDisputes.ReceiverFailed.selector, receiver);
        expectRefused(address(receiver), 0, abi.encodeCall(IDisputes.collect, ()), reason);
        vm.assertEq(disputes.owed(address(receiver)), 2 ether);
        receiver.refuse(false);
        collect(address(receiver));
        vm.assertEq(address(receiver).balance, 2 ether);
    }

    function test_a_receiver_that_asks_again_while_it_is_paid_gets_nothing_twice() external {
        Receiver receiver = owing(2 ether);
        collect(address(receiver));
        vm.assertEq(receiver.reason(), abi.encodeWithSelector(IDisputes.NothingOwed.selector, receiver));
        vm.assertEq(address(receiver).balance, 2 ether);
        vm.assertEq(address(disputes).balance, STAKE);
    }

    function owing(uint256 amount) private returns (Receiver receiver) {
        receiver = new Receiver(disputes);
        vm.deal(address(receiver), amount);
        act(address(receiver), amount, abi.encodeCall(IDisputes.addStake, ()));
        act(address(receiver), 0, abi.encodeCall(IDisputes.withdrawStake, (amount)));
        vm.assertEq(address(receiver).balance, 0);
    }

    function withdraw(uint256 amount) private {
        act(OPERATOR, 0, abi.encodeCall(IDisputes.withdrawStake, (amount)));
    }

    function collect(address who) private {
        act(who, 0, abi.encodeCall(IDisputes.collect, ()));
    }

    function expectNeeded(uint256 staked, uint256 amount, uint256 needed) private {
        bytes memory reason = abi.encodeWithSelector(IDisputes.StakeNeeded.selector, staked, needed);
        expectRefused(OPERATOR, 0, abi.encodeCall(IDisputes.withdrawStake, (amount)), reason);
    }
}
