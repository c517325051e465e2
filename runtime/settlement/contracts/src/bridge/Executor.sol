// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LibCall} from "solady/utils/LibCall.sol";

/// @title Calls recipients for `Bridge`
/// @notice Anyone can have it call anything by a withdrawal. It owns nothing, and nobody may rely on its address alone:
/// `IBridge.messageSender` says whose call it is.
contract Executor {
    /// @notice Only the bridge has calls made.
    error NotBridge(address caller);

    /// @notice Bytes of a reason that are passed on.
    uint16 internal constant MAX_REASON = 1024;

    address private immutable _bridge = msg.sender;

    /// @notice Calls `recipient` with the ETH that is sent and all gas. If it fails, the caller has to revert, or what it
    /// sent is lost here.
    /// @return succeeded Whether it did.
    /// @return reason What it returned, cut.
    function execute(address recipient, bytes calldata data)
        external
        payable
        returns (bool succeeded, bytes memory reason)
    {
        if (msg.sender != _bridge) revert NotBridge(msg.sender);
        (succeeded,, reason) = LibCall.tryCall(recipient, msg.value, gasleft(), MAX_REASON, data);
    }
}
