// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../IRollup.sol";
import {IInbox} from "../bridge/IInbox.sol";
import {Messages} from "../bridge/Message.sol";
import {IForcedQueue} from "../forced/IForcedQueue.sol";
import {BlockHeader} from "./BlockHeader.sol";
import {FastLz} from "./FastLz.sol";
import {PackedBlock} from "./PackedBlock.sol";
import {Statement} from "./Statement.sol";
import {TransactionTrie} from "./TransactionTrie.sol";

/// @title What a block must be to follow another
/// @notice Everything that a commit checks of its blocks: their time and anchor (see `IRollup`), and that their headers are
/// made of what was posted, of the posted transactions, and of the chain's constants. It keeps nothing; the `Rollup` that
/// created it knows the L2 blocks that a block may name, and the inbox the messages.
contract BlockRules {
    /// @dev How far an L3 block's time may be ahead of L2's, in seconds.
    uint64 private constant MAX_AHEAD = 15;
    /// @dev How far an L3 block's time may be ahead of its anchor's, in seconds.
    uint64 private constant MAX_ANCHOR_AGE = 1 hours;
    /// @dev Messages that a block may name beyond those that the verified state has processed: their hashes fit one L3
    /// transaction, and the prover's memory, beside the longest message, so that whoever processes any of them can.
    uint64 private constant MAX_NAMED = 256;

    IRollup private immutable rollup;
    IInbox private immutable inbox;
    IForcedQueue private immutable forcedQueue;
    uint64 private immutable gasLimit;
    address private immutable beneficiary;
    /// @dev Time of block 0, the anchor of blocks that name none.
    uint64 private immutable genesisTimestamp;

    constructor(
        Statement.Chain memory chain,
        uint64 genesisTimestamp_,
        IInbox inbox_,
        IForcedQueue forcedQueue_
    ) {
        rollup = IRollup(msg.sender);
        inbox = inbox_;
        forcedQueue = forcedQueue_;
        gasLimit = chain.gasLimit;
        beneficiary = chain.beneficiary;
        genesisTimestamp = genesisTimestamp_;
    }

    /// @notice Checks the blocks that follow `previous`, with their transactions and those forced as `IRollup.commitBatch`
    /// takes them.
    /// @param waitingTime What is due by then must be shown, though the blocks' own time be earlier.
    /// @param processed How many messages the state after `previous` is known to have processed.
    /// @return tip The last of them.
    /// @return digest keccak256 of all of them as they are posted for a proof.
    /// @return nextForced The first entry of the forced queue that they leave.
    function check(
        IRollup.PreviousBatch calldata previous,
        IRollup.PostedBlock[] calldata blocks,
        bytes calldata compressed,
        uint32[] calldata forced,
        uint64 waitingTime,
        uint64 processed
    ) external view returns (IRollup.BlockTip memory tip, bytes32 digest, uint64 nextForced) {
        bytes memory transactions = FastLz.decompress(compressed);
        (tip, digest) = _checkBlocks(previous, blocks, transactions, processed + MAX_NAMED);
        bytes32[] memory shown = _hashes(blocks, transactions, forced);
        uint64 time = tip.timestamp > waitingTime ? tip.timestamp : waitingTime;
        nextForced = forcedQueue.take(previous.forced, shown, time, tip.baseFee);
    }

    /// @dev Checks the blocks; returns the last one and the digest of all.
    function _checkBlocks(
        IRollup.PreviousBatch calldata previous,
        IRollup.PostedBlock[] calldata blocks,
        bytes memory transactions,
        uint64 mostNamed
    ) private view returns (IRollup.BlockTip memory tip, bytes32 digest) {
        tip = previous.tip;
        IRollup.Anchor memory named = previous.anchor;
        if (_root(named, tip.number, tip.timestamp) != tip.beaconRoot) {
            revert IRollup.OtherAnchor(tip.number);
        }
        bytes memory packed = new bytes(blocks.length * PackedBlock.SIZE);
        uint256 offset;
        for (uint256 i = 0; i < blocks.length; ++i) {
            BlockHeader.Fields memory header = _checkBlock(tip, named, blocks[i]);
            named = blocks[i].anchor;
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
        if (offset != transactions.length) revert IRollup.MalformedTransactions(offset);
        if (named.messages > mostNamed) {
            revert IRollup.TooManyMessages(tip.number, named.messages, mostNamed);
        }
        digest = keccak256(packed);
    }

    /// @dev The hashes of the transactions at these places of the stream, which the blocks were cut from.
    function _hashes(IRollup.PostedBlock[] calldata blocks, bytes memory stream, uint32[] calldata positions)
        private
        pure
        returns (bytes32[] memory hashes)
    {
        hashes = new bytes32[](positions.length);
        if (positions.length == 0) return hashes;
        uint256 count;
        for (uint256 i = 0; i < blocks.length; ++i) {
            count += blocks[i].transactions;
        }
        (uint256[] memory items,) = TransactionTrie.take(stream, 0, count);
        for (uint256 i = 0; i < positions.length; ++i) {
            if (positions[i] >= count) revert IRollup.NoSuchTransaction(positions[i]);
            uint256 item = items[positions[i]];
            assembly ("memory-safe") {
                mstore(add(add(hashes, 0x20), mul(i, 0x20)), keccak256(shr(32, item), and(item, 0xffffffff)))
            }
        }
    }

    /// @dev Checks one block against its parent; returns its header but for the transactions root.
    function _checkBlock(
        IRollup.BlockTip memory parent,
        IRollup.Anchor memory named,
        IRollup.PostedBlock calldata posted
    ) private view returns (BlockHeader.Fields memory header) {
        uint64 number = parent.number + 1;
        uint64 latest = uint64(block.timestamp) + MAX_AHEAD;
        if (posted.timestamp < parent.timestamp) {
            revert IRollup.TimestampBeforeParent(number, posted.timestamp, parent.timestamp);
        }
        if (posted.timestamp > latest) revert IRollup.TimestampAhead(number, posted.timestamp, latest);
        if (posted.gasUsed > gasLimit) revert IRollup.GasUsedAboveLimit(number, posted.gasUsed);
        uint64 anchor = _anchorTime(number, named, posted.anchor);
        if (posted.timestamp < anchor) {
            revert IRollup.TimestampBeforeAnchor(number, posted.timestamp, anchor);
        }
        if (posted.timestamp > anchor + MAX_ANCHOR_AGE) {
            revert IRollup.AnchorTooOld(number, posted.timestamp, anchor);
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
        header.beaconRoot = _root(posted.anchor, number, posted.timestamp);
    }

    /// @dev The root of the `count` transactions of `stream` from `offset` on, and where the next one is.
    function _transactionsRoot(uint64 number, bytes memory stream, uint256 offset, uint256 count)
        private
        pure
        returns (bytes32 root, uint256 next)
    {
        if (count == 0) revert IRollup.EmptyBlock(number);
        uint256[] memory items;
        (items, next) = TransactionTrie.take(stream, offset, count);
        root = TransactionTrie.root(items);
    }

    /// @dev The time from which on a block may name this L2 block, which is recorded; neither it nor the number of messages
    /// goes back. As long as no block has named one, genesis stands for it.
    function _anchorTime(uint64 number, IRollup.Anchor memory parent, IRollup.Anchor calldata anchor)
        private
        view
        returns (uint64)
    {
        if (anchor.messages < parent.messages) {
            revert IRollup.FewerMessages(number, anchor.messages, parent.messages);
        }
        bool namesNone = anchor.blockHash == 0 && anchor.messages == 0;
        if (namesNone && parent.blockHash == 0) return genesisTimestamp;
        (uint64 l2Block, uint64 timestamp) = rollup.recordedBlock(anchor.blockHash);
        if (timestamp == 0) revert IRollup.UnknownL2Block(number, anchor.blockHash);
        if (anchor.blockHash == parent.blockHash) return timestamp;
        (uint64 parentBlock,) = rollup.recordedBlock(parent.blockHash);
        if (l2Block < parentBlock) revert IRollup.StaleL2Block(number, l2Block, parentBlock);
        return timestamp;
    }

    /// @dev What a block of this time says of its anchor in its header: messages that were sent before it. Zero for none.
    function _root(IRollup.Anchor memory anchor, uint64 number, uint64 timestamp)
        private
        view
        returns (bytes32)
    {
        if (anchor.blockHash == 0) return 0;
        (bytes27 chain, uint40 sent) = inbox.entry(anchor.messages);
        if ((sent == 0 && anchor.messages != 0) || sent > timestamp) {
            revert IRollup.UnknownMessages(number, anchor.messages);
        }
        return Messages.anchor(anchor.blockHash, anchor.messages, chain);
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
}
