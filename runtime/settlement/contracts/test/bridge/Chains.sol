// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IChain} from "src/bridge/IChain.sol";
import {IInbox} from "src/bridge/IInbox.sol";
import {Message} from "src/bridge/Message.sol";

/// @dev Reverts with these bytes.
function raise(bytes memory reason) pure {
    assembly ("memory-safe") {
        revert(add(reason, 0x20), mload(reason))
    }
}

/// @notice An inbox that keeps what is sent. It can be told to lie of whose it is.
contract InboxMock {
    address public bridge;
    address public rollup;
    Message[] private _messages;
    bytes private _refusal;

    constructor(address bridge_, address rollup_) {
        (bridge, rollup) = (bridge_, rollup_);
    }

    function say(address bridge_, address rollup_) external {
        (bridge, rollup) = (bridge_, rollup_);
    }

    function refuse(bytes calldata reason) external {
        _refusal = reason;
    }

    function send(Message calldata message) external returns (uint64 index) {
        if (msg.sender != bridge) revert IInbox.NotBridge(msg.sender);
        if (_refusal.length != 0) raise(_refusal);
        index = uint64(_messages.length);
        _messages.push(message);
    }

    function count() external view returns (uint64) {
        return uint64(_messages.length);
    }

    function messageAt(uint256 index) external view returns (Message memory) {
        return _messages[index];
    }
}

/// @notice A chain that has proven what it is told to.
contract ChainMock is IChain {
    bool public constant frozen = false;
    bytes32 public constant verifiedStateRoot = 0;
    address public inbox;
    mapping(bytes32 stateRoot => bool) public isProven;

    constructor(address bridge) {
        inbox = address(new InboxMock(bridge, address(this)));
    }

    function setInbox(address inbox_) external {
        inbox = inbox_;
    }

    function prove(bytes32 stateRoot) external {
        isProven[stateRoot] = true;
    }
}

/// @notice Code of a dishonest chain, which is its own inbox: it proves everything, and does what it is told to when a
/// message comes.
contract LyingChain is IChain {
    bool public constant frozen = false;
    bytes32 public verifiedStateRoot;
    address public immutable bridge;
    address public inbox = address(this);
    address private _target;
    bytes private _call;
    uint256 public received;

    constructor(address bridge_) {
        bridge = bridge_;
    }

    function setInbox(address inbox_) external {
        inbox = inbox_;
    }

    function answerMessagesWith(address target, bytes calldata call) external {
        (_target, _call) = (target, call);
    }

    function send(Message calldata) external returns (uint64) {
        if (_target != address(0)) {
            (address target, bytes memory call) = (_target, _call);
            _target = address(0);
            (bool succeeded, bytes memory reason) = target.call(call);
            if (!succeeded) raise(reason);
        }
        return type(uint64).max;
    }

    function rollup() external view returns (address) {
        return address(this);
    }

    function isProven(bytes32) external pure returns (bool) {
        return true;
    }

    receive() external payable {
        received += msg.value;
    }
}
