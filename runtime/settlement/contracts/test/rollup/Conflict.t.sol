// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IGovernance} from "src/IGovernance.sol";
import {IRollup} from "src/IRollup.sol";
import {ConflictCheck} from "src/rollup/ConflictCheck.sol";
import {Statement} from "src/rollup/Statement.sol";
import {IProofVerifier} from "src/verifier/IProofVerifier.sol";
import {VerifierSet} from "src/verifier/VerifierSet.sol";
import {PlainStatement} from "./PlainStatement.sol";
import {ReportFixture} from "./ReportFixture.sol";
import {SoundVerifier} from "./SoundVerifier.sol";
import {VerifierMock} from "./VerifierMock.sol";

/// @notice The mock believes everything, as a broken proof system would: two outcomes of one batch can be proven.
contract ConflictTest is ReportFixture {
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

    function test_two_outcomes_of_a_block_halt_the_chain() external {
        for (uint256 part = uint256(Part.StateRoot); part <= uint256(Part.GasUsed); ++part) {
            setUp();
            vm.expectEmit();
            emit IGovernance.ChainHalted(address(verifier), uint64(block.timestamp));
            vm.prank(address(0xa11));
            governance.reportConflict(report(1, Part(part)));
            expectHalted(address(verifier));
        }
    }

    function test_a_block_that_was_given_something_else_is_no_conflict() external {
        for (uint256 part = uint256(Part.TransactionsRoot); part <= uint256(Part.BlockHash); ++part) {
            expectRefused(report(1, Part(part)), abi.encodeWithSelector(IGovernance.NoConflict.selector));
        }
    }

    function test_what_follows_another_block_hash_is_no_conflict() external {
        // Block 1 has another hash, which block 2 may read: it may come out differently.
        Batch memory honest = make(genesisBatch(), 3, "honest");
        Batch memory forged = make(genesisBatch(), 3, "honest");
        forged.blocks[1].blockHash = keccak256("other");
        forged.blocks[2].stateRoot = keccak256("other");
        expectRefused(
            reportOf(honest, forged, verifier), abi.encodeWithSelector(IGovernance.NoConflict.selector)
        );
    }

    function test_one_outcome_proven_twice_is_no_conflict() external {
        Batch memory honest = make(genesisBatch(), 2, "honest");
        expectRefused(
            reportOf(honest, honest, verifier), abi.encodeWithSelector(IGovernance.NoConflict.selector)
        );
        Batch memory shorter = make(genesisBatch(), 1, "honest");
        expectRefused(
            reportOf(honest, shorter, verifier), abi.encodeWithSelector(IGovernance.NoConflict.selector)
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
        expectRefused(accusation, abi.encodeWithSelector(IGovernance.NotRequired.selector, own));

        IProofVerifier[] memory members = new IProofVerifier[](1);
        members[0] = verifier;
        deploy(new VerifierSet(members));
        accusation = reportOf(make(genesisBatch(), 2, "a"), other(), own);
        expectRefused(accusation, abi.encodeWithSelector(IGovernance.NotRequired.selector, own));
        governance.reportConflict(reportOf(make(genesisBatch(), 2, "a"), other(), verifier));
        expectHalted(address(verifier));
    }

    function test_another_form_of_the_same_elements_is_no_second_outcome() external {
        // A verifier that believes nothing but the truth.
        Batch memory truth = make(genesisBatch(), 2, "honest");
        uint64[4] memory commitment = [uint64(11), 22, 33, 44];
        SoundVerifier sound = new SoundVerifier(streamOf(truth), commitment);
        deploy(sound);
        uint64[2] memory aliases = [truth.blocks[1].gasUsed, truth.blocks[1].timestamp];
        string[2] memory fields = ["gasUsed", "timestamp"];
        for (uint256 i = 0; i < 2; ++i) {
            Batch memory again = make(genesisBatch(), 2, "honest");
            uint64 shifted = aliases[i] + uint64(Statement.PRIME);
            if (i == 0) again.blocks[1].gasUsed = shifted;
            else again.blocks[1].timestamp = shifted;
            bytes memory accusation = soundReport(sound, truth, again, commitment);
            expectRefused(
                accusation, abi.encodeWithSelector(IRollup.NotAnElement.selector, fields[i], shifted)
            );
        }
    }

    function test_a_start_whose_number_or_window_has_another_form_is_refused() external {
        ConflictCheck.Report memory forged = abi.decode(report(0, Part.StateRoot), (ConflictCheck.Report));
        forged.start.number = type(uint32).max - 2;
        bytes4 reason = IRollup.NotAnElement.selector;
        expectRefused(abi.encode(forged), abi.encodeWithSelector(reason, "number", uint256(1) << 32));
        forged.start.number = type(uint64).max;
        expectRefused(
            abi.encode(forged), abi.encodeWithSelector(reason, "number", uint256(type(uint64).max) + 3)
        );
        forged.start.number = 0;
        forged.start.window[3] = uint64(Statement.PRIME);
        expectRefused(abi.encode(forged), abi.encodeWithSelector(IRollup.NotCanonical.selector, 1));
    }

    /// @dev Proofs of `first`, which is true, and of `second`, if its elements are the same.
    function soundReport(SoundVerifier sound, Batch memory first, Batch memory second, uint64[4] memory c)
        private
        view
        returns (bytes memory)
    {
        ConflictCheck.Report memory both;
        both.accused = sound;
        both.start = startOf(genesisBatch());
        (both.first, both.firstProof) = soundClaim(first, c);
        (both.second, both.secondProof) = soundClaim(second, c);
        return abi.encode(both);
    }

    function soundClaim(Batch memory batch, uint64[4] memory c)
        private
        view
        returns (IRollup.BatchProof memory claim, bytes memory proof)
    {
        uint256[] memory s = streamOf(batch);
        (uint256 r0, uint256 r1) = Statement.point(c, PlainStatement.serialize(s));
        (uint256 y0, uint256 y1) = PlainStatement.evaluate(s, r0, r1);
        claim.endWindow = windowAfter(batch);
        claim.commitment = c;
        claim.evaluation = [uint64(y0), uint64(y1)];
        claim.blocks = PlainStatement.pack(batch.blocks);
        proof = abi.encode(r0, r1);
    }

    function streamOf(Batch memory batch) private view returns (uint256[] memory) {
        return
            PlainStatement.stream(chainOf(genesis), startOf(genesisBatch()), windowAfter(batch), batch.blocks);
    }

    function test_proofs_of_another_chain_are_no_conflict() external {
        bytes memory elsewhere;
        genesis.chainId += 1;
        elsewhere = report(0, Part.StateRoot);
        genesis.chainId -= 1;
        try governance.reportConflict(elsewhere) {
            revert("halted");
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

    function other() private view returns (Batch memory batch) {
        batch = make(genesisBatch(), 2, "a");
        batch.blocks[0].stateRoot = keccak256("other");
    }

    function expectRefused(bytes memory accusation, bytes memory reason) private {
        vm.expectRevert(reason);
        governance.reportConflict(accusation);
        expectRunning();
    }
}
