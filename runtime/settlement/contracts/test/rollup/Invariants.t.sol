// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "src/IRollup.sol";
import {LibZip} from "solady/utils/LibZip.sol";
import {RollupFixture} from "./RollupFixture.sol";

/// @notice An operator and provers who do what they can in any order; and what anyone may rely on meanwhile.
contract Operations is RollupFixture {
    /// @dev Batch n at index n; entries above the last committed batch are superseded.
    Batch[] private _batches;
    uint64 public committed;
    uint64 public verified;

    constructor() {
        super.setUp();
        _batches.push(genesisBatch());
    }

    /// @dev Among the calls that are drawn, and none of them.
    function setUp() public override {}

    function batchTip(uint64 number) external view returns (IRollup.BlockTip memory) {
        return _batches[number].tip;
    }

    function status() external view returns (IRollup.Status memory) {
        return rollup.status();
    }

    function hashAt(uint64 number) external view returns (bytes32 held, bytes32 expected) {
        return (rollup.batchHash(number), hashOf(opening(_batches[number])));
    }

    /// @notice Commits a batch in any place that is not verified: at the end, or in place of others.
    function commitSomewhere(uint256 place, uint256 blocks, string calldata seed) external {
        uint64 number = uint64(bound(place, verified + 1, committed + 1));
        Batch memory batch = make(_batches[number - 1], bound(blocks, 1, 3), seed);
        commit(batch);
        while (_batches.length > number) _batches.pop();
        _batches.push(batch);
        committed = number;
    }

    /// @notice Commits where nothing may be committed, or as somebody else.
    function commitWrongly(uint256 place, address who, string calldata seed) external {
        uint64 number = uint64(bound(place, 1, committed + 3));
        bool allowed = number > verified && number <= committed + 1;
        if (allowed && who == OPERATOR) return;
        Batch memory batch = make(_batches[number > committed ? committed : number - 1], 1, seed);
        vm.prank(allowed ? who : OPERATOR, allowed ? who : OPERATOR);
        try rollup.commitBatch(
            number,
            batch.previous,
            batch.posted,
            LibZip.flzCompress(batch.transactions),
            batch.forced,
            batch.tip.blockHash
        ) {
            revert("a batch was committed that may not be");
        } catch {}
    }

    /// @notice Proves some of the batches that are not verified.
    function proveSome(uint256 count) external {
        if (committed == verified) return;
        uint64 to = uint64(bound(count, verified + 1, committed));
        Claim memory claim = this.claimTo(to);
        submit(verified + 1, to, claim);
        verified = to;
    }

    /// @notice Proves with a proof that is not accepted, or in the wrong place.
    function proveWrongly(uint256 count, uint256 place) external {
        if (committed == verified) return;
        uint64 to = uint64(bound(count, verified + 1, committed));
        Claim memory claim = this.claimTo(to);
        uint64 from = uint64(bound(place, 0, committed + 1));
        if (from == verified + 1) claim.proof = "forged";
        try rollup.proveBatches(from, to, claim.extents, claim.batches, claim.proof, claim.messages) {
            revert("something was verified that may not be");
        } catch {}
    }

    /// @notice What an honest prover posts. By a call, since the compiler runs out of stack otherwise.
    function claimTo(uint64 to) external view returns (Claim memory) {
        Batch[] memory batches = new Batch[](to - verified);
        for (uint256 i = 0; i < batches.length; ++i) {
            batches[i] = _batches[verified + 1 + i];
        }
        return proveAll(_batches[verified], batches);
    }
}

contract InvariantsTest {
    Operations private operations;

    function setUp() external {
        operations = new Operations();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(operations);
    }

    /// @notice Only what was proven last is the verified state.
    function invariant_the_verified_point_is_the_end_of_the_last_proven_batch() external view {
        IRollup.Status memory status = operations.status();
        require(status.lastVerifiedBatch == operations.verified(), "verified");
        require(status.lastCommittedBatch == operations.committed(), "committed");
        require(status.lastVerifiedBatch <= status.lastCommittedBatch, "order");
        IRollup.BlockTip memory tip = operations.batchTip(status.lastVerifiedBatch);
        require(status.verifiedStateRoot == tip.stateRoot, "state root");
        require(status.verifiedBlockHash == tip.blockHash, "block hash");
        require(status.verifiedBlockNumber == tip.number, "block number");
        require(status.verifiedTimestamp == tip.timestamp, "timestamp");
    }

    /// @notice Every committed batch stands under its hash, and no superseded one.
    function invariant_the_contract_holds_the_committed_batches_and_no_others() external view {
        uint64 committed = operations.committed();
        for (uint64 number = 0; number <= committed; ++number) {
            (bytes32 held, bytes32 expected) = operations.hashAt(number);
            require(held == expected, "batch hash");
        }
    }
}
