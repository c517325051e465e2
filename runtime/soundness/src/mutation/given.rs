//! Changes of what a row of the CPU is given: the first row, which no row before answers for, words that a row takes,
//! and a stack that does not hold them.

use evm_arithmetization::cpu::columns::COL_MAP as CPU;
use plonky2::field::types::Field;

use super::cells::{Cell, STATE};
use super::class::{Site, words_taken};
use super::mutant::{Fault, Mutant};
use crate::{Change, F, Table, Trace};

const TABLE: Table = Table::Cpu;

/// All mutants of a row of the CPU that concern what it is given.
pub(crate) fn mutants(trace: &Trace, site: &Site) -> Vec<Mutant> {
    if site.row == 0 {
        return of_first_row(trace);
    }
    let rows = trace.table(TABLE);
    let is_last = site.row == rows.rows() - 1;
    let taken = words_taken(&site.class).filter(|_| !is_last);
    let empty =
        taken.map(|_| on_empty_stack(rows.row(site.row), rows.next_row(site.row), site.row));
    let mut mutants = words(rows.row(site.row), site);
    mutants.extend(empty);
    mutants
}

fn own(column: usize) -> Cell {
    Cell { offset: 0, column }
}

fn change(row: usize, column: usize, value: F) -> Change {
    Change {
        table: TABLE,
        row,
        column,
        value,
    }
}

/// Registers that the first row changes and hands on changed.
fn of_first_row(trace: &Trace) -> Vec<Mutant> {
    let rows = trace.table(TABLE);
    let [first, second] = [rows.row(0), rows.row(1)];
    let registers = STATE[0]
        .clone()
        .filter(|&column| column != CPU.program_counter);
    let changed = registers.map(|column| {
        let step = match column {
            _ if column == CPU.is_kernel_mode => -first[column],
            _ => F::ONE,
        };
        (column, step)
    });
    let elsewhere = twin(trace, first[CPU.program_counter]);
    let elsewhere =
        elsewhere.map(|place| (CPU.program_counter, place - first[CPU.program_counter]));
    let both = changed.chain(elsewhere).map(|(column, step)| {
        let changes = [(0, first), (1, second)];
        let changes = changes.map(|(row, cells)| change(row, column, cells[column] + step));
        Mutant::new(own(column), "both", changes.into())
    });
    both.collect()
}

/// Another place of the kernel's code that holds the same.
fn twin(trace: &Trace, place: F) -> Option<F> {
    // Whether the cell is there, its context, segment and place, and its value.
    let code = || {
        let rows = trace.table(Table::MemBefore).iter();
        rows.filter(|row| row[0].is_one() && row[1].is_zero() && row[2].is_zero())
    };
    let here = code().find(|row| row[3] == place)?;
    let twin = code().find(|row| row[3] != place && row[4..] == here[4..])?;
    Some(twin[3])
}

/// Other words on top of the stack, and read by the row.
fn words(row: &[F], site: &Site) -> Vec<Mutant> {
    let has_top = row[CPU.stack_len].is_nonzero();
    let channels = CPU.mem_channels.iter().enumerate();
    let given = channels.filter(|(channel, columns)| match channel {
        0 => has_top,
        _ => row[columns.used].is_one() && row[columns.is_read].is_one(),
    });
    let limbs = given.flat_map(|(_, columns)| columns.value);
    let mutants = limbs.map(|column| Mutant {
        cell: own(column),
        kind: "ignored",
        changes: vec![change(site.row, column, row[column] + F::ONE)],
        fault: Fault::IgnoredWord,
    });
    match site.class.as_str() {
        "none" => vec![],
        _ => mutants.collect(),
    }
}

/// The row on an empty stack. The rows before that would leave it empty are not looked at.
fn on_empty_stack(row: &[F], next: &[F], index: usize) -> Mutant {
    let length = CPU.stack_len;
    let changes = vec![
        change(index, length, F::ZERO),
        change(index + 1, length, next[length] - row[length]),
    ];
    Mutant::new(own(length), "empty", changes)
}
