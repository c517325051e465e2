// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Poseidon} from "src/verifier/Poseidon.sol";

/// Reaches the library's internal functions by an external call, so that reverts and gas can be seen.
contract PoseidonCaller {
    function hash8(uint64[8] memory input) external pure returns (uint64[4] memory) {
        return Poseidon.hash8(input);
    }

    function permute(uint64[12] memory s) external pure returns (uint64[12] memory out) {
        (uint256 w0, uint256 w1, uint256 w2, uint256 w3) = Poseidon.permute(
            Poseidon.pack(s[0], s[1], s[2]),
            Poseidon.pack(s[3], s[4], s[5]),
            Poseidon.pack(s[6], s[7], s[8]),
            Poseidon.pack(s[9], s[10], s[11])
        );
        uint256[4] memory words = [w0, w1, w2, w3];
        for (uint256 i = 0; i < 12; ++i) {
            out[i] = uint64(words[i / 3] >> (80 * (i % 3)));
        }
    }
}

contract PoseidonTest {
    uint64 private constant P = 0xffffffff00000001;
    PoseidonCaller private immutable caller = new PoseidonCaller();

    /// plonky2 1.1.0, `hash::poseidon_goldilocks::tests::test_vectors`.
    function test_permutation_agrees_with_the_published_vectors() external view {
        uint64[12] memory input;
        check(
            input,
            [
                0x3c18a9786cb0b359,
                0xc4055e3364a246c3,
                0x7953db0ab48808f4,
                0xc71603f33a1144ca,
                0xd7709673896996dc,
                0x46a84e87642f44ed,
                0xd032648251ee0b3c,
                0x1c687363b207df62,
                0xdf8565563e8045fe,
                0x40f5b37ff4254dae,
                0xd070f637b431067c,
                0x1792b1c4342109d7
            ]
        );
        for (uint64 i = 0; i < 12; ++i) {
            input[i] = i;
        }
        check(
            input,
            [
                0xd64e1e3efc5b8e9e,
                0x53666633020aaa47,
                0xd40285597c6a8825,
                0x613a4f81e81231d2,
                0x414754bfebd051f0,
                0xcb1f8980294a023f,
                0x6eb2a9e4d54a9d0f,
                0x1902bc3af467e056,
                0xf045d5eafdc6021f,
                0xe4150f77caaa3be5,
                0xc9bfd01d39b50cce,
                0x5c0a27fcb0e1459b
            ]
        );
        for (uint64 i = 0; i < 12; ++i) {
            input[i] = P - 1;
        }
        check(
            input,
            [
                0xbe0085cfc57a8357,
                0xd95af71847d05c09,
                0xcf55a13d33c1c953,
                0x95803a74f4530e82,
                0xfcd99eb30a135df1,
                0xe095905e913a3029,
                0xde0392461b42919b,
                0x7d3260e24e81d031,
                0x10d3d0465d9deaa0,
                0xa87571083dfc2a47,
                0xe18263681e9958f8,
                0xe28e96f1ae5e60d3
            ]
        );
    }

    function check(uint64[12] memory input, uint64[12] memory expected) private view {
        uint64[12] memory actual = caller.permute(input);
        for (uint256 i = 0; i < 12; ++i) {
            require(actual[i] == expected[i], "permutation differs");
        }
    }

    /// `PoseidonHash::hash_no_pad(&[1, 2, 3, 4, 5, 6, 7, 8])` of plonky2 1.1.0.
    function test_hash_of_eight_elements_agrees_with_plonky2() external view {
        uint64[4] memory digest = caller.hash8([uint64(1), 2, 3, 4, 5, 6, 7, 8]);
        require(
            digest[0] == 15064728126975588673 && digest[1] == 10314245681893968020
                && digest[2] == 11300930272442645327 && digest[3] == 2830815762300183090,
            "digest differs"
        );
    }

    function test_elements_not_below_the_order_are_refused(uint64 excess, uint256 position) external view {
        uint64[8] memory input;
        input[position % 8] = P + excess % (type(uint64).max - P + 1);
        try caller.hash8(input) {
            revert("accepted");
        } catch (bytes memory reason) {
            require(bytes4(reason) == Poseidon.NonCanonicalElement.selector, "other reason");
        }
    }
}
