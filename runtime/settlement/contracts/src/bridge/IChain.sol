// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title What `IBridge` asks a chain, its `Rollup`
interface IChain {
    /// @notice The chain's `IInbox`, which names the chain in turn.
    function inbox() external view returns (address);
    /// @notice Whether a block of the chain with this state root was proven. What was proven stays so.
    function isProven(bytes32 stateRoot) external view returns (bool);
    /// @notice Whether the chain ended: its verified state is its last.
    function frozen() external view returns (bool);
    /// @notice State root after the last proven block.
    function verifiedStateRoot() external view returns (bytes32);
}
