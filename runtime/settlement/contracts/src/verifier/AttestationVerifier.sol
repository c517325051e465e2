// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {P} from "./Goldilocks.sol";
import {IProofVerifier, MalformedProof, MalformedStatement} from "./IProofVerifier.sol";

/// @title Accepts what enough independent watchers have signed
/// @notice Watchers execute every batch themselves and sign what came out (EIP-712). Beside a proof of the execution,
/// in a `VerifierSet`, they guard against a fault of the proof system, and can do nothing by themselves. Its proof is
/// `threshold` signatures (r, s, v: 65 bytes each), in ascending order of their signers' addresses.
contract AttestationVerifier is IProofVerifier, EIP712 {
    /// The threshold is 0 or above the number of watchers, or watchers are not in ascending order.
    error InvalidWatchers();

    bytes32 private constant ATTESTATION_TYPEHASH = keccak256("Attestation(uint64[4] statement)");
    uint256 private constant SIGNATURE = 65;

    /// @notice Signatures that a proof holds.
    uint256 public immutable threshold;
    address[] private _watchers;
    mapping(address account => bool) private _isWatcher;

    /// @param accounts The watchers' accounts, in ascending order.
    constructor(address[] memory accounts, uint256 required) EIP712("Tern attestation", "1") {
        if (required == 0 || required > accounts.length) revert InvalidWatchers();
        address last = address(0);
        for (uint256 i = 0; i < accounts.length; ++i) {
            if (accounts[i] <= last) revert InvalidWatchers();
            last = accounts[i];
            _isWatcher[last] = true;
        }
        (_watchers, threshold) = (accounts, required);
    }

    /// @inheritdoc IProofVerifier
    function proofType() external pure returns (string memory) {
        return "attestation";
    }

    /// @notice The watchers' accounts.
    function watchers() external view returns (address[] memory) {
        return _watchers;
    }

    /// @notice What a watcher signs.
    function digest(uint64[4] calldata statement) public view returns (bytes32) {
        bytes32 elements = keccak256(abi.encode(statement));
        return _hashTypedDataV4(keccak256(abi.encode(ATTESTATION_TYPEHASH, elements)));
    }

    /// @inheritdoc IProofVerifier
    function verify(bytes calldata proof, uint64[4] calldata statement) external view returns (bool) {
        if (proof.length != threshold * SIGNATURE) revert MalformedProof();
        for (uint256 i = 0; i < 4; ++i) {
            if (statement[i] >= P) revert MalformedStatement();
        }
        bytes32 signed = digest(statement);
        address last = address(0);
        for (uint256 at = 0; at < proof.length; at += SIGNATURE) {
            (address signer, ECDSA.RecoverError error,) = ECDSA.tryRecover(signed, proof[at:at + SIGNATURE]);
            if (error != ECDSA.RecoverError.NoError || signer <= last || !_isWatcher[signer]) return false;
            last = signer;
        }
        return true;
    }
}
