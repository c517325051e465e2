// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Withdrawal} from "./Withdrawal.sol";

/// @title The way into the L3 chains of this L2, and out of them
/// @notice One contract holds the ETH and the tokens of all chains, and keeps an account for each: what was deposited to a
/// chain, less what left it. A chain is its `Rollup`. Nobody registers one, nobody owns this contract, and what a chain
/// says of itself counts only for what was deposited to it: whoever deposits chooses whom to believe.
///
/// **In.** `sendMessage` has a call made on L3, from the caller's address there (see `Messages.senderOf`); `deposit` and
/// `depositEther` are such messages. The chain must process each within its deadline.
///
/// **Out.** `finalizeWithdrawal` takes a proof that `L3Bridge` sent it, in any state that the rollup has proven. It pays
/// once. It is a claim on what was deposited to that chain. If it fails, for what the recipient or the token does,
/// it can be tried again.
///
/// **From chain to chain.** A withdrawal that names another chain's rollup is handed over instead of paid: what it carries
/// moves from one account to the other, and a message goes there. Its sender is not the account that sent the withdrawal,
/// which on another chain may be another's, but `Messages.aliasOf(rollup, sender)`. A token that cannot be minted there comes
/// back to the recipient's address on L2. Where there is no such chain, or it ended, the recipient is paid on L2.
interface IBridge {
    /// @notice ETH or a token went to a chain, with message `index` of it, whose fee is beside the amount. `from` is the
    /// account of L2, or the alias of another chain's.
    event Deposited(
        address indexed rollup,
        address indexed token,
        address indexed from,
        address to,
        uint256 amount,
        uint64 index
    );
    /// @notice A withdrawal left a chain, and was paid on L2 or handed over to another chain.
    event WithdrawalFinalized(address indexed rollup, bytes32 indexed withdrawalHash, Withdrawal withdrawal);
    /// @notice ETH went to a chain's account without a message.
    event Funded(address indexed rollup, address indexed from, uint256 amount);

    /// @notice No chain of this bridge: there is no contract, or its inbox takes messages from another bridge, or is another
    /// chain's.
    error NotARollup(address rollup);
    /// @notice What was sent is not what the message carries; `expected` is value and fee.
    error WrongValue(uint256 sent, uint256 expected);
    /// @notice Nothing would be deposited.
    error EmptyDeposit();
    /// @notice Nobody would get it.
    error NoRecipient();
    /// @notice There is no token at this address, or it did not answer as one does.
    error NotAToken(address token);
    /// @notice The bridge holds less of the token than was deposited: it takes back what it gave (a token that
    /// rebases, or that is seized).
    error TokenShrank(address token, uint256 held, uint256 deposited);
    /// @notice On L3 the token is elsewhere, see `twinOf`.
    error OtherTwin(address l3Token, address expected);
    /// @notice The rollup has not proven this state.
    error StateNotProven(bytes32 stateRoot);
    /// @notice The proof does not show that the chain sent this withdrawal.
    error NotSent(bytes32 withdrawalHash);
    /// @notice It was paid before.
    error AlreadyFinalized(bytes32 withdrawalHash);
    /// @notice More than the chain has left of this token; zero for ETH.
    error AboveDeposits(address rollup, address token, uint256 amount, uint256 left);
    /// @notice The chain ended: nothing is deposited to it any more.
    error ChainEnded(address rollup);
    /// @notice The call would have less gas than its gas limit.
    error NotEnoughGas(uint256 left, uint256 needed);
    /// @notice The recipient refused; it can be tried again.
    error RecipientFailed(address recipient, bytes reason);

    /// @notice Deposits a token: the recipient gets as much of its twin on L3. A token that takes a fee is credited as
    /// what arrives.
    /// @param rollup The chain.
    /// @param l2Token The token.
    /// @param l3Token `twinOf(l2Token)`.
    /// @param to Who gets it on L3.
    /// @param amount In the token's smallest unit; the bridge must be allowed to take it.
    /// @param gasLimit Gas on L3; as much as is needed, if this is less.
    /// @dev Sent ETH is the fee for whoever processes it.
    function deposit(
        address rollup,
        address l2Token,
        address l3Token,
        address to,
        uint256 amount,
        uint32 gasLimit
    ) external payable returns (uint64 index);

    /// @notice Deposits the ETH that is sent, less `fee`.
    /// @param rollup The chain.
    /// @param to Who gets it on L3, and who owns it there if it cannot be paid.
    /// @param fee For whoever processes it, in wei.
    /// @param gasLimit Gas on L3 for a recipient that is a contract.
    function depositEther(address rollup, address to, uint256 fee, uint32 gasLimit)
        external
        payable
        returns (uint64 index);

    /// @notice Has a call made on L3.
    /// @param rollup The chain.
    /// @param target Who is called.
    /// @param value What the call carries; value and fee must be sent.
    /// @param fee For whoever has the call made.
    /// @param gasLimit Gas that it has at least.
    /// @param refundee Who owns the value on L3 if the call fails.
    /// @param data What it is called with.
    function sendMessage(
        address rollup,
        address target,
        uint256 value,
        uint256 fee,
        uint64 gasLimit,
        address refundee,
        bytes calldata data
    ) external payable returns (uint64 index);

    /// @notice Adds ETH to what a chain may pay out: for the balances that its genesis gave.
    function fund(address rollup) external payable;

    /// @notice Pays a withdrawal, calls its recipient, or hands it over to another chain: what is sent then is added to the
    /// fee there. Open to anyone.
    /// @param rollup The chain that it left.
    /// @param stateRoot A state that the rollup has proven, after it was sent.
    /// @param withdrawal It.
    /// @param accountProof Of `L3Bridge` in that state, as `eth_getProof` gives it.
    /// @param storageProof Of the slot `Withdrawals.slot(hash)`.
    function finalizeWithdrawal(
        address rollup,
        bytes32 stateRoot,
        Withdrawal calldata withdrawal,
        bytes[] calldata accountProof,
        bytes[] calldata storageProof
    ) external payable;

    /// @notice Where a token's twin is on every L3 chain, whether it was deposited yet or not.
    function twinOf(address l2Token) external view returns (address);
    /// @notice What was deposited to a chain and has not left it: ETH (token zero) in wei, or a token.
    function deposited(address rollup, address token) external view returns (uint256);
    /// @notice Whether a withdrawal of a chain was paid.
    function finalized(address rollup, bytes32 withdrawalHash) external view returns (bool);
    /// @notice While a recipient is called with data, by `executor()`: the account on L3 that sent the call, and its chain's rollup.
    function messageSender() external view returns (address rollup, address sender);
    /// @notice Who calls recipients: it holds nothing, so that no call can take what the bridge holds.
    function executor() external view returns (address);
}
