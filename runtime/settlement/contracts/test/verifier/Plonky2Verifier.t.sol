// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MalformedProof, MalformedStatement} from "src/verifier/IProofVerifier.sol";
import {Plonky2Verifier} from "src/verifier/Plonky2Verifier.sol";
import {vm} from "./Vm.sol";

/// The contract on the fixture: a real proof (runtime/proving/src/onchain/tests makes it, and tests far more).
contract Plonky2VerifierTest {
    /// A contract's largest size (EIP-170), and the largest creation code (EIP-3860).
    uint256 private constant MAX_CODE = 24_576;

    Plonky2Verifier private verifier;
    bytes private proof;
    uint64[4] private statement;

    function setUp() external {
        proof = vm.readFileBinary("test/vectors/proof.bin");
        string memory key = vm.readFile("test/vectors/key.json");
        bytes32[] memory cap = vm.parseJsonBytes32Array(key, ".constantsSigmasCap");
        bytes32[16] memory fixedCap;
        for (uint256 i = 0; i < 16; ++i) {
            fixedCap[i] = cap[i];
        }
        verifier = new Plonky2Verifier(vm.parseJsonBytes32(key, ".circuitDigest"), fixedCap);
        uint256[] memory elements = vm.parseJsonUintArray(vm.readFile("test/vectors/statement.json"), "$");
        for (uint256 i = 0; i < 4; ++i) {
            statement[i] = uint64(elements[i]);
        }
    }

    function test_a_real_proof_is_accepted() external view {
        require(verifier.verify(proof, statement), "refused");
    }

    function test_contracts_fit_the_size_limits() external view {
        require(address(verifier).code.length <= MAX_CODE, "verifier too large");
        require(
            type(Plonky2Verifier).creationCode.length + 17 * 32 <= 2 * MAX_CODE, "creation code too large"
        );
    }

    function test_a_changed_byte_is_never_accepted(uint256 offset, uint8 change) external view {
        bytes memory changed = proof;
        bytes1 difference = bytes1(change == 0 ? 1 : change);
        changed[offset % changed.length] ^= difference;
        try verifier.verify(changed, statement) returns (bool accepted) {
            require(!accepted, "accepted");
        } catch {}
    }

    function test_another_statement_is_not_accepted(uint64[4] calldata other) external view {
        try verifier.verify(proof, other) returns (bool accepted) {
            require(!accepted, "accepted");
        } catch (bytes memory reason) {
            require(bytes4(reason) == MalformedStatement.selector, "other reason");
        }
    }

    function test_proofs_of_another_length_revert(bytes calldata bytes_) external view {
        try verifier.verify(bytes_, statement) returns (bool) {
            revert("not refused");
        } catch (bytes memory reason) {
            require(bytes4(reason) == MalformedProof.selector, "other reason");
        }
    }
}
