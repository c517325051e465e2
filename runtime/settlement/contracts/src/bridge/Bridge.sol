// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LibCall} from "solady/utils/LibCall.sol";
import {Predeploys} from "../l3/Predeploys.sol";
import {Chains} from "./Chains.sol";
import {Executor} from "./Executor.sol";
import {Exits} from "./Exits.sol";
import {IBridge} from "./IBridge.sol";
import {Message, Messages} from "./Message.sol";
import {StateProof} from "./StateProof.sol";
import {Withdrawal, Withdrawals} from "./Withdrawal.sol";

/// @title The way into the L3 chains of this L2, and out of them
/// @notice See `IBridge`. It is created with CREATE2 and takes no arguments, so that it has one address on all L2s.
contract Bridge is Exits {
    /// @dev Gas between the check of what a call has and the call: two calls, value with one.
    uint256 private constant CALL_GAS = 60_000;

    Executor private immutable _executor = new Executor();

    /// @inheritdoc IBridge
    mapping(address rollup => mapping(bytes32 withdrawalHash => bool)) public finalized;
    address private transient _callingRollup;
    address private transient _callingSender;

    /// @inheritdoc IBridge
    function deposit(
        address rollup,
        address l2Token,
        address l3Token,
        address to,
        uint256 amount,
        uint32 gasLimit
    ) external payable returns (uint64) {
        if (to == address(0)) revert NoRecipient();
        if (l3Token != twinOf(l2Token)) revert OtherTwin(l3Token, twinOf(l2Token));
        uint256 arrived = _receive(l2Token, amount);
        Message memory message = _mint(l2Token, msg.sender, to, arrived, gasLimit);
        message.fee = msg.value;
        return _enter(rollup, l2Token, arrived, msg.sender, to, message);
    }

    /// @inheritdoc IBridge
    function depositEther(address rollup, address to, uint256 fee, uint32 gasLimit)
        external
        payable
        returns (uint64)
    {
        if (to == address(0)) revert NoRecipient();
        if (msg.value <= fee) revert EmptyDeposit();
        return _enter(
            rollup,
            address(0),
            msg.value - fee,
            msg.sender,
            to,
            Message({
                sender: Messages.senderOf(msg.sender),
                target: to,
                value: msg.value - fee,
                fee: fee,
                gasLimit: gasLimit,
                refundee: _refundee(to),
                data: ""
            })
        );
    }

    /// @inheritdoc IBridge
    function sendMessage(
        address rollup,
        address target,
        uint256 value,
        uint256 fee,
        uint64 gasLimit,
        address refundee,
        bytes calldata data
    ) external payable returns (uint64) {
        if (target == address(0) || refundee == address(0)) revert NoRecipient();
        if (msg.value != value + fee) revert WrongValue(msg.value, value + fee);
        address sender = Messages.senderOf(msg.sender);
        Message memory message = Message(sender, target, value, fee, gasLimit, refundee, data);
        return _enter(rollup, address(0), value, msg.sender, target, message);
    }

    /// @inheritdoc IBridge
    function fund(address rollup) external payable {
        if (msg.value == 0) revert EmptyDeposit();
        Chains.inboxOf(rollup);
        deposited[rollup][address(0)] += msg.value;
        emit Funded(rollup, msg.sender, msg.value);
    }

    /// @inheritdoc IBridge
    function finalizeWithdrawal(
        address rollup,
        bytes32 stateRoot,
        Withdrawal calldata withdrawal,
        bytes[] calldata accountProof,
        bytes[] calldata storageProof
    ) external payable {
        bytes32 hash = Withdrawals.hash(withdrawal);
        if (finalized[rollup][hash]) revert AlreadyFinalized(hash);
        if (!Chains.hasProven(rollup, stateRoot)) revert StateNotProven(stateRoot);
        if (!_isSent(stateRoot, hash, accountProof, storageProof)) revert NotSent(hash);
        // Of a token that nobody deposited the twin would be made before the token.
        if (withdrawal.token != address(0) && withdrawal.amount == 0) revert EmptyDeposit();
        finalized[rollup][hash] = true;
        _leave(rollup, withdrawal.token, withdrawal.amount);
        emit WithdrawalFinalized(rollup, hash, withdrawal);
        if (withdrawal.destination != address(0) && Chains.takes(withdrawal.destination)) {
            _handOver(rollup, withdrawal);
            return;
        }
        if (msg.value != 0) revert WrongValue(msg.value, 0);
        if (withdrawal.token != address(0)) {
            _pay(withdrawal.token, withdrawal.recipient, withdrawal.amount);
        } else {
            _call(rollup, withdrawal);
        }
    }

    /// @inheritdoc IBridge
    function twinOf(address l2Token) public pure returns (address) {
        return Predeploys.twinOf(l2Token);
    }

    /// @inheritdoc IBridge
    function messageSender() external view returns (address rollup, address sender) {
        return (_callingRollup, _callingSender);
    }

    /// @inheritdoc IBridge
    function executor() external view returns (address) {
        return address(_executor);
    }

    /// @dev Whether the state's `L3Bridge` has sent a withdrawal.
    function _isSent(
        bytes32 stateRoot,
        bytes32 hash,
        bytes[] calldata accountProof,
        bytes[] calldata storageProof
    ) private pure returns (bool) {
        (bool exists, StateProof.Account memory account) =
            StateProof.tryAccount(stateRoot, Predeploys.L3_BRIDGE, accountProof);
        return exists && StateProof.trySlot(account.storageRoot, Withdrawals.slot(hash), storageProof) == 1;
    }

    /// @dev Puts on another chain's account what was taken from this one's.
    function _handOver(address rollup, Withdrawal calldata withdrawal) private {
        _leave(rollup, address(0), withdrawal.fee);
        address recipient = withdrawal.recipient;
        address sender = Messages.aliasOf(rollup, withdrawal.sender);
        Message memory message;
        if (withdrawal.token == address(0)) {
            (message.sender, message.target) = (sender, recipient);
            (message.value, message.gasLimit) = (withdrawal.amount, withdrawal.gasLimit);
            (message.refundee, message.data) = (recipient, withdrawal.data);
        } else {
            message = _mint(withdrawal.token, recipient, recipient, withdrawal.amount, withdrawal.gasLimit);
        }
        message.fee = withdrawal.fee + msg.value;
        _enter(withdrawal.destination, withdrawal.token, withdrawal.amount, sender, recipient, message);
    }

    /// @dev Pays ETH, and calls if there is anything to call with. A recipient may come back to this contract: all is
    /// settled by then, and `messageSender` is again what it was when a claim within its call has ended.
    function _call(address rollup, Withdrawal calldata withdrawal) private {
        (address recipient, uint256 amount) = (withdrawal.recipient, withdrawal.amount);
        bool succeeded;
        bytes memory reason;
        // What was to be called on a chain that there is not, is paid.
        if (withdrawal.data.length == 0 || withdrawal.destination != address(0)) {
            (succeeded,, reason) = LibCall.tryCall(recipient, amount, gasleft(), MAX_REASON, "");
        } else {
            _expectGas(withdrawal.gasLimit);
            (address outerRollup, address outerSender) = (_callingRollup, _callingSender);
            (_callingRollup, _callingSender) = (rollup, withdrawal.sender);
            (succeeded, reason) = _executor.execute{value: amount}(recipient, withdrawal.data);
            (_callingRollup, _callingSender) = (outerRollup, outerSender);
        }
        if (!succeeded) revert RecipientFailed(recipient, reason);
    }

    /// @dev Whoever claims a call must not have it fail half-way: two calls away 63/64 of 63/64 are left.
    function _expectGas(uint256 gasLimit) private view {
        uint256 needed = gasLimit + gasLimit / 30 + CALL_GAS;
        if (gasleft() < needed) revert NotEnoughGas(gasleft(), needed);
    }

    /// @dev Who owns on L3 what a deposit brought, if it cannot be paid: the caller if it signs transactions, and else, since
    /// it may have no way to act there, the recipient.
    function _refundee(address to) private view returns (address) {
        // solhint-disable-next-line avoid-tx-origin
        return msg.sender == tx.origin ? msg.sender : to;
    }
}
