// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {IGovernance} from "../IGovernance.sol";
import {IRollup} from "../IRollup.sol";
import {IInbox} from "../bridge/IInbox.sol";
import {BatchHash} from "../rollup/BatchHash.sol";
import {ConflictCheck} from "../rollup/ConflictCheck.sol";
import {PackedBlock} from "../rollup/PackedBlock.sol";
import {Statement} from "../rollup/Statement.sol";
import {IProofVerifier} from "../verifier/IProofVerifier.sol";
import {IDisputes} from "./IDisputes.sol";

/// @title Batches that are final because nobody challenged them
/// @notice See `IDisputes`.
contract Disputes is IDisputes {
    using EnumerableSet for EnumerableSet.UintSet;

    /// @dev What an account answers for.
    struct Exposure {
        /// The epoch in which it has proposed last.
        uint64 epoch;
        /// The highest batch that it has proposed then.
        uint64 number;
        /// Challenges that wait, of any epoch.
        uint64 open;
    }

    uint64 private constant LONGEST_TERM = 30 days;
    /// @dev Bytes of a window: four elements.
    uint256 private constant WINDOW_SIZE = 32;

    IRollup private immutable chain;
    uint64 private immutable challengeWindow;
    uint64 private immutable proofTime;
    uint256 private immutable stake;
    uint256 private immutable bond;

    /// @inheritdoc IDisputes
    mapping(address account => uint256) public stakeOf;
    /// @inheritdoc IDisputes
    mapping(address account => uint256) public owed;
    mapping(address account => Exposure) private _exposures;
    mapping(uint64 number => Proposal) private _proposals;
    mapping(uint64 id => mapping(uint16 index => Challenge)) private _challenges;
    /// @dev Challenges that wait: number << 16 | index.
    EnumerableSet.UintSet private _waiting;
    /// @dev The last batch that was proposed, in the epoch that it was proposed for.
    uint64 private _lastEpoch;
    uint64 private _lastProposed;
    /// @dev How many proposals were made.
    uint64 private _count;
    /// @dev How many stakes were taken.
    uint64 private _slashes;

    /// @param rollup_ Is created after this contract.
    constructor(address rollup_, Terms memory terms_) {
        if (terms_.challengeWindow == 0 || terms_.challengeWindow > LONGEST_TERM) {
            revert InvalidTerms("challengeWindow");
        }
        if (terms_.proofTime == 0 || terms_.proofTime > LONGEST_TERM) revert InvalidTerms("proofTime");
        if (terms_.bond == 0) revert InvalidTerms("bond");
        // Half of a stake is the challenger's: to challenge a lie must be worth the bond.
        if (terms_.stake / 2 < terms_.bond) revert InvalidTerms("stake");
        chain = IRollup(rollup_);
        (challengeWindow, proofTime) = (terms_.challengeWindow, terms_.proofTime);
        (stake, bond) = (terms_.stake, terms_.bond);
    }

    /// @inheritdoc IDisputes
    function addStake() external payable {
        _setStake(msg.sender, stakeOf[msg.sender] + msg.value);
    }

    /// @inheritdoc IDisputes
    function withdrawStake(uint256 amount) external {
        Exposure storage exposure = _exposures[msg.sender];
        bool isLive = exposure.epoch == epoch() && exposure.number > chain.lastVerifiedBatch();
        // Nothing will be final on a chain that ended.
        bool isNeeded = exposure.open != 0 || (isLive && !chain.frozen());
        uint256 needed = amount + (isNeeded ? stake : 0);
        uint256 staked = stakeOf[msg.sender];
        if (staked < needed) revert StakeNeeded(staked, needed);
        _setStake(msg.sender, staked - amount);
        owed[msg.sender] += amount;
    }

    /// @inheritdoc IDisputes
    function collect() external {
        uint256 amount = owed[msg.sender];
        if (amount == 0) revert NothingOwed(msg.sender);
        owed[msg.sender] = 0;
        (bool paid,) = msg.sender.call{value: amount}("");
        if (!paid) revert ReceiverFailed(msg.sender);
    }

    /// @inheritdoc IDisputes
    function propose(
        uint64 number,
        IRollup.Opening calldata batch,
        bytes calldata windows,
        IRollup.InboxProof calldata messages
    ) external {
        if (msg.sender != chain.operator()) revert NotOperator(msg.sender);
        if (stakeOf[msg.sender] < stake) revert StakeTooSmall(stakeOf[msg.sender], stake);
        bytes32 batchHash = _expectOpened(number, batch);
        uint16 open = _proposals[number].open;
        if (open != 0) revert ChallengesWait(number, open);

        Proposal memory made = _follow(number);
        uint256 blocks = batch.tip.number - made.lastBlock;
        if (windows.length != blocks * WINDOW_SIZE || blocks > type(uint16).max) {
            revert WindowsMismatch(number, windows.length / WINDOW_SIZE, blocks);
        }
        if (messages.account.length != 0) {
            uint64 shown =
                IInbox(chain.inbox()).processed(batch.tip.stateRoot, messages.account, messages.slot);
            if (shown > made.processed) made.processed = shown;
        }
        made.batchHash = batchHash;
        made.windowsHash = keccak256(windows);
        made.endWindow = bytes32(windows[windows.length - WINDOW_SIZE:]);
        (made.proposer, made.since) = (msg.sender, uint40(block.timestamp));
        (made.epoch, made.slashes) = (epoch(), _slashes);
        (made.blocks, made.lastBlock) = (uint16(blocks), batch.tip.number);
        made.id = ++_count;
        _proposals[number] = made;
        _expose(msg.sender, number, made.epoch);
        if (_lastEpoch != made.epoch || _lastProposed < number) {
            (_lastEpoch, _lastProposed) = (made.epoch, number);
        }
        emit BatchProposed(number, batchHash, made.id, windows);
    }

    /// @inheritdoc IDisputes
    function challenge(uint64 number, uint16 index, uint64 id) external payable {
        if (msg.value != bond) revert OtherBond(msg.value, bond);
        if (number <= chain.lastVerifiedBatch()) revert BatchIsFinal(number);
        Proposal storage found = _expectProposed(number);
        if (found.id != id) revert OtherProposal(number, found.id);
        uint64 end = found.since + challengeWindow;
        if (block.timestamp > end) revert WindowIsOver(number, end);
        if (index >= found.blocks) revert NoSuchBlock(number, index);
        if (_challenges[id][index].challenger != address(0)) revert AlreadyChallenged(number, index);
        _challenges[id][index] = Challenge(msg.sender, uint40(block.timestamp), false);
        _waiting.add(_key(number, index));
        ++found.open;
        ++_exposures[found.proposer].open;
        emit BlockChallenged(number, index, id, msg.sender);
    }

    /// @inheritdoc IDisputes
    function answer(uint64 number, uint16 index, Answer calldata given) external {
        if (chain.frozen()) revert IRollup.ChainIsFrozen();
        IGovernance(chain.governance()).expectRunning();
        Proposal storage found = _decide(number, index);
        if (found.slashes != _slashes || !_stands(number)) revert NotProposed(number);
        if (number <= chain.lastVerifiedBatch()) revert BatchIsFinal(number);
        _expectOpened(number, given.batch);
        if (BatchHash.compute(given.previous) != given.batch.parentBatchHash) revert OtherBatch(number - 1);
        bool isProposed_ = keccak256(given.blocks) == given.batch.blocksDigest
            && keccak256(given.windows) == found.windowsHash;
        if (!isProposed_) revert OtherBatch(number);
        _expectProof(number, index, given, found.startWindow);
        _setStake(found.proposer, stakeOf[found.proposer] + bond);
        emit ChallengeAnswered(number, index, found.id);
    }

    /// @inheritdoc IDisputes
    function settle(uint64 number, uint16 index) external {
        Proposal storage found = _decide(number, index);
        Challenge storage decided = _challenges[found.id][index];
        owed[decided.challenger] += bond;
        bool stands = _stands(number);
        if (_isVoid(number)) {
            emit ChallengeVoid(number, index, found.id);
            return;
        }
        // Of another epoch as well: what was replaced may lie behind it.
        if (stands) {
            uint64 until = _runningSince(decided.since) + proofTime;
            if (block.timestamp <= until) revert ProofTimeRuns(number, index, until);
            chain.dropBatches(number);
        }
        emit ChallengeWon(number, index, found.id, _slash(found.proposer, decided.challenger));
    }

    /// @inheritdoc IDisputes
    function finalize(uint64 number, IRollup.Opening calldata batch) external {
        Proposal storage found = _expectProposed(number);
        if (found.open != 0) revert ChallengesWait(number, found.open);
        uint64 end = found.since + challengeWindow;
        if (block.timestamp <= end) revert WindowIsOpen(number, end);
        if (found.startWindow != _packed(chain.verifiedHashWindow())) revert OtherStart(number);
        chain.finalizeBatch(number, batch, _unpacked(found.endWindow), found.processed);
    }

    /// @inheritdoc IDisputes
    function terms() external view returns (Terms memory) {
        return Terms(challengeWindow, proofTime, stake, bond);
    }

    /// @inheritdoc IDisputes
    function longest() external view returns (uint64) {
        return challengeWindow + proofTime;
    }

    /// @inheritdoc IDisputes
    function rollup() external view returns (address) {
        return address(chain);
    }

    /// @inheritdoc IDisputes
    function standing(address account) external view returns (Standing memory stands) {
        uint64 verified = chain.lastVerifiedBatch();
        bool isProposed_ = _lastEpoch == epoch() && _lastProposed > verified;
        stands.proposed = isProposed_ ? _lastProposed : verified;
        stands.staked = stakeOf[account];
        stands.waiting = new Waiting[](_waiting.length());
        for (uint256 i = 0; i < stands.waiting.length; ++i) {
            uint256 key = _waiting.at(i);
            uint64 number = uint64(key >> 16);
            stands.waiting[i] = Waiting(number, uint16(key), _isVoid(number) || !_stands(number));
        }
    }

    /// @inheritdoc IDisputes
    function proposal(uint64 number) external view returns (Proposal memory) {
        return _proposals[number];
    }

    /// @inheritdoc IDisputes
    function challengeOf(uint64 id, uint16 index) external view returns (Challenge memory) {
        return _challenges[id][index];
    }

    /// @inheritdoc IDisputes
    function knownMessages(uint64 number) external view returns (uint64) {
        return isProposed(number) ? _proposals[number].processed : 0;
    }

    /// @inheritdoc IDisputes
    function epoch() public view returns (uint64) {
        // Neither goes back, so the sum is the same only if both are.
        return chain.supersessions() + _slashes;
    }

    /// @inheritdoc IDisputes
    function isProposed(uint64 number) public view returns (bool) {
        Proposal storage found = _proposals[number];
        return found.id != 0 && found.epoch == epoch() && _stands(number);
    }

    /// @dev A proposal of batch `number` as far as it follows from the batch before.
    function _follow(uint64 number) private view returns (Proposal memory made) {
        uint64 verified = chain.lastVerifiedBatch();
        if (number <= verified) revert BatchIsFinal(number);
        if (number == verified + 1) {
            made.startWindow = _packed(chain.verifiedHashWindow());
            (made.lastBlock, made.processed) = (chain.verifiedBlockNumber(), chain.processedMessages());
        } else {
            Proposal storage before = _expectProposed(number - 1);
            made.startWindow = before.endWindow;
            (made.lastBlock, made.processed) = (before.lastBlock, before.processed);
        }
    }

    /// @dev Notes that an account answers for a batch.
    function _expose(address account, uint64 number, uint64 epoch_) private {
        Exposure storage exposure = _exposures[account];
        if (exposure.epoch == epoch_ && exposure.number >= number) return;
        (exposure.epoch, exposure.number) = (epoch_, number);
    }

    /// @dev Takes a challenge off those that wait.
    function _decide(uint64 number, uint16 index) private returns (Proposal storage found) {
        found = _proposals[number];
        Challenge storage waiting = _challenges[found.id][index];
        if (waiting.challenger == address(0) || waiting.decided) revert NoChallenge(number, index);
        waiting.decided = true;
        _waiting.remove(_key(number, index));
        --found.open;
        --_exposures[found.proposer].open;
    }

    /// @dev Takes a stake. Half of it, which the challenger gets, and not all: else who lies could challenge the lie as well, and
    /// would lose nothing.
    function _slash(address account, address challenger) private returns (uint256 reward) {
        ++_slashes;
        uint256 staked = stakeOf[account];
        uint256 taken = staked < stake ? staked : stake;
        reward = taken / 2;
        owed[challenger] += reward;
        _setStake(account, staked - taken);
    }

    function _key(uint64 number, uint16 index) private pure returns (uint256) {
        return (uint256(number) << 16) | index;
    }

    function _setStake(address account, uint256 amount) private {
        stakeOf[account] = amount;
        emit StakeChanged(account, amount);
    }

    /// @dev Whether the batch that was proposed is the one that is committed.
    function _stands(uint64 number) private view returns (bool) {
        return _proposals[number].batchHash == chain.batchHash(number);
    }

    /// @dev Whether challenges of a proposal decide nothing any more.
    function _isVoid(uint64 number) private view returns (bool) {
        bool isFinal = number <= chain.lastVerifiedBatch() && _stands(number);
        return isFinal || _proposals[number].slashes != _slashes || chain.frozen();
    }

    /// @dev While the chain was paused or halted nothing could be proven; as long as it is halted nothing can.
    function _runningSince(uint64 time) private view returns (uint64) {
        IGovernance governance = IGovernance(chain.governance());
        (address accused,) = governance.halt();
        if (accused != address(0)) return uint64(block.timestamp);
        (uint64 resumed, uint64 paused) = (governance.resumedAt(), governance.pausedUntil());
        if (resumed > time) time = resumed;
        return paused > time ? paused : time;
    }

    function _expectProposed(uint64 number) private view returns (Proposal storage) {
        if (!isProposed(number)) revert NotProposed(number);
        return _proposals[number];
    }

    function _expectOpened(uint64 number, IRollup.Opening calldata batch)
        private
        view
        returns (bytes32 batchHash)
    {
        batchHash = chain.batchHash(number);
        if (BatchHash.compute(batch) != batchHash) revert OtherBatch(number);
    }

    /// @dev Checks the proof that one block follows from the one before it.
    function _expectProof(uint64 number, uint16 index, Answer calldata given, bytes32 startWindow)
        private
        view
    {
        IGovernance governance = IGovernance(chain.governance());
        Statement.Point memory start = _start(index, given, startWindow);
        uint256 at = uint256(index) * PackedBlock.SIZE;
        uint256 window = uint256(index) * WINDOW_SIZE;
        IRollup.BatchProof memory one = IRollup.BatchProof({
            endWindow: _unpacked(bytes32(given.windows[window:window + WINDOW_SIZE])),
            commitment: given.commitment,
            evaluation: given.evaluation,
            blocks: given.blocks[at:at + PackedBlock.SIZE]
        });
        uint64[4] memory statement = ConflictCheck(governance.conflictCheck()).digest(number, start, one);
        if (!IProofVerifier(governance.verifier()).verify(given.proof, statement)) {
            revert IRollup.ProofRefused(number, number);
        }
    }

    /// @dev Where the block starts, as it stands on L2.
    function _start(uint16 index, Answer calldata given, bytes32 startWindow)
        private
        pure
        returns (Statement.Point memory)
    {
        IRollup.BlockTip calldata tip = given.previous.tip;
        if (index == 0) {
            return Statement.Point(tip.stateRoot, tip.blockHash, tip.number, _unpacked(startWindow));
        }
        PackedBlock.Fields memory before = PackedBlock.read(given.blocks, index - 1);
        uint256 window = uint256(index - 1) * WINDOW_SIZE;
        return Statement.Point(
            before.stateRoot,
            before.blockHash,
            tip.number + index,
            _unpacked(bytes32(given.windows[window:window + WINDOW_SIZE]))
        );
    }

    /// @dev A window as one word, the first element highest.
    function _packed(uint64[4] memory window) private pure returns (bytes32) {
        return
            bytes32(
                abi.encodePacked(bytes8(window[0]), bytes8(window[1]), bytes8(window[2]), bytes8(window[3]))
            );
    }

    function _unpacked(bytes32 window) private pure returns (uint64[4] memory) {
        uint256 bits = uint256(window);
        return [uint64(bits >> 192), uint64(bits >> 128), uint64(bits >> 64), uint64(bits)];
    }
}
