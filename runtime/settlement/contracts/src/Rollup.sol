// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IRollup} from "./IRollup.sol";
import {BatchStatement} from "./rollup/BatchStatement.sol";
import {BlockHeader} from "./rollup/BlockHeader.sol";
import {ConflictCheck} from "./rollup/ConflictCheck.sol";
import {FastLz} from "./rollup/FastLz.sol";
import {Statement} from "./rollup/Statement.sol";
import {TransactionTrie} from "./rollup/TransactionTrie.sol";
import {IProofVerifier} from "./verifier/IProofVerifier.sol";
import {VerifierSet} from "./verifier/VerifierSet.sol";

/// @title The L3 chain as its parent chain (L2) knows it
/// @notice See `IRollup`. The owner chooses the operator, and can do nothing else; the operator orders
/// transactions, and can neither change what they do nor withhold them.
contract Rollup is IRollup, Ownable2Step {
    /// @dev How far an L3 block's time may be ahead of L2's, in seconds.
    uint64 private constant MAX_AHEAD = 15;
    /// @dev Chain id and gas are one 32-bit element of the circuits; 5,000 is Ethereum's least gas limit.
    uint64 private constant MAX_ELEMENT = type(uint32).max;
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
    address public immutable verifier;
    /// @inheritdoc IRollup
    address public immutable conflictCheck;
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
    bool public frozen;
    /// @inheritdoc IRollup
    mapping(bytes32 blockHash => uint64 number) public recordedBlock;
    /// @dev Entries above `lastCommittedBatch` are of superseded batches.
    mapping(uint64 number => bytes32 batchHash) private _batchHash;

    constructor(
        Genesis memory genesis,
        address initialOwner,
        address initialOperator,
        IProofVerifier proofVerifier
    ) Ownable(initialOwner) {
        _checkGenesis(genesis);
        if (address(proofVerifier).code.length == 0) revert InvalidGenesis("verifier");
        chainId = genesis.chainId;
        gasLimit = genesis.gasLimit;
        beneficiary = genesis.beneficiary;
        genesisHash = genesis.blockHash;
        verifier = address(proofVerifier);
        conflictCheck = address(
            new ConflictCheck(Statement.Chain(genesis.chainId, genesis.gasLimit, genesis.beneficiary))
        );
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
        if (frozen) revert ChainIsFrozen();
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
        return accepted && abi.decode(end, (BlockTip)).stateRoot == toState;
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
    function reportConflict(bytes calldata report) external {
        if (frozen) revert ChainIsFrozen();
        bytes memory answer =
            Address.functionStaticCall(conflictCheck, bytes.concat(ConflictCheck.check.selector, report));
        address accused = abi.decode(answer, (address));
        if (accused != verifier && !VerifierSet(verifier).requires(IProofVerifier(accused))) {
            revert NotRequired(accused);
        }
        frozen = true;
        emit ChainFrozen(accused);
    }

    /// @inheritdoc IRollup
    function recordBlockHash(uint256 number) external {
        bytes32 hash = blockhash(number);
        if (hash == 0 || number == 0) revert BlockHashUnavailable(number);
        _record(uint64(number), hash);
    }

    /// @inheritdoc IRollup
    function setOperator(address newOperator) external onlyOwner {
        _setOperator(newOperator);
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
        if (frozen) revert ChainIsFrozen();
        (uint64 verified, uint64 committed) = (lastVerifiedBatch, lastCommittedBatch);
        if (from != verified + 1 || to < from || to > committed) {
            revert RangeOutOfOrder(from, to, verified, committed);
        }
        if (lengths.length != to - verified) revert RangeLengthMismatch(lengths.length);

        uint64[4] memory statement = BatchStatement.digest(
            Statement.Chain(chainId, gasLimit, beneficiary),
            from,
            Statement.Point(verifiedStateRoot, verifiedBlockHash, verifiedBlockNumber, _hashWindow),
            batches
        );
        bytes32 hash;
        (tips, hash) = _split(lengths, batches.blocks);
        // Each batch hash covers the one before it.
        if (hash != _batchHash[to]) revert BatchHashMismatch(to, _batchHash[to], hash);
        if (!IProofVerifier(verifier).verify(proof, statement)) revert ProofRefused(from, to);
    }

    /// @dev Checks the blocks that follow `tip`; returns the last one and the digest of all.
    function _checkBlocks(BlockTip memory tip, PostedBlock[] calldata blocks, bytes memory transactions)
        private
        view
        returns (BlockTip memory, bytes32 digest)
    {
        bytes memory packed = new bytes(blocks.length * Statement.PACKED_BLOCK);
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
            _pack(packed, i * Statement.PACKED_BLOCK, header, tip.blockHash);
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
        if (posted.timestamp <= parent.timestamp) {
            revert TimestampNotAfterParent(number, posted.timestamp, parent.timestamp);
        }
        if (posted.timestamp > latest) revert TimestampAhead(number, posted.timestamp, latest);
        if (posted.gasUsed > gasLimit) revert GasUsedAboveLimit(number, posted.gasUsed);
        _checkBeaconRoot(number, parent.beaconRoot, posted.beaconRoot);
        uint256 baseFee = BlockHeader.nextBaseFee(parent.baseFee, parent.gasUsed, gasLimit);
        if (baseFee > type(uint64).max) revert BaseFeeTooHigh(number);

        header.parentHash = parent.blockHash;
        header.beneficiary = beneficiary;
        header.stateRoot = posted.stateRoot;
        header.receiptsRoot = posted.receiptsRoot;
        header.number = number;
        header.gasLimit = gasLimit;
        header.gasUsed = posted.gasUsed;
        header.timestamp = posted.timestamp;
        header.baseFee = uint64(baseFee);
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

    /// @dev The beacon root is the parent's, or that of a recorded L2 block which is not older.
    function _checkBeaconRoot(uint64 number, bytes32 parentRoot, bytes32 root) private view {
        if (root == parentRoot) return;
        (uint64 recorded, uint64 parentRecorded) = (recordedBlock[root], recordedBlock[parentRoot]);
        if (recorded == 0) revert UnknownBeaconRoot(number, root);
        if (recorded < parentRecorded) revert StaleBeaconRoot(number, recorded, parentRecorded);
    }

    /// @dev Writes a block in the form that `proveBatches` takes.
    function _pack(bytes memory packed, uint256 offset, BlockHeader.Fields memory header, bytes32 blockHash)
        private
        pure
    {
        bytes memory block_ = abi.encodePacked(
            header.stateRoot,
            header.transactionsRoot,
            header.receiptsRoot,
            header.beaconRoot,
            blockHash,
            header.gasUsed,
            header.timestamp,
            header.baseFee
        );
        assembly ("memory-safe") {
            mcopy(add(add(packed, 0x20), offset), add(block_, 0x20), mload(block_))
        }
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
            uint256 length = uint256(lengths[i]) * Statement.PACKED_BLOCK;
            if (length == 0 || length > rest) {
                revert MalformedBlocks(lastVerifiedBatch + 1 + uint64(i), rest);
            }
            uint256 start = blocks.length - rest;
            bytes calldata batch = blocks[start:start + length];
            number += lengths[i];
            tips[i] = _tip(batch[length - Statement.PACKED_BLOCK:], number);
            hash = _hashBatch(hash, keccak256(batch), tips[i]);
            rest -= length;
        }
        if (rest != 0) revert MalformedBlocks(lastVerifiedBatch + uint64(lengths.length), rest);
    }

    /// @dev What is remembered of a packed block.
    function _tip(bytes calldata last, uint64 number) private pure returns (BlockTip memory tip) {
        tip.blockHash = bytes32(last[128:160]);
        tip.stateRoot = bytes32(last[0:32]);
        tip.beaconRoot = bytes32(last[96:128]);
        tip.number = number;
        tip.timestamp = uint64(bytes8(last[168:176]));
        tip.baseFee = uint64(bytes8(last[176:184]));
        tip.gasUsed = uint64(bytes8(last[160:168]));
    }

    /// @dev So that an L3 block of the next minutes finds a recent L2 block to name, whoever commits late.
    function _recordParent() private {
        _record(uint64(block.number - 1), blockhash(block.number - 1));
    }

    function _record(uint64 number, bytes32 hash) private {
        // 0 stands for "not recorded", so block 0 of a new L2 chain cannot be.
        if (number == 0 || recordedBlock[hash] != 0) return;
        recordedBlock[hash] = number;
        emit BlockHashRecorded(number, hash);
    }

    function _setOperator(address newOperator) private {
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

    function _checkGenesis(Genesis memory genesis) private pure {
        if (genesis.chainId == 0 || genesis.chainId > MAX_ELEMENT) revert InvalidGenesis("chainId");
        if (genesis.gasLimit < MIN_GAS_LIMIT || genesis.gasLimit > MAX_ELEMENT) {
            revert InvalidGenesis("gasLimit");
        }
        if (genesis.gasUsed > genesis.gasLimit) revert InvalidGenesis("gasUsed");
        if (genesis.blockHash == 0) revert InvalidGenesis("blockHash");
        if (!BatchStatement.canonical(genesis.hashWindow)) revert InvalidGenesis("hashWindow");
    }
}
