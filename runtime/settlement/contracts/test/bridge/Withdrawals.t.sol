// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IBridge} from "src/bridge/IBridge.sol";
import {IChain} from "src/bridge/IChain.sol";
import {TrieWalk} from "src/bridge/TrieWalk.sol";
import {Withdrawal, Withdrawals} from "src/bridge/Withdrawal.sol";
import {BridgeFixture} from "./BridgeFixture.sol";
import {ProofBuilder} from "./ProofBuilder.sol";
import {Bomb, Recipient} from "./Recipients.sol";
import {FeeToken, OddToken, RawToken} from "./Tokens.sol";

contract WithdrawalsTest is BridgeFixture {
    function testFuzz_ether_is_paid_once(uint256 given, uint256 amount) external {
        given = bound(given, 1, 100 ether);
        amount = bound(amount, 0, given);
        give(address(first), given);
        Withdrawal memory withdrawal = etherTo(BOB, amount);
        bytes32 hash = Withdrawals.hash(withdrawal);
        vm.assertTrue(!bridge.finalized(address(first), hash));
        ProofBuilder.Proof memory proof = proofOf(withdrawal);
        first.prove(proof.stateRoot);
        vm.expectEmit();
        emit IBridge.WithdrawalFinalized(address(first), hash, withdrawal);
        claimWith(address(first), withdrawal, proof);
        vm.assertTrue(bridge.finalized(address(first), hash));
        vm.assertTrue(!bridge.finalized(address(second), hash));
        vm.assertEq(BOB.balance, amount);
        vm.assertEq(bridge.deposited(address(first), ETHER), given - amount);
        expectFinal(proof, withdrawal);
        vm.assertEq(BOB.balance, amount);
    }

    function testFuzz_a_token_is_paid_once(uint256 given, uint256 amount) external {
        given = bound(given, 1, type(uint128).max);
        amount = bound(amount, 1, given);
        giveToken(address(first), token, given);
        Withdrawal memory withdrawal = tokenTo(address(token), BOB, amount);
        claim(first, withdrawal);
        vm.assertEq(token.balanceOf(BOB), amount);
        vm.assertEq(bridge.deposited(address(first), address(token)), given - amount);
        expectFinal(proofOf(withdrawal), withdrawal);
    }

    function test_a_claim_with_another_proven_state_is_no_second_one() external {
        give(address(first), 10);
        Withdrawal memory withdrawal = etherTo(BOB, 5);
        claim(first, withdrawal);
        ProofBuilder.Proof memory later = builder.proveDeep(Withdrawals.hash(withdrawal), 3, 3);
        first.prove(later.stateRoot);
        expectFinal(later, withdrawal);
        withdrawal.id = 8;
        claim(first, withdrawal);
        vm.assertEq(BOB.balance, 10);
    }

    function test_a_state_that_is_not_proven_is_refused() external {
        give(address(first), 10);
        Withdrawal memory withdrawal = etherTo(BOB, 5);
        ProofBuilder.Proof memory proof = proofOf(withdrawal);
        bytes memory reason = abi.encodeWithSelector(IBridge.StateNotProven.selector, proof.stateRoot);
        expectRefusedWith(address(first), withdrawal, proof, reason);
        second.prove(proof.stateRoot);
        expectRefusedWith(address(first), withdrawal, proof, reason);
        address[4] memory others = [address(0), ALICE, address(bridge), address(token)];
        for (uint256 i = 0; i < 4; ++i) {
            expectRefusedWith(others[i], withdrawal, proof, reason);
        }
    }

    function test_only_a_plain_yes_proves_a_state() external {
        Withdrawal memory withdrawal = callTo(BOB, 0, "call");
        ProofBuilder.Proof memory proof = proofOf(withdrawal);
        RawToken raw = new RawToken();
        bytes[4] memory answers = [bytes(""), hex"01", abi.encode(2), abi.encode(1, 1)];
        for (uint256 i = 0; i < 4; ++i) {
            raw.answer(IChain.isProven.selector, answers[i]);
            bytes memory reason = abi.encodeWithSelector(IBridge.StateNotProven.selector, proof.stateRoot);
            expectRefusedWith(address(raw), withdrawal, proof, reason);
        }
        raw.answer(IChain.isProven.selector, abi.encode(1));
        claimWith(address(raw), withdrawal, proof);
        vm.assertTrue(bridge.finalized(address(raw), Withdrawals.hash(withdrawal)));
    }

    /// @notice The proof shows that there is nothing where the changed withdrawal would be.
    function test_a_withdrawal_that_is_changed_in_any_field_is_refused() external {
        give(address(first), 1000);
        Withdrawal memory sent = Withdrawal(7, ALICE, address(0), BOB, address(0), 5, 0, 0, "call");
        ProofBuilder.Proof memory proof = proofOf(sent);
        first.prove(proof.stateRoot);
        Withdrawal[9] memory changed;
        for (uint256 i = 0; i < 9; ++i) {
            changed[i] = abi.decode(abi.encode(sent), (Withdrawal));
        }
        changed[0].id = 8;
        changed[1].sender = EVE;
        changed[2].destination = address(second);
        changed[3].recipient = EVE;
        changed[4].token = address(token);
        changed[5].amount = 6;
        changed[6].fee = 1;
        changed[7].gasLimit = 1;
        changed[8].data = "other";
        for (uint256 i = 0; i < 9; ++i) {
            expectRefusedWith(address(first), changed[i], proof, notSent(changed[i]));
        }
        claimWith(address(first), sent, proof);
        vm.assertEq(BOB.balance, 5);
    }

    function test_a_slot_that_is_absent_shows_nothing_sent() external {
        give(address(first), 10);
        Withdrawal memory withdrawal = etherTo(BOB, 5);
        bytes32[] memory sent = new bytes32[](5);
        for (uint256 i = 0; i < 5; ++i) {
            sent[i] = keccak256(abi.encode(i));
        }
        ProofBuilder.Proof memory proof = builder.prove(sent, Withdrawals.hash(withdrawal));
        first.prove(proof.stateRoot);
        expectRefusedWith(address(first), withdrawal, proof, notSent(withdrawal));
        proof = builder.prove(new bytes32[](0), Withdrawals.hash(withdrawal));
        first.prove(proof.stateRoot);
        expectRefusedWith(address(first), withdrawal, proof, notSent(withdrawal));
    }

    function test_a_slot_with_another_value_shows_nothing_sent() external {
        give(address(first), 10);
        Withdrawal memory withdrawal = etherTo(BOB, 5);
        bytes32[] memory sent = new bytes32[](1);
        bytes[] memory values = new bytes[](1);
        sent[0] = Withdrawals.hash(withdrawal);
        bytes[3] memory others = [bytes(hex"02"), hex"820101", hex"820100"];
        for (uint256 i = 0; i < 3; ++i) {
            values[0] = others[i];
            ProofBuilder.Proof memory proof = builder.proveValues(sent, values, sent[0]);
            first.prove(proof.stateRoot);
            expectRefusedWith(address(first), withdrawal, proof, notSent(withdrawal));
        }
    }

    function test_a_state_without_the_bridge_shows_nothing_sent() external {
        give(address(first), 10);
        Withdrawal memory withdrawal = etherTo(BOB, 5);
        ProofBuilder.Proof memory proof = proofOf(withdrawal);
        (proof.stateRoot, proof.ofAccount) = builder.proveAccount(EVE, keccak256(proof.ofStorage[0]));
        first.prove(proof.stateRoot);
        expectRefusedWith(address(first), withdrawal, proof, notSent(withdrawal));
    }

    /// @notice Every node of both proofs counts.
    function testFuzz_a_broken_proof_is_refused(uint256 bit) external {
        give(address(first), 10);
        Withdrawal memory withdrawal = etherTo(BOB, 5);
        ProofBuilder.Proof memory proof = builder.proveDeep(Withdrawals.hash(withdrawal), 3, 3);
        first.prove(proof.stateRoot);
        for (uint256 i = 0; i < 6; ++i) {
            bytes memory node = i < 3 ? proof.ofAccount[i] : proof.ofStorage[i - 3];
            uint256 place = bit % (8 * node.length);
            node[place / 8] ^= bytes1(uint8(1 << (place % 8)));
            bytes memory reason = abi.encodeWithSelector(TrieWalk.InvalidNode.selector, i % 3);
            expectRefusedWith(address(first), withdrawal, proof, reason);
            node[place / 8] ^= bytes1(uint8(1 << (place % 8)));
        }
        (proof.ofAccount, proof.ofStorage) = (proof.ofStorage, proof.ofAccount);
        bytes memory swapped = abi.encodeWithSelector(TrieWalk.InvalidNode.selector, 0);
        expectRefusedWith(address(first), withdrawal, proof, swapped);
    }

    function testFuzz_more_than_was_deposited_is_refused(uint256 given, uint256 amount) external {
        given = bound(given, 1, 100 ether);
        amount = bound(amount, given + 1, type(uint256).max);
        give(address(first), given);
        give(address(second), 100 ether);
        giveToken(address(first), token, given);
        giveToken(address(second), token, 100 ether);
        expectRefused(first, etherTo(BOB, amount), aboveDeposits(address(first), ETHER, amount, given));
        bytes memory reason = aboveDeposits(address(first), address(token), amount, given);
        expectRefused(first, tokenTo(address(token), BOB, amount), reason);
    }

    function test_equal_withdrawals_of_two_chains_are_two() external {
        give(address(first), 10);
        give(address(second), 10);
        claim(first, etherTo(BOB, 6));
        claim(second, etherTo(BOB, 6));
        vm.assertEq(BOB.balance, 12);
        vm.assertEq(bridge.deposited(address(first), ETHER), 4);
        vm.assertEq(bridge.deposited(address(second), ETHER), 4);
    }

    function test_a_recipient_that_refuses_can_be_paid_later() external {
        give(address(first), 10);
        Recipient recipient = new Recipient(bridge);
        Withdrawal memory withdrawal = etherTo(address(recipient), 5);
        recipient.refuse("no");
        expectRefused(first, withdrawal, recipientFailed(address(recipient), "no"));
        recipient.refuse("");
        expectRefused(first, withdrawal, recipientFailed(address(recipient), ""));
        recipient.relent();
        claim(first, withdrawal);
        vm.assertEq(address(recipient).balance, 5);
        vm.assertEq(recipient.caller(), address(bridge));
    }

    function test_what_a_recipient_returns_is_cut() external {
        give(address(first), 10);
        Bomb bomb = new Bomb(100_000, true);
        bytes memory reason = recipientFailed(address(bomb), new bytes(1024));
        expectRefused(first, etherTo(address(bomb), 5), reason);
        Bomb loud = new Bomb(100_000, false);
        claim(first, etherTo(address(loud), 5));
        vm.assertEq(address(loud).balance, 5);
    }

    function test_a_recipient_that_comes_back_is_paid_once() external {
        give(address(first), 10);
        Recipient recipient = new Recipient(bridge);
        Withdrawal memory withdrawal = etherTo(address(recipient), 5);
        recipient.answerWith(address(bridge), 0, claimCall(address(first), withdrawal));
        claim(first, withdrawal);
        vm.assertEq(address(recipient).balance, 5);
        vm.assertTrue(!recipient.done());
        vm.assertEq(recipient.returned(), alreadyFinalized(withdrawal));
        vm.assertEq(bridge.deposited(address(first), ETHER), 5);
    }

    function test_the_bridge_and_its_executor_are_paid_nothing() external {
        give(address(first), 10);
        expectRefused(first, etherTo(address(bridge), 5), recipientFailed(address(bridge), ""));
        address executor = bridge.executor();
        expectRefused(first, etherTo(executor, 5), recipientFailed(executor, ""));
    }

    function test_a_token_that_takes_a_fee_is_paid_as_what_was_credited() external {
        FeeToken taking = new FeeToken();
        giveToken(address(first), taking, 1000);
        vm.assertEq(bridge.deposited(address(first), address(taking)), 990);
        claim(first, tokenTo(address(taking), BOB, 990));
        vm.assertEq(taking.balanceOf(BOB), 981);
        vm.assertEq(bridge.deposited(address(first), address(taking)), 0);
    }

    function test_a_token_that_returns_nothing_is_paid() external {
        OddToken silent = new OddToken(false);
        silent.mint(address(this), 5);
        address twin = bridge.twinOf(address(silent));
        bridge.deposit(address(first), address(silent), twin, BOB, 5, 0);
        claim(first, tokenTo(address(silent), BOB, 5));
        vm.assertEq(silent.balanceOf(BOB), 5);
    }

    function test_a_token_that_refuses_can_be_paid_later() external {
        OddToken odd = new OddToken(false);
        odd.mint(address(this), 5);
        address twin = bridge.twinOf(address(odd));
        bridge.deposit(address(first), address(odd), twin, BOB, 5, 0);
        Withdrawal memory withdrawal = tokenTo(address(odd), BOB, 5);
        odd.refuse(true);
        bytes4 selector = SafeERC20.SafeERC20FailedOperation.selector;
        expectRefused(first, withdrawal, abi.encodeWithSelector(selector, address(odd)));
        odd.refuse(false);
        claim(first, withdrawal);
        vm.assertEq(odd.balanceOf(BOB), 5);
    }

    /// @notice `L3Bridge` sends no such withdrawal. If one were sent, it would be paid and the fee stay where it is.
    function test_fee_and_gas_limit_of_a_withdrawal_to_l2_are_not_looked_at() external {
        give(address(first), 10);
        Withdrawal memory withdrawal = etherTo(BOB, 5);
        (withdrawal.fee, withdrawal.gasLimit) = (type(uint256).max, type(uint64).max);
        claim(first, withdrawal);
        vm.assertEq(BOB.balance, 5);
        vm.assertEq(bridge.deposited(address(first), ETHER), 5);
    }

    function expectFinal(ProofBuilder.Proof memory proof, Withdrawal memory withdrawal) private {
        vm.expectRevert(alreadyFinalized(withdrawal));
        claimWith(address(first), withdrawal, proof);
    }

    function alreadyFinalized(Withdrawal memory withdrawal) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IBridge.AlreadyFinalized.selector, Withdrawals.hash(withdrawal));
    }

    function notSent(Withdrawal memory withdrawal) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IBridge.NotSent.selector, Withdrawals.hash(withdrawal));
    }

    function recipientFailed(address recipient, bytes memory reason) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IBridge.RecipientFailed.selector, recipient, reason);
    }
}
