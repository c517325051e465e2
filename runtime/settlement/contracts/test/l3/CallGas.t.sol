// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Message, Messages} from "src/bridge/Message.sol";
import {IL3Inbox} from "src/l3/IL3Inbox.sol";
import {Predeploys} from "src/l3/Predeploys.sol";
import {L3Fixture} from "./L3Fixture.sol";

/// @notice Whoever has a message called cannot starve it, and a message cannot starve whoever has it called.
contract CallGasTest is L3Fixture {
    /// @dev What a call with value has beside (EIP-150's stipend).
    uint256 private constant STIPEND = 2300;
    uint256 private constant CALL_GAS = 40_000;
    uint256 private constant AFTER_GAS = 60_000;

    function testFuzz_a_processed_message_has_exactly_its_gas_limit_or_nothing_happens(
        uint256 gas_,
        uint64 gasLimit,
        bool withValue
    ) external {
        vm.etch(BOB, RECORDS_GAS);
        Message memory message = ether_(BOB, withValue ? 1 : 0, 7);
        message.gasLimit = uint64(bound(gasLimit, 30_000, 2_000_000));
        announce(one(message));
        // From too little for anything to more than enough.
        bool done = processWith(bound(gas_, 50_000, message.gasLimit * 3 / 2 + 300_000), one(message));
        vm.assertEq(recorded(), done ? message.gasLimit + (withValue ? STIPEND : 0) : 0);
        vm.assertEq(uint256(INBOX.nextIndex()), done ? 1 : 0);
        vm.assertEq(INBOX.refundOf(address(this)), done ? 7 : 0);
    }

    function testFuzz_a_parked_message_has_at_least_its_gas_limit_or_nothing_happens(
        uint256 gas_,
        uint64 gasLimit
    ) external {
        vm.etch(BOB, RECORDS_GAS);
        Message memory message = to(BOB, "");
        message.gasLimit = uint64(bound(gasLimit, 30_000, 2_000_000));
        park(message);
        bool done = callWith(bound(gas_, 50_000, message.gasLimit * 3 / 2 + 300_000), message);
        vm.assertTrue(done ? recorded() >= message.gasLimit : recorded() == 0);
        vm.assertTrue(INBOX.isParked(Messages.hash(0, message)) == !done);
    }

    function test_a_parked_message_gets_all_gas_that_can_be_given() external {
        vm.etch(BOB, RECORDS_GAS);
        Message memory message = to(BOB, "");
        park(message);
        vm.assertTrue(callWith(20_000_000, message));
        uint256 given = recorded();
        vm.assertTrue(given > 20_000_000 * 63 / 64 - 100_000 && given <= 20_000_000 * 63 / 64);
    }

    function test_one_gas_less_than_a_message_needs_and_nothing_is_processed() external {
        vm.etch(BOB, RECORDS_GAS);
        Message memory message = to(BOB, "1234567890");
        message.gasLimit = 1_000_000;
        Message[] memory messages = two(to(ALICE, ""), message);
        announce(messages);
        uint256 least = leastGas(abi.encodeCall(INBOX.process, (START, L2_BLOCK, messages, none(), bits(0))));
        uint256 needed = neededFor(message);
        expectRevertWith(
            least - 1,
            abi.encodeCall(INBOX.process, (START, L2_BLOCK, messages, none(), bits(0))),
            abi.encodeWithSelector(IL3Inbox.NotEnoughGas.selector, 1, needed - 1, needed)
        );
        vm.assertEq(uint256(INBOX.nextIndex()), 0);
        vm.assertTrue(processWith(least, messages));
        vm.assertEq(recorded(), 1_000_000);
    }

    function test_what_is_kept_suffices_for_a_refund_and_a_refused_fee_after_a_target_that_burns_all_gas()
        external
    {
        vm.etch(BOB, BURNS_ALL_GAS);
        Message memory message = ether_(BOB, 3, 2);
        message.gasLimit = 3_000_000;
        announce(one(message));
        bytes memory payload = abi.encodeCall(INBOX.process, (START, L2_BLOCK, one(message), none(), bits(0)));
        // No less is needed than what the check asks for.
        expectNamed(leastGas(payload) - 1, payload, 0, neededFor(message));
        vm.assertTrue(processWith(leastGas(payload), one(message)));
        vm.assertEq(INBOX.refundOf(ALICE), 3);
        vm.assertEq(INBOX.refundOf(address(this)), 2);
    }

    function test_what_is_kept_suffices_when_a_parked_message_burns_all_gas() external {
        vm.etch(BOB, BURNS_ALL_GAS);
        Message memory message = ether_(BOB, 3, 2);
        park(message);
        bytes memory payload = abi.encodeCall(INBOX.call, (0, message));
        expectNamed(leastGas(payload) - 1, payload, 0, neededFor(message));
        vm.assertTrue(callWith(leastGas(payload), message));
        vm.assertEq(INBOX.refundOf(ALICE), 3);
        vm.assertEq(INBOX.refundOf(address(this)), 2);
    }

    function test_what_is_kept_suffices_to_park_16_kilobytes_again() external {
        vm.etch(Predeploys.L3_BRIDGE, BURNS_ALL_GAS);
        Message memory message = to(Predeploys.L3_BRIDGE, new bytes(16_384));
        announce(one(message));
        bytes memory payload = abi.encodeCall(INBOX.process, (START, L2_BLOCK, one(message), none(), bits(0)));
        expectNamed(leastGas(payload) - 1, payload, 0, neededFor(message));
        vm.assertTrue(processWith(leastGas(payload), one(message)));
        payload = abi.encodeCall(INBOX.call, (0, message));
        expectNamed(leastGas(payload) - 1, payload, 0, neededFor(message));
        vm.assertTrue(callWith(leastGas(payload), message));
        vm.assertTrue(INBOX.isParked(Messages.hash(0, message)));
    }

    function test_what_is_kept_suffices_to_create_an_account() external {
        Message memory message = ether_(BOB, 3, 2);
        message.gasLimit = 0;
        announce(one(message));
        bytes memory payload = abi.encodeCall(INBOX.process, (START, L2_BLOCK, one(message), none(), bits(0)));
        expectNamed(leastGas(payload) - 1, payload, 0, neededFor(message));
        vm.assertTrue(processWith(leastGas(payload), one(message)));
        vm.assertEq(BOB.balance, 3);
    }

    function test_a_gas_limit_that_no_block_has_never_stops_the_queue() external {
        Message memory message = ether_(BOB, 3, 2);
        message.gasLimit = type(uint64).max;
        announce(one(message));
        vm.expectPartialRevert(IL3Inbox.NotEnoughGas.selector);
        INBOX.process(START, L2_BLOCK, one(message), none(), bits(0));
        INBOX.process(START, L2_BLOCK, one(message), none(), bits(1));
        vm.prank(ALICE);
        INBOX.giveUp(0, message);
        vm.assertEq(INBOX.refundOf(ALICE), 5);
    }

    function test_a_megabyte_of_returned_data_costs_the_target_only() external {
        expectNotCopied(RETURNS_A_MEGABYTE);
        expectNotCopied(FAILS_WITH_A_MEGABYTE);
    }

    /// @dev That what the process takes beside the call is what it takes for a target that returns nothing.
    function expectNotCopied(bytes memory code) private {
        vm.etch(BOB, code);
        Message memory message = to(BOB, "");
        message.gasLimit = 5_000_000;
        process(message);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        // 32768 words of memory: 3 each, and their number's square / 512.
        vm.assertTrue(used > 2_195_000 && used < 2_195_000 + 120_000);
    }

    function neededFor(Message memory message) private pure returns (uint256) {
        uint256 kept = CALL_GAS + AFTER_GAS;
        return kept + message.gasLimit + message.gasLimit / 63 + 1;
    }

    function recorded() private view returns (uint256) {
        uint256 seen = uint256(vm.load(BOB, 0));
        return seen == 0 ? 0 : seen + 2;
    }

    function processWith(uint256 gas_, Message[] memory messages) private returns (bool done) {
        (done,) = Predeploys.L3_INBOX.call{gas: gas_}(
            abi.encodeCall(INBOX.process, (START, L2_BLOCK, messages, none(), bits(0)))
        );
    }

    function callWith(uint256 gas_, Message memory message) private returns (bool done) {
        (done,) = Predeploys.L3_INBOX.call{gas: gas_}(abi.encodeCall(INBOX.call, (0, message)));
    }

    /// @dev The least gas with which a call of the inbox succeeds; it is not made.
    function leastGas(bytes memory payload) private returns (uint256 most) {
        uint256 least = 50_000;
        most = 10_000_000;
        while (least < most) {
            uint256 middle = (least + most) / 2;
            uint256 before = vm.snapshotState();
            (bool done,) = Predeploys.L3_INBOX.call{gas: middle}(payload);
            vm.revertToState(before);
            if (done) most = middle;
            else least = middle + 1;
        }
    }

    function expectNamed(uint256 gas_, bytes memory payload, uint256 index, uint256 needed) private {
        expectRevertWith(
            gas_, payload, abi.encodeWithSelector(IL3Inbox.NotEnoughGas.selector, index, needed - 1, needed)
        );
    }

    function expectRevertWith(uint256 gas_, bytes memory payload, bytes memory reason) private {
        (bool done, bytes memory answer) = Predeploys.L3_INBOX.call{gas: gas_}(payload);
        vm.assertFalse(done);
        vm.assertEq(answer, reason);
    }
}
