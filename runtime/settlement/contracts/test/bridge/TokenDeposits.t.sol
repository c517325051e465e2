// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IBridge} from "src/bridge/IBridge.sol";
import {Message, Messages} from "src/bridge/Message.sol";
import {IL3Bridge} from "src/l3/IL3Bridge.sol";
import {Predeploys} from "src/l3/Predeploys.sol";
import {BridgeFixture} from "./BridgeFixture.sol";
import {raise} from "./Chains.sol";
import {
    CallingToken,
    FeeToken,
    LyingToken,
    OddToken,
    PlainToken,
    RawToken,
    ShrinkingToken
} from "./Tokens.sol";

contract TokenDepositsTest is BridgeFixture {
    bytes private constant METADATA = abi.encode("Plain Token", "PLAIN", uint8(6));

    function testFuzz_a_token_comes_with_its_message(uint256 amount, uint256 fee, uint32 gasLimit) external {
        (amount, fee) = (bound(amount, 1, type(uint128).max), bound(fee, 0, 500 ether));
        token.mint(ALICE, amount);
        signedBy(ALICE);
        token.approve(address(bridge), amount);
        address twin = bridge.twinOf(address(token));
        vm.expectEmit();
        emit IBridge.Deposited(address(first), address(token), ALICE, BOB, amount, 0);
        signedBy(ALICE);
        uint64 index = bridge.deposit{value: fee}(address(first), address(token), twin, BOB, amount, gasLimit);
        vm.assertEq(index, 0);
        expectMint(ALICE, amount, fee, gasLimit > 500_000 ? gasLimit : 500_000);
        vm.assertEq(bridge.deposited(address(first), address(token)), amount);
        vm.assertEq(bridge.deposited(address(first), ETHER), fee);
        vm.assertEq(bridge.deposited(address(second), address(token)), 0);
        vm.assertEq(token.balanceOf(address(bridge)), amount);
    }

    function test_the_refund_of_a_contracts_deposit_is_the_recipients() external {
        prepare(token, 5);
        send(token, 5);
        expectMint(address(this), 5, 0, 500_000);
    }

    function test_a_twin_that_is_elsewhere_is_refused() external {
        prepare(token, 5);
        address twin = bridge.twinOf(address(token));
        vm.assertEq(twin, Predeploys.twinOf(address(token)));
        vm.expectRevert(abi.encodeWithSelector(IBridge.OtherTwin.selector, ALICE, twin));
        bridge.deposit(address(first), address(token), ALICE, BOB, 5, 0);
    }

    /// @notice EIP-1167's code, created by EIP-1014.
    function testFuzz_a_twin_is_where_the_bridge_on_l3_clones_it(address l2Token) external view {
        bytes32 code = keccak256(
            abi.encodePacked(
                hex"3d602d80600a3d3981f3363d3d373d3d3d363d73",
                address(0x7465726e00000000000000000000000000000003),
                hex"5af43d82803e903d91602b57fd5bf3"
            )
        );
        address creator = address(0x7465726E00000000000000000000000000000002);
        bytes32 salt = bytes32(uint256(uint160(l2Token)));
        bytes32 hash = keccak256(abi.encodePacked(hex"ff", creator, salt, code));
        vm.assertEq(bridge.twinOf(l2Token), address(uint160(uint256(hash))));
    }

    function test_a_deposit_to_nobody_is_refused() external {
        prepare(token, 5);
        address twin = bridge.twinOf(address(token));
        vm.expectRevert(abi.encodeWithSelector(IBridge.NoRecipient.selector));
        bridge.deposit(address(first), address(token), twin, address(0), 5, 0);
    }

    function test_a_deposit_to_no_chain_is_refused() external {
        prepare(token, 5);
        address twin = bridge.twinOf(address(token));
        vm.expectRevert(abi.encodeWithSelector(IBridge.NotARollup.selector, BOB));
        bridge.deposit(BOB, address(token), twin, BOB, 5, 0);
        vm.assertEq(token.balanceOf(address(this)), 5);
    }

    function test_what_is_no_token_is_refused() external {
        RawToken raw = new RawToken();
        raw.answer(token.balanceOf.selector, hex"05");
        address[5] memory none = [ETHER, ALICE, address(bridge), address(first), address(raw)];
        for (uint256 i = 0; i < none.length; ++i) {
            expectSendRefused(none[i], 5, abi.encodeWithSelector(IBridge.NotAToken.selector, none[i]));
        }
    }

    function test_a_deposit_of_nothing_is_refused() external {
        bytes memory reason = abi.encodeWithSelector(IBridge.EmptyDeposit.selector);
        expectSendRefused(address(token), 0, reason);
        LyingToken liar = new LyingToken();
        expectSendRefused(address(liar), 5, reason);
        liar.mint(address(bridge), 10);
        expectSendRefused(address(liar), 5, reason);
        vm.assertEq(bridge.deposited(address(first), address(liar)), 0);
    }

    function test_a_token_that_was_not_allowed_is_refused_with_its_reason() external {
        token.mint(address(this), 5);
        bytes4 selector = IERC20Errors.ERC20InsufficientAllowance.selector;
        expectSendRefused(address(token), 5, abi.encodeWithSelector(selector, address(bridge), 0, 5));
    }

    function testFuzz_a_token_that_takes_a_fee_is_credited_as_what_arrives(uint256 amount) external {
        amount = bound(amount, 1, type(uint128).max);
        FeeToken taking = new FeeToken();
        prepare(taking, amount);
        send(taking, amount);
        uint256 arrived = amount - amount / 100;
        vm.assertEq(bridge.deposited(address(first), address(taking)), arrived);
        vm.assertEq(taking.balanceOf(address(bridge)), arrived);
        vm.assertEq(messageAt(first, 0).data, mintData(address(taking), address(this), arrived, METADATA));
    }

    function test_a_token_that_returns_nothing_is_deposited() external {
        OddToken silent = new OddToken(false);
        silent.mint(address(this), 5);
        send(PlainToken(address(silent)), 5);
        vm.assertEq(bridge.deposited(address(first), address(silent)), 5);
        bytes memory metadata = abi.encode("", "", uint8(18));
        vm.assertEq(messageAt(first, 0).data, mintData(address(silent), address(this), 5, metadata));
    }

    function test_a_token_that_returns_false_is_refused() external {
        OddToken refusing = new OddToken(true);
        refusing.mint(address(this), 5);
        bytes4 selector = SafeERC20.SafeERC20FailedOperation.selector;
        expectSendRefused(address(refusing), 5, abi.encodeWithSelector(selector, address(refusing)));
    }

    function test_a_token_that_shrank_is_not_deposited_until_it_has_grown_again() external {
        ShrinkingToken shrinking = new ShrinkingToken();
        prepare(shrinking, 300);
        send(shrinking, 100);
        address twin = bridge.twinOf(address(shrinking));
        bridge.deposit(address(second), address(shrinking), twin, BOB, 100, 0);
        shrinking.shrink(99);
        bytes4 selector = IBridge.TokenShrank.selector;
        expectSendRefused(
            address(shrinking), 100, abi.encodeWithSelector(selector, address(shrinking), 198, 200)
        );
        shrinking.shrink(100);
        send(shrinking, 100);
        vm.assertEq(bridge.deposited(address(first), address(shrinking)), 200);
    }

    function test_what_was_given_to_the_bridge_is_nobodys_deposit() external {
        token.mint(address(bridge), 100);
        prepare(token, 5);
        send(token, 5);
        vm.assertEq(bridge.deposited(address(first), address(token)), 5);
    }

    /// @notice What moves once is not counted by two deposits, one within the other.
    function test_a_deposit_while_a_token_moves_is_refused() external {
        CallingToken calling = new CallingToken();
        prepare(calling, 10);
        address twin = bridge.twinOf(address(calling));
        bytes memory inner =
            abi.encodeCall(IBridge.deposit, (address(first), address(calling), twin, BOB, 5, 0));
        bytes memory reason =
            abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        _next = inner;
        calling.callMe(abi.encodeCall(this.callBridge, ()), "");
        expectSendRefused(address(calling), 5, reason);
        calling.callMe("", abi.encodeCall(this.callBridge, ()));
        expectSendRefused(address(calling), 5, reason);
        vm.assertEq(bridge.deposited(address(first), address(calling)), 0);
    }

    function test_a_claim_of_tokens_while_a_token_moves_is_refused() external {
        giveToken(address(lying), token, 100);
        CallingToken calling = new CallingToken();
        prepare(calling, 5);
        _next = claimCall(address(lying), tokenTo(address(token), ALICE, 100));
        calling.callMe("", abi.encodeCall(this.callBridge, ()));
        bytes4 selector = ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector;
        expectSendRefused(address(calling), 5, abi.encodeWithSelector(selector));
        vm.assertEq(token.balanceOf(ALICE), 0);
    }

    function test_ether_is_deposited_while_a_token_moves() external {
        CallingToken calling = new CallingToken();
        prepare(calling, 5);
        _next = abi.encodeCall(IBridge.depositEther, (address(first), BOB, 0, 0));
        _value = 3;
        calling.callMe("", abi.encodeCall(this.callBridge, ()));
        send(calling, 5);
        vm.assertEq(bridge.deposited(address(first), ETHER), 3);
        vm.assertEq(bridge.deposited(address(first), address(calling)), 5);
    }

    bytes private _next;
    uint256 private _value;

    /// @dev What the token calls on its way.
    function callBridge() external {
        (bool succeeded, bytes memory reason) = address(bridge).call{value: _value}(_next);
        if (!succeeded) raise(reason);
    }

    function prepare(PlainToken given, uint256 amount) private {
        given.mint(address(this), amount);
        given.approve(address(bridge), amount);
    }

    function send(PlainToken given, uint256 amount) private {
        bridge.deposit(address(first), address(given), bridge.twinOf(address(given)), BOB, amount, 0);
    }

    function expectSendRefused(address given, uint256 amount, bytes memory reason) private {
        address twin = bridge.twinOf(given);
        vm.expectRevert(reason);
        bridge.deposit(address(first), given, twin, BOB, amount, 0);
    }

    /// @dev Nobody may give it up: the token would be lost.
    function expectMint(address from, uint256 amount, uint256 fee, uint64 gasLimit) private view {
        Message memory expected = Message(
            Messages.aliasOf(address(bridge)),
            Predeploys.L3_BRIDGE,
            0,
            fee,
            gasLimit,
            address(0),
            mintData(address(token), from, amount, METADATA)
        );
        vm.assertEq(messages(first), 1);
        vm.assertEq(abi.encode(messageAt(first, 0)), abi.encode(expected));
    }

    function mintData(address l2Token, address from, uint256 amount, bytes memory metadata)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeCall(IL3Bridge.finalizeDeposit, (l2Token, from, BOB, amount, metadata));
    }
}
