//! Nobody can stop the chain: whatever a node executes, the prover's machine executes alike, within the meter's bound.
//!
//! In the environment: `EDGES` is the number of cases to draw, `EDGES_SEED` where to begin. What was found once has a
//! test of its own.

use alloy::primitives::{Bytes, U256};
use rayon::prelude::*;
use tern_integration::corpus::Send;
use tern_integration::corpus::assembly::assemble;
use tern_integration::edges::{ATTACKER, CALLEE, Case, Fate};
use tern_integration::vectors::say;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As many as two cores try in some minutes.
const CASES: u64 = 300;

#[test]
fn random_transactions_at_the_edges_are_provable() {
    let number = |name, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let first = number("EDGES_SEED", 0);
    let last = first + number("EDGES", CASES);
    let outcomes: Vec<_> = (first..last)
        .into_par_iter()
        .map(|seed| {
            let outcome = Case::of_seed(seed).carry_out();
            if let Err(find) = &outcome {
                say(&format!("seed {seed}: {find}"));
            }
            (seed, outcome)
        })
        .collect();
    let of = |fate| {
        outcomes
            .iter()
            .filter(|(_, one)| matches!(one, Ok(is) if *is == fate))
            .count()
    };
    let (alike, refused) = (of(Fate::Alike), of(Fate::Refused));
    let finds: Vec<u64> = outcomes
        .iter()
        .filter(|(_, one)| one.is_err())
        .map(|(seed, _)| *seed)
        .collect();
    say(&format!(
        "edges: {alike} alike, {refused} refused, {} finds",
        finds.len()
    ));
    assert!(finds.is_empty(), "seeds {finds:?}");
}

#[track_caller]
fn alike(attacker: &str, callee: &str) {
    let program = |text: &str| assemble(&text.replace("CALLEE", &CALLEE.to_string()));
    let case = Case::calling(program(attacker), program(callee));
    assert_eq!(
        case.carry_out().map_err(|find| find.to_string()),
        Ok(Fate::Alike)
    );
}

#[track_caller]
fn sent(send: Send) {
    let mut case = Case::calling(Bytes::new(), Bytes::new());
    case.transactions = vec![send];
    assert_eq!(
        case.carry_out().map_err(|find| find.to_string()),
        Ok(Fate::Alike)
    );
}

#[test]
fn transient_storage_is_searched_entry_by_entry() {
    // Three TSTOREs, a TLOAD, an SSTORE.
    let code = "6007305d602260055d60aa60075d60055c60005500";
    sent(Send::create(code.parse().unwrap()));
}

#[test]
fn a_call_with_gas_that_wraps_ends_as_in_the_evm() {
    for round in [U256::from(1_u128 << 64), U256::ZERO] {
        for below in [100, 2_300, 2_600, 9_100, 11_600, 36_600] {
            let gas = round.wrapping_sub(U256::from(below));
            for value in [1, 1_000_000] {
                for left in [50, 99, 5_000, 9_050, 9_400, 11_000] {
                    let program = format!("0 0 0 0 {value} {CALLEE} {gas} CALL STOP");
                    let mut case = Case::calling(assemble(&program), assemble("STOP"));
                    // 21,000 for the transaction, 3 for each of seven pushes (2 for PUSH0).
                    case.transactions = vec![Send::to(ATTACKER).gas(21_017 + left)];
                    let outcome = case.carry_out().map_err(|find| find.to_string());
                    assert_eq!(outcome, Ok(Fate::Alike), "{gas} gas, {left} left");
                }
            }
        }
    }
}

#[test]
fn a_reverted_self_destruction_destroys_nothing() {
    // The child destroys itself in favour of an absent account, in a call that is reverted. Its runtime code is
    // PUSH1 0x61, SELFDESTRUCT.
    let attacker = "
        0x626061ff5f526003601df3 0 MSTORE 11 21 0 CREATE
        DUP1 0 MSTORE 0 0 32 0 0 CALLEE 200000 CALL POP
        EXTCODESIZE 1 ADD 0 SSTORE STOP";
    let callee = "0 0 0 0 0 0 CALLDATALOAD 100000 CALL POP 0 0 REVERT";
    alike(attacker, callee);
}

#[test]
fn a_creation_without_the_money_warms_nothing() {
    let created = ATTACKER.create(1);
    alike(
        &format!("0 0 1000000 CREATE POP {created} BALANCE 0 SSTORE STOP"),
        "STOP",
    );
}

