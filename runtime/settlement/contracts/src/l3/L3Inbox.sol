// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {LibCall} from "solady/utils/LibCall.sol";
import {Message, Messages} from "../bridge/Message.sol";
import {IL3Inbox} from "./IL3Inbox.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title Messages from L2, on L3
/// @notice See `IL3Inbox`. No constructor was run: genesis has the code and a balance.
///
/// All that is paid out was taken in on L2, so that no sum of values and fees overflows: a sum that did would stop the
/// queue.
///
/// Whoever processes cannot starve a call by depth: 1023 calls that keep 1/64 each leave a ten-millionth of the gas, and
/// this contract asks for more than a block has of that.
contract L3Inbox is IL3Inbox, ReentrancyGuardTransient {
    /// @dev Gas that goes between the check and the call's own: a cold account and one it delegates to (2600 each),
    /// value (9000), an account that is new (25000), some instructions.
    uint256 private constant CALL_GAS = 40_000;
    /// @dev Gas kept for what follows a call: a refund or a parked message is stored (22100), an event (2100), the fee
    /// is paid (9100) or, if that is refused, stored (22100).
    uint256 private constant AFTER_GAS = 60_000;

    // L2 proves these two, in slot 0.
    uint40 private _nextIndex;
    /// @inheritdoc IL3Inbox
    bytes27 public chain;
    /// @inheritdoc IL3Inbox
    mapping(bytes32 messageHash => bool) public isParked;
    /// @inheritdoc IL3Inbox
    mapping(address account => uint256) public refundOf;
    /// @inheritdoc IL3Inbox
    address public transient messageSender;

    /// @inheritdoc IL3Inbox
    function process(
        uint256 timestamp,
        bytes32 l2BlockHash,
        Message[] calldata messages,
        bytes32[] calldata later,
        uint256[] calldata parked
    ) external nonReentrant {
        if (messages.length == 0) revert NothingToProcess();
        Message[] memory queue = messages;
        uint256 first = _nextIndex;
        bytes32[] memory hashes = _accept(timestamp, l2BlockHash, first, queue, later);
        uint256 fees = 0;
        for (uint256 i = 0; i < queue.length; ++i) {
            if (_isSet(parked, i)) _park(first + i, hashes[i]);
            else fees += _call(first + i, hashes[i], queue[i], false);
        }
        _payCaller(fees);
    }

    /// @inheritdoc IL3Inbox
    function call(uint256 index, Message calldata message) external nonReentrant {
        Message memory copy = message;
        bytes32 messageHash = _unpark(index, copy);
        _payCaller(_call(index, messageHash, copy, true));
    }

    /// @inheritdoc IL3Inbox
    function giveUp(uint256 index, Message calldata message) external nonReentrant {
        bytes32 messageHash = _unpark(index, message);
        if (msg.sender != message.refundee) revert NotRefundee(msg.sender, message.refundee);
        emit MessageGivenUp(index, messageHash);
        _credit(message.refundee, message.value + message.fee);
    }

    /// @inheritdoc IL3Inbox
    function takeRefund(address to) external nonReentrant {
        uint256 amount = refundOf[msg.sender];
        if (amount == 0) revert NothingToTake(msg.sender);
        delete refundOf[msg.sender];
        emit RefundTaken(msg.sender, to, amount);
        if (!LowLevelCall.callNoReturn(to, amount, "")) revert RecipientFailed(to);
    }

    /// @inheritdoc IL3Inbox
    /// @dev Also while a message is called: its target may send ETH back to L2.
    function takeBack() external payable {
        if (msg.sender != Predeploys.L3_BRIDGE) revert NotL3Bridge(msg.sender);
    }

    /// @inheritdoc IL3Inbox
    function nextIndex() external view returns (uint64) {
        return _nextIndex;
    }

    /// @dev Goes on by these messages, if they and those after them lead to the anchor's end of the queue.
    function _accept(
        uint256 timestamp,
        bytes32 l2BlockHash,
        uint256 first,
        Message[] memory queue,
        bytes32[] calldata later
    ) private returns (bytes32[] memory hashes) {
        hashes = new bytes32[](queue.length);
        bytes27 end = chain;
        for (uint256 i = 0; i < queue.length; ++i) {
            hashes[i] = Messages.hash(first + i, queue[i]);
            end = Messages.append(end, hashes[i]);
        }
        uint256 next = first + queue.length;
        // The anchor has this number or a greater one, and L2 numbers messages with 40 bits.
        (_nextIndex, chain) = (uint40(next), end);
        for (uint256 i = 0; i < later.length; ++i) {
            end = Messages.append(end, later[i]);
        }
        bytes32 anchor = Messages.anchor(l2BlockHash, next + later.length, end);
        if (_anchorAt(timestamp) != anchor) revert UnknownAnchor(timestamp, anchor);
    }

    /// @dev What the block of that time named: zero, which is nothing's hash, for none.
    function _anchorAt(uint256 timestamp) private view returns (bytes32) {
        (bool known, bytes32 root,) =
            LowLevelCall.staticcallReturn64Bytes(Predeploys.BEACON_ROOTS, abi.encode(timestamp));
        return known && LowLevelCall.returnDataSize() == 32 ? root : bytes32(0);
    }

    /// @dev Calls a message with its gas limit, or with all that can be given but not less. Returns the fee that is due.
    function _call(uint256 index, bytes32 messageHash, Message memory message, bool withAllGas)
        private
        returns (uint256 fee)
    {
        bool succeeded = message.target != address(this) && _tryCall(index, message, withAllGas);
        if (!succeeded && message.target == Predeploys.L3_BRIDGE) {
            _park(index, messageHash);
            return 0;
        }
        uint256 refunded = succeeded ? 0 : message.value;
        emit MessageCalled(index, messageHash, succeeded, refunded);
        _credit(message.refundee, refunded);
        return message.fee;
    }

    function _tryCall(uint256 index, Message memory message, bool withAllGas)
        private
        returns (bool succeeded)
    {
        messageSender = message.sender;
        uint256 kept = CALL_GAS + AFTER_GAS;
        // A call can give 63/64 of what is left.
        uint256 needed = kept + message.gasLimit + message.gasLimit / 63 + 1;
        uint256 left = gasleft();
        if (left < needed) revert NotEnoughGas(index, left, needed);
        // Too much of all is cut to 63/64 by the call, which is not less than the gas limit.
        uint256 given = withAllGas ? left - kept : message.gasLimit;
        (succeeded,,) = LibCall.tryCall(message.target, message.value, given, 0, message.data);
        messageSender = address(0);
    }

    function _park(uint256 index, bytes32 messageHash) private {
        isParked[messageHash] = true;
        emit MessageParked(index, messageHash);
    }

    function _unpark(uint256 index, Message memory message) private returns (bytes32 messageHash) {
        messageHash = Messages.hash(index, message);
        if (!isParked[messageHash]) revert NotParked(messageHash);
        delete isParked[messageHash];
    }

    function _credit(address account, uint256 amount) private {
        if (amount != 0) refundOf[account] += amount;
    }

    /// @dev A caller that refuses can take it later.
    function _payCaller(uint256 fees) private {
        if (fees != 0 && !LowLevelCall.callNoReturn(msg.sender, fees, "")) _credit(msg.sender, fees);
    }

    function _isSet(uint256[] calldata bits, uint256 i) private pure returns (bool) {
        return i / 256 < bits.length && (bits[i / 256] >> (i % 256)) & 1 == 1;
    }
}
