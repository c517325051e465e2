// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Message} from "./Message.sol";

/// @title The queue of messages from L2 to one L3 chain
/// @notice An L3 block names an *anchor* in parentBeaconBlockRoot: an L2 block, and how many messages of this queue the L3
/// chain may process (`Messages.anchor`). `Rollup` looks the queue up here when the block is committed, L3 contracts read
/// the anchor by EIP-4788, and `L3Inbox` believes no other messages than these.
interface IInbox {
    /// @notice A message was sent; `index` is its place, from 0.
    event MessageSent(uint256 indexed index, address indexed sender, Message message);

    /// @notice Only `bridge()` sends messages.
    error NotBridge(address caller);
    /// @notice More bytes than one L3 transaction could bring.
    error MessageTooLong(uint256 length, uint256 most);
    /// @notice More gas than one L3 transaction could give.
    error MessageTooDear(uint64 gasLimit, uint64 most);

    /// @notice The message's fee is less than its processing costs: `needed` is for now, see `feeNow`.
    error FeeTooLow(uint256 fee, uint256 needed);

    /// @notice Appends a message. For `bridge()`, which has taken value and fee.
    function send(Message calldata message) external returns (uint64 index);

    /// @notice The least fee of a message with this gas limit and so many bytes of data, in wei: for whoever processes it. It
    /// doubles with every 20 million gas by which messages were more than 200,000 gas for each second.
    function feeNow(uint64 gasLimit, uint256 length) external view returns (uint256);
    /// @notice The contract that sends messages for everyone, and holds what they carry.
    function bridge() external view returns (address);
    /// @notice The chain's `Rollup`, which created the queue.
    function rollup() external view returns (address);
    /// @notice How many messages were sent.
    function count() external view returns (uint64);
    /// @notice The hash of the queue of the first `count` messages, and when the last of them was sent. Zeros for none, and
    /// where there are fewer.
    function entry(uint64 count) external view returns (bytes27 chain, uint40 timestamp);
    /// @notice How many messages a state of L3 has processed, by proof.
    /// @param stateRoot A state root of the L3 chain.
    /// @param accountProof Of `L3Inbox` in the state, as `eth_getProof` gives it.
    /// @param storageProof Of its slot 0.
    function processed(bytes32 stateRoot, bytes[] calldata accountProof, bytes[] calldata storageProof)
        external
        pure
        returns (uint64);
}
