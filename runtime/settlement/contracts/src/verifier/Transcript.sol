// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CARRIES, Goldilocks, LOW_HALVES, MASK_64, ONES} from "./Goldilocks.sol";
import {
    ALPHAS,
    BETAS,
    CAP_LENGTH,
    CIRCUIT_DIGEST,
    DOMAIN_MASK,
    FINAL_POLYNOMIAL_LENGTH,
    FRI_ALPHA,
    FRI_BETAS,
    GAMMAS,
    GRINDING_RESPONSE,
    PERMUTATION_RESPONSE,
    PROOF_FINAL_POLYNOMIAL,
    PROOF_FOLD_0_CAP,
    PROOF_FOLD_1_CAP,
    PROOF_GRINDING_WITNESS,
    PROOF_OPENINGS,
    PROOF_PERMUTATION_WITNESS,
    PROOF_PRODUCTS_CAP,
    PROOF_QUOTIENT_CAP,
    PROOF_WIRES_CAP,
    PUBLIC_INPUTS_HASH,
    QUERY_INDICES,
    SPONGE,
    TRANSCRIPT_BUFFER,
    TRANSCRIPT_PARAMETERS_0,
    TRANSCRIPT_PARAMETERS_1,
    TRANSCRIPT_PARAMETERS_2,
    TRANSCRIPT_PARAMETERS_LENGTH,
    ZETA
} from "./WrapStructure.sol";

