// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {MalformedProof} from "src/verifier/IProofVerifier.sol";
import {Harness} from "./Harness.sol";
import {Plain} from "./Plain.sol";
import {PoseidonCaller} from "./Poseidon.t.sol";

/// Every fast function against its plain twin.
contract TwinsTest {
    using Plain for Plain.Element;

    uint256 private constant ORDER = Plain.ORDER;
    Harness private immutable fast = new Harness();
    PoseidonCaller private immutable poseidon = new PoseidonCaller();

    /// Mostly random, sometimes at the edges of the field.
    function element(uint256 seed, uint256 index) private pure returns (uint256) {
        uint256 random = uint256(keccak256(abi.encode(seed, index)));
        if (random % 8 == 0) return ORDER - 1;
        if (random % 8 == 1) return 0;
        return (random >> 64) % ORDER;
    }

    function pair(uint256 seed, uint256 index) private pure returns (Plain.Element memory) {
        return Plain.Element(element(seed, 2 * index), element(seed, 2 * index + 1));
    }

    function same(uint256 x0, uint256 x1, Plain.Element memory y) private pure {
        require(x0 == y.c0 && x1 == y.c1, "differs from its twin");
    }

    function littleEndian(uint256 x) private pure returns (bytes8) {
        return bytes8(Plain.reverseBytes(uint64(x)));
    }

    function test_extension_arithmetic_equals_its_twin(uint256 seed) external view {
        Plain.Element memory x = pair(seed, 0);
        Plain.Element memory y = pair(seed, 1);
        (uint256 z0, uint256 z1) = fast.mul([x.c0, x.c1], [y.c0, y.c1]);
        same(z0, z1, x.mul(y));
        Plain.Element memory x3 = x.mul(x).mul(x);
        (z0, z1) = fast.power7([x.c0, x.c1]);
        same(z0, z1, x3.mul(x3).mul(x));
        Plain.Element memory conjugate = Plain.Element(x.c0, (ORDER - x.c1) % ORDER);
        same(fast.norm([x.c0, x.c1]), 0, x.mul(conjugate));
    }

    function test_inverse_equals_its_twin(uint256 seed) external view {
        uint256 x = element(seed, 0);
        require(fast.inverse(x) == Plain.power(x, ORDER - 2), "differs from its twin");
        require(x == 0 || mulmod(fast.inverse(x), x, ORDER) == 1, "no inverse");
    }

    function test_bytes_of_lanes_are_reversed(uint64[4] calldata lanes) external view {
        uint256 swapped =
            fast.swapBytes(uint256(bytes32(abi.encodePacked(lanes[0], lanes[1], lanes[2], lanes[3]))));
        for (uint256 i = 0; i < 4; ++i) {
            require(
                uint64(swapped >> (192 - 64 * i)) == Plain.reverseBytes(lanes[i]), "differs from its twin"
            );
        }
    }

    function test_lanes_that_are_no_elements_are_noticed(uint64 lane, uint256 position, uint256 kind)
        external
        view
    {
        // Around the order, where chance would never look.
        if (kind % 2 == 0) lane = uint64(ORDER - 3 + lane % 6);
        if (kind % 4 == 1) lane |= 0xffffffff << 32;
        uint256 word = uint256(uint64(Plain.reverseBytes(lane))) << (64 * (position % 4));
        require(fast.excess(word) == (lane >= ORDER), "differs from its twin");
    }

    function test_pairs_equal_their_twin(uint256 seed) external view {
        (uint256 product, uint256 negative) =
            fast.pairs(element(seed, 0) | element(seed, 1) << 144, element(seed, 2) | element(seed, 3) << 144);
        require(uint144(product) == mulmod(element(seed, 0), element(seed, 2), ORDER), "lower");
        require(product >> 144 == mulmod(element(seed, 1), element(seed, 3), ORDER), "upper");
        require(uint144(negative) == (ORDER - element(seed, 0)) % ORDER, "negative, lower");
        require(negative >> 144 == (ORDER - element(seed, 1)) % ORDER, "negative, upper");
    }

    function test_weighted_sums_equal_their_twin(uint256 seed, uint256 count) external view {
        count = count % 100 + 1;
        uint256[] memory weights = new uint256[](count);
        uint256[] memory elements = new uint256[](2 * count);
        uint256[4] memory sums;
        for (uint256 i = 0; i < count; ++i) {
            (uint256 a, uint256 b) = (element(seed, 4 * i), element(seed, 4 * i + 1));
            weights[i] = a | b << 144;
            (elements[2 * i], elements[2 * i + 1]) = (element(seed, 4 * i + 2), element(seed, 4 * i + 3));
            sums[0] = addmod(sums[0], mulmod(a, elements[2 * i], ORDER), ORDER);
            sums[1] = addmod(sums[1], mulmod(b, elements[2 * i], ORDER), ORDER);
            sums[2] = addmod(sums[2], mulmod(a, elements[2 * i + 1], ORDER), ORDER);
            sums[3] = addmod(sums[3], mulmod(b, elements[2 * i + 1], ORDER), ORDER);
        }
        (uint256 s0, uint256 s1) = fast.dot(weights, elements);
        require(s0 == (sums[0] | sums[1] << 144) && s1 == (sums[2] | sums[3] << 144), "differs from its twin");
    }

    /// A polynomial's values on a coset fold to 2^k times its value at beta.
    function test_folding_equals_evaluation(uint256 seed, bool long) external view {
        uint256 bits = long ? 4 : 3;
        uint256 root = Plain.power(7277203076849721926, 2 ** (32 - bits));
        uint256 start = element(seed, 1000) % (ORDER - 1) + 1;
        Plain.Element memory beta = pair(seed, 600);
        uint256[] memory values = new uint256[](2 ** (bits + 1));
        for (uint256 i = 0; i < 2 ** bits; ++i) {
            uint256 x = mulmod(start, Plain.power(root, Plain.reverseBits(i, bits)), ORDER);
            Plain.Element memory value = evaluate(seed, 2 ** bits, Plain.Element(x, 0));
            (values[2 * i], values[2 * i + 1]) = (value.c0, value.c1);
        }
        uint256 inverse = Plain.power(start, ORDER - 2);
        (uint256 v0, uint256 v1) =
            fast.fold(values, [mulmod(beta.c0, inverse, ORDER), mulmod(beta.c1, inverse, ORDER)]);
        same(v0, v1, evaluate(seed, 2 ** bits, beta).scale(2 ** bits));
    }

    function test_final_polynomial_equals_its_twin(uint256 seed) external view {
        uint256[64] memory coefficients;
        for (uint256 i = 0; i < 64; ++i) {
            coefficients[i] = element(seed, i);
        }
        uint256 x = element(seed, 1000);
        (uint256 v0, uint256 v1) = fast.finalValue(coefficients, x);
        same(v0, v1, evaluate(seed, 32, Plain.Element(x, 0)));
    }

    /// The polynomial whose coefficients are the pairs of `seed`, at x.
    function evaluate(uint256 seed, uint256 count, Plain.Element memory x)
        private
        pure
        returns (Plain.Element memory value)
    {
        for (uint256 i = count; i > 0; --i) {
            value = value.mul(x).add(pair(seed, i - 1));
        }
    }

    function test_merkle_paths_equal_their_twin(bytes32 digest, uint16 index, bytes32[] calldata path)
        external
        view
    {
        bytes32[] memory siblings = path.length > 16 ? path[:16] : path;
        bytes32 root = bytes32(fast.root(uint256(digest), index, abi.encodePacked(siblings)));
        require(root == Plain.merkleRoot(digest, index, siblings), "differs from its twin");
    }

    function test_elements_are_read_from_calldata_or_refused(uint256 seed, uint256 bad) external view {
        bytes memory packed;
        bool wellFormed = bad % 4 != 0;
        for (uint256 i = 0; i < 16; ++i) {
            uint256 value = !wellFormed && i == bad / 4 % 16 ? ORDER + bad % (2 ** 32 - 1) : element(seed, i);
            packed = bytes.concat(packed, littleEndian(value));
        }
        try fast.unpack(packed) returns (uint256[] memory elements) {
            require(wellFormed, "not refused");
            for (uint256 i = 0; i < 16; ++i) {
                require(elements[i] == element(seed, i), "differs from its twin");
            }
        } catch (bytes memory reason) {
            require(!wellFormed && bytes4(reason) == MalformedProof.selector, "refused");
        }
    }

    function test_domain_points_equal_their_twin(uint256 index) external view {
        index %= 2 ** 20;
        (uint256 high, uint256 middle, uint256 low) = fast.point(index);
        require(mulmod(mulmod(high, middle, ORDER), low, ORDER) == Plain.point(index), "point");
        require(mulmod(high, middle, ORDER) == Plain.point(index >> 4 << 4), "start of the first coset");
        require(high == Plain.point(index >> 7 << 7), "start of the second coset");
    }

    function test_combined_leaves_equal_their_twin(uint256 seed, uint256 bad) external view {
        Plain.Element memory alpha = pair(seed, 600);
        Plain.Element memory power = Plain.Element(1, 0);
        Plain.Element memory sum;
        bytes memory leaves;
        bool wellFormed = bad % 4 != 0;
        for (uint256 i = 0; i < 236; ++i) {
            uint256 value = !wellFormed && i == bad / 4 % 236 ? ORDER : element(seed, i);
            leaves = bytes.concat(leaves, littleEndian(value));
            sum = sum.add(power.scale(value));
            power = power.mul(alpha);
        }
        try fast.combine(leaves, [alpha.c0, alpha.c1]) returns (uint256 f0, uint256 f1) {
            require(wellFormed, "not refused");
            same(f0, f1, sum);
        } catch (bytes memory reason) {
            require(!wellFormed && bytes4(reason) == MalformedProof.selector, "refused");
        }
    }

    function test_sponge_equals_its_twin(uint256[3] calldata state) external view {
        compareSponge(state);
    }

    /// A state of which one number in the first hash is not below the order (found by search: one in 2^30 has one), and the
    /// digest of plonky2's permutation of it, which a test of runtime/proving/src/onchain computes.
    function test_sponge_leaves_out_numbers_that_are_no_elements() external view {
        uint256[3] memory state = [uint256(257_290_499) << 192, 0, 0];
        bytes memory packed = abi.encodePacked(state);
        bytes memory next = Plain.permute(packed);
        require(keccak256(packed) != bytes32(next), "nothing to leave out");
        require(
            keccak256(next) == 0x3d53893fa8f53ebf9c7e0b7352808b989530604a95b049d5ec510a50c486d3d2,
            "differs from plonky2"
        );
        compareSponge(state);
    }

    function compareSponge(uint256[3] memory state) private view {
        uint256[3] memory next = fast.permute(state);
        require(
            keccak256(abi.encodePacked(next)) == keccak256(Plain.permute(abi.encodePacked(state))),
            "differs from its twin"
        );
    }

    function test_digests_become_chunks_of_seven_bytes(bytes32 digest) external view {
        (uint256 w0, uint256 w1) = fast.expandDigest(uint256(digest));
        bytes memory expected;
        for (uint256 i = 0; i < 5; ++i) {
            bytes7 chunk = bytes7(bytes32(uint256(digest) << (56 * i)));
            expected = bytes.concat(expected, chunk, bytes1(0));
        }
        require(bytes32(w0) == bytes32(expected), "first four");
        require(w1 >> 192 == uint256(uint64(bytes8(bytes32(uint256(digest) << 224)))), "fifth");
    }

    function test_poseidon_equals_its_twin(uint256 seed) external view {
        uint256[12] memory state;
        uint64[12] memory input;
        for (uint256 i = 0; i < 12; ++i) {
            state[i] = element(seed, i);
            input[i] = uint64(state[i]);
        }
        uint64[12] memory output = poseidon.permute(input);
        state = Plain.poseidon(state);
        for (uint256 i = 0; i < 12; ++i) {
            require(output[i] == state[i], "differs from its twin");
        }
    }
}
