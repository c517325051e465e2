// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Governance} from "src/Governance.sol";
import {IGovernance} from "src/IGovernance.sol";
import {IRollup} from "src/IRollup.sol";
import {IProofVerifier} from "src/verifier/IProofVerifier.sol";
import {VerifierSet} from "src/verifier/VerifierSet.sol";
import {ReportFixture} from "./ReportFixture.sol";
import {VerifierMock} from "./VerifierMock.sol";

/// @notice Watchers who sign anything.
contract LyingWatchers is VerifierMock {
    function proofType() external pure override returns (string memory) {
        return "attestation";
    }
}

contract GovernanceTest is ReportFixture {
    VerifierMock private next = new VerifierMock();

    function test_roles_are_what_the_chain_was_founded_with() external view {
        vm.assertEq(governance.owner(), OWNER);
        vm.assertEq(governance.guardian(), GUARDIAN);
        vm.assertEq(governance.verifier(), address(verifier));
        vm.assertEq(governance.delay(), DELAY);
        vm.assertTrue(governance.delay() > governance.EXIT_WINDOW());
        expectRunning();
    }

    function test_a_delay_that_leaves_no_time_to_exit_is_refused() external {
        uint64 window = governance.EXIT_WINDOW();
        uint64 most = governance.MAX_DELAY();
        uint64[3] memory delays = [0, window, most + 1];
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IGovernance.InvalidDelay.selector, delays[i], window + 1, most)
            );
            new Governance(chainOf(genesis), OWNER, GUARDIAN, verifier, delays[i]);
        }
        new Governance(chainOf(genesis), OWNER, GUARDIAN, verifier, window + 1);
        new Governance(chainOf(genesis), OWNER, GUARDIAN, verifier, most);
    }

    function test_a_chain_without_owner_guardian_or_verifier_is_refused() external {
        vm.expectRevert(abi.encodeWithSignature("OwnableInvalidOwner(address)", address(0)));
        new Governance(chainOf(genesis), address(0), GUARDIAN, verifier, DELAY);
        vm.expectRevert(abi.encodeWithSelector(IGovernance.InvalidAccount.selector, "guardian", address(0)));
        new Governance(chainOf(genesis), OWNER, address(0), verifier, DELAY);
        vm.expectRevert(abi.encodeWithSelector(IGovernance.NoVerifier.selector, address(0xdead)));
        new Governance(chainOf(genesis), OWNER, GUARDIAN, IProofVerifier(address(0xdead)), DELAY);
    }

    function test_the_owner_cannot_leave_the_chain_alone() external {
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IGovernance.OwnerCannotLeave.selector));
        governance.renounceOwnership();
        vm.assertEq(governance.owner(), OWNER);
    }

    function test_the_owner_and_nobody_else_appoints_and_announces() external {
        address[3] memory others = [OPERATOR, GUARDIAN, address(this)];
        for (uint256 i = 0; i < 3; ++i) {
            bytes memory reason = abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", others[i]);
            expectRefused(others[i], abi.encodeCall(IGovernance.setGuardian, (others[i])), reason);
            expectRefused(others[i], abi.encodeCall(IGovernance.proposeVerifier, (address(next))), reason);
            expectRefused(others[i], abi.encodeCall(IGovernance.cancelProposal, ()), reason);
            expectRefused(others[i], abi.encodeCall(Governance.renounceOwnership, ()), reason);
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(IRollup.NotOwner.selector, others[i]));
            rollup.setOperator(others[i]);
        }
        vm.prank(OWNER);
        governance.setGuardian(address(this));
        vm.assertEq(governance.guardian(), address(this));
        vm.prank(OWNER);
        rollup.setOperator(address(this));
        vm.assertEq(rollup.operator(), address(this));
        Batch memory batch = make(genesisBatch(), 1, "first");
        expectCommitRefused(batch, abi.encodeWithSelector(IRollup.NotOperator.selector, OPERATOR));
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IRollup.InvalidOperator.selector, address(0)));
        rollup.setOperator(address(0));
    }

    function test_a_verifier_is_replaced_by_anyone_after_the_delay_and_no_sooner() external {
        uint64 notBefore = uint64(block.timestamp) + DELAY;
        vm.expectEmit();
        emit IGovernance.VerifierProposed(address(next), notBefore);
        vm.prank(OWNER);
        governance.proposeVerifier(address(next));
        (address proposed, uint64 time) = governance.proposal();
        vm.assertEq(proposed, address(next));
        vm.assertEq(time, notBefore);

        vm.warp(notBefore - 1);
        vm.expectRevert(abi.encodeWithSelector(IGovernance.TooEarly.selector, notBefore));
        governance.replaceVerifier();
        vm.assertEq(rollup.verifier(), address(verifier));
        vm.warp(notBefore);
        vm.expectEmit();
        emit IGovernance.VerifierReplaced(address(verifier), address(next));
        vm.prank(address(0xa11));
        governance.replaceVerifier();
        vm.assertEq(rollup.verifier(), address(next));
        vm.expectRevert(abi.encodeWithSelector(IGovernance.NothingProposed.selector));
        governance.replaceVerifier();
    }

    function test_a_proposal_is_taken_back() external {
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IGovernance.NothingProposed.selector));
        governance.cancelProposal();
        vm.prank(OWNER);
        governance.proposeVerifier(address(next));
        vm.prank(OWNER);
        governance.cancelProposal();
        vm.warp(block.timestamp + 2 * DELAY);
        vm.expectRevert(abi.encodeWithSelector(IGovernance.NothingProposed.selector));
        governance.replaceVerifier();
    }

    function test_a_verifier_that_takes_no_proof_is_not_announced() external {
        // The second has code, the third answers whatever it is asked, and neither is a verifier.
        address[3] memory others = [address(0xdead), address(this), address(new Yes())];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(OWNER);
            vm.expectRevert(abi.encodeWithSelector(IGovernance.NoVerifier.selector, others[i]));
            governance.proposeVerifier(others[i]);
        }
    }

    function test_a_halt_ends_with_another_verifier_and_what_was_proven_stays() external {
        Batch memory first = make(genesisBatch(), 1, "first");
        finalize(genesisBatch(), first);
        governance.reportConflict(conflict(verifier));
        vm.prank(OWNER);
        governance.proposeVerifier(address(next));
        vm.warp(block.timestamp + DELAY);
        expectHalted(address(verifier));
        vm.expectEmit();
        emit IGovernance.ChainResumed();
        governance.replaceVerifier();
        expectRunning();
        vm.assertEq(rollup.verifiedStateRoot(), first.tip.stateRoot);
        finalize(first, make(first, 1, "second"));
        vm.assertEq(rollup.lastVerifiedBatch(), 2);
    }

    function test_a_halt_does_not_end_sooner_by_a_proposal_that_waited_before_it() external {
        vm.prank(OWNER);
        governance.proposeVerifier(address(next));
        vm.warp(block.timestamp + DELAY);
        governance.reportConflict(conflict(verifier));
        uint64 notBefore = uint64(block.timestamp) + DELAY;
        vm.expectRevert(abi.encodeWithSelector(IGovernance.TooEarly.selector, notBefore));
        governance.replaceVerifier();
        expectHalted(address(verifier));
        vm.warp(notBefore);
        governance.replaceVerifier();
        expectRunning();
    }

    function test_a_halt_does_not_end_with_the_verifier_that_was_shown_to_be_broken() external {
        governance.reportConflict(conflict(verifier));
        bytes memory reason = abi.encodeWithSelector(IGovernance.StillRelied.selector, verifier);
        address[2] memory proposals = [address(verifier), address(setOf(next, verifier))];
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(OWNER);
            governance.proposeVerifier(proposals[i]);
            vm.warp(block.timestamp + DELAY);
            vm.expectRevert(reason);
            governance.replaceVerifier();
        }
        expectHalted(address(verifier));
    }

    function test_a_halt_does_not_lapse() external {
        governance.reportConflict(conflict(verifier));
        vm.warp(block.timestamp + 3650 days);
        expectHalted(address(verifier));
        vm.expectRevert(abi.encodeWithSelector(IGovernance.NotDismissible.selector, verifier));
        governance.dismissWatchers();
    }

    function test_watchers_alone_halt_the_chain_for_the_delay_and_only_once() external {
        LyingWatchers watchers = new LyingWatchers();
        deploy(setOf(verifier, watchers));
        governance.reportConflict(conflict(watchers));
        uint64 notBefore = uint64(block.timestamp) + DELAY;
        vm.expectRevert(abi.encodeWithSelector(IGovernance.TooEarly.selector, notBefore));
        governance.dismissWatchers();
        vm.warp(notBefore);
        expectHalted(address(watchers));
        vm.expectEmit();
        emit IGovernance.WatchersDismissed(address(watchers));
        vm.prank(address(0xa11));
        governance.dismissWatchers();
        expectRunning();
        vm.assertEq(rollup.verifier(), address(verifier));
        finalize(genesisBatch(), make(genesisBatch(), 1, "first"));
        bytes memory again = conflict(watchers);
        vm.expectRevert(abi.encodeWithSelector(IGovernance.NotRequired.selector, watchers));
        governance.reportConflict(again);
    }

    function test_dismissed_watchers_do_not_come_back_by_a_proposal_that_waits() external {
        LyingWatchers watchers = new LyingWatchers();
        deploy(setOf(verifier, watchers));
        VerifierSet withThem = setOf(next, watchers);
        vm.prank(OWNER);
        governance.proposeVerifier(address(withThem));
        governance.reportConflict(conflict(watchers));
        vm.warp(block.timestamp + DELAY);
        vm.expectEmit();
        emit IGovernance.VerifierProposalCancelled(address(withThem));
        governance.dismissWatchers();
        vm.expectRevert(abi.encodeWithSelector(IGovernance.NothingProposed.selector));
        governance.replaceVerifier();
        vm.assertEq(rollup.verifier(), address(verifier));
    }

    function test_a_proposal_without_the_dismissed_watchers_goes_on_waiting() external {
        LyingWatchers watchers = new LyingWatchers();
        deploy(setOf(verifier, watchers));
        governance.reportConflict(conflict(watchers));
        vm.warp(block.timestamp + DELAY);
        vm.prank(OWNER);
        governance.proposeVerifier(address(next));
        governance.dismissWatchers();
        vm.warp(block.timestamp + DELAY);
        governance.replaceVerifier();
        vm.assertEq(rollup.verifier(), address(next));
    }

    function test_all_other_verifiers_remain_when_watchers_are_dismissed() external {
        LyingWatchers watchers = new LyingWatchers();
        IProofVerifier[] memory members = new IProofVerifier[](3);
        (members[0], members[1], members[2]) = (verifier, watchers, next);
        deploy(new VerifierSet(members));
        governance.reportConflict(conflict(watchers));
        vm.warp(block.timestamp + DELAY);
        governance.dismissWatchers();
        IProofVerifier[] memory rest = VerifierSet(rollup.verifier()).verifiers();
        vm.assertEq(rest.length, 2);
        vm.assertEq(address(rest[0]), address(verifier));
        vm.assertEq(address(rest[1]), address(next));
    }

    function test_the_chain_is_not_left_to_watchers_or_to_nobody() external {
        LyingWatchers watchers = new LyingWatchers();
        deploy(setOf(verifier, watchers));
        vm.expectRevert(abi.encodeWithSelector(IGovernance.NotHalted.selector));
        governance.dismissWatchers();
        governance.reportConflict(conflict(verifier));
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(abi.encodeWithSelector(IGovernance.NotDismissible.selector, verifier));
        governance.dismissWatchers();

        deploy(watchers);
        governance.reportConflict(conflict(watchers));
        vm.warp(block.timestamp + DELAY);
        bytes memory reason = abi.encodeWithSelector(IGovernance.NotDismissible.selector, watchers);
        vm.expectRevert(reason);
        governance.dismissWatchers();
        IProofVerifier[] memory members = new IProofVerifier[](1);
        members[0] = watchers;
        deploy(new VerifierSet(members));
        governance.reportConflict(conflict(watchers));
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(reason);
        governance.dismissWatchers();
    }

    function test_a_pause_stops_commits_and_proofs_and_expires() external {
        uint64 until = uint64(block.timestamp) + governance.PAUSE();
        vm.expectEmit();
        emit IGovernance.ChainPaused(until);
        vm.prank(GUARDIAN);
        governance.pause();
        vm.warp(until - 1);
        expectStopped(abi.encodeWithSelector(IGovernance.ChainIsPaused.selector, until));
        vm.warp(until);
        finalize(genesisBatch(), make(genesisBatch(), 1, "first"));
    }

    function test_a_guardian_cannot_stop_the_chain_for_good() external {
        vm.prank(GUARDIAN);
        governance.pause();
        uint64 notBefore = governance.pausedUntil() + governance.PAUSE_REST();
        vm.warp(notBefore - 1);
        bytes memory reason = abi.encodeWithSelector(IGovernance.PausedTooOften.selector, notBefore);
        expectRefused(GUARDIAN, abi.encodeCall(IGovernance.pause, ()), reason);
        vm.warp(notBefore);
        vm.prank(GUARDIAN);
        governance.pause();
    }

    function test_a_pause_is_ended_early_and_counts_all_the_same() external {
        expectRefused(
            GUARDIAN,
            abi.encodeCall(IGovernance.endPause, ()),
            abi.encodeWithSelector(IGovernance.NotPaused.selector)
        );
        vm.prank(GUARDIAN);
        governance.pause();
        vm.warp(block.timestamp + 1 hours);
        vm.prank(GUARDIAN);
        governance.endPause();
        expectRunning();
        uint64 notBefore = uint64(block.timestamp) + governance.PAUSE_REST();
        bytes memory reason = abi.encodeWithSelector(IGovernance.PausedTooOften.selector, notBefore);
        expectRefused(GUARDIAN, abi.encodeCall(IGovernance.pause, ()), reason);
    }

    function test_the_guardian_and_nobody_else_pauses() external {
        address[3] memory others = [OWNER, OPERATOR, address(this)];
        for (uint256 i = 0; i < 3; ++i) {
            bytes memory reason = abi.encodeWithSelector(IGovernance.NotGuardian.selector, others[i]);
            expectRefused(others[i], abi.encodeCall(IGovernance.pause, ()), reason);
            expectRefused(others[i], abi.encodeCall(IGovernance.endPause, ()), reason);
        }
    }

    function test_a_pause_does_not_end_a_halt() external {
        governance.reportConflict(conflict(verifier));
        vm.prank(GUARDIAN);
        governance.pause();
        vm.prank(GUARDIAN);
        governance.endPause();
        expectHalted(address(verifier));
    }

    function setOf(VerifierMock first, VerifierMock second) private returns (VerifierSet) {
        IProofVerifier[] memory members = new IProofVerifier[](2);
        (members[0], members[1]) = (first, second);
        return new VerifierSet(members);
    }

    function expectRefused(address who, bytes memory call, bytes memory reason) private {
        vm.prank(who);
        (bool success, bytes memory answer) = address(governance).call(call);
        vm.assertTrue(!success);
        vm.assertEq(answer, reason);
    }
}

/// @notice Answers whatever it is asked with one word.
contract Yes {
    fallback(bytes calldata) external returns (bytes memory) {
        return abi.encode(true);
    }
}
