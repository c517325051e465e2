// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBridge} from "src/bridge/IBridge.sol";
import {Withdrawal, Withdrawals} from "src/bridge/Withdrawal.sol";
import {BridgeFixture} from "./BridgeFixture.sol";
import {ProofBuilder} from "./ProofBuilder.sol";

/// @notice What deposits and claims cost as the only call of a transaction, with an inbox that keeps nothing. Proofs
/// are those of a state of 16^6 accounts and 16^3 withdrawals: all branches are full. Recipients are new to L2 and to the token.
/// @dev `setUp` is a transaction of its own, so that what it touched is cold.
contract BridgeGasTest is BridgeFixture {
    /// @dev Printed by forge, and read by `scripts/contracts gas`.
    event log_named_uint(string key, uint256 val);

    bytes private _etherClaim;
    bytes private _tokenClaim;
    bytes private _tokenDeposit;
    bytes private _laterTokenDeposit;
    /// @dev A chain with accounts in ETH and in the token.
    address private _known;

    function setUp() external {
        give(address(first), 10 ether);
        giveToken(address(first), token, 10 ether);
        _etherClaim = prepare(etherTo(BOB, 1 ether));
        _tokenClaim = prepare(tokenTo(address(token), BOB, 1 ether));
        token.mint(address(this), 100);
        token.approve(address(bridge), 100);
        address twin = bridge.twinOf(address(token));
        _tokenDeposit = abi.encodeCall(IBridge.deposit, (address(lying), address(token), twin, BOB, 1, 0));
        _known = create("Chains.sol:LyingChain", abi.encode(bridge));
        give(_known, 1);
        giveToken(_known, token, 1);
        token.approve(address(bridge), 100);
        _laterTokenDeposit = abi.encodeCall(IBridge.deposit, (_known, address(token), twin, BOB, 1, 0));
    }

    function test_a_claim_of_ether_costs_at_most_150000_gas() external {
        vm.assertTrue(measure("claim of ETH", 0, _etherClaim) <= 150_000);
    }

    function test_a_claim_of_a_token_costs_at_most_150000_gas() external {
        vm.assertTrue(measure("claim of a token", 0, _tokenClaim) <= 150_000);
    }

    function test_the_first_deposit_of_ether_to_a_chain_costs_at_most_60000_gas() external {
        bytes memory data = abi.encodeCall(IBridge.depositEther, (address(lying), BOB, 1, 0));
        vm.assertTrue(measure("first deposit of ETH to a chain", 2, data) <= 60_000);
    }

    function test_the_first_message_to_a_chain_costs_at_most_60000_gas() external {
        bytes memory call = new bytes(100);
        bytes memory data = abi.encodeCall(IBridge.sendMessage, (address(lying), BOB, 1, 1, 0, ALICE, call));
        vm.assertTrue(measure("first call of 100 bytes to a chain", 2, data) <= 60_000);
    }

    function test_the_first_deposit_of_a_token_to_a_chain_costs_at_most_100000_gas() external {
        vm.assertTrue(measure("first deposit of a token to a chain", 0, _tokenDeposit) <= 100_000);
    }

    function test_a_later_deposit_of_ether_costs_at_most_40000_gas() external {
        bytes memory data = abi.encodeCall(IBridge.depositEther, (_known, BOB, 1, 0));
        vm.assertTrue(measure("deposit of ETH", 2, data) <= 40_000);
    }

    function test_a_later_deposit_of_a_token_costs_at_most_80000_gas() external {
        vm.assertTrue(measure("deposit of a token", 0, _laterTokenDeposit) <= 80_000);
    }

    function prepare(Withdrawal memory withdrawal) private returns (bytes memory) {
        ProofBuilder.Proof memory proof = builder.proveDeep(Withdrawals.hash(withdrawal), 7, 4);
        first.prove(proof.stateRoot);
        return abi.encodeCall(
            IBridge.finalizeWithdrawal,
            (address(first), proof.stateRoot, withdrawal, proof.ofAccount, proof.ofStorage)
        );
    }

    function measure(string memory what, uint256 value, bytes memory data) private returns (uint256 gas) {
        (bool succeeded,) = address(bridge).call{value: value}(data);
        gas = vm.lastCallGas().gasTotalUsed;
        vm.assertTrue(succeeded);
        emit log_named_uint(what, gas + intrinsic(data));
    }

    /// @dev Of a transaction with this calldata, under Cancun's prices.
    function intrinsic(bytes memory data) private pure returns (uint256 gas) {
        gas = 21_000;
        for (uint256 i = 0; i < data.length; ++i) {
            gas += data[i] == 0 ? 4 : 16;
        }
    }
}
