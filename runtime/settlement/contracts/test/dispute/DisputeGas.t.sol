// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {DisputeFixture} from "./DisputeFixture.sol";

/// @notice What disputes cost as the only call of a transaction, with a verifier that costs nothing.
/// @dev `setUp` is a transaction of its own, so that what it touched is cold.
contract DisputeGasTest is DisputeFixture {
    /// @dev Printed by forge, and read by `scripts/contracts gas`.
    event log_named_uint(string key, uint256 val);

    bytes private _proposal;
    bytes private _challenge;
    bytes private _answer;
    bytes private _finalization;

    function setUp() public override {
        super.setUp();
        commitNext(20, "first");
        commitNext(20, "second");
        commitNext(20, "third");
        propose(1);
        propose(2);
        challenge(2, 10);
        _proposal = proposing(3);
        _challenge = challenging(1, 10);
        _answer = answering(2, 10, answerOf(2, 10));
        _finalization = finalizing(1);
    }

    function test_a_proposal_costs_at_most_300000_gas() external {
        uint256 gas = measure("proposal of a batch of 20 blocks", OPERATOR, 0, _proposal);
        vm.assertTrue(gas <= 300_000);
    }

    function test_a_challenge_costs_at_most_200000_gas() external {
        uint256 gas = measure("challenge of a block", CHALLENGER, BOND, _challenge);
        vm.assertTrue(gas <= 200_000);
    }

    function test_an_answer_costs_at_most_300000_gas_beside_the_verifier() external {
        uint256 gas =
            measure("answer for one of 20 blocks, without the proof and its verifier", OUTSIDER, 0, _answer);
        vm.assertTrue(gas <= 300_000);
    }

    function test_a_batch_is_made_final_without_a_proof_and_costs_at_most_200000_gas() external {
        waitUntil(time + WINDOW + 1);
        uint256 gas = measure("finality of a batch that nobody challenged", OUTSIDER, 0, _finalization);
        vm.assertTrue(gas <= 200_000);
    }

    function test_a_lost_challenge_is_decided_and_costs_at_most_200000_gas() external {
        waitUntil(time + PROOF_TIME + 1);
        uint256 gas = measure("decision of a challenge that was not answered", OUTSIDER, 0, settling(2, 10));
        vm.assertTrue(gas <= 200_000);
    }

    function measure(string memory what, address who, uint256 value, bytes memory data)
        private
        returns (uint256 gas)
    {
        act(who, value, data);
        gas = vm.lastCallGas().gasTotalUsed + intrinsic(data);
        emit log_named_uint(what, gas);
    }

    /// @dev Of a transaction with this calldata, under Cancun's prices.
    function intrinsic(bytes memory data) private pure returns (uint256 gas) {
        gas = 21_000;
        for (uint256 i = 0; i < data.length; ++i) {
            gas += data[i] == 0 ? 4 : 16;
        }
    }
}
