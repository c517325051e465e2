// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "src/IRollup.sol";
import {Disputes} from "src/dispute/Disputes.sol";
import {IDisputes} from "src/dispute/IDisputes.sol";
import {Statement} from "src/rollup/Statement.sol";
import {PlainStatement} from "../rollup/PlainStatement.sol";
import {WaitingFixture} from "../rollup/WaitingFixture.sol";

/// @notice A chain with disputes: an operator that proposes its batches behind a stake, and somebody who challenges them.
abstract contract DisputeFixture is WaitingFixture {
    address internal constant CHALLENGER = address(0xc4a1);
    uint64 internal constant WINDOW = 6 hours;
    uint64 internal constant PROOF_TIME = 3 hours;
    uint256 internal constant STAKE = 10 ether;
    uint256 internal constant BOND = 1 ether;

    Disputes internal disputes;
    IDisputes.Terms internal terms = IDisputes.Terms(WINDOW, PROOF_TIME, STAKE, BOND);
    /// @dev Batch n at index n, from genesis to the last committed one.
    Batch[] internal batches;
    /// @dev Time of L2: the compiler may read `block.timestamp` once for a whole function.
    uint64 internal time;

    function setUp() public virtual override {
        super.setUp();
        time = START + 1000;
        batches.push(genesisBatch());
        vm.deal(OPERATOR, 100 ether);
        vm.deal(CHALLENGER, 100 ether);
        addStake(STAKE);
    }

    function disputesOfNext() internal virtual override returns (IDisputes) {
        // After this contract and the queue.
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 2);
        disputes = Disputes(create("Disputes.sol:Disputes", abi.encode(next, terms)));
        return disputes;
    }

    function waitUntil(uint64 time_) internal {
        time = time_;
        vm.warp(time_);
    }

    /// @dev Three batches, of 3, 2 and 1 blocks.
    function commitThree() internal {
        commitNext(3, "first");
        commitNext(2, "second");
        commitNext(1, "third");
    }

    function commitNext(uint256 count, string memory seed) internal {
        replace(uint64(batches.length), count, seed);
    }

    /// @dev Commits another batch as number `number`, in place of this one and all behind it.
    function replace(uint64 number, uint256 count, string memory seed) internal {
        Batch memory parent = batches[number - 1];
        recommit(make(parent, count, seed));
    }

    /// @dev The same with this batch.
    function recommit(Batch memory batch) internal {
        commit(batch);
        while (batches.length > batch.number) batches.pop();
        batches.push(batch);
    }

    function addStake(uint256 amount) internal {
        act(OPERATOR, amount, abi.encodeCall(IDisputes.addStake, ()));
    }

    /// @dev Proposes a committed batch; returns when its window ends.
    function propose(uint64 number) internal returns (uint64 end) {
        Batch memory batch = batches[number];
        return proposeWith(batch, windowsOf(batch));
    }

    function proposeWith(Batch memory batch, bytes memory windows) internal returns (uint64 end) {
        IRollup.InboxProof memory none;
        act(OPERATOR, 0, proposing(batch, windows, none));
        return time + WINDOW;
    }

    function proposeThree() internal returns (uint64 end) {
        for (uint64 number = 1; number <= 3; ++number) {
            end = propose(number);
        }
    }

    /// @dev Challenges a block; returns until when it can be proven.
    function challenge(uint64 number, uint16 index) internal returns (uint64 until) {
        act(CHALLENGER, BOND, challenging(number, index));
        return time + PROOF_TIME;
    }

    function answer(uint64 number, uint16 index) internal {
        act(OUTSIDER, 0, answering(number, index, answerOf(number, index)));
    }

    function settle(uint64 number, uint16 index) internal {
        act(OUTSIDER, 0, settling(number, index));
    }

    function makeFinal(uint64 number) internal {
        act(OUTSIDER, 0, finalizing(number));
    }

    /// @dev One proof of committed batches.
    function proveRange(uint64 from, uint64 to) internal {
        Batch[] memory range = new Batch[](to - from + 1);
        for (uint64 number = from; number <= to; ++number) {
            range[number - from] = batches[number];
        }
        Batch memory parent = batches[from - 1];
        submit(from, to, proveAll(parent, range));
    }

    function proposing(Batch memory batch, bytes memory windows, IRollup.InboxProof memory messages)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodeCall(IDisputes.propose, (batch.number, opened(batch), windows, messages));
    }

    function proposing(uint64 number) internal view returns (bytes memory) {
        IRollup.InboxProof memory none;
        Batch memory batch = batches[number];
        return proposing(batch, windowsOf(batch), none);
    }

    /// @dev The last proposal is meant.
    function challenging(uint64 number, uint16 index) internal view returns (bytes memory) {
        return abi.encodeCall(IDisputes.challenge, (number, index, disputes.proposal(number).id));
    }

    function answering(uint64 number, uint16 index, IDisputes.Answer memory given)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodeCall(IDisputes.answer, (number, index, given));
    }

    function settling(uint64 number, uint16 index) internal pure returns (bytes memory) {
        return abi.encodeCall(IDisputes.settle, (number, index));
    }

    function finalizing(uint64 number) internal view returns (bytes memory) {
        Batch memory batch = batches[number];
        return abi.encodeCall(IDisputes.finalize, (number, opened(batch)));
    }

    /// @dev A call of the disputes; if it is refused, so is this.
    function act(address who, uint256 value, bytes memory call) internal {
        vm.prank(who);
        (bool done, bytes memory reason) = address(disputes).call{value: value}(call);
        if (done) return;
        assembly ("memory-safe") {
            revert(add(reason, 0x20), mload(reason))
        }
    }

    function expectRefused(address who, uint256 value, bytes memory call, bytes memory reason) internal {
        vm.assertEq(refusalOf(who, value, call), reason);
    }

    function expectRefused(bytes memory call, bytes memory reason) internal {
        expectRefused(OUTSIDER, 0, call, reason);
    }

    function refusalOf(address who, uint256 value, bytes memory call) internal returns (bytes memory) {
        vm.prank(who);
        (bool done, bytes memory reason) = address(disputes).call{value: value}(call);
        vm.assertFalse(done);
        return reason;
    }

    function expectNotProposed(uint64 number) internal {
        vm.assertFalse(disputes.isProposed(number));
        bytes memory call = finalizing(number);
        expectRefused(call, abi.encodeWithSelector(IDisputes.NotProposed.selector, number));
    }

    /// @dev The batch is the last that is final, and its end is where the chain stands.
    function expectFinal(uint64 number) internal view {
        Batch memory last = batches[number];
        IRollup.Status memory status = rollup.status();
        vm.assertEq(status.lastVerifiedBatch, number);
        vm.assertEq(status.lastCommittedBatch, batches.length - 1);
        vm.assertEq(status.verifiedBlockNumber, last.tip.number);
        vm.assertEq(status.verifiedTimestamp, last.tip.timestamp);
        vm.assertEq(status.verifiedStateRoot, last.tip.stateRoot);
        vm.assertEq(status.verifiedBlockHash, last.tip.blockHash);
        vm.assertEq(packed(status.verifiedHashWindow), packed(windowAfter(last)));
        vm.assertTrue(rollup.isProven(last.tip.stateRoot));
        vm.assertEq(rollup.verifiedForced(), last.nextForced);
    }

    function idOf(uint64 number) internal view returns (uint64) {
        return disputes.proposal(number).id;
    }

    function opened(Batch memory batch) internal pure returns (IRollup.Opening memory) {
        IRollup.PreviousBatch memory known = opening(batch);
        return IRollup.Opening(known.parentBatchHash, known.blocksDigest, known.tip, known.forced);
    }

    /// @dev The windows after the blocks of a batch.
    function windowsOf(Batch memory batch) internal pure returns (bytes memory windows) {
        for (uint256 i = 0; i < batch.blocks.length; ++i) {
            windows = abi.encodePacked(windows, packed(windowAt(batch, i)));
        }
    }

    /// @dev The window after a block; any canonical digest will do for the mock.
    function windowAt(Batch memory batch, uint256 index) internal pure returns (uint64[4] memory) {
        if (index + 1 == batch.blocks.length) return windowAfter(batch);
        return [batch.number, uint64(index) + 1, 5, 6];
    }

    function packed(uint64[4] memory window) internal pure returns (bytes32 word) {
        for (uint256 i = 0; i < 4; ++i) {
            word |= bytes32(uint256(window[i]) << (192 - 64 * i));
        }
    }

    /// @dev The proof of a block of a committed batch, as an honest operator gives it.
    function answerOf(uint64 number, uint256 index) internal view returns (IDisputes.Answer memory given) {
        (Batch memory parent, Batch memory batch) = (batches[number - 1], batches[number]);
        given.previous = opened(parent);
        given.batch = opened(batch);
        given.blocks = PlainStatement.pack(batch.blocks);
        given.windows = windowsOf(batch);
        proveBlock(given, pointBefore(parent, batch, index), windowAt(batch, index), batch.blocks[index]);
    }

    function pointBefore(Batch memory parent, Batch memory batch, uint256 index)
        internal
        pure
        returns (Statement.Point memory)
    {
        IRollup.BlockTip memory tip = parent.tip;
        if (index == 0) {
            return Statement.Point(tip.stateRoot, tip.blockHash, tip.number, windowAfter(parent));
        }
        PlainStatement.Block memory before = batch.blocks[index - 1];
        uint64[4] memory window = windowAt(batch, index - 1);
        return Statement.Point(before.stateRoot, before.blockHash, tip.number + uint64(index), window);
    }

    /// @dev The proof of one block that starts there and ends with that window.
    function proveBlock(
        IDisputes.Answer memory given,
        Statement.Point memory start,
        uint64[4] memory end,
        PlainStatement.Block memory block_
    ) internal view {
        PlainStatement.Block[] memory one = new PlainStatement.Block[](1);
        one[0] = block_;
        given.commitment = [uint64(44), 55, 66, start.number];
        IRollup.BatchProof memory proof;
        (proof.endWindow, proof.commitment, proof.blocks) = (end, given.commitment, PlainStatement.pack(one));
        given.proof = verifier.proofOf(complete(proof, start, one));
        given.evaluation = proof.evaluation;
    }
}
