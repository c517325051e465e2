// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Message, Messages} from "src/bridge/Message.sol";
import {IL3Inbox} from "src/l3/IL3Inbox.sol";
import {Predeploys} from "src/l3/Predeploys.sol";
import {L3Fixture} from "./L3Fixture.sol";
import {Reentrant, Witness} from "./Targets.sol";

/// @notice What a target may try while it is called.
contract HostileTargetsTest is L3Fixture {
    function test_no_function_that_pays_can_be_entered_from_a_message() external {
        Message memory message = ether_(BOB, 3, 2);
        park(message);
        expectRefusedInside(abi.encodeCall(INBOX.process, (START, L2_BLOCK, one(message), none(), bits(0))));
        expectRefusedInside(abi.encodeCall(INBOX.call, (0, message)));
        expectRefusedInside(abi.encodeCall(INBOX.giveUp, (0, message)));
        expectRefusedInside(abi.encodeCall(INBOX.takeRefund, (BOB)));
    }

    function test_a_caller_that_is_paid_its_fee_cannot_call_again() external {
        Message memory message = ether_(BOB, 3, 2);
        park(message);
        bytes memory payload = abi.encodeCall(INBOX.call, (0, message));
        Reentrant reentrant = new Reentrant(payload);
        reentrant.start(payload);
        vm.assertEq(reentrant.calls(), 1);
        vm.assertFalse(reentrant.succeeded());
        vm.assertEq(reentrant.answer(), reentered());
        vm.assertEq(address(reentrant).balance, 2);
        vm.assertEq(BOB.balance, 3);
    }

    function test_a_refund_cannot_be_taken_twice_by_who_is_paid() external {
        bytes memory payload = abi.encodeCall(INBOX.takeRefund, (BOB));
        Reentrant reentrant = new Reentrant(payload);
        vm.etch(BOB, REFUSES);
        Message memory message = ether_(BOB, 3, 0);
        message.refundee = address(reentrant);
        process(message);
        reentrant.start(abi.encodeCall(INBOX.takeRefund, (address(reentrant))));
        vm.assertEq(reentrant.calls(), 1);
        vm.assertEq(reentrant.answer(), reentered());
        vm.assertEq(address(reentrant).balance, 3);
        vm.assertEq(Predeploys.L3_INBOX.balance, POOL - 3);
    }

    function test_the_inbox_does_not_call_itself() external {
        vm.etch(BOB, REFUSES);
        Message memory refund = ether_(BOB, 3, 0);
        refund.refundee = Predeploys.L3_INBOX;
        process(refund);
        Message memory message =
            to(Predeploys.L3_INBOX, abi.encodeCall(IL3Inbox.refundOf, (Predeploys.L3_INBOX)));
        (message.value, message.gasLimit) = (1, type(uint64).max);
        announce(one(message));
        vm.expectEmit();
        emit IL3Inbox.MessageCalled(1, Messages.hash(1, message), false, 1);
        INBOX.process(START, L2_BLOCK, one(message), none(), bits(0));
        vm.assertEq(INBOX.refundOf(ALICE), 1);
    }

    function test_a_target_that_burns_all_gas_does_not_stop_the_queue() external {
        vm.etch(ALICE, BURNS_ALL_GAS);
        process(two(ether_(ALICE, 1, 0), ether_(BOB, 3, 0)), 0);
        vm.assertEq(INBOX.refundOf(ALICE), 1);
        vm.assertEq(BOB.balance, 3);
    }

    function test_a_value_above_the_balance_fails_as_a_call_does() external {
        vm.deal(Predeploys.L3_INBOX, 5);
        process(two(ether_(BOB, 6, 0), ether_(BOB, 4, 0)), 0);
        vm.assertEq(INBOX.refundOf(ALICE), 6);
        vm.assertEq(BOB.balance, 4);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IL3Inbox.RecipientFailed.selector, ALICE));
        INBOX.takeRefund(ALICE);
        vm.deal(Predeploys.L3_INBOX, 6);
        vm.prank(ALICE);
        INBOX.takeRefund(ALICE);
        vm.assertEq(ALICE.balance, 6);
    }

    function test_a_fee_above_the_balance_is_owed_to_the_caller() external {
        vm.deal(Predeploys.L3_INBOX, 5);
        process(ether_(BOB, 5, 2));
        vm.assertEq(BOB.balance, 5);
        vm.assertEq(INBOX.refundOf(KEEPER), 2);
    }

    function test_each_message_has_its_own_sender_and_none_is_left_after_a_failure() external {
        Witness witness = new Witness();
        vm.etch(ALICE, REFUSES);
        Message memory first = to(ALICE, "");
        Message memory second = roomy(to(address(witness), ""));
        (first.sender, second.sender) = (ALICE, BOB);
        process(two(first, second), 0);
        vm.assertEq(witness.messageSender(), BOB);
        vm.assertEq(INBOX.messageSender(), address(0));
    }

    function roomy(Message memory message) private pure returns (Message memory) {
        message.gasLimit = 1_000_000;
        return message;
    }

    function reentered() private pure returns (bytes memory) {
        return abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
    }

    function expectRefusedInside(bytes memory payload) private {
        Reentrant reentrant = new Reentrant(payload);
        process(roomy(to(address(reentrant), "")));
        vm.assertEq(reentrant.calls(), 1);
        vm.assertFalse(reentrant.succeeded());
        vm.assertEq(reentrant.answer(), reentered());
    }
}
