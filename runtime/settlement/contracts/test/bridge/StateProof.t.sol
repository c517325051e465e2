// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {StateProof} from "src/bridge/StateProof.sol";
import {StrictRlp} from "src/bridge/StrictRlp.sol";
import {TrieWalk} from "src/bridge/TrieWalk.sol";
import {Test} from "../Test.sol";
import {PlainStateTrie} from "./PlainStateTrie.sol";
import {ProofCaller} from "./ProofCaller.sol";

contract StateProofTest is Test {
    address private constant OWNER = address(0xacc0);
    bytes32 private constant SLOT = bytes32(uint256(7));
    bytes32 private constant HASH = keccak256("hash");

    ProofCaller private immutable caller = new ProofCaller();

    function test_proofs_of_a_node_are_taken() external view {
        string memory json = vm.readFile("test/vectors/state-proof.json");
        StateProof.Account memory found = caller.account(
            vm.parseJsonBytes32(json, ".stateRoot"),
            vm.parseJsonAddress(json, ".account"),
            vm.parseJsonBytesArray(json, ".accountProof")
        );
        vm.assertEq(found.nonce, vm.parseJsonUint(json, ".nonce"));
        vm.assertEq(found.balance, vm.parseJsonUint(json, ".balance"));
        vm.assertEq(found.storageRoot, vm.parseJsonBytes32(json, ".storageRoot"));
        vm.assertEq(found.codeHash, vm.parseJsonBytes32(json, ".codeHash"));
        string[3] memory slots = [".one", ".large", ".zero"];
        for (uint256 i = 0; i < 3; ++i) {
            uint256 value = caller.trySlot(
                found.storageRoot,
                vm.parseJsonBytes32(json, string.concat(slots[i], ".key")),
                vm.parseJsonBytesArray(json, string.concat(slots[i], ".proof"))
            );
            vm.assertEq(value, vm.parseJsonUint(json, string.concat(slots[i], ".value")), slots[i]);
        }
    }

    function test_a_proof_of_a_node_that_an_account_is_absent_is_taken() external {
        string memory json = vm.readFile("test/vectors/state-proof.json");
        bytes32 root = vm.parseJsonBytes32(json, ".stateRoot");
        address absent = vm.parseJsonAddress(json, ".absent");
        bytes[] memory proof = vm.parseJsonBytesArray(json, ".absentProof");
        (bool exists, StateProof.Account memory found) = caller.tryAccount(root, absent, proof);
        vm.assertTrue(!exists);
        expectNothing(found);
        vm.expectRevert(abi.encodeWithSelector(StateProof.AccountAbsent.selector, absent));
        caller.account(root, absent, proof);
    }

    function testFuzz_an_account_is_what_it_was(
        StateProof.Account memory account,
        uint256 nodes,
        bytes32 seed
    ) external view {
        bytes memory value = PlainStateTrie.account(
            account.nonce, account.balance, account.storageRoot, account.codeHash
        );
        (bytes32 root, bytes[] memory proof) = deep(OWNER, value, nodes, seed);
        (bool exists, StateProof.Account memory found) = caller.tryAccount(root, OWNER, proof);
        vm.assertTrue(exists);
        vm.assertEq(abi.encode(found), abi.encode(account));
        vm.assertEq(abi.encode(caller.account(root, OWNER, proof)), abi.encode(account));
    }

    function testFuzz_a_slot_is_what_it_was(uint256 value, uint256 nodes, bytes32 seed) external view {
        if (value == 0) value = 1;
        bytes32 key = keccak256(abi.encode(SLOT));
        (bytes32 root, bytes[] memory proof) =
            PlainStateTrie.proveDeep(key, RLP.encode(value), bound(nodes, 1, 6), seed);
        vm.assertEq(caller.slot(root, SLOT, proof), value);
        vm.assertEq(caller.trySlot(root, SLOT, proof), value);
    }

    function test_a_slot_that_is_absent_is_zero() external {
        bytes32[] memory keys = new bytes32[](1);
        bytes[] memory values = new bytes[](1);
        (keys[0], values[0]) = (keccak256(abi.encode(uint256(8))), hex"01");
        (bytes32 root, bytes[] memory proof) = PlainStateTrie.prove(keys, values, keccak256(abi.encode(SLOT)));
        vm.assertEq(caller.trySlot(root, SLOT, proof), 0);
        vm.expectRevert(abi.encodeWithSelector(StateProof.SlotAbsent.selector, SLOT));
        caller.slot(root, SLOT, proof);
    }

    /// @notice A broken proof is never taken for one that there is nothing.
    function testFuzz_a_broken_proof_shows_no_absence(uint256 nodes, bytes32 seed, uint256 bit) external {
        bytes memory value = PlainStateTrie.account(1, 2, HASH, HASH);
        (bytes32 root, bytes[] memory proof) = deep(OWNER, value, nodes, seed);
        uint256 index = bit % proof.length;
        uint256 place = bit % (8 * proof[index].length);
        proof[index][place / 8] ^= bytes1(uint8(1 << (place % 8)));
        vm.expectRevert(abi.encodeWithSelector(TrieWalk.InvalidNode.selector, index));
        caller.tryAccount(root, OWNER, proof);
    }

    function test_an_account_that_is_malformed_is_refused() external {
        bytes memory hash = RLP.encode(HASH);
        expectMalformedAccount(fields(hex"01", hex"02", hash, ""));
        expectMalformedAccount(fields(hex"01", hex"02", hash, bytes.concat(hash, hash)));
        expectMalformedAccount(fields(hex"01", hex"02", hash, RLP.encode(new bytes(31))));
        expectMalformedAccount(fields(hex"01", hex"02", hex"80", hash));
        expectMalformedAccount(fields(hex"01", hex"02", hex"e0", hash));
        expectMalformedAccount(fields(hex"00", hex"02", hash, hash));
        expectMalformedAccount(fields(hex"01", hex"820002", hash, hash));
        expectMalformedAccount(fields(hex"c0", hex"02", hash, hash));
        expectMalformedAccount(fields(hex"89010000000000000000", hex"02", hash, hash));
        expectMalformedAccount(fields(hex"01", bytes.concat(hex"a101", HASH), hash, hash));
        expectMalformedAccount(bytes.concat(fields(hex"01", hex"02", hash, hash), hex"00"));
        expectMalformedAccount(RLP.encode(fields(hex"01", hex"02", hash, hash)));
    }

    function test_a_value_of_a_slot_that_is_malformed_is_refused() external {
        bytes[8] memory values = [
            bytes(hex"80"),
            hex"00",
            hex"8101",
            hex"820001",
            hex"c101",
            hex"0101",
            bytes.concat(hex"a101", HASH),
            hex"b80101"
        ];
        for (uint256 i = 0; i < values.length; ++i) {
            (bytes32 root, bytes[] memory proof) =
                PlainStateTrie.proveDeep(keccak256(abi.encode(SLOT)), values[i], 2, HASH);
            vm.expectRevert(abi.encodeWithSelector(StrictRlp.MalformedRlp.selector));
            caller.trySlot(root, SLOT, proof);
        }
    }

    function expectMalformedAccount(bytes memory value) private {
        (bytes32 root, bytes[] memory proof) = deep(OWNER, value, 2, HASH);
        vm.expectRevert(abi.encodeWithSelector(StrictRlp.MalformedRlp.selector));
        caller.tryAccount(root, OWNER, proof);
    }

    function expectNothing(StateProof.Account memory found) private pure {
        StateProof.Account memory nothing;
        vm.assertEq(abi.encode(found), abi.encode(nothing));
    }

    function fields(bytes memory nonce, bytes memory balance, bytes memory storageRoot, bytes memory codeHash)
        private
        pure
        returns (bytes memory)
    {
        bytes[] memory parts = new bytes[](4);
        (parts[0], parts[1], parts[2], parts[3]) = (nonce, balance, storageRoot, codeHash);
        return RLP.encode(parts);
    }

    function deep(address owner, bytes memory value, uint256 nodes, bytes32 seed)
        private
        pure
        returns (bytes32 root, bytes[] memory proof)
    {
        return PlainStateTrie.proveDeep(keccak256(abi.encodePacked(owner)), value, bound(nodes, 1, 8), seed);
    }
}
