// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Withdrawal} from "../bridge/Withdrawal.sol";

/// @title Tokens from L2, and whatever leaves L3
/// @notice A predeploy. It mints a twin of a token that was deposited on L2, and burns it when it leaves. That a
/// withdrawal was sent is a slot of this contract, which anyone proves on L2 in a proven state (`IBridge`).
interface IL3Bridge {
    /// @notice A withdrawal was sent; it is what `IBridge.finalizeWithdrawal` takes.
    event WithdrawalSent(
        uint256 indexed id, address indexed sender, bytes32 indexed withdrawalHash, Withdrawal withdrawal
    );
    /// @notice The first deposit of a token created its twin.
    event TwinCreated(address indexed l2Token, address indexed twin);
    /// @notice A deposit was minted.
    event DepositMinted(address indexed l2Token, address indexed from, address indexed to, uint256 amount);
    /// @notice A deposit could not be minted, and goes back to who made it by withdrawal `id`.
    event DepositReturned(address indexed l2Token, address indexed from, uint256 amount, uint256 id);

    /// @notice Only the bridge on L2 deposits, by `L3Inbox`.
    error NotL2Bridge(address caller, address sender);
    /// @notice No token of L2 has this address here.
    error NotATwin(address twin);
    /// @notice Nobody would get it.
    error NoRecipient();
    /// @notice A withdrawal carries something, or calls.
    error EmptyWithdrawal();
    /// @notice Only what goes to another chain has a fee.
    error NoFeeOnL2();
    /// @notice A fee is paid in ETH that is sent; `expected` is amount and fee.
    error WrongValue(uint256 sent, uint256 expected);
    /// @notice More gas than a call may have.
    error TooMuchGas(uint64 gasLimit, uint64 most);
    /// @notice More bytes than a withdrawal may carry.
    error DataTooLong(uint256 length, uint256 most);
    /// @notice There is too little gas left to mint a deposit, which is made again with more.
    error NotEnoughGas(uint256 left, uint256 needed);

    /// @notice Mints a deposit, and creates the twin if there is none. For the bridge on L2, by `L3Inbox`.
    /// @param metadata `abi.encode(name, symbol, decimals)` of the token.
    function finalizeDeposit(
        address l2Token,
        address from,
        address to,
        uint256 amount,
        bytes calldata metadata
    ) external;

    /// @notice Sends ETH to an account of L2.
    function withdrawEther(address recipient) external payable returns (uint256 id);

    /// @notice Sends tokens to an account of L2: they are burned here.
    function withdraw(address l2Token, address recipient, uint256 amount) external returns (uint256 id);

    /// @notice Calls a contract on L2 with the ETH that is sent, and this gas at least.
    function sendMessage(address recipient, uint64 gasLimit, bytes calldata data)
        external
        payable
        returns (uint256 id);

    /// @notice Sends ETH, a token or a call to another chain, which its rollup's address names. ETH is sent along: the
    /// fee, and the amount where there is no token.
    function sendToChain(
        address destination,
        address recipient,
        address token,
        uint256 amount,
        uint256 fee,
        uint64 gasLimit,
        bytes calldata data
    ) external payable returns (uint256 id);

    /// @notice The twin of a token, whether it exists yet or not.
    function twinOf(address l2Token) external view returns (address);
    /// @notice How many withdrawals were sent.
    function withdrawals() external view returns (uint256);
    /// @notice Whether a withdrawal was sent.
    function isSent(bytes32 withdrawalHash) external view returns (bool);
    /// @notice The bridge's contract on L2, whose alias deposits come from.
    function l2Bridge() external view returns (address);
}
