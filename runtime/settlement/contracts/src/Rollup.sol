// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IGovernance} from "./IGovernance.sol";
import {IRollup} from "./IRollup.sol";
import {Inbox} from "./bridge/Inbox.sol";
import {IDisputes} from "./dispute/IDisputes.sol";
import {IForcedQueue} from "./forced/IForcedQueue.sol";
import {BatchHash} from "./rollup/BatchHash.sol";
import {BatchStatement} from "./rollup/BatchStatement.sol";
import {BlockRules} from "./rollup/BlockRules.sol";
import {ConflictCheck} from "./rollup/ConflictCheck.sol";
import {L2Header} from "./rollup/L2Header.sol";
import {PackedBlock} from "./rollup/PackedBlock.sol";
import {Statement} from "./rollup/Statement.sol";
import {IProofVerifier} from "./verifier/IProofVerifier.sol";
import {Plonky2Verifier} from "./verifier/Plonky2Verifier.sol";

/// @title The L3 chain as its parent chain (L2) knows it
/// @notice See `IRollup`. The operator orders transactions, and can neither change what they do nor withhold them. Who else
/// may do what: `IGovernance`.
contract Rollup is IRollup {
    /// @dev An L2 block that L3 blocks may name.
    struct Recorded {
        uint64 number;
        /// The block's time, or that of the block after it. Never zero.
        uint64 timestamp;
    }

    /// @dev A block must hold a message with the most gas that one may have.
    uint64 private constant MIN_GAS_LIMIT = 10_000_000;
    /// @dev Later ones would promise nothing.
    uint64 private constant MAX_DEADLINE = 30 days;

    /// @inheritdoc IRollup
    uint64 public immutable chainId;
    /// @inheritdoc IRollup
    uint64 public immutable gasLimit;
    /// @inheritdoc IRollup
    address public immutable beneficiary;
    /// @inheritdoc IRollup
    bytes32 public immutable genesisHash;
    /// @inheritdoc IRollup
    address public immutable governance;
    Inbox private immutable _inbox;
    IForcedQueue private immutable _forcedQueue;
    /// @dev Zero where proofs alone make batches final.
    IDisputes private immutable _disputes;
    /// @dev See `Deadlines`, in seconds.
    uint64 private immutable inclusion;
    uint64 private immutable liveness;
    uint64 private immutable emergency;
    /// @dev Says what a proof states; the same code that judges conflicts.
    ConflictCheck private immutable statements;
    /// @dev Says what a block must be to follow another.
    BlockRules private immutable rules;
    /// @inheritdoc IRollup
    uint64 public immutable deploymentBlock;

    /// @inheritdoc IRollup
    uint64 public lastCommittedBatch;
    /// @inheritdoc IRollup
    uint64 public lastVerifiedBatch;
    /// @inheritdoc IRollup
    uint64 public verifiedBlockNumber;
    /// @inheritdoc IRollup
    uint64 public verifiedTimestamp;
    /// @inheritdoc IRollup
    bytes32 public verifiedStateRoot;
    /// @inheritdoc IRollup
    bytes32 public verifiedBlockHash;
    uint64[4] private _hashWindow;
    /// @inheritdoc IRollup
    uint64 public processedMessages;
    /// @inheritdoc IRollup
    uint64 public verifiedForced;
    /// @inheritdoc IRollup
    uint64 public waitingSince;
    /// @inheritdoc IRollup
    bool public frozen;
    /// @inheritdoc IRollup
    mapping(bytes32 stateRoot => bool) public isProven;

    /// @inheritdoc IRollup
    uint64 public supersessions;

    /// @inheritdoc IRollup
    address public operator;
    /// @inheritdoc IRollup
    mapping(bytes32 blockHash => Recorded) public recordedBlock;
    /// @dev Entries above `lastCommittedBatch` are of superseded batches.
    mapping(uint64 number => bytes32 batchHash) private _batchHash;

    constructor(
        Genesis memory genesis,
        address initialOperator,
        IGovernance initialGovernance,
        address bridge,
        IForcedQueue queue,
        IDisputes disputes_,
        Deadlines memory deadlines_
    ) {
        _checkGenesis(genesis);
        _checkDeadlines(deadlines_);
        if (bridge.code.length == 0) revert InvalidGenesis("bridge");
        if (address(initialGovernance).code.length == 0) revert InvalidGenesis("governance");
        // A pause by itself must not open the chain.
        if (deadlines_.liveness <= initialGovernance.PAUSE()) revert InvalidGenesis("deadlines");
        statements = ConflictCheck(initialGovernance.conflictCheck());
        Statement.Chain memory chain = Statement.Chain(genesis.chainId, genesis.gasLimit, genesis.beneficiary);
        if (!statements.isFor(chain)) revert InvalidGenesis("governance");
        if (blockhash(block.number - 1) == 0) revert BlockHashUnavailable(block.number - 1);
        chainId = genesis.chainId;
        gasLimit = genesis.gasLimit;
        beneficiary = genesis.beneficiary;
        genesisHash = genesis.blockHash;
        governance = address(initialGovernance);
        _inbox = new Inbox(bridge);
        _expectOwn(queue, genesis.chainId, deadlines_.inclusion);
        _forcedQueue = queue;
        if (address(disputes_) != address(0)) _expectShorter(disputes_, deadlines_);
        _disputes = disputes_;
        rules = new BlockRules(chain, genesis.timestamp, _inbox, _forcedQueue);
        (inclusion, liveness, emergency) = (deadlines_.inclusion, deadlines_.liveness, deadlines_.emergency);
        deploymentBlock = uint64(block.number);

        verifiedStateRoot = genesis.stateRoot;
        verifiedBlockHash = genesis.blockHash;
        verifiedTimestamp = genesis.timestamp;
        _hashWindow = genesis.hashWindow;
        BlockTip memory tip;
        tip.blockHash = genesis.blockHash;
        tip.stateRoot = genesis.stateRoot;
        tip.timestamp = genesis.timestamp;
        tip.baseFee = genesis.baseFee;
        tip.gasUsed = genesis.gasUsed;
        _batchHash[0] = BatchHash.compute(0, 0, tip, 0);

        _setOperator(initialOperator);
        _recordParent();
    }

    /// @inheritdoc IRollup
    function commitBatch(
        uint64 number,
        PreviousBatch calldata previous,
        PostedBlock[] calldata blocks,
        bytes calldata transactions,
        uint32[] calldata forced,
        bytes32 lastBlockHash
    ) external {
        _expectRunning();
        // This contract itself, where the chain is open to anyone.
        if (msg.sender != address(this)) {
            if (msg.sender != operator) revert NotOperator(msg.sender);
            _expectTransaction();
        }
        (uint64 verified, uint64 committed) = (lastVerifiedBatch, lastCommittedBatch);
        if (number <= verified || number > committed + 1) {
            revert BatchOutOfOrder(number, verified, committed);
        }
        if (blocks.length == 0) revert EmptyBatch();
        bytes32 parentBatchHash =
            BatchHash.compute(previous.parentBatchHash, previous.blocksDigest, previous.tip, previous.forced);
        if (parentBatchHash != _batchHash[number - 1]) revert PreviousBatchMismatch(number - 1);

        _recordParent();
        (BlockTip memory tip, bytes32 blocksDigest, uint64 nextForced) =
            rules.check(previous, blocks, transactions, forced, _timeOfWaiting(0), _knownMessages(number - 1));
        if (tip.blockHash != lastBlockHash) revert BlockHashMismatch(lastBlockHash, tip.blockHash);

        bytes32 hash = BatchHash.compute(parentBatchHash, blocksDigest, tip, nextForced);
        _batchHash[number] = hash;
        lastCommittedBatch = number;
        if (waitingSince == 0) waitingSince = uint64(block.timestamp);
        if (number <= committed) _supersede(number, committed);
        emit BatchCommitted(number, hash, lastBlockHash, nextForced);
    }

    /// @inheritdoc IRollup
    function proveBatches(
        uint64 from,
        uint64 to,
        Extent[] calldata extents,
        BatchProof calldata batches,
        bytes calldata proof,
        InboxProof calldata messages
    ) external {
        (BlockTip[] memory tips, uint64 processed) = _checkRange(from, to, extents, batches, proof, messages);
        for (uint256 i = 0; i < tips.length; ++i) {
            emit BatchVerified(from + uint64(i), tips[i].blockHash, tips[i].stateRoot);
        }
        _end(to, tips[tips.length - 1], batches.endWindow, extents[extents.length - 1].forced, processed);
    }

    /// @inheritdoc IRollup
    function finalizeBatch(
        uint64 number,
        Opening calldata batch,
        uint64[4] calldata endWindow,
        uint64 processed
    ) external {
        _expectDisputes();
        _expectRunning();
        (uint64 verified, uint64 committed) = (lastVerifiedBatch, lastCommittedBatch);
        if (number != verified + 1 || number > committed) {
            revert RangeOutOfOrder(number, number, verified, committed);
        }
        bytes32 hash = BatchHash.compute(batch);
        if (hash != _batchHash[number]) revert BatchHashMismatch(number, _batchHash[number], hash);
        _expectInTime(batch.tip.timestamp, processed);
        emit BatchVerified(number, batch.tip.blockHash, batch.tip.stateRoot);
        _end(number, batch.tip, endWindow, batch.forced, processed);
    }

    /// @inheritdoc IRollup
    function dropBatches(uint64 from) external {
        _expectDisputes();
        (uint64 verified, uint64 committed) = (lastVerifiedBatch, lastCommittedBatch);
        if (from <= verified || from > committed) revert BatchOutOfOrder(from, verified, committed);
        lastCommittedBatch = from - 1;
        _supersede(from, committed);
    }

    /// @inheritdoc IRollup
    function submitStateRoot(bytes32 stateRoot, bytes32 batchRoot, bytes calldata proof) external {
        Address.functionCall(address(this), bytes.concat(this.proveBatches.selector, proof));
        bytes32 hash = _batchHash[lastVerifiedBatch];
        if (stateRoot != verifiedStateRoot || batchRoot != hash) {
            revert OtherOutcome(verifiedStateRoot, hash);
        }
    }

    /// @inheritdoc IRollup
    function verifyStateTransition(bytes32 fromState, bytes32 toState, bytes calldata proof)
        external
        view
        returns (bool)
    {
        if (fromState != verifiedStateRoot) return false;
        (bool accepted, bytes memory end) =
            address(this).staticcall(bytes.concat(this.checkBatches.selector, proof));
        if (accepted) return abi.decode(end, (BlockTip)).stateRoot == toState;
        // A lack of gas leaves no reason, or that of the verifier that noticed it.
        if (end.length < 4 || bytes4(end) == Plonky2Verifier.OutOfGas.selector) revert NoAnswer();
        return false;
    }

    /// @inheritdoc IRollup
    function checkBatches(
        uint64 from,
        uint64 to,
        Extent[] calldata extents,
        BatchProof calldata batches,
        bytes calldata proof,
        InboxProof calldata messages
    ) external view returns (BlockTip memory) {
        (BlockTip[] memory tips,) = _checkRange(from, to, extents, batches, proof, messages);
        return tips[tips.length - 1];
    }

    /// @inheritdoc IRollup
    function commitAndProve(bytes calldata commit, bytes calldata proof) external {
        if (!isOpen()) revert NotOpen();
        _expectTransaction();
        Address.functionCall(address(this), bytes.concat(this.commitBatch.selector, commit));
        Address.functionCall(address(this), bytes.concat(this.proveBatches.selector, proof));
        if (lastVerifiedBatch != lastCommittedBatch) revert NotProven(lastVerifiedBatch, lastCommittedBatch);
    }

    /// @inheritdoc IRollup
    function freeze() external {
        if (frozen) revert ChainIsFrozen();
        (address accused, uint64 since) = IGovernance(governance).halt();
        bool halted =
            accused != address(0) && since + IGovernance(governance).delay() + emergency < block.timestamp;
        if (!halted) {
            IGovernance(governance).expectRunning();
            if (!_isLate(liveness + emergency)) revert NotLate();
        }
        frozen = true;
        emit ChainFrozen(verifiedStateRoot);
    }

    /// @inheritdoc IRollup
    function isOpen() public view returns (bool) {
        return _isLate(liveness);
    }

    /// @inheritdoc IRollup
    function inbox() external view returns (address) {
        return address(_inbox);
    }

    /// @inheritdoc IRollup
    function forcedQueue() external view returns (address) {
        return address(_forcedQueue);
    }

    /// @inheritdoc IRollup
    function disputes() external view returns (address) {
        return address(_disputes);
    }

    /// @inheritdoc IRollup
    function deadlines() external view returns (Deadlines memory) {
        return Deadlines(inclusion, liveness, emergency);
    }

    /// @inheritdoc IRollup
    function recordBlockHash(bytes calldata header) external {
        (uint256 number, uint256 timestamp) = L2Header.read(header);
        bytes32 hash = blockhash(number);
        if (hash == 0 || hash != keccak256(header)) revert BlockHashUnavailable(number);
        if (recordedBlock[hash].timestamp != timestamp) _record(hash, uint64(number), uint64(timestamp));
    }

    /// @inheritdoc IRollup
    function setOperator(address newOperator) external {
        if (msg.sender != IGovernance(governance).owner()) revert NotOwner(msg.sender);
        _setOperator(newOperator);
    }

    /// @inheritdoc IRollup
    function verifier() public view returns (address) {
        return IGovernance(governance).verifier();
    }

    /// @inheritdoc IRollup
    function status() external view returns (Status memory) {
        return Status({
            lastCommittedBatch: lastCommittedBatch,
            lastVerifiedBatch: lastVerifiedBatch,
            verifiedBlockNumber: verifiedBlockNumber,
            verifiedTimestamp: verifiedTimestamp,
            verifiedStateRoot: verifiedStateRoot,
            verifiedBlockHash: verifiedBlockHash,
            verifiedHashWindow: _hashWindow
        });
    }

    /// @inheritdoc IRollup
    function verifiedHashWindow() external view returns (uint64[4] memory) {
        return _hashWindow;
    }

    /// @inheritdoc IRollup
    function batchHash(uint64 number) external view returns (bytes32) {
        return number <= lastCommittedBatch ? _batchHash[number] : bytes32(0);
    }

    /// @dev Checks the proof of committed batches; returns the last block of each, and how many messages are known to be
    /// processed.
    function _checkRange(
        uint64 from,
        uint64 to,
        Extent[] calldata extents,
        BatchProof calldata batches,
        bytes calldata proof,
        InboxProof calldata messages
    ) private view returns (BlockTip[] memory tips, uint64 processed) {
        _expectRunning();
        (uint64 verified, uint64 committed) = (lastVerifiedBatch, lastCommittedBatch);
        if (from != verified + 1 || to < from || to > committed) {
            revert RangeOutOfOrder(from, to, verified, committed);
        }
        if (extents.length != to - verified) revert RangeLengthMismatch(extents.length);

        uint64[4] memory statement = statements.digest(
            from,
            Statement.Point(verifiedStateRoot, verifiedBlockHash, verifiedBlockNumber, _hashWindow),
            batches
        );
        bytes32 hash;
        (tips, hash) = _split(extents, batches.blocks);
        // Each batch hash covers the one before it.
        if (hash != _batchHash[to]) revert BatchHashMismatch(to, _batchHash[to], hash);
        processed = _checkMessages(tips[tips.length - 1], messages);
        if (!IProofVerifier(verifier()).verify(proof, statement)) revert ProofRefused(from, to);
    }

    /// @dev No message may be left that was due at the time of the last block, but that more were processed: a range need not
    /// have room for all, and one message may be as much as a range has room for. What
    /// is processed has to be shown while the contract does not know that all are.
    function _checkMessages(BlockTip memory last, InboxProof calldata proof)
        private
        view
        returns (uint64 shown)
    {
        uint64 known = processedMessages;
        if (_inbox.count() == known) return known;
        shown = _inbox.processed(last.stateRoot, proof.account, proof.slot);
        _expectInTime(last.timestamp, shown);
    }

    /// @dev A state of this time may have processed so many messages.
    function _expectInTime(uint64 timestamp, uint64 processed) private view {
        uint64 known = processedMessages;
        bool isEnough = processed > known || !_overdue(processed, _timeOfWaiting(timestamp));
        if (processed < known || !isEnough) revert MessageOverdue(processed);
    }

    /// @dev What the state after a batch is known to have processed.
    function _knownMessages(uint64 number) private view returns (uint64 known) {
        known = processedMessages;
        if (address(_disputes) == address(0)) return known;
        uint64 proposed = _disputes.knownMessages(number);
        if (proposed > known) known = proposed;
    }

    /// @dev Makes everything up to a batch final, whose last block this is.
    function _end(uint64 to, BlockTip memory last, uint64[4] calldata window, uint64 forced, uint64 processed)
        private
    {
        lastVerifiedBatch = to;
        verifiedBlockNumber = last.number;
        verifiedTimestamp = last.timestamp;
        verifiedStateRoot = last.stateRoot;
        verifiedBlockHash = last.blockHash;
        _hashWindow = window;
        isProven[last.stateRoot] = true;
        verifiedForced = forced;
        waitingSince = to == lastCommittedBatch ? 0 : uint64(block.timestamp);
        if (processed != processedMessages) processedMessages = processed;
    }

    function _supersede(uint64 from, uint64 to) private {
        ++supersessions;
        emit BatchesSuperseded(from, to);
    }

    /// @dev The time that deadlines are compared with: that of L3, where it does not stand still for longer than anything may
    /// wait.
    function _timeOfWaiting(uint64 time) private view returns (uint64) {
        uint64 latest = uint64(block.timestamp) - liveness;
        return time > latest ? time : latest;
    }

    function _overdue(uint64 index, uint64 time) private view returns (bool) {
        (, uint40 sent) = _inbox.entry(index + 1);
        return sent != 0 && sent + inclusion < time;
    }

    /// @dev Whether something has waited longer than it may by so many seconds.
    function _isLate(uint64 by) private view returns (bool) {
        // While the chain was halted nobody could do anything.
        if (IGovernance(governance).resumedAt() + by >= block.timestamp) return false;
        if (waitingSince != 0 && waitingSince + by < block.timestamp) return true;
        uint64 time = uint64(block.timestamp) - by;
        return _overdue(processedMessages, time) || _forcedQueue.isDue(verifiedForced, time);
    }

    /// @dev What is committed is in the calldata of a transaction, where everyone finds it: the caller signed it, and has no code
    /// that could call again with what nobody sees.
    function _expectTransaction() private view {
        // solhint-disable-next-line avoid-tx-origin
        if (msg.sender != tx.origin || msg.sender.code.length != 0) revert NotATransaction(msg.sender);
    }

    function _expectDisputes() private view {
        if (msg.sender != address(_disputes)) revert NotDisputes(msg.sender);
    }

    function _expectRunning() private view {
        if (frozen) revert ChainIsFrozen();
        IGovernance(governance).expectRunning();
    }

    /// @dev Cuts the blocks that follow the verified one into batches; returns the last block of each, and the batch hash
    /// of the last.
    function _split(Extent[] calldata extents, bytes calldata blocks)
        private
        view
        returns (BlockTip[] memory tips, bytes32 hash)
    {
        hash = _batchHash[lastVerifiedBatch];
        uint64 number = verifiedBlockNumber;
        uint256 rest = blocks.length;
        tips = new BlockTip[](extents.length);
        for (uint256 i = 0; i < extents.length; ++i) {
            uint256 length = uint256(extents[i].blocks) * PackedBlock.SIZE;
            if (length == 0 || length > rest) {
                revert MalformedBlocks(lastVerifiedBatch + 1 + uint64(i), rest);
            }
            uint256 start = blocks.length - rest;
            bytes calldata batch = blocks[start:start + length];
            number += extents[i].blocks;
            tips[i] = _tip(PackedBlock.read(batch, extents[i].blocks - 1), number);
            hash = BatchHash.compute(hash, keccak256(batch), tips[i], extents[i].forced);
            rest -= length;
        }
        if (rest != 0) revert MalformedBlocks(lastVerifiedBatch + uint64(extents.length), rest);
    }

    /// @dev What is remembered of a packed block.
    function _tip(PackedBlock.Fields memory last, uint64 number) private pure returns (BlockTip memory) {
        return BlockTip({
            blockHash: last.blockHash,
            stateRoot: last.stateRoot,
            beaconRoot: last.beaconRoot,
            number: number,
            timestamp: last.timestamp,
            baseFee: last.baseFee,
            gasUsed: last.gasUsed
        });
    }

    /// @dev So that an L3 block of the next minutes finds a recent L2 block to name, whoever commits late. The parent's time
    /// is not known here; that of this block is not earlier.
    function _recordParent() private {
        bytes32 hash = blockhash(block.number - 1);
        if (hash == 0 || recordedBlock[hash].timestamp != 0) return;
        _record(hash, uint64(block.number - 1), uint64(block.timestamp));
    }

    function _record(bytes32 hash, uint64 number, uint64 timestamp) private {
        recordedBlock[hash] = Recorded(number, timestamp);
        emit BlockHashRecorded(number, hash, timestamp);
    }

    function _setOperator(address newOperator) private {
        if (newOperator == address(0)) revert InvalidOperator(newOperator);
        operator = newOperator;
        emit OperatorChanged(newOperator);
    }

    /// @dev The queue was created before this contract: its code would not fit beside the rest.
    function _expectOwn(IForcedQueue queue, uint64 chainId_, uint64 deadline) private view {
        if (
            address(queue).code.length == 0 || queue.rollup() != address(this) || queue.chainId() != chainId_
                || queue.deadline() != deadline
        ) revert InvalidGenesis("forcedQueue");
    }

    /// @dev What nobody challenges is final before anything is late, and before the state that is final has to show which
    /// forced transactions can no longer be executed.
    function _expectShorter(IDisputes disputes_, Deadlines memory deadlines_) private view {
        uint64 longest = disputes_.longest();
        if (disputes_.rollup() != address(this)) revert InvalidGenesis("disputes");
        if (deadlines_.inclusion <= longest || deadlines_.liveness <= longest) {
            revert InvalidGenesis("deadlines");
        }
    }

    function _checkDeadlines(Deadlines memory deadlines_) private pure {
        uint64[3] memory all = [deadlines_.inclusion, deadlines_.liveness, deadlines_.emergency];
        for (uint256 i = 0; i < all.length; ++i) {
            if (all[i] == 0 || all[i] > MAX_DEADLINE) revert InvalidGenesis("deadlines");
        }
    }

    function _checkGenesis(Genesis memory genesis) private view {
        if (genesis.chainId == 0 || genesis.chainId > PackedBlock.MAX_ELEMENT) {
            revert InvalidGenesis("chainId");
        }
        if (genesis.gasLimit < MIN_GAS_LIMIT || genesis.gasLimit > PackedBlock.MAX_ELEMENT) {
            revert InvalidGenesis("gasLimit");
        }
        if (genesis.gasUsed > genesis.gasLimit) revert InvalidGenesis("gasUsed");
        if (genesis.blockHash == 0) revert InvalidGenesis("blockHash");
        if (genesis.timestamp > block.timestamp) revert InvalidGenesis("timestamp");
        if (!BatchStatement.canonical(genesis.hashWindow)) revert InvalidGenesis("hashWindow");
    }
}
