// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice What leaves an L3 chain: ETH, a token, a call, to L2 or by it to another chain.
struct Withdrawal {
    /// Its number on the chain that it leaves, from 0.
    uint256 id;
    /// The account on L3 that sent it.
    address sender;
    /// The `Rollup` of the chain that it goes to; zero for L2.
    address destination;
    /// The account there that is paid and called.
    address recipient;
    /// The token on L2; zero for ETH.
    address token;
    /// In wei, or in the token's smallest unit.
    uint256 amount;
    /// What whoever has a call on another chain made is paid there, in wei, beside the amount; zero for L2.
    uint256 fee;
    /// Gas that a call has at least.
    uint64 gasLimit;
    /// What the recipient is called with, if anything. Empty for tokens.
    bytes data;
}

/// @title What L2 and L3 both know of withdrawals
library Withdrawals {
    /// @notice What identifies a withdrawal of a chain.
    function hash(Withdrawal memory withdrawal) internal pure returns (bytes32) {
        return keccak256(abi.encode(withdrawal));
    }

    /// @notice Where `L3Bridge` stores that a withdrawal was sent: `mapping(bytes32 => bool)` in its slot 0.
    function slot(bytes32 withdrawalHash) internal pure returns (bytes32) {
        return keccak256(abi.encode(withdrawalHash, uint256(0)));
    }
}
