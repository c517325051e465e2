// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title FastLZ, level 1, byte by byte
/// @notice The plain twin of `FastLz`.
library PlainFastLz {
    /// @notice The bytes that `compressed` stands for; whether it is `whole`, and where it stops making sense.
    function decompress(bytes memory compressed)
        internal
        pure
        returns (bytes memory result, bool whole, uint256 end)
    {
        uint256 position;
        while (position < compressed.length) {
            uint256 kind = uint8(compressed[position]) >> 5;
            uint256 low = uint8(compressed[position]) & 31;
            uint256 size = kind == 0 ? low + 2 : kind == 7 ? 3 : 2;
            if (kind == 0) {
                for (uint256 i = 1; i < size; ++i) {
                    result = bytes.concat(result, bytes1(uint8(number(compressed, position + i))));
                }
            } else {
                uint256 distance = 256 * low + number(compressed, position + size - 1) + 1;
                if (distance > result.length) return (result, false, position);
                uint256 length = kind == 7 ? 9 + number(compressed, position + 1) : kind + 2;
                for (uint256 i = 0; i < length; ++i) {
                    result = bytes.concat(result, result[result.length - distance]);
                }
            }
            position += size;
        }
        return (result, position == compressed.length, compressed.length);
    }

    /// @dev Calldata is zero behind its end.
    function number(bytes memory data, uint256 index) private pure returns (uint256) {
        return index < data.length ? uint8(data[index]) : 0;
    }
}
