// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LibZip} from "solady/utils/LibZip.sol";
import {IRollup} from "src/IRollup.sol";
import {FastLz} from "src/rollup/FastLz.sol";
import {Test} from "../Test.sol";
import {PlainFastLz} from "./PlainFastLz.sol";

contract FastLzCaller {
    function decompress(bytes calldata compressed) external pure returns (bytes memory) {
        return FastLz.decompress(compressed);
    }
}

contract FastLzTest is Test {
    FastLzCaller private immutable lz = new FastLzCaller();

    function test_what_the_node_compresses_is_decompressed() external view {
        string memory json = vm.readFile("test/vectors/fastlz.json");
        bytes[] memory plain = vm.parseJsonBytesArray(json, ".plain");
        bytes[] memory compressed = vm.parseJsonBytesArray(json, ".compressed");
        vm.assertTrue(plain.length > 20 && plain.length == compressed.length);
        for (uint256 i = 0; i < plain.length; ++i) {
            vm.assertEq(lz.decompress(compressed[i]), plain[i]);
        }
    }

    function test_nothing_is_decompressed_to_nothing() external view {
        vm.assertEq(lz.decompress(""), "");
    }

    function test_a_match_may_reach_into_itself() external view {
        // One literal, then 9 + 255 bytes at distance 1; two literals, then 3 bytes at distance 2.
        vm.assertEq(lz.decompress(hex"00aae0ff00"), repeated(hex"aa", 265));
        vm.assertEq(lz.decompress(hex"01aabb2001"), hex"aabbaabbaa");
        vm.assertEq(lz.decompress(hex"02aabbcce00702"), repeated(hex"aabbcc", 19));
    }

    function test_runs_beyond_the_end_are_refused() external {
        expectMalformed(hex"00", 1);
        expectMalformed(hex"01aa", 2);
        expectMalformed(hex"00aa1f", 3);
        expectMalformed(hex"00aa20", 3);
        expectMalformed(hex"00aae000", 4);
    }

    function test_matches_before_the_start_are_refused() external {
        expectMalformed(hex"2000", 0);
        expectMalformed(hex"00aa2001", 2);
        expectMalformed(hex"00aaff00ff", 2);
    }

    function testFuzz_any_data_survives(bytes calldata data) external view {
        vm.assertEq(lz.decompress(LibZip.flzCompress(data)), data);
    }

    function testFuzz_repetitive_data_survives(uint256 seed, uint256 length, uint256 alphabet) external view {
        bytes memory data = drawn(seed, bound(length, 1, 3000), bound(alphabet, 1, 8));
        bytes memory compressed = LibZip.flzCompress(data);
        vm.assertEq(lz.decompress(compressed), data);
        vm.assertEq(LibZip.flzDecompress(compressed), data);
    }

    /// @dev Runs of all kinds, most of which make sense.
    function testFuzz_any_stream_means_what_its_plain_twin_says(uint256 seed, uint256 runs) external view {
        bytes memory stream;
        runs = bound(runs, 1, 20);
        for (uint256 i = 0; i < runs; ++i) {
            bytes32 hash = keccak256(abi.encode(seed, i));
            uint8 kind = i == 0 ? 0 : uint8(hash[0]) >> 5;
            bytes1 first = bytes1((kind << 5) | (kind == 0 ? uint8(hash[1]) & 31 : uint8(hash[1]) >> 7));
            stream = bytes.concat(stream, first);
            if (kind == 0) {
                stream = bytes.concat(stream, slice(abi.encode(keccak256(abi.encode(hash))), first));
            } else if (kind == 7) {
                stream = bytes.concat(stream, hash[2], hash[3] >> 2);
            } else {
                stream = bytes.concat(stream, hash[3] >> 2);
            }
        }
        checkAgainstTwin(stream);
    }

    function testFuzz_any_bytes_mean_what_their_plain_twin_says(bytes calldata stream) external view {
        checkAgainstTwin(stream);
    }

    function checkAgainstTwin(bytes memory stream) private view {
        (bytes memory plain, bool whole, uint256 end) = PlainFastLz.decompress(stream);
        try lz.decompress(stream) returns (bytes memory result) {
            vm.assertTrue(whole);
            vm.assertEq(result, plain);
        } catch (bytes memory reason) {
            vm.assertTrue(!whole);
            vm.assertEq(reason, abi.encodeWithSelector(IRollup.MalformedCompression.selector, end));
        }
    }

    function expectMalformed(bytes memory stream, uint256 offset) private {
        vm.expectRevert(abi.encodeWithSelector(IRollup.MalformedCompression.selector, offset));
        lz.decompress(stream);
    }

    function slice(bytes memory word, bytes1 length) private pure returns (bytes memory out) {
        out = new bytes(uint256(uint8(length)) + 1);
        for (uint256 i = 0; i < out.length; ++i) {
            out[i] = word[i];
        }
    }

    function repeated(bytes memory unit, uint256 length) private pure returns (bytes memory out) {
        out = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            out[i] = unit[i % unit.length];
        }
    }

    function drawn(uint256 seed, uint256 length, uint256 alphabet) private pure returns (bytes memory out) {
        out = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            out[i] = bytes1(uint8(uint256(keccak256(abi.encode(seed, i))) % alphabet));
        }
    }
}
