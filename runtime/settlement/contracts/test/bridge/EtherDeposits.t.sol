// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBridge} from "src/bridge/IBridge.sol";
import {IChain} from "src/bridge/IChain.sol";
import {IInbox} from "src/bridge/IInbox.sol";
import {Message, Messages} from "src/bridge/Message.sol";
import {BridgeFixture} from "./BridgeFixture.sol";
import {ChainMock, InboxMock} from "./Chains.sol";
import {RawToken} from "./Tokens.sol";

contract EtherDepositsTest is BridgeFixture {
    function testFuzz_ether_of_a_signer_comes_with_its_message(uint256 value, uint256 fee, uint32 gasLimit)
        external
    {
        (value, fee) = (bound(value, 1, 500 ether), bound(fee, 0, 500 ether));
        vm.expectEmit();
        emit IBridge.Deposited(address(first), ETHER, ALICE, BOB, value, 0);
        signedBy(ALICE);
        uint64 index = bridge.depositEther{value: value + fee}(address(first), BOB, fee, gasLimit);
        vm.assertEq(index, 0);
        expectMessage(first, 0, Message(ALICE, BOB, value, fee, gasLimit, ALICE, ""));
        vm.assertEq(bridge.deposited(address(first), ETHER), value + fee);
        vm.assertEq(bridge.deposited(address(second), ETHER), 0);
        vm.assertEq(address(bridge).balance, value + fee);
    }

    function test_ether_of_a_contract_comes_from_its_alias_and_is_the_recipients() external {
        bridge.depositEther{value: 3}(address(first), BOB, 1, 9);
        expectMessage(first, 0, Message(Messages.aliasOf(address(this)), BOB, 2, 1, 9, BOB, ""));
    }

    function test_an_account_that_others_call_by_its_delegation_is_a_contract() external {
        calledBy(ALICE);
        bridge.depositEther{value: 3}(address(first), EVE, 1, 9);
        expectMessage(first, 0, Message(Messages.aliasOf(ALICE), EVE, 2, 1, 9, EVE, ""));
    }

    function test_each_message_has_its_index() external {
        for (uint256 i = 0; i < 3; ++i) {
            vm.assertEq(bridge.depositEther{value: 1}(address(first), BOB, 0, 0), i);
        }
        vm.assertEq(bridge.depositEther{value: 1}(address(second), BOB, 0, 0), 0);
        vm.assertEq(bridge.deposited(address(first), ETHER), 3);
    }

    function test_a_deposit_of_nothing_is_refused() external {
        bytes memory reason = abi.encodeWithSelector(IBridge.EmptyDeposit.selector);
        vm.expectRevert(reason);
        bridge.depositEther(address(first), BOB, 0, 0);
        vm.expectRevert(reason);
        bridge.depositEther{value: 5}(address(first), BOB, 5, 0);
        vm.expectRevert(reason);
        bridge.depositEther{value: 5}(address(first), BOB, 6, 0);
        vm.expectRevert(reason);
        bridge.depositEther{value: 5}(address(first), BOB, type(uint256).max, 0);
        vm.expectRevert(reason);
        bridge.fund(address(first));
    }

    function test_a_deposit_to_nobody_is_refused() external {
        bytes memory reason = abi.encodeWithSelector(IBridge.NoRecipient.selector);
        vm.expectRevert(reason);
        bridge.depositEther{value: 1}(address(first), address(0), 0, 0);
        vm.expectRevert(reason);
        bridge.sendMessage{value: 1}(address(first), address(0), 1, 0, 0, ALICE, "");
        vm.expectRevert(reason);
        bridge.sendMessage{value: 1}(address(first), BOB, 1, 0, 0, address(0), "");
    }

    function testFuzz_a_message_is_sent_as_it_was_given(
        uint256 value,
        uint256 fee,
        uint64 gasLimit,
        bytes calldata data
    ) external {
        (value, fee) = (bound(value, 0, 500 ether), bound(fee, 0, 500 ether));
        signedBy(ALICE);
        bridge.sendMessage{value: value + fee}(address(first), BOB, value, fee, gasLimit, EVE, data);
        expectMessage(first, 0, Message(ALICE, BOB, value, fee, gasLimit, EVE, data));
        vm.assertEq(bridge.deposited(address(first), ETHER), value + fee);
        bridge.sendMessage{value: value + fee}(address(first), BOB, value, fee, gasLimit, EVE, data);
        address sender = Messages.aliasOf(address(this));
        expectMessage(first, 1, Message(sender, BOB, value, fee, gasLimit, EVE, data));
    }

    function test_a_message_that_carries_another_value_than_was_sent_is_refused() external {
        expectWrongValue(4, 3, 2);
        expectWrongValue(6, 3, 2);
        expectWrongValue(0, 0, 1);
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        bridge.sendMessage{value: 1}(address(first), BOB, type(uint256).max, 2, 0, ALICE, "");
    }

    function test_a_message_without_value_is_no_deposit() external {
        vm.recordLogs();
        bridge.sendMessage(address(first), BOB, 0, 0, 0, ALICE, "call");
        vm.assertEq(vm.getRecordedLogs().length, 0);
        vm.assertEq(messages(first), 1);
    }

    function test_funds_are_on_the_account_of_the_chain() external {
        vm.expectEmit();
        emit IBridge.Funded(address(first), address(this), 5);
        bridge.fund{value: 5}(address(first));
        vm.assertEq(bridge.deposited(address(first), ETHER), 5);
        vm.assertEq(messages(first), 0);
    }

    function test_ether_for_no_chain_is_refused() external {
        (bool taken,) = address(bridge).call{value: 1}("");
        vm.assertTrue(!taken);
    }

    function test_what_is_no_chain_is_refused() external {
        expectNotARollup(address(0));
        expectNotARollup(address(0xdead));
        expectNotARollup(address(bridge));
        expectNotARollup(address(token));
        expectNotARollup(address(4));
    }

    function test_a_chain_that_does_not_answer_in_one_word_is_refused() external {
        // It is its own inbox.
        RawToken raw = new RawToken();
        expectNotARollup(address(raw));
        bytes4[3] memory questions = [IChain.inbox.selector, IInbox.bridge.selector, IInbox.rollup.selector];
        address[3] memory answers = [address(raw), address(bridge), address(raw)];
        for (uint256 i = 0; i < 3; ++i) {
            raw.answer(questions[i], abi.encode(answers[i]));
        }
        bridge.fund{value: 1}(address(raw));
        vm.assertEq(bridge.deposited(address(raw), ETHER), 1);
        for (uint256 i = 0; i < 3; ++i) {
            raw.answer(questions[i], abi.encode(answers[i], 0));
            expectNotARollup(address(raw));
            raw.answer(questions[i], abi.encodePacked(uint88(0), answers[i]));
            expectNotARollup(address(raw));
            raw.answer(questions[i], abi.encode(answers[i]));
        }
        raw.bomb(IChain.inbox.selector, 1_000_000);
        expectNotARollup(address(raw));
    }

    function test_a_chain_whose_inbox_is_of_another_bridge_is_refused() external {
        InboxMock(first.inbox()).say(address(0xb41d6e), address(first));
        expectNotARollup(address(first));
    }

    function test_a_chain_with_the_inbox_of_another_is_refused() external {
        second.setInbox(first.inbox());
        expectNotARollup(address(second));
        first.setInbox(address(0));
        expectNotARollup(address(first));
        first.setInbox(ALICE);
        expectNotARollup(address(first));
    }

    function test_what_the_inbox_refuses_is_not_deposited() external {
        InboxMock inbox = InboxMock(first.inbox());
        inbox.refuse(abi.encodeWithSelector(IInbox.MessageTooLong.selector, 2, 1));
        vm.expectRevert(abi.encodeWithSelector(IInbox.MessageTooLong.selector, 2, 1));
        bridge.depositEther{value: 1}(address(first), BOB, 0, 0);
        vm.assertEq(bridge.deposited(address(first), ETHER), 0);
    }

    function expectNotARollup(address rollup) private {
        bytes memory reason = abi.encodeWithSelector(IBridge.NotARollup.selector, rollup);
        vm.expectRevert(reason);
        bridge.depositEther{value: 1}(rollup, BOB, 0, 0);
        vm.expectRevert(reason);
        bridge.sendMessage{value: 1}(rollup, BOB, 1, 0, 0, ALICE, "");
        vm.expectRevert(reason);
        bridge.fund{value: 1}(rollup);
    }

    function expectWrongValue(uint256 sent, uint256 value, uint256 fee) private {
        vm.expectRevert(abi.encodeWithSelector(IBridge.WrongValue.selector, sent, value + fee));
        bridge.sendMessage{value: sent}(address(first), BOB, value, fee, 0, ALICE, "");
    }

    function expectMessage(ChainMock chain, uint256 index, Message memory expected) private view {
        vm.assertEq(messages(chain), index + 1);
        vm.assertEq(abi.encode(messageAt(chain, index)), abi.encode(expected));
    }
}
