// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBridge} from "src/bridge/IBridge.sol";
import {Message} from "src/bridge/Message.sol";
import {Withdrawal, Withdrawals} from "src/bridge/Withdrawal.sol";
import {Test} from "../Test.sol";
import {ChainMock, InboxMock, LyingChain} from "./Chains.sol";
import {ProofBuilder} from "./ProofBuilder.sol";
import {PlainToken} from "./Tokens.sol";

/// @notice More cheat codes of forge.
interface Cheats {
    function deal(address account, uint256 balance) external;
    function prank(address sender, address origin) external;
    function load(address account, bytes32 slot) external view returns (bytes32);
}

/// @notice A bridge with two honest chains and one that lies, a token, and people.
abstract contract BridgeFixture is Test {
    Cheats internal constant cheats = Cheats(address(vm));
    address internal constant ALICE = address(0xa11ce);
    address internal constant BOB = address(0xb0b);
    address internal constant EVE = address(0xe5e);
    address internal constant ETHER = address(0);

    IBridge internal bridge;
    ChainMock internal first;
    ChainMock internal second;
    LyingChain internal lying;
    PlainToken internal token;
    ProofBuilder internal builder;

    constructor() {
        bridge = IBridge(create("Bridge.sol:Bridge", ""));
        bytes memory argument = abi.encode(bridge);
        first = ChainMock(create("Chains.sol:ChainMock", argument));
        second = ChainMock(create("Chains.sol:ChainMock", argument));
        lying = LyingChain(payable(create("Chains.sol:LyingChain", argument)));
        token = PlainToken(create("Tokens.sol:PlainToken", ""));
        builder = ProofBuilder(create("ProofBuilder.sol:ProofBuilder", ""));
        cheats.deal(address(this), 1000 ether);
        cheats.deal(ALICE, 1000 ether);
    }

    /// @notice The next call is in a transaction that `who` signs.
    function signedBy(address who) internal {
        cheats.prank(who, who);
    }

    /// @notice The next call is one that `who` makes in a transaction that another signs.
    function calledBy(address who) internal {
        cheats.prank(who, BOB);
    }

    /// @notice Puts ETH on the account of a chain.
    function give(address rollup, uint256 amount) internal {
        bridge.fund{value: amount}(rollup);
    }

    /// @notice Puts a token on the account of a chain.
    function giveToken(address rollup, PlainToken given, uint256 amount) internal {
        given.mint(address(this), amount);
        given.approve(address(bridge), amount);
        bridge.deposit(rollup, address(given), bridge.twinOf(address(given)), ALICE, amount, 0);
    }

    function messageAt(ChainMock chain, uint256 index) internal view returns (Message memory) {
        return InboxMock(chain.inbox()).messageAt(index);
    }

    function messages(ChainMock chain) internal view returns (uint256) {
        return InboxMock(chain.inbox()).count();
    }

    function etherTo(address recipient, uint256 amount) internal pure returns (Withdrawal memory withdrawal) {
        (withdrawal.id, withdrawal.sender) = (7, ALICE);
        (withdrawal.recipient, withdrawal.amount) = (recipient, amount);
    }

    function tokenTo(address l2Token, address recipient, uint256 amount)
        internal
        pure
        returns (Withdrawal memory withdrawal)
    {
        withdrawal = etherTo(recipient, amount);
        withdrawal.token = l2Token;
    }

    function callTo(address recipient, uint256 amount, bytes memory data)
        internal
        pure
        returns (Withdrawal memory withdrawal)
    {
        withdrawal = etherTo(recipient, amount);
        withdrawal.data = data;
    }

    /// @notice Proof of a withdrawal that is the only one that was sent.
    function proofOf(Withdrawal memory withdrawal) internal view returns (ProofBuilder.Proof memory) {
        bytes32[] memory sent = new bytes32[](1);
        sent[0] = Withdrawals.hash(withdrawal);
        return builder.prove(sent, sent[0]);
    }

    /// @notice The chain proves that it sent a withdrawal, which is claimed.
    function claim(ChainMock chain, Withdrawal memory withdrawal) internal {
        ProofBuilder.Proof memory proof = proofOf(withdrawal);
        chain.prove(proof.stateRoot);
        claimWith(address(chain), withdrawal, proof);
    }

    /// @notice The same, and the claim is refused.
    function expectRefused(ChainMock chain, Withdrawal memory withdrawal, bytes memory reason) internal {
        ProofBuilder.Proof memory proof = proofOf(withdrawal);
        chain.prove(proof.stateRoot);
        expectRefusedWith(address(chain), withdrawal, proof, reason);
    }

    function expectRefusedWith(
        address rollup,
        Withdrawal memory withdrawal,
        ProofBuilder.Proof memory proof,
        bytes memory reason
    ) internal {
        vm.expectRevert(reason);
        claimWith(rollup, withdrawal, proof);
        vm.assertTrue(!bridge.finalized(rollup, Withdrawals.hash(withdrawal)));
    }

    function claimWith(address rollup, Withdrawal memory withdrawal, ProofBuilder.Proof memory proof)
        internal
    {
        bridge.finalizeWithdrawal(rollup, proof.stateRoot, withdrawal, proof.ofAccount, proof.ofStorage);
    }

    function claimCall(address rollup, Withdrawal memory withdrawal) internal view returns (bytes memory) {
        ProofBuilder.Proof memory proof = proofOf(withdrawal);
        return abi.encodeCall(
            IBridge.finalizeWithdrawal,
            (rollup, proof.stateRoot, withdrawal, proof.ofAccount, proof.ofStorage)
        );
    }

    function aboveDeposits(address rollup, address l2Token, uint256 amount, uint256 left)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(IBridge.AboveDeposits.selector, rollup, l2Token, amount, left);
    }
}
