// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {BlockHeader} from "src/rollup/BlockHeader.sol";
import {Test} from "../Test.sol";

contract BlockHeaderTest is Test {
    using RLP for RLP.Encoder;

    function test_hashes_and_base_fees_are_those_of_alloy() external view {
        string memory json = vm.readFile("test/vectors/headers.json");
        bytes32[] memory hashes = vm.parseJsonBytes32Array(json, ".hash");
        uint256[] memory baseFees = vm.parseJsonUintArray(json, ".nextBaseFee");
        vm.assertEq(hashes.length, 40);
        for (uint256 i = 0; i < hashes.length; ++i) {
            BlockHeader.Fields memory header = read(json, i);
            vm.assertEq(BlockHeader.hash(header), hashes[i], vm.toString(i));
            uint256 baseFee = BlockHeader.nextBaseFee(header.baseFee, header.gasUsed, header.gasLimit);
            vm.assertEq(baseFee, baseFees[i], vm.toString(i));
        }
    }

    function testFuzz_hashes_are_those_of_the_plain_encoding(BlockHeader.Fields calldata header)
        external
        pure
    {
        vm.assertEq(BlockHeader.hash(header), plainHash(header));
    }

    function testFuzz_the_base_fee_changes_by_at_most_an_eighth(uint64 baseFee, uint32 gasUsed, uint32 limit)
        external
        pure
    {
        uint256 gasLimit = bound(limit, 5000, type(uint32).max);
        uint256 next = BlockHeader.nextBaseFee(baseFee, bound(gasUsed, 0, gasLimit), gasLimit);
        // An odd limit lets a full block use two units more than twice the target.
        vm.assertTrue(next <= uint256(baseFee) + uint256(baseFee) / 7 + 1);
        vm.assertTrue(next <= type(uint64).max);
        vm.assertTrue(next >= uint256(baseFee) - uint256(baseFee) / 8);
    }

    function plainHash(BlockHeader.Fields calldata header) private pure returns (bytes32) {
        bytes memory bloom = new bytes(256);
        for (uint256 i = 0; i < 256; ++i) {
            bloom[i] = 0xff;
        }
        RLP.Encoder memory list = RLP.encoder();
        list.push(header.parentHash).push(keccak256(hex"c0")).push(header.beneficiary).push(header.stateRoot);
        list.push(header.transactionsRoot).push(header.receiptsRoot).push(bloom).push(uint256(0));
        list.push(header.number).push(header.gasLimit).push(header.gasUsed).push(header.timestamp);
        list.push(bytes("")).push(keccak256(abi.encode(header.parentHash))).push(new bytes(8));
        list.push(header.baseFee).push(keccak256(hex"80")).push(uint256(0)).push(uint256(0))
            .push(header.beaconRoot);
        return keccak256(list.encode());
    }

    function read(string memory json, uint256 i) private pure returns (BlockHeader.Fields memory header) {
        header.parentHash = vm.parseJsonBytes32Array(json, ".parentHash")[i];
        header.beneficiary = address(uint160(uint256(vm.parseJsonBytes32Array(json, ".beneficiary")[i])));
        header.stateRoot = vm.parseJsonBytes32Array(json, ".stateRoot")[i];
        header.transactionsRoot = vm.parseJsonBytes32Array(json, ".transactionsRoot")[i];
        header.receiptsRoot = vm.parseJsonBytes32Array(json, ".receiptsRoot")[i];
        header.beaconRoot = vm.parseJsonBytes32Array(json, ".beaconRoot")[i];
        header.number = uint64(vm.parseJsonUintArray(json, ".number")[i]);
        header.gasLimit = uint64(vm.parseJsonUintArray(json, ".gasLimit")[i]);
        header.gasUsed = uint64(vm.parseJsonUintArray(json, ".gasUsed")[i]);
        header.timestamp = uint64(vm.parseJsonUintArray(json, ".timestamp")[i]);
        header.baseFee = uint64(vm.parseJsonUintArray(json, ".baseFee")[i]);
    }
}
