// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IDisputes} from "src/dispute/IDisputes.sol";

/// @notice Refuses what it is paid, or asks for it again while it is paid.
contract Receiver {
    IDisputes private immutable disputes;
    bool private _refuses;
    /// @notice Why it was not paid again.
    bytes public reason;

    constructor(IDisputes disputes_) {
        disputes = disputes_;
    }

    function refuse(bool refuses) external {
        _refuses = refuses;
    }

    receive() external payable {
        require(!_refuses);
        (, reason) = address(disputes).call(abi.encodeCall(IDisputes.collect, ()));
    }
}
