// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "src/IRollup.sol";
import {RollupFixture} from "./RollupFixture.sol";

/// @notice What a block and a transaction add to commit and proof, beyond calldata and the verifier.
contract GasTest is RollupFixture {
    function test_a_block_costs_at_most_50000_gas() external {
        uint256 one = commitAndProve(counts(1, 1));
        setUp();
        uint256 many = commitAndProve(counts(21, 1));
        uint256 each = (many - one) / 20;
        vm.assertTrue(each <= 50_000);
        emit Gas("for each block with one transaction", each);
    }

    function test_a_transaction_costs_at_most_6000_gas() external {
        uint256 few = commitAndProve(counts(1, 100));
        setUp();
        uint256 many = commitAndProve(counts(1, 200));
        uint256 each = (many - few) / 100;
        vm.assertTrue(each <= 6000);
        emit Gas("for each transaction", each);
    }

    event Gas(string what, uint256 gas);

    function commitAndProve(uint256[] memory transactions) private returns (uint256 used) {
        Batch[] memory batches = new Batch[](1);
        // 128 bytes of seed: transactions are a little longer than transfers.
        batches[0] = make(genesisBatch(), transactions, string(new bytes(128)));
        Claim memory claim = proveAll(genesisBatch(), batches);
        commit(batches[0]);
        used = vm.lastCallGas().gasTotalUsed;
        submit(1, 1, claim);
        used += vm.lastCallGas().gasTotalUsed;
    }

    function counts(uint256 blocks, uint256 transactions) private pure returns (uint256[] memory out) {
        out = new uint256[](blocks);
        for (uint256 i = 0; i < blocks; ++i) {
            out[i] = transactions;
        }
    }
}
