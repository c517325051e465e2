// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Message, Messages} from "src/bridge/Message.sol";
import {Withdrawal, Withdrawals} from "src/bridge/Withdrawal.sol";
import {IL3Bridge} from "src/l3/IL3Bridge.sol";
import {IL3Inbox} from "src/l3/IL3Inbox.sol";
import {L3Token} from "src/l3/L3Token.sol";
import {Predeploys} from "src/l3/Predeploys.sol";
import {L3Fixture} from "./L3Fixture.sol";

/// @notice Tokens come in.
contract DepositsTest is L3Fixture {
    L3Token private immutable twin = L3Token(Predeploys.twinOf(TOKEN));

    function test_the_first_deposit_creates_the_twin_where_it_was_foretold() external {
        vm.assertEq(address(twin).code.length, 0);
        Message memory message = deposit(TOKEN, BOB, 10);
        announce(one(message));
        vm.expectEmit();
        emit IL3Bridge.TwinCreated(TOKEN, address(twin));
        vm.expectEmit();
        emit IL3Bridge.DepositMinted(TOKEN, ALICE, BOB, 10);
        INBOX.process(START, L2_BLOCK, one(message), none(), bits(0));
        vm.assertEq(BRIDGE.twinOf(TOKEN), address(twin));
        vm.assertEq(twin.name(), "A token");
        vm.assertEq(twin.symbol(), "TOK");
        vm.assertEq(uint256(twin.decimals()), 6);
        vm.assertEq(twin.l2Token(), TOKEN);
        vm.assertEq(twin.balanceOf(BOB), 10);
    }

    function test_later_deposits_mint_and_change_no_name() external {
        process(deposit(TOKEN, BOB, 10));
        bytes memory other = abi.encode("Another", "OTH", uint8(18));
        process(fromBridge(abi.encodeCall(BRIDGE.finalizeDeposit, (TOKEN, ALICE, BOB, 5, other))));
        vm.assertEq(twin.balanceOf(BOB), 15);
        vm.assertEq(twin.totalSupply(), 15);
        vm.assertEq(twin.name(), "A token");
        // Once there is a twin, nobody reads what else is said of it.
        process(fromBridge(abi.encodeCall(BRIDGE.finalizeDeposit, (TOKEN, ALICE, BOB, 1, ""))));
        vm.assertEq(twin.balanceOf(BOB), 16);
    }

    function testFuzz_every_token_has_its_own_twin(address first, address second, uint128 amount) external {
        vm.assume(first != second);
        process(two(deposit(first, BOB, amount), deposit(second, BOB, 1)), 0);
        address firstTwin = Predeploys.twinOf(first);
        vm.assertTrue(firstTwin != Predeploys.twinOf(second));
        vm.assertEq(L3Token(firstTwin).balanceOf(BOB), amount);
        vm.assertEq(L3Token(Predeploys.twinOf(second)).balanceOf(BOB), 1);
        vm.assertEq(L3Token(firstTwin).l2Token(), first);
    }

    function test_a_users_message_cannot_pretend_to_be_the_bridge() external {
        Message memory message = deposit(TOKEN, BOB, 10);
        address[4] memory others = [ALICE, L2_BRIDGE, address(0), Predeploys.L3_BRIDGE];
        for (uint256 i = 0; i < others.length; ++i) {
            message.sender = others[i];
            (message.value, message.fee) = (3, 2);
            uint256 index = sent;
            process(message);
            bytes32 what = Messages.hash(index, message);
            vm.assertTrue(INBOX.isParked(what));
            vm.assertEq(address(twin).code.length, 0);
            // It is its refundee's to take back.
            vm.prank(ALICE);
            INBOX.giveUp(index, message);
        }
        vm.assertEq(INBOX.refundOf(ALICE), 20);
        vm.assertEq(KEEPER.balance, 0);
    }

    function test_only_the_inbox_brings_deposits() external {
        vm.expectRevert(abi.encodeWithSelector(IL3Bridge.NotL2Bridge.selector, address(this), address(0)));
        BRIDGE.finalizeDeposit(TOKEN, ALICE, BOB, 10, "");
    }

    function test_nobody_else_brings_a_deposit_while_the_bridge_on_L2_has_something_called() external {
        Intruder intruder = new Intruder();
        Message memory message = deposit(TOKEN, BOB, 10);
        message.target = address(intruder);
        process(message);
        vm.assertEq(
            intruder.answer(),
            abi.encodeWithSelector(
                IL3Bridge.NotL2Bridge.selector, address(intruder), Messages.aliasOf(L2_BRIDGE)
            )
        );
    }

    function test_the_inbox_alone_is_not_the_bridge_on_L2() external {
        vm.expectRevert(
            abi.encodeWithSelector(IL3Bridge.NotL2Bridge.selector, Predeploys.L3_INBOX, address(0))
        );
        vm.prank(Predeploys.L3_INBOX);
        BRIDGE.finalizeDeposit(TOKEN, ALICE, BOB, 10, "");
    }

    function test_a_mint_that_overflows_comes_back_once() external {
        process(deposit(TOKEN, BOB, type(uint256).max));
        expectReturned(deposit(TOKEN, BOB, 1), 1);
        vm.assertEq(twin.totalSupply(), type(uint256).max);
    }

    function test_a_mint_to_nobody_comes_back_even_as_the_first() external {
        expectReturned(deposit(TOKEN, address(0), 7), 7);
        vm.assertEq(twin.totalSupply(), 0);
        vm.assertEq(twin.name(), "A token");
    }

    function test_a_name_may_be_long_if_the_gas_is_given() external {
        string memory long = string(new bytes(4000));
        bytes memory metadata = abi.encode(long, "", uint8(255));
        Message memory message =
            fromBridge(abi.encodeCall(BRIDGE.finalizeDeposit, (TOKEN, ALICE, BOB, 5, metadata)));
        park(message);
        INBOX.call(0, message);
        vm.assertEq(twin.name(), long);
        vm.assertEq(twin.symbol(), "");
        vm.assertEq(twin.balanceOf(BOB), 5);
    }

    function test_ETH_at_the_twins_address_does_not_stop_its_creation() external {
        process(ether_(address(twin), 3, 0));
        process(deposit(TOKEN, BOB, 10));
        vm.assertEq(twin.balanceOf(BOB), 10);
    }

    /// @dev The deposit makes one withdrawal of itself to Alice, and it can do so once only.
    function expectReturned(Message memory message, uint256 amount) private {
        uint256 index = sent;
        Withdrawal memory back;
        (back.sender, back.recipient, back.token, back.amount) = (Predeploys.L3_BRIDGE, ALICE, TOKEN, amount);
        announce(one(message));
        vm.expectEmit();
        emit IL3Bridge.WithdrawalSent(0, Predeploys.L3_BRIDGE, Withdrawals.hash(back), back);
        vm.expectEmit();
        emit IL3Bridge.DepositReturned(TOKEN, ALICE, amount, 0);
        vm.expectEmit();
        emit IL3Inbox.MessageCalled(index, Messages.hash(index, message), true, 0);
        INBOX.process(START, L2_BLOCK, one(message), none(), bits(0));
        vm.assertTrue(BRIDGE.isSent(Withdrawals.hash(back)));
        vm.assertEq(BRIDGE.withdrawals(), 1);
        vm.expectRevert(abi.encodeWithSelector(IL3Inbox.NotParked.selector, Messages.hash(index, message)));
        INBOX.call(index, message);
    }

    function fromBridge(bytes memory data) private pure returns (Message memory message) {
        message = deposit(TOKEN, BOB, 0);
        message.data = data;
    }
}

/// @notice Brings a deposit of its own while it is called.
contract Intruder {
    bytes public answer;

    fallback() external {
        (, answer) = Predeploys.L3_BRIDGE.call(msg.data);
    }
}
