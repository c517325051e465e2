// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The L3 chain as its parent chain (L2) knows it
/// @notice Blocks are committed in batches with all their transactions, then proven. The contract believes
/// nothing that the operator says: a value is proven, checked here, or a constant of the chain.
///
/// **Time.** A block's time is at least its parent's and at least that of the L2 block which it names (in its anchor, see
/// `IInbox`), at most an hour after that block's, and at most 15 seconds ahead of L2's when it is committed.
/// Anchors never go back, and how late a commit comes does not matter: a chain that cannot reach L2 stands still in time
/// an hour after its anchor and goes on afterwards. Blocks that name no L2 block count from the time of genesis.
///
/// **L2.** Any chain whose `block.number`, `blockhash` and `block.timestamp` are its own, as Ethereum's, the OP Stack's
/// and Polygon's are. Not Arbitrum and its like: their `block.number` is L1's.
/// **Whom the chain waits for.** Messages and forced transactions have a deadline, `Deadlines.inclusion`. What waits longer
/// than that, or a committed batch that is not proven, for `Deadlines.liveness`, opens the chain: anyone may
/// commit and prove (`commitAndProve`). For `Deadlines.emergency` longer, and anyone may freeze it: what was proven stays, and
/// every account takes out of `IBridge` what it owned then. So does a halt that is not ended in time.
interface IRollup {
    /// @notice Constants of the L3 chain and the state of its block 0, as the genesis file yields them.
    struct Genesis {
        /// EIP-155 id of the L3 chain, below 2^32.
        uint64 chainId;
        /// Gas limit of every block, below 2^32.
        uint64 gasLimit;
        /// Fee recipient of every block.
        address beneficiary;
        /// State root of block 0.
        bytes32 stateRoot;
        /// Hash of block 0.
        bytes32 blockHash;
        /// Time of block 0, in seconds since 1970.
        uint64 timestamp;
        /// Base fee of block 0, in wei.
        uint64 baseFee;
        /// Gas used by block 0, which the base fee of block 1 depends on.
        uint64 gasUsed;
        /// Poseidon digest of the 256 block hashes that block 1 sees.
        uint64[4] hashWindow;
    }

    /// @notice What a block knows of L2: its parentBeaconBlockRoot is the hash of this and of the messages' queue
    /// (`Messages.anchor`), or zero as long as no block names an L2 block.
    struct Anchor {
        /// Hash of an L2 block that this contract has recorded.
        bytes32 blockHash;
        /// How many messages of `inbox()` the chain may process.
        uint64 messages;
    }

    /// @notice What a block is checked against: facts of the block before it.
    struct BlockTip {
        bytes32 blockHash;
        bytes32 stateRoot;
        /// Its parentBeaconBlockRoot.
        bytes32 beaconRoot;
        uint64 number;
        uint64 timestamp;
        uint64 baseFee;
        uint64 gasUsed;
    }

    /// @notice How long something may wait, in seconds.
    struct Deadlines {
        /// A message or a forced transaction, from when it was sent to the L3 time of the block that has it.
        uint64 inclusion;
        /// What is committed or due, until the chain is open to anyone.
        uint64 liveness;
        /// How much longer until anyone may freeze it.
        uint64 emergency;
    }

    /// @notice Where a batch ends.
    struct Extent {
        /// How many blocks it has.
        uint16 blocks;
        /// The first entry of the forced queue that it leaves.
        uint64 forced;
    }

    /// @notice Opens a batch hash.
    struct Opening {
        /// Batch hash of the batch before it; zero for genesis.
        bytes32 parentBatchHash;
        /// keccak256 of its packed blocks, see `BatchProof.blocks`; zero for genesis.
        bytes32 blocksDigest;
        /// Its last block.
        BlockTip tip;
        /// The first entry of the forced queue that it leaves.
        uint64 forced;
    }

