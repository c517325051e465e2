// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LibCall} from "solady/utils/LibCall.sol";
import {IL3Bridge} from "../l3/IL3Bridge.sol";
import {Predeploys} from "../l3/Predeploys.sol";
import {Accounts} from "./Accounts.sol";
import {Chains} from "./Chains.sol";
import {IExits} from "./IExits.sol";
import {IInbox} from "./IInbox.sol";
import {Message, Messages} from "./Message.sol";
import {StateProof} from "./StateProof.sol";

/// @title The way out of a chain that ended
/// @notice See `IExits`. What is taken is taken from the chain's account, as a withdrawal is.
abstract contract Exits is Accounts, IExits {
    /// @dev keccak256 of nothing: the code of an account that signs.
    bytes32 private constant NO_CODE = 0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470;
    /// @dev Slots of `L3Inbox` and `L3Token`, which their tests pin.
    uint256 private constant QUEUE_SLOT = 0;
    uint256 private constant PARKED_SLOT = 1;
    uint256 private constant REFUND_SLOT = 2;
    uint256 private constant BALANCE_SLOT = 0;

    /// @inheritdoc IExits
    mapping(address rollup => mapping(bytes32 what => bool)) public taken;

    /// @inheritdoc IExits
    function exitEther(address rollup, address account, bytes[] calldata accountProof) external {
        bytes32 root = Chains.lastStateOf(rollup);
        uint256 balance = _expectSigner(root, account, accountProof).balance;
        _take(rollup, keccak256(abi.encode("ether", account)));
        _payEther(rollup, account, balance);
    }

    /// @inheritdoc IExits
    function exitToken(
        address rollup,
        address token,
        address account,
        bytes[] calldata accountProof,
        bytes[] calldata twinProof,
        bytes[] calldata balanceProof
    ) external {
        bytes32 root = Chains.lastStateOf(rollup);
        _expectSigner(root, account, accountProof);
        bytes32 slot = _slotOf(bytes32(uint256(uint160(account))), BALANCE_SLOT);
        uint256 balance = _read(root, Predeploys.twinOf(token), twinProof, slot, balanceProof);
        _take(rollup, keccak256(abi.encode("token", token, account)));
        _payToken(rollup, token, account, balance);
    }

    /// @inheritdoc IExits
    function exitRefund(
        address rollup,
        address account,
        bytes[] calldata accountProof,
        bytes[] calldata inboxProof,
        bytes[] calldata refundProof
    ) external {
        bytes32 root = Chains.lastStateOf(rollup);
        _expectSigner(root, account, accountProof);
        bytes32 slot = _slotOf(bytes32(uint256(uint160(account))), REFUND_SLOT);
        uint256 refund = _read(root, Predeploys.L3_INBOX, inboxProof, slot, refundProof);
        _take(rollup, keccak256(abi.encode("refund", account)));
        _payEther(rollup, account, refund);
    }

    /// @inheritdoc IExits
    function exitMessage(
        address rollup,
        uint64 index,
        Message calldata message,
        bytes[] calldata accountProof,
        bytes[] calldata inboxProof,
        bytes[] calldata slotProof
    ) external {
        bytes32 root = Chains.lastStateOf(rollup);
        bytes32 queue = bytes32(QUEUE_SLOT);
        uint256 processed = uint40(_read(root, Predeploys.L3_INBOX, inboxProof, queue, slotProof));
        if (index < processed) revert MessageProcessed(index);
        bytes32 messageHash = Messages.hash(index, message);
        IInbox inbox = Chains.inboxOf(rollup);
        (bytes27 before,) = inbox.entry(index);
        (bytes27 chain, uint40 sent) = inbox.entry(index + 1);
        if (sent == 0 || Messages.append(before, messageHash) != chain) revert UnknownMessage(index);
        _takeBack(rollup, root, messageHash, message, accountProof);
    }

    /// @inheritdoc IExits
    function exitParked(
        address rollup,
        uint64 index,
        Message calldata message,
        bytes[] calldata accountProof,
        bytes[] calldata inboxProof,
        bytes[] calldata slotProof
    ) external {
        bytes32 root = Chains.lastStateOf(rollup);
        bytes32 messageHash = Messages.hash(index, message);
        bytes32 slot = _slotOf(messageHash, PARKED_SLOT);
        if (_read(root, Predeploys.L3_INBOX, inboxProof, slot, slotProof) != 1) revert UnknownMessage(index);
        _takeBack(rollup, root, messageHash, message, accountProof);
    }

    /// @dev Pays what a message carried: a token to whom it was taken from, with the fee; ETH to the refundee.
    function _takeBack(
        address rollup,
        bytes32 root,
        bytes32 messageHash,
        Message calldata message,
        bytes[] calldata accountProof
    ) private {
        _take(rollup, keccak256(abi.encode("message", messageHash)));
        if (message.sender == Messages.aliasOf(address(this))) {
            // Only this contract sends by this name, and only deposits.
            (address token, address from,, uint256 amount,) =
                abi.decode(message.data[4:], (address, address, address, uint256, bytes));
            _payToken(rollup, token, from, amount);
            _payFee(rollup, from, message.fee);
            return;
        }
        _expectSigner(root, message.refundee, accountProof);
        _payEther(rollup, message.refundee, message.value + message.fee);
    }

    /// @dev The account, if its owner can be found on L2 by its address.
    function _expectSigner(bytes32 root, address account, bytes[] calldata proof)
        private
        pure
        returns (StateProof.Account memory found)
    {
        bool exists;
        (exists, found) = StateProof.tryAccount(root, account, proof);
        if (exists && found.codeHash != NO_CODE) revert HasCode(account);
    }

    /// @dev A slot of a contract; zero if either is absent.
    function _read(
        bytes32 root,
        address owner,
        bytes[] calldata accountProof,
        bytes32 slot,
        bytes[] calldata slotProof
    ) private pure returns (uint256) {
        (bool exists, StateProof.Account memory found) = StateProof.tryAccount(root, owner, accountProof);
        return exists ? StateProof.trySlot(found.storageRoot, slot, slotProof) : 0;
    }

    function _take(address rollup, bytes32 what) private {
        if (taken[rollup][what]) revert AlreadyTaken(rollup, what);
        taken[rollup][what] = true;
    }

    function _payEther(address rollup, address account, uint256 amount) private {
        if (amount == 0) revert NothingOwned(account);
        _leave(rollup, address(0), amount);
        emit Exited(rollup, account, address(0), amount);
        (bool paid,, bytes memory reason) = LibCall.tryCall(account, amount, gasleft(), MAX_REASON, "");
        if (!paid) revert RecipientFailed(account, reason);
    }

    /// @dev If it can be paid: nobody is to lose a token for it.
    function _payFee(address rollup, address account, uint256 fee) private {
        if (fee == 0 || fee > deposited[rollup][address(0)]) return;
        _leave(rollup, address(0), fee);
        (bool paid,,) = LibCall.tryCall(account, fee, gasleft(), 0, "");
        if (paid) emit Exited(rollup, account, address(0), fee);
        else deposited[rollup][address(0)] += fee;
    }

    function _payToken(address rollup, address token, address account, uint256 amount) private {
        if (amount == 0) revert NothingOwned(account);
        _leave(rollup, token, amount);
        emit Exited(rollup, account, token, amount);
        _pay(token, account, amount);
    }

    /// @dev Where a mapping in slot `number` has a key.
    function _slotOf(bytes32 key, uint256 number) private pure returns (bytes32) {
        return keccak256(abi.encode(key, number));
    }
}
