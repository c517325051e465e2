// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";

/// @title Where the contracts are that every L3 chain begins with, and those that follow from them
library Predeploys {
    /// @notice `L3Inbox`.
    address internal constant L3_INBOX = 0x7465726e00000000000000000000000000000001;
    /// @notice `L3Bridge`.
    address internal constant L3_BRIDGE = 0x7465726E00000000000000000000000000000002;
    /// @notice `L3Token`: the code of all twins, itself no token.
    address internal constant L3_TOKEN = 0x7465726e00000000000000000000000000000003;
    /// @notice parentBeaconBlockRoot of the last 8191 blocks, by time (EIP-4788).
    address internal constant BEACON_ROOTS = 0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02;

    /// @notice Where the twin of a token of L2 is on every L3 chain, whether it exists yet or not.
    function twinOf(address l2Token) internal pure returns (address) {
        return Clones.predictDeterministicAddress(L3_TOKEN, saltOf(l2Token), L3_BRIDGE);
    }

    /// @notice What `L3Bridge` creates the twin with.
    function saltOf(address l2Token) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(l2Token)));
    }
}
