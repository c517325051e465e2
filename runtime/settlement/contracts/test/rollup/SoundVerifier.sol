// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Statement} from "src/rollup/Statement.sol";
import {IProofVerifier} from "src/verifier/IProofVerifier.sol";
import {PlainStatement} from "./PlainStatement.sol";

/// @notice Believes what the circuits would: one stream, with its commitment, evaluated at any point. The proof is the
/// point.
contract SoundVerifier is IProofVerifier {
    uint256[] private _stream;
    uint64[4] private _commitment;

    constructor(uint256[] memory stream, uint64[4] memory commitment) {
        (_stream, _commitment) = (stream, commitment);
    }

    function proofType() external pure returns (string memory) {
        return "mock";
    }

    function verify(bytes calldata proof, uint64[4] calldata statement) external view returns (bool) {
        (uint256 r0, uint256 r1) = abi.decode(proof, (uint256, uint256));
        (uint256 y0, uint256 y1) = PlainStatement.evaluate(_stream, r0, r1);
        uint64[4] memory stated = Statement.digest(_commitment, r0, r1, [uint64(y0), uint64(y1)]);
        return keccak256(abi.encode(stated)) == keccak256(abi.encode(statement));
    }
}
