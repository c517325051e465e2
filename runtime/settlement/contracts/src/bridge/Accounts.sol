// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {LibCall} from "solady/utils/LibCall.sol";
import {Predeploys} from "../l3/Predeploys.sol";
import {IL3Bridge} from "../l3/IL3Bridge.sol";
import {Chains} from "./Chains.sol";
import {IBridge} from "./IBridge.sol";
import {IInbox} from "./IInbox.sol";
import {Message, Messages} from "./Message.sol";
import {TokenMetadata} from "./TokenMetadata.sol";

/// @title The chains' accounts: what goes on them with a message, and what is taken from them
/// @dev Every call out is made after the accounts are changed, so that whoever is called finds them right. One thing is
/// measured over a call: what arrives of a token. While a token moves, no other movement of tokens is let in.
abstract contract Accounts is IBridge, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @dev Gas on L3 that suffices for `L3Bridge` to create a twin and mint.
    uint64 internal constant MINT_GAS = 500_000;

    /// @dev Bytes of a recipient's reason that an error repeats.
    uint16 internal constant MAX_REASON = 1024;

    /// @inheritdoc IBridge
    mapping(address rollup => mapping(address token => uint256 amount)) public deposited;
    /// @dev The sum of `deposited` of a token over all chains. Of ETH none is needed: what came is there.
    mapping(address token => uint256 amount) internal _totalDeposited;

    /// @dev Puts what a message carries on the account of its chain, and sends it.
    /// @param token What of `amount` goes there, beside the fee: ETH is the message's value.
    function _enter(
        address rollup,
        address token,
        uint256 amount,
        address from,
        address to,
        Message memory message
    ) internal returns (uint64 index) {
        IInbox inbox = Chains.openInboxOf(rollup);
        deposited[rollup][token] += amount;
        if (token != address(0)) _totalDeposited[token] += amount;
        if (message.fee != 0) deposited[rollup][address(0)] += message.fee;
        index = inbox.send(message);
        if (amount != 0) emit Deposited(rollup, token, from, to, amount, index);
    }

    /// @dev Takes from the account of a chain.
    function _leave(address rollup, address token, uint256 amount) internal {
        uint256 left = deposited[rollup][token];
        if (amount > left) revert AboveDeposits(rollup, token, amount, left);
        unchecked {
            deposited[rollup][token] = left - amount;
        }
        if (token != address(0)) _totalDeposited[token] -= amount;
    }

    /// @dev The message that has a token minted on L3. Nobody can give it up there: its refundee would have the fee, and the
    /// token would be lost.
    /// @param from Who gets it on L2 if it cannot be minted.
    function _mint(address token, address from, address to, uint256 amount, uint64 gasLimit)
        internal
        view
        returns (Message memory message)
    {
        message.sender = Messages.aliasOf(address(this));
        message.target = Predeploys.L3_BRIDGE;
        message.gasLimit = gasLimit > MINT_GAS ? gasLimit : MINT_GAS;
        bytes memory metadata = TokenMetadata.read(token);
        message.data = abi.encodeCall(IL3Bridge.finalizeDeposit, (token, from, to, amount, metadata));
    }

    /// @dev Takes a token from the caller; returns what arrived.
    function _receive(address token, uint256 amount) internal nonReentrant returns (uint256 arrived) {
        uint256 held = _held(token);
        if (held < _totalDeposited[token]) revert TokenShrank(token, held, _totalDeposited[token]);
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 heldAfter = _held(token);
        if (heldAfter <= held) revert EmptyDeposit();
        arrived = heldAfter - held;
    }

    /// @dev Pays a token that was taken from an account.
    function _pay(address token, address recipient, uint256 amount) internal nonReentrant {
        IERC20(token).safeTransfer(recipient, amount);
    }

    function _held(address token) private view returns (uint256) {
        (bool answered,, bytes memory answer) =
            LibCall.tryStaticCall(token, gasleft(), 32, abi.encodeCall(IERC20.balanceOf, (address(this))));
        if (!answered || answer.length != 32) revert NotAToken(token);
        return abi.decode(answer, (uint256));
    }
}
