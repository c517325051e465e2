//! The contract accepts what holds, and nothing else.

use alloy::primitives::U256;
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use rayon::prelude::*;

use super::evm::{Answer, Contract, error, verify_call};
use super::fixture::{Fixture, inner};
use crate::onchain::{PROOF_LEN, WrapCircuit, verify_native};

/// Execution and calldata, under Cancun's prices.
const GAS_GOAL: u64 = 2_500_000;
const ORDER: u64 = 0xffff_ffff_0000_0001;

#[test]
fn the_contract_accepts_a_real_proof_within_the_goal() {
    let fixture = Fixture::read();
    let answer = Contract::deploy(&fixture.key).verify(&fixture.proof, &fixture.statement);
    let Answer::Accepted { gas } = answer else {
        panic!("{answer:?}")
    };
    eprintln!("verify: {gas} gas, execution, calldata and base fee of a transaction together");
    assert!(gas <= GAS_GOAL, "{gas}");
}

#[test]
fn the_contract_refuses_a_proof_with_any_one_byte_changed() {
    let fixture = Fixture::read();
    let contract = Contract::deploy(&fixture.key);
    // 53 divides none of the layout's lengths: every kind of field is hit at every position.
    (0..PROOF_LEN)
        .into_par_iter()
        .step_by(53)
        .for_each(|offset| {
            let mut proof = fixture.proof.clone();
            proof[offset] ^= 1 << (offset / 53 % 8);
            let answer = contract.verify(&proof, &fixture.statement);
            assert!(!matches!(answer, Answer::Accepted { .. }), "byte {offset}");
        });
}

#[test]
fn the_contract_refuses_every_other_statement() {
    let fixture = Fixture::read();
    let contract = Contract::deploy(&fixture.key);
    for bit in 0..256 {
        let mut statement = fixture.statement;
        statement.0[bit / 64] ^= 1 << (bit % 64);
        let answer = contract.verify(&fixture.proof, &statement);
        if statement.0[bit / 64] < ORDER {
            assert_eq!(answer, Answer::Refused, "bit {bit}");
        } else {
            assert_eq!(answer, error("MalformedStatement()"), "bit {bit}");
        }
    }
}

#[test]
fn the_contract_reverts_on_a_statement_that_is_equal_modulo_the_order() {
    let fixture = Fixture::read();
    let contract = Contract::deploy(&fixture.key);
    for index in 0..4 {
        let mut statement = fixture.statement.0.map(U256::from);
        statement[index] += U256::from(ORDER);
        let answer = contract.call(verify_call(&fixture.proof, &statement));
        assert!(
            matches!(answer, Answer::Reverted(_)),
            "element {index}: {answer:?}"
        );
    }
}

#[test]
fn the_contract_reverts_on_malformed_proofs() {
    let fixture = Fixture::read();
    let contract = Contract::deploy(&fixture.key);
    let longer = [&fixture.proof[..], &[0]].concat();
    for bytes in [&[][..], &fixture.proof[..PROOF_LEN - 1], &longer] {
        assert_eq!(
            contract.verify(bytes, &fixture.statement),
            error("MalformedProof()")
        );
    }
    for offset in [1536, 6880] {
        let mut proof = fixture.proof.clone();
        proof[offset..offset + 8].copy_from_slice(&ORDER.to_le_bytes());
        assert_eq!(
            contract.verify(&proof, &fixture.statement),
            error("MalformedProof()"),
            "at {offset}"
        );
    }
}

#[test]
fn the_contract_accepts_no_garbage() {
    let fixture = Fixture::read();
    let contract = Contract::deploy(&fixture.key);
    (0..200_u64).into_par_iter().for_each(|seed| {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut proof = fixture.proof.clone();
        // Garbage of all kinds of extent: from a few bytes to everything.
        let start = rng.gen_range(0..PROOF_LEN) * usize::from(seed % 4 != 0);
        let end = rng.gen_range(start..PROOF_LEN) + 1;
        rng.fill_bytes(&mut proof[start..end]);
        assert!(
            !matches!(
                contract.verify(&proof, &fixture.statement),
                Answer::Accepted { .. }
            ),
            "seed {seed}"
        );
    });
}

#[test]
fn the_contract_refuses_the_proof_of_another_circuit() {
    let fixture = Fixture::read();
    for flipped in 0..=16 {
        let mut key = fixture.key.clone();
        match flipped {
            0 => key.circuit_digest.0[0] ^= 1,
            _ => key.constants_sigmas_cap[flipped - 1].0[0] ^= 1,
        }
        let answer = Contract::deploy(&key).verify(&fixture.proof, &fixture.statement);
        // A digest of the cap matters when a query falls below it: ten queries meet about half of the sixteen.
        let native = verify_native(&key, &fixture.proof, &fixture.statement);
        assert_eq!(
            matches!(answer, Answer::Accepted { .. }),
            native.is_ok(),
            "part {flipped}"
        );
        assert!(flipped > 0 || answer == Answer::Refused);
    }
}

#[test]
fn a_new_circuit_and_its_proof_satisfy_the_contract() {
    let write = std::env::var_os("TERN_WRITE_FIXTURES").is_some();
    let (data, proof) = inner(if write { 3 } else { 1_000 });
    let circuit = if write {
        let circuit = WrapCircuit::build(&data.verifier_data(), &[]).unwrap();
        super::generated::write(circuit.structure());
        circuit
    } else {
        WrapCircuit::new(&data.verifier_data()).unwrap()
    };
    let wrapped = circuit.prove(&proof).unwrap();
    let fixture = Fixture::of(circuit.verifier_key(), &wrapped);
    if write {
        fixture.write();
        return;
    }
    verify_native(&fixture.key, &fixture.proof, &fixture.statement).unwrap();
    let contract = Contract::deploy(&fixture.key);
    let answer = contract.verify(&fixture.proof, &fixture.statement);
    assert!(matches!(answer, Answer::Accepted { .. }), "{answer:?}");
    let other = Fixture::read();
    assert_eq!(
        contract.verify(&other.proof, &other.statement),
        Answer::Refused
    );
}
