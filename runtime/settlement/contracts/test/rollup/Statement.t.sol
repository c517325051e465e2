// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {Statement} from "src/rollup/Statement.sol";
import {Test} from "../Test.sol";
import {PlainStatement} from "./PlainStatement.sol";

contract StatementCaller {
    function stream(
        Statement.Chain calldata chain,
        Statement.Point calldata start,
        uint64[4] calldata endWindow,
        bytes calldata blocks
    ) external pure returns (bytes memory) {
        return Statement.stream(chain, start, endWindow, blocks);
    }
}

contract StatementTest is Test {
    using RLP for *;

    StatementCaller private immutable caller = new StatementCaller();

    function test_stream_point_value_and_digest_are_those_of_the_prover() external view {
        string memory json = vm.readFile("../../proving/vectors/statement.json");
        (Statement.Chain memory chain, Statement.Point memory start, bytes memory blocks) = read(json);
        bytes memory s = caller.stream(chain, start, digest(json, ".batch.endWindow"), blocks);
        uint256[] memory expected = vm.parseJsonUintArray(json, ".batch.stream");
        vm.assertEq(s, PlainStatement.serialize(expected));
        vm.assertEq(keccak256(s), vm.parseJsonBytes32(json, ".batch.streamHash"));

        uint64[4] memory c = digest(json, ".batch.commitment");
        (uint256 r0, uint256 r1) = Statement.point(c, s);
        uint256[] memory point = vm.parseJsonUintArray(json, ".batch.point");
        vm.assertEq(r0, point[0]);
        vm.assertEq(r1, point[1]);

        (uint256 y0, uint256 y1) = Statement.evaluate(s, r0, r1);
        uint256[] memory y = vm.parseJsonUintArray(json, ".batch.evaluation");
        vm.assertEq(y0, y[0]);
        vm.assertEq(y1, y[1]);

        uint64[2] memory value = [uint64(y0), uint64(y1)];
        assertDigest(Statement.digest(c, r0, r1, value), digest(json, ".batch.digest"));
    }

    function testFuzz_the_stream_is_that_of_the_plain_definition(
        Statement.Chain calldata chain,
        Statement.Point memory start,
        uint64[4] calldata endWindow,
        PlainStatement.Block[] memory blocks
    ) external view {
        start.number = uint32(start.number) >> 1;
        uint256 count = blocks.length % 20;
        for (uint256 i = 0; i < count; ++i) {
            (blocks[i].gasUsed, blocks[i].timestamp) =
            (uint32(blocks[i].gasUsed), uint32(blocks[i].timestamp));
        }
        assembly ("memory-safe") {
            mstore(blocks, count)
        }
        uint256[] memory plain = PlainStatement.stream(chain, start, endWindow, blocks);
        bytes memory s = caller.stream(chain, start, endWindow, PlainStatement.pack(blocks));
        vm.assertEq(s, PlainStatement.serialize(plain));
    }

    function testFuzz_the_value_is_that_of_the_plain_sum(uint64[] calldata elements, uint64 r0, uint64 r1)
        external
        pure
    {
        uint256[] memory s = new uint256[](elements.length);
        for (uint256 i = 0; i < s.length; ++i) {
            s[i] = elements[i];
        }
        (uint256 x0, uint256 x1) = (r0 % Statement.PRIME, r1 % Statement.PRIME);
        (uint256 y0, uint256 y1) = Statement.evaluate(PlainStatement.serialize(s), x0, x1);
        (uint256 plain0, uint256 plain1) = PlainStatement.evaluate(s, x0, x1);
        vm.assertEq(y0, plain0);
        vm.assertEq(y1, plain1);
    }

    function assertDigest(uint64[4] memory left, uint64[4] memory right) private pure {
        for (uint256 i = 0; i < 4; ++i) {
            vm.assertEq(left[i], right[i]);
        }
    }

    function digest(string memory json, string memory key) private pure returns (uint64[4] memory out) {
        uint256[] memory elements = vm.parseJsonUintArray(json, key);
        for (uint256 i = 0; i < 4; ++i) {
            out[i] = uint64(elements[i]);
        }
    }

    /// @dev The batch of the vectors, from the RLP of its headers.
    function read(string memory json)
        private
        pure
        returns (Statement.Chain memory chain, Statement.Point memory start, bytes memory blocks)
    {
        for (uint256 i = 0; i < 3; ++i) {
            string memory key = string.concat(".batch.blocks[", vm.toString(i), "]");
            Memory.Slice[] memory header = RLP.decodeList(vm.parseJsonBytes(json, string.concat(key, ".rlp")));
            if (i == 0) {
                chain.chainId = uint64(vm.parseJsonUint(json, ".batch.chainId"));
                chain.beneficiary = header[2].readAddress();
                chain.gasLimit = uint64(header[9].readUint256());
                start.stateRoot = vm.parseJsonBytes32(json, ".batch.startStateRoot");
                start.blockHash = header[0].readBytes32();
                start.number = uint64(header[8].readUint256()) - 1;
                start.window = digest(json, ".batch.startWindow");
            }
            bytes memory roots =
                abi.encodePacked(header[3].readBytes32(), header[4].readBytes32(), header[5].readBytes32());
            bytes memory numbers = abi.encodePacked(
                uint64(header[10].readUint256()),
                uint64(header[11].readUint256()),
                uint64(header[15].readUint256())
            );
            bytes32 hash = vm.parseJsonBytes32(json, string.concat(key, ".hash"));
            blocks = abi.encodePacked(blocks, roots, header[19].readBytes32(), hash, numbers);
        }
    }
}
