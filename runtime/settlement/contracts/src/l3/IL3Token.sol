// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The twin of a token of L2
/// @notice An ERC-20 of which as much exists as was deposited and has not left. Its balances are the mapping in slot 0 of
/// each twin: what anyone owns can be proven to L2.
interface IL3Token {
    /// @notice Only `L3Bridge` mints and burns.
    error NotL3Bridge(address caller);
    /// @notice A twin stays what it is.
    error AlreadyInitialized();

    /// @notice Makes this the twin of a token. Once, by `L3Bridge`.
    function initialize(address l2Token, string calldata name, string calldata symbol, uint8 decimals)
        external;

    /// @notice Creates tokens that were deposited. For `L3Bridge`.
    function mint(address to, uint256 amount) external;

    /// @notice Destroys tokens that leave. For `L3Bridge`, which asks nobody but their owner.
    function burn(address from, uint256 amount) external;

    /// @notice The token on L2.
    function l2Token() external view returns (address);
}
