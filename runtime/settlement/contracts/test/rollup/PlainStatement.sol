// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Statement} from "src/rollup/Statement.sol";

/// @notice The stream S and its value by their definitions, element by element.
library PlainStatement {
    struct Stream {
        uint256[] elements;
        uint256 length;
    }

    struct Block {
        bytes32 stateRoot;
        bytes32 transactionsRoot;
        bytes32 receiptsRoot;
        bytes32 beaconRoot;
        bytes32 blockHash;
        uint64 gasUsed;
        uint64 timestamp;
        uint64 baseFee;
    }

    function pack(Block[] memory blocks) internal pure returns (bytes memory packed) {
        for (uint256 i = 0; i < blocks.length; ++i) {
            Block memory b = blocks[i];
            packed = abi.encodePacked(
                packed,
                abi.encodePacked(b.stateRoot, b.transactionsRoot, b.receiptsRoot, b.beaconRoot, b.blockHash),
                abi.encodePacked(b.gasUsed, b.timestamp, b.baseFee)
            );
        }
    }

    function stream(
        Statement.Chain memory chain,
        Statement.Point memory start,
        uint64[4] memory endWindow,
        Block[] memory blocks
    ) internal pure returns (uint256[] memory) {
        Stream memory s = Stream(new uint256[](18 + 67 * blocks.length), 0);
        push(s, chain.chainId);
        limbs(s, uint256(start.stateRoot), 8);
        for (uint256 i = 0; i < 4; ++i) {
            push(s, start.window[i]);
        }
        bytes32 parent = start.blockHash;
        for (uint256 i = 0; i < blocks.length; ++i) {
            Block memory b = blocks[i];
            limbs(s, uint256(parent), 8);
            limbs(s, uint160(chain.beneficiary), 5);
            limbs(s, uint256(b.stateRoot), 8);
            limbs(s, uint256(b.transactionsRoot), 8);
            limbs(s, uint256(b.receiptsRoot), 8);
            push(s, start.number + 1 + i);
            push(s, chain.gasLimit);
            push(s, b.gasUsed);
            push(s, b.timestamp);
            limbs(s, uint256(keccak256(bytes.concat(parent))), 8);
            limbs(s, b.baseFee, 2);
            limbs(s, uint256(b.beaconRoot), 8);
            limbs(s, uint256(b.blockHash), 8);
            parent = b.blockHash;
        }
        for (uint256 i = 0; i < 4; ++i) {
            push(s, endWindow[i]);
        }
        push(s, blocks.length);
        require(s.length == s.elements.length);
        return s.elements;
    }

    /// @dev sum of S[i] r^i, with r^i kept from one element to the next.
    function evaluate(uint256[] memory s, uint256 r0, uint256 r1)
        internal
        pure
        returns (uint256 y0, uint256 y1)
    {
        uint256 p = Statement.PRIME;
        (uint256 power0, uint256 power1) = (1, 0);
        for (uint256 i = 0; i < s.length; ++i) {
            y0 = addmod(y0, mulmod(s[i], power0, p), p);
            y1 = addmod(y1, mulmod(s[i], power1, p), p);
            uint256 next = addmod(mulmod(power0, r0, p), mulmod(7, mulmod(power1, r1, p), p), p);
            power1 = addmod(mulmod(power0, r1, p), mulmod(power1, r0, p), p);
            power0 = next;
        }
    }

    function serialize(uint256[] memory s) internal pure returns (bytes memory out) {
        out = new bytes(8 * s.length);
        for (uint256 i = 0; i < out.length; ++i) {
            out[i] = bytes1(uint8(s[i / 8] >> (56 - 8 * (i % 8))));
        }
    }

    function limbs(Stream memory s, uint256 value, uint256 count) private pure {
        for (uint256 i = 0; i < count; ++i) {
            push(s, (value >> (32 * i)) & 0xffffffff);
        }
    }

    function push(Stream memory s, uint256 element) private pure {
        s.elements[s.length++] = element;
    }
}
