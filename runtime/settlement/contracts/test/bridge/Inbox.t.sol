// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IInbox} from "src/bridge/IInbox.sol";
import {Inbox} from "src/bridge/Inbox.sol";
import {Message, Messages} from "src/bridge/Message.sol";
import {Test} from "../Test.sol";

contract InboxTest is Test {
    address private constant BRIDGE = address(0xb41d9e);
    uint256 private constant START = 1_800_000_000;
    /// @dev In wei for each gas.
    uint256 private constant PRICE = 0.01 gwei;

    Inbox private inbox;

    function setUp() external {
        vm.warp(START);
        inbox = new Inbox(BRIDGE);
    }

    function test_a_message_is_appended() external {
        Message memory first = message(0, "one");
        vm.expectEmit();
        emit IInbox.MessageSent(0, first.sender, first);
        vm.assertEq(send(first), 0);
        bytes27 chain = Messages.append(0, Messages.hash(0, first));
        expectEntry(1, chain, START);
        vm.warp(START + 7);
        Message memory second = message(1, "two");
        vm.assertEq(send(second), 1);
        expectEntry(2, Messages.append(chain, Messages.hash(1, second)), START + 7);
        vm.assertEq(inbox.count(), 2);
        expectEntry(0, 0, 0);
        expectEntry(3, 0, 0);
    }

    function test_only_the_bridge_sends() external {
        Message memory one = message(0, "one");
        vm.expectRevert(abi.encodeWithSelector(IInbox.NotBridge.selector, address(this)));
        inbox.send(one);
        vm.assertEq(inbox.bridge(), BRIDGE);
        vm.assertEq(inbox.rollup(), address(this));
    }

    function test_more_bytes_or_gas_than_a_transaction_of_L3_takes_are_refused() external {
        Message memory long = message(0, new bytes(16_385));
        expectRefused(long, abi.encodeWithSelector(IInbox.MessageTooLong.selector, 16_385, 16_384));
        send(message(0, new bytes(16_384)));
        Message memory dear = message(5_000_001, "");
        expectRefused(dear, abi.encodeWithSelector(IInbox.MessageTooDear.selector, 5_000_001, 5_000_000));
    }

    function test_a_fee_below_what_processing_costs_is_refused() external {
        uint256 needed = (100_000 + 21_000 + 40 * 3) * PRICE;
        vm.assertEq(inbox.feeNow(21_000, 3), needed);
        Message memory one = message(21_000, "one");
        one.fee = needed - 1;
        expectRefused(one, abi.encodeWithSelector(IInbox.FeeTooLow.selector, needed - 1, needed));
        one.fee = needed;
        send(one);
    }

    function test_the_fee_doubles_with_what_comes_faster_than_it_is_processed() external {
        // 5,100,000 gas each.
        for (uint256 i = 0; i < 4; ++i) {
            vm.assertEq(inbox.feeNow(0, 0), 100_000 * PRICE);
            send(message(5_000_000, ""));
        }
        vm.assertEq(inbox.feeNow(0, 0), 100_000 * 2 * PRICE);
        // 400,000 gas above the first doubling: gone in two seconds.
        vm.warp(START + 2);
        vm.assertEq(inbox.feeNow(0, 0), 100_000 * 2 * PRICE);
        vm.warp(START + 3);
        vm.assertEq(inbox.feeNow(0, 0), 100_000 * PRICE);
        vm.warp(START + 1 days);
        send(message(5_000_000, ""));
        vm.assertEq(inbox.feeNow(0, 0), 100_000 * PRICE);
    }

    function test_a_thousand_messages_of_full_length_at_once_cost_more_than_there_is() external {
        uint256 paid;
        for (uint256 i = 0; i < 1000; ++i) {
            uint256 fee = inbox.feeNow(0, 16_384);
            paid += fee;
            send(message(0, new bytes(16_384)));
        }
        // 755,360 gas each: 37 doublings.
        vm.assertTrue(paid > 1e6 ether);
    }

    function testFuzz_whatever_a_message_says_is_in_the_hash_of_the_queue(
        Message calldata one,
        Message calldata other
    ) external pure {
        bytes27 chain = Messages.append(0, Messages.hash(0, one));
        bool same = keccak256(abi.encode(one)) == keccak256(abi.encode(other));
        vm.assertTrue((Messages.append(0, Messages.hash(0, other)) == chain) == same);
        vm.assertTrue(Messages.append(0, Messages.hash(1, one)) != chain);
        vm.assertTrue(Messages.append(chain, Messages.hash(0, one)) != chain);
    }

    function message(uint64 gasLimit, bytes memory data) private pure returns (Message memory) {
        return Message(address(1), address(2), 3, type(uint128).max, gasLimit, address(4), data);
    }

    function send(Message memory one) private returns (uint64) {
        vm.prank(BRIDGE);
        return inbox.send(one);
    }

    function expectRefused(Message memory one, bytes memory reason) private {
        vm.expectRevert(reason);
        send(one);
    }

    function expectEntry(uint64 count, bytes27 chain, uint256 timestamp) private view {
        (bytes27 found, uint40 sent) = inbox.entry(count);
        vm.assertEq(bytes32(found), bytes32(chain));
        vm.assertEq(sent, timestamp);
    }
}
