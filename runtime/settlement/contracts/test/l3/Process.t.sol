// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Message, Messages} from "src/bridge/Message.sol";
import {IL3Inbox} from "src/l3/IL3Inbox.sol";
import {Predeploys} from "src/l3/Predeploys.sol";
import {L3Fixture} from "./L3Fixture.sol";
import {Witness} from "./Targets.sol";

/// @notice What becomes of each message.
contract ProcessTest is L3Fixture {
    function test_a_message_is_called_with_its_value_and_its_fee_is_paid() external {
        Witness witness = new Witness();
        Message memory message = ether_(address(witness), 3, 2);
        (message.data, message.gasLimit) = ("hello", 200_000);
        announce(one(message));
        vm.expectEmit();
        emit IL3Inbox.MessageCalled(0, Messages.hash(0, message), true, 0);
        vm.prank(KEEPER);
        INBOX.process(START, L2_BLOCK, one(message), none(), bits(0));
        vm.assertEq(witness.sender(), Predeploys.L3_INBOX);
        vm.assertEq(witness.messageSender(), ALICE);
        vm.assertEq(witness.value(), 3);
        vm.assertEq(witness.data(), "hello");
        vm.assertEq(INBOX.messageSender(), address(0));
        vm.assertEq(KEEPER.balance, 2);
        vm.assertEq(Predeploys.L3_INBOX.balance, POOL - 5);
    }

    function test_a_failed_message_leaves_its_value_to_its_refundee() external {
        vm.etch(BOB, REFUSES);
        Message memory message = ether_(BOB, 3, 2);
        announce(one(message));
        vm.expectEmit();
        emit IL3Inbox.MessageCalled(0, Messages.hash(0, message), false, 3);
        vm.prank(KEEPER);
        INBOX.process(START, L2_BLOCK, one(message), none(), bits(0));
        vm.assertEq(INBOX.refundOf(ALICE), 3);
        vm.assertEq(KEEPER.balance, 2);
        vm.assertEq(INBOX.messageSender(), address(0));
    }

    function test_a_parked_message_is_not_called_and_costs_no_fee() external {
        Message memory message = ether_(BOB, 3, 2);
        announce(one(message));
        vm.expectEmit();
        emit IL3Inbox.MessageParked(0, Messages.hash(0, message));
        vm.prank(KEEPER);
        INBOX.process(START, L2_BLOCK, one(message), none(), bits(1));
        vm.assertTrue(INBOX.isParked(Messages.hash(0, message)));
        vm.assertEq(Predeploys.L3_INBOX.balance, POOL);
    }

    function test_three_hundred_messages_are_processed_at_once() external {
        Message[] memory messages = new Message[](300);
        for (uint256 i = 0; i < messages.length; ++i) {
            messages[i] = ether_(address(uint160(0x1000 + i)), i, 1);
        }
        announce(messages);
        uint256[] memory parked = new uint256[](2);
        (parked[0], parked[1]) = (2, 1 << 4 | 1 << 200);
        vm.prank(KEEPER);
        INBOX.process(START, L2_BLOCK, messages, none(), parked);
        for (uint256 i = 0; i < messages.length; ++i) {
            bool waits = i == 1 || i == 260;
            vm.assertTrue(INBOX.isParked(Messages.hash(i, messages[i])) == waits);
            vm.assertEq(messages[i].target.balance, waits ? 0 : i);
        }
        vm.assertEq(KEEPER.balance, 298);
        vm.assertEq(uint256(INBOX.nextIndex()), 300);
    }

    function test_without_bits_all_messages_are_called() external {
        announce(one(ether_(BOB, 3, 0)));
        INBOX.process(START, L2_BLOCK, one(ether_(BOB, 3, 0)), none(), new uint256[](0));
        vm.assertEq(BOB.balance, 3);
    }

    function test_a_message_brings_16_kilobytes() external {
        Witness witness = new Witness();
        Message memory message = to(address(witness), new bytes(16_384));
        message.gasLimit = 30_000_000;
        message.data[16_383] = 0x01;
        process(message);
        vm.assertEq(witness.data(), message.data);
    }

    function test_a_caller_that_refuses_its_fees_can_take_them_later() external {
        Message[] memory messages = two(ether_(BOB, 1, 4), ether_(BOB, 1, 5));
        announce(messages);
        // This contract takes no ETH.
        INBOX.process(START, L2_BLOCK, messages, none(), bits(0));
        vm.assertEq(INBOX.refundOf(address(this)), 9);
        INBOX.takeRefund(KEEPER);
        vm.assertEq(KEEPER.balance, 9);
    }

    function testFuzz_all_messages_of_any_queue_are_processed(bytes32 seed, uint8 count, uint256 parked)
        external
    {
        Message[] memory messages = new Message[](bound(count, 1, 20));
        uint256 fees;
        for (uint256 i = 0; i < messages.length; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            messages[i] = ether_(address(uint160(0x1000 + i)), draw % 1000, draw % 77);
            messages[i].data = abi.encodePacked(seed);
            if ((parked >> i) & 1 == 0) fees += draw % 77;
        }
        process(messages, parked);
        for (uint256 i = 0; i < messages.length; ++i) {
            bool waits = (parked >> i) & 1 == 1;
            vm.assertTrue(INBOX.isParked(Messages.hash(i, messages[i])) == waits);
            vm.assertEq(messages[i].target.balance, waits ? 0 : messages[i].value);
        }
        vm.assertEq(KEEPER.balance, fees);
        vm.assertEq(bytes32(INBOX.chain()), bytes32(queue));
    }
}
