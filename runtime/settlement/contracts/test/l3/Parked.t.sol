// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Message, Messages} from "src/bridge/Message.sol";
import {IL3Inbox} from "src/l3/IL3Inbox.sol";
import {Predeploys} from "src/l3/Predeploys.sol";
import {L3Fixture} from "./L3Fixture.sol";
import {Witness} from "./Targets.sol";

/// @notice Messages that wait, and what is owed.
contract ParkedTest is L3Fixture {
    function test_anyone_calls_a_parked_message_and_is_paid_its_fee() external {
        Witness witness = new Witness();
        Message memory message = ether_(address(witness), 3, 2);
        (message.data, message.gasLimit) = ("hello", 200_000);
        uint256 index = park(message);
        vm.expectEmit();
        emit IL3Inbox.MessageCalled(index, Messages.hash(index, message), true, 0);
        vm.prank(KEEPER);
        INBOX.call(index, message);
        vm.assertEq(witness.value(), 3);
        vm.assertEq(witness.data(), "hello");
        vm.assertEq(witness.messageSender(), ALICE);
        vm.assertEq(KEEPER.balance, 2);
        vm.assertFalse(INBOX.isParked(Messages.hash(index, message)));
    }

    function test_a_parked_message_that_fails_was_called_all_the_same() external {
        vm.etch(BOB, REFUSES);
        Message memory message = ether_(BOB, 3, 2);
        uint256 index = park(message);
        vm.expectEmit();
        emit IL3Inbox.MessageCalled(index, Messages.hash(index, message), false, 3);
        vm.prank(KEEPER);
        INBOX.call(index, message);
        vm.assertEq(INBOX.refundOf(ALICE), 3);
        vm.assertEq(KEEPER.balance, 2);
        expectNotParked(index, message);
    }

    function test_a_parked_message_is_not_called_twice() external {
        Message memory message = ether_(BOB, 3, 2);
        uint256 index = park(message);
        INBOX.call(index, message);
        expectNotParked(index, message);
        vm.assertEq(BOB.balance, 3);
    }

    function test_a_message_that_was_called_at_once_is_not_called_again() external {
        Message memory message = ether_(BOB, 3, 2);
        process(message);
        expectNotParked(0, message);
        vm.assertEq(BOB.balance, 3);
    }

    function test_what_was_never_sent_is_not_called() external {
        Message memory message = ether_(BOB, 3, 2);
        uint256 index = park(message);
        expectNotParked(index + 1, message);
        message.value += 1;
        expectNotParked(index, message);
    }

    function test_equal_messages_are_parked_and_called_each_once() external {
        Message memory message = ether_(BOB, 3, 0);
        process(two(message, message), 3);
        INBOX.call(1, message);
        expectNotParked(1, message);
        INBOX.call(0, message);
        vm.assertEq(BOB.balance, 6);
    }

    function test_its_refundee_gives_up_a_message_and_owns_value_and_fee() external {
        Message memory message = ether_(BOB, 3, 2);
        uint256 index = park(message);
        vm.expectEmit();
        emit IL3Inbox.MessageGivenUp(index, Messages.hash(index, message));
        vm.prank(ALICE);
        INBOX.giveUp(index, message);
        vm.assertEq(INBOX.refundOf(ALICE), 5);
        expectNotParked(index, message);
    }

    function test_nobody_else_gives_up_a_message() external {
        Message memory message = ether_(BOB, 3, 2);
        message.sender = BOB;
        uint256 index = park(message);
        vm.expectRevert(abi.encodeWithSelector(IL3Inbox.NotRefundee.selector, BOB, ALICE));
        vm.prank(BOB);
        INBOX.giveUp(index, message);
        vm.assertTrue(INBOX.isParked(Messages.hash(index, message)));
    }

    function test_a_message_is_not_given_up_twice_and_not_after_its_call() external {
        Message memory message = ether_(BOB, 3, 2);
        process(two(message, message), 3);
        vm.prank(ALICE);
        INBOX.giveUp(0, message);
        INBOX.call(1, message);
        for (uint256 index = 0; index < 2; ++index) {
            bytes32 what = Messages.hash(index, message);
            vm.expectRevert(abi.encodeWithSelector(IL3Inbox.NotParked.selector, what));
            vm.prank(ALICE);
            INBOX.giveUp(index, message);
        }
        vm.assertEq(INBOX.refundOf(ALICE), 5);
    }

    function test_refunds_add_up_and_are_taken_once_to_any_account() external {
        vm.etch(BOB, REFUSES);
        process(two(ether_(BOB, 3, 0), ether_(BOB, 4, 0)), 0);
        vm.expectEmit();
        emit IL3Inbox.RefundTaken(ALICE, KEEPER, 7);
        vm.prank(ALICE);
        INBOX.takeRefund(KEEPER);
        vm.assertEq(KEEPER.balance, 7);
        vm.expectRevert(abi.encodeWithSelector(IL3Inbox.NothingToTake.selector, ALICE));
        vm.prank(ALICE);
        INBOX.takeRefund(KEEPER);
    }

    function test_a_refund_to_an_account_that_refuses_is_still_owed() external {
        vm.etch(BOB, REFUSES);
        process(ether_(BOB, 3, 0));
        address[3] memory refusing = [BOB, Predeploys.L3_INBOX, Predeploys.L3_BRIDGE];
        for (uint256 i = 0; i < refusing.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IL3Inbox.RecipientFailed.selector, refusing[i]));
            vm.prank(ALICE);
            INBOX.takeRefund(refusing[i]);
        }
        vm.assertEq(INBOX.refundOf(ALICE), 3);
    }

    function test_a_refunds_recipient_may_return_a_megabyte() external {
        vm.etch(BOB, REFUSES);
        process(ether_(BOB, 3, 0));
        vm.etch(BOB, RETURNS_A_MEGABYTE);
        vm.prank(ALICE);
        INBOX.takeRefund(BOB);
        vm.assertTrue(vm.lastCallGas().gasTotalUsed < 2_195_000 + 60_000);
        vm.assertEq(BOB.balance, 3);
    }

    function test_only_the_bridge_gives_ETH_back() external {
        vm.deal(ALICE, 1);
        vm.expectRevert(abi.encodeWithSelector(IL3Inbox.NotL3Bridge.selector, ALICE));
        vm.prank(ALICE);
        INBOX.takeBack{value: 1}();
        vm.deal(Predeploys.L3_BRIDGE, 1);
        vm.prank(Predeploys.L3_BRIDGE);
        INBOX.takeBack{value: 1}();
        vm.assertEq(Predeploys.L3_INBOX.balance, POOL + 1);
    }

    function expectNotParked(uint256 index, Message memory message) private {
        vm.expectRevert(abi.encodeWithSelector(IL3Inbox.NotParked.selector, Messages.hash(index, message)));
        INBOX.call(index, message);
    }
}
