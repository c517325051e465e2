// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// Poseidon over the Goldilocks field (p = 2^64 - 2^32 + 1) at width 12, as in plonky2: x^7, 8 full and 22
/// partial rounds, the MDS matrix circ(17, 15, 41, 16, 2, 28, 13, 13, 39, 18, 34, 20) + diag(8, 0, ...).
///
/// The state is held in four words of three 80-bit lanes, lane i in word i / 3. A lane holds at most
/// 264 * (p - 1) + p < 2^73 between rounds, so that sums never reach the next lane; a lane is reduced when it is read.
library Poseidon {
    /// The input is not the canonical form of a field element (less than p).
    error NonCanonicalElement(uint256 element);

    uint256 private constant P = 0xffffffff00000001;
    uint256 private constant LANE = 0xffffffffffffffffffff;

    /// plonky2's `PoseidonHash::hash_no_pad` of eight elements.
    function hash8(uint64[8] memory input) internal pure returns (uint64[4] memory) {
        for (uint256 i = 0; i < 8; ++i) {
            if (input[i] >= P) revert NonCanonicalElement(input[i]);
        }
        (uint256 w0, uint256 w1, uint256 w2,) = permute(
            pack(input[0], input[1], input[2]), pack(input[3], input[4], input[5]), pack(input[6], input[7], 0), 0
        );
        w2;
        return [uint64(w0), uint64(w0 >> 80), uint64(w0 >> 160), uint64(w1)];
    }

    /// plonky2's `PoseidonHash::two_to_one`, which equals `hash_no_pad` of the two digests one after the other.
    function twoToOne(uint64[4] memory left, uint64[4] memory right) internal pure returns (uint64[4] memory) {
        return hash8([left[0], left[1], left[2], left[3], right[0], right[1], right[2], right[3]]);
    }

    /// plonky2's `PoseidonHash::hash_no_pad` of four elements.
    function hash4(uint64[4] memory input) internal pure returns (uint64[4] memory) {
        return hash8([input[0], input[1], input[2], input[3], 0, 0, 0, 0]);
    }

    /// Three lanes as one word of the state.
    function pack(uint256 lane0, uint256 lane1, uint256 lane2) internal pure returns (uint256) {
        return lane0 | lane1 << 80 | lane2 << 160;
    }

    /// The permutation, on a packed state; the lanes of the result are canonical.
    function permute(uint256 w0, uint256 w1, uint256 w2, uint256 w3)
        internal
        pure
        returns (uint256, uint256, uint256, uint256)
    {
        assembly ("memory-safe") {
            function power7(x) -> y {
                let x2 := mulmod(x, x, P)
                y := mulmod(mulmod(mulmod(x2, x2, P), x2, P), x, P)
            }

            function powers7(w) -> y {
                y := or(
                    power7(and(w, LANE)),
                    or(shl(80, power7(and(shr(80, w), LANE))), shl(160, power7(shr(160, w))))
                )
            }

            // The state times the MDS matrix: each lane times its column, whose entries are below 2^6.
            function mix(w0, w1, w2, w3) -> v0, v1, v2, v3 {
                let lane
                lane := mod(and(w0, LANE), P)
                v0 := mul(lane, 0x220000000000000000001400000000000000000019)
                v1 := mul(lane, 0xd0000000000000000002700000000000000000012)
                v2 := mul(lane, 0x20000000000000000001c0000000000000000000d)
                v3 := mul(lane, 0xf0000000000000000002900000000000000000010)
                lane := mod(and(shr(80, w0), LANE), P)
                v0 := add(v0, mul(lane, 0x14000000000000000000110000000000000000000f))
                v1 := add(v1, mul(lane, 0x270000000000000000001200000000000000000022))
                v2 := add(v2, mul(lane, 0x1c0000000000000000000d0000000000000000000d))
                v3 := add(v3, mul(lane, 0x290000000000000000001000000000000000000002))
                lane := mod(and(shr(160, w0), LANE), P)
                v0 := add(v0, mul(lane, 0x110000000000000000000f00000000000000000029))
                v1 := add(v1, mul(lane, 0x120000000000000000002200000000000000000014))
                v2 := add(v2, mul(lane, 0xd0000000000000000000d00000000000000000027))
                v3 := add(v3, mul(lane, 0x10000000000000000000020000000000000000001c))
                lane := mod(and(w1, LANE), P)
                v0 := add(v0, mul(lane, 0xf0000000000000000002900000000000000000010))
                v1 := add(v1, mul(lane, 0x220000000000000000001400000000000000000011))
                v2 := add(v2, mul(lane, 0xd0000000000000000002700000000000000000012))
                v3 := add(v3, mul(lane, 0x20000000000000000001c0000000000000000000d))
                lane := mod(and(shr(80, w1), LANE), P)
                v0 := add(v0, mul(lane, 0x290000000000000000001000000000000000000002))
                v1 := add(v1, mul(lane, 0x14000000000000000000110000000000000000000f))
                v2 := add(v2, mul(lane, 0x270000000000000000001200000000000000000022))
                v3 := add(v3, mul(lane, 0x1c0000000000000000000d0000000000000000000d))
                lane := mod(and(shr(160, w1), LANE), P)
                v0 := add(v0, mul(lane, 0x10000000000000000000020000000000000000001c))
                v1 := add(v1, mul(lane, 0x110000000000000000000f00000000000000000029))
                v2 := add(v2, mul(lane, 0x120000000000000000002200000000000000000014))
                v3 := add(v3, mul(lane, 0xd0000000000000000000d00000000000000000027))
                lane := mod(and(w2, LANE), P)
                v0 := add(v0, mul(lane, 0x20000000000000000001c0000000000000000000d))
                v1 := add(v1, mul(lane, 0xf0000000000000000002900000000000000000010))
                v2 := add(v2, mul(lane, 0x220000000000000000001400000000000000000011))
                v3 := add(v3, mul(lane, 0xd0000000000000000002700000000000000000012))
                lane := mod(and(shr(80, w2), LANE), P)
                v0 := add(v0, mul(lane, 0x1c0000000000000000000d0000000000000000000d))
                v1 := add(v1, mul(lane, 0x290000000000000000001000000000000000000002))
                v2 := add(v2, mul(lane, 0x14000000000000000000110000000000000000000f))
                v3 := add(v3, mul(lane, 0x270000000000000000001200000000000000000022))
                lane := mod(and(shr(160, w2), LANE), P)
                v0 := add(v0, mul(lane, 0xd0000000000000000000d00000000000000000027))
                v1 := add(v1, mul(lane, 0x10000000000000000000020000000000000000001c))
                v2 := add(v2, mul(lane, 0x110000000000000000000f00000000000000000029))
                v3 := add(v3, mul(lane, 0x120000000000000000002200000000000000000014))
                lane := mod(and(w3, LANE), P)
                v0 := add(v0, mul(lane, 0xd0000000000000000002700000000000000000012))
                v1 := add(v1, mul(lane, 0x20000000000000000001c0000000000000000000d))
                v2 := add(v2, mul(lane, 0xf0000000000000000002900000000000000000010))
                v3 := add(v3, mul(lane, 0x220000000000000000001400000000000000000011))
                lane := mod(and(shr(80, w3), LANE), P)
                v0 := add(v0, mul(lane, 0x270000000000000000001200000000000000000022))
                v1 := add(v1, mul(lane, 0x1c0000000000000000000d0000000000000000000d))
                v2 := add(v2, mul(lane, 0x290000000000000000001000000000000000000002))
                v3 := add(v3, mul(lane, 0x14000000000000000000110000000000000000000f))
                lane := mod(and(shr(160, w3), LANE), P)
                v0 := add(v0, mul(lane, 0x120000000000000000002200000000000000000014))
                v1 := add(v1, mul(lane, 0xd0000000000000000000d00000000000000000027))
                v2 := add(v2, mul(lane, 0x10000000000000000000020000000000000000001c))
                v3 := add(v3, mul(lane, 0x110000000000000000000f00000000000000000029))
            }

            function fullRound(w0, w1, w2, w3) -> v0, v1, v2, v3 {
                v0, v1, v2, v3 := mix(powers7(w0), powers7(w1), powers7(w2), powers7(w3))
            }

            function partialRound(w0, w1, w2, w3) -> v0, v1, v2, v3 {
                let lane := and(w0, LANE)
                v0, v1, v2, v3 := mix(or(xor(w0, lane), power7(lane)), w1, w2, w3)
            }

            function canonical(w) -> v {
                v := or(
                    mod(and(w, LANE), P),
                    or(shl(80, mod(and(shr(80, w), LANE), P)), shl(160, mod(shr(160, w), P)))
                )
            }


            w0, w1, w2, w3 := fullRound(
                add(w0, 0xb2fb0d31cee799b400007746a55f43921ad70000b585f766f2144405),
                add(w1, 0x8cae14cb07d09bf10000e10d666650f4e01200000f6760a4803427d7),
                add(w2, 0xcdc4a239b0c444260000ef781c7ce35b4c3d0000d438539c95f63e9f),
                add(w3, 0xc54302f225db2c760000e17653a29da578a10000277fa208bf337bff)
            )
            w0, w1, w2, w3 := fullRound(
                add(w0, 0xc3b919ad495dc574000059cd1a8a41c18e55000086287821f722c881),
                add(w1, 0x6e4a40c18f30c09c0000308bbd23dc5416cc0000a484c4c5ef6a0781),
                add(w2, 0xd5c7718fbfc647fb0000e360c6e0ae486f3800009a2eedb70d8f8cfa),
                add(w3, 0xc0572c8c08cbbbad0000849c2656969c4be70000c35eae071903ff0b)
            )
            w0, w1, w2, w3 := fullRound(
                add(w0, 0xf7d713e8063911650000f56f6d48959a600d0000e9fa634a21de0082),
                add(w1, 0xac51d9f5fcf8535e0000ad6805e0e30b2c8a00008297132b32825daf),
                add(w2, 0x66bbd30e6ce0e583000057a1550c110b30410000502ad7dc18c2ad87),
                add(w3, 0x28b8ec3ae9c296330000f061274fdb150d6100000da2abef589d644e)
            )
            w0, w1, w2, w3 := fullRound(
                add(w0, 0x19d5ee2af82ec1c000070e741ebfee96586000092a756e67e2b9413),
                add(w1, 0x61df517b86a4643900007cf416cfe7e14ca100006f6f2ed772466352),
                add(w2, 0xe8be3e5da8043e5700004b959b48b9c10733000085dc499b11d77b75),
                add(w3, 0xa637093ecb2ad631000040b12cbf09ef74bf0000f5c0bc1de6da8699)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0x6f49de07a623434600002e479dc157bf31bb00003cc3f892184df408),
                add(w1, 0xa2de45780344d6a100005b0431345d4dea830000213ce7bede378d7b),
                add(w2, 0xa9ceb74fec02474700005326fc0d9727930100007103aaf94a7bf308),
                add(w3, 0xfac6ff1346a416750000fceb4fda1ded0893000027f8ec88bb21b1a3)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0xad535b24afc26bfb00009351036095630f9f00007131aa45268d7d8c),
                add(w1, 0x241c70ed0af616170000645cf794b8f1cc5800004627f5c6993e44be),
                add(w2, 0xe7ea5e33e75fffb600003737e9db4c4f474d0000acb8e076647905f1),
                add(w3, 0xb65481ba645c6020000d1b1edf76bc09c92000090dee49fc9bfc23a)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0xb60de3bcc5ea751c0000438a7c91d416ca4d000099ad1aab0814283b),
                add(w1, 0x5e7b329c1ed4ad71000069a5ed92a72ee4ff0000c99cab6aef6f58bc),
                add(w2, 0xade699c5830f310000032db829239774eca00005fc0ac0800144885),
                add(w3, 0x6604df4fee32bcb1000085df9ed2e166d64f00007cc5583b10415f21)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0x8f97fe408061f1830000da608834c40e603d0000eb84f608da56ef48),
                add(w1, 0xcee3e9ac1e07211900006704e8ee8f18d5630000a93f485c96f37b89),
                add(w2, 0xb508cdeffa5ceef0000f6323f486b9038f00000510d0e65e2b470c1),
                add(w3, 0xa6217d8bf660f29c000060e75c2890d157300000f2417089e4fb3cbd)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0xd3f3e5e82920adc0000839b4e8fafead54000007159cd30c3ac118e),
                add(w1, 0xeb915845f3de16340000780f2243ea071d0600008f7d83bddee7bba8),
                add(w2, 0xcb5fd54e7933e4770000016ee53a7e5fecc60000d19e120d26b6f386),
                add(w3, 0x5d693c1ba3ba362100009c22190be7f747320000acb8417879fd449f)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0xe273fd971bc8d0e700003d639263da827b130000dcef0797c2b69ec7),
                add(w1, 0x2cbaed4daec8c07c00008c25fda3b503038c0000418f02702d227ed5),
                add(w2, 0x635b337ee819dab50000284650ac5e1b0eba00005f58e6afcdd6ddc2),
                add(w3, 0xb0a7eae879ddb76d0000b93e260cae5c170e00009f9a036ed4f2d49f)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0x40bf0ab5fa14c112000034c6efb812b04bf50000d0762cbc8ca6570c),
                add(w1, 0xb1a5b165b6d2b2d200005a27b9002de334540000b6b570fc7c5740d3),
                add(w2, 0x14a726661551e2840000788ee3b37e5680fb00008722e0ace9d1be22),
                add(w3, 0x28fd3b046380f8500000bb93ae776bb30e3a000098b7672f9ef3b419)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0xd5eca244c7a4ff1d0000337dc00c61bd9ce1000030a4680593258387),
                add(w1, 0x299351a53b8ec220000c1e434bedeefd76700007762638264d279bd),
                add(w2, 0x2972a92ba450bed800003e9ed1fda49cea0b0000b2d456e4ad251b80),
                add(w3, 0x1c4dbb1c4c27d2430000adffe8cf28449ec6000020216dd77be493de)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0x2300e5d6baedf0fb0000388a128b7fd9a609000015a16a8a8322d458),
                add(w1, 0x27181125183970c90000f1c36ce86ecec26900002f63aa8647e15104),
                add(w2, 0xea35bc29692af6f800004d9bbc3e02f1cfb20000e584029370dca96d),
                add(w3, 0x25d64362697828fd00001e3b9fc625b554f4000018e21b4beabb4137)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0xb462065911d4e1fc0000db7f023869fb8d3800005a3f1bb1c53a9645),
                add(w1, 0xaadd1106730d8feb0000d793862c112b0566000049c24ae4437d8030),
                add(w2, 0x5e50c27535b88c660000e29024c18ee6fca20000c43b6e0e97b0d568),
                add(w3, 0xdd5118375bf1a9b9000038e8ee9d71a45af8000010383f20a4ff9a87)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0xb1204f603f51c080000086ab99b4dde6c8b00000775005982d74d7f7),
                add(w1, 0xcd1dabd964db55700001bbcd90f132c603f0000ef61ac8470250ecf),
                add(w2, 0xa3b83250268ea4d70000f755bfeea585d11d000011a3ae5beb9d1ec9),
                add(w3, 0x64bb6dec369d44180000ddb4ac49c9efa1da0000516306f4927c93af)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0xeec49b613478675b000008d37f755f4ae9f60000f9cc95c22b4c1fcc),
                add(w1, 0xe7ad7756f193198e0000e4c5dd8255dfc6220000f143933aed25e0b0),
                add(w2, 0x5636cac9f16dfed00000739c25f8fd73596d000092c2318b87fff9cb),
                add(w3, 0x8ad97b33f1ac14550000c6401fe115063f5b0000dd8f909a938e0172)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0x530fb67ea1809a8100000784d3d2f169830900000c49366bb25e8513),
                add(w1, 0x9cb0bd5ea1a1115e0000139542347424b9ac0000410492299bb01f49),
                add(w2, 0x775b9feafdcd26e70000985d4f4a9c5291ef000002e3f615c38f49a1),
                add(w3, 0x4f0a2e5fb028f2ce0000593664c39773012c0000304265a6384f0f2d)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0xef87139ca9a3ab1e0000d8185f9adfea4fd00000dd611f1000c17442),
                add(w1, 0x660d32e13018268400007d3a455d56b7023800003ba71336c34ee133),
                add(w2, 0x549f80ce550c4fd3000090e0a736a751ebb70000297a863f48cd1f43),
                add(w3, 0x6d1f5a59005bec17000016bf1f73fb7a9c3f00000f73b2922f38bd64)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0x8470f39d2d5c900e0000c5cb72a2a51159b0000002ff876fa5ef97c4),
                add(w1, 0xd687ba55c64f6364000023eb8cc9b372442f000025abb3f1d39fcb76),
                add(w2, 0xb9a8c9b3aee522970000e3cbdc7d2fe45ea70000da8d9e90fd8ff158),
                add(w3, 0xeeb76e397069e804000045d7ac9b68f71a340000c0d28a5c10960bd3)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0x65700b51aedfb5ef00009c9c98207cb1076700003d06c8bd1514e2d9),
                add(w1, 0x3bb340eba06afe7e00007ae6849fbc3a0ec60000911f451539869408),
                add(w2, 0x77bdaeda586257a700008dcf22f9a3b343560000b46e9d8b682ea65e),
                add(w3, 0x9ef1cd60e679f2840000c368a348e46d950f0000f19e400a5104d20d)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0xa7b0fb7883eee86000005cd377dc8bb882a20000e89cd854d5d01d33),
                add(w1, 0x8df57ac11bc0483100005fa3f06f4fed3b5200007684403ec392950d),
                add(w2, 0xba6745385893c784000054846de4aadb9ca200002db01efa1e1e1897),
                add(w3, 0xdfe89923f6c9c2ff0000e909678474e687fe0000541d496344d2c75b)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0x83e894191896461500005ff98fd5d51fe6100000ece5a71e0cfedc75),
                add(w1, 0x5080d4c2b86f56d70000f97d750e3dd9452100005922040b47f150c1),
                add(w2, 0xf7856ef7f9173e4400006a9242ac875381940000a7de115b56c78d70),
                add(w3, 0x9001a64209f21db8000017dfc8e4f7ba8a5700002265fc92feb0dc09)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0xa0b1df81b6fe59fc0000b932b7cf752e5545000090004c1371b893c5),
                add(w1, 0x9e61106178bfc53000000541a4f9cfbeed3500008ef1dd26770af2c2),
                add(w2, 0x31d191cd5c1466c700000098d5782065af060000b3767e80935d8af2),
                add(w3, 0x9e8cd55b57637ed00000bdf8f242e316c4ab0000410fefafa319ac9d)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0xca6637000eb4a9f800004d001fd58f0025260000de122bebe9a39368),
                add(w1, 0xdf9a4939342308e900006d1a7918c80df51800002f2339d624f91f78),
                add(w2, 0xd341d037e840cf83000003cc2ba8a11165150000ebc2151ee6c8398c),
                add(w3, 0x7248fe7705f38e470000bba2515f22909e870000387cb5d25af4afcc)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0x59e89b094d220ec20000262e963c8da05d3d00004d61e56a525d225a),
                add(w1, 0xd30094ca96b7ce7b000082b27eb33514ef990000055d5b52b78b9c5e),
                add(w2, 0x41703f53753be59f0000feed4db6919e5a7c0000cf5cb381cd0a1535),
                add(w3, 0x4a20358574454ec000004cd1f1b17510020600005eeea940fcde8b6f)
            )
            w0, w1, w2, w3 := partialRound(
                add(w0, 0x296a202ed8e556a200006f02dc07d141875c00001478d361dbbf9fac),
                add(w1, 0x6798ba0c0abb2c6d00007acfd96efa95491d00002afd67999bf32ee5),
                add(w2, 0x20057d2a0056521b00005736e1bad206b5de000034c6f57b26c92122),
                add(w3, 0x29bff3ecb9b7a6e3000016e50d897d4634ac00003dea5bd5d0578bd7)
            )
            w0, w1, w2, w3 := fullRound(
                add(w0, 0x23e7414af663068000018a42105c31b7e880000475cd3205a3bdcde),
                add(w1, 0x1a8d1a5880857370000e4a3dff1d7d6fef9000015147108121967d7),
                add(w2, 0x1ff7327017aa2a6e0000e587cc0d69a73346000011b4c74eda62beef),
                add(w3, 0xc02ac5e47312d3ca0000f6f31db1899b12d50000594e29c42473d06b)
            )
            w0, w1, w2, w3 := fullRound(
                add(w0, 0x42747a7245e7fa8400006f90ff3b6a65f1080000e70201e960cb78b8),
                add(w1, 0x3996ce73dd832c1c00001c86d265f15750cd0000d1f507e43ab749b2),
                add(w2, 0x9e9cbd781628fc5b0000ba0dec7103255dd400008e7fba02983224bd),
                add(w3, 0xa49229d24d0143430000debe0853b1a1d3780000dae8645996edd6a5)
            )
            w0, w1, w2, w3 := fullRound(
                add(w0, 0x230bca8f4df05440000a3c95eaec244aa3000007be5b9ffda905e1c),
                add(w1, 0x3762b59a8ae83efa0000166fc0cc438a3c7200004135c2bebfe148c6),
                add(w2, 0x80cefd2b7d99ff8300002a440b51a4945ee50000e8928a4c89114750),
                add(w3, 0x164bb2de1bbeddc800006e7c8f1a842650340000bb9879c6e61fd62a)
            )
            w0, w1, w2, w3 := fullRound(
                add(w0, 0x551f5b0fbe7b1840000040b9e922ed9771e20000f3c12fe54d5c653b),
                add(w1, 0x8ffd96bbf9c9c81d0000aaed34074b164346000025032aa7c4cb1811),
                add(w2, 0x4543d9df5476d3cb00007f795e2a5f915440000070fc91eb5937085c),
                add(w3, 0xbc8dfb627fe558fc0000dfd1c4febcc812380000f172d73e004fc90d)
            )

            w0 := canonical(w0)
            w1 := canonical(w1)
            w2 := canonical(w2)
            w3 := canonical(w3)
        }
        return (w0, w1, w2, w3);
    }
}
