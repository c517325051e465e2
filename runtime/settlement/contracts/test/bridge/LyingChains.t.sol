// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBridge} from "src/bridge/IBridge.sol";
import {Message, Messages} from "src/bridge/Message.sol";
import {Withdrawal} from "src/bridge/Withdrawal.sol";
import {IL3Bridge} from "src/l3/IL3Bridge.sol";
import {Predeploys} from "src/l3/Predeploys.sol";
import {BridgeFixture} from "./BridgeFixture.sol";

/// @notice A chain whose contracts do anything takes nothing of what others may pay out.
contract LyingChainsTest is BridgeFixture {
    function setUp() external {
        give(address(first), 100);
        giveToken(address(first), token, 100);
    }

    function test_it_takes_no_more_than_it_was_given() external {
        give(address(lying), 10);
        giveToken(address(lying), token, 10);
        Withdrawal memory withdrawal = etherTo(EVE, 11);
        expectRefusedWith(
            address(lying), withdrawal, proofOf(withdrawal), aboveDeposits(address(lying), ETHER, 11, 10)
        );
        withdrawal = tokenTo(address(token), EVE, 11);
        expectRefusedWith(
            address(lying),
            withdrawal,
            proofOf(withdrawal),
            aboveDeposits(address(lying), address(token), 11, 10)
        );
        lie(etherTo(EVE, 10));
        lie(tokenTo(address(token), EVE, 10));
        vm.assertEq(EVE.balance, 10);
        vm.assertEq(token.balanceOf(EVE), 10);
        expectUntouched();
    }

    function test_it_gives_another_chain_no_more_than_it_was_given() external {
        Withdrawal memory withdrawal = etherTo(EVE, 1);
        withdrawal.destination = address(first);
        bytes memory reason = aboveDeposits(address(lying), ETHER, 1, 0);
        expectRefusedWith(address(lying), withdrawal, proofOf(withdrawal), reason);
        withdrawal.token = address(token);
        reason = aboveDeposits(address(lying), address(token), 1, 0);
        expectRefusedWith(address(lying), withdrawal, proofOf(withdrawal), reason);
        vm.assertEq(messages(first), 1);
        expectUntouched();
    }

    /// @notice Else a deposit to it would be a message for the other chain to pay, and stay to be taken out here.
    function test_it_puts_no_messages_into_the_inbox_of_another_chain() external {
        lying.setInbox(first.inbox());
        bytes memory reason = abi.encodeWithSelector(IBridge.NotARollup.selector, address(lying));
        vm.expectRevert(reason);
        bridge.depositEther{value: 5}(address(lying), EVE, 0, 0);
        vm.expectRevert(reason);
        bridge.sendMessage{value: 5}(address(lying), EVE, 5, 0, 0, EVE, "");
        vm.assertEq(messages(first), 1);
    }

    function test_it_mints_no_tokens_on_another_chain() external {
        bytes memory forged = abi.encodeCall(IL3Bridge.finalizeDeposit, (address(token), EVE, EVE, 100, ""));
        Withdrawal memory withdrawal = callTo(Predeploys.L3_BRIDGE, 0, forged);
        (withdrawal.destination, withdrawal.sender) = (address(first), address(bridge));
        lie(withdrawal);
        Message memory message = messageAt(first, 1);
        vm.assertEq(message.sender, Messages.aliasOf(address(lying), address(bridge)));
        vm.assertTrue(message.sender != Messages.aliasOf(address(bridge)));
    }

    function test_it_speaks_for_no_account_of_another_chain() external {
        Withdrawal memory withdrawal = callTo(BOB, 0, "call");
        withdrawal.destination = address(second);
        lie(withdrawal);
        claim(first, withdrawal);
        vm.assertTrue(messageAt(second, 0).sender != messageAt(second, 1).sender);
    }

    function test_a_message_that_it_answers_with_a_claim_is_counted_once() external {
        Withdrawal memory withdrawal = etherTo(EVE, 5);
        lying.answerMessagesWith(address(bridge), claimCall(address(lying), withdrawal));
        bridge.depositEther{value: 5}(address(lying), EVE, 0, 0);
        vm.assertEq(EVE.balance, 5);
        vm.assertEq(bridge.deposited(address(lying), ETHER), 0);
        (bool claimed,) = address(bridge).call(claimCall(address(lying), withdrawal));
        vm.assertTrue(!claimed);
        expectUntouched();
    }

    function test_a_deposit_of_tokens_that_it_answers_with_a_claim_is_counted_once() external {
        Withdrawal memory withdrawal = tokenTo(address(token), EVE, 5);
        lying.answerMessagesWith(address(bridge), claimCall(address(lying), withdrawal));
        giveToken(address(lying), token, 5);
        vm.assertEq(token.balanceOf(EVE), 5);
        vm.assertEq(bridge.deposited(address(lying), address(token)), 0);
        expectUntouched();
    }

    function test_what_is_handed_over_to_it_is_claimed_once() external {
        Withdrawal memory withdrawal = etherTo(EVE, 5);
        withdrawal.destination = address(lying);
        lying.answerMessagesWith(address(bridge), claimCall(address(lying), etherTo(EVE, 5)));
        claim(first, withdrawal);
        vm.assertEq(EVE.balance, 5);
        vm.assertEq(bridge.deposited(address(lying), ETHER), 0);
        vm.assertEq(bridge.deposited(address(first), ETHER), 95);
        vm.assertEq(address(bridge).balance, 95);
    }

    function test_a_claim_within_a_claim_is_refused() external {
        Withdrawal memory withdrawal = etherTo(EVE, 5);
        withdrawal.destination = address(lying);
        first.prove(proofOf(withdrawal).stateRoot);
        bytes memory again = claimCall(address(first), withdrawal);
        lying.answerMessagesWith(address(bridge), again);
        (bool claimed, bytes memory reason) = address(bridge).call(again);
        vm.assertTrue(!claimed);
        vm.assertEq(bytes32(bytes4(reason)), bytes32(IBridge.AlreadyFinalized.selector));
        expectUntouched();
    }

    function lie(Withdrawal memory withdrawal) private {
        claimWith(address(lying), withdrawal, proofOf(withdrawal));
    }

    function expectUntouched() private view {
        vm.assertEq(bridge.deposited(address(first), ETHER), 100);
        vm.assertEq(bridge.deposited(address(first), address(token)), 100);
        vm.assertTrue(address(bridge).balance >= 100);
        vm.assertTrue(token.balanceOf(address(bridge)) >= 100);
    }
}
