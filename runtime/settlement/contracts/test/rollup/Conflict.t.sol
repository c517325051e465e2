// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IRollup} from "src/IRollup.sol";
import {Rollup} from "src/Rollup.sol";
import {ConflictCheck} from "src/rollup/ConflictCheck.sol";
import {Statement} from "src/rollup/Statement.sol";
import {IProofVerifier} from "src/verifier/IProofVerifier.sol";
import {VerifierSet} from "src/verifier/VerifierSet.sol";
import {PlainStatement} from "./PlainStatement.sol";
import {RollupFixture} from "./RollupFixture.sol";
import {VerifierMock} from "./VerifierMock.sol";

/// @notice The mock believes everything, as a broken proof system would: two outcomes of one batch can be proven.
contract ConflictTest is RollupFixture {
    /// @dev Which part of a block a forger changes.
    enum Part {
        StateRoot,
        ReceiptsRoot,
        GasUsed,
        TransactionsRoot,
        BeaconRoot,
        Timestamp,
        BaseFee,
        BlockHash
    }

    function test_two_outcomes_of_a_block_freeze_the_chain() external {
        for (uint256 part = uint256(Part.StateRoot); part <= uint256(Part.GasUsed); ++part) {
            setUp();
            vm.expectEmit();
            emit IRollup.ChainFrozen(address(verifier));
            vm.prank(address(0xa11));
            rollup.reportConflict(report(1, Part(part)));
            expectFrozen();
        }
    }

    function test_a_block_that_was_given_something_else_is_no_conflict() external {
        for (uint256 part = uint256(Part.TransactionsRoot); part <= uint256(Part.BlockHash); ++part) {
            expectRefused(report(1, Part(part)), abi.encodeWithSelector(IRollup.NoConflict.selector));
        }
    }

    function test_what_follows_another_block_hash_is_no_conflict() external {
        // Block 1 has another hash, which block 2 may read: it may come out differently.
        Batch memory honest = make(genesisBatch(), 3, "honest");
        Batch memory other = make(genesisBatch(), 3, "honest");
        other.blocks[1].blockHash = keccak256("other");
        other.blocks[2].stateRoot = keccak256("other");
        expectRefused(reportOf(honest, other, verifier), abi.encodeWithSelector(IRollup.NoConflict.selector));
    }

    function test_one_outcome_proven_twice_is_no_conflict() external {
        Batch memory honest = make(genesisBatch(), 2, "honest");
        expectRefused(reportOf(honest, honest, verifier), abi.encodeWithSelector(IRollup.NoConflict.selector));
        Batch memory shorter = make(genesisBatch(), 1, "honest");
        expectRefused(
            reportOf(honest, shorter, verifier), abi.encodeWithSelector(IRollup.NoConflict.selector)
        );
    }

    function test_without_both_proofs_there_is_no_conflict() external {
        ConflictCheck.Report memory forged = abi.decode(report(0, Part.StateRoot), (ConflictCheck.Report));
        bytes memory proof = forged.firstProof;
        forged.firstProof = "forged";
        expectRefused(abi.encode(forged), abi.encodeWithSelector(IRollup.ProofRefused.selector, 1, 1));
        (forged.firstProof, forged.secondProof) = (proof, "forged");
        expectRefused(abi.encode(forged), abi.encodeWithSelector(IRollup.ProofRefused.selector, 2, 2));
    }

    function test_a_verifier_that_the_chain_does_not_rely_on_cannot_be_accused() external {
        VerifierMock own = new VerifierMock();
        bytes memory accusation = reportOf(block_(0, Part.BlockHash), block_(0, Part.StateRoot), own);
        // The mock is no set: it knows no members.
        expectRefused(accusation, "");

        IProofVerifier[] memory members = new IProofVerifier[](1);
        members[0] = verifier;
        rollup = new Rollup(genesis, OWNER, OPERATOR, new VerifierSet(members));
        accusation = reportOf(make(genesisBatch(), 2, "a"), changed(make(genesisBatch(), 2, "a")), own);
        expectRefused(accusation, abi.encodeWithSelector(IRollup.NotRequired.selector, own));
        rollup.reportConflict(
            reportOf(make(genesisBatch(), 2, "a"), changed(make(genesisBatch(), 2, "a")), verifier)
        );
        vm.assertTrue(rollup.frozen());
    }

    function test_proofs_of_another_chain_are_no_conflict() external {
        bytes memory elsewhere;
        genesis.chainId += 1;
        elsewhere = report(0, Part.StateRoot);
        genesis.chainId -= 1;
        try rollup.reportConflict(elsewhere) {
            revert("frozen");
        } catch (bytes memory reason) {
            vm.assertEq(bytes32(bytes4(reason)), bytes32(IRollup.EvaluationMismatch.selector));
        }
    }

    /// @dev A batch of three blocks, and the same with `part` of block `index` changed.
    function report(uint256 index, Part part) private view returns (bytes memory) {
        return reportOf(make(genesisBatch(), 3, "honest"), block_(index, part), verifier);
    }

    function block_(uint256 index, Part part) private view returns (Batch memory batch) {
        batch = make(genesisBatch(), 3, "honest");
        PlainStatement.Block memory changed_ = batch.blocks[index];
        if (part == Part.StateRoot) changed_.stateRoot = keccak256("other");
        if (part == Part.ReceiptsRoot) changed_.receiptsRoot = keccak256("other");
        if (part == Part.GasUsed) changed_.gasUsed += 1;
        if (part == Part.BlockHash) changed_.blockHash = keccak256("other");
        if (part < Part.TransactionsRoot || part == Part.BlockHash) return batch;
        // Given something else, it may come out differently.
        changed_.stateRoot = keccak256("other");
        if (part == Part.TransactionsRoot) changed_.transactionsRoot = keccak256("other");
        if (part == Part.BeaconRoot) changed_.beaconRoot = keccak256("other");
        if (part == Part.Timestamp) changed_.timestamp += 1;
        if (part == Part.BaseFee) changed_.baseFee += 1;
    }

    function changed(Batch memory batch) private pure returns (Batch memory) {
        batch.blocks[0].stateRoot = keccak256("other");
        return batch;
    }

    function reportOf(Batch memory first, Batch memory second, VerifierMock accused)
        private
        view
        returns (bytes memory)
    {
        ConflictCheck.Report memory both;
        both.accused = accused;
        both.start = Statement.Point(genesis.stateRoot, genesis.blockHash, 0, windowAfter(genesisBatch()));
        uint64[4] memory statement;
        (both.first, statement) = prove(genesisBatch(), first);
        both.firstProof = accused.proofOf(statement);
        (both.second, statement) = prove(genesisBatch(), second);
        both.secondProof = accused.proofOf(statement);
        return abi.encode(both);
    }

    function expectRefused(bytes memory accusation, bytes memory reason) private {
        vm.expectRevert(reason);
        rollup.reportConflict(accusation);
        vm.assertTrue(!rollup.frozen());
    }

    function expectFrozen() private {
        vm.assertTrue(rollup.frozen());
        bytes memory reason = abi.encodeWithSelector(IRollup.ChainIsFrozen.selector);
        Batch memory batch = make(genesisBatch(), 1, "later");
        expectCommitRefused(batch, reason);
        Batch[] memory batches = new Batch[](1);
        batches[0] = batch;
        Claim memory claim = proveAll(genesisBatch(), batches);
        vm.expectRevert(reason);
        submit(1, 1, claim);
        vm.expectRevert(reason);
        rollup.reportConflict("");
    }
}
