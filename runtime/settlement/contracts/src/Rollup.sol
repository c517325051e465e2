// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IGovernance} from "./IGovernance.sol";
import {IRollup} from "./IRollup.sol";
import {BatchStatement} from "./rollup/BatchStatement.sol";
import {BlockHeader} from "./rollup/BlockHeader.sol";
import {ConflictCheck} from "./rollup/ConflictCheck.sol";
import {FastLz} from "./rollup/FastLz.sol";
import {L2Header} from "./rollup/L2Header.sol";
import {PackedBlock} from "./rollup/PackedBlock.sol";
import {Statement} from "./rollup/Statement.sol";
import {TransactionTrie} from "./rollup/TransactionTrie.sol";
import {IProofVerifier} from "./verifier/IProofVerifier.sol";
import {Plonky2Verifier} from "./verifier/Plonky2Verifier.sol";

/// @title The L3 chain as its parent chain (L2) knows it
/// @notice See `IRollup`. The operator orders transactions, and can neither change what they do nor withhold them. Who else
/// may do what: `IGovernance`.
contract Rollup is IRollup {
    /// @dev An L2 block that L3 blocks may name.
    struct Anchor {
        uint64 number;
        /// The block's time, or that of the block after it. Never zero.
        uint64 timestamp;
    }

    /// @dev How far an L3 block's time may be ahead of L2's, in seconds.
    uint64 private constant MAX_AHEAD = 15;
    /// @dev How far an L3 block's time may be ahead of its anchor's, in seconds.
    uint64 private constant MAX_ANCHOR_AGE = 1 hours;
    /// @dev Ethereum's.
    uint64 private constant MIN_GAS_LIMIT = 5000;

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
    /// @dev Says what a proof states; the same code that judges conflicts.
    ConflictCheck private immutable statements;
    /// @dev Time of block 0, the anchor of blocks that name none.
    uint64 private immutable genesisTimestamp;
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
    address public operator;
    /// @inheritdoc IRollup
    mapping(bytes32 blockHash => Anchor) public recordedBlock;
    /// @dev Entries above `lastCommittedBatch` are of superseded batches.
    mapping(uint64 number => bytes32 batchHash) private _batchHash;

    constructor(Genesis memory genesis, address initialOperator, IGovernance initialGovernance) {
        _checkGenesis(genesis);
        if (address(initialGovernance).code.length == 0) revert InvalidGenesis("governance");
        statements = ConflictCheck(initialGovernance.conflictCheck());
        if (!statements.isFor(Statement.Chain(genesis.chainId, genesis.gasLimit, genesis.beneficiary))) {
            revert InvalidGenesis("governance");
        }
        if (blockhash(block.number - 1) == 0) revert BlockHashUnavailable(block.number - 1);
        chainId = genesis.chainId;
        gasLimit = genesis.gasLimit;
        beneficiary = genesis.beneficiary;
        genesisHash = genesis.blockHash;
        genesisTimestamp = genesis.timestamp;
        governance = address(initialGovernance);
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
        _batchHash[0] = _hashBatch(0, 0, tip);

        _setOperator(initialOperator);
        _recordParent();
    }

    /// @inheritdoc IRollup
    function commitBatch(
        uint64 number,
        PreviousBatch calldata previous,
        PostedBlock[] calldata blocks,
        bytes calldata transactions,
        bytes32 lastBlockHash
    ) external {
        IGovernance(governance).expectRunning();
        if (msg.sender != operator) revert NotOperator(msg.sender);
        (uint64 verified, uint64 committed) = (lastVerifiedBatch, lastCommittedBatch);
        if (number <= verified || number > committed + 1) {
            revert BatchOutOfOrder(number, verified, committed);
        }
        if (blocks.length == 0) revert EmptyBatch();
        bytes32 parentBatchHash = _hashBatch(previous.parentBatchHash, previous.blocksDigest, previous.tip);
        if (parentBatchHash != _batchHash[number - 1]) revert PreviousBatchMismatch(number - 1);

        _recordParent();
        (BlockTip memory tip, bytes32 blocksDigest) =
            _checkBlocks(previous.tip, blocks, FastLz.decompress(transactions));
        if (tip.blockHash != lastBlockHash) revert BlockHashMismatch(lastBlockHash, tip.blockHash);

        bytes32 hash = _hashBatch(parentBatchHash, blocksDigest, tip);
        _batchHash[number] = hash;
        lastCommittedBatch = number;
        if (number <= committed) emit BatchesSuperseded(number, committed);
        emit BatchCommitted(number, hash, lastBlockHash);
    }

    /// @inheritdoc IRollup
    function proveBatches(
        uint64 from,
        uint64 to,
        uint16[] calldata lengths,
        BatchProof calldata batches,
        bytes calldata proof
    ) external {
        BlockTip[] memory tips = _checkRange(from, to, lengths, batches, proof);
        for (uint256 i = 0; i < tips.length; ++i) {
            emit BatchVerified(from + uint64(i), tips[i].blockHash, tips[i].stateRoot);
        }
        BlockTip memory last = tips[tips.length - 1];
        lastVerifiedBatch = to;
        verifiedBlockNumber = last.number;
        verifiedTimestamp = last.timestamp;
        verifiedStateRoot = last.stateRoot;
        verifiedBlockHash = last.blockHash;
        _hashWindow = batches.endWindow;
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
        uint16[] calldata lengths,
        BatchProof calldata batches,
        bytes calldata proof
    ) external view returns (BlockTip memory) {
        BlockTip[] memory tips = _checkRange(from, to, lengths, batches, proof);
        return tips[tips.length - 1];
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

    /// @dev Checks the proof of committed batches; returns the last block of each.
    function _checkRange(
        uint64 from,
        uint64 to,
        uint16[] calldata lengths,
        BatchProof calldata batches,
        bytes calldata proof
    ) private view returns (BlockTip[] memory tips) {
        IGovernance(governance).expectRunning();
        (uint64 verified, uint64 committed) = (lastVerifiedBatch, lastCommittedBatch);
        if (from != verified + 1 || to < from || to > committed) {
            revert RangeOutOfOrder(from, to, verified, committed);
        }
        if (lengths.length != to - verified) revert RangeLengthMismatch(lengths.length);

        uint64[4] memory statement = statements.digest(
            from,
            Statement.Point(verifiedStateRoot, verifiedBlockHash, verifiedBlockNumber, _hashWindow),
            batches
        );
        bytes32 hash;
        (tips, hash) = _split(lengths, batches.blocks);
        // Each batch hash covers the one before it.
        if (hash != _batchHash[to]) revert BatchHashMismatch(to, _batchHash[to], hash);
        if (!IProofVerifier(verifier()).verify(proof, statement)) revert ProofRefused(from, to);
    }

    /// @dev Checks the blocks that follow `tip`; returns the last one and the digest of all.
    function _checkBlocks(BlockTip memory tip, PostedBlock[] calldata blocks, bytes memory transactions)
        private
        view
        returns (BlockTip memory, bytes32 digest)
    {
        bytes memory packed = new bytes(blocks.length * PackedBlock.SIZE);
        uint256 offset;
        for (uint256 i = 0; i < blocks.length; ++i) {
            BlockHeader.Fields memory header = _checkBlock(tip, blocks[i]);
            (header.transactionsRoot, offset) =
                _transactionsRoot(header.number, transactions, offset, blocks[i].transactions);
            tip.blockHash = BlockHeader.hash(header);
            tip.stateRoot = header.stateRoot;
            tip.beaconRoot = header.beaconRoot;
            tip.number = header.number;
            tip.timestamp = header.timestamp;
            tip.baseFee = header.baseFee;
            tip.gasUsed = header.gasUsed;
            PackedBlock.write(packed, i, _fields(header, tip.blockHash));
        }
        if (offset != transactions.length) revert MalformedTransactions(offset);
        return (tip, keccak256(packed));
    }

    /// @dev Checks one block against its parent; returns its header but for the transactions root.
    function _checkBlock(BlockTip memory parent, PostedBlock calldata posted)
        private
        view
        returns (BlockHeader.Fields memory header)
    {
        uint64 number = parent.number + 1;
        uint64 latest = uint64(block.timestamp) + MAX_AHEAD;
        if (posted.timestamp < parent.timestamp) {
            revert TimestampBeforeParent(number, posted.timestamp, parent.timestamp);
        }
        if (posted.timestamp > latest) revert TimestampAhead(number, posted.timestamp, latest);
        if (posted.gasUsed > gasLimit) revert GasUsedAboveLimit(number, posted.gasUsed);
        uint64 anchor = _anchorTime(number, parent.beaconRoot, posted.beaconRoot);
        if (posted.timestamp < anchor) revert TimestampBeforeAnchor(number, posted.timestamp, anchor);
        if (posted.timestamp > anchor + MAX_ANCHOR_AGE) {
            revert AnchorTooOld(number, posted.timestamp, anchor);
        }

        header.parentHash = parent.blockHash;
        header.beneficiary = beneficiary;
        header.stateRoot = posted.stateRoot;
        header.receiptsRoot = posted.receiptsRoot;
        header.number = number;
        header.gasLimit = gasLimit;
        header.gasUsed = posted.gasUsed;
        header.timestamp = posted.timestamp;
        header.baseFee = BlockHeader.nextBaseFee(parent.baseFee, parent.gasUsed, gasLimit);
        header.beaconRoot = posted.beaconRoot;
    }

    /// @dev The root of the `count` transactions of `stream` from `offset` on, and where the next one is.
    function _transactionsRoot(uint64 number, bytes memory stream, uint256 offset, uint256 count)
        private
        pure
        returns (bytes32 root, uint256 next)
    {
        if (count == 0) revert EmptyBlock(number);
        uint256[] memory items;
        (items, next) = TransactionTrie.take(stream, offset, count);
        root = TransactionTrie.root(items);
    }

    /// @dev The time from which on a block may name this L2 block, which is recorded and not older than its parent's. As
    /// long as no block has named one, genesis stands for it.
    function _anchorTime(uint64 number, bytes32 parentRoot, bytes32 root) private view returns (uint64) {
        if (root == 0 && parentRoot == 0) return genesisTimestamp;
        Anchor memory anchor = recordedBlock[root];
        if (anchor.timestamp == 0) revert UnknownBeaconRoot(number, root);
        uint64 parentNumber = recordedBlock[parentRoot].number;
        if (anchor.number < parentNumber) revert StaleBeaconRoot(number, anchor.number, parentNumber);
        return anchor.timestamp;
    }

    /// @dev A block in the form that `proveBatches` takes.
    function _fields(BlockHeader.Fields memory header, bytes32 blockHash)
        private
        pure
        returns (PackedBlock.Fields memory)
    {
        return PackedBlock.Fields({
            stateRoot: header.stateRoot,
            transactionsRoot: header.transactionsRoot,
            receiptsRoot: header.receiptsRoot,
            beaconRoot: header.beaconRoot,
            blockHash: blockHash,
            gasUsed: header.gasUsed,
            timestamp: header.timestamp,
            baseFee: header.baseFee
        });
    }

    /// @dev Cuts the blocks that follow the verified one into batches; returns the last block of each, and the batch hash
    /// of the last.
    function _split(uint16[] calldata lengths, bytes calldata blocks)
        private
        view
        returns (BlockTip[] memory tips, bytes32 hash)
    {
        hash = _batchHash[lastVerifiedBatch];
        uint64 number = verifiedBlockNumber;
        uint256 rest = blocks.length;
        tips = new BlockTip[](lengths.length);
        for (uint256 i = 0; i < lengths.length; ++i) {
            uint256 length = uint256(lengths[i]) * PackedBlock.SIZE;
            if (length == 0 || length > rest) {
                revert MalformedBlocks(lastVerifiedBatch + 1 + uint64(i), rest);
            }
            uint256 start = blocks.length - rest;
            bytes calldata batch = blocks[start:start + length];
            number += lengths[i];
            tips[i] = _tip(PackedBlock.read(batch, lengths[i] - 1), number);
            hash = _hashBatch(hash, keccak256(batch), tips[i]);
            rest -= length;
        }
        if (rest != 0) revert MalformedBlocks(lastVerifiedBatch + uint64(lengths.length), rest);
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
        recordedBlock[hash] = Anchor(number, timestamp);
        emit BlockHashRecorded(number, hash, timestamp);
    }

    function _setOperator(address newOperator) private {
        if (newOperator == address(0)) revert InvalidOperator(newOperator);
        operator = newOperator;
        emit OperatorChanged(newOperator);
    }

    function _hashBatch(bytes32 parent, bytes32 blocksDigest, BlockTip memory tip)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(parent, blocksDigest, keccak256(abi.encode(tip))));
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
