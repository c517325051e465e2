// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IL3Token} from "src/l3/IL3Token.sol";
import {L3Token} from "src/l3/L3Token.sol";
import {Predeploys} from "src/l3/Predeploys.sol";
import {TokenPermit} from "src/l3/TokenPermit.sol";
import {L3Fixture} from "./L3Fixture.sol";

/// @notice What a twin is to its owners, and who may change it.
contract L3TokenTest is L3Fixture {
    uint256 private constant KEY = 0x5EC2E7;
    L3Token private immutable twin = L3Token(Predeploys.twinOf(TOKEN));
    L3Token private immutable code = L3Token(Predeploys.L3_TOKEN);
    address private immutable owner = vm.addr(KEY);

    function setUp() public override {
        super.setUp();
        process(deposit(TOKEN, owner, 100));
    }

    function testFuzz_balances_are_the_mapping_in_slot_0(address account, uint128 amount) external {
        vm.assume(account != address(0) && account != owner);
        process(deposit(TOKEN, account, amount));
        vm.assertEq(uint256(vm.load(address(twin), keccak256(abi.encode(account, 0)))), amount);
        vm.assertEq(twin.balanceOf(account), amount);
    }

    function test_only_the_bridge_mints_and_burns_and_names() external {
        bytes memory reason = abi.encodeWithSelector(IL3Token.NotL3Bridge.selector, address(this));
        L3Token[2] memory tokens = [twin, code];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(reason);
            tokens[i].mint(ALICE, 1);
            vm.expectRevert(reason);
            tokens[i].burn(owner, 1);
            vm.expectRevert(reason);
            tokens[i].initialize(TOKEN, "Mine", "MINE", 0);
        }
        vm.assertEq(code.l2Token(), address(0));
    }

    function test_a_twin_stays_what_it_is() external {
        vm.expectRevert(abi.encodeWithSelector(IL3Token.AlreadyInitialized.selector));
        vm.prank(Predeploys.L3_BRIDGE);
        twin.initialize(BOB, "Another", "OTH", 18);
        vm.assertEq(twin.l2Token(), TOKEN);
    }

    function test_a_twin_is_an_ERC20() external {
        vm.prank(owner);
        vm.assertTrue(twin.transfer(ALICE, 10));
        vm.prank(ALICE);
        twin.approve(BOB, 4);
        vm.prank(BOB);
        vm.assertTrue(twin.transferFrom(ALICE, KEEPER, 4));
        vm.assertEq(twin.balanceOf(ALICE), 6);
        vm.assertEq(twin.balanceOf(KEEPER), 4);
    }

    function test_the_domain_is_the_twins_own() external {
        vm.assertEq(twin.DOMAIN_SEPARATOR(), domainOf("A token", address(twin)));
        process(deposit(BOB, owner, 100));
        L3Token other = L3Token(Predeploys.twinOf(BOB));
        vm.assertEq(other.DOMAIN_SEPARATOR(), domainOf("A token", address(other)));
    }

    function test_a_signature_allows_once() external {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digestOf(twin, 50, 0, START));
        twin.permit(owner, BOB, 50, START, v, r, s);
        vm.assertEq(twin.allowance(owner, BOB), 50);
        vm.assertEq(twin.nonces(owner), 1);
        vm.expectPartialRevert(TokenPermit.ERC2612InvalidSigner.selector);
        twin.permit(owner, BOB, 50, START, v, r, s);
    }

    function test_a_signature_for_another_twin_amount_or_owner_allows_nothing() external {
        process(deposit(BOB, owner, 100));
        L3Token other = L3Token(Predeploys.twinOf(BOB));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digestOf(twin, 50, 0, START));
        vm.expectPartialRevert(TokenPermit.ERC2612InvalidSigner.selector);
        other.permit(owner, BOB, 50, START, v, r, s);
        vm.expectPartialRevert(TokenPermit.ERC2612InvalidSigner.selector);
        twin.permit(owner, BOB, 51, START, v, r, s);
        vm.expectPartialRevert(TokenPermit.ERC2612InvalidSigner.selector);
        twin.permit(owner, ALICE, 50, START, v, r, s);
        (v, r, s) = vm.sign(KEY + 1, digestOf(twin, 50, 0, START));
        bytes4 reason = TokenPermit.ERC2612InvalidSigner.selector;
        vm.expectRevert(abi.encodeWithSelector(reason, vm.addr(KEY + 1), owner));
        twin.permit(owner, BOB, 50, START, v, r, s);
    }

    function test_a_signature_that_is_too_old_allows_nothing() external {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digestOf(twin, 50, 0, START));
        vm.warp(START + 1);
        vm.expectRevert(abi.encodeWithSelector(TokenPermit.ERC2612ExpiredSignature.selector, START));
        twin.permit(owner, BOB, 50, START, v, r, s);
    }

    function digestOf(L3Token token, uint256 value, uint256 nonce, uint256 deadline)
        private
        view
        returns (bytes32)
    {
        bytes32 kind = keccak256(
            "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
        );
        bytes32 what = keccak256(abi.encode(kind, owner, BOB, value, nonce, deadline));
        return keccak256(abi.encodePacked(hex"1901", domainOf("A token", address(token)), what));
    }

    function domainOf(string memory name, address token) private view returns (bytes32) {
        bytes32 kind =
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        return keccak256(abi.encode(kind, keccak256(bytes(name)), keccak256("1"), block.chainid, token));
    }
}
