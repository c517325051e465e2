// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBridge} from "src/bridge/IBridge.sol";
import {IInbox} from "src/bridge/IInbox.sol";
import {Message, Messages} from "src/bridge/Message.sol";
import {Withdrawal} from "src/bridge/Withdrawal.sol";
import {IL3Bridge} from "src/l3/IL3Bridge.sol";
import {Predeploys} from "src/l3/Predeploys.sol";
import {BridgeFixture} from "./BridgeFixture.sol";
import {ChainMock, InboxMock} from "./Chains.sol";

contract ChainToChainTest is BridgeFixture {
    function testFuzz_ether_goes_from_account_to_account_with_a_message(
        uint256 amount,
        uint256 fee,
        uint64 gasLimit,
        bytes calldata data
    ) external {
        (amount, fee) = (bound(amount, 1, 100 ether), bound(fee, 0, 100 ether));
        give(address(first), 200 ether);
        give(address(second), 1 ether);
        Withdrawal memory withdrawal = callTo(BOB, amount, data);
        (withdrawal.destination, withdrawal.fee, withdrawal.gasLimit) = (address(second), fee, gasLimit);
        address sender = Messages.aliasOf(address(first), ALICE);
        first.prove(proofOf(withdrawal).stateRoot);
        vm.expectEmit();
        emit IBridge.Deposited(address(second), ETHER, sender, BOB, amount, 0);
        claimWith(address(first), withdrawal, proofOf(withdrawal));
        expectMessage(second, Message(sender, BOB, amount, fee, gasLimit, BOB, data));
        vm.assertEq(bridge.deposited(address(first), ETHER), 200 ether - amount - fee);
        vm.assertEq(bridge.deposited(address(second), ETHER), 1 ether + amount + fee);
        vm.assertEq(BOB.balance, 0);
        vm.assertEq(address(bridge).balance, 201 ether);
        expectRefusedAgain(withdrawal);
    }

    function testFuzz_a_token_goes_from_account_to_account_with_a_message(
        uint256 amount,
        uint256 fee,
        uint64 gasLimit
    ) external {
        (amount, fee) = (bound(amount, 1, 100 ether), bound(fee, 0, 100 ether));
        giveToken(address(first), token, 100 ether);
        give(address(first), 100 ether);
        Withdrawal memory withdrawal = toSecond(tokenTo(address(token), BOB, amount), fee);
        withdrawal.gasLimit = gasLimit;
        claim(first, withdrawal);
        bytes memory metadata = abi.encode("Plain Token", "PLAIN", uint8(6));
        bytes memory data =
            abi.encodeCall(IL3Bridge.finalizeDeposit, (address(token), BOB, BOB, amount, metadata));
        address sender = Messages.aliasOf(address(bridge));
        uint64 most = gasLimit > 500_000 ? gasLimit : 500_000;
        expectMessage(second, Message(sender, Predeploys.L3_BRIDGE, 0, fee, most, address(0), data));
        vm.assertEq(bridge.deposited(address(first), address(token)), 100 ether - amount);
        vm.assertEq(bridge.deposited(address(second), address(token)), amount);
        vm.assertEq(bridge.deposited(address(first), ETHER), 100 ether - fee);
        vm.assertEq(bridge.deposited(address(second), ETHER), fee);
        vm.assertEq(token.balanceOf(address(bridge)), 100 ether);
        expectRefusedAgain(withdrawal);
    }

    function test_a_token_that_went_to_another_chain_is_paid_from_there() external {
        giveToken(address(first), token, 100);
        claim(first, toSecond(tokenTo(address(token), BOB, 60), 0));
        Withdrawal memory withdrawal = tokenTo(address(token), BOB, 61);
        expectRefused(second, withdrawal, aboveDeposits(address(second), address(token), 61, 60));
        withdrawal.amount = 60;
        claim(second, withdrawal);
        claim(first, tokenTo(address(token), BOB, 40));
        vm.assertEq(token.balanceOf(BOB), 100);
    }

    function test_a_call_carries_nothing_if_it_need_not() external {
        Withdrawal memory withdrawal = toSecond(callTo(BOB, 0, "call"), 0);
        claim(first, withdrawal);
        expectMessage(second, Message(Messages.aliasOf(address(first), ALICE), BOB, 0, 0, 0, BOB, "call"));
    }

    function test_a_chain_sends_to_itself() external {
        give(address(first), 10);
        Withdrawal memory withdrawal = etherTo(BOB, 6);
        (withdrawal.destination, withdrawal.fee) = (address(first), 4);
        claim(first, withdrawal);
        vm.assertEq(bridge.deposited(address(first), ETHER), 10);
        vm.assertEq(messages(first), 1);
    }

    function test_a_fee_above_the_deposits_is_refused() external {
        give(address(first), 10);
        give(address(second), 100);
        giveToken(address(first), token, 10);
        bytes memory reason = aboveDeposits(address(first), ETHER, 5, 4);
        expectRefused(first, toSecond(etherTo(BOB, 6), 5), reason);
        reason = aboveDeposits(address(first), ETHER, 11, 10);
        expectRefused(first, toSecond(tokenTo(address(token), BOB, 10), 11), reason);
        reason = aboveDeposits(address(first), ETHER, type(uint256).max, 9);
        expectRefused(first, toSecond(etherTo(BOB, 1), type(uint256).max), reason);
    }

    function test_what_goes_to_no_chain_is_paid_here() external {
        give(address(first), 10);
        Withdrawal memory withdrawal = callTo(BOB, 6, "call");
        withdrawal.destination = ALICE;
        claim(first, withdrawal);
        vm.assertEq(BOB.balance, 6);
        vm.assertEq(bridge.deposited(address(first), ETHER), 4);
        // Nor to one whose inbox is another's.
        ChainMock other = new ChainMock(address(bridge));
        other.setInbox(second.inbox());
        withdrawal = etherTo(BOB, 4);
        withdrawal.destination = address(other);
        claim(first, withdrawal);
        vm.assertEq(BOB.balance, 10);
    }

    function test_what_the_other_chains_inbox_refuses_can_go_later() external {
        give(address(first), 10);
        Withdrawal memory withdrawal = toSecond(etherTo(BOB, 6), 0);
        bytes memory reason = abi.encodeWithSelector(IInbox.MessageTooDear.selector, 2, 1);
        InboxMock(second.inbox()).refuse(reason);
        expectRefused(first, withdrawal, reason);
        InboxMock(second.inbox()).refuse("");
        claim(first, withdrawal);
        vm.assertEq(bridge.deposited(address(second), ETHER), 6);
    }

    /// @notice No account of another chain is taken for one of L2, for a contract of L2, or for one of a third chain.
    function testFuzz_senders_on_other_chains_are_told_apart(
        address rollup,
        address account,
        address otherRollup,
        address other
    ) external pure {
        address sender = Messages.aliasOf(rollup, account);
        vm.assertTrue(sender != account && sender != other && sender != Messages.aliasOf(other));
        bool same = rollup == otherRollup && account == other;
        vm.assertTrue((sender == Messages.aliasOf(otherRollup, other)) == same);
    }

    function expectMessage(ChainMock chain, Message memory expected) private view {
        vm.assertEq(messages(chain), 1);
        vm.assertEq(abi.encode(messageAt(chain, 0)), abi.encode(expected));
    }

    function expectRefusedAgain(Withdrawal memory withdrawal) private {
        (bool claimed, bytes memory reason) = address(bridge).call(claimCall(address(first), withdrawal));
        vm.assertTrue(!claimed);
        vm.assertEq(bytes32(bytes4(reason)), bytes32(IBridge.AlreadyFinalized.selector));
    }

    function toSecond(Withdrawal memory withdrawal, uint256 fee) private view returns (Withdrawal memory) {
        (withdrawal.destination, withdrawal.fee) = (address(second), fee);
        return withdrawal;
    }
}
