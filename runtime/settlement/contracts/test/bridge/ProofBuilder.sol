// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Withdrawals} from "src/bridge/Withdrawal.sol";
import {Predeploys} from "src/l3/Predeploys.sol";
import {PlainStateTrie} from "./PlainStateTrie.sol";

/// @notice States of L3 and proofs in them. A contract, so that it is compiled once for all tests.
contract ProofBuilder {
    /// @notice What shows a withdrawal in a state.
    struct Proof {
        bytes32 stateRoot;
        bytes[] ofAccount;
        bytes[] ofStorage;
    }

    /// @notice A state in which `L3Bridge` has sent `sent` withdrawals, and what it holds for `asked`.
    function prove(bytes32[] memory sent, bytes32 asked) external pure returns (Proof memory) {
        bytes[] memory values = new bytes[](sent.length);
        for (uint256 i = 0; i < sent.length; ++i) {
            values[i] = hex"01";
        }
        return proveValues(sent, values, asked);
    }

    function proveValues(bytes32[] memory sent, bytes[] memory values, bytes32 asked)
        public
        pure
        returns (Proof memory proof)
    {
        bytes32[] memory keys = new bytes32[](sent.length);
        for (uint256 i = 0; i < sent.length; ++i) {
            keys[i] = slotKey(sent[i]);
        }
        bytes32 root;
        (root, proof.ofStorage) = PlainStateTrie.prove(keys, values, slotKey(asked));
        (proof.stateRoot, proof.ofAccount) = proveAccount(Predeploys.L3_BRIDGE, root);
    }

    /// @notice A state of two accounts, one of which has that storage; the proof is of `L3Bridge`.
    function proveAccount(address owner, bytes32 storageRoot)
        public
        pure
        returns (bytes32 stateRoot, bytes[] memory proof)
    {
        bytes32[] memory keys = new bytes32[](2);
        bytes[] memory values = new bytes[](2);
        (keys[0], keys[1]) = (accountKey(owner), accountKey(Predeploys.L3_INBOX));
        values[0] = PlainStateTrie.account(1, 0, storageRoot, keccak256("code"));
        values[1] = PlainStateTrie.account(1, 100 ether, keccak256("storage"), keccak256("code"));
        return PlainStateTrie.prove(keys, values, accountKey(Predeploys.L3_BRIDGE));
    }

    /// @notice A withdrawal in a large state.
    function proveDeep(bytes32 sent, uint256 accountNodes, uint256 storageNodes)
        external
        pure
        returns (Proof memory proof)
    {
        bytes32 root;
        (root, proof.ofStorage) = PlainStateTrie.proveDeep(slotKey(sent), hex"01", storageNodes, "storage");
        bytes memory account = PlainStateTrie.account(1, 0, root, keccak256("code"));
        (proof.stateRoot, proof.ofAccount) =
            PlainStateTrie.proveDeep(accountKey(Predeploys.L3_BRIDGE), account, accountNodes, "accounts");
    }

    function slotKey(bytes32 withdrawalHash) private pure returns (bytes32) {
        return keccak256(abi.encode(Withdrawals.slot(withdrawalHash)));
    }

    function accountKey(address account) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(account));
    }
}
