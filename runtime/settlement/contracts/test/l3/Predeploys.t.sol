// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Predeploys} from "src/l3/Predeploys.sol";
import {L3Fixture} from "./L3Fixture.sol";

/// @notice What genesis must hold.
contract PredeploysTest is L3Fixture {
    function test_no_predeploy_needs_its_constructor() external {
        expectSameCode("L3Inbox.sol:L3Inbox");
        expectSameCode("L3Bridge.sol:L3Bridge");
        expectSameCode("L3Token.sol:L3Token");
    }

    function test_the_number_of_messages_and_their_hash_share_slot_0_of_the_inbox() external {
        process(to(BOB, "first"));
        process(to(BOB, "second"));
        uint256 slot = uint256(vm.load(Predeploys.L3_INBOX, 0));
        vm.assertEq(uint40(slot), 2);
        vm.assertEq(bytes32(bytes27(uint216(slot >> 40))), bytes32(queue));
        vm.assertEq(uint256(INBOX.nextIndex()), 2);
        vm.assertEq(bytes32(INBOX.chain()), bytes32(queue));
    }

    function test_the_bridge_on_L2_is_slot_2_of_the_bridge() external view {
        vm.assertEq(BRIDGE.l2Bridge(), L2_BRIDGE);
    }

    function expectSameCode(string memory artifact) private {
        address created = create(artifact, "");
        vm.assertEq(created.code, vm.getDeployedCode(artifact));
        for (uint256 slot = 0; slot < 12; ++slot) {
            vm.assertEq(vm.load(created, bytes32(slot)), 0);
        }
    }
}
