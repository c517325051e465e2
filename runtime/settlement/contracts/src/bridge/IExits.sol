// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Message} from "./Message.sol";

/// @title The way out of a chain that ended
/// @notice Where a chain is frozen (`IRollup.freeze`), its verified state is its last: who owned what there takes it by
/// proof, once. It is paid to the same address on L2, so an address must be one whose key signs for both: it has no code in the
/// last state. What contracts owned stays where it is. Withdrawals that were sent are claimed as before. Open to anyone.
///
/// The proofs are those of `eth_getProof` at the last proven block, which anyone makes who has L2's data.
interface IExits {
    /// @notice An account took what it owned: ETH (token zero) or a token.
    event Exited(address indexed rollup, address indexed account, address indexed token, uint256 amount);

    /// @notice The chain goes on.
    error NotFrozen(address rollup);
    /// @notice The account has code in the last state: nobody's key is known to be its owner's on L2.
    error HasCode(address account);
    /// @notice It owned nothing there.
    error NothingOwned(address account);
    /// @notice It was taken before.
    error AlreadyTaken(address rollup, bytes32 what);
    /// @notice The chain has processed the message: what it brought is in the last state.
    error MessageProcessed(uint64 index);
    /// @notice No such message was sent to the chain.
    error UnknownMessage(uint64 index);

    /// @notice Takes the ETH of an account.
    function exitEther(address rollup, address account, bytes[] calldata accountProof) external;

    /// @notice Takes a token of an account.
    /// @param twinProof Of the token's twin, as an account of the last state.
    /// @param balanceProof Of the account's balance there.
    function exitToken(
        address rollup,
        address token,
        address account,
        bytes[] calldata accountProof,
        bytes[] calldata twinProof,
        bytes[] calldata balanceProof
    ) external;

    /// @notice Takes what `L3Inbox` owed an account for messages that failed.
    /// @param inboxProof Of `L3Inbox`, as an account of the last state.
    /// @param refundProof Of the account's refund there.
    function exitRefund(
        address rollup,
        address account,
        bytes[] calldata accountProof,
        bytes[] calldata inboxProof,
        bytes[] calldata refundProof
    ) external;

    /// @notice Takes back what a message carried that the chain has not processed. ETH is its refundee's; a token is whose it
    /// was on L2.
    /// @param accountProof Of the refundee.
    /// @param inboxProof Of `L3Inbox`.
    /// @param slotProof Of its slot 0.
    function exitMessage(
        address rollup,
        uint64 index,
        Message calldata message,
        bytes[] calldata accountProof,
        bytes[] calldata inboxProof,
        bytes[] calldata slotProof
    ) external;

    /// @notice The same for a message that the chain has parked.
    /// @param slotProof Of `isParked(hash)`.
    function exitParked(
        address rollup,
        uint64 index,
        Message calldata message,
        bytes[] calldata accountProof,
        bytes[] calldata inboxProof,
        bytes[] calldata slotProof
    ) external;

    /// @notice Whether something was taken: `keccak256` of what it is.
    function taken(address rollup, bytes32 what) external view returns (bool);
}
