// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Message, Messages} from "src/bridge/Message.sol";
import {IL3Bridge} from "src/l3/IL3Bridge.sol";
import {Predeploys} from "src/l3/Predeploys.sol";
import {L3Fixture} from "./L3Fixture.sol";

/// @notice What the bridge costs on L3, as transactions of a chain in use.
contract GasTest is L3Fixture {
    /// @dev Printed by forge, and read by `scripts/contracts gas`.
    event log_named_uint(string key, uint256 val);

    address private constant NEW_TOKEN = address(0x2E70CE);

    function setUp() public override {
        super.setUp();
        process(deposit(TOKEN, ALICE, 100));
        process(ether_(ALICE, 100, 1));
        // So that the count is not new.
        vm.prank(ALICE);
        BRIDGE.withdrawEther{value: 1}(BOB);
    }

    function test_gas_of_a_deposit_of_ETH() external {
        expectAtMost("deposit of ETH to an account in use", processing(ether_(ALICE, 100, 1)), 65_000);
    }

    function test_gas_of_a_deposit_of_ETH_to_a_new_account() external {
        expectAtMost("deposit of ETH to a new account", processing(ether_(BOB, 100, 1)), 90_000);
    }

    function test_gas_of_the_first_deposit_of_a_token() external {
        expectAtMost("first deposit of a token", processing(deposit(NEW_TOKEN, BOB, 10)), 240_000);
    }

    function test_gas_of_a_later_deposit_of_a_token() external {
        expectAtMost("later deposit of a token", processing(deposit(TOKEN, BOB, 10)), 95_000);
    }

    function test_gas_of_withdrawing_ETH() external {
        expectAtMost("withdrawal of ETH", sending(abi.encodeCall(IL3Bridge.withdrawEther, (BOB)), 5), 70_000);
    }

    function test_gas_of_withdrawing_a_token() external {
        bytes memory payload = abi.encodeCall(IL3Bridge.withdraw, (TOKEN, BOB, 5));
        expectAtMost("withdrawal of a token", sending(payload, 0), 80_000);
    }

    /// @dev L2 must give deposits no less.
    function test_the_least_gas_limit_of_a_tokens_deposit() external {
        expectAtMost("gas limit of a first deposit", leastLimit(deposit(NEW_TOKEN, BOB, 10)), 250_000);
        expectAtMost("gas limit of a later deposit", leastLimit(deposit(TOKEN, BOB, 10)), 120_000);
        expectAtMost("gas limit of one that comes back", leastLimit(deposit(TOKEN, address(0), 10)), 120_000);
        Message memory long = deposit(NEW_TOKEN, BOB, 10);
        bytes memory metadata = abi.encode(string(letters(64)), string(letters(64)), uint8(6));
        long.data = abi.encodeCall(BRIDGE.finalizeDeposit, (NEW_TOKEN, ALICE, BOB, 10, metadata));
        expectAtMost("gas limit of a first deposit with 64 + 64 letters", leastLimit(long), 340_000);
    }

    function processing(Message memory message) private returns (uint256) {
        announce(one(message));
        bytes memory payload =
            abi.encodeCall(INBOX.process, (START, L2_BLOCK, one(message), none(), new uint256[](0)));
        vm.cool(Predeploys.BEACON_ROOTS);
        vm.prank(KEEPER);
        (bool done,) = Predeploys.L3_INBOX.call(payload);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        vm.assertTrue(done && !INBOX.isParked(Messages.hash(sent - 1, message)));
        return used + intrinsic(payload);
    }

    function sending(bytes memory payload, uint256 value) private returns (uint256) {
        vm.prank(ALICE);
        (bool done,) = Predeploys.L3_BRIDGE.call{value: value}(payload);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        vm.assertTrue(done);
        return used + intrinsic(payload);
    }

    /// @dev With what it is called rather than parked.
    function leastLimit(Message memory message) private returns (uint256 most) {
        uint256 least = 0;
        most = 2_000_000;
        while (least < most) {
            message.gasLimit = uint64((least + most) / 2);
            uint256 before = vm.snapshotState();
            process(message);
            bool parked = INBOX.isParked(Messages.hash(sent - 1, message));
            vm.revertToState(before);
            if (parked) least = message.gasLimit + 1;
            else most = message.gasLimit;
        }
    }

    function expectAtMost(string memory what, uint256 gas_, uint256 most) private {
        emit log_named_uint(string.concat("on L3: ", what), gas_);
        vm.assertTrue(gas_ > most / 2 && gas_ <= most);
    }

    /// @dev Of the transaction itself.
    function intrinsic(bytes memory payload) private pure returns (uint256 gas_) {
        gas_ = 21_000;
        for (uint256 i = 0; i < payload.length; ++i) {
            gas_ += payload[i] == 0 ? 4 : 16;
        }
    }

    function letters(uint256 count) private pure returns (bytes memory out) {
        out = new bytes(count);
        for (uint256 i = 0; i < count; ++i) {
            out[i] = "x";
        }
    }
}
