// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {TrieProof} from "@openzeppelin/contracts/utils/cryptography/TrieProof.sol";
import {StateProof} from "src/bridge/StateProof.sol";
import {TrieWalk} from "src/bridge/TrieWalk.sol";

/// @notice The libraries, called with calldata; and OpenZeppelin's for comparison.
contract ProofCaller {
    function find(bytes32 root, bytes32 key, bytes[] calldata proof) external pure returns (bytes memory) {
        return TrieWalk.find(root, key, proof);
    }

    function traverse(bytes32 root, bytes32 key, bytes[] calldata proof)
        external
        pure
        returns (bytes memory)
    {
        return TrieProof.traverse(root, abi.encode(key), proof);
    }

    function account(bytes32 root, address owner, bytes[] calldata proof)
        external
        pure
        returns (StateProof.Account memory)
    {
        return StateProof.account(root, owner, proof);
    }

    function tryAccount(bytes32 root, address owner, bytes[] calldata proof)
        external
        pure
        returns (bool, StateProof.Account memory)
    {
        return StateProof.tryAccount(root, owner, proof);
    }

    function slot(bytes32 root, bytes32 key, bytes[] calldata proof) external pure returns (uint256) {
        return StateProof.slot(root, key, proof);
    }

    function trySlot(bytes32 root, bytes32 key, bytes[] calldata proof) external pure returns (uint256) {
        return StateProof.trySlot(root, key, proof);
    }
}
