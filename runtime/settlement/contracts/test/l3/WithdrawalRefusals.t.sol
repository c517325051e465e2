// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IL3Bridge} from "src/l3/IL3Bridge.sol";
import {L3Token} from "src/l3/L3Token.sol";
import {Predeploys} from "src/l3/Predeploys.sol";
import {L3Fixture} from "./L3Fixture.sol";

/// @notice What may not leave.
contract WithdrawalRefusalsTest is L3Fixture {
    address private constant CHAIN = address(0xC4A1);
    L3Token private immutable twin = L3Token(Predeploys.twinOf(TOKEN));

    function setUp() public override {
        super.setUp();
        process(deposit(TOKEN, ALICE, 100));
        process(ether_(ALICE, 100, 0));
    }

    function test_nothing_to_carry_is_refused() external {
        bytes memory reason = abi.encodeWithSelector(IL3Bridge.EmptyWithdrawal.selector);
        vm.expectRevert(reason);
        BRIDGE.withdrawEther(BOB);
        vm.expectRevert(reason);
        BRIDGE.withdraw(TOKEN, BOB, 0);
        vm.expectRevert(reason);
        BRIDGE.sendMessage(BOB, 0, "");
        vm.expectRevert(reason);
        vm.prank(ALICE);
        BRIDGE.sendToChain{value: 2}(CHAIN, BOB, address(0), 0, 2, 0, "");
        vm.expectRevert(reason);
        vm.prank(ALICE);
        BRIDGE.sendToChain{value: 2}(CHAIN, BOB, TOKEN, 0, 2, 0, "");
    }

    function test_nobody_to_get_it_is_refused() external {
        bytes memory reason = abi.encodeWithSelector(IL3Bridge.NoRecipient.selector);
        vm.expectRevert(reason);
        vm.prank(ALICE);
        BRIDGE.withdrawEther{value: 1}(address(0));
        vm.expectRevert(reason);
        vm.prank(ALICE);
        BRIDGE.withdraw(TOKEN, address(0), 1);
        vm.expectRevert(reason);
        BRIDGE.sendMessage(address(0), 0, "hello");
        vm.expectRevert(reason);
        vm.prank(ALICE);
        BRIDGE.sendToChain{value: 1}(CHAIN, address(0), address(0), 1, 0, 0, "");
        vm.expectRevert(reason);
        vm.prank(ALICE);
        BRIDGE.sendToChain(CHAIN, address(0), TOKEN, 1, 0, 0, "");
        vm.assertEq(twin.balanceOf(ALICE), 100);
    }

    function test_other_ETH_than_amount_and_fee_is_refused() external {
        expectWrongValue(8, 7, 2, address(0), 9);
        expectWrongValue(10, 7, 2, address(0), 9);
        expectWrongValue(9, 7, 2, TOKEN, 2);
        expectWrongValue(0, 7, 2, TOKEN, 2);
        expectWrongValue(1, 2, type(uint256).max, address(0), type(uint256).max);
        expectWrongValue(1, type(uint256).max, 2, address(0), type(uint256).max);
    }

    function test_data_is_32_kilobytes_at_most_and_none_beside_tokens() external {
        BRIDGE.sendMessage(BOB, 0, new bytes(16_384));
        vm.assertEq(BRIDGE.withdrawals(), 1);
        bytes4 reason = IL3Bridge.DataTooLong.selector;
        vm.expectRevert(abi.encodeWithSelector(reason, 16_385, 16_384));
        BRIDGE.sendMessage(BOB, 0, new bytes(16_385));
        vm.expectRevert(abi.encodeWithSelector(reason, 16_385, 16_384));
        BRIDGE.sendToChain(CHAIN, BOB, address(0), 0, 0, 0, new bytes(16_385));
        vm.expectRevert(abi.encodeWithSelector(reason, 1, 0));
        vm.prank(ALICE);
        BRIDGE.sendToChain(CHAIN, BOB, TOKEN, 1, 0, 0, "x");
    }

    function test_no_chain_is_no_other_chain() external {
        vm.expectRevert(abi.encodeWithSelector(IL3Bridge.NoFeeOnL2.selector));
        vm.prank(ALICE);
        BRIDGE.sendToChain{value: 3}(address(0), BOB, address(0), 3, 0, 0, "");
    }

    function test_more_gas_than_another_chain_gives_a_call_is_refused() external {
        vm.expectRevert(abi.encodeWithSelector(IL3Bridge.TooMuchGas.selector, 5_000_001, 5_000_000));
        vm.prank(ALICE);
        BRIDGE.sendToChain{value: 3}(address(7), BOB, address(0), 3, 0, 5_000_001, "");
        vm.prank(ALICE);
        BRIDGE.sendToChain{value: 3}(address(7), BOB, address(0), 3, 0, 5_000_000, "");
        vm.assertEq(BRIDGE.withdrawals(), 1);
    }

    function test_a_token_that_was_never_deposited_is_refused() external {
        bytes memory reason = abi.encodeWithSelector(IL3Bridge.NotATwin.selector, Predeploys.twinOf(BOB));
        vm.expectRevert(reason);
        BRIDGE.withdraw(BOB, BOB, 1);
        vm.expectRevert(reason);
        BRIDGE.sendToChain(CHAIN, BOB, BOB, 1, 0, 0, "");
        reason = abi.encodeWithSelector(IL3Bridge.NotATwin.selector, Predeploys.twinOf(address(0)));
        vm.expectRevert(reason);
        BRIDGE.withdraw(address(0), BOB, 1);
    }

    function test_more_than_the_balance_is_refused() external {
        bytes memory reason =
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, ALICE, 100, 101);
        vm.expectRevert(reason);
        vm.prank(ALICE);
        BRIDGE.withdraw(TOKEN, BOB, 101);
        vm.expectRevert(reason);
        vm.prank(ALICE);
        BRIDGE.sendToChain(CHAIN, BOB, TOKEN, 101, 0, 0, "");
        vm.assertEq(BRIDGE.withdrawals(), 0);
    }

    function test_ETH_beside_a_tokens_withdrawal_is_refused() external {
        vm.prank(ALICE);
        (bool done,) = Predeploys.L3_BRIDGE.call{value: 1}(abi.encodeCall(BRIDGE.withdraw, (TOKEN, BOB, 1)));
        vm.assertFalse(done);
        vm.prank(ALICE);
        (done,) = Predeploys.L3_BRIDGE.call{value: 1}("");
        vm.assertFalse(done);
    }

    function expectWrongValue(uint256 value, uint256 amount, uint256 fee, address token, uint256 expected)
        private
    {
        vm.expectRevert(abi.encodeWithSelector(IL3Bridge.WrongValue.selector, value, expected));
        vm.prank(ALICE);
        BRIDGE.sendToChain{value: value}(CHAIN, BOB, token, amount, fee, 0, "");
    }
}
