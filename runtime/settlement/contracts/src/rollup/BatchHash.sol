// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../IRollup.sol";

/// @title What a chain remembers of a batch: one hash, which covers all batches before it
library BatchHash {
    /// @notice The hash of a batch.
    function compute(bytes32 parent, bytes32 blocksDigest, IRollup.BlockTip memory tip, uint64 forced)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(parent, blocksDigest, keccak256(abi.encode(tip)), forced));
    }

    /// @notice The hash that this opens.
    function compute(IRollup.Opening calldata batch) internal pure returns (bytes32) {
        return compute(batch.parentBatchHash, batch.blocksDigest, batch.tip, batch.forced);
    }
}
