// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {SignedTransaction} from "src/forced/SignedTransaction.sol";
import {Test} from "../Test.sol";

contract SignedTransactionTest is Test {
    using RLP for *;

    uint256 private constant CHAIN = 4242;
    uint256 private constant KEY = 0xa11ce;
    /// @dev Half the order of secp256k1, and the order.
    uint256 private constant HALF = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;
    uint256 private constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    /// @dev What a transaction says, RLP-encoded field by field.
    bytes[] private fields;

    function read(bytes calldata transaction) external pure returns (SignedTransaction.Facts memory) {
        return SignedTransaction.read(transaction, CHAIN);
    }

    function test_a_legacy_transaction_is_read() external view {
        expectFacts(signed(0, legacy()), 7, 21_036, 30 gwei, 1 ether);
    }

    function test_a_transaction_with_an_access_list_is_read() external view {
        expectFacts(signed(1, listed()), 7, 27_736, 30 gwei, 1 ether);
    }

    function test_a_transaction_with_a_priority_fee_is_read() external view {
        expectFacts(signed(2, dynamic()), 7, 27_736, 30 gwei, 1 ether);
    }

    function testFuzz_whoever_signs_is_the_sender(
        uint256 key,
        uint8 kind,
        uint64 nonce,
        uint64 gas,
        uint128 fee,
        uint128 value
    ) external {
        key = bound(key, 1, ORDER - 1);
        kind %= 3;
        nonce = uint64(bound(nonce, 0, type(uint64).max - 1));
        gas = uint64(bound(gas, 30_000, type(uint64).max));
        set(kind == 0 ? legacy() : kind == 1 ? listed() : dynamic());
        uint256 nonceAt = kind == 0 ? 0 : 1;
        uint256 feeAt = kind == 0 ? 1 : kind == 1 ? 2 : 3;
        fields[nonceAt] = uint256(nonce).encode();
        if (kind == 2) fields[2] = uint256(fee / 2).encode();
        fields[feeAt] = uint256(fee).encode();
        fields[feeAt + 1] = uint256(gas).encode();
        fields[feeAt + 3] = uint256(value).encode();
        SignedTransaction.Facts memory facts = this.read(signedBy(key, kind, fields));
        vm.assertEq(facts.sender, vm.addr(key));
        vm.assertEq(facts.nonce, nonce);
        vm.assertEq(facts.gasLimit, gas);
        vm.assertEq(facts.maxFeePerGas, fee);
        vm.assertEq(facts.cost, uint256(gas) * fee + value);
    }

    function testFuzz_a_changed_bit_is_another_signer_or_no_transaction(uint16 place, uint8 kind)
        external
        view
    {
        kind %= 3;
        bytes memory transaction = signedMemory(kind);
        uint256 i = place % (transaction.length * 8);
        transaction[i / 8] ^= bytes1(uint8(1 << (i % 8)));
        try this.read(transaction) returns (SignedTransaction.Facts memory facts) {
            vm.assertTrue(facts.sender != vm.addr(KEY));
        } catch {}
    }

    function testFuzz_a_cut_or_longer_transaction_is_refused(uint16 length, uint8 kind) external view {
        bytes memory transaction = signedMemory(kind % 3);
        bytes memory other = new bytes(length % (2 * transaction.length));
        if (other.length == transaction.length) return;
        for (uint256 i = 0; i < other.length && i < transaction.length; ++i) {
            other[i] = transaction[i];
        }
        try this.read(other) {
            revert("read");
        } catch {}
    }

    function test_other_types_are_refused() external {
        expectMalformed("", "type");
        bytes memory transaction = signed(2, dynamic());
        for (uint256 kind = 0; kind < 0xc0; ++kind) {
            if (kind == 1 || kind == 2) continue;
            transaction[0] = bytes1(uint8(kind));
            expectMalformed(transaction, "type");
        }
    }

    function test_another_chains_transaction_is_refused() external {
        set(dynamic());
        fields[0] = uint256(CHAIN + 1).encode();
        expectMalformed(signed(2, fields), "chainId");
    }

    function test_a_legacy_transaction_of_any_chain_is_refused() external {
        bytes[] memory signed_ = legacy();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, keccak256(signed_.encode()));
        expectMalformed(appended(signed_, v, uint256(r), uint256(s)).encode(), "v");
    }

    function test_the_second_signature_of_a_transaction_is_refused() external {
        bytes[] memory signed_ = dynamic();
        bytes32 digest = keccak256(bytes.concat(hex"02", signed_.encode()));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digest);
        vm.assertTrue(uint256(s) <= HALF);
        bytes[] memory all = appended(signed_, 28 - v, uint256(r), ORDER - uint256(s));
        expectMalformed(bytes.concat(hex"02", all.encode()), "signature");
        all = appended(signed_, 2, uint256(r), uint256(s));
        expectMalformed(bytes.concat(hex"02", all.encode()), "v");
    }

    function test_fields_too_many_or_too_few_are_refused() external {
        set(dynamic());
        fields.push(uint256(1).encode());
        expectMalformed(signed(2, fields), "fields");
        set(dynamic());
        fields.pop();
        expectMalformed(signed(2, fields), "fields");
    }

    function test_numbers_with_leading_zeros_or_too_large_are_refused() external {
        expectNumber(1, type(uint64).max, "nonce");
        expectNumber(2, uint256(30 gwei) + 1, "maxPriorityFeePerGas");
        expectNumber(3, uint256(type(uint128).max) + 1, "maxFeePerGas");
        expectNumber(4, uint256(type(uint64).max) + 1, "gasLimit");
        expectNumber(6, type(uint256).max, "value");
    }

    function test_a_gas_limit_below_what_it_takes_to_begin_is_refused() external {
        set(dynamic());
        fields[4] = uint256(27_735).encode();
        expectRefused(
            signed(2, fields), abi.encodeWithSelector(SignedTransaction.IntrinsicGas.selector, 27_735, 27_736)
        );
        // Creation: 32,000 more, and 2 for a word of code.
        fields[5] = hex"80";
        fields[4] = uint256(59_737).encode();
        expectRefused(
            signed(2, fields), abi.encodeWithSelector(SignedTransaction.IntrinsicGas.selector, 59_737, 59_738)
        );
        fields[4] = uint256(59_738).encode();
        vm.assertEq(this.read(signed(2, fields)).sender, vm.addr(KEY));
    }

    function test_a_recipient_of_another_length_is_refused() external {
        set(dynamic());
        fields[5] = hex"8100";
        expectMalformedFields();
        fields[5] = abi.encodePacked(hex"93", bytes19(0));
        expectMalformed(signed(2, fields), "to");
        fields[5] = abi.encodePacked(hex"95", bytes21(0));
        expectMalformed(signed(2, fields), "to");
    }

    function test_code_longer_than_a_creation_may_have_is_refused() external {
        set(dynamic());
        (fields[4], fields[5], fields[7]) =
        (uint256(10_000_000).encode(), hex"80", new bytes(49_153).encode());
        expectMalformed(signed(2, fields), "data");
        fields[7] = new bytes(49_152).encode();
        vm.assertEq(this.read(signed(2, fields)).sender, vm.addr(KEY));
    }

    function test_an_access_list_of_another_form_is_refused() external {
        set(dynamic());
        bytes[] memory access = new bytes[](2);
        bytes[] memory accesses = new bytes[](1);
        bytes[] memory slots = new bytes[](1);
        (access[0], access[1]) = (address(5).encode(), slots.encode());
        slots[0] = uint256(5).encode();
        access[1] = slots.encode();
        accesses[0] = access.encode();
        fields[8] = accesses.encode();
        expectMalformed(signed(2, fields), "accessList");
        slots[0] = bytes32(uint256(5)).encode();
        (access[0], access[1]) = (uint256(5).encode(), slots.encode());
        accesses[0] = access.encode();
        fields[8] = accesses.encode();
        expectMalformed(signed(2, fields), "accessList");
    }

    function expectNumber(uint256 field, uint256 tooLarge, string memory name) private {
        set(dynamic());
        bytes memory number = fields[field];
        fields[field] = tooLarge.encode();
        expectMalformed(signed(2, fields), name);
        bytes memory digits = abi.encodePacked(tooLarge);
        fields[field] = abi.encodePacked(hex"a1", hex"00", digits);
        expectMalformed(signed(2, fields), name);
        fields[field] = number;
        vm.assertEq(this.read(signed(2, fields)).sender, vm.addr(KEY));
    }

    function expectFacts(bytes memory transaction, uint64 nonce, uint64 gas, uint256 fee, uint256 value)
        private
        view
    {
        SignedTransaction.Facts memory facts = this.read(transaction);
        vm.assertEq(facts.sender, vm.addr(KEY));
        vm.assertEq(facts.nonce, nonce);
        vm.assertEq(facts.gasLimit, gas);
        vm.assertEq(facts.maxFeePerGas, fee);
        vm.assertEq(facts.cost, uint256(gas) * fee + value);
    }

    function expectMalformed(bytes memory transaction, string memory field) private {
        expectRefused(
            transaction, abi.encodeWithSelector(SignedTransaction.MalformedTransaction.selector, field)
        );
    }

    function expectMalformedFields() private {
        expectRefused(signed(2, fields), abi.encodeWithSelector(RLP.RLPInvalidEncoding.selector));
    }

    function expectRefused(bytes memory transaction, bytes memory reason) private {
        vm.expectRevert(reason);
        this.read(transaction);
    }

    function set(bytes[] memory from) private {
        delete fields;
        for (uint256 i = 0; i < from.length; ++i) {
            fields.push(from[i]);
        }
    }

    function legacy() private pure returns (bytes[] memory out) {
        out = new bytes[](6);
        (out[0], out[1], out[2]) = (uint256(7).encode(), uint256(30 gwei).encode(), uint256(21_036).encode());
        (out[3], out[4], out[5]) =
        (address(0x1234).encode(), uint256(1 ether).encode(), bytes(hex"010002").encode());
    }

    /// @dev An account with a slot, and one without: 6,700 gas.
    function accessList() private pure returns (bytes memory) {
        bytes[] memory slots = new bytes[](1);
        slots[0] = bytes32(uint256(5)).encode();
        bytes[] memory access = new bytes[](2);
        (access[0], access[1]) = (address(5).encode(), slots.encode());
        bytes[] memory accesses = new bytes[](2);
        accesses[0] = access.encode();
        access[1] = new bytes[](0).encode();
        accesses[1] = access.encode();
        return accesses.encode();
    }

    function listed() private pure returns (bytes[] memory out) {
        out = new bytes[](8);
        bytes[] memory rest = legacy();
        out[0] = uint256(CHAIN).encode();
        for (uint256 i = 0; i < 6; ++i) {
            out[i + 1] = rest[i];
        }
        (out[3], out[7]) = (uint256(27_736).encode(), accessList());
    }

    function dynamic() private pure returns (bytes[] memory out) {
        out = new bytes[](9);
        bytes[] memory rest = listed();
        (out[0], out[1], out[2]) = (rest[0], rest[1], uint256(1 gwei).encode());
        for (uint256 i = 2; i < 8; ++i) {
            out[i + 1] = rest[i];
        }
    }

    function signedMemory(uint8 kind) private pure returns (bytes memory) {
        return signed(kind, kind == 0 ? legacy() : kind == 1 ? listed() : dynamic());
    }

    function signed(uint8 kind, bytes[] memory from) private pure returns (bytes memory) {
        return signedBy(KEY, kind, from);
    }

    function signedBy(uint256 key, uint8 kind, bytes[] memory from) private pure returns (bytes memory) {
        if (kind != 0) {
            (uint8 v, bytes32 r, bytes32 s) =
                vm.sign(key, keccak256(bytes.concat(bytes1(kind), from.encode())));
            return bytes.concat(bytes1(kind), appended(from, v - 27, uint256(r), uint256(s)).encode());
        }
        bytes[] memory payload = appended(from, CHAIN, 0, 0);
        (uint8 w, bytes32 x, bytes32 y) = vm.sign(key, keccak256(payload.encode()));
        return appended(from, 2 * CHAIN + 35 + w - 27, uint256(x), uint256(y)).encode();
    }

    function appended(bytes[] memory from, uint256 v, uint256 r, uint256 s)
        private
        pure
        returns (bytes[] memory out)
    {
        out = new bytes[](from.length + 3);
        for (uint256 i = 0; i < from.length; ++i) {
            out[i] = from[i];
        }
        (out[from.length], out[from.length + 1], out[from.length + 2]) = (v.encode(), r.encode(), s.encode());
    }
}
