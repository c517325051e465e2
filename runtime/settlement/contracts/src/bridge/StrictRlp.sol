// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title RLP, read where it stands in calldata, in its one canonical form
/// @notice Yellow Paper, appendix B. Positions are those of calldata. OpenZeppelin's reader takes other forms too, and bytes
/// after an item.
library StrictRlp {
    /// @notice The bytes are no RLP, or not its shortest.
    error MalformedRlp();

    /// @notice The item at `position`: what it holds is from `start` to `next`, where the item after it begins.
    /// @param end Where the bytes end that hold the item.
    function item(uint256 position, uint256 end)
        internal
        pure
        returns (bool isList, uint256 start, uint256 next)
    {
        if (position >= end) revert MalformedRlp();
        uint256 word = load(position);
        uint256 prefix = word >> 248;
        if (prefix < 0x80) return (false, position, position + 1);
        // Positions are less than 2^64, and so are lengths.
        unchecked {
            isList = prefix >= 0xc0;
            uint256 length = isList ? prefix - 0xc0 : prefix - 0x80;
            start = position + 1;
            if (length > 55) {
                uint256 size = length - 55;
                length = (word << 8) >> (256 - 8 * size);
                if (length < 56 || length >> (8 * (size - 1)) == 0) revert MalformedRlp();
                start += size;
            }
            next = start + length;
            if (next > end) revert MalformedRlp();
            // A byte of less than 0x80 is its own RLP.
            if (!isList && length == 1 && load(start) >> 255 == 0) revert MalformedRlp();
        }
    }

    /// @notice The number in the bytes that a string item holds: without zeros before it.
    function number(uint256 start, uint256 next) internal pure returns (uint256 value) {
        uint256 length = next - start;
        if (length > 32) revert MalformedRlp();
        if (length == 0) return 0;
        value = load(start) >> (256 - 8 * length);
        if (value >> (8 * (length - 1)) == 0) revert MalformedRlp();
    }

    /// @notice The 32 bytes from `position` on; zeros behind the end of calldata.
    function load(uint256 position) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(position)
        }
    }
}
