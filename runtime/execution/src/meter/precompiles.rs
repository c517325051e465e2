//! Cycles of the precompiled contracts, beyond those of the call.

use alloy::primitives::{Address, U256};

use super::costs::words;

/// What calling `address` with `input` and this much gas takes, if a precompiled contract is there.
pub(super) fn precompile(address: &Address, input: &[u8], gas: u64) -> Option<u64> {
    let bytes = address.as_slice();
    let (last, zeros) = bytes.split_last()?;
    if zeros.iter().any(|byte| *byte != 0) {
        return None;
    }
    let length = input.len() as u64;
    let cost = match last {
        // secp256k1 with GLV: constant but for failures, which are cheaper.
        1 => 32_000,
        // Logic rows, 1,740 for each 64 bytes.
        2 => 28_200 * ((length + 9).div_ceil(64)),
        3 => 3_000 + 21_200 * ((length + 9).div_ceil(64)),
        4 => 800 + words(length, 62),
        5 => modexp(input, gas),
        6 => 1_600,
        7 => 25_000,
        // Miller loop for each pair, one final exponentiation; in arithmetic rows.
        8 => 445_000 + 480_000 * (length / 192),
        // Logic rows, 96 for each round.
        9 => 4_800 + 1_560 * rounds(input, gas),
        // Fails.
        10 => 1_800,
        _ => return None,
    };
    Some(cost)
}

/// Rounds of BLAKE2F, a gas each; without the gas it fails before.
fn rounds(input: &[u8], gas: u64) -> u64 {
    let rounds = input
        .first_chunk::<4>()
        .copied()
        .map_or(0, u32::from_be_bytes);
    if u64::from(rounds) > gas || input.len() != 213 {
        0
    } else {
        rounds.into()
    }
}

/// EIP-198 with limbs of 128 bits: squares and products for each bit of the exponent, checked by multiplication. The
/// exponent has limbs of its own.
fn modexp(input: &[u8], gas: u64) -> u64 {
    const FAILS: u64 = 2_500;
    let word = |index: usize| -> U256 {
        let mut word = [0; 32];
        for (at, byte) in word.iter_mut().enumerate() {
            *byte = input.get(index * 32 + at).copied().unwrap_or_default();
        }
        U256::from_be_bytes(word)
    };
    let lengths =
        [word(0), word(1), word(2)].map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    let [base, exponent, modulus] = lengths;
    if base == 0 && modulus == 0 {
        return FAILS;
    }
    // EIP-2565: a multiplication's gas is at least a third of the squared words, for each length; so whoever pays
    // has lengths below these, and what nobody paid for fails before anything is loaded.
    let widest = (base.max(modulus) as u64).div_ceil(8);
    let squared = widest.saturating_mul(widest);
    if squared / 3 > gas
        || (exponent as u64)
            .saturating_sub(32)
            .saturating_mul(8)
            .saturating_mul(squared)
            / 3
            > gas
    {
        return FAILS;
    }
    let start = 96usize.saturating_add(base);
    let given = input.get(start..).unwrap_or_default();
    let given = &given[..given.len().min(exponent)];
    let first = given.iter().position(|byte| *byte != 0);
    let (bits, ones) = match first {
        None => (1, 0),
        Some(first) => {
            let bits = (exponent - first) as u64 * 8 - u64::from(given[first].leading_zeros());
            let ones = given.iter().map(|byte| u64::from(byte.count_ones())).sum();
            (bits, ones)
        }
    };
    let limbs = (base.max(modulus) as u64).div_ceil(16);
    let exponent_limbs = (exponent as u64).div_ceil(16);
    let product = limbs
        .saturating_mul(limbs)
        .saturating_mul(152)
        .saturating_add(limbs.saturating_mul(280))
        .saturating_add(400);
    let products: u64 = bits + ones;
    products
        .saturating_mul(product)
        // After each bit the exponent is shifted, and compared with zero.
        .saturating_add(bits.saturating_mul(exponent_limbs).saturating_mul(64))
        .saturating_add(limbs.saturating_add(exponent_limbs).saturating_mul(400))
        .saturating_add(4_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modexp_of(length: usize, exponent: &[u8], gas: u64) -> u64 {
        let mut input = Vec::new();
        for part in [length, exponent.len(), length] {
            input.extend(U256::from(part).to_be_bytes::<32>());
        }
        input.extend(vec![0xfe; length]);
        input.extend(exponent);
        input.extend(vec![0xff; length]);
        modexp(&input, gas)
    }

    #[test]
    fn modexp_is_above_what_was_measured() {
        // Cycles of the whole transaction less those of an empty one.
        for (length, exponent, measured) in [
            (32, vec![0xff; 32], 734_600),
            (32, vec![1; 32], 420_100),
            (64, vec![0xff; 32], 1_882_800),
            (256, vec![0xff; 32], 20_517_000),
            (256, vec![0xff; 3], 1_972_900),
            (1024, vec![0xff; 1], 9_863_000),
        ] {
            let bound = modexp_of(length, &exponent, u64::MAX);
            assert!(
                bound >= measured && bound < measured * 5 / 4,
                "{length}: {bound}"
            );
        }
    }

    #[test]
    fn what_nobody_pays_for_fails_early() {
        assert_eq!(modexp_of(1024, &[0xff; 1024], 1_000), 2_500);
        let mut input = [0xff; 213];
        assert_eq!(rounds(&input, 1_000_000), 0);
        input[0] = 0;
        assert_eq!(rounds(&input, 1 << 24), (1 << 24) - 1);
    }
}
