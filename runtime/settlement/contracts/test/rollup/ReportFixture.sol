// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IGovernance} from "src/IGovernance.sol";
import {ConflictCheck} from "src/rollup/ConflictCheck.sol";
import {Statement} from "src/rollup/Statement.sol";
import {RollupFixture} from "./RollupFixture.sol";
import {VerifierMock} from "./VerifierMock.sol";

/// @notice Reports of two outcomes, and what they lead to.
abstract contract ReportFixture is RollupFixture {
    /// @dev Two outcomes of `first` and `second`, both believed by a mock.
    function reportOf(Batch memory first, Batch memory second, VerifierMock accused)
        internal
        view
        returns (bytes memory)
    {
        ConflictCheck.Report memory both;
        both.accused = accused;
        both.start = startOf(genesisBatch());
        uint64[4] memory statement;
        (both.first, statement) = prove(genesisBatch(), first);
        both.firstProof = accused.proofOf(statement);
        (both.second, statement) = prove(genesisBatch(), second);
        both.secondProof = accused.proofOf(statement);
        return abi.encode(both);
    }

    /// @dev A conflict that `accused` believes.
    function conflict(VerifierMock accused) internal view returns (bytes memory) {
        Batch memory other = make(genesisBatch(), 1, "a");
        other.blocks[0].stateRoot = keccak256("other");
        return reportOf(make(genesisBatch(), 1, "a"), other, accused);
    }

    function startOf(Batch memory batch) internal pure returns (Statement.Point memory) {
        return Statement.Point(batch.tip.stateRoot, batch.tip.blockHash, batch.tip.number, windowAfter(batch));
    }

    function expectRunning() internal view {
        governance.expectRunning();
        (address accused, uint64 since) = governance.halt();
        vm.assertEq(accused, address(0));
        vm.assertEq(since, 0);
    }

    /// @dev Nothing is committed, proven or reported.
    function expectHalted(address accused) internal {
        (address found, uint64 since) = governance.halt();
        vm.assertEq(found, accused);
        bytes memory reason = abi.encodeWithSelector(IGovernance.ChainIsHalted.selector, accused, since);
        expectStopped(reason);
        vm.expectRevert(reason);
        governance.reportConflict("");
    }

    function expectStopped(bytes memory reason) internal {
        Batch memory batch = make(genesisBatch(), 1, "later");
        expectCommitRefused(batch, reason);
        Batch[] memory batches = new Batch[](1);
        batches[0] = batch;
        Claim memory claim = proveAll(genesisBatch(), batches);
        vm.expectRevert(reason);
        submit(1, 1, claim);
    }
}
