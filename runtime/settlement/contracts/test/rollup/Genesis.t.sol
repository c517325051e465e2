// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {IRollup} from "src/IRollup.sol";
import {Rollup} from "src/Rollup.sol";
import {Statement} from "src/rollup/Statement.sol";
import {IProofVerifier} from "src/verifier/IProofVerifier.sol";
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
        vm.assertEq(rollup.owner(), OWNER);
        vm.assertEq(rollup.deploymentBlock(), L2_BLOCK);
    }

    function test_the_L2_block_before_the_deployment_is_recorded() external view {
        vm.assertEq(rollup.recordedBlock(l2Hash(L2_BLOCK - 1)), L2_BLOCK - 1);
    }

    function test_a_chain_id_outside_32_bits_is_refused() external {
        genesis.chainId = 0;
        expectInvalid("chainId");
        genesis.chainId = 1 << 32;
        expectInvalid("chainId");
    }

    function test_a_gas_limit_outside_its_range_is_refused() external {
        genesis.gasLimit = 4999;
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

    function test_a_verifier_without_code_is_refused() external {
        vm.expectRevert(abi.encodeWithSelector(IRollup.InvalidGenesis.selector, "verifier"));
        new Rollup(genesis, OWNER, OPERATOR, IProofVerifier(address(0xdead)));
    }

    function expectInvalid(string memory name) private {
        vm.expectRevert(abi.encodeWithSelector(IRollup.InvalidGenesis.selector, name));
        new Rollup(genesis, OWNER, OPERATOR, verifier);
    }
}
