// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IProofVerifier} from "src/verifier/IProofVerifier.sol";

/// @notice Accepts one statement, and as its proof the statement itself.
contract VerifierMock is IProofVerifier {
    function proofOf(uint64[4] memory statement) public pure returns (bytes memory) {
        return abi.encode("proof of", statement);
    }

    function proofType() external pure virtual returns (string memory) {
        return "mock";
    }

    function verify(bytes calldata proof, uint64[4] calldata statement) external pure virtual returns (bool) {
        return keccak256(proof) == keccak256(proofOf(statement));
    }
}
