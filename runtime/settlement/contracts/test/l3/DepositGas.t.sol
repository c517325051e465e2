// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Message, Messages} from "src/bridge/Message.sol";
import {IL3Bridge} from "src/l3/IL3Bridge.sol";
import {IL3Inbox} from "src/l3/IL3Inbox.sol";
import {L3Bridge} from "src/l3/L3Bridge.sol";
import {L3Token} from "src/l3/L3Token.sol";
import {Predeploys} from "src/l3/Predeploys.sol";
import {L3Fixture} from "./L3Fixture.sol";

/// @notice A deposit that lacks gas waits, and is not taken for one that cannot be minted.
contract DepositGasTest is L3Fixture {
    L3Token private immutable twin = L3Token(Predeploys.twinOf(TOKEN));

    function test_too_little_gas_for_a_deposit_parks_it_and_it_succeeds_later() external {
        Message memory message = deposit(TOKEN, BOB, 10);
        (message.gasLimit, message.fee) = (50_000, 2);
        announce(one(message));
        vm.expectEmit();
        emit IL3Inbox.MessageParked(0, Messages.hash(0, message));
        vm.prank(KEEPER);
        INBOX.process(START, L2_BLOCK, one(message), none(), bits(0));
        vm.assertEq(KEEPER.balance, 0);
        vm.assertEq(INBOX.refundOf(ALICE), 0);
        vm.assertEq(address(twin).code.length, 0);
        // Again with little: it is parked again.
        vm.prank(KEEPER);
        INBOX.call{gas: 250_000}(0, message);
        vm.assertTrue(INBOX.isParked(Messages.hash(0, message)));
        vm.assertEq(KEEPER.balance, 0);
        vm.prank(KEEPER);
        INBOX.call(0, message);
        vm.assertEq(twin.balanceOf(BOB), 10);
        vm.assertEq(KEEPER.balance, 2);
        vm.assertEq(BRIDGE.withdrawals(), 0);
        vm.assertFalse(INBOX.isParked(Messages.hash(0, message)));
    }

    function testFuzz_gas_decides_when_a_deposit_is_minted_and_never_that_it_comes_back(
        uint256 gas_,
        bool first
    ) external {
        if (!first) process(deposit(TOKEN, BOB, 1));
        uint256 before = first ? 0 : 1;
        Message memory message = deposit(TOKEN, KEEPER, 10);
        message.gasLimit = uint64(bound(gas_, 0, 400_000));
        uint256 index = sent;
        process(message);
        bool parked = INBOX.isParked(Messages.hash(index, message));
        vm.assertEq(BRIDGE.withdrawals(), 0);
        if (parked && first) return vm.assertEq(address(twin).code.length, 0);
        vm.assertEq(twin.balanceOf(KEEPER), parked ? 0 : 10);
        vm.assertEq(twin.totalSupply(), before + (parked ? 0 : 10));
    }

    function test_what_a_mint_needs_is_named_until_it_is_there() external {
        process(deposit(TOKEN, BOB, 1));
        uint256 needed = 106_588;
        uint256 given = 90_000;
        bool done;
        while (!done) {
            bytes memory answer;
            (done, answer) = bringDeposit(given += 100);
            if (done) break;
            uint256 left;
            assembly ("memory-safe") {
                left := mload(add(answer, 0x24))
            }
            vm.assertEq(answer, abi.encodeWithSelector(IL3Bridge.NotEnoughGas.selector, left, needed));
            vm.assertTrue(left < needed);
        }
        vm.assertTrue(given > needed && given < needed + 20_000);
        vm.assertEq(twin.balanceOf(BOB), 2);
    }

    function test_a_mint_takes_little_more_than_half_of_what_it_is_given() external {
        process(deposit(TOKEN, BOB, 0));
        vm.prank(Predeploys.L3_BRIDGE);
        twin.mint(BOB, 1);
        // Both slots were empty.
        uint256 used = vm.lastCallGas().gasTotalUsed;
        vm.assertTrue(used > 40_000 && used < L3Bridge(Predeploys.L3_BRIDGE).MINT_GAS() * 3 / 5);
    }

    function bringDeposit(uint256 given) private returns (bool done, bytes memory answer) {
        // What `L3Inbox` says of the sender while it calls.
        vm.etch(
            Predeploys.L3_INBOX, abi.encodePacked(hex"73", Messages.aliasOf(L2_BRIDGE), hex"5f5260205ff3")
        );
        vm.prank(Predeploys.L3_INBOX);
        (done, answer) = Predeploys.L3_BRIDGE.call{gas: given}(
            abi.encodeCall(BRIDGE.finalizeDeposit, (TOKEN, ALICE, BOB, 1, ""))
        );
    }
}
