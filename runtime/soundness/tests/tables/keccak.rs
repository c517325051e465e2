//! The permutation.

use evm_arithmetization::keccak::columns::{
    reg_a_prime, reg_a_prime_prime, reg_a_prime_prime_0_0_bit, reg_a_prime_prime_prime, reg_b,
    reg_c, reg_c_prime, reg_step,
};
use plonky2::field::types::Field;
use tern_soundness::{F, Omission, Table, mends};

use super::{changed, checker, honest, refused_by};

/// The constant of the last round (FIPS 202, ι).
const LAST_ROUND_CONSTANT: u64 = 0x8000_0000_8000_8008;
/// "deadbeef", eight times, in the order of the permutation's lanes.
const DIGEST: [u64; 4] = [0xefbe_adde_efbe_adde; 4];

/// `x ^ y`, continued to the whole field as the constraints do.
fn xor(x: F, y: F) -> F {
    x + y - x * y.double()
}

/// 32 values as the bits of a limb, least first.
fn limb(bit: impl Fn(usize) -> F, half: usize) -> F {
    let bits = (32 * half..32 * (half + 1)).rev();
    bits.fold(F::ZERO, |sum, z| sum.double() + bit(z))
}

/// The limb of lane (x, y) that the row's bits say the round was given.
fn input(row: &[F], x: usize, y: usize, half: usize) -> F {
    let theta = |z| xor(row[reg_c(x, z)], row[reg_c_prime(x, z)]);
    limb(|z| xor(row[reg_a_prime(x, y, z)], theta(z)), half)
}

/// The limb of lane (x, y) that the row's bits say comes out, before the round's constant.
fn output(row: &[F], x: usize, y: usize, half: usize) -> F {
    let b = |x: usize, z| row[reg_b(x % 5, y, z)];
    limb(|z| xor(b(x, z), (F::ONE - b(x + 1, z)) * b(x + 2, z)), half)
}

/// Adds `amount` to one of the bits that plane y = 0 is made of, and takes it from the next bit of its column, so
/// that the column's sum stays. Each lane of the plane has its turn.
fn shift(row: &mut [F], z: usize, amount: F) {
    let x = z % 5;
    let cell = reg_b(x, 0, z);
    row[cell] += amount;
    row[cell - reg_a_prime(x, x, 0) + reg_a_prime(x, (x + 1) % 5, 0)] -= amount;
}

/// What a lie must get right: the digest, and the input of the lanes that it shifts.
fn measures(row: &[F]) -> Vec<F> {
    let digest = (0..4).flat_map(|x| [0, 1].map(|half| output(row, x, 0, half)));
    let lanes = (0..5).flat_map(|x| [0, 1].map(|half| input(row, x, x, half)));
    digest.chain(lanes).collect()
}

/// Some solution of `sum_j columns[j] * x_j = target`.
fn solve(columns: &[Vec<F>], target: &[F]) -> Vec<F> {
    let mut rows: Vec<Vec<F>> = (0..target.len())
        .map(|i| columns.iter().map(|c| c[i]).chain([target[i]]).collect())
        .collect();
    let mut solution = vec![F::ZERO; columns.len()];
    let mut pivots = Vec::new();
    for column in 0..columns.len() {
        let done = pivots.len();
        let Some(pivot) = (done..rows.len()).find(|&i| rows[i][column].is_nonzero()) else {
            continue;
        };
        rows.swap(done, pivot);
        let scale = rows[done][column].inverse();
        rows[done].iter_mut().for_each(|cell| *cell *= scale);
        let pivot = rows[done].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(i, _)| *i != done) {
            let factor = row[column];
            row.iter_mut()
                .zip(&pivot)
                .for_each(|(cell, p)| *cell -= factor * *p);
        }
        pivots.push(column);
    }
    assert!(
        rows[pivots.len()..]
            .iter()
            .all(|row| row[columns.len()].is_zero())
    );
    for (row, column) in rows.iter().zip(pivots) {
        solution[column] = row[columns.len()];
    }
    solution
}

/// Changes the row of a last round so that all its identities hold with another digest. Returns the cells that should
/// hold bits and do not.
fn forge(row: &mut [F]) -> Vec<usize> {
    let before_constant = [
        DIGEST[0] ^ LAST_ROUND_CONSTANT,
        DIGEST[1],
        DIGEST[2],
        DIGEST[3],
    ];
    let now = measures(row);
    let mut wanted = now.clone();
    for (i, lane) in before_constant.into_iter().enumerate() {
        wanted[2 * i] = F::from_canonical_u64(lane & 0xffff_ffff);
        wanted[2 * i + 1] = F::from_canonical_u64(lane >> 32);
    }
    let difference = |to: &[F]| {
        to.iter()
            .zip(&now)
            .map(|(a, b)| *a - *b)
            .collect::<Vec<F>>()
    };
    let effects: Vec<_> = (0..64)
        .map(|z| {
            let mut other = row.to_vec();
            shift(&mut other, z, F::ONE);
            difference(&measures(&other))
        })
        .collect();
    for (z, amount) in solve(&effects, &difference(&wanted))
        .into_iter()
        .enumerate()
    {
        shift(row, z, amount);
    }
    for (x, y, half) in (0..50).map(|i| (i / 10, i / 2 % 5, i % 2)) {
        row[reg_a_prime_prime(x, y) + half] = output(row, x, y, half);
    }
    for i in 0..64 {
        row[reg_a_prime_prime_0_0_bit(i)] = F::from_bool(before_constant[0] >> i & 1 == 1);
    }
    row[reg_a_prime_prime_prime(0, 0)] = F::from_canonical_u64(DIGEST[0] & 0xffff_ffff);
    row[reg_a_prime_prime_prime(0, 0) + 1] = F::from_canonical_u64(DIGEST[0] >> 32);
    bits()
        .filter(|&bit| !row[bit].is_zero() && !row[bit].is_one())
        .collect()
}

/// The cells of the bits of a round, in the order of the mend.
fn bits() -> impl Iterator<Item = usize> {
    (0..1600).map(|i| reg_a_prime(i / 320, i / 64 % 5, i % 64))
}

#[test]
fn a_round_cannot_give_a_digest_of_the_provers_choice() {
    let mut rows = honest().table(Table::Keccak).iter();
    let last_round = rows.position(|row| row[reg_step(23)].is_one()).unwrap();
    let mut no_bits = Vec::new();
    let trace = changed(Table::Keccak, |table| {
        no_bits = forge(table.row_mut(last_round))
    });
    assert!(!no_bits.is_empty());
    // Everything else about the row is right.
    let parts = mends::named(checker(), "the bits of a round are bits").parts;
    let refusals = bits().zip(parts).filter_map(|(bit, part)| match part {
        Omission::Constraint { index, .. } => no_bits.contains(&bit).then_some(index),
        _ => None,
    });
    refused_by(&trace, Table::Keccak, refusals);
}
