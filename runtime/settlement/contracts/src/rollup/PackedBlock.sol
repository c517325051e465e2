// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../IRollup.sol";

/// @title Blocks as they are posted for a proof: 184 bytes each
/// @notice The only reader and the only writer of this form. What it yields is below what one element of the circuits
/// holds, so two blocks that the circuits cannot tell apart are equal, byte by byte and field by field.
library PackedBlock {
    /// @notice A block, in the order of its bytes: five words, then three numbers of 8 bytes.
    struct Fields {
        bytes32 stateRoot;
        bytes32 transactionsRoot;
        bytes32 receiptsRoot;
        bytes32 beaconRoot;
        bytes32 blockHash;
        uint64 gasUsed;
        uint64 timestamp;
        uint64 baseFee;
    }

    /// @dev Bytes of a block.
    uint256 internal constant SIZE = 184;
    /// @dev Numbers that the circuits take as one element have 32 bits there.
    uint256 internal constant MAX_ELEMENT = type(uint32).max;

    /// @notice Block `index` of `blocks`, which holds it.
    function read(bytes calldata blocks, uint256 index) internal pure returns (Fields memory fields) {
        bytes calldata packed = blocks[index * SIZE:(index + 1) * SIZE];
        fields.stateRoot = bytes32(packed[0:32]);
        fields.transactionsRoot = bytes32(packed[32:64]);
        fields.receiptsRoot = bytes32(packed[64:96]);
        fields.beaconRoot = bytes32(packed[96:128]);
        fields.blockHash = bytes32(packed[128:160]);
        // The last 24 bytes, as the low bytes of the word that ends with them.
        uint256 numbers = uint256(bytes32(packed[152:184]));
        fields.gasUsed = uint64(numbers >> 128);
        fields.timestamp = uint64(numbers >> 64);
        // Two limbs of 32 bits: every value has one form.
        fields.baseFee = uint64(numbers);
        element("gasUsed", fields.gasUsed);
        element("timestamp", fields.timestamp);
    }

    /// @notice Writes a block as number `index` of `blocks`, which has room for it.
    function write(bytes memory blocks, uint256 index, Fields memory fields) internal pure {
        element("gasUsed", fields.gasUsed);
        element("timestamp", fields.timestamp);
        bytes memory packed = abi.encodePacked(
            fields.stateRoot,
            fields.transactionsRoot,
            fields.receiptsRoot,
            fields.beaconRoot,
            fields.blockHash,
            fields.gasUsed,
            fields.timestamp,
            fields.baseFee
        );
        assembly ("memory-safe") {
            mcopy(add(add(blocks, 0x20), mul(index, SIZE)), add(packed, 0x20), SIZE)
        }
    }

    /// @notice Reverts unless the circuits take `value` as one element.
    function element(string memory field, uint256 value) internal pure {
        if (value > MAX_ELEMENT) revert IRollup.NotAnElement(field, value);
    }
}