#[test]
fn a_creation_of_nothing_from_far_away_is_a_creation_of_nothing() {
    alike("7 0 0x10000000000 0 CREATE2 0 SSTORE STOP", "STOP");
    alike(
        "7 0 0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff 0 CREATE2 0 SSTORE STOP",
        "STOP",
    );
}

#[test]
fn a_pairing_of_a_point_that_is_the_end_of_the_field_fails() {
    // 2^256 - 1 modulo the order of alt_bn128's field (EIP-196).
    let order: U256 = "0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47"
        .parse()
        .unwrap();
    let x = U256::MAX % order;
    alike(
        &format!(
            "1 0 MSTORE 2 32 MSTORE {x} 64 MSTORE {x} 96 MSTORE 5 128 MSTORE 6 160 MSTORE
             32 0 192 0 8 200000 STATICCALL 0 SSTORE STOP"
        ),
        "STOP",
    );
}

#[test]
fn lengths_of_modexp_that_nobody_can_pay_fail_the_call() {
    for length in [
        "0x100000000",
        "0x4000000000",
        "0x10000000000000000",
        "0x800000000000000000000000000000000",
    ] {
        for word in [0, 32, 64] {
            alike(
                &format!(
                    "1 0 MSTORE 1 32 MSTORE 1 64 MSTORE {length} {word} MSTORE 1 0 128 0 5 200000 STATICCALL 0 SSTORE STOP"
                ),
                "STOP",
            );
        }
    }
}

#[test]
fn a_price_of_modexp_that_wraps_the_gas_counter_fails_the_call() {
    // 2^64 gas, or a little more: an exponent of so many bytes, for a modulus of so many.
    for (exponent, modulus) in [
        (1_610_612_768_u64, 524_288_u64),
        (1_610_612_769, 524_288),
        (6_291_488, 8_388_608),
        (6_291_489, 8_388_608),
    ] {
        alike(
            &format!(
                "{exponent} 32 MSTORE {modulus} 64 MSTORE 0 0 96 0 5 200000 STATICCALL 0 SSTORE STOP"
            ),
            "STOP",
        );
    }
}

#[test]
fn a_long_exponent_of_modexp_is_bounded_or_refused() {
    // Cheap in gas: the modulus is a byte.
    for length in [64, 128, 256, 1_000] {
        let program = format!(
            "1 0 MSTORE {length} 32 MSTORE 1 64 MSTORE PUSH0 NOT 96 MSTORE 1 0 1300 0 5 GAS STATICCALL 0 SSTORE STOP"
        );
        let outcome = Case::calling(assemble(&program), Bytes::new()).carry_out();
        assert!(outcome.is_ok(), "{length}: {}", outcome.unwrap_err());
    }
}

#[test]
fn a_long_exponent_of_modexp_does_not_lengthen_the_other_numbers() {
    // 3 to this power, modulo 251. Ones up to the last limb, which may be zero.
    for (length, ones) in [(0, 0), (1, 1), (17, 1), (33, 17), (64, 64), (64, 48)] {
        let program = format!(
            "1 0 MSTORE {length} 32 MSTORE 1 64 MSTORE
             PUSH0 NOT 96 MSTORE PUSH0 NOT 128 MSTORE PUSH0 NOT 160 MSTORE
             PUSH0 {} MSTORE PUSH0 {} MSTORE 3 96 MSTORE8 251 {} MSTORE8
             1 0 200 0 5 GAS STATICCALL 0 SSTORE 0 MLOAD 1 SSTORE STOP",
            97 + ones,
            129 + ones,
            97 + length,
        );
        let outcome = Case::calling(assemble(&program), Bytes::new()).carry_out();
        let fate = outcome.unwrap_or_else(|find| panic!("{length}: {find}"));
        assert_eq!(fate, Fate::Alike, "{length}: not refused");
    }
}

#[test]
fn a_shift_by_nearly_four_billion_leaves_nothing() {
    for shift in ["SHL", "SHR", "SAR"] {
        for by in ["0xffffffff", "0xffffffe7", "0x8000000", "0x100000000"] {
            alike(&format!("1 {by} {shift} 1 ADD 0 SSTORE STOP"), "STOP");
        }
    }
}
