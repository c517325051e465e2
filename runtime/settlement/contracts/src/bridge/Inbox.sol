// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Predeploys} from "../l3/Predeploys.sol";
import {IInbox} from "./IInbox.sol";
import {Message, Messages} from "./Message.sol";
import {StateProof} from "./StateProof.sol";

/// @title The queue of messages from L2 to one L3 chain
/// @notice See `IInbox`. It has no owner, and nothing here is ever taken back.
contract Inbox is IInbox {
    /// @dev The queue up to one message.
    struct Entry {
        bytes27 chain;
        uint40 timestamp;
    }

    /// @inheritdoc IInbox
    address public immutable bridge;
    /// @inheritdoc IInbox
    address public immutable rollup;

    /// @dev Gas on L3 of a message beside its call: it is checked, stored, noted.
    uint256 private constant MESSAGE_GAS = 100_000;
    /// @dev Gas on L3 of a byte: calldata, copies, hashes.
    uint256 private constant BYTE_GAS = 40;
    /// @dev Gas on L3 that messages may take for each second, at the least price.
    uint256 private constant RATE = 200_000;
    /// @dev With so much gas above that the price doubles.
    uint256 private constant DOUBLING = 20_000_000;
    uint256 private constant MAX_DOUBLINGS = 100;
    /// @notice The least price, in wei for each gas.
    uint256 public constant MIN_PRICE = 0.01 gwei;

    /// @inheritdoc IInbox
    uint64 public count;
    /// @dev Gas of messages above the rate, at that time.
    uint128 private _excess;
    uint40 private _updated;
    /// @inheritdoc IInbox
    mapping(uint64 count => Entry) public entry;

    constructor(address bridge_) {
        (bridge, rollup) = (bridge_, msg.sender);
    }

    /// @inheritdoc IInbox
    function send(Message calldata message) external returns (uint64 index) {
        if (msg.sender != bridge) revert NotBridge(msg.sender);
        uint256 length = message.data.length;
        if (length > Messages.MAX_DATA) revert MessageTooLong(length, Messages.MAX_DATA);
        if (message.gasLimit > Messages.MAX_GAS) revert MessageTooDear(message.gasLimit, Messages.MAX_GAS);
        uint256 excess = _excessNow();
        uint256 gas = _gasOf(message.gasLimit, length);
        uint256 needed = gas * _priceAt(excess);
        if (message.fee < needed) revert FeeTooLow(message.fee, needed);
        (_excess, _updated) = (uint128(excess + gas), uint40(block.timestamp));
        index = count;
        bytes27 chain = Messages.append(entry[index].chain, Messages.hash(index, message));
        count = index + 1;
        entry[index + 1] = Entry(chain, uint40(block.timestamp));
        emit MessageSent(index, message.sender, message);
    }

    /// @inheritdoc IInbox
    function feeNow(uint64 gasLimit, uint256 length) external view returns (uint256) {
        return _gasOf(gasLimit, length) * _priceAt(_excessNow());
    }

    /// @inheritdoc IInbox
    function processed(bytes32 stateRoot, bytes[] calldata accountProof, bytes[] calldata storageProof)
        external
        pure
        returns (uint64)
    {
        (bool exists, StateProof.Account memory account) =
            StateProof.tryAccount(stateRoot, Predeploys.L3_INBOX, accountProof);
        return exists ? uint40(StateProof.trySlot(account.storageRoot, 0, storageProof)) : 0;
    }

    function _excessNow() private view returns (uint256) {
        uint256 done = (block.timestamp - _updated) * RATE;
        return _excess > done ? _excess - done : 0;
    }

    function _gasOf(uint64 gasLimit, uint256 length) private pure returns (uint256) {
        return MESSAGE_GAS + gasLimit + BYTE_GAS * length;
    }

    function _priceAt(uint256 excess) private pure returns (uint256) {
        uint256 doublings = excess / DOUBLING;
        return MIN_PRICE << (doublings > MAX_DOUBLINGS ? MAX_DOUBLINGS : doublings);
    }
}
