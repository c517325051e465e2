// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IL3Inbox} from "src/l3/IL3Inbox.sol";
import {Predeploys} from "src/l3/Predeploys.sol";

/// @notice Calls back into `L3Inbox`, and keeps what came of it.
contract Reentrant {
    bytes private _payload;
    uint256 public calls;
    bool public succeeded;
    bytes public answer;

    constructor(bytes memory payload) {
        _payload = payload;
    }

    receive() external payable {
        _reenter();
    }

    fallback() external payable {
        _reenter();
    }

    /// @notice Calls `L3Inbox` from here.
    function start(bytes calldata payload) external {
        (bool done,) = Predeploys.L3_INBOX.call(payload);
        require(done, "the first call failed");
    }

    function _reenter() private {
        ++calls;
        (succeeded, answer) = Predeploys.L3_INBOX.call(_payload);
    }
}

/// @notice Keeps what it was called with.
contract Witness {
    address public sender;
    address public messageSender;
    uint256 public value;
    bytes public data;

    receive() external payable {
        _keep();
    }

    fallback() external payable {
        _keep();
    }

    function _keep() private {
        (sender, value, data) = (msg.sender, msg.value, msg.data);
        messageSender = IL3Inbox(Predeploys.L3_INBOX).messageSender();
    }
}
