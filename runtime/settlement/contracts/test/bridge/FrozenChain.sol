// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IChain} from "src/bridge/IChain.sol";
import {Message, Messages} from "src/bridge/Message.sol";

/// @notice A chain that ends when it is told to. It keeps what was sent to its inbox.
contract FrozenChain is IChain {
    address public immutable inbox;
    bool public frozen;
    bytes32 public verifiedStateRoot;
    Recorder private immutable recorder;

    constructor(address bridge) {
        recorder = new Recorder(bridge, address(this));
        inbox = address(recorder);
    }

    function end(bool frozen_) external {
        frozen = frozen_;
    }

    function set(bytes32 stateRoot) external {
        verifiedStateRoot = stateRoot;
    }

    function messageAt(uint64 index) external view returns (Message memory) {
        return recorder.messageAt(index);
    }

    function isProven(bytes32) external pure returns (bool) {
        return false;
    }
}

/// @notice An inbox that remembers whole messages, and asks no fee.
contract Recorder {
    address public immutable bridge;
    address public immutable rollup;
    Message[] private _messages;
    bytes27[] private _chain = [bytes27(0)];

    constructor(address bridge_, address rollup_) {
        (bridge, rollup) = (bridge_, rollup_);
    }

    function send(Message calldata message) external returns (uint64 index) {
        index = uint64(_messages.length);
        _messages.push(message);
        _chain.push(Messages.append(_chain[index], Messages.hash(index, message)));
    }

    function entry(uint64 count) external view returns (bytes27, uint40) {
        return count == 0 || count >= _chain.length ? (bytes27(0), 0) : (_chain[count], uint40(1));
    }

    function messageAt(uint64 index) external view returns (Message memory) {
        return _messages[index];
    }
}
