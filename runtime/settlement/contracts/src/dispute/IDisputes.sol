// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../IRollup.sol";

/// @title Batches that are final because nobody challenged them
/// @notice An option of a chain's deployment. The operator *proposes* each committed batch, behind a stake. A batch that nobody has
/// challenged when its window is over is final as if it were proven. Whoever finds that a block of it came out
/// differently *challenges* that block, with a bond: then the operator proves it (that one block, from the block before it as
/// it stands on L2), or loses the batch, all behind it, and the stake. A proof of batches makes them final at once, as ever.
///
/// There are no rounds in which two parties search for the block that they disagree on: the outcome of each block was committed, so
/// whoever has executed the blocks names the first that is wrong. Blocks behind it follow from it as they should, and challenging
/// one of those loses: one has to find the first.
///
/// **What a proposal adds.** The circuits take the 256 block hashes that a block sees as a digest, its *window*. L2 learns of the
/// digests with proofs only, so a proposal says them, one after each block; a digest that is wrong is challenged as a state is.
///
/// **What proposals hold for.** One *epoch* of the chain: it ends whenever a committed batch is dropped or a stake is
/// taken. Then all batches that are not final are proposed again, and their windows begin anew: no batch is final for a time
/// in which it was not the one that stood there, or in which nothing was behind it.
interface IDisputes {
    /// @notice What is decided at deployment.
    struct Terms {
        /// From a proposal until it is final if nobody challenges it, in seconds.
        uint64 challengeWindow;
        /// From a challenge until it is won if nobody proves the block, in seconds.
        uint64 proofTime;
        /// What the operator puts behind its proposals, in wei.
        uint256 stake;
        /// What a challenge takes, in wei: it should pay for the proof of a block.
        uint256 bond;
    }

    /// @notice What is kept of a proposal.
    struct Proposal {
        /// The batch that it is of.
        bytes32 batchHash;
        /// keccak256 of the windows that it says, 32 bytes each.
        bytes32 windowsHash;
        /// The window that the first block sees.
        bytes32 startWindow;
        /// The window after the last block.
        bytes32 endWindow;
        /// Who loses a stake if it is false.
        address proposer;
        /// When it was made.
        uint40 since;
        /// How many blocks the batch has.
        uint16 blocks;
        /// Challenges that wait.
        uint16 open;
        /// The epoch that it holds for.
        uint64 epoch;
        /// How many stakes were taken before it.
        uint64 slashes;
        /// Number of its last block.
        uint64 lastBlock;
        /// How many messages its state has processed, as far as was shown.
        uint64 processed;
        /// Which proposal it is, of all.
        uint64 id;
    }

    /// @notice What is kept of a challenge.
    struct Challenge {
        /// Who made it; zero if nobody has.
        address challenger;
        /// When.
        uint40 since;
        /// Whether it is decided.
        bool decided;
    }

    /// @notice A challenge that waits for its decision.
    struct Waiting {
        uint64 number;
        uint16 index;
        /// Whether `settle` decides it at once: there is nothing left to answer.
        bool left;
    }

    /// @notice How things stand, for whoever proposes.
    struct Standing {
        /// The last batch that is final or proposed, with all before it.
        uint64 proposed;
        /// What the account has at stake, in wei.
        uint256 staked;
        /// Challenges that wait, in no order.
        Waiting[] waiting;
    }

    /// @notice A block of a batch is proven by itself.
    struct Answer {
        /// The batch before.
        IRollup.Opening previous;
        /// The batch.
        IRollup.Opening batch;
        /// All its blocks, see `IRollup.BatchProof.blocks`.
        bytes blocks;
        /// The windows of the proposal, 32 bytes after each block.
        bytes windows;
        /// See `IRollup.BatchProof`.
        uint64[4] commitment;
        /// See `IRollup.BatchProof`.
        uint64[2] evaluation;
        /// The proof of the one block.
        bytes proof;
    }

    /// @notice A batch is final after its window, if nobody challenges it. `windows`: 32 bytes after each block.
    event BatchProposed(uint64 indexed number, bytes32 indexed batchHash, uint64 id, bytes windows);
    /// @notice Somebody says that this block (from 0, of its batch) came out differently.
    event BlockChallenged(uint64 indexed number, uint16 indexed index, uint64 indexed id, address challenger);
    /// @notice The block is proven; the bond is its proposer's.
    event ChallengeAnswered(uint64 indexed number, uint16 indexed index, uint64 indexed id);
    /// @notice The block was not defended; of the stake, `reward` is the challenger's, and as much is nobody's.
    event ChallengeWon(uint64 indexed number, uint16 indexed index, uint64 indexed id, uint256 reward);
    /// @notice There is nothing left to decide: the batch was proven as a whole (which says nothing of the windows before its end), a
    /// stake was taken for another block, or the chain is frozen. The bond is the challenger's.
    event ChallengeVoid(uint64 indexed number, uint16 indexed index, uint64 indexed id);
    /// @notice An account's stake is this now.
    event StakeChanged(address indexed account, uint256 stake);

