// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "src/IRollup.sol";
import {IDisputes} from "src/dispute/IDisputes.sol";
import {RollupFixture} from "../rollup/RollupFixture.sol";
import {DisputeFixture} from "./DisputeFixture.sol";

/// @notice What nobody proposes, challenges or makes final.
contract RefusalsTest is DisputeFixture {
    function setUp() public override {
        super.setUp();
        commitThree();
        propose(1);
    }

    function test_nobody_but_the_operator_proposes() external {
        address[3] memory others = [OWNER, CHALLENGER, address(this)];
        for (uint256 i = 0; i < 3; ++i) {
            vm.deal(others[i], STAKE);
            act(others[i], STAKE, abi.encodeCall(IDisputes.addStake, ()));
            bytes memory reason = abi.encodeWithSelector(IDisputes.NotOperator.selector, others[i]);
            expectRefused(others[i], 0, proposing(2), reason);
        }
    }

    function test_another_number_of_windows_than_of_blocks_is_refused() external {
        IRollup.InboxProof memory none;
        Batch memory batch = batches[2];
        uint256[4] memory lengths = [uint256(0), 32, 63, 96];
        for (uint256 i = 0; i < 4; ++i) {
            bytes memory call = proposing(batch, new bytes(lengths[i]), none);
            bytes4 reason = IDisputes.WindowsMismatch.selector;
            expectRefused(OPERATOR, 0, call, abi.encodeWithSelector(reason, 2, lengths[i] / 32, 2));
        }
    }

    function test_the_opening_of_another_batch_is_refused() external {
        IRollup.InboxProof memory none;
        IRollup.Opening memory other = opened(batches[2]);
        bytes memory windows = windowsOf(batches[1]);
        bytes memory reason = abi.encodeWithSelector(IDisputes.OtherBatch.selector, 1);
        expectRefused(OPERATOR, 0, abi.encodeCall(IDisputes.propose, (1, other, windows, none)), reason);
        IRollup.Opening memory forged = opened(batches[1]);
        forged.tip.stateRoot = keccak256("forged");
        expectRefused(OPERATOR, 0, abi.encodeCall(IDisputes.propose, (1, forged, windows, none)), reason);
        waitUntil(time + WINDOW + 1);
        (bytes32 held, bytes32 given) = (rollup.batchHash(1), rollup.batchHash(2));
        reason = abi.encodeWithSelector(IRollup.BatchHashMismatch.selector, 1, held, given);
        expectRefused(abi.encodeCall(IDisputes.finalize, (1, other)), reason);
    }

    function test_a_batch_that_is_not_committed_is_not_proposed() external {
        proposeThree();
        Batch memory fourth = make(batches[3], 1, "fourth");
        IRollup.InboxProof memory none;
        bytes memory call = proposing(fourth, windowsOf(fourth), none);
        expectRefused(OPERATOR, 0, call, abi.encodeWithSelector(IDisputes.OtherBatch.selector, 4));
    }

    function test_genesis_is_final() external {
        IRollup.InboxProof memory none;
        bytes memory call = proposing(genesisBatch(), "", none);
        bytes memory reason = abi.encodeWithSelector(IDisputes.BatchIsFinal.selector, 0);
        expectRefused(OPERATOR, 0, call, reason);
        expectRefused(CHALLENGER, BOND, challenging(0, 0), reason);
    }

    function test_a_challenge_takes_the_bond_and_nothing_else() external {
        uint256[3] memory others = [0, BOND - 1, BOND + 1];
        for (uint256 i = 0; i < 3; ++i) {
            bytes memory reason = abi.encodeWithSelector(IDisputes.OtherBond.selector, others[i], BOND);
            expectRefused(CHALLENGER, others[i], challenging(1, 0), reason);
        }
    }

    function test_a_block_that_the_batch_does_not_have_is_not_challenged() external {
        bytes memory reason = abi.encodeWithSelector(IDisputes.NoSuchBlock.selector, 1, 3);
        expectRefused(CHALLENGER, BOND, challenging(1, 3), reason);
        challenge(1, 2);
    }

    function test_what_is_not_proposed_is_not_challenged() external {
        bytes memory reason = abi.encodeWithSelector(IDisputes.NotProposed.selector, 2);
        expectRefused(CHALLENGER, BOND, challenging(2, 0), reason);
        reason = abi.encodeWithSelector(IDisputes.NotProposed.selector, 9);
        expectRefused(CHALLENGER, BOND, challenging(9, 0), reason);
    }

    function test_a_block_is_challenged_in_the_window_and_no_later() external {
        uint64 end = time + WINDOW;
        waitUntil(end + 1);
        bytes memory reason = abi.encodeWithSelector(IDisputes.WindowIsOver.selector, 1, end);
        expectRefused(CHALLENGER, BOND, challenging(1, 0), reason);
        waitUntil(end);
        challenge(1, 0);
    }

    function test_a_final_batch_is_not_challenged() external {
        proveRange(1, 1);
        bytes memory reason = abi.encodeWithSelector(IDisputes.BatchIsFinal.selector, 1);
        expectRefused(CHALLENGER, BOND, challenging(1, 0), reason);
    }

    function test_nobody_but_the_disputes_makes_batches_final_or_drops_them() external {
        Batch memory first = batches[1];
        IRollup.Opening memory batch = opened(first);
        uint64[4] memory window = windowAfter(first);
        address[4] memory others = [OWNER, OPERATOR, address(rollup), address(this)];
        for (uint256 i = 0; i < 4; ++i) {
            bytes memory reason = abi.encodeWithSelector(IRollup.NotDisputes.selector, others[i]);
            vm.prank(others[i]);
            vm.expectRevert(reason);
            rollup.finalizeBatch(1, batch, window, 0);
            vm.prank(others[i]);
            vm.expectRevert(reason);
            rollup.dropBatches(1);
        }
    }

    function test_the_rollup_itself_drops_no_final_batch_and_none_that_is_not_there() external {
        proveRange(1, 1);
        uint64[3] memory others = [uint64(0), 1, 4];
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(address(disputes));
            vm.expectRevert(abi.encodeWithSelector(IRollup.BatchOutOfOrder.selector, others[i], 1, 3));
            rollup.dropBatches(others[i]);
        }
    }

    function test_the_rollup_itself_makes_no_batch_final_out_of_order() external {
        Batch memory second = batches[2];
        IRollup.Opening memory batch = opened(second);
        uint64[4] memory window = windowAfter(second);
        uint64[3] memory others = [uint64(0), 2, 4];
        for (uint256 i = 0; i < 3; ++i) {
            bytes4 reason = IRollup.RangeOutOfOrder.selector;
            vm.prank(address(disputes));
            vm.expectRevert(abi.encodeWithSelector(reason, others[i], others[i], 0, 3));
            rollup.finalizeBatch(others[i], batch, window, 0);
        }
    }
}

/// @notice A chain on which proofs alone make batches final.
contract WithoutDisputesTest is RollupFixture {
    function test_without_disputes_nobody_makes_batches_final_or_drops_them() external {
        vm.assertEq(rollup.disputes(), address(0));
        commit(make(genesisBatch(), 1, "first"));
        IRollup.Opening memory batch;
        address[3] memory others = [OWNER, OPERATOR, address(this)];
        for (uint256 i = 0; i < 3; ++i) {
            bytes memory reason = abi.encodeWithSelector(IRollup.NotDisputes.selector, others[i]);
            vm.prank(others[i]);
            vm.expectRevert(reason);
            rollup.finalizeBatch(1, batch, genesis.hashWindow, 0);
            vm.prank(others[i]);
            vm.expectRevert(reason);
            rollup.dropBatches(1);
        }
        vm.assertEq(rollup.lastCommittedBatch(), 1);
    }
}
