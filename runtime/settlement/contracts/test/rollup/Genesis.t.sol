// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "src/IRollup.sol";
import {IGovernance} from "src/IGovernance.sol";
import {Rollup} from "src/Rollup.sol";
import {ForcedQueue} from "src/forced/ForcedQueue.sol";
import {Statement} from "src/rollup/Statement.sol";
import {RollupFixture} from "./RollupFixture.sol";

contract GenesisTest is RollupFixture {
    function test_a_new_chain_stands_at_genesis() external view {
        IRollup.Status memory status = rollup.status();
        vm.assertEq(status.lastCommittedBatch, 0);
        vm.assertEq(status.lastVerifiedBatch, 0);
        vm.assertEq(status.verifiedBlockNumber, 0);
        vm.assertEq(status.verifiedTimestamp, genesis.timestamp);
        vm.assertEq(status.verifiedStateRoot, genesis.stateRoot);
        vm.assertEq(status.verifiedBlockHash, genesis.blockHash);
        vm.assertEq(
            keccak256(abi.encode(status.verifiedHashWindow)), keccak256(abi.encode(genesis.hashWindow))
        );
        vm.assertEq(rollup.batchHash(0), hashOf(opening(genesisBatch())));
        vm.assertEq(rollup.chainId(), 4242);
        vm.assertEq(rollup.gasLimit(), GAS_LIMIT);
        vm.assertEq(rollup.beneficiary(), genesis.beneficiary);
        vm.assertEq(rollup.genesisHash(), genesis.blockHash);
        vm.assertEq(rollup.verifier(), address(verifier));
        vm.assertEq(rollup.operator(), OPERATOR);
        vm.assertEq(rollup.governance(), address(governance));
        vm.assertEq(rollup.deploymentBlock(), L2_BLOCK);
    }

    function test_the_L2_block_before_the_deployment_is_recorded() external view {
        (uint64 number, uint64 timestamp) = rollup.recordedBlock(l2Hash(L2_BLOCK - 1));
        vm.assertEq(number, L2_BLOCK - 1);
        vm.assertEq(timestamp, START);
    }

    function test_a_chain_id_outside_32_bits_is_refused() external {
        genesis.chainId = 0;
        expectInvalid("chainId");
        genesis.chainId = 1 << 32;
        expectInvalid("chainId");
    }

    function test_a_gas_limit_outside_its_range_is_refused() external {
        genesis.gasLimit = 9_999_999;
        expectInvalid("gasLimit");
        genesis.gasLimit = 1 << 32;
        expectInvalid("gasLimit");
    }

    function test_more_gas_used_than_the_limit_is_refused() external {
        genesis.gasUsed = GAS_LIMIT + 1;
        expectInvalid("gasUsed");
    }

    function test_a_zero_block_hash_is_refused() external {
        genesis.blockHash = 0;
        expectInvalid("blockHash");
    }

    function test_a_window_digest_beyond_the_prime_is_refused() external {
        genesis.hashWindow[2] = uint64(Statement.PRIME);
        expectInvalid("hashWindow");
    }

    function test_a_genesis_of_the_future_is_refused() external {
        genesis.timestamp = uint64(block.timestamp) + 1;
        expectInvalid("timestamp");
        genesis.timestamp = uint64(block.timestamp);
        ForcedQueue queue = queueOfNext(genesis.chainId, INCLUSION);
        new Rollup(genesis, OPERATOR, governance, bridge, queue, NO_DISPUTES, deadlines());
    }

    function test_a_chain_without_operator_is_refused() external {
        ForcedQueue queue = queueOfNext(genesis.chainId, INCLUSION);
        vm.expectRevert(abi.encodeWithSelector(IRollup.InvalidOperator.selector, address(0)));
        new Rollup(genesis, address(0), governance, bridge, queue, NO_DISPUTES, deadlines());
    }

    function test_the_governance_of_another_chain_is_refused() external {
        genesis.chainId += 1;
        expectInvalid("governance");
        genesis.chainId -= 1;
        genesis.gasLimit += 1;
        expectInvalid("governance");
        genesis.gasLimit -= 1;
        genesis.beneficiary = address(1);
        expectInvalid("governance");
    }

    function test_a_governance_without_code_is_refused() external {
        ForcedQueue queue = queueOfNext(genesis.chainId, INCLUSION);
        vm.expectRevert(abi.encodeWithSelector(IRollup.InvalidGenesis.selector, "governance"));
        new Rollup(genesis, OPERATOR, IGovernance(address(0xdead)), bridge, queue, NO_DISPUTES, deadlines());
    }

    function test_a_bridge_without_code_is_refused() external {
        bridge = address(0xdead);
        expectInvalid("bridge");
    }

    function test_the_forced_queue_of_another_chain_is_refused() external {
        ForcedQueue queue = queueOfNext(genesis.chainId + 1, INCLUSION);
        expectQueueRefused(queue);
        queue = queueOfNext(genesis.chainId, INCLUSION + 1);
        expectQueueRefused(queue);
        queue = queueOfNext(genesis.chainId, INCLUSION);
        // Not of the next contract.
        queueOfNext(genesis.chainId, INCLUSION);
        expectQueueRefused(queue);
        expectQueueRefused(ForcedQueue(address(0xdead)));
    }

    function test_deadlines_that_promise_nothing_are_refused() external {
        for (uint256 i = 0; i < 7; ++i) {
            uint64[3] memory all = [INCLUSION, LIVENESS, EMERGENCY];
            // The last: a pause alone would open the chain.
            if (i == 6) all[1] = governance.PAUSE();
            else all[i / 2] = i % 2 == 0 ? 0 : 30 days + 1;
            IRollup.Deadlines memory wrong = IRollup.Deadlines(all[0], all[1], all[2]);
            ForcedQueue queue = queueOfNext(genesis.chainId, all[0]);
            vm.expectRevert(abi.encodeWithSelector(IRollup.InvalidGenesis.selector, "deadlines"));
            new Rollup(genesis, OPERATOR, governance, bridge, queue, NO_DISPUTES, wrong);
        }
    }

    function test_an_L2_that_does_not_know_its_own_blocks_is_refused() external {
        vm.setBlockhash(L2_BLOCK - 1, 0);
        ForcedQueue queue = queueOfNext(genesis.chainId, INCLUSION);
        vm.expectRevert(abi.encodeWithSelector(IRollup.BlockHashUnavailable.selector, L2_BLOCK - 1));
        new Rollup(genesis, OPERATOR, governance, bridge, queue, NO_DISPUTES, deadlines());
    }

    function test_the_chains_contracts_fit_the_size_limits() external view {
        // EIP-170, and twice as much for creation code (EIP-3860).
        uint256 most = 24_576;
        vm.assertTrue(address(rollup).code.length <= most);
        vm.assertTrue(address(governance).code.length <= most);
        vm.assertTrue(governance.conflictCheck().code.length <= most);
        vm.assertTrue(rollup.forcedQueue().code.length <= most);
        vm.assertTrue(vm.getCode("Rollup.sol:Rollup").length + 20 * 32 <= 2 * most);
        vm.assertTrue(vm.getCode("Governance.sol:Governance").length + 7 * 32 <= 2 * most);
    }

    function expectInvalid(string memory name) private {
        ForcedQueue queue = queueOfNext(genesis.chainId, INCLUSION);
        vm.expectRevert(abi.encodeWithSelector(IRollup.InvalidGenesis.selector, name));
        new Rollup(genesis, OPERATOR, governance, bridge, queue, NO_DISPUTES, deadlines());
    }

    function expectQueueRefused(ForcedQueue queue) private {
        vm.expectRevert(abi.encodeWithSelector(IRollup.InvalidGenesis.selector, "forcedQueue"));
        new Rollup(genesis, OPERATOR, governance, bridge, queue, NO_DISPUTES, deadlines());
    }
}
