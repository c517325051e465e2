// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IRollup} from "src/IRollup.sol";
import {Statement} from "src/rollup/Statement.sol";
import {RollupFixture} from "./RollupFixture.sol";

contract ProveTest is RollupFixture {
    Batch[] private batches;

    /// @dev Three committed batches.
    function setUp() public override {
        super.setUp();
        Batch memory parent = genesisBatch();
        string[3] memory seeds = ["first", "second", "third"];
        for (uint256 i = 0; i < 3; ++i) {
            parent = make(parent, i + 1, seeds[i]);
            batches.push(parent);
            commit(parent);
        }
    }

    function test_a_proof_of_one_batch_moves_the_chain_on() external {
        (IRollup.BatchProof[] memory proofs, bytes memory proof) = honest(1);
        vm.expectEmit();
        emit IRollup.BatchVerified(1, batches[0].tip.blockHash, batches[0].tip.stateRoot);
        rollup.proveBatches(1, 1, proofs, proof);
        expectVerified(1);
    }

    function test_one_proof_verifies_several_batches() external {
        (IRollup.BatchProof[] memory proofs, bytes memory proof) = honest(3);
        rollup.proveBatches(1, 3, proofs, proof);
        expectVerified(3);
    }

    function test_a_state_root_is_submitted_with_its_proof() external {
        bytes memory proof = encoded(2);
        (bytes32 state, bytes32 root) = (batches[1].tip.stateRoot, rollup.batchHash(2));
        bytes32 first = rollup.batchHash(1);
        bytes4 reason = IRollup.OtherOutcome.selector;
        vm.expectRevert(abi.encodeWithSelector(reason, state, root));
        rollup.submitStateRoot(keccak256("other"), root, proof);
        vm.expectRevert(abi.encodeWithSelector(reason, state, root));
        rollup.submitStateRoot(state, first, proof);
        vm.assertEq(rollup.lastVerifiedBatch(), 0);
        rollup.submitStateRoot(state, root, proof);
        expectVerified(2);
    }

    function test_a_state_root_is_not_submitted_without_its_proof() external {
        (IRollup.BatchProof[] memory proofs,) = honest(1);
        (bytes32 state, bytes32 root) = (batches[0].tip.stateRoot, rollup.batchHash(1));
        vm.expectRevert(abi.encodeWithSelector(IRollup.ProofRefused.selector, 1, 1));
        rollup.submitStateRoot(state, root, abi.encode(uint64(1), uint64(1), proofs, bytes("forged")));
        vm.assertEq(rollup.lastVerifiedBatch(), 0);
    }

    function test_a_state_transition_is_verified_and_nothing_changes() external {
        bytes32 start = genesis.stateRoot;
        vm.assertTrue(rollup.verifyStateTransition(start, batches[1].tip.stateRoot, encoded(2)));
        vm.assertTrue(rollup.verifyStateTransition(start, batches[2].tip.stateRoot, encoded(3)));
        vm.assertTrue(!rollup.verifyStateTransition(start, batches[0].tip.stateRoot, encoded(2)));
        bytes32 other = keccak256("other");
        vm.assertTrue(!rollup.verifyStateTransition(other, batches[1].tip.stateRoot, encoded(2)));
        (IRollup.BatchProof[] memory proofs,) = honest(1);
        bytes memory forged = abi.encode(uint64(1), uint64(1), proofs, bytes("forged"));
        vm.assertTrue(!rollup.verifyStateTransition(start, batches[0].tip.stateRoot, forged));
        vm.assertEq(rollup.lastVerifiedBatch(), 0);
    }

    function encoded(uint256 count) private view returns (bytes memory) {
        (IRollup.BatchProof[] memory proofs, bytes memory proof) = honest(count);
        return abi.encode(uint64(1), uint64(count), proofs, proof);
    }

    function test_anyone_proves() external {
        (IRollup.BatchProof[] memory proofs, bytes memory proof) = honest(1);
        vm.prank(address(0xa11));
        rollup.proveBatches(1, 1, proofs, proof);
        expectVerified(1);
    }

    function test_a_range_continues_where_the_last_one_ended() external {
        (IRollup.BatchProof[] memory proofs, bytes memory proof) = honest(1);
        rollup.proveBatches(1, 1, proofs, proof);
        Batch[] memory rest = new Batch[](2);
        (rest[0], rest[1]) = (batches[1], batches[2]);
        (proofs, proof) = proveAll(batches[0], rest);
        rollup.proveBatches(2, 3, proofs, proof);
        expectVerified(3);
    }

    function test_commits_go_on_after_a_proof() external {
        (IRollup.BatchProof[] memory proofs, bytes memory proof) = honest(3);
        rollup.proveBatches(1, 3, proofs, proof);
        finalize(batches[2], make(batches[2], 1, "fourth"));
        vm.assertEq(rollup.lastVerifiedBatch(), 4);
    }

    function test_a_range_that_skips_or_repeats_batches_is_refused() external {
        (IRollup.BatchProof[] memory proofs, bytes memory proof) = honest(1);
        expectRefused(2, 2, proofs, proof, outOfOrder(2, 2, 0));
        expectRefused(0, 1, proofs, proof, outOfOrder(0, 1, 0));
        rollup.proveBatches(1, 1, proofs, proof);
        expectRefused(1, 1, proofs, proof, outOfOrder(1, 1, 1));
    }

    function test_an_empty_range_is_refused() external {
        IRollup.BatchProof[] memory none = new IRollup.BatchProof[](0);
        expectRefused(1, 0, none, "", outOfOrder(1, 0, 0));
    }

    function test_a_batch_that_was_not_committed_is_refused() external {
        (IRollup.BatchProof[] memory proofs, bytes memory proof) = honest(3);
        expectRefused(1, 4, proofs, proof, outOfOrder(1, 4, 0));
        expectRefused(1, type(uint64).max, proofs, proof, outOfOrder(1, type(uint64).max, 0));
    }

    function test_another_number_of_batches_than_the_ranges_is_refused() external {
        (IRollup.BatchProof[] memory proofs, bytes memory proof) = honest(3);
        bytes4 reason = IRollup.RangeLengthMismatch.selector;
        expectRefused(1, 2, proofs, proof, abi.encodeWithSelector(reason, 3));
    }

    function test_a_superseded_batch_cannot_be_proven() external {
        (IRollup.BatchProof[] memory proofs, bytes memory proof) = honest(1);
        Batch memory other = make(genesisBatch(), 1, "other");
        commit(other);
        bytes4 reason = IRollup.BatchHashMismatch.selector;
        bytes32 computed = hashOf(opening(batches[0]));
        expectRefused(
            1, 1, proofs, proof, abi.encodeWithSelector(reason, 1, hashOf(opening(other)), computed)
        );
    }

    function test_other_blocks_than_committed_are_refused_though_proven() external {
        Batch[] memory forged = new Batch[](1);
        forged[0] = make(genesisBatch(), 1, "forged");
        (IRollup.BatchProof[] memory proofs, bytes memory proof) = proveAll(genesisBatch(), forged);
        bytes4 reason = IRollup.BatchHashMismatch.selector;
        bytes32 committed = hashOf(opening(batches[0]));
        bytes32 computed = hashOf(opening(forged[0]));
        expectRefused(1, 1, proofs, proof, abi.encodeWithSelector(reason, 1, committed, computed));
    }

    function test_blocks_that_are_not_whole_are_refused() external {
        (IRollup.BatchProof[] memory proofs, bytes memory proof) = honest(1);
        proofs[0].blocks = abi.encodePacked(proofs[0].blocks, uint8(0));
        bytes4 reason = IRollup.MalformedBlocks.selector;
        expectRefused(1, 1, proofs, proof, abi.encodeWithSelector(reason, 1, 185));
        proofs[0].blocks = "";
        expectRefused(1, 1, proofs, proof, abi.encodeWithSelector(reason, 1, 0));
    }

    function test_field_elements_beyond_the_prime_are_refused() external {
        uint64 p = uint64(Statement.PRIME);
        for (uint256 i = 0; i < 4; ++i) {
            (IRollup.BatchProof[] memory proofs, bytes memory proof) = honest(2);
            bytes memory reason = abi.encodeWithSelector(IRollup.NotCanonical.selector, 2);
            proofs[1].commitment[i] = p;
            expectRefused(1, 2, proofs, proof, reason);
            (proofs, proof) = honest(2);
            proofs[1].endWindow[i] = p;
            expectRefused(1, 2, proofs, proof, reason);
        }
    }

    function test_another_evaluation_is_refused() external {
        for (uint256 i = 0; i < 2; ++i) {
            (IRollup.BatchProof[] memory proofs, bytes memory proof) = honest(1);
            uint64[2] memory computed = [proofs[0].evaluation[0], proofs[0].evaluation[1]];
            proofs[0].evaluation[i] ^= 1;
            bytes4 reason = IRollup.EvaluationMismatch.selector;
            expectRefused(1, 1, proofs, proof, abi.encodeWithSelector(reason, 1, computed));
        }
    }

    function test_another_window_or_commitment_is_refused() external {
        for (uint256 i = 0; i < 4; ++i) {
            (IRollup.BatchProof[] memory proofs, bytes memory proof) = honest(1);
            proofs[0].endWindow[i] ^= 1;
            expectAnyRefusal(1, 1, proofs, proof, IRollup.EvaluationMismatch.selector);
            (proofs, proof) = honest(1);
            proofs[0].commitment[i] ^= 1;
            expectAnyRefusal(1, 1, proofs, proof, IRollup.EvaluationMismatch.selector);
        }
    }

    function testFuzz_any_changed_byte_of_the_posted_blocks_is_refused(uint256 position, uint8 flip)
        external
    {
        (IRollup.BatchProof[] memory proofs, bytes memory proof) = honest(3);
        bytes memory blocks = proofs[position % 3].blocks;
        blocks[(position / 3) % blocks.length] ^= bytes1(flip | 1);
        expectAnyRefusal(1, 3, proofs, proof, IRollup.EvaluationMismatch.selector);
    }

    function test_a_proof_of_another_statement_is_refused() external {
        (IRollup.BatchProof[] memory proofs,) = honest(2);
        (, bytes memory proof) = honest(1);
        bytes memory reason = abi.encodeWithSelector(IRollup.ProofRefused.selector, 1, 2);
        expectRefused(1, 2, proofs, proof, reason);
        expectRefused(1, 2, proofs, "", reason);
    }

    function test_the_order_of_the_batches_is_part_of_the_statement() external {
        (IRollup.BatchProof[] memory proofs, bytes memory proof) = honest(2);
        (proofs[0], proofs[1]) = (proofs[1], proofs[0]);
        expectAnyRefusal(1, 2, proofs, proof, IRollup.EvaluationMismatch.selector);
    }

    function test_a_proof_of_another_chain_or_start_is_refused() external {
        uint64 chainId = genesis.chainId;
        genesis.chainId = chainId + 1;
        (IRollup.BatchProof[] memory proofs, bytes memory proof) = honest(1);
        expectAnyRefusal(1, 1, proofs, proof, IRollup.EvaluationMismatch.selector);
        genesis.chainId = chainId;

        Batch memory start = genesisBatch();
        start.tip.stateRoot = keccak256("a better start");
        Batch[] memory one = new Batch[](1);
        one[0] = batches[0];
        (proofs, proof) = proveAll(start, one);
        expectAnyRefusal(1, 1, proofs, proof, IRollup.EvaluationMismatch.selector);
    }

    /// @dev What an honest prover posts for the first `count` batches.
    function honest(uint256 count) private view returns (IRollup.BatchProof[] memory, bytes memory) {
        Batch[] memory range = new Batch[](count);
        for (uint256 i = 0; i < count; ++i) {
            range[i] = batches[i];
        }
        return proveAll(genesisBatch(), range);
    }

    function outOfOrder(uint64 from, uint64 to, uint64 verified) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRollup.RangeOutOfOrder.selector, from, to, verified, 3);
    }

    function expectRefused(
        uint64 from,
        uint64 to,
        IRollup.BatchProof[] memory proofs,
        bytes memory proof,
        bytes memory reason
    ) private {
        vm.expectRevert(reason);
        rollup.proveBatches(from, to, proofs, proof);
    }

    function expectAnyRefusal(
        uint64 from,
        uint64 to,
        IRollup.BatchProof[] memory proofs,
        bytes memory proof,
        bytes4 selector
    ) private {
        try rollup.proveBatches(from, to, proofs, proof) {
            revert("verified");
        } catch (bytes memory reason) {
            vm.assertEq(bytes32(bytes4(reason)), bytes32(selector));
        }
    }

    function expectVerified(uint64 number) private view {
        Batch memory last = batches[number - 1];
        IRollup.Status memory status = rollup.status();
        vm.assertEq(status.lastCommittedBatch, 3);
        vm.assertEq(status.lastVerifiedBatch, number);
        vm.assertEq(status.verifiedBlockNumber, last.tip.number);
        vm.assertEq(status.verifiedTimestamp, last.tip.timestamp);
        vm.assertEq(status.verifiedStateRoot, last.tip.stateRoot);
        vm.assertEq(status.verifiedBlockHash, last.tip.blockHash);
        vm.assertEq(
            keccak256(abi.encode(status.verifiedHashWindow)), keccak256(abi.encode(windowAfter(last)))
        );
        vm.assertEq(
            keccak256(abi.encode(status.verifiedHashWindow)),
            keccak256(abi.encode(rollup.verifiedHashWindow()))
        );
        vm.assertEq(rollup.lastVerifiedBatch(), number);
        vm.assertEq(rollup.verifiedBlockNumber(), last.tip.number);
        vm.assertEq(rollup.verifiedStateRoot(), last.tip.stateRoot);
        vm.assertEq(rollup.verifiedBlockHash(), last.tip.blockHash);
    }
}
