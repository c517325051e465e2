// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "src/IRollup.sol";
import {Predeploys} from "src/l3/Predeploys.sol";
import {LibZip} from "solady/utils/LibZip.sol";
import {PlainStateTrie} from "../bridge/PlainStateTrie.sol";
import {RollupFixture} from "./RollupFixture.sol";

/// @notice Blocks of later times, states that have processed messages, and somebody who takes over.
abstract contract WaitingFixture is RollupFixture {
    address internal constant OUTSIDER = address(0x0075);

    /// @dev Blocks are made from this time on, and name the L2 block before the present one, which is of that time.
    function goTo(uint64 time) internal {
        vm.warp(time + 1);
        earliest = time;
        if (named < L2_BLOCK) named = L2_BLOCK;
        vm.roll(++named + 1);
        vm.setBlockhash(named, l2Hash(named));
    }

    function claimOf(Batch memory parent, Batch memory batch) internal view returns (Claim memory) {
        Batch[] memory batches = new Batch[](1);
        batches[0] = batch;
        return proveAll(parent, batches);
    }

    function encoded(Batch memory batch, Claim memory claim)
        internal
        pure
        returns (bytes memory commit_, bytes memory proof)
    {
        commit_ = abi.encode(
            batch.number,
            batch.previous,
            batch.posted,
            LibZip.flzCompress(batch.transactions),
            batch.forced,
            batch.tip.blockHash
        );
        proof = abi.encode(uint64(1), uint64(1), claim.extents, claim.batches, claim.proof, claim.messages);
    }

    /// @dev Blocks end with a state that has processed so many messages; its proof.
    function processed(uint40 count) internal returns (IRollup.InboxProof memory proof) {
        bytes32 slot = keccak256(abi.encode(uint256(0)));
        uint256 value = uint256(keccak256("queue")) << 40 | count;
        bytes32 root;
        (root, proof.slot) = PlainStateTrie.proveDeep(slot, encodedNumber(value), 2, "slots");
        bytes memory account = PlainStateTrie.account(1, 1 ether, root, keccak256("code"));
        bytes32 key = keccak256(abi.encodePacked(Predeploys.L3_INBOX));
        (stateAfter, proof.account) = PlainStateTrie.proveDeep(key, account, 3, "accounts");
    }

    function encodedNumber(uint256 value) private pure returns (bytes memory) {
        // It has 32 bytes.
        return bytes.concat(hex"a0", bytes32(value));
    }
}
