// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IProofVerifier, MalformedProof, isOfType} from "./IProofVerifier.sol";

/// @title Several verifiers, all of which must accept
/// @notice A deployment that does not want to rely on one kind of proof gives the Rollup this one. Its proof is
/// abi.encode(bytes[]): one proof for each of `verifiers()`, in that order.
contract VerifierSet is IProofVerifier {
    /// No verifier, one without code, one that is named twice, or another set: whoever asks on whom a chain relies looks
    /// into one set only.
    error InvalidVerifiers();

    IProofVerifier[] private _verifiers;

    constructor(IProofVerifier[] memory required) {
        if (required.length == 0) revert InvalidVerifiers();
        for (uint256 i = 0; i < required.length; ++i) {
            if (address(required[i]).code.length == 0 || requires(required[i])) revert InvalidVerifiers();
            if (isOfType(required[i], proofType())) revert InvalidVerifiers();
            _verifiers.push(required[i]);
        }
    }

    /// @inheritdoc IProofVerifier
    function proofType() public pure returns (string memory) {
        return "all";
    }

    /// @notice The verifiers, in the order of their proofs.
    function verifiers() external view returns (IProofVerifier[] memory) {
        return _verifiers;
    }

    /// @notice Whether this is one of them.
    function requires(IProofVerifier verifier) public view returns (bool) {
        for (uint256 i = 0; i < _verifiers.length; ++i) {
            if (_verifiers[i] == verifier) return true;
        }
        return false;
    }

    /// @inheritdoc IProofVerifier
    function verify(bytes calldata proof, uint64[4] calldata statement) external view returns (bool) {
        bytes[] memory proofs = abi.decode(proof, (bytes[]));
        if (proofs.length != _verifiers.length) revert MalformedProof();
        for (uint256 i = 0; i < proofs.length; ++i) {
            if (!_verifiers[i].verify(proofs[i], statement)) return false;
        }
        return true;
    }
}