/// The verifier's challenges, drawn as plonky2's `Challenger` over `KeccakHash` draws them.
///
/// The sponge holds 12 elements as 96 bytes, little-endian. Absorbing overwrites the first 8; the permutation
/// replaces all by the elements below p of keccak(state), keccak(keccak(state)), ... Challenges are taken from
/// the eighth element down to the first.
library Transcript {
    uint256 private constant BLOCK = 64;

    /// Draws all challenges of the proof at `proof` in calldata. Needs circuit digest and public inputs hash.
    function run(uint256 proof) internal pure {
        unchecked {
            Goldilocks.store(SPONGE, 0);
            Goldilocks.store(SPONGE + 32, 0);
            Goldilocks.store(SPONGE + 64, 0);

            // 11 parameters, 5 elements of the circuit's digest, 4 of the public inputs' hash, then the cap.
            Goldilocks.store(TRANSCRIPT_BUFFER, TRANSCRIPT_PARAMETERS_0);
            Goldilocks.store(TRANSCRIPT_BUFFER + 32, TRANSCRIPT_PARAMETERS_1);
            Goldilocks.store(TRANSCRIPT_BUFFER + 64, TRANSCRIPT_PARAMETERS_2);
            expandDigest(TRANSCRIPT_BUFFER + TRANSCRIPT_PARAMETERS_LENGTH, Goldilocks.load(CIRCUIT_DIGEST));
            Goldilocks.store(TRANSCRIPT_BUFFER + 128, Goldilocks.swapBytes(packedPublicInputsHash()));
            expandCap(TRANSCRIPT_BUFFER + 160, proof + PROOF_WIRES_CAP);
            absorbMemory(TRANSCRIPT_BUFFER, TRANSCRIPT_BUFFER + 768);
            Goldilocks.store(SPONGE, Goldilocks.load(TRANSCRIPT_BUFFER + 768));
            absorbElement(SPONGE + 32, proof + PROOF_PERMUTATION_WITNESS);
            permute();
            uint256 drawn = drawFour();
            Goldilocks.store(PERMUTATION_RESPONSE, drawn & MASK_64);
            Goldilocks.store2(BETAS, drawn >> 64 & MASK_64, drawn >> 128 & MASK_64);
            Goldilocks.store2(GAMMAS, drawn >> 192, Goldilocks.swapBytes(Goldilocks.load(SPONGE)) & MASK_64);

            absorbCap(proof + PROOF_PRODUCTS_CAP);
            drawPair(ALPHAS);
            absorbCap(proof + PROOF_QUOTIENT_CAP);
            drawPair(ZETA);

            // 59 blocks and a half.
            absorbCalldata(proof + PROOF_OPENINGS, proof + PROOF_FOLD_0_CAP - 32);
            Goldilocks.store(SPONGE, Goldilocks.loadCalldata(proof + PROOF_FOLD_0_CAP - 32));
            permute();
            drawPair(FRI_ALPHA);
            absorbCap(proof + PROOF_FOLD_0_CAP);
            drawPair(FRI_BETAS);
            absorbCap(proof + PROOF_FOLD_1_CAP);
            drawPair(FRI_BETAS + 64);

            absorbCalldata(
                proof + PROOF_FINAL_POLYNOMIAL, proof + PROOF_FINAL_POLYNOMIAL + 16 * FINAL_POLYNOMIAL_LENGTH
            );
            absorbElement(SPONGE, proof + PROOF_GRINDING_WITNESS);
            permute();
            drawQueries();
        }
    }

    /// Overwrites the element at `place` in the sponge with one of calldata.
    function absorbElement(uint256 place, uint256 element) private pure {
        uint256 upper = Goldilocks.loadCalldata(element) >> 192 << 192;
        Goldilocks.store(place, Goldilocks.load(place) & type(uint256).max >> 64 | upper);
    }

    function drawPair(uint256 place) private pure {
        uint256 drawn = drawFour();
        Goldilocks.store2(place, drawn & MASK_64, drawn >> 64 & MASK_64);
    }

    /// The next four challenges after a permutation, the first in the lowest lane.
    function drawFour() private pure returns (uint256) {
        return Goldilocks.swapBytes(Goldilocks.load(SPONGE + 32));
    }

    /// The response to the grinding witness, then the indices of the ten queries.
    function drawQueries() private pure {
        unchecked {
            uint256 lanes = drawFour();
            Goldilocks.store(GRINDING_RESPONSE, lanes & MASK_64);
            uint256 place = QUERY_INDICES;
            for (lanes >>= 64; place < QUERY_INDICES + 96; place += 32) {
                Goldilocks.store(place, lanes & DOMAIN_MASK);
                lanes >>= 64;
            }
            lanes = Goldilocks.swapBytes(Goldilocks.load(SPONGE));
            for (; place < QUERY_INDICES + 224; place += 32) {
                Goldilocks.store(place, lanes & DOMAIN_MASK);
                lanes >>= 64;
            }
            permute();
            lanes = drawFour();
            for (; place < QUERY_INDICES + 320; place += 32) {
                Goldilocks.store(place, lanes & DOMAIN_MASK);
                lanes >>= 64;
            }
        }
    }

    function packedPublicInputsHash() private pure returns (uint256) {
        (uint256 h0, uint256 h1) = Goldilocks.load2(PUBLIC_INPUTS_HASH);
        (uint256 h2, uint256 h3) = Goldilocks.load2(PUBLIC_INPUTS_HASH + 64);
        return h0 << 192 | h1 << 128 | h2 << 64 | h3;
    }

    /// A digest as five elements: its bytes in chunks of seven, each a little-endian number. Writes 64 bytes, of
    /// which 40 count.
    function expandDigest(uint256 place, uint256 digest) internal pure {
        assembly ("memory-safe") {
            let lanes := and(digest, 0xffffffffffffff00000000000000000000000000000000000000000000000000)
            lanes := or(lanes, and(shr(8, digest), 0xffffffffffffff0000000000000000000000000000000000))
            lanes := or(lanes, and(shr(16, digest), 0xffffffffffffff000000000000000000))
            lanes := or(lanes, and(shr(24, digest), 0xffffffffffffff00))
            mstore(place, lanes)
            mstore(add(place, 32), shl(224, digest))
        }
    }

    function expandCap(uint256 place, uint256 cap) private pure {
        unchecked {
            for (uint256 end = cap + CAP_LENGTH; cap < end; cap += 32) {
                expandDigest(place, Goldilocks.loadCalldata(cap));
                place += 40;
            }
        }
    }

    /// 16 digests are 80 elements, ten blocks.
    function absorbCap(uint256 cap) private pure {
        unchecked {
            expandCap(TRANSCRIPT_BUFFER, cap);
            absorbMemory(TRANSCRIPT_BUFFER, TRANSCRIPT_BUFFER + 640);
        }
    }

    function absorbMemory(uint256 place, uint256 end) private pure {
        unchecked {
            for (; place < end; place += BLOCK) {
                (uint256 w0, uint256 w1) = Goldilocks.load2(place);
                Goldilocks.store2(SPONGE, w0, w1);
                permute();
            }
        }
    }

    function absorbCalldata(uint256 place, uint256 end) private pure {
        unchecked {
            for (; place < end; place += BLOCK) {
                Goldilocks.store2(SPONGE, Goldilocks.loadCalldata(place), Goldilocks.loadCalldata(place + 32));
                permute();
            }
        }
    }

    /// plonky2's `KeccakPermutation`.
    function permute() internal pure {
        uint256 h0;
        uint256 h1;
        uint256 h2;
        assembly ("memory-safe") {
            h0 := keccak256(SPONGE, 96)
            mstore(SPONGE, h0)
            h1 := keccak256(SPONGE, 32)
            mstore(add(SPONGE, 32), h1)
            h2 := keccak256(add(SPONGE, 32), 32)
            mstore(add(SPONGE, 64), h2)
        }
        // First whether any upper half is 2^32 - 1 at all.
        unchecked {
            uint256 carries = (h0 & LOW_HALVES) + ONES | (h1 & LOW_HALVES) + ONES | (h2 & LOW_HALVES) + ONES;
            if (carries & CARRIES != 0) {
                if (Goldilocks.excess(h0) | Goldilocks.excess(h1) | Goldilocks.excess(h2) != 0) sift(h0);
            }
        }
    }

    /// The permutation where a number is p or more (one in 2^32): such numbers are left out and the hashes go on.
    function sift(uint256 hash) private pure {
        unchecked {
            uint256 count;
            uint256 lanes;
            while (true) {
                for (uint256 shift = 256; shift != 0;) {
                    shift -= 64;
                    uint256 lane = hash >> shift & MASK_64;
                    if (lane & 0xffffffff == 0xffffffff && lane >> 32 != 0) continue;
                    lanes = lanes << 64 | lane;
                    if (++count % 4 == 0) Goldilocks.store(SPONGE + 8 * count - 32, lanes);
                    if (count == 12) return;
                }
                assembly ("memory-safe") {
                    mstore(0, hash)
                    hash := keccak256(0, 32)
                }
            }
        }
    }
}