    /// @notice Opens the batch hash of the batch that a commit follows.
    struct PreviousBatch {
        /// Batch hash of the batch before it; zero for genesis.
        bytes32 parentBatchHash;
        /// keccak256 of its packed blocks, see `BatchProof.blocks`; zero for genesis.
        bytes32 blocksDigest;
        /// Its last block.
        BlockTip tip;
        /// Opens that block's parentBeaconBlockRoot.
        Anchor anchor;
        /// The first entry of the forced queue that it leaves.
        uint64 forced;
    }

    /// @notice A block as the operator posts it. Everything else in its header is computed.
    struct PostedBlock {
        bytes32 stateRoot;
        bytes32 receiptsRoot;
        Anchor anchor;
        uint64 timestamp;
        uint64 gasUsed;
        /// How many of the batch's transactions are the block's.
        uint64 transactions;
    }

    /// @notice Where the chain stands on L2, read at one moment.
    struct Status {
        uint64 lastCommittedBatch;
        uint64 lastVerifiedBatch;
        uint64 verifiedBlockNumber;
        uint64 verifiedTimestamp;
        bytes32 verifiedStateRoot;
        bytes32 verifiedBlockHash;
        uint64[4] verifiedHashWindow;
    }

    /// @notice What a statement needs beyond what the contract knows: of all blocks of consecutive batches.
    struct BatchProof {
        /// Digest of the 256 block hashes that the block after the last one sees.
        uint64[4] endWindow;
        /// C, the Poseidon commitment to the stream S.
        uint64[4] commitment;
        /// y = S(r).
        uint64[2] evaluation;
        /// Per block 184 bytes: state root, transactions root, receipts root, beacon root, block hash,
        /// gas used (8 bytes), timestamp (8), base fee (8).
        bytes blocks;
    }

    /// @notice Shows how many messages the state after the last block has processed: needed while `processedMessages()` is
    /// not all that were sent. Proofs as `eth_getProof` gives them; empty if nothing has to be shown.
    struct InboxProof {
        /// Of the account `L3Inbox`.
        bytes[] account;
        /// Of its slot 0.
        bytes[] slot;
    }

    /// @notice A batch was posted, and its blocks were found to follow the chain's rules.
    event BatchCommitted(
        uint64 indexed number, bytes32 indexed batchHash, bytes32 lastBlockHash, uint64 forced
    );
    /// @notice Unproven batches, `from` to `to`, were replaced.
    event BatchesSuperseded(uint64 from, uint64 to);
    /// @notice A batch's execution was proven.
    event BatchVerified(uint64 indexed number, bytes32 indexed blockHash, bytes32 stateRoot);
    /// @notice L3 blocks from this time on may name this L2 block.
    event BlockHashRecorded(uint64 indexed number, bytes32 indexed blockHash, uint64 timestamp);
    /// @notice Nothing is committed or proven any more: the chain ended with this state.
    event ChainFrozen(bytes32 stateRoot);
    /// @notice Another account may commit from now on.
    event OperatorChanged(address indexed operator);

