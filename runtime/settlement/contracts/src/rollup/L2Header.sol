// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Reads number and time of a block header
library L2Header {
    /// @dev Bytes before the difficulty: the list's prefix (3), parent and ommers hash (33 each), beneficiary (21), three
    /// roots (33 each), bloom (259).
    uint256 private constant FIXED = 3 + 2 * 33 + 21 + 3 * 33 + 259;

    /// @notice Number and timestamp of a header whose hash is that of a block. Of any other bytes it says nothing that
    /// means anything.
    function read(bytes calldata header) internal pure returns (uint256 number, uint256 timestamp) {
        // difficulty, number, gas limit, gas used, timestamp
        (, uint256 at) = _number(header, FIXED);
        (number, at) = _number(header, at);
        (, at) = _number(header, at);
        (, at) = _number(header, at);
        (timestamp,) = _number(header, at);
    }

    /// @dev The RLP of a number of up to 32 bytes, and where the next item is.
    function _number(bytes calldata header, uint256 at) private pure returns (uint256 value, uint256 next) {
        uint256 prefix = uint8(header[at]);
        if (prefix < 0x80) return (prefix, at + 1);
        uint256 length = prefix - 0x80;
        next = at + 1 + length;
        for (uint256 i = at + 1; i < next; ++i) {
            value = (value << 8) | uint8(header[i]);
        }
    }
}
