// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Messages} from "../bridge/Message.sol";
import {Withdrawal, Withdrawals} from "../bridge/Withdrawal.sol";
import {IL3Bridge} from "./IL3Bridge.sol";
import {IL3Inbox} from "./IL3Inbox.sol";
import {IL3Token} from "./IL3Token.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title Tokens from L2, and whatever leaves L3
/// @notice See `IL3Bridge`. No constructor was run: genesis has the code, and `l2Bridge` in slot 2.
/// @dev It calls `L3Inbox` and twins only, which call nobody: nothing can come back in.
contract L3Bridge is IL3Bridge {
    /// @notice Gas of a mint: twice what it can take (two new slots, 44200, and two cold accounts, 5200).
    uint256 public constant MINT_GAS = 100_000;
    /// @dev With this much left a call of a twin gives `MINT_GAS`: 63/64 of what is left after 5000 for the call itself.
    uint256 private constant MINT_NEEDS = MINT_GAS + MINT_GAS / 63 + 1 + 5000;

    /// @inheritdoc IL3Bridge
    mapping(bytes32 withdrawalHash => bool) public isSent;
    /// @inheritdoc IL3Bridge
    uint256 public withdrawals;
    /// @inheritdoc IL3Bridge
    address public l2Bridge;

    /// @inheritdoc IL3Bridge
    function finalizeDeposit(
        address l2Token,
        address from,
        address to,
        uint256 amount,
        bytes calldata metadata
    ) external {
        address sender = IL3Inbox(Predeploys.L3_INBOX).messageSender();
        if (msg.sender != Predeploys.L3_INBOX || sender != Messages.aliasOf(l2Bridge)) {
            revert NotL2Bridge(msg.sender, sender);
        }
        IL3Token twin = IL3Token(twinOf(l2Token));
        if (address(twin).code.length == 0) _createTwin(l2Token, twin, metadata);
        // A mint that lacks gas is no mint that cannot be made.
        uint256 left = gasleft();
        if (left < MINT_NEEDS) revert NotEnoughGas(left, MINT_NEEDS);
        try twin.mint{gas: MINT_GAS}(to, amount) {
            emit DepositMinted(l2Token, from, to, amount);
        } catch {
            Withdrawal memory back = _toL2(from, l2Token, amount, "");
            back.sender = address(this);
            uint256 id = _send(back);
            emit DepositReturned(l2Token, from, amount, id);
        }
    }

    /// @inheritdoc IL3Bridge
    function withdrawEther(address recipient) external payable returns (uint256) {
        return _sendEther(_toL2(recipient, address(0), msg.value, ""));
    }

    /// @inheritdoc IL3Bridge
    function withdraw(address l2Token, address recipient, uint256 amount) external returns (uint256) {
        return _sendToken(_toL2(recipient, l2Token, amount, ""));
    }

    /// @inheritdoc IL3Bridge
    function sendMessage(address recipient, uint64 gasLimit, bytes calldata data)
        external
        payable
        returns (uint256)
    {
        _expectGasLimit(gasLimit);
        Withdrawal memory withdrawal = _toL2(recipient, address(0), msg.value, data);
        withdrawal.gasLimit = gasLimit;
        return _sendEther(withdrawal);
    }

    /// @inheritdoc IL3Bridge
    function sendToChain(
        address destination,
        address recipient,
        address token,
        uint256 amount,
        uint256 fee,
        uint64 gasLimit,
        bytes calldata data
    ) external payable returns (uint256) {
        if (destination == address(0)) revert NoFeeOnL2();
        _expectGasLimit(gasLimit);
        Withdrawal memory withdrawal = Withdrawal({
            id: 0,
            sender: msg.sender,
            destination: destination,
            recipient: recipient,
            token: token,
            amount: amount,
            fee: fee,
            gasLimit: gasLimit,
            data: data
        });
        return token == address(0) ? _sendEther(withdrawal) : _sendToken(withdrawal);
    }

    /// @inheritdoc IL3Bridge
    function twinOf(address l2Token) public pure returns (address) {
        return Predeploys.twinOf(l2Token);
    }

    function _createTwin(address l2Token, IL3Token twin, bytes calldata metadata) private {
        Clones.cloneDeterministic(Predeploys.L3_TOKEN, Predeploys.saltOf(l2Token));
        (string memory name, string memory symbol, uint8 decimals) =
            abi.decode(metadata, (string, string, uint8));
        twin.initialize(l2Token, name, symbol, decimals);
        emit TwinCreated(l2Token, address(twin));
    }

    /// @dev ETH, or a call: amount and fee were sent.
    function _sendEther(Withdrawal memory withdrawal) private returns (uint256 id) {
        if (withdrawal.amount == 0 && withdrawal.data.length == 0) revert EmptyWithdrawal();
        _expectData(withdrawal, Messages.MAX_DATA);
        _expectValue(Math.saturatingAdd(withdrawal.amount, withdrawal.fee));
        id = _sendAlong(withdrawal);
    }

    /// @dev A token, which is burned: the fee was sent.
    function _sendToken(Withdrawal memory withdrawal) private returns (uint256 id) {
        if (withdrawal.amount == 0) revert EmptyWithdrawal();
        _expectData(withdrawal, 0);
        _expectValue(withdrawal.fee);
        address twin = twinOf(withdrawal.token);
        if (twin.code.length == 0) revert NotATwin(twin);
        IL3Token(twin).burn(msg.sender, withdrawal.amount);
        id = _sendAlong(withdrawal);
    }

    /// @dev What was sent goes back to the balance that pays for messages.
    function _sendAlong(Withdrawal memory withdrawal) private returns (uint256 id) {
        if (withdrawal.recipient == address(0)) revert NoRecipient();
        id = _send(withdrawal);
        if (msg.value != 0) IL3Inbox(Predeploys.L3_INBOX).takeBack{value: msg.value}();
    }

    function _send(Withdrawal memory withdrawal) private returns (uint256 id) {
        id = withdrawals++;
        withdrawal.id = id;
        bytes32 withdrawalHash = Withdrawals.hash(withdrawal);
        isSent[withdrawalHash] = true;
        emit WithdrawalSent(id, withdrawal.sender, withdrawalHash, withdrawal);
    }

    function _toL2(address recipient, address token, uint256 amount, bytes memory data)
        private
        view
        returns (Withdrawal memory withdrawal)
    {
        withdrawal.sender = msg.sender;
        withdrawal.recipient = recipient;
        withdrawal.token = token;
        withdrawal.amount = amount;
        withdrawal.data = data;
    }

    /// @dev The other chain's queue takes no more, and the withdrawal could never leave.
    function _expectGasLimit(uint64 gasLimit) private pure {
        if (gasLimit > Messages.MAX_GAS) revert TooMuchGas(gasLimit, Messages.MAX_GAS);
    }

    function _expectValue(uint256 expected) private view {
        if (msg.value != expected) revert WrongValue(msg.value, expected);
    }

    function _expectData(Withdrawal memory withdrawal, uint256 most) private pure {
        uint256 length = withdrawal.data.length;
        if (length > most) revert DataTooLong(length, most);
    }
}
