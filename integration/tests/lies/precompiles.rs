//! Lies about numbers.

use alloy::primitives::{Address, B256, U256 as Word, keccak256};
use alloy::signers::SignerSync;
use ethereum_types::{U256, U512};
use tern_integration::corpus::contracts::{ENVIRONMENT, FORWARDER};
use tern_integration::corpus::{Send, genesis, signer};
use tern_integration::lying::{Lie, Scene, Twist, Verdict, honest, judge, tell};

use super::stage::{answers_are_refused, refused, scene};

fn call(precompile: u8, data: &[u8]) -> Scene {
    let to = Address::with_last_byte(precompile);
    let data = [&[3], to.as_slice(), data].concat();
    scene(&genesis(), &[Send::to(FORWARDER).data(data).sign(0)])
}

fn words(words: &[u128]) -> Vec<u8> {
    let words = words
        .iter()
        .flat_map(|word| Word::from(*word).to_be_bytes::<32>());
    words.collect()
}

/// The inverse of an odd number modulo 2^128.
fn inverse(odd: U256) -> U256 {
    let low = |number: U256| number & (U256::MAX >> 128);
    let mut inverse = U256::one();
    for _ in 0..7 {
        let error = low(U256::from(2) + (U256::one() << 128) - low(odd * inverse));
        inverse = low(inverse * error);
    }
    inverse
}

#[test]
pub(crate) fn modexp_returns_the_power_and_nothing_else() {
    let modulus = (1_u128 << 127) + 45;
    let [base, exponent] = [3_u128 << 100, 3];
    let numbers = [base, exponent, modulus].map(u128::to_be_bytes);
    let data = [words(&[16, 16, 16]), numbers.concat()].concat();
    let scene = call(5, &data);
    let questions = &scene.record.questions;
    let asked: Vec<usize> = (0..questions.len())
        .filter(|index| questions[*index].function == "bignum_modmul")
        .collect();
    let first = questions[asked[0]].pc;
    let modulus = U256::from(modulus);
    for pair in asked.windows(2) {
        let [remainder, quotient] = [pair[0], pair[1]];
        if questions[remainder].pc != first || questions[quotient].pc == first {
            continue;
        }
        let [x, k] = [questions[remainder].honest, questions[quotient].honest];
        let other = if x.is_zero() { U256::one() } else { x - 1 };
        // x + k m keeps its low half: k grows by the difference over m, modulo 2^128.
        let half = U256::one() << 128;
        let difference = (x + half - other) % half;
        let step = difference.full_mul(inverse(modulus)) % U512::from(half);
        let k = (k + U256::try_from(step).unwrap()) % half;
        let lies = [
            Lie::Answer {
                question: remainder,
                twist: Twist::Set(other),
            },
            Lie::Answer {
                question: quotient,
                twist: Twist::Set(k),
            },
        ];
        refused(&scene, &lies);
    }
}

/// 2^64 gas, which a counter of 64 bits shows as nothing, for an exponent of 1.6 GB: the call fails as in the EVM, where
/// nobody can pay it.
#[test]
pub(crate) fn modexp_costs_what_wraps_the_counter() {
    let [exponent, modulus] = [32 + (3 << 29), 1 << 19];
    let scene = call(5, &words(&[0, exponent, modulus]));
    let verdict = judge(&scene, tell(&scene, honest()), false);
    assert_eq!(verdict, Verdict::Same);
}

#[test]
pub(crate) fn a_valid_signature_does_not_fail() {
    let hash: B256 = keccak256("a permit");
    let signature = signer(1).sign_hash_sync(&hash).unwrap();
    let v = Word::from(27 + u8::from(signature.v()));
    let data = [
        hash.as_slice(),
        &v.to_be_bytes::<32>(),
        &signature.r().to_be_bytes::<32>(),
        &signature.s().to_be_bytes::<32>(),
    ];
    let scene = call(1, &data.concat());
    let questions = scene.record.questions.iter();
    let number = questions
        .filter(|asked| asked.function.ends_with("sqrt"))
        .count();
    assert_eq!(number, 2, "the transaction's and the call's");
    let mut seen = 0;
    answers_are_refused(&scene, move |question, _| {
        seen += usize::from(question.function.ends_with("sqrt"));
        (question.function.ends_with("sqrt") && seen == number).then(U256::zero)
    });
}

#[test]
pub(crate) fn the_blob_base_fee_is_not_the_provers_word() {
    let scene = scene(&genesis(), &[Send::to(ENVIRONMENT).sign(0)]);
    answers_are_refused(&scene, |question, _| {
        (question.function == "blobbasefee").then(|| 7.into())
    });
}
