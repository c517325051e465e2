// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Message} from "src/bridge/Message.sol";
import {Withdrawal, Withdrawals} from "src/bridge/Withdrawal.sol";
import {IL3Bridge} from "src/l3/IL3Bridge.sol";
import {L3Token} from "src/l3/L3Token.sol";
import {Predeploys} from "src/l3/Predeploys.sol";
import {L3Fixture} from "./L3Fixture.sol";

/// @notice ETH, tokens and calls leave.
contract WithdrawalsTest is L3Fixture {
    address private constant CHAIN = address(0xC4A1);
    L3Token private immutable twin = L3Token(Predeploys.twinOf(TOKEN));

    function setUp() public override {
        super.setUp();
        process(deposit(TOKEN, ALICE, 100));
        process(ether_(ALICE, 100, 0));
    }

    function test_ETH_leaves_by_a_withdrawal_and_goes_back_to_the_inbox() external {
        Withdrawal memory expected = expectSent(BOB, address(0), 7, "");
        vm.prank(ALICE);
        vm.assertEq(BRIDGE.withdrawEther{value: 7}(BOB), 0);
        expectKept(expected);
        vm.assertEq(Predeploys.L3_INBOX.balance, POOL - 93);
        vm.assertEq(Predeploys.L3_BRIDGE.balance, 0);
    }

    function test_a_token_leaves_and_is_burned_without_an_allowance() external {
        Withdrawal memory expected = expectSent(BOB, TOKEN, 7, "");
        vm.prank(ALICE);
        vm.assertEq(BRIDGE.withdraw(TOKEN, BOB, 7), 0);
        expectKept(expected);
        vm.assertEq(twin.balanceOf(ALICE), 93);
        vm.assertEq(twin.totalSupply(), 93);
    }

    function test_a_call_leaves_with_ETH_and_without() external {
        Withdrawal memory expected = expectSent(BOB, address(0), 7, "hello");
        vm.prank(ALICE);
        BRIDGE.sendMessage{value: 7}(BOB, 0, "hello");
        expectKept(expected);
        vm.prank(ALICE);
        vm.assertEq(BRIDGE.sendMessage(BOB, 0, "again"), 1);
    }

    function test_ETH_a_call_and_a_token_leave_for_another_chain() external {
        Withdrawal memory expected = withdrawalOf(BOB, address(0), 7, "hello");
        (expected.destination, expected.fee, expected.gasLimit) = (CHAIN, 2, 90_000);
        expectSent(expected);
        vm.prank(ALICE);
        BRIDGE.sendToChain{value: 9}(CHAIN, BOB, address(0), 7, 2, 90_000, "hello");
        expectKept(expected);
        expected = withdrawalOf(BOB, TOKEN, 7, "");
        (expected.id, expected.destination, expected.fee, expected.gasLimit) = (1, CHAIN, 2, 90_000);
        expectSent(expected);
        vm.prank(ALICE);
        BRIDGE.sendToChain{value: 2}(CHAIN, BOB, TOKEN, 7, 2, 90_000, "");
        expectKept(expected);
        vm.assertEq(twin.balanceOf(ALICE), 93);
        vm.assertEq(Predeploys.L3_INBOX.balance, POOL - 100 + 11);
        vm.assertEq(Predeploys.L3_BRIDGE.balance, 0);
    }

    function test_withdrawals_are_numbered_and_equal_ones_are_told_apart() external {
        vm.prank(ALICE);
        vm.assertEq(BRIDGE.withdrawEther{value: 7}(BOB), 0);
        vm.prank(ALICE);
        vm.assertEq(BRIDGE.withdrawEther{value: 7}(BOB), 1);
        Withdrawal memory second = withdrawalOf(BOB, address(0), 7, "");
        vm.assertTrue(BRIDGE.isSent(Withdrawals.hash(second)));
        second.id = 1;
        vm.assertTrue(BRIDGE.isSent(Withdrawals.hash(second)));
        second.id = 2;
        vm.assertFalse(BRIDGE.isSent(Withdrawals.hash(second)));
        vm.assertEq(BRIDGE.withdrawals(), 2);
    }

    function test_a_message_from_L2_may_send_ETH_straight_back() external {
        Message memory message =
            to(Predeploys.L3_BRIDGE, abi.encodeCall(IL3Bridge.sendMessage, (BOB, 0, "hello")));
        message.value = 5;
        uint256 before = Predeploys.L3_INBOX.balance;
        process(message);
        Withdrawal memory expected = withdrawalOf(BOB, address(0), 5, "hello");
        expected.sender = Predeploys.L3_INBOX;
        vm.assertTrue(BRIDGE.isSent(Withdrawals.hash(expected)));
        vm.assertEq(Predeploys.L3_INBOX.balance, before);
    }

    function testFuzz_that_a_withdrawal_was_sent_is_its_slot(
        address recipient,
        uint256 amount,
        bytes memory data
    ) external {
        vm.assume(recipient != address(0));
        amount = bound(amount, 1, 100);
        Withdrawal memory expected = withdrawalOf(recipient, address(0), amount, data);
        vm.assertEq(vm.load(Predeploys.L3_BRIDGE, Withdrawals.slot(Withdrawals.hash(expected))), 0);
        vm.prank(ALICE);
        BRIDGE.sendMessage{value: amount}(recipient, 0, data);
        expectKept(expected);
    }

    function expectSent(address recipient, address token, uint256 amount, bytes memory data)
        private
        returns (Withdrawal memory expected)
    {
        expected = withdrawalOf(recipient, token, amount, data);
        expectSent(expected);
    }

    function expectSent(Withdrawal memory expected) private {
        vm.expectEmit();
        emit IL3Bridge.WithdrawalSent(expected.id, ALICE, Withdrawals.hash(expected), expected);
    }

    function expectKept(Withdrawal memory expected) private view {
        bytes32 what = Withdrawals.hash(expected);
        vm.assertTrue(BRIDGE.isSent(what));
        vm.assertEq(uint256(vm.load(Predeploys.L3_BRIDGE, Withdrawals.slot(what))), 1);
        vm.assertEq(BRIDGE.withdrawals(), expected.id + 1);
        vm.assertEq(uint256(vm.load(Predeploys.L3_BRIDGE, bytes32(uint256(1)))), expected.id + 1);
    }

    function withdrawalOf(address recipient, address token, uint256 amount, bytes memory data)
        private
        pure
        returns (Withdrawal memory out)
    {
        (out.sender, out.recipient, out.token, out.amount, out.data) = (ALICE, recipient, token, amount, data);
    }
}