    /// @notice The caller is not the operator.
    error NotOperator(address caller);
    /// @notice Data is committed by a transaction itself, of an account without code: from the calldata of other calls nobody
    /// could make the chain again.
    error NotATransaction(address caller);
    /// @notice Only `disputes()` may.
    error NotDisputes(address caller);
    /// @notice The caller is not the owner (of `governance()`).
    error NotOwner(address caller);
    /// @notice Nobody would commit.
    error InvalidOperator(address operator);
    /// @notice A constructor argument is outside its range; `name` says which.
    error InvalidGenesis(string name);
    /// @notice The batch number is verified already, or leaves a gap.
    error BatchOutOfOrder(uint64 number, uint64 lastVerified, uint64 lastCommitted);
    /// @notice `previous` does not open the batch hash that the contract holds.
    error PreviousBatchMismatch(uint64 number);
    /// @notice A batch needs at least one block.
    error EmptyBatch();
    /// @notice A block needs at least one transaction.
    error EmptyBlock(uint64 number);
    /// @notice The posted transactions are no FastLZ stream from this byte on.
    error MalformedCompression(uint256 offset);
    /// @notice The batch's transactions are not a sequence of (length, bytes) from this byte on, one is empty, or
    /// there are more or fewer than its blocks say.
    error MalformedTransactions(uint256 offset);
    /// @notice A block holds more transactions than the trie's keys allow here.
    error TooManyTransactions(uint256 count);
    /// @notice The time is before the parent's.
    error TimestampBeforeParent(uint64 number, uint64 timestamp, uint64 parent);
    /// @notice The time is before that of the L2 block which the block names.
    error TimestampBeforeAnchor(uint64 number, uint64 timestamp, uint64 anchor);
    /// @notice The L2 block that the block names, or genesis while it names none, is more than an hour older.
    error AnchorTooOld(uint64 number, uint64 timestamp, uint64 anchor);
    /// @notice The time is too far ahead of L2's.
    error TimestampAhead(uint64 number, uint64 timestamp, uint64 latest);
    /// @notice More gas was used than a block may use.
    error GasUsedAboveLimit(uint64 number, uint64 gasUsed);
    /// @notice No such L2 block was recorded.
    error UnknownL2Block(uint64 number, bytes32 blockHash);
    /// @notice The L2 block is older than the one that the parent names.
    error StaleL2Block(uint64 number, uint64 l2Block, uint64 parentL2Block);
    /// @notice The block names fewer messages than its parent.
    error FewerMessages(uint64 number, uint64 messages, uint64 parentMessages);
    /// @notice So many messages were not sent before the time of the block.
    error UnknownMessages(uint64 number, uint64 messages);
    /// @notice The block names more messages than could be processed soon.
    error TooManyMessages(uint64 number, uint64 messages, uint64 most);
    /// @notice `previous.anchor` is not that of the block before.
    error OtherAnchor(uint64 number);
    /// @notice The batch has no transaction in this place.
    error NoSuchTransaction(uint32 position);
    /// @notice The chain ended; what was proven is claimed by proof.
    error ChainIsFrozen();
    /// @notice Nothing has waited so long that anyone may commit.
    error NotOpen();
    /// @notice Nothing has waited so long that anyone may freeze the chain.
    error NotLate();
    /// @notice What anyone commits must be proven by the same call.
    error NotProven(uint64 lastVerified, uint64 lastCommitted);
    /// @notice The chain has not processed a message (its number, from 0) by its deadline.
    error MessageOverdue(uint64 index);
    /// @notice The posted fields and transactions do not hash to the posted block hash.
    error BlockHashMismatch(bytes32 posted, bytes32 computed);
    /// @notice This is no header of one of the 256 L2 blocks before this one; `number` is what it says of itself.
    error BlockHashUnavailable(uint256 number);
    /// @notice The range does not start after the last verified batch, is empty, or was not committed.
    error RangeOutOfOrder(uint64 from, uint64 to, uint64 lastVerified, uint64 lastCommitted);
    /// @notice The number of batch proofs differs from the range's length.
    error RangeLengthMismatch(uint256 batches);
    /// @notice Posted blocks are empty or not a multiple of 184 bytes.
    error MalformedBlocks(uint64 batch, uint256 length);
    /// @notice The posted blocks are not the committed ones.
    error BatchHashMismatch(uint64 to, bytes32 committed, bytes32 computed);
    /// @notice A posted field element is not below the Goldilocks prime.
    error NotCanonical(uint64 batch);
    /// @notice A number is above 2^32 - 1: the circuits take it as one element.
    error NotAnElement(string field, uint256 value);
    /// @notice The check ended without a reason: it had too little gas, or what it was given cannot be read.
    error NoAnswer();
    /// @notice The stream evaluates to another value than the prover says.
    error EvaluationMismatch(uint64 batch, uint64[2] computed);
    /// @notice The proven outcome is not the one that the caller says.
    error OtherOutcome(bytes32 stateRoot, bytes32 batchRoot);
    /// @notice The verifier refuses the proof for this statement.
    error ProofRefused(uint64 from, uint64 to);

