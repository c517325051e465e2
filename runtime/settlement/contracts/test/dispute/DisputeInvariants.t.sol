// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "src/IRollup.sol";
import {IDisputes} from "src/dispute/IDisputes.sol";
import {Statement} from "src/rollup/Statement.sol";
import {PlainStatement} from "../rollup/PlainStatement.sol";
import {DisputeFixture} from "./DisputeFixture.sol";

/// @notice An operator that lies now and then, provers who prove what is true, and people who challenge, decide and make final
/// what they can in any order. Somebody watches: each proposal that is false is challenged before its window ends.
contract Disputants is DisputeFixture {
    /// @dev Counted from the end, since a batch that is true may follow a false one.
    uint64 private constant MOST_OPEN = 4;

    /// @notice What was taken from stakes and given to nobody.
    uint256 public burnt;
    /// @dev The first block of a committed batch that is false, from 1; 0 if all are true.
    mapping(uint64 number => uint256) private _falseBlock;
    /// @dev The same of a proposal, which may say a false window.
    mapping(uint64 id => uint256) private _lie;
    mapping(uint64 id => bytes) private _windows;

    constructor() {
        super.setUp();
        vm.deal(OPERATOR, 1_000_000 ether);
        vm.deal(CHALLENGER, 1_000_000 ether);
    }

    /// @dev Among the calls that are drawn, and none of them.
    function setUp() public override {}

    function accounted() external view returns (uint256) {
        uint256 stakes = disputes.stakeOf(OPERATOR) + disputes.stakeOf(CHALLENGER);
        uint256 owed = disputes.owed(OPERATOR) + disputes.owed(CHALLENGER);
        return stakes + owed + BOND * disputes.standing(OPERATOR).waiting.length + burnt;
    }

    function held() external view returns (uint256) {
        return address(disputes).balance;
    }

    /// @notice Whether something is proposed that no whole stake stands behind.
    function isUnbacked() external view returns (bool) {
        IDisputes.Standing memory standing = disputes.standing(OPERATOR);
        return standing.proposed > rollup.lastVerifiedBatch() && standing.staked < STAKE;
    }

    /// @notice How many challenges the proposals count, and how many are listed.
    function counted() external view returns (uint256 open, uint256 listed) {
        for (uint64 number = 1; number < 64; ++number) {
            open += disputes.proposal(number).open;
        }
        listed = disputes.standing(OPERATOR).waiting.length;
    }

    /// @notice Commits a batch in any place that is not final; one of three is false.
    function commitSomewhere(uint256 place, uint256 blocks, uint256 lie, uint8 seed) external {
        uint64 verified = rollup.lastVerifiedBatch();
        uint64 most = min(rollup.lastCommittedBatch() + 1, verified + MOST_OPEN);
        uint64 number = uint64(bound(place, verified + 1, most));
        blocks = bound(blocks, 1, 3);
        // What was dropped is there no longer.
        while (batches.length > rollup.lastCommittedBatch() + 1) batches.pop();
        replace(number, blocks, vm.toString(uint256(seed % 4)));
        _falseBlock[number] = lie % 3 == 0 ? 1 + (lie / 3) % blocks : 0;
    }

    /// @notice Proposes the next batch, or one again; one of four says a false window.
    function proposeSome(uint256 place, uint256 lie) external {
        uint64 verified = rollup.lastVerifiedBatch();
        uint64 most = min(disputes.standing(OPERATOR).proposed + 1, rollup.lastCommittedBatch());
        if (most <= verified) return;
        // Most often the next one.
        uint64 number = place % 4 == 0 ? uint64(bound(place / 4, verified + 1, most)) : most;
        if (disputes.stakeOf(OPERATOR) < STAKE) addStake(STAKE);
        Batch memory batch = batches[number];
        bytes memory windows = windowsOf(batch);
        uint256 false_ = _falseBlock[number];
        if (lie % 4 == 0) {
            uint256 index = (lie / 4) % batch.blocks.length;
            windows[32 * index + 31] ^= 0x01;
            if (false_ == 0 || index + 1 < false_) false_ = index + 1;
        }
        if (disputes.proposal(number).open != 0) {
            IRollup.InboxProof memory none;
            refusalOf(OPERATOR, 0, proposing(batch, windows, none));
            return;
        }
        proposeWith(batch, windows);
        (_lie[idOf(number)], _windows[idOf(number)]) = (false_, windows);
    }

    /// @notice Challenges any block, true or false.
    function challengeSome(uint256 place, uint16 index) external {
        uint64 number = proposed(place);
        if (number == 0) return;
        index %= disputes.proposal(number).blocks;
        if (!isOpen(number) || isChallenged(number, index)) {
            refusalOf(CHALLENGER, BOND, challenging(number, index));
        } else {
            challenge(number, index);
        }
    }

    /// @notice Proves a challenged block that is true: it always can be, as long as its batch stands.
    function answerSome(uint256 place) external {
        (bool found, uint64 number, uint16 index) = waiting(place);
        if (!found || _lie[idOf(number)] == uint256(index) + 1) return;
        if (!disputes.isProposed(number) || number <= rollup.lastVerifiedBatch()) return;
        uint256 staked = disputes.stakeOf(OPERATOR);
        act(CHALLENGER, 0, answering(number, index, this.answerFor(number, index)));
        require(disputes.stakeOf(OPERATOR) == staked + BOND, "the bond is not the proposer's");
    }

    /// @notice Has a challenge decided, if it can be.
    function settleSome(uint256 place) external {
        (bool found, uint64 number, uint16 index) = waiting(place);
        if (!found) return;
        IDisputes.Proposal memory proposal = disputes.proposal(number);
        uint64 since = disputes.challengeOf(proposal.id, index).since;
        bool stands = rollup.batchHash(number) == proposal.batchHash;
        uint256 staked = disputes.stakeOf(OPERATOR);
        vm.prank(OUTSIDER);
        (bool done,) = address(disputes).call(settling(number, index));
        if (!done) return;
        uint256 taken = staked - disputes.stakeOf(OPERATOR);
        require(taken == 0 || taken == STAKE, "another part of the stake was taken");
        require(taken == 0 || !stands || time > since + PROOF_TIME, "a stake was taken too early");
        burnt += taken / 2;
    }

    /// @notice Makes the next batch final, if it can be: no lie ever is.
    function finalizeNext() external {
        uint64 number = rollup.lastVerifiedBatch() + 1;
        if (number > rollup.lastCommittedBatch()) return;
        vm.prank(OUTSIDER);
        (bool done,) = address(disputes).call(finalizing(number));
        require(!done || _lie[idOf(number)] == 0, "a lie is final");
    }

    /// @notice Proves the next batch, if it is true.
    function proveNext() external {
        uint64 number = rollup.lastVerifiedBatch() + 1;
        if (number > rollup.lastCommittedBatch() || _falseBlock[number] != 0) return;
        proveRange(number, number);
    }

    /// @notice Takes from the stake what can be taken, and what is owed.
    function takeOut(uint256 amount) external {
        amount = bound(amount, 0, STAKE + 2 * BOND);
        vm.prank(OPERATOR);
        (bool done,) = address(disputes).call(abi.encodeCall(IDisputes.withdrawStake, (amount)));
        if (done && disputes.owed(OPERATOR) != 0) act(OPERATOR, 0, abi.encodeCall(IDisputes.collect, ()));
        if (disputes.owed(CHALLENGER) != 0) act(CHALLENGER, 0, abi.encodeCall(IDisputes.collect, ()));
    }

    /// @notice Time goes on. Whoever watches has challenged what is false.
    function wait_(uint256 duration) external {
        watch();
        waitUntil(time + uint64(bound(duration, 1, WINDOW)));
    }

    /// @notice The proof of a block from where it stands on L2, with the windows of the proposal.
    function answerFor(uint64 number, uint16 index) external view returns (IDisputes.Answer memory given) {
        (Batch memory parent, Batch memory batch) = (batches[number - 1], batches[number]);
        IDisputes.Proposal memory proposal = disputes.proposal(number);
        given.previous = opened(parent);
        given.batch = opened(batch);
        given.blocks = PlainStatement.pack(batch.blocks);
        given.windows = _windows[proposal.id];
        Statement.Point memory start = pointBefore(parent, batch, index);
        bytes32 before = index == 0 ? proposal.startWindow : said(given.windows, index - 1);
        start.window = unpacked(before);
        proveBlock(given, start, unpacked(said(given.windows, index)), batch.blocks[index]);
    }

    function watch() private {
        uint64 last = disputes.standing(OPERATOR).proposed;
        for (uint64 number = rollup.lastVerifiedBatch() + 1; number <= last; ++number) {
            uint256 lie = _lie[idOf(number)];
            if (lie == 0 || isChallenged(number, uint16(lie - 1)) || !isOpen(number)) continue;
            challenge(number, uint16(lie - 1));
        }
    }

    function isOpen(uint64 number) private view returns (bool) {
        return time <= disputes.proposal(number).since + WINDOW;
    }

    function isChallenged(uint64 number, uint16 index) private view returns (bool) {
        return disputes.challengeOf(idOf(number), index).challenger != address(0);
    }

    /// @dev A batch that is proposed and not final; 0 if there is none.
    function proposed(uint256 place) private view returns (uint64) {
        (uint64 verified, uint64 last) = (rollup.lastVerifiedBatch(), disputes.standing(OPERATOR).proposed);
        return last == verified ? 0 : uint64(bound(place, verified + 1, last));
    }

    function waiting(uint256 place) private view returns (bool, uint64, uint16) {
        IDisputes.Waiting[] memory all = disputes.standing(OPERATOR).waiting;
        if (all.length == 0) return (false, 0, 0);
        IDisputes.Waiting memory one = all[place % all.length];
        return (true, one.number, one.index);
    }

    function said(bytes memory windows, uint256 index) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(add(windows, 0x20), mul(index, 0x20)))
        }
    }

    function unpacked(bytes32 word) private pure returns (uint64[4] memory window) {
        for (uint256 i = 0; i < 4; ++i) {
            window[i] = uint64(uint256(word) >> (192 - 64 * i));
        }
    }

    function min(uint64 a, uint64 b) private pure returns (uint64) {
        return a < b ? a : b;
    }
}

contract DisputeInvariantsTest {
    Disputants private disputants;

    function setUp() external {
        disputants = new Disputants();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(disputants);
    }

    /// @notice Nothing is made, nothing is lost, and what is proposed has a stake behind it. That no lie is final is asked
    /// wherever something becomes final.
    /// forge-config: default.invariant.runs = 24
    /// forge-config: default.invariant.depth = 48
    function invariant_all_that_came_in_is_somebodys_or_burnt_and_stakes_stand_behind_proposals()
        external
        view
    {
        require(disputants.held() == disputants.accounted(), "balance");
        require(!disputants.isUnbacked(), "a proposal without a stake");
        (uint256 open, uint256 listed) = disputants.counted();
        require(open == listed, "challenges that wait");
    }
}
