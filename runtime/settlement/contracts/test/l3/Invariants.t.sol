// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Predeploys} from "src/l3/Predeploys.sol";
import {L3Fixture} from "./L3Fixture.sol";
import {Operations} from "./Operations.sol";

/// @notice What is true whatever is sent, processed, taken and withdrawn.
contract InvariantsTest is L3Fixture {
    Operations private operations;

    function setUp() public override {
        operations = new Operations();
    }

    /// @notice Nothing else is called by forge, which would take the predeploys for targets.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(operations);
    }

    function invariant_no_ETH_comes_or_goes() external view {
        vm.assertEq(Predeploys.L3_INBOX.balance + operations.outside(), POOL);
        vm.assertEq(Predeploys.L3_BRIDGE.balance, 0);
    }

    function invariant_all_that_is_owed_can_be_paid() external view {
        vm.assertTrue(Predeploys.L3_INBOX.balance >= operations.owed() + operations.waitingValue());
    }

    function invariant_as_much_of_a_twin_exists_as_was_minted_and_not_burned() external view {
        vm.assertEq(operations.supplyOf(0), operations.supplies(0));
        vm.assertEq(operations.supplyOf(1), operations.supplies(1));
    }

    function invariant_every_withdrawal_is_one_that_was_made_or_a_deposit_that_came_back() external view {
        vm.assertEq(BRIDGE.withdrawals(), operations.withdrawn() + operations.returned());
    }

    function invariant_the_chain_has_the_queue_of_L2() external view {
        (uint256 sent_, bytes27 queue_) = operations.head();
        vm.assertEq(uint256(INBOX.nextIndex()), sent_);
        vm.assertEq(bytes32(INBOX.chain()), bytes32(queue_));
        vm.assertEq(INBOX.messageSender(), address(0));
    }
}