    /// @notice Commits batch `number`: posts its blocks with all transactions. Batches from `number` on that
    /// are not proven yet are dropped. Operator only. Records the hash of the L2 block before this one.
    /// @param number Between `lastVerifiedBatch() + 1` and `lastCommittedBatch() + 1`.
    /// @param previous Opens batch `number - 1`.
    /// @param blocks The batch's blocks.
    /// @param transactions FastLZ (level 1) of the signed transactions (EIP-2718 bytes) of all blocks in order, each
    /// after its length in 3 bytes.
    /// @param forced Which of these transactions, by their places from 0, are those that the forced queue has next.
    /// @param lastBlockHash Hash of the last block, which covers all of them.
    function commitBatch(
        uint64 number,
        PreviousBatch calldata previous,
        PostedBlock[] calldata blocks,
        bytes calldata transactions,
        uint32[] calldata forced,
        bytes32 lastBlockHash
    ) external;

    /// @notice Verifies the execution of the batches `from` to `to` by one proof. Open to anyone.
    /// @param from `lastVerifiedBatch() + 1`.
    /// @param to At most `lastCommittedBatch()`.
    /// @param extents Where each batch ends.
    /// @param batches What is stated of all their blocks.
    /// @param proof The final proof, in the verifier's encoding.
    /// @param messages What was processed, if that has to be shown.
    function proveBatches(
        uint64 from,
        uint64 to,
        Extent[] calldata extents,
        BatchProof calldata batches,
        bytes calldata proof,
        InboxProof calldata messages
    ) external;

    /// @notice As `proveBatches`, for callers who know the outcome: it reverts if that is another.
    /// @param stateRoot State root after the last batch.
    /// @param batchRoot Batch hash of the last batch, which covers all before it.
    /// @param proof The arguments of `proveBatches`: abi.encode(from, to, extents, batches, proof,
    /// messages).
    function submitStateRoot(bytes32 stateRoot, bytes32 batchRoot, bytes calldata proof) external;

    /// @notice Whether the proof leads from the verified state root to another by committed batches. Reverts with
    /// `NoAnswer` where there was not enough gas to say.
    /// @param fromState `verifiedStateRoot()`.
    /// @param toState State root after the last batch.
    /// @param proof As for `submitStateRoot`.
    function verifyStateTransition(bytes32 fromState, bytes32 toState, bytes calldata proof)
        external
        view
        returns (bool);

    /// @notice What `proveBatches` would find: the last block, or the error.
    function checkBatches(
        uint64 from,
        uint64 to,
        Extent[] calldata extents,
        BatchProof calldata batches,
        bytes calldata proof,
        InboxProof calldata messages
    ) external view returns (BlockTip memory);

    /// @notice Commits one batch after the last verified one, and proves it: batches that are not proven are dropped. For anyone,
    /// while `isOpen()`.
    /// @param commit The arguments of `commitBatch`: abi.encode(...).
    /// @param proof Those of `proveBatches`.
    function commitAndProve(bytes calldata commit, bytes calldata proof) external;

    /// @notice Makes a batch final that was proposed and not challenged with success. `disputes()` only.
    /// @param number `lastVerifiedBatch() + 1`.
    /// @param batch Opens it.
    /// @param endWindow As in `BatchProof`.
    /// @param processed How many messages its state has processed.
    function finalizeBatch(
        uint64 number,
        Opening calldata batch,
        uint64[4] calldata endWindow,
        uint64 processed
    ) external;

    /// @notice Drops committed batches that are not final, from `from` on. `disputes()` only.
    function dropBatches(uint64 from) external;

