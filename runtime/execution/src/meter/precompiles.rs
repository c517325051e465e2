//! Cycles and cells of the precompiled contracts, beyond those of the call.

use alloy::primitives::{Address, U256};

use super::costs::words;

/// What a call takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Precompile {
    pub(super) cycles: u64,
    /// Cells in use until it ends.
    pub(super) cells: u64,
}

/// What calling `address` with `input` and this much gas takes, if a precompiled contract is there.
pub(super) fn precompile(address: &Address, input: &[u8], gas: u64) -> Option<Precompile> {
    let bytes = address.as_slice();
    let (last, zeros) = bytes.split_last()?;
    if zeros.iter().any(|byte| *byte != 0) {
        return None;
    }
    let length = input.len() as u64;
    let blocks = (length + 9).div_ceil(64);
    let (cycles, cells) = match last {
        // secp256k1 with GLV: constant but for failures, which are cheaper. A table of 16 points.
        1 => (32_000, 200),
        // Logic rows, 1,740 for each 64 bytes, which become 256 of message schedule.
        2 => (28_200 * blocks, 320 * blocks + 300),
        // The input is copied behind its buffers.
        3 => (3_000 + 21_200 * blocks, length + 400),
        4 => (800 + words(length, 62), 0),
        5 => modexp(input, gas),
        6 => (1_600, 100),
        // Two expansions of a scalar, and a table of points.
        7 => (25_000, 500),
        // Miller loop for each pair, one final exponentiation; in arithmetic rows. Pairs have six coordinates.
        8 => (445_000 + 480_000 * (length / 192), 6 * (length / 192) + 400),
        // Logic rows, 96 for each round.
        9 => (4_800 + 1_560 * rounds(input, gas), 400),
        // Fails.
        10 => (1_800, 0),
        _ => return None,
    };
    Some(Precompile { cycles, cells })
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
///
/// Cycles, and cells: twelve numbers, the exponent, and on the stack the limbs of the longest of them.
fn modexp(input: &[u8], gas: u64) -> (u64, u64) {
    // The exponent's length in bits is looked for before the gas is charged.
    const FAILS: (u64, u64) = (3_500, 200);
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
    // The first one, by 1, is made whatever the exponent.
    let products: u64 = bits + ones + 1;
    let cells = limbs
        .saturating_mul(13)
        .saturating_add(exponent_limbs.saturating_mul(2))
        .saturating_add(200);
    let cycles = products
        .saturating_mul(product)
        // After each bit the exponent is shifted, and compared with zero.
        .saturating_add(bits.saturating_mul(exponent_limbs).saturating_mul(64))
        .saturating_add(limbs.saturating_add(exponent_limbs).saturating_mul(400))
        .saturating_add(4_000);
    (cycles, cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modexp_of(length: usize, exponent: &[u8], gas: u64) -> (u64, u64) {
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
            let (bound, _) = modexp_of(length, &exponent, u64::MAX);
            assert!(
                bound >= measured && bound < measured * 5 / 4,
                "{length}: {bound}"
            );
        }
    }

    #[test]
    fn sha256_has_a_schedule_of_each_block() {
        let cells = |length| {
            let called = precompile(&Address::with_last_byte(2), &vec![0; length], u64::MAX);
            called.unwrap().cells
        };
        assert_eq!(cells(0), 620);
        assert_eq!(cells(36_000) - cells(0), 562 * 320);
    }

    #[test]
    fn what_nobody_pays_for_fails_early() {
        assert_eq!(modexp_of(1024, &[0xff; 1024], 1_000), (3_500, 200));
        let mut input = [0xff; 213];
        assert_eq!(rounds(&input, 1_000_000), 0);
        input[0] = 0;
        assert_eq!(rounds(&input, 1 << 24), (1 << 24) - 1);
    }
}
