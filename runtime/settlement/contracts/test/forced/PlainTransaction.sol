// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {Vm} from "../Test.sol";

/// @notice Signs transactions of L3.
library PlainTransaction {
    using RLP for *;

    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @notice A transaction that sends one ETH, at 30 gwei for each gas at most.
    function signed(uint256 key, uint64 chainId, uint64 nonce, uint64 gas, address to, bytes memory data)
        internal
        pure
        returns (bytes memory)
    {
        return sign(key, fieldsOf(chainId, nonce, 30 gwei, gas, to.encode(), data));
    }

    /// @notice A transfer that offers so little for each gas.
    function cheap(uint256 key, uint64 chainId, uint64 nonce, uint256 fee)
        internal
        pure
        returns (bytes memory)
    {
        return sign(key, fieldsOf(chainId, nonce, fee, 21_000, address(0x1234).encode(), ""));
    }

    /// @notice Creates a contract.
    function creation(uint256 key, uint64 chainId) internal pure returns (bytes memory) {
        return sign(key, fieldsOf(chainId, 0, 30 gwei, 53_000, hex"80", ""));
    }

    function fieldsOf(
        uint64 chainId,
        uint64 nonce,
        uint256 fee,
        uint64 gas,
        bytes memory to,
        bytes memory data
    ) private pure returns (bytes[] memory fields) {
        fields = new bytes[](9);
        (fields[0], fields[1]) = (uint256(chainId).encode(), uint256(nonce).encode());
        (fields[2], fields[3]) = (uint256(0).encode(), fee.encode());
        (fields[4], fields[5], fields[6]) = (uint256(gas).encode(), to, uint256(1 ether).encode());
        (fields[7], fields[8]) = (data.encode(), new bytes[](0).encode());
    }

    function sign(uint256 key, bytes[] memory fields) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(bytes.concat(hex"02", fields.encode())));
        bytes[] memory all = new bytes[](12);
        for (uint256 i = 0; i < 9; ++i) {
            all[i] = fields[i];
        }
        (all[9], all[10], all[11]) = (uint256(v - 27).encode(), uint256(r).encode(), uint256(s).encode());
        return bytes.concat(hex"02", all.encode());
    }
}