    /// @notice Ends the chain with its verified state. Open to anyone, when something is late by both deadlines.
    function freeze() external;

    /// @notice Records hash and time of one of the last 256 L2 blocks, so that L3 blocks may name it. Open to anyone.
    /// @param header The RLP of its header. What it says is exact: where the block was recorded by a commit, with the
    /// time of the block after it, this corrects that.
    function recordBlockHash(bytes calldata header) external;

    /// @notice Lets another account commit. Owner of `governance()` only.
    function setOperator(address operator) external;

    /// @notice The account that may commit.
    function operator() external view returns (address);
    /// @notice Who else may do what, halts and pauses: an `IGovernance`.
    function governance() external view returns (address);
    /// @notice The contract that verifies proofs: one, or a `VerifierSet`. Its `proofType()` says which.
    function verifier() external view returns (address);
    /// @notice The queue of messages to the chain: an `IInbox`.
    function inbox() external view returns (address);
    /// @notice The queue of transactions that blocks must hold: an `IForcedQueue`.
    function forcedQueue() external view returns (address);
    /// @notice Where batches are proposed and challenged, an `IDisputes`; zero where proofs alone make them final.
    function disputes() external view returns (address);
    /// @notice How long something may wait.
    function deadlines() external view returns (Deadlines memory);
    /// @notice EIP-155 id of the L3 chain.
    function chainId() external view returns (uint64);
    /// @notice Gas limit of every L3 block.
    function gasLimit() external view returns (uint64);
    /// @notice Fee recipient of every L3 block.
    function beneficiary() external view returns (address);
    /// @notice Hash of L3 block 0.
    function genesisHash() external view returns (bytes32);
    /// @notice L2 block in which this contract was created: its events start there.
    function deploymentBlock() external view returns (uint64);

    /// @notice All of the following in one call.
    function status() external view returns (Status memory);
    /// @notice The last batch that was committed; 0 at genesis.
    function lastCommittedBatch() external view returns (uint64);
    /// @notice The last batch whose execution is proven; 0 at genesis.
    function lastVerifiedBatch() external view returns (uint64);
    /// @notice State root after the last proven block.
    function verifiedStateRoot() external view returns (bytes32);
    /// @notice Number of the last proven block.
    function verifiedBlockNumber() external view returns (uint64);
    /// @notice Hash of the last proven block.
    function verifiedBlockHash() external view returns (bytes32);
    /// @notice Time of the last proven block.
    function verifiedTimestamp() external view returns (uint64);
    /// @notice Poseidon digest of the 256 block hashes that the block after the last proven one sees.
    function verifiedHashWindow() external view returns (uint64[4] memory);
    /// @notice Whether a state is that after a range of batches that was proven. Withdrawals are claimed against any.
    function isProven(bytes32 stateRoot) external view returns (bool);
    /// @notice The first entry of the forced queue that the last proven block leaves.
    function verifiedForced() external view returns (uint64);
    /// @notice Since when a committed batch waits for its proof without any being proven; 0 if none does.
    function waitingSince() external view returns (uint64);
    /// @notice Whether anyone may commit and prove.
    function isOpen() external view returns (bool);
    /// @notice Whether the chain ended.
    function frozen() external view returns (bool);
    /// @notice How many messages the verified state has processed.
    function processedMessages() external view returns (uint64);
    /// @notice How often committed batches were dropped or replaced.
    function supersessions() external view returns (uint64);
    /// @notice keccak256(parentBatchHash ‖ blocksDigest ‖ keccak256(abi.encode(tip))) of a batch; zero if none
    /// stands there.
    function batchHash(uint64 number) external view returns (bytes32);
    /// @notice Number of the recorded L2 block with this hash, and the time from which on blocks may name it: the
    /// block's own, or that of the block after it. Zeros if it was not recorded.
    function recordedBlock(bytes32 blockHash) external view returns (uint64 number, uint64 timestamp);
}
