// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SignedTransaction} from "./SignedTransaction.sol";

/// @title Transactions of L3 that its operator cannot leave out
/// @notice Anyone posts a signed L3 transaction here, with a deposit. No block later than its deadline is committed before it:
/// each commit takes entries off the queue's head, in order, by showing them among its transactions. What no block can hold
/// is taken off otherwise, so that nothing holds up what is behind it:
/// - What no state would execute (signature, chain, limits) is refused when it is posted.
/// - So is what might not be provable. A transfer, and anything else that has no gas to execute code with, always is; so is a
///   call of L3's bridge, whose code is known. Any other call may fill the prover's machine, which no contract can judge.
/// - What the state does not execute, anyone *discharges* by an account proof: at once if the sender's nonce is beyond the
///   transaction's; if the nonce is not reached, the balance does not suffice, or the sender has code, from half way to the
///   deadline on, by a state of that time, or after the deadline by any.
/// - What offers less than the base fee, a commit after its deadline passes over.
/// - Of one sender and nonce only one entry waits.
///
/// The deposit comes back to who posted the transaction when the queue's proven head is beyond it, but for the first
/// entry's deposit if it is discharged: that is the caller's. It doubles with every `DOUBLING` entries that wait.
interface IForcedQueue {
    /// @notice What the contract keeps of an entry.
    struct Entry {
        /// Who gets the deposit back.
        address poster;
        /// When it was posted, in seconds since 1970.
        uint40 posted;
        /// It is off the queue, and no commit need show it.
        bool discharged;
        /// In wei; zero once it is paid.
        uint128 deposit;
        /// No block with a higher base fee executes it.
        uint128 maxFeePerGas;
        /// keccak256 of the transaction: its hash.
        bytes32 transactionHash;
        /// keccak256(abi.encode(SignedTransaction.Facts)).
        bytes32 factsHash;
    }

    /// @notice A transaction waits, with this number from 0.
    event TransactionPosted(
        uint64 indexed index,
        address indexed sender,
        bytes32 indexed transactionHash,
        SignedTransaction.Facts facts,
        bytes transaction
    );
    /// @notice An entry was shown not to be executable, and left the queue.
    event EntryDischarged(uint64 indexed index, address by);
    /// @notice The deposit of an entry that is off the queue was paid back.
    event DepositReturned(uint64 indexed index, address poster, uint256 deposit);

    /// @notice More bytes than a commit has room for, beside others.
    error TransactionTooLong(uint256 length, uint256 most);
    /// @notice It creates a contract, which might not be provable.
    error CreatesContract();
    /// @notice The sender's entry with this nonce waits already.
    error NonceQueued(uint64 index);
    /// @notice No block is ever so cheap.
    error FeeTooLow(uint256 maxFeePerGas, uint256 least);
    /// @notice More gas than is sure to be provable.
    error TransactionTooDear(uint64 gasLimit, uint64 most);
    /// @notice The deposit is `needed` now.
    error DepositTooSmall(uint256 sent, uint256 needed);
    /// @notice The entry is not on the queue: it was executed or discharged, or there is none.
    error NotQueued(uint64 index);
    /// @notice These are not the facts of this entry.
    error OtherFacts(uint64 index);
    /// @notice The state executes the transaction.
    error StillExecutable(uint64 index);
    /// @notice It may still become executable: it is discharged by a proven state of this time or later.
    error TooEarly(uint64 index, uint64 notBefore);
    /// @notice An entry is due that the commit does not show.
    error EntryDue(uint64 index);
    /// @notice The commit shows another transaction than this entry, which is next.
    error OtherTransaction(uint64 index);
    /// @notice There is no deposit to pay back: the entry may still be on the queue, or it was paid.
    error NothingToReturn(uint64 index);
    /// @notice The receiver refuses.
    error ReceiverFailed(address receiver);

    /// @notice Posts a transaction of the chain, with `depositNow()` at least.
    function post(bytes calldata transaction) external payable returns (uint64 index);

    /// @notice Takes an entry off the queue that the verified state does not execute. The caller is paid.
    /// @param accountProof Of the sender in `IRollup.verifiedStateRoot()`, as `eth_getProof` gives it.
    function discharge(uint64 index, SignedTransaction.Facts calldata facts, bytes[] calldata accountProof)
        external;

    /// @notice Pays back what is left of the deposit of an entry that is off the queue, for good. Open to anyone.
    function returnDeposit(uint64 index) external;

    /// @notice What a commit takes off the queue: the entries from `from` on. `hashes` are those of its transactions that it
    /// shows for the entries that are not discharged, in order. For `Rollup`.
    /// @param time Of the commit's last block: what is due by then must be shown.
    /// @param baseFee Of that block.
    /// @return next The first entry that is left.
    function take(uint64 from, bytes32[] calldata hashes, uint64 time, uint256 baseFee)
        external
        view
        returns (uint64 next);

    /// @notice Whether the first entry from `from` on that is not discharged is due at this time.
    function isDue(uint64 from, uint64 time) external view returns (bool);

    /// @notice The chain's `Rollup`.
    function rollup() external view returns (address);
    /// @notice The chain that transactions are signed for.
    function chainId() external view returns (uint64);
    /// @notice How many were posted.
    function count() external view returns (uint64);
    /// @notice What is kept of an entry.
    function entry(uint64 index) external view returns (Entry memory);
    /// @notice The deposit that the next entry takes, in wei.
    function depositNow() external view returns (uint256);
    /// @notice From when it was posted to its deadline, in seconds.
    function deadline() external view returns (uint64);
}
