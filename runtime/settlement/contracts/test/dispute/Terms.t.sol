// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "src/IRollup.sol";
import {Rollup} from "src/Rollup.sol";
import {Disputes} from "src/dispute/Disputes.sol";
import {IDisputes} from "src/dispute/IDisputes.sol";
import {ForcedQueue} from "src/forced/ForcedQueue.sol";
import {DisputeFixture} from "./DisputeFixture.sol";

/// @notice What is decided at deployment.
contract TermsTest is DisputeFixture {
    function test_terms_are_those_of_the_deployment() external view {
        vm.assertEq(abi.encode(disputes.terms()), abi.encode(terms));
        vm.assertEq(disputes.longest(), WINDOW + PROOF_TIME);
        vm.assertEq(disputes.rollup(), address(rollup));
        vm.assertEq(rollup.disputes(), address(disputes));
    }

    function test_times_that_are_none_or_too_long_are_refused() external {
        terms.challengeWindow = 0;
        expectInvalid("challengeWindow");
        terms.challengeWindow = 30 days + 1;
        expectInvalid("challengeWindow");
        terms.challengeWindow = 30 days;
        terms.proofTime = 0;
        expectInvalid("proofTime");
        terms.proofTime = 30 days + 1;
        expectInvalid("proofTime");
        terms.proofTime = 30 days;
        new Disputes(address(rollup), terms);
    }

    function test_a_challenge_that_costs_nothing_is_refused() external {
        (terms.stake, terms.bond) = (STAKE, 0);
        expectInvalid("bond");
        (terms.stake, terms.bond) = (0, 0);
        expectInvalid("bond");
    }

    function test_a_stake_of_less_than_two_bonds_is_refused() external {
        terms.stake = 0;
        expectInvalid("stake");
        terms.stake = 2 * BOND - 1;
        expectInvalid("stake");
        terms.stake = 2 * BOND;
        new Disputes(address(rollup), terms);
    }

    function test_the_disputes_of_another_rollup_are_refused() external {
        IDisputes[2] memory others = [IDisputes(disputes), new Disputes(address(0xdead), terms)];
        for (uint256 i = 0; i < 2; ++i) {
            ForcedQueue queue = queueOfNext(genesis.chainId, INCLUSION);
            vm.expectRevert(abi.encodeWithSelector(IRollup.InvalidGenesis.selector, "disputes"));
            new Rollup(genesis, OPERATOR, governance, bridge, queue, others[i], deadlines());
        }
    }

    function test_disputes_without_code_are_refused() external {
        ForcedQueue queue = queueOfNext(genesis.chainId, INCLUSION);
        IDisputes none = IDisputes(address(0xdead));
        try new Rollup(genesis, OPERATOR, governance, bridge, queue, none, deadlines()) {
            revert("deployed");
        } catch {}
    }

    function test_a_dispute_that_may_take_longer_than_messages_may_wait_is_refused() external {
        terms.challengeWindow = INCLUSION - PROOF_TIME;
        expectTooLong(deadlines());
        terms.challengeWindow = INCLUSION - PROOF_TIME - 1;
        deployWith(deadlines());
    }

    function test_a_dispute_that_may_take_longer_than_a_batch_may_wait_is_refused() external {
        IRollup.Deadlines memory longer = IRollup.Deadlines(20 days, LIVENESS, EMERGENCY);
        terms.challengeWindow = LIVENESS - PROOF_TIME;
        expectTooLong(longer);
        terms.challengeWindow = LIVENESS - PROOF_TIME - 1;
        deployWith(longer);
    }

    function test_the_contract_fits_the_size_limits() external view {
        // EIP-170, and twice as much for creation code (EIP-3860).
        uint256 most = 24_576;
        vm.assertTrue(address(disputes).code.length <= most);
        vm.assertTrue(vm.getCode("Disputes.sol:Disputes").length + 5 * 32 <= 2 * most);
    }

    function expectInvalid(string memory name) private {
        vm.expectRevert(abi.encodeWithSelector(IDisputes.InvalidTerms.selector, name));
        new Disputes(address(rollup), terms);
    }

    function expectTooLong(IRollup.Deadlines memory wrong) private {
        IDisputes next = disputesOfNext();
        ForcedQueue queue = queueOfNext(genesis.chainId, wrong.inclusion);
        vm.expectRevert(abi.encodeWithSelector(IRollup.InvalidGenesis.selector, "deadlines"));
        new Rollup(genesis, OPERATOR, governance, bridge, queue, next, wrong);
    }

    function deployWith(IRollup.Deadlines memory right) private {
        IDisputes next = disputesOfNext();
        ForcedQueue queue = queueOfNext(genesis.chainId, right.inclusion);
        Rollup made_ = new Rollup(genesis, OPERATOR, governance, bridge, queue, next, right);
        vm.assertEq(made_.disputes(), address(next));
    }
}
