// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

/// @title Headers of L3 blocks: standard Cancun headers with some fields constant
library BlockHeader {
    /// @notice The fields that differ from block to block or from chain to chain.
    struct Fields {
        bytes32 parentHash;
        address beneficiary;
        bytes32 stateRoot;
        bytes32 transactionsRoot;
        bytes32 receiptsRoot;
        uint64 number;
        uint64 gasLimit;
        uint64 gasUsed;
        uint64 timestamp;
        uint64 baseFee;
        bytes32 beaconRoot;
    }

    /// @dev keccak256(RLP([])): no ommers.
    bytes32 private constant EMPTY_LIST_HASH =
        0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347;
    /// @dev keccak256(RLP("")): no withdrawals.
    bytes32 private constant EMPTY_TRIE_ROOT =
        0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421;
    /// @dev EIP-1559.
    uint256 private constant ELASTICITY = 2;
    uint256 private constant MAX_CHANGE_DENOMINATOR = 8;

    /// @notice keccak256 of the header's RLP.
    function hash(Fields memory header) internal pure returns (bytes32) {
        bytes memory payload = abi.encodePacked(_head(header), _bloom(), _tail(header));
        // The payload is longer than 255 bytes and shorter than 65,536: the bloom alone has 259.
        return keccak256(abi.encodePacked(hex"f9", uint16(payload.length), payload));
    }

    /// @notice prevRandao of the block after the one with this hash. Nobody chooses it.
    function random(bytes32 parentHash) internal pure returns (bytes32) {
        return keccak256(abi.encode(parentHash));
    }

    /// @notice Base fee of the block after one with these values (EIP-1559). A header has 64 bits for it: where it would be
    /// more, it stays at the most.
    function nextBaseFee(uint256 baseFee, uint256 gasUsed, uint256 gasLimit) internal pure returns (uint64) {
        uint256 target = gasLimit / ELASTICITY;
        uint256 next = baseFee;
        if (gasUsed > target) {
            uint256 rise = baseFee * (gasUsed - target) / target / MAX_CHANGE_DENOMINATOR;
            next += rise == 0 ? 1 : rise;
        } else {
            next -= baseFee * (target - gasUsed) / target / MAX_CHANGE_DENOMINATOR;
        }
        return next > type(uint64).max ? type(uint64).max : uint64(next);
    }

    /// @dev Parent hash to receipts root.
    function _head(Fields memory header) private pure returns (bytes memory) {
        return abi.encodePacked(
            hex"a0",
            header.parentHash,
            hex"a0",
            EMPTY_LIST_HASH,
            hex"94",
            header.beneficiary,
            hex"a0",
            header.stateRoot,
            hex"a0",
            header.transactionsRoot,
            hex"a0",
            header.receiptsRoot
        );
    }

    /// @dev All ones: the circuit does not prove the bloom, and this one hides no log from a reader.
    function _bloom() private pure returns (bytes memory) {
        bytes32 ones = bytes32(type(uint256).max);
        return abi.encodePacked(hex"b90100", ones, ones, ones, ones, ones, ones, ones, ones);
    }

    /// @dev Difficulty to parent beacon block root.
    function _tail(Fields memory header) private pure returns (bytes memory) {
        bytes memory numbers = abi.encodePacked(
            RLP.encode(uint256(header.number)),
            RLP.encode(uint256(header.gasLimit)),
            RLP.encode(uint256(header.gasUsed)),
            RLP.encode(uint256(header.timestamp))
        );
        return abi.encodePacked(
            hex"80", // difficulty 0
            numbers,
            hex"80a0", // no extra data; prevRandao
            random(header.parentHash),
            hex"880000000000000000", // nonce
            RLP.encode(uint256(header.baseFee)),
            hex"a0",
            EMPTY_TRIE_ROOT,
            hex"8080a0", // blob gas used, excess blob gas; parent beacon block root
            header.beaconRoot
        );
    }
}
