// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {StateProof} from "../bridge/StateProof.sol";
import {Predeploys} from "../l3/Predeploys.sol";
import {IForcedChain} from "./IForcedChain.sol";
import {IForcedQueue} from "./IForcedQueue.sol";
import {SignedTransaction} from "./SignedTransaction.sol";

/// @title Transactions of L3 that its operator cannot leave out
/// @notice See `IForcedQueue`.
contract ForcedQueue is IForcedQueue {
    /// @notice Most bytes of a transaction: a commit has room for `ENOUGH` of them.
    uint256 public constant MAX_BYTES = 16 << 10;
    /// @notice Most gas of a call of `L3Bridge`, whose code is known. Any other code, with 100 gas for each call of itself,
    /// fills the prover's memory with copies of its code, at 200 cells a gas.
    uint64 public constant MAX_BRIDGE_GAS = 500_000;
    /// @notice Least wei for each gas. Whoever keeps the base fee above it, so that an entry cannot be executed, pays for full
    /// blocks at that price.
    uint256 public constant MIN_FEE = 1 gwei;
    /// @notice The deposit, in wei, where nothing waits; pays for a discharge.
    uint256 public constant BASE_DEPOSIT = 0.01 ether;
    /// @notice With so many entries that wait it doubles.
    uint256 public constant DOUBLING = 64;
    /// @notice Entries that a commit shows at least, if more are due.
    uint256 public constant ENOUGH = 4;
    /// @notice Entries that a commit looks at, at most.
    uint256 public constant MOST = 256;
    /// @dev keccak256 of nothing: the code of an account that signs.
    bytes32 private constant NO_CODE = 0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470;
    /// @dev The deposit is 2^64 times the first at most.
    uint256 private constant MAX_DOUBLINGS = 64;

    IForcedChain private immutable chain;
    /// @inheritdoc IForcedQueue
    uint64 public immutable chainId;
    /// @inheritdoc IForcedQueue
    uint64 public immutable deadline;

    /// @inheritdoc IForcedQueue
    uint64 public count;
    mapping(uint64 index => Entry) private _entries;
    /// @dev One more than the index of the last entry with this sender and nonce.
    mapping(address sender => mapping(uint64 nonce => uint64)) private _last;

    /// @param rollup_ The chain, which may be created later: it makes sure that this is its own queue.
    constructor(address rollup_, uint64 chainId_, uint64 deadline_) {
        chain = IForcedChain(rollup_);
        chainId = chainId_;
        deadline = deadline_;
    }

    /// @inheritdoc IForcedQueue
    function post(bytes calldata transaction) external payable returns (uint64 index) {
        if (transaction.length > MAX_BYTES) revert TransactionTooLong(transaction.length, MAX_BYTES);
        uint256 needed = depositNow();
        if (msg.value < needed) revert DepositTooSmall(msg.value, needed);
        SignedTransaction.Facts memory facts = SignedTransaction.read(transaction, chainId);
        if (facts.to == address(0)) revert CreatesContract();
        uint64 most = facts.to == Predeploys.L3_BRIDGE ? MAX_BRIDGE_GAS : facts.intrinsicGas;
        if (facts.gasLimit > most) revert TransactionTooDear(facts.gasLimit, most);
        if (facts.maxFeePerGas < MIN_FEE) revert FeeTooLow(facts.maxFeePerGas, MIN_FEE);
        index = count;
        _expectNewNonce(index, facts);
        count = index + 1;
        bytes32 transactionHash = keccak256(transaction);
        _entries[index] = Entry({
            poster: msg.sender,
            posted: uint40(block.timestamp),
            discharged: false,
            deposit: uint128(msg.value),
            maxFeePerGas: uint128(facts.maxFeePerGas),
            transactionHash: transactionHash,
            factsHash: keccak256(abi.encode(facts))
        });
        emit TransactionPosted(index, facts.sender, transactionHash, facts, transaction);
    }

    /// @inheritdoc IForcedQueue
    function discharge(uint64 index, SignedTransaction.Facts calldata facts, bytes[] calldata accountProof)
        external
    {
        Entry storage found = _entries[index];
        if (index >= count || index < chain.verifiedForced() || found.discharged) revert NotQueued(index);
        if (keccak256(abi.encode(facts)) != found.factsHash) revert OtherFacts(index);
        _expectNotExecutable(index, facts, accountProof, found.posted);
        (found.discharged, found.deposit) = (true, found.deposit - uint128(BASE_DEPOSIT));
        emit EntryDischarged(index, msg.sender);
        _pay(msg.sender, BASE_DEPOSIT);
    }

    /// @inheritdoc IForcedQueue
    function returnDeposit(uint64 index) external {
        Entry storage found = _entries[index];
        (uint256 paid, address poster) = (found.deposit, found.poster);
        // Not when it is discharged: a deposit that comes back at once would raise the price for others for nothing.
        if (index >= chain.verifiedForced() || paid == 0) revert NothingToReturn(index);
        found.deposit = 0;
        emit DepositReturned(index, poster, paid);
        _pay(poster, paid);
    }

    /// @inheritdoc IForcedQueue
    function take(uint64 from, bytes32[] calldata hashes, uint64 time, uint256 baseFee)
        external
        view
        returns (uint64 next)
    {
        uint256 shown;
        uint64 last = from + uint64(MOST) < count ? from + uint64(MOST) : count;
        for (next = from; next < last; ++next) {
            Entry storage found = _entries[next];
            if (found.discharged) continue;
            if (shown < hashes.length && found.transactionHash == hashes[shown]) {
                ++shown;
                continue;
            }
            bool isDue_ = found.posted + deadline <= time;
            if (isDue_ && found.maxFeePerGas < baseFee) continue;
            if (shown < hashes.length) revert OtherTransaction(next);
            if (!isDue_ || shown >= ENOUGH) break;
            revert EntryDue(next);
        }
        if (shown != hashes.length) revert NotQueued(next);
    }

    /// @inheritdoc IForcedQueue
    function isDue(uint64 from, uint64 time) external view returns (bool) {
        for (uint64 i = from; i < count; ++i) {
            if (!_entries[i].discharged) return _entries[i].posted + deadline <= time;
        }
        return false;
    }

    /// @inheritdoc IForcedQueue
    function rollup() external view returns (address) {
        return address(chain);
    }

    /// @inheritdoc IForcedQueue
    function entry(uint64 index) external view returns (Entry memory) {
        return _entries[index];
    }

    /// @inheritdoc IForcedQueue
    function depositNow() public view returns (uint256) {
        uint256 doublings = (count - chain.verifiedForced()) / DOUBLING;
        return BASE_DEPOSIT << (doublings > MAX_DOUBLINGS ? MAX_DOUBLINGS : doublings);
    }

    /// @dev Of two that wait only one is ever executed, and the other could not be shown.
    function _expectNewNonce(uint64 index, SignedTransaction.Facts memory facts) private {
        uint64 last = _last[facts.sender][facts.nonce];
        bool waits = last != 0 && last > chain.verifiedForced() && !_entries[last - 1].discharged;
        if (waits) revert NonceQueued(last - 1);
        _last[facts.sender][facts.nonce] = index + 1;
    }

    /// @dev Reverts if the verified state executes the transaction, or may yet do so: that is known half way to the deadline by
    /// the chain's time, or when it is over by L2's, for a chain that stood still.
    function _expectNotExecutable(
        uint64 index,
        SignedTransaction.Facts calldata facts,
        bytes[] calldata accountProof,
        uint64 posted
    ) private view {
        (bool exists, StateProof.Account memory sender) =
            StateProof.tryAccount(chain.verifiedStateRoot(), facts.sender, accountProof);
        if (sender.nonce > facts.nonce) return;
        bool executable = sender.nonce == facts.nonce && sender.balance >= facts.cost
            && (!exists || sender.codeHash == NO_CODE);
        if (executable) revert StillExecutable(index);
        bool isLate = block.timestamp >= posted + deadline;
        uint64 notBefore = posted + deadline / 2;
        if (!isLate && chain.verifiedTimestamp() < notBefore) revert TooEarly(index, notBefore);
    }

    function _pay(address receiver, uint256 amount) private {
        (bool paid,) = receiver.call{value: amount}("");
        if (!paid) revert ReceiverFailed(receiver);
    }
}
