//! The first row executes the first instruction of the kernel's entry.

use evm_arithmetization::arithmetic::columns::{OPCODE_COL, op_flags};
use evm_arithmetization::byte_packing::columns::BYTE_PACKING_COL_MAP;
use evm_arithmetization::keccak::columns::TIMESTAMP as KECCAK_TIMESTAMP;
use evm_arithmetization::keccak_sponge::columns::KECCAK_SPONGE_COL_MAP;
use evm_arithmetization::memory::columns::MEMORY_COL_MAP as MEMORY;
use plonky2::field::types::{Field, PrimeField64};
use tern_soundness::{F, Table, TableTrace};

use super::arithmetic::{is_arithmetic, operation_of};
use super::channels::overwrite_claim;
use super::control::{execute_in_user_mode, keeps_mode};
use super::lie::{Lie, mend};
use super::{CHANNELS, TABLE, executes, find, honest, number, row};

/// When memory is as the segment before left it, and when what is public is written.
const INITIAL_TIME: u64 = 0;
const PUBLIC_TIME: u64 = 2;

fn for_each_row(table: &mut TableTrace, mut change: impl FnMut(&mut [F])) {
    (0..table.rows()).for_each(|index| change(table.row_mut(index)));
}

/// Turns a row of Arithmetic into one that nobody looks up.
fn forget(row: &mut [F]) {
    row[op_flags()].fill(F::ZERO);
    row[OPCODE_COL] = F::ZERO;
}

/// Gas that nobody used.
const GAS: u64 = 1_000;

/// The first cycle after the kernel's entry.
fn after_entry() -> usize {
    // EXIT_KERNEL.
    find(|row, _| executes(row, 0xf9)) + 1
}

/// All cycles from `first` on, with what other tables do for them.
fn begin_at(first: usize) -> Lie {
    let mut lie = Lie::new();
    let rows = honest().table(TABLE).rows();
    for index in 0..rows {
        *lie.row(index) = *row((index + first).min(rows - 1));
        lie.row(index).clock = number(index as u64 + 1);
    }
    let past = CHANNELS * first as u64;
    let times = [
        (Table::BytePacking, BYTE_PACKING_COL_MAP.timestamp),
        (Table::Keccak, KECCAK_TIMESTAMP),
        (Table::KeccakSponge, KECCAK_SPONGE_COL_MAP.timestamp),
    ];
    for (table, time) in times {
        for_each_row(lie.trace.table_mut(table), |row| {
            // Padding has no time.
            if row[time].is_nonzero() {
                row[time] -= number(past);
            }
        });
    }
    for_each_row(lie.trace.table_mut(Table::Memory), |row| {
        let time = row[MEMORY.timestamp].to_canonical_u64();
        if time > past {
            row[MEMORY.timestamp] -= number(past);
        } else if time != INITIAL_TIME && time != PUBLIC_TIME {
            (row[MEMORY.filter], row[MEMORY.is_read]) = (F::ZERO, F::ONE);
            row[MEMORY.timestamp] = number(PUBLIC_TIME);
        }
        row[MEMORY.timestamp_inv] = row[MEMORY.timestamp].try_inverse().unwrap_or_default();
    });
    let arithmetic = (0..first).filter(|&index| is_arithmetic(row(index)));
    for index in arithmetic {
        let operation = operation_of(&lie.trace, index);
        forget(lie.trace.table_mut(Table::Arithmetic).row_mut(operation));
    }
    lie
}

#[test]
fn a_segment_begins_at_the_entry() {
    let first = after_entry();
    assert!(row(first).gas.is_zero() && row(first).is_kernel_mode.is_one());
    let entry = mend("the first row is at the entry");
    begin_at(first).must_be_refused_by(&[(0, entry)]);
}

#[test]
fn a_segment_is_not_padding_alone() {
    let mut lie = Lie::new();
    let rows = honest().table(TABLE).rows();
    for index in 0..rows {
        *lie.row(index) = *row(rows - 1);
        lie.row(index).clock = number(index as u64 + 1);
        lie.row(index).gas = F::ZERO;
    }
    let idle = [
        Table::BytePacking,
        Table::Keccak,
        Table::KeccakSponge,
        Table::Logic,
    ];
    for table in idle {
        lie.trace.in_use[table as usize] = false;
    }
    for_each_row(lie.trace.table_mut(Table::Arithmetic), forget);
    // No context is left, so that memory is handed on.
    for_each_row(lie.trace.table_mut(Table::Memory), |row| {
        (row[MEMORY.is_pruned], row[MEMORY.stale_contexts]) = (F::ZERO, F::ZERO);
    });
    lie.trace.in_use[Table::MemAfter as usize] = true;
    let cycle = mend("the first row is a cycle");
    let entry = mend("the first row is at the entry");
    lie.must_be_refused_by(&[(0, cycle), (0, entry)]);
}

#[test]
fn a_segment_begins_in_kernel_mode() {
    let mut lie = Lie::new();
    execute_in_user_mode(&mut lie, 0, 0);
    let kernel = mend("the first row is in kernel mode");
    lie.must_be_refused_by(&[(0, kernel), (0, keeps_mode())]);
}

#[test]
fn a_segment_begins_without_gas() {
    let mut lie = Lie::new();
    for index in 0..after_entry() {
        lie.row(index).gas += number(GAS);
    }
    let gas = mend("the first row has no gas");
    lie.must_be_refused_by(&[(0, gas)]);
}

#[test]
fn the_first_row_does_not_use_channel_zero() {
    let mut lie = Lie::new();
    overwrite_claim(&mut lie.row(0).mem_channels[0]);
    let off = mend("the first row does not use channel 0");
    lie.must_be_refused_by(&[(0, off)]);
}
