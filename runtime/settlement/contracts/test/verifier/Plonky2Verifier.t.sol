// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

import {MalformedProof, MalformedStatement} from "src/verifier/IProofVerifier.sol";
import {Plonky2Verifier} from "src/verifier/Plonky2Verifier.sol";
import {vm} from "./Vm.sol";

event Gas(string name, uint256 gas);

contract Plonky2VerifierTest {
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

    function test_a_real_proof_is_accepted() external {
        bytes memory input = proof;
        uint64[4] memory s = statement;
        uint256 gas = gasleft();
        bool ok = verifier.verify(input, s);
        emit Gas("verify", gas - gasleft());
        require(ok, "refused");
    }
}
