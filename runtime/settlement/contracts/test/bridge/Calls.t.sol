// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Executor} from "src/bridge/Executor.sol";
import {IBridge} from "src/bridge/IBridge.sol";
import {Messages} from "src/bridge/Message.sol";
import {Withdrawal} from "src/bridge/Withdrawal.sol";
import {BridgeFixture} from "./BridgeFixture.sol";
import {Bomb, Recipient} from "./Recipients.sol";

contract CallsTest is BridgeFixture {
    Recipient private recipient = new Recipient(bridge);
    address private executor = bridge.executor();

    function testFuzz_a_recipient_is_called_and_knows_by_whom(uint256 amount, bytes memory data) external {
        amount = bound(amount, 0, 100 ether);
        give(address(first), 100 ether);
        // No function of the recipient.
        data = bytes.concat(hex"ffffffff", data);
        claim(first, callTo(address(recipient), amount, data));
        vm.assertEq(recipient.caller(), executor);
        vm.assertEq(recipient.value(), amount);
        vm.assertEq(recipient.data(), data);
        expectSender(0, address(first), ALICE);
        expectNoSender();
        vm.assertEq(bridge.deposited(address(first), ETHER), 100 ether - amount);
        vm.assertEq(executor.balance, 0);
    }

    function test_a_payment_is_no_call() external {
        give(address(first), 10);
        claim(first, etherTo(address(recipient), 5));
        vm.assertEq(recipient.caller(), address(bridge));
        expectSender(0, address(0), address(0));
    }

    function test_each_of_two_calls_one_within_the_other_knows_its_sender() external {
        give(address(lying), 10);
        Recipient inner = new Recipient(bridge);
        Withdrawal memory within = callTo(address(inner), 3, "inner");
        within.sender = EVE;
        recipient.answerWith(address(bridge), 0, claimCall(address(lying), within));
        claim(first, callTo(address(recipient), 0, "outer"));
        vm.assertTrue(recipient.done());
        vm.assertEq(inner.rollup(0), address(lying));
        vm.assertEq(inner.sender(0), EVE);
        expectSender(0, address(first), ALICE);
        expectSender(1, address(first), ALICE);
        expectNoSender();
    }

    function test_a_call_within_a_payment_knows_its_sender() external {
        give(address(first), 10);
        Recipient inner = new Recipient(bridge);
        recipient.answerWith(address(bridge), 0, claimCall(address(lying), callTo(address(inner), 0, "call")));
        claim(first, etherTo(address(recipient), 5));
        vm.assertTrue(recipient.done());
        vm.assertEq(inner.sender(0), ALICE);
        expectSender(1, address(0), address(0));
    }

    function test_a_recipient_sends_back_what_it_was_paid() external {
        give(address(first), 10);
        bytes memory back = abi.encodeCall(IBridge.depositEther, (address(first), BOB, 0, 0));
        recipient.answerWith(address(bridge), 5, back);
        claim(first, callTo(address(recipient), 5, "swap"));
        vm.assertTrue(recipient.done());
        vm.assertEq(bridge.deposited(address(first), ETHER), 10);
        vm.assertEq(messageAt(first, 0).sender, Messages.aliasOf(address(recipient)));
    }

    function test_a_call_that_fails_can_be_made_later() external {
        give(address(first), 10);
        Withdrawal memory withdrawal = callTo(address(recipient), 5, "call");
        recipient.refuse("no");
        expectRefused(first, withdrawal, recipientFailed(address(recipient), "no"));
        vm.assertEq(executor.balance, 0);
        vm.assertEq(bridge.deposited(address(first), ETHER), 10);
        expectNoSender();
        recipient.relent();
        claim(first, withdrawal);
        vm.assertEq(address(recipient).balance, 5);
    }

    function test_what_a_called_recipient_returns_is_cut() external {
        give(address(first), 10);
        Bomb bomb = new Bomb(100_000, true);
        bytes memory reason = recipientFailed(address(bomb), new bytes(1024));
        expectRefused(first, callTo(address(bomb), 5, "call"), reason);
        Bomb loud = new Bomb(100_000, false);
        claim(first, callTo(address(loud), 5, "call"));
        vm.assertEq(address(loud).balance, 5);
    }

    function test_an_account_without_code_is_called_in_vain() external {
        give(address(first), 10);
        claim(first, callTo(BOB, 5, "call"));
        vm.assertEq(BOB.balance, 5);
    }

    /// @notice It is the executor that calls, and it may take nothing from the bridge.
    function test_a_call_takes_no_tokens_from_the_bridge() external {
        giveToken(address(second), token, 100);
        bytes memory data = abi.encodeCall(IERC20.transferFrom, (address(bridge), EVE, 100));
        bytes memory reason =
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, executor, 0, 100);
        expectRefused(first, callTo(address(token), 0, data), recipientFailed(address(token), reason));
        reason = abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, executor, 0, 100);
        data = abi.encodeCall(IERC20.transfer, (EVE, 100));
        expectRefused(first, callTo(address(token), 0, data), recipientFailed(address(token), reason));
        claim(first, callTo(address(token), 0, abi.encodeCall(IERC20.approve, (EVE, 100))));
        vm.assertEq(token.allowance(address(bridge), EVE), 0);
        vm.assertEq(token.balanceOf(address(bridge)), 100);
    }

    /// @notice What people allowed the bridge to take, it takes from its caller only.
    function test_a_call_deposits_no_tokens_of_others() external {
        token.mint(ALICE, 100);
        signedBy(ALICE);
        token.approve(address(bridge), 100);
        address twin = bridge.twinOf(address(token));
        bytes memory data =
            abi.encodeCall(IBridge.deposit, (address(lying), address(token), twin, EVE, 100, 0));
        bytes memory reason =
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(bridge), 0, 100);
        expectRefused(first, callTo(address(bridge), 0, data), recipientFailed(address(bridge), reason));
        vm.assertEq(token.balanceOf(ALICE), 100);
    }

    function test_a_call_by_the_executor_comes_from_its_alias() external {
        give(address(first), 10);
        bytes memory data = abi.encodeCall(IBridge.sendMessage, (address(second), BOB, 5, 0, 0, EVE, ""));
        claim(first, callTo(address(bridge), 5, data));
        vm.assertEq(messageAt(second, 0).sender, Messages.aliasOf(executor));
        vm.assertEq(bridge.deposited(address(second), ETHER), 5);
    }

    /// @notice So its address follows from the bridge's, which is one on all L2s.
    function test_the_executor_is_the_first_contract_that_the_bridge_created() external view {
        bytes32 hash = keccak256(abi.encodePacked(hex"d694", address(bridge), hex"01"));
        vm.assertEq(executor, address(uint160(uint256(hash))));
    }

    function test_only_the_bridge_has_calls_made() external {
        vm.expectRevert(abi.encodeWithSelector(Executor.NotBridge.selector, address(this)));
        Executor(executor).execute(ALICE, "call");
        bytes memory data = abi.encodeCall(Executor.execute, (address(recipient), "call"));
        bytes memory reason = abi.encodeWithSelector(Executor.NotBridge.selector, executor);
        expectRefused(first, callTo(executor, 0, data), recipientFailed(executor, reason));
    }

    /// @notice Whoever gives too little gas for a call does not use it up.
    function testFuzz_too_little_gas_leaves_a_call_to_be_made(uint256 gas) external {
        give(address(first), 10);
        Withdrawal memory withdrawal = callTo(address(recipient), 5, "call");
        first.prove(proofOf(withdrawal).stateRoot);
        (bool claimed,) =
            address(bridge).call{gas: bound(gas, 30_000, 400_000)}(claimCall(address(first), withdrawal));
        vm.assertEq(address(recipient).balance, claimed ? 5 : 0);
        if (!claimed) claim(first, withdrawal);
        vm.assertEq(recipient.data(), "call");
    }

    function expectSender(uint256 when, address rollup, address sender) private view {
        vm.assertEq(recipient.rollup(when), rollup);
        vm.assertEq(recipient.sender(when), sender);
    }

    function expectNoSender() private view {
        (address rollup, address sender) = bridge.messageSender();
        vm.assertEq(rollup, address(0));
        vm.assertEq(sender, address(0));
    }

    function recipientFailed(address failed, bytes memory reason) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IBridge.RecipientFailed.selector, failed, reason);
    }
}
