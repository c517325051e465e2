// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "src/IRollup.sol";
import {Statement} from "src/rollup/Statement.sol";
import {Plonky2Verifier} from "src/verifier/Plonky2Verifier.sol";
import {RollupFixture} from "./RollupFixture.sol";
import {VerifierMock} from "./VerifierMock.sol";

/// @notice Says what a verifier says that had too little gas.
contract ExhaustedVerifier is VerifierMock {
    function verify(bytes calldata, uint64[4] calldata) external pure override returns (bool) {
        revert Plonky2Verifier.OutOfGas();
    }
}

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
        Claim memory claim = honest(1);
        vm.expectEmit();
        emit IRollup.BatchVerified(1, batches[0].tip.blockHash, batches[0].tip.stateRoot);
        submit(1, 1, claim);
        expectVerified(1);
    }

    function test_one_proof_verifies_several_batches() external {
        Claim memory claim = honest(3);
        submit(1, 3, claim);
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
        Claim memory claim = honest(1);
        (bytes32 state, bytes32 root) = (batches[0].tip.stateRoot, rollup.batchHash(1));
        vm.expectRevert(abi.encodeWithSelector(IRollup.ProofRefused.selector, 1, 1));
        rollup.submitStateRoot(
            state,
            root,
            abi.encode(uint64(1), uint64(1), claim.extents, claim.batches, bytes("forged"), claim.messages)
        );
        vm.assertEq(rollup.lastVerifiedBatch(), 0);
    }

    function test_a_state_transition_is_verified_and_nothing_changes() external {
        bytes32 start = genesis.stateRoot;
        vm.assertTrue(rollup.verifyStateTransition(start, batches[1].tip.stateRoot, encoded(2)));
        vm.assertTrue(rollup.verifyStateTransition(start, batches[2].tip.stateRoot, encoded(3)));
        vm.assertTrue(!rollup.verifyStateTransition(start, batches[0].tip.stateRoot, encoded(2)));
        bytes32 other = keccak256("other");
        vm.assertTrue(!rollup.verifyStateTransition(other, batches[1].tip.stateRoot, encoded(2)));
        Claim memory claim = honest(1);
        bytes memory forged =
            abi.encode(uint64(1), uint64(1), claim.extents, claim.batches, bytes("forged"), claim.messages);
        vm.assertTrue(!rollup.verifyStateTransition(start, batches[0].tip.stateRoot, forged));
        vm.assertEq(rollup.lastVerifiedBatch(), 0);
    }

    function test_too_little_gas_is_no_answer() external {
        (bytes32 start, bytes32 end) = (genesis.stateRoot, batches[0].tip.stateRoot);
        bytes memory proof = encoded(1);
        bytes memory none = abi.encodeWithSelector(IRollup.NoAnswer.selector);
        uint256 answers;
        for (uint256 gas_ = 60_000; gas_ < 400_000; gas_ += 4_000) {
            try rollup.verifyStateTransition{gas: gas_}(start, end, proof) returns (bool verified) {
                vm.assertTrue(verified);
                ++answers;
            } catch (bytes memory reason) {
                // What is left may not even do to say so.
                vm.assertTrue(reason.length == 0 || keccak256(reason) == keccak256(none));
            }
        }
        vm.assertTrue(answers > 0);
    }

    function test_a_verifier_that_ran_out_of_gas_is_no_answer() external {
        deploy(new ExhaustedVerifier());
        commit(batches[0]);
        bytes memory proof = encoded(1);
        (bytes32 start, bytes32 end) = (genesis.stateRoot, batches[0].tip.stateRoot);
        vm.expectRevert(abi.encodeWithSelector(IRollup.NoAnswer.selector));
        rollup.verifyStateTransition(start, end, proof);
    }

    function encoded(uint256 count) private view returns (bytes memory) {
        Claim memory claim = honest(count);
        return abi.encode(uint64(1), uint64(count), claim.extents, claim.batches, claim.proof, claim.messages);
    }

    function test_anyone_proves() external {
        Claim memory claim = honest(1);
        vm.prank(address(0xa11));
        submit(1, 1, claim);
        expectVerified(1);
    }

    function test_a_range_continues_where_the_last_one_ended() external {
        Claim memory claim = honest(1);
        submit(1, 1, claim);
        Batch[] memory rest = new Batch[](2);
        (rest[0], rest[1]) = (batches[1], batches[2]);
        claim = proveAll(batches[0], rest);
        submit(2, 3, claim);
        expectVerified(3);
    }

    function test_commits_go_on_after_a_proof() external {
        Claim memory claim = honest(3);
        submit(1, 3, claim);
        finalize(batches[2], make(batches[2], 1, "fourth"));
        vm.assertEq(rollup.lastVerifiedBatch(), 4);
    }

    function test_a_range_that_skips_or_repeats_batches_is_refused() external {
        Claim memory claim = honest(1);
        expectRefused(2, 2, claim, outOfOrder(2, 2, 0));
        expectRefused(0, 1, claim, outOfOrder(0, 1, 0));
        submit(1, 1, claim);
        expectRefused(1, 1, claim, outOfOrder(1, 1, 1));
    }

    function test_an_empty_range_is_refused() external {
        Claim memory none;
        expectRefused(1, 0, none, outOfOrder(1, 0, 0));
    }

    function test_a_batch_that_was_not_committed_is_refused() external {
        Claim memory claim = honest(3);
        expectRefused(1, 4, claim, outOfOrder(1, 4, 0));
        expectRefused(1, type(uint64).max, claim, outOfOrder(1, type(uint64).max, 0));
    }

    function test_another_number_of_batches_than_the_ranges_is_refused() external {
        Claim memory claim = honest(3);
        bytes4 reason = IRollup.RangeLengthMismatch.selector;
        expectRefused(1, 2, claim, abi.encodeWithSelector(reason, 3));
    }

    function test_a_superseded_batch_cannot_be_proven() external {
        Claim memory claim = honest(1);
        Batch memory other = make(genesisBatch(), 1, "other");
        commit(other);
        bytes4 reason = IRollup.BatchHashMismatch.selector;
        bytes32 computed = hashOf(opening(batches[0]));
        expectRefused(1, 1, claim, abi.encodeWithSelector(reason, 1, hashOf(opening(other)), computed));
    }

    function test_other_blocks_than_committed_are_refused_though_proven() external {
        Batch[] memory forged = new Batch[](1);
        forged[0] = make(genesisBatch(), 1, "forged");
        Claim memory claim = proveAll(genesisBatch(), forged);
        bytes4 reason = IRollup.BatchHashMismatch.selector;
        bytes32 committed = hashOf(opening(batches[0]));
        bytes32 computed = hashOf(opening(forged[0]));
        expectRefused(1, 1, claim, abi.encodeWithSelector(reason, 1, committed, computed));
    }

    function test_blocks_that_are_not_whole_are_refused() external {
        Claim memory claim = honest(1);
        claim.batches.blocks = abi.encodePacked(claim.batches.blocks, uint8(0));
        bytes4 reason = IRollup.MalformedBlocks.selector;
        expectRefused(1, 1, claim, abi.encodeWithSelector(reason, 1, 185));
        claim.batches.blocks = "";
        expectRefused(1, 1, claim, abi.encodeWithSelector(reason, 1, 0));
    }

    function test_field_elements_beyond_the_prime_are_refused() external {
        uint64 p = uint64(Statement.PRIME);
        for (uint256 i = 0; i < 4; ++i) {
            Claim memory claim = honest(2);
            bytes memory reason = abi.encodeWithSelector(IRollup.NotCanonical.selector, 1);
            claim.batches.commitment[i] = p;
            expectRefused(1, 2, claim, reason);
            claim = honest(2);
            claim.batches.endWindow[i] = p;
            expectRefused(1, 2, claim, reason);
        }
    }

    function test_another_evaluation_is_refused() external {
        for (uint256 i = 0; i < 2; ++i) {
            Claim memory claim = honest(1);
            uint64[2] memory computed = [claim.batches.evaluation[0], claim.batches.evaluation[1]];
            claim.batches.evaluation[i] ^= 1;
            bytes4 reason = IRollup.EvaluationMismatch.selector;
            expectRefused(1, 1, claim, abi.encodeWithSelector(reason, 1, computed));
        }
    }

    function test_another_window_or_commitment_is_refused() external {
        for (uint256 i = 0; i < 4; ++i) {
            Claim memory claim = honest(1);
            claim.batches.endWindow[i] ^= 1;
            expectAnyRefusal(1, 1, claim, IRollup.EvaluationMismatch.selector);
            claim = honest(1);
            claim.batches.commitment[i] ^= 1;
            expectAnyRefusal(1, 1, claim, IRollup.EvaluationMismatch.selector);
        }
    }

    function testFuzz_any_changed_byte_of_the_posted_blocks_is_refused(uint256 position, uint8 flip)
        external
    {
        Claim memory claim = honest(3);
        bytes memory blocks = claim.batches.blocks;
        blocks[position % blocks.length] ^= bytes1(flip | 1);
        try rollup.proveBatches(1, 3, claim.extents, claim.batches, claim.proof, claim.messages) {
            revert("verified");
        } catch (bytes memory reason) {
            bytes4 selector = bytes4(reason);
            vm.assertTrue(
                selector == IRollup.EvaluationMismatch.selector || selector == IRollup.NotAnElement.selector
            );
        }
    }

    function test_a_proof_of_another_statement_is_refused() external {
        Claim memory claim = honest(2);
        claim.proof = honest(1).proof;
        bytes memory reason = abi.encodeWithSelector(IRollup.ProofRefused.selector, 1, 2);
        expectRefused(1, 2, claim, reason);
        claim.proof = "";
        expectRefused(1, 2, claim, reason);
    }

    function test_batches_cut_in_other_places_are_refused() external {
        Claim memory claim = honest(2);
        bytes4 mismatch = IRollup.BatchHashMismatch.selector;
        (claim.extents[0].blocks, claim.extents[1].blocks) = (2, 1);
        expectAnyRefusal(1, 2, claim, mismatch);
        bytes4 malformed = IRollup.MalformedBlocks.selector;
        (claim.extents[0].blocks, claim.extents[1].blocks) = (0, 3);
        expectRefused(1, 2, claim, abi.encodeWithSelector(malformed, 1, 3 * 184));
        (claim.extents[0].blocks, claim.extents[1].blocks) = (3, 0);
        expectRefused(1, 2, claim, abi.encodeWithSelector(malformed, 2, 0));
        (claim.extents[0].blocks, claim.extents[1].blocks) = (1, 1);
        expectRefused(1, 2, claim, abi.encodeWithSelector(malformed, 2, 184));
        (claim.extents[0].blocks, claim.extents[1].blocks) = (1, type(uint16).max);
        expectRefused(1, 2, claim, abi.encodeWithSelector(malformed, 2, 2 * 184));
    }

    function test_a_proof_of_another_chain_or_start_is_refused() external {
        uint64 chainId = genesis.chainId;
        genesis.chainId = chainId + 1;
        Claim memory claim = honest(1);
        expectAnyRefusal(1, 1, claim, IRollup.EvaluationMismatch.selector);
        genesis.chainId = chainId;

        Batch memory start = genesisBatch();
        start.tip.stateRoot = keccak256("a better start");
        Batch[] memory one = new Batch[](1);
        one[0] = batches[0];
        claim = proveAll(start, one);
        expectAnyRefusal(1, 1, claim, IRollup.EvaluationMismatch.selector);
    }

    /// @dev What an honest prover posts for the first `count` batches.
    function honest(uint256 count) private view returns (Claim memory) {
        Batch[] memory range = new Batch[](count);
        for (uint256 i = 0; i < count; ++i) {
            range[i] = batches[i];
        }
        return proveAll(genesisBatch(), range);
    }

    function outOfOrder(uint64 from, uint64 to, uint64 verified) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRollup.RangeOutOfOrder.selector, from, to, verified, 3);
    }

    function expectRefused(uint64 from, uint64 to, Claim memory claim, bytes memory reason) private {
        vm.expectRevert(reason);
        submit(from, to, claim);
    }

    function expectAnyRefusal(uint64 from, uint64 to, Claim memory claim, bytes4 selector) private {
        try rollup.proveBatches(from, to, claim.extents, claim.batches, claim.proof, claim.messages) {
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
