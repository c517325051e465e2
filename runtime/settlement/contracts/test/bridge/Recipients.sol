// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBridge} from "src/bridge/IBridge.sol";
import {raise} from "./Chains.sol";

/// @notice Takes ETH and calls, and does on the way what it was told to; or refuses.
contract Recipient {
    IBridge private immutable _bridge;
    bytes private _refusal;
    bool private _refuses;
    address private _target;
    uint256 private _value;
    bytes private _next;

    /// @notice The last call.
    address public caller;
    uint256 public value;
    bytes public data;
    /// @notice What `messageSender` was, before what it was told to do and after that.
    address[2] public rollup;
    address[2] public sender;
    /// @notice Whether what it was told to do was done, and what came back.
    bool public done;
    bytes public returned;

    constructor(IBridge bridge) {
        _bridge = bridge;
    }

    function refuse(bytes calldata reason) external {
        (_refuses, _refusal) = (true, reason);
    }

    function relent() external {
        _refuses = false;
    }

    function answerWith(address target, uint256 value_, bytes calldata next) external {
        (_target, _value, _next) = (target, value_, next);
    }

    receive() external payable {
        take();
    }

    fallback() external payable {
        take();
    }

    function take() private {
        if (_refuses) raise(_refusal);
        (caller, value, data) = (msg.sender, msg.value, msg.data);
        (rollup[0], sender[0]) = _bridge.messageSender();
        if (_target != address(0)) {
            address target = _target;
            _target = address(0);
            (done, returned) = target.call{value: _value}(_next);
        }
        (rollup[1], sender[1]) = _bridge.messageSender();
    }
}

/// @notice Returns or reverts with very much.
contract Bomb {
    uint256 private immutable _size;
    bool private immutable _fails;

    constructor(uint256 size, bool fails) {
        (_size, _fails) = (size, fails);
    }

    fallback() external payable {
        (uint256 size, bool fails) = (_size, _fails);
        assembly {
            if fails { revert(0x80, size) }
            return(0x80, size)
        }
    }
}
