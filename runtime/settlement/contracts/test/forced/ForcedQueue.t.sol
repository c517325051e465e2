// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {TrieWalk} from "src/bridge/TrieWalk.sol";
import {ForcedQueue} from "src/forced/ForcedQueue.sol";
import {IForcedChain} from "src/forced/IForcedChain.sol";
import {IForcedQueue} from "src/forced/IForcedQueue.sol";
import {SignedTransaction} from "src/forced/SignedTransaction.sol";
import {Predeploys} from "src/l3/Predeploys.sol";
import {Test} from "../Test.sol";
import {PlainStateTrie} from "../bridge/PlainStateTrie.sol";
import {PlainTransaction} from "./PlainTransaction.sol";

/// @notice A chain whose verified state the test sets.
contract ChainMock is IForcedChain {
    ForcedQueue public immutable queue;
    uint64 public verifiedForced;
    bytes32 public verifiedStateRoot;
    uint64 public verifiedTimestamp;

    constructor(uint64 chainId, uint64 deadline) {
        queue = new ForcedQueue(address(this), chainId, deadline);
    }

    function verify(uint64 forced, bytes32 stateRoot, uint64 time) external {
        (verifiedForced, verifiedStateRoot, verifiedTimestamp) = (forced, stateRoot, time);
    }
}

/// @notice Posts, and cannot be paid.
contract Unpayable {
    function post(ForcedQueue queue, bytes calldata transaction) external payable {
        queue.post{value: msg.value}(transaction);
    }
}

