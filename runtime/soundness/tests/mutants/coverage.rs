//! What the traces hold, beside each instruction in each mode.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use evm_arithmetization::cpu::columns::{COL_MAP, CpuColumnsView, NUM_CPU_COLUMNS};
use evm_arithmetization::cpu::kernel::aggregator::KERNEL;
use evm_arithmetization::keccak_sponge::columns::KECCAK_SPONGE_COL_MAP as SPONGE;
use plonky2::field::types::{Field, PrimeField64};
use tern_soundness::{F, Table};

use super::segments;

/// Where the kernel begins with the precompiles, 1 to 10.
const PRECOMPILES: [&str; 10] = [
    "precompile_ecrec",
    "precompile_sha256",
    "precompile_rip160",
    "precompile_id",
    "precompile_expmod",
    "precompile_bn_add",
    "precompile_bn_mul",
    "precompile_snarkv",
    "precompile_blake2_f",
    "precompile_kzg_peval",
];

/// Where the kernel begins with exceptions, by their codes. The last is none: a segment ends with it.
const EXCEPTIONS: [&str; 7] = [
    "exc_out_of_gas",
    "exc_invalid_opcode",
    "exc_stack_underflow",
    "exc_invalid_jump_destination",
    "exc_invalid_jumpi_destination",
    "exc_stack_overflow",
    "exc_stop",
];

/// One block, two and three; the least and the most of each that is padded. The hash of nothing is a constant of the
/// kernel.
const HASH_LENGTHS: [u64; 6] = [1, 135, 136, 137, 271, 272];

fn rows(table: Table) -> impl Iterator<Item = &'static [F]> {
    let segments = segments().iter();
    let in_use = segments.filter(move |trace| trace.in_use[table as usize]);
    in_use.flat_map(move |trace| trace.table(table).iter())
}

/// Which of the kernel's places are executed.
fn executed(labels: &[&'static str]) -> Vec<&'static str> {
    let cycles = rows(Table::Cpu).filter(|row| row[COL_MAP.is_kernel_mode].is_one());
    let places: BTreeSet<u64> = cycles
        .map(|row| row[COL_MAP.program_counter].to_canonical_u64())
        .collect();
    let is_executed = |label: &&&str| places.contains(&(KERNEL.global_labels[**label] as u64));
    labels.iter().filter(is_executed).copied().collect()
}

#[test]
fn every_precompile_is_executed() {
    assert_eq!(executed(&PRECOMPILES), PRECOMPILES);
}

#[test]
fn every_exception_is_raised() {
    assert_eq!(executed(&EXCEPTIONS), EXCEPTIONS);
    let view = |cells: &'static [F]| -> &'static CpuColumnsView<F> {
        let cells: &[F; NUM_CPU_COLUMNS] = cells.try_into().expect("a row of the CPU");
        cells.borrow()
    };
    let raised = rows(Table::Cpu)
        .map(view)
        .filter(|row| row.op.exception.is_one());
    let codes = raised.map(|row| {
        let bits = row.general.exception().exc_code_bits.into_iter().rev();
        bits.fold(0, |code, bit| 2 * code + bit.to_canonical_u64())
    });
    let codes: BTreeSet<u64> = codes.collect();
    assert_eq!(codes, (0..EXCEPTIONS.len() as u64).collect());
}

#[test]
fn hashes_of_each_kind_of_length_are_computed() {
    let lengths: BTreeSet<u64> = rows(Table::KeccakSponge)
        .filter_map(|row| {
            let padding = SPONGE.is_padding_byte.into_iter();
            let inputs = padding.take_while(|&column| row[column].is_zero()).count();
            let is_final = inputs < SPONGE.is_padding_byte.len();
            let before = row[SPONGE.already_absorbed_bytes].to_canonical_u64();
            is_final.then_some(before + inputs as u64)
        })
        .collect();
    let missing = HASH_LENGTHS
        .into_iter()
        .filter(|length| !lengths.contains(length));
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<u64>::new());
}

#[test]
fn segments_begin_where_others_end() {
    let continues = segments().windows(2).map(|pair| {
        let [before, after] = [&pair[0], &pair[1]].map(|trace| &trace.public_values);
        before.registers_after == after.registers_before
    });
    let continues: Vec<bool> = continues.collect();
    // Two batches, one after the other, each of more than one segment.
    assert_eq!(continues.iter().filter(|continues| !**continues).count(), 1);
    assert!(
        continues[0] && continues[continues.len() - 1],
        "{continues:?}"
    );
}