    /// @notice A term is zero or too long, or the stake is less than two bonds; `name` says which.
    error InvalidTerms(string name);
    /// @notice Only the operator proposes.
    error NotOperator(address caller);
    /// @notice Less is staked than proposals need.
    error StakeTooSmall(uint256 staked, uint256 needed);
    /// @notice What is live needs the stake.
    error StakeNeeded(uint256 staked, uint256 needed);
    /// @notice The batch is final.
    error BatchIsFinal(uint64 number);
    /// @notice The batch is not proposed, or was dropped since.
    error NotProposed(uint64 number);
    /// @notice The batch was proposed anew; `id` is that of the last proposal.
    error OtherProposal(uint64 number, uint64 id);
    /// @notice What is given does not open the batch that is committed.
    error OtherBatch(uint64 number);
    /// @notice A proposal says a window after each block.
    error WindowsMismatch(uint64 number, uint256 windows, uint256 blocks);
    /// @notice The batch before it is final with another window than the proposal begins with: it is to be proposed again.
    error OtherStart(uint64 number);
    /// @notice Challenges of the batch wait for their decision.
    error ChallengesWait(uint64 number, uint16 open);
    /// @notice The window is over: what can be challenged no longer.
    error WindowIsOver(uint64 number, uint64 end);
    /// @notice The window is not over.
    error WindowIsOpen(uint64 number, uint64 end);
    /// @notice A challenge takes exactly this bond.
    error OtherBond(uint256 sent, uint256 needed);
    /// @notice The batch has fewer blocks.
    error NoSuchBlock(uint64 number, uint16 index);
    /// @notice The block was challenged before.
    error AlreadyChallenged(uint64 number, uint16 index);
    /// @notice There is no such challenge, or it is decided.
    error NoChallenge(uint64 number, uint16 index);
    /// @notice It can be proven until then, and if the chain is paused or halted for longer.
    error ProofTimeRuns(uint64 number, uint16 index, uint64 until);
    /// @notice Nobody owes the caller anything.
    error NothingOwed(address account);
    /// @notice The receiver refuses.
    error ReceiverFailed(address receiver);

    /// @notice Adds to the caller's stake.
    function addStake() external payable;
    /// @notice Takes from the caller's stake what nothing of what it proposed needs, to be collected by `collect`.
    function withdrawStake(uint256 amount) external;
    /// @notice Pays the caller what it won, and what it took from its stake.
    function collect() external;

    /// @notice Proposes a committed batch whose predecessor is final or proposed; again, if it was proposed before. Operator only.
    /// @param batch Opens the batch.
    /// @param windows The digest of the 256 last block hashes after each block, 32 bytes each (four elements, 8 bytes each).
    /// @param messages Shows how many messages its state has processed; empty where no more than before are claimed.
    function propose(
        uint64 number,
        IRollup.Opening calldata batch,
        bytes calldata windows,
        IRollup.InboxProof calldata messages
    ) external;

    /// @notice Says that block `index` (from 0) of a batch came out differently than committed, or its window than proposed, and
    /// nothing before it. Takes `terms().bond`.
    /// @param id The proposal that is meant: whoever proposes could else put a true one in its place just before.
    function challenge(uint64 number, uint16 index, uint64 id) external payable;

    /// @notice Proves the block, as long as its batch stands. Open to anyone; the bond is the proposer's.
    function answer(uint64 number, uint16 index, Answer calldata given) external;

    /// @notice Decides a challenge that was not answered in time, or whose batch is proven or dropped. Open to anyone. Who drops a
    /// challenged batch by committing another has given it up. A batch is not proposed anew before its challenges are decided.
    function settle(uint64 number, uint16 index) external;

    /// @notice Makes a batch final that was not challenged with success. Open to anyone.
    function finalize(uint64 number, IRollup.Opening calldata batch) external;

    /// @notice What is decided at deployment.
    function terms() external view returns (Terms memory);
    /// @notice From a proposal to its end at the latest, but for pauses and halts, in seconds.
    function longest() external view returns (uint64);
    /// @notice The chain's `Rollup`.
    function rollup() external view returns (address);
    /// @notice What proposals are made for now.
    function epoch() external view returns (uint64);
    /// @notice What an account that proposes asks at each step.
    function standing(address account) external view returns (Standing memory);
    /// @notice The last proposal of a batch; it holds if `isProposed`.
    function proposal(uint64 number) external view returns (Proposal memory);
    /// @notice Whether the batch that is committed under this number is proposed.
    function isProposed(uint64 number) external view returns (bool);
    /// @notice The challenge of a block of a proposal.
    function challengeOf(uint64 id, uint16 index) external view returns (Challenge memory);
    /// @notice How many messages the state after a proposed batch is known to have processed; 0 if it is not proposed.
    function knownMessages(uint64 number) external view returns (uint64);
    /// @notice What an account has at stake, in wei.
    function stakeOf(address account) external view returns (uint256);
    /// @notice What an account can collect, in wei.
    function owed(address account) external view returns (uint256);
}