contract ForcedQueueTest is Test {
    uint64 private constant CHAIN = 4242;
    uint64 private constant DEADLINE = 1 days;
    uint64 private constant START = 1_800_000_000;
    uint256 private constant KEY = 0xa11ce;
    uint256 private constant BASE = 0.01 ether;
    bytes32 private constant NO_CODE = keccak256("");
    address private constant POSTER = address(0x90);
    address private constant HELPER = address(0x4e);

    ChainMock private chain;
    ForcedQueue private queue;

    function setUp() external {
        chain = new ChainMock(CHAIN, DEADLINE);
        queue = chain.queue();
        vm.warp(START);
        vm.deal(POSTER, 1e9 ether);
    }

    function test_a_posted_transaction_waits() external {
        bytes memory transaction = transfer(7);
        post(transaction);
        IForcedQueue.Entry memory entry = queue.entry(0);
        vm.assertEq(queue.count(), 1);
        vm.assertEq(entry.poster, POSTER);
        vm.assertEq(entry.posted, START);
        vm.assertEq(entry.deposit, BASE);
        vm.assertEq(entry.transactionHash, keccak256(transaction));
        vm.assertEq(entry.factsHash, keccak256(abi.encode(facts(7))));
    }

    /// @dev Printed by forge, and read by `scripts/contracts gas`.
    event log_named_uint(string key, uint256 val);

    function test_a_later_post_costs_at_most_250000_gas() external {
        post(transfer(6));
        bytes memory payload = abi.encodeCall(IForcedQueue.post, (transfer(7)));
        vm.cool(address(queue));
        vm.prank(POSTER);
        (bool done,) = address(queue).call{value: 1 ether}(payload);
        uint256 gas = 21_000 + vm.lastCallGas().gasTotalUsed;
        for (uint256 i = 0; i < payload.length; ++i) {
            gas += payload[i] == 0 ? 4 : 16;
        }
        vm.assertTrue(done && gas <= 250_000);
        emit log_named_uint("transfer posted on L2", gas);
    }

    function test_garbage_is_refused_when_it_is_posted() external {
        expectRefused(hex"02", abi.encodeWithSelector(RLP.RLPInvalidEncoding.selector));
        bytes memory transaction = transfer(7);
        transaction[transaction.length - 40] ^= 0x01;
        vm.prank(POSTER);
        try queue.post{value: BASE}(transaction) returns (uint64 index) {
            // Somebody else's signature, perhaps; never the same sender's.
            vm.assertTrue(queue.entry(index).factsHash != keccak256(abi.encode(facts(7))));
        } catch {}
        bytes memory other = signed(CHAIN + 1, 7, 21_000, address(0x1234), "");
        bytes4 malformed = SignedTransaction.MalformedTransaction.selector;
        expectRefused(other, abi.encodeWithSelector(malformed, "chainId"));
    }

    function test_gas_to_execute_any_code_but_the_bridges_is_refused() external {
        bytes memory transaction = signed(CHAIN, 7, 21_001, address(0x1234), "");
        bytes4 reason = IForcedQueue.TransactionTooDear.selector;
        expectRefused(transaction, abi.encodeWithSelector(reason, 21_001, 21_000));
        post(signed(CHAIN, 7, 21_000, address(0x1234), ""));
        post(signed(CHAIN, 8, 21_016, address(0x1234), hex"01"));
        post(signed(CHAIN, 9, 500_000, Predeploys.L3_BRIDGE, ""));
        transaction = signed(CHAIN, 10, 500_001, Predeploys.L3_BRIDGE, "");
        expectRefused(transaction, abi.encodeWithSelector(reason, 500_001, 500_000));
    }

    function test_a_second_transaction_of_one_nonce_is_refused_while_the_first_waits() external {
        post(transfer(7));
        bytes memory other = signed(CHAIN, 7, 21_000, address(0x5678), "");
        bytes memory reason = abi.encodeWithSelector(IForcedQueue.NonceQueued.selector, 0);
        expectRefused(other, reason);
        vm.warp(START + DEADLINE);
        queue.discharge(0, facts(7), verify(6, 0, NO_CODE, START));
        post(other);
        expectRefused(other, abi.encodeWithSelector(IForcedQueue.NonceQueued.selector, 1));
        chain.verify(2, 0, START);
        post(other);
    }

    function test_a_transaction_too_long_for_a_commit_is_refused() external {
        bytes memory transaction = signed(CHAIN, 7, 21_000 + (64 << 10), address(0x1234), new bytes(16 << 10));
        bytes4 reason = IForcedQueue.TransactionTooLong.selector;
        expectRefused(transaction, abi.encodeWithSelector(reason, transaction.length, 16 << 10));
    }

    function test_the_deposit_doubles_with_the_entries_that_wait() external {
        bytes4 reason = IForcedQueue.DepositTooSmall.selector;
        for (uint64 i = 0; i < 64; ++i) {
            post(transfer(i));
        }
        vm.assertEq(queue.depositNow(), 2 * BASE);
        expectRefused(transfer(64), abi.encodeWithSelector(reason, BASE, 2 * BASE));
        chain.verify(1, 0, START);
        post(transfer(64));
        vm.assertEq(queue.depositNow(), 2 * BASE);
        chain.verify(65, 0, START);
        vm.assertEq(queue.depositNow(), BASE);
    }

    function test_a_commit_after_the_deadline_without_the_transaction_is_refused() external {
        post(transfer(7));
        vm.assertEq(queue.take(0, hashes(), START + DEADLINE - 1, 0), 0);
        vm.expectRevert(abi.encodeWithSelector(IForcedQueue.EntryDue.selector, 0));
        queue.take(0, hashes(), START + DEADLINE, 0);
        vm.assertEq(queue.take(0, hashes(7), START + DEADLINE, 0), 1);
        // Or long before it.
        vm.assertEq(queue.take(0, hashes(7), START, 0), 1);
    }

    function test_a_commit_shows_entries_in_order_and_nothing_else() external {
        for (uint64 i = 0; i < 3; ++i) {
            post(transfer(i));
        }
        vm.assertEq(queue.take(0, hashes(0, 1), START, 0), 2);
        vm.assertEq(queue.take(1, hashes(1, 2), START, 0), 3);
        vm.expectRevert(abi.encodeWithSelector(IForcedQueue.OtherTransaction.selector, 0));
        queue.take(0, hashes(1), START, 0);
        vm.expectRevert(abi.encodeWithSelector(IForcedQueue.OtherTransaction.selector, 1));
        queue.take(0, hashes(0, 0), START, 0);
        vm.expectRevert(abi.encodeWithSelector(IForcedQueue.NotQueued.selector, 3));
        queue.take(2, hashes(2, 3), START, 0);
    }

    function test_a_transaction_that_offers_less_than_the_base_fee_is_passed_over_when_it_is_due() external {
        post(transfer(0));
        post(transfer(1));
        vm.assertEq(queue.take(0, hashes(), START, 30 gwei + 1), 0);
        vm.assertEq(queue.take(0, hashes(), START + DEADLINE, 30 gwei + 1), 2);
        vm.expectRevert(abi.encodeWithSelector(IForcedQueue.EntryDue.selector, 0));
        queue.take(0, hashes(), START + DEADLINE, 30 gwei);
    }

    function test_a_commit_need_not_show_more_than_it_has_room_for() external {
        for (uint64 i = 0; i < 6; ++i) {
            post(transfer(i));
        }
        vm.expectRevert(abi.encodeWithSelector(IForcedQueue.EntryDue.selector, 3));
        queue.take(0, hashes(0, 1, 2), START + DEADLINE, 0);
        vm.assertEq(queue.take(0, hashes(0, 1, 2, 3), START + DEADLINE, 0), 4);
        vm.assertEq(queue.take(4, hashes(4, 5), START + DEADLINE, 0), 6);
    }

    function test_a_thousand_worthless_entries_do_not_hold_up_an_honest_one() external {
        // Nobody has their nonce: each is discharged, and its deposit pays for that.
        for (uint64 i = 0; i < 1000; ++i) {
            post(signed(CHAIN, 1000 + i, 21_000, address(0x1234), ""));
        }
        post(transfer(0));
        vm.warp(START + DEADLINE / 2);
        bytes[] memory proof = verify(0, 10 ether, NO_CODE, START + DEADLINE / 2);
        uint256 before = HELPER.balance;
        for (uint64 i = 0; i < 1000; ++i) {
            vm.prank(HELPER);
            queue.discharge(i, facts(1000 + i), proof);
        }
        vm.assertEq(HELPER.balance - before, 1000 * BASE);
        uint64 next;
        for (uint256 i = 0; i < 3; ++i) {
            next = queue.take(next, hashes(), START + DEADLINE, 0);
            vm.assertEq(next, (i + 1) * 256);
        }
        vm.assertEq(queue.take(next, hashes(0), START + DEADLINE, 0), 1001);
        vm.expectRevert(abi.encodeWithSelector(IForcedQueue.EntryDue.selector, 1000));
        queue.take(next, hashes(), START + DEADLINE, 0);
    }

    function test_a_used_nonce_is_discharged_at_once_for_the_first_deposit() external {
        for (uint64 i = 0; i < 65; ++i) {
            post(transfer(i));
        }
        bytes[] memory proof = verify(65, 0, NO_CODE, START);
        vm.expectEmit();
        emit IForcedQueue.EntryDischarged(64, HELPER);
        vm.prank(HELPER);
        queue.discharge(64, facts(64), proof);
        vm.assertEq(HELPER.balance, BASE);
        // The rest comes back when the head is beyond it: else the price is raised for others for nothing.
        expectNothingToReturn(64);
        chain.verify(65, 0, START);
        uint256 before = POSTER.balance;
        queue.returnDeposit(64);
        vm.assertEq(POSTER.balance - before, BASE);
        expectNothingToReturn(64);
    }

    function test_a_chain_that_stood_still_is_not_held_up_by_what_it_cannot_execute() external {
        post(transfer(7));
        bytes[] memory proof = verify(6, 0, NO_CODE, START);
        vm.warp(START + DEADLINE - 1);
        uint64 half = START + DEADLINE / 2;
        expectNotDischarged(proof, abi.encodeWithSelector(IForcedQueue.TooEarly.selector, 0, half));
        vm.warp(START + DEADLINE);
        queue.discharge(0, facts(7), proof);
        vm.assertEq(queue.take(0, hashes(), START + DEADLINE, 0), 1);
    }

    function test_what_offers_too_little_does_not_hold_up_what_is_behind_it() external {
        bytes memory cheap = PlainTransaction.cheap(KEY, CHAIN, 0, 1 gwei);
        post(cheap);
        post(transfer(1));
        vm.assertEq(queue.take(0, hashes(1), START + DEADLINE, 1 gwei + 1), 2);
        vm.expectRevert(abi.encodeWithSelector(IForcedQueue.OtherTransaction.selector, 0));
        queue.take(0, hashes(1), START + DEADLINE, 1 gwei);
    }

    function test_a_fee_below_a_gwei_is_refused() external {
        bytes memory reason = abi.encodeWithSelector(IForcedQueue.FeeTooLow.selector, 6, 1 gwei);
        expectRefused(PlainTransaction.cheap(KEY, CHAIN, 0, 6), reason);
    }

    function test_a_creation_is_refused() external {
        bytes memory creation = PlainTransaction.creation(KEY, CHAIN);
        expectRefused(creation, abi.encodeWithSelector(IForcedQueue.CreatesContract.selector));
    }

    function test_what_the_state_does_not_execute_is_discharged_from_half_way_on() external {
        post(transfer(7));
        uint64 half = START + DEADLINE / 2;
        bytes memory early = abi.encodeWithSelector(IForcedQueue.TooEarly.selector, 0, half);
        // No such nonce yet; too little by one wei; a sender with code.
        expectNotDischarged(verify(6, 10 ether, NO_CODE, half - 1), early);
        expectNotDischarged(verify(7, cost() - 1, NO_CODE, half - 1), early);
        expectNotDischarged(verify(7, cost(), keccak256("code"), half - 1), early);
        vm.assertTrue(wouldBeDischarged(verify(6, 10 ether, NO_CODE, half)));
        vm.assertTrue(wouldBeDischarged(verify(7, cost() - 1, NO_CODE, half)));
        vm.assertTrue(wouldBeDischarged(verify(7, cost(), keccak256("code"), half)));
        bytes memory reason = abi.encodeWithSelector(IForcedQueue.StillExecutable.selector, 0);
        expectNotDischarged(verify(7, cost(), NO_CODE, half), reason);
    }

    function test_a_sender_without_account_executes_what_costs_nothing_and_nothing_else() external {
        post(transfer(0));
        bytes32[] memory keys = new bytes32[](1);
        bytes[] memory values = new bytes[](1);
        keys[0] = keccak256(abi.encodePacked(address(1)));
        values[0] = PlainStateTrie.account(0, 1, bytes32(0), NO_CODE);
        bytes32 key = keccak256(abi.encodePacked(vm.addr(KEY)));
        (bytes32 root, bytes[] memory proof) = PlainStateTrie.prove(keys, values, key);
        chain.verify(0, root, START + DEADLINE);
        vm.prank(HELPER);
        queue.discharge(0, facts(0), proof);
        vm.assertTrue(queue.entry(0).discharged);
    }

    function test_nothing_is_discharged_by_another_proof_or_with_other_facts() external {
        post(transfer(7));
        bytes[] memory proof = verify(8, 0, NO_CODE, START);
        SignedTransaction.Facts memory other = facts(7);
        other.nonce = 6;
        vm.expectRevert(abi.encodeWithSelector(IForcedQueue.OtherFacts.selector, 0));
        queue.discharge(0, other, proof);
        chain.verify(0, keccak256("another state"), START);
        expectNotDischarged(proof, abi.encodeWithSelector(TrieWalk.InvalidNode.selector, 0));
    }

    function test_what_is_off_the_queue_is_not_discharged() external {
        post(transfer(7));
        bytes[] memory proof = verify(8, 0, NO_CODE, START);
        bytes memory reason = abi.encodeWithSelector(IForcedQueue.NotQueued.selector, 1);
        vm.expectRevert(reason);
        queue.discharge(1, facts(7), proof);
        queue.discharge(0, facts(7), proof);
        reason = abi.encodeWithSelector(IForcedQueue.NotQueued.selector, 0);
        expectNotDischarged(proof, reason);
        post(transfer(7));
        chain.verify(2, chain.verifiedStateRoot(), START);
        vm.expectRevert(abi.encodeWithSelector(IForcedQueue.NotQueued.selector, 1));
        queue.discharge(1, facts(7), proof);
    }

    function test_the_deposit_comes_back_once_when_a_proven_block_holds_the_transaction() external {
        post(transfer(7));
        expectNothingToReturn(0);
        chain.verify(1, 0, START);
        uint256 before = POSTER.balance;
        vm.expectEmit();
        emit IForcedQueue.DepositReturned(0, POSTER, BASE);
        queue.returnDeposit(0);
        vm.assertEq(POSTER.balance - before, BASE);
        expectNothingToReturn(0);
        expectNothingToReturn(1);
    }

    function test_a_poster_that_cannot_be_paid_holds_up_nothing() external {
        Unpayable poster = new Unpayable();
        poster.post{value: 3 * BASE}(queue, transfer(7));
        bytes[] memory proof = verify(8, 0, NO_CODE, START);
        vm.prank(HELPER);
        queue.discharge(0, facts(7), proof);
        vm.assertEq(HELPER.balance, BASE);
        vm.assertEq(queue.take(0, hashes(), START + DEADLINE, 0), 1);
        chain.verify(1, 0, START);
        vm.expectRevert(abi.encodeWithSelector(IForcedQueue.ReceiverFailed.selector, address(poster)));
        queue.returnDeposit(0);
    }

    receive() external payable {}

    function post(bytes memory transaction) private {
        uint256 deposit = queue.depositNow();
        vm.prank(POSTER);
        queue.post{value: deposit}(transaction);
    }

    function expectRefused(bytes memory transaction, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(POSTER);
        queue.post{value: BASE}(transaction);
    }

    function expectNotDischarged(bytes[] memory proof, bytes memory reason) private {
        vm.expectRevert(reason);
        queue.discharge(0, facts(7), proof);
    }

    function expectNothingToReturn(uint64 index) private {
        vm.expectRevert(abi.encodeWithSelector(IForcedQueue.NothingToReturn.selector, index));
        queue.returnDeposit(index);
    }

    /// @dev Tries it, and takes it back.
    function wouldBeDischarged(bytes[] memory proof) private returns (bool) {
        try this.tryToDischarge(proof) {
            return false;
        } catch (bytes memory reason) {
            return keccak256(reason) == keccak256("discharged");
        }
    }

    function tryToDischarge(bytes[] calldata proof) external {
        queue.discharge(0, facts(7), proof);
        bytes memory done = "discharged";
        assembly ("memory-safe") {
            revert(add(done, 0x20), mload(done))
        }
    }

    /// @dev A verified state in which the sender is this.
    function verify(uint256 nonce, uint256 balance, bytes32 codeHash, uint64 time)
        private
        returns (bytes[] memory proof)
    {
        bytes32 key = keccak256(abi.encodePacked(vm.addr(KEY)));
        bytes memory account = PlainStateTrie.account(nonce, balance, keccak256("storage"), codeHash);
        bytes32 root;
        (root, proof) = PlainStateTrie.proveDeep(key, account, 4, "seed");
        chain.verify(chain.verifiedForced(), root, time);
    }

    function cost() private pure returns (uint256) {
        return 21_000 * 30 gwei + 1 ether;
    }

    function facts(uint64 nonce) private pure returns (SignedTransaction.Facts memory) {
        return SignedTransaction.Facts({
            sender: vm.addr(KEY),
            to: address(0x1234),
            nonce: nonce,
            gasLimit: 21_000,
            intrinsicGas: 21_000,
            maxFeePerGas: 30 gwei,
            cost: cost()
        });
    }

    function transfer(uint64 nonce) private pure returns (bytes memory) {
        return signed(CHAIN, nonce, 21_000, address(0x1234), "");
    }

    function signed(uint64 chainId, uint64 nonce, uint64 gas, address to, bytes memory data)
        private
        pure
        returns (bytes memory)
    {
        return PlainTransaction.signed(KEY, chainId, nonce, gas, to, data);
    }

    function hashes() private pure returns (bytes32[] memory) {
        return new bytes32[](0);
    }

    function hashes(uint64 a) private pure returns (bytes32[] memory out) {
        out = new bytes32[](1);
        out[0] = keccak256(transfer(a));
    }

    function hashes(uint64 a, uint64 b) private pure returns (bytes32[] memory out) {
        out = new bytes32[](2);
        (out[0], out[1]) = (keccak256(transfer(a)), keccak256(transfer(b)));
    }

    function hashes(uint64 a, uint64 b, uint64 c) private pure returns (bytes32[] memory out) {
        out = new bytes32[](3);
        (out[0], out[1], out[2]) = (keccak256(transfer(a)), keccak256(transfer(b)), keccak256(transfer(c)));
    }

    function hashes(uint64 a, uint64 b, uint64 c, uint64 d) private pure returns (bytes32[] memory out) {
        out = new bytes32[](4);
        (out[0], out[1]) = (keccak256(transfer(a)), keccak256(transfer(b)));
        (out[2], out[3]) = (keccak256(transfer(c)), keccak256(transfer(d)));
    }
}
