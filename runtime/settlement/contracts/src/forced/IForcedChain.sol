// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What the queue of forced transactions asks its chain (`IRollup`)
interface IForcedChain {
    /// @notice The first entry of the queue that the last proven block leaves.
    function verifiedForced() external view returns (uint64);
    /// @notice State root after the last proven block.
    function verifiedStateRoot() external view returns (bytes32);
    /// @notice Time of the last proven block.
    function verifiedTimestamp() external view returns (uint64);
}
