// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AttestationVerifier} from "src/verifier/AttestationVerifier.sol";
import {IProofVerifier, MalformedProof, MalformedStatement} from "src/verifier/IProofVerifier.sol";
import {VerifierSet} from "src/verifier/VerifierSet.sol";
import {Test} from "../Test.sol";
import {VerifierMock} from "../rollup/VerifierMock.sol";

contract VerifierSetTest is Test {
    uint256 private constant WATCHERS = 5;
    uint256 private constant THRESHOLD = 3;
    uint64[4] private statement = [uint64(1), 2, 3, 4];
    uint64[4] private other = [uint64(1), 2, 3, 5];

    /// @dev Keys in the order of their accounts.
    uint256[] private keys;
    AttestationVerifier private attestation;
    VerifierMock private mock;
    VerifierSet private set;

    function setUp() public {
        for (uint256 key = 1; key <= WATCHERS; ++key) {
            keys.push(key);
            for (uint256 i = keys.length - 1; i > 0 && vm.addr(keys[i - 1]) > vm.addr(keys[i]); --i) {
                (keys[i - 1], keys[i]) = (keys[i], keys[i - 1]);
            }
        }
        attestation = new AttestationVerifier(accounts(WATCHERS), THRESHOLD);
        mock = new VerifierMock();
        set = new VerifierSet(both());
    }

    function test_enough_watchers_are_believed() external view {
        vm.assertTrue(attestation.verify(signed(statement, 0, 1, 2), statement));
        vm.assertTrue(attestation.verify(signed(statement, 0, 2, 4), statement));
    }

    function test_a_signature_of_another_statement_or_contract_is_none() external {
        vm.assertTrue(!attestation.verify(signed(other, 0, 1, 2), statement));
        AttestationVerifier elsewhere = new AttestationVerifier(accounts(WATCHERS), THRESHOLD);
        vm.assertTrue(!elsewhere.verify(signed(statement, 0, 1, 2), statement));
    }

    function test_a_watcher_counts_once() external view {
        vm.assertTrue(!attestation.verify(signed(statement, 0, 1, 1), statement));
        vm.assertTrue(!attestation.verify(signed(statement, 2, 1, 0), statement));
    }

    function test_strangers_are_not_believed() external view {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(99, attestation.digest(statement));
        bytes memory first = signature(keys[0], statement);
        bytes memory last = signature(keys[4], statement);
        bytes memory proof = abi.encodePacked(first, r, s, v, last);
        vm.assertTrue(!attestation.verify(proof, statement));
    }

    function test_too_few_or_too_many_signatures_are_malformed() external {
        bytes memory proof = signed(statement, 0, 1, 2);
        bytes memory reason = abi.encodeWithSelector(MalformedProof.selector);
        bytes memory more = abi.encodePacked(proof, signature(keys[3], statement));
        vm.expectRevert(reason);
        attestation.verify(more, statement);
        vm.expectRevert(reason);
        attestation.verify(abi.encodePacked(proof, uint8(0)), statement);
        vm.expectRevert(reason);
        attestation.verify("", statement);
    }

    function testFuzz_any_changed_byte_is_refused(uint256 position, uint8 flip) external view {
        bytes memory proof = signed(statement, 0, 1, 2);
        proof[position % proof.length] ^= bytes1(flip | 1);
        vm.assertTrue(!attestation.verify(proof, statement));
    }

    function test_impossible_watchers_are_refused() external {
        bytes memory reason = abi.encodeWithSelector(AttestationVerifier.InvalidWatchers.selector);
        address[] memory all = accounts(WATCHERS);
        vm.expectRevert(reason);
        new AttestationVerifier(all, 0);
        vm.expectRevert(reason);
        new AttestationVerifier(all, WATCHERS + 1);
        (all[0], all[1]) = (all[1], all[0]);
        vm.expectRevert(reason);
        new AttestationVerifier(all, 1);
        all[0] = all[1];
        vm.expectRevert(reason);
        new AttestationVerifier(all, 1);
    }

    function test_watchers_sign_no_other_form_of_a_statement() external {
        uint64[4] memory shifted =
            [statement[0], statement[1], statement[2] + 0xffffffff00000001, statement[3]];
        bytes memory proof = signed(shifted, 0, 1, 2);
        vm.expectRevert(abi.encodeWithSelector(MalformedStatement.selector));
        attestation.verify(proof, shifted);
    }

    function test_all_verifiers_of_a_set_must_accept() external view {
        bytes memory attested = signed(statement, 1, 2, 3);
        bytes memory proven = mock.proofOf(statement);
        vm.assertTrue(set.verify(pair(proven, attested), statement));
        vm.assertTrue(!set.verify(pair(mock.proofOf(other), attested), statement));
        vm.assertTrue(!set.verify(pair(proven, signed(other, 1, 2, 3)), statement));
    }

    function test_a_set_takes_one_proof_for_each() external {
        bytes[] memory one = new bytes[](1);
        one[0] = mock.proofOf(statement);
        bytes memory reason = abi.encodeWithSelector(MalformedProof.selector);
        vm.expectRevert(reason);
        set.verify(abi.encode(one), statement);
        vm.expectRevert("");
        set.verify(one[0], statement);
    }

    function test_a_set_says_what_it_requires() external view {
        IProofVerifier[] memory members = set.verifiers();
        vm.assertEq(members.length, 2);
        vm.assertTrue(set.requires(members[0]) && set.requires(members[1]) && !set.requires(set));
        vm.assertEq(bytes(members[0].proofType()), "mock");
        vm.assertEq(bytes(members[1].proofType()), "attestation");
        vm.assertEq(bytes(set.proofType()), "all");
    }

    function test_impossible_sets_are_refused() external {
        bytes memory reason = abi.encodeWithSelector(VerifierSet.InvalidVerifiers.selector);
        vm.expectRevert(reason);
        new VerifierSet(new IProofVerifier[](0));
        IProofVerifier[] memory members = both();
        members[1] = members[0];
        vm.expectRevert(reason);
        new VerifierSet(members);
        members[1] = IProofVerifier(address(0xdead));
        vm.expectRevert(reason);
        new VerifierSet(members);
        VerifierSet inner = new VerifierSet(both());
        members[1] = inner;
        vm.expectRevert(reason);
        new VerifierSet(members);
    }

    function both() private view returns (IProofVerifier[] memory members) {
        members = new IProofVerifier[](2);
        (members[0], members[1]) = (mock, attestation);
    }

    function pair(bytes memory first, bytes memory second) private pure returns (bytes memory) {
        bytes[] memory proofs = new bytes[](2);
        (proofs[0], proofs[1]) = (first, second);
        return abi.encode(proofs);
    }

    function accounts(uint256 count) private view returns (address[] memory list) {
        list = new address[](count);
        for (uint256 i = 0; i < count; ++i) {
            list[i] = vm.addr(keys[i]);
        }
    }

    /// @dev Signatures of three watchers, in this order.
    function signed(uint64[4] memory what, uint256 a, uint256 b, uint256 c)
        private
        view
        returns (bytes memory)
    {
        return abi.encodePacked(signature(keys[a], what), signature(keys[b], what), signature(keys[c], what));
    }

    function signature(uint256 key, uint64[4] memory what) private view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, attestation.digest(what));
        return abi.encodePacked(r, s, v);
    }
}
