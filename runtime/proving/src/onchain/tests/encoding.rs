//! One proof, one encoding; and the native twin of the contract.

use rayon::prelude::*;
use tern_messages::StatementDigest;

use super::fixture::Fixture;
use crate::onchain::{OnchainError, PROOF_LEN, decode_calldata, encode_calldata, verify_native};

/// p, which is no canonical element.
const ORDER: u64 = 0xffff_ffff_0000_0001;

#[test]
fn a_proof_survives_encoding() {
    let fixture = Fixture::read();
    let proof = decode_calldata(&fixture.proof, &fixture.statement).unwrap();
    assert_eq!(encode_calldata(&proof), fixture.proof);
    assert_eq!(fixture.proof.len(), PROOF_LEN);
}

#[test]
fn a_real_proof_is_accepted_natively() {
    let fixture = Fixture::read();
    verify_native(&fixture.key, &fixture.proof, &fixture.statement).unwrap();
}

#[test]
fn a_proof_of_another_length_is_refused() {
    let fixture = Fixture::read();
    let longer = [&fixture.proof[..], &[0]].concat();
    for bytes in [&[][..], &fixture.proof[..PROOF_LEN - 1], &longer] {
        let error = decode_calldata(bytes, &fixture.statement).unwrap_err();
        assert!(matches!(error, OnchainError::WrongLength { actual, .. } if actual == bytes.len()));
    }
}

#[test]
fn numbers_that_are_not_below_the_order_are_refused() {
    let fixture = Fixture::read();
    // An opening, the final polynomial, both grinding witnesses, a leaf, a coset.
    for offset in [1536, 6368, 6880, 6888, 6896, 6896 + 3936] {
        let mut proof = fixture.proof.clone();
        proof[offset..offset + 8].copy_from_slice(&ORDER.to_le_bytes());
        let error = decode_calldata(&proof, &fixture.statement).unwrap_err();
        assert!(
            matches!(error, OnchainError::NonCanonical { value: ORDER, .. }),
            "at {offset}: {error}"
        );
    }
    let error = decode_calldata(&fixture.proof, &StatementDigest([0, 0, 0, ORDER])).unwrap_err();
    assert!(matches!(
        error,
        OnchainError::NonCanonical { value: ORDER, .. }
    ));
}

#[test]
fn a_proof_with_any_one_byte_changed_is_refused_natively() {
    let fixture = Fixture::read();
    (0..PROOF_LEN)
        .into_par_iter()
        .step_by(101)
        .for_each(|offset| {
            let mut proof = fixture.proof.clone();
            proof[offset] ^= 1 << (offset % 8);
            verify_native(&fixture.key, &proof, &fixture.statement)
                .expect_err(&format!("byte {offset}"));
        });
}

#[test]
fn another_statement_or_key_is_refused_natively() {
    let fixture = Fixture::read();
    for index in 0..4 {
        let mut statement = fixture.statement;
        statement.0[index] ^= 1;
        verify_native(&fixture.key, &fixture.proof, &statement).unwrap_err();
    }
    let mut key = fixture.key.clone();
    key.circuit_digest.0[31] ^= 1;
    verify_native(&key, &fixture.proof, &fixture.statement).unwrap_err();
}
