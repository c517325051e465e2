// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {StrictRlp} from "./StrictRlp.sol";
import {TrieWalk} from "./TrieWalk.sol";

/// @title What a state holds, by proof
/// @notice Proofs are those of `eth_getProof`. A broken one always reverts (`TrieWalk.InvalidNode`, `TrieWalk.MalformedNode`,
/// `StrictRlp.MalformedRlp`): `tryAccount` and `trySlot` answer that there is nothing only where it is proven.
library StateProof {
    /// @notice An account of a state.
    struct Account {
        uint64 nonce;
        uint256 balance;
        bytes32 storageRoot;
        bytes32 codeHash;
    }

    /// @notice It is proven that the state has no such account.
    error AccountAbsent(address account);
    /// @notice It is proven that the slot is zero.
    error SlotAbsent(bytes32 slot);

    /// @notice An account that the state has.
    function account(bytes32 stateRoot, address owner, bytes[] calldata proof)
        internal
        pure
        returns (Account memory found)
    {
        bool exists;
        (exists, found) = tryAccount(stateRoot, owner, proof);
        if (!exists) revert AccountAbsent(owner);
    }

    /// @notice An account; all zeros, hashes too, if the state has none.
    function tryAccount(bytes32 stateRoot, address owner, bytes[] calldata proof)
        internal
        pure
        returns (bool exists, Account memory found)
    {
        bytes calldata value = TrieWalk.find(stateRoot, keccak256(abi.encodePacked(owner)), proof);
        if (value.length != 0) (exists, found) = (true, _decode(value));
    }

    /// @notice The value of a slot that is not zero.
    /// @param storageRoot Of its account.
    function slot(bytes32 storageRoot, bytes32 key, bytes[] calldata proof)
        internal
        pure
        returns (uint256 value)
    {
        value = trySlot(storageRoot, key, proof);
        if (value == 0) revert SlotAbsent(key);
    }

    /// @notice The value of a slot. One that is zero is not in the trie.
    /// @param storageRoot Of its account.
    function trySlot(bytes32 storageRoot, bytes32 key, bytes[] calldata proof)
        internal
        pure
        returns (uint256 value)
    {
        bytes calldata encoded = TrieWalk.find(storageRoot, keccak256(abi.encode(key)), proof);
        if (encoded.length == 0) return 0;
        (uint256 position, uint256 end) = _bounds(encoded);
        (value, position) = _number(position, end);
        if (value == 0 || position != end) revert StrictRlp.MalformedRlp();
    }

    /// @dev [nonce, balance, storage root, code hash]
    function _decode(bytes calldata encoded) private pure returns (Account memory found) {
        (uint256 position, uint256 end) = _bounds(encoded);
        (bool isList, uint256 start, uint256 next) = StrictRlp.item(position, end);
        if (!isList || next != end) revert StrictRlp.MalformedRlp();
        uint256 nonce;
        (nonce, position) = _number(start, end);
        if (nonce > type(uint64).max) revert StrictRlp.MalformedRlp();
        found.nonce = uint64(nonce);
        (found.balance, position) = _number(position, end);
        (found.storageRoot, position) = _hash(position, end);
        (found.codeHash, position) = _hash(position, end);
        if (position != end) revert StrictRlp.MalformedRlp();
    }

    function _number(uint256 position, uint256 end) private pure returns (uint256 value, uint256 next) {
        bool isList;
        (isList, position, next) = StrictRlp.item(position, end);
        if (isList) revert StrictRlp.MalformedRlp();
        value = StrictRlp.number(position, next);
    }

    function _hash(uint256 position, uint256 end) private pure returns (bytes32 value, uint256 next) {
        bool isList;
        (isList, position, next) = StrictRlp.item(position, end);
        if (isList || next - position != 32) revert StrictRlp.MalformedRlp();
        value = bytes32(StrictRlp.load(position));
    }

    function _bounds(bytes calldata encoded) private pure returns (uint256 position, uint256 end) {
        assembly ("memory-safe") {
            position := encoded.offset
            end := add(position, encoded.length)
        }
    }
}
