//! Lies about codes and what they do.

use alloy::primitives::{Address, Bytes};
use ethereum_types::U256;
use evm_arithmetization::cpu::kernel::aggregator::KERNEL;
use evm_arithmetization::generation::stand_in::{
    Area, Cells, Outcome, Question, StandIn, Stopper, segment_may_begin_with, segment_may_end,
    segment_may_end_with,
};
use tern_integration::corpus::assembly::assemble;
use tern_integration::corpus::contracts::FACTORY;
use tern_integration::corpus::{Send, genesis};
use tern_integration::lying::{answering, kernel, tell};

use super::stage::{
    CONTRACT, answers_are_refused, contract, scene, stand_in_is_refused, with_contract,
};

#[test]
pub(crate) fn a_valid_jump_does_not_fail() {
    let genesis = with_contract("@there JUMP there: 1 0 SSTORE STOP", &[]);
    let scene = scene(&genesis, &[Send::to(CONTRACT).sign(0)]);
    for proof in 0..8_u64 {
        answers_are_refused(&scene, move |question, _| {
            match question.function.as_str() {
                "jumpdest_table::next_address" => Some(U256::zero()),
                "jumpdest_table::non_jumpdest_proof" => Some(proof.into()),
                _ => None,
            }
        });
    }
}

#[test]
pub(crate) fn a_jump_into_data_does_not_succeed() {
    // A JUMPDEST within the data of a PUSH32; the walk is to begin within it.
    let program = "9 JUMP STOP STOP 0x5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b 1 0 SSTORE STOP";
    let genesis = with_contract(program, &[]);
    let scene = scene(&genesis, &[Send::to(CONTRACT).fails().sign(0)]);
    let proofs = (0..10).map(U256::from);
    for proof in proofs {
        stand_in_is_refused(&scene, proving_a_jump_to_data(proof));
    }
    // Its 32 bytes are before the code, at an address that other machines may have: it is the kernel that stops.
    for start in 1..10 {
        let proof = U256::MAX - 31 + start;
        let run = tell(&scene, proving_a_jump_to_data(proof));
        let stopped_by_the_kernel = matches!(
            &run.outcome,
            Outcome::Stopped {
                by: Stopper::Panic,
                ..
            }
        );
        assert!(stopped_by_the_kernel, "{start}: {:?}", run.outcome);
    }
}

/// Says of the byte at 9 of the first code that it may be jumped to, with a proof.
fn proving_a_jump_to_data(proof: U256) -> Box<dyn StandIn> {
    let mut shown = false;
    answering(move |question, _| match question.function.as_str() {
        "jumpdest_table::next_address" if !shown => {
            shown = true;
            10.into()
        }
        "jumpdest_table::next_proof" => proof,
        _ => question.honest.unwrap_or_default(),
    })
}

/// Writes a program behind the code of every context.
struct BehindTheCode(Bytes);

impl StandIn for BehindTheCode {
    fn before(&mut self, cells: &mut Cells<'_>) {
        for context in 1..6 {
            for (index, byte) in self.0.iter().enumerate() {
                cells.set(Area::Code(context), index, (*byte).into());
            }
        }
    }

    fn answer(&mut self, question: &Question, _: &mut Cells<'_>) -> U256 {
        question.honest.unwrap_or_default()
    }
}

#[test]
pub(crate) fn behind_empty_init_code_nothing_runs() {
    let scene = scene(&genesis(), &[Send::create(Bytes::new()).value(5).sign(0)]);
    stand_in_is_refused(
        &scene,
        Box::new(BehindTheCode(assemble("ORIGIN SELFDESTRUCT"))),
    );
}

#[test]
pub(crate) fn behind_the_init_code_of_a_contract_nothing_runs() {
    let program = "0 0 5 CREATE 0 SSTORE STOP";
    let scene = scene(&with_contract(program, &[]), &[Send::to(CONTRACT).sign(0)]);
    stand_in_is_refused(
        &scene,
        Box::new(BehindTheCode(assemble("ORIGIN SELFDESTRUCT"))),
    );
}

#[test]
pub(crate) fn the_slots_of_a_destroyed_contract_do_not_stay() {
    let creation = Send::to(FACTORY).data(assemble("1 1 SSTORE CALLER SELFDESTRUCT"));
    let scene = scene(&genesis(), &[creation.value(2).sign(0)]);
    let number = U256::from(scene.initial()[2].len() / Area::Storage.node_len());
    for other in [U256::zero(), 1.into(), number - 1, number, number + 1] {
        answers_are_refused(&scene, move |question, _| {
            question
                .function
                .ends_with("address_slots")
                .then_some(other)
        });
    }
}

#[test]
pub(crate) fn no_segment_ends_within_the_checks_of_its_registers() {
    let scene = scene(&genesis(), &[Send::create(Bytes::new()).sign(0)]);
    let labels = &KERNEL.global_labels;
    let [init, main] = ["init", "main"].map(|label| labels[label]);
    for pc in init..main {
        assert!(!segment_may_end(&scene.inputs, pc), "{pc}");
    }
    for label in ["main", "hash_initial_tries", "start_txns", "halt"] {
        assert!(segment_may_end(&scene.inputs, labels[label]), "{label}");
    }
}

#[test]
pub(crate) fn the_top_of_the_stack_does_not_change_between_segments() {
    let scene = scene(&genesis(), &[Send::create(Bytes::new()).sign(0)]);
    let (inputs, kernel) = (&scene.inputs, kernel());
    let top = U256::from(7);
    for len in 1..=8 {
        let stack = vec![top; len];
        let may = |public| {
            [
                segment_may_begin_with(inputs, &kernel, stack.clone(), public),
                segment_may_end_with(inputs, &kernel, stack.clone(), public),
            ]
        };
        assert_eq!(may(top), [true; 2], "{len}");
        for bit in [0, 253, 254, 255] {
            let other = top ^ (U256::one() << bit);
            assert_eq!(may(other), [false; 2], "Forged: {len}, bit {bit}");
        }
    }
}

/// Answers honestly, and does not trap where the gas is used up.
struct Overdraws;

impl StandIn for Overdraws {
    fn overdraws(&self) -> bool {
        true
    }

    fn answer(&mut self, question: &Question, _: &mut Cells<'_>) -> U256 {
        question.honest.unwrap_or_default()
    }
}

#[test]
pub(crate) fn a_call_that_is_out_of_gas_does_not_end_well() {
    let inner = Address::repeat_byte(0xd0);
    for end in ["STOP", "0 0 RETURN", "0 0 REVERT"] {
        // 5 gas each, of 60.
        let program = format!("{} {end}", "1 POP ".repeat(40));
        let mut genesis = with_contract(&format!("0 0 0 0 0 {inner:?} 60 CALL 0 SSTORE STOP"), &[]);
        contract(&mut genesis, inner, &program, 0, &[]);
        let scene = scene(&genesis, &[Send::to(CONTRACT).sign(0)]);
        stand_in_is_refused(&scene, Box::new(Overdraws));
    }
}
