// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Message} from "../bridge/Message.sol";

/// @title Messages from L2, on L3
/// @notice A predeploy. Anyone processes messages, in their order, each once: it believes no others than those that an
/// L3 block's anchor names (see `IInbox`), which the contract on L2 knows. What messages carry is paid from a balance that
/// the chain's genesis gave to this contract; whatever leaves L3 comes back here.
///
/// A message is *called* when it is processed, or *parked*: who processes it says which, since a call may take more than
/// fits beside others. A parked message can be called by anyone later, with at least its gas limit, or given up by its
/// refundee. A call is made once. If it fails, its value is the refundee's, who takes it with `takeRefund`.
/// A deposit of a token whose call fails is parked again: it can only lack gas (`L3Bridge` sends back what it
/// cannot mint).
interface IL3Inbox {
    /// @notice A message was called. If it failed, `refunded` belongs to its refundee.
    event MessageCalled(uint256 indexed index, bytes32 indexed messageHash, bool succeeded, uint256 refunded);
    /// @notice A message waits for someone to call it: the one that L2 has under this index.
    event MessageParked(uint256 indexed index, bytes32 indexed messageHash);
    /// @notice Its refundee gave up a parked message: value and fee are the refundee's.
    event MessageGivenUp(uint256 indexed index, bytes32 indexed messageHash);
    /// @notice Someone took what was refunded to them.
    event RefundTaken(address indexed refundee, address to, uint256 amount);

    /// @notice No block of that time named an anchor with this queue.
    error UnknownAnchor(uint256 timestamp, bytes32 anchor);
    /// @notice No message is given.
    error NothingToProcess();
    /// @notice There is too little gas left for the call of this message: nothing was processed.
    error NotEnoughGas(uint256 index, uint256 left, uint256 needed);
    /// @notice No such message is parked.
    error NotParked(bytes32 messageHash);
    /// @notice Only the refundee gives up a message.
    error NotRefundee(address caller, address refundee);
    /// @notice Nothing was refunded to the caller.
    error NothingToTake(address refundee);
    /// @notice The recipient refused.
    error RecipientFailed(address recipient);
    /// @notice Only `L3Bridge` gives ETH back.
    error NotL3Bridge(address caller);

    /// @notice Processes the next messages of an anchor's queue.
    /// @param timestamp Time of an L3 block that named the anchor: this block's, or one of the last 8191.
    /// @param l2BlockHash The anchor's L2 block.
    /// @param messages Messages from `nextIndex()` on.
    /// @param later Hashes of the others, to the anchor's last one: a block may name more than fit one transaction.
    /// @param parked Bit i is set if message i of these is to be parked.
    function process(
        uint256 timestamp,
        bytes32 l2BlockHash,
        Message[] calldata messages,
        bytes32[] calldata later,
        uint256[] calldata parked
    ) external;

    /// @notice Calls a parked message, and pays its fee to the caller.
    function call(uint256 index, Message calldata message) external;

    /// @notice Gives up a parked message: its refundee's value and fee are refunded.
    function giveUp(uint256 index, Message calldata message) external;

    /// @notice Pays the caller what was refunded to it.
    function takeRefund(address to) external;

    /// @notice Takes back ETH that leaves L3. For `L3Bridge`.
    function takeBack() external payable;

    /// @notice How many messages were processed.
    function nextIndex() external view returns (uint64);
    /// @notice The hash of the queue of these.
    function chain() external view returns (bytes27);
    /// @notice Whether a message is parked.
    function isParked(bytes32 messageHash) external view returns (bool);
    /// @notice What `account` may take, in wei.
    function refundOf(address account) external view returns (uint256);
    /// @notice While a message is called: its sender on L2, aliased if it is a contract. Zero else.
    function messageSender() external view returns (address);
}
