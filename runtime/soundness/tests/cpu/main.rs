//! Lies that the Cpu table must not let through.
//!
//! Each test writes the rows of one lie into an honest trace and completes the other tables. Constraints that were
//! added against the lie, and nothing else, refuse it: without them the whole trace holds, so that a liar had nothing
//! to repair. Where a lie needs a word that no honest stack holds, the rows that would bring it there, or take it
//! from there, are left out.

mod arithmetic;
mod channels;
mod control;
mod jumps;
mod lie;
mod limbs;
mod operands;
mod scene;
mod stack;
mod start;
mod words;

use std::borrow::Borrow;
use std::sync::OnceLock;

use alloy::primitives::hex;
use evm_arithmetization::cpu::columns::{CpuColumnsView, NUM_CPU_COLUMNS};
use evm_arithmetization::memory::columns::MEMORY_COL_MAP as MEMORY;
use plonky2::field::types::{Field, PrimeField64};
use tern_proving::inputs::generation_inputs;
use tern_soundness::{Base, Checker, F, Table, Trace};

/// A row of the Cpu table.
type Row = CpuColumnsView<F>;

const TABLE: Table = Table::Cpu;
/// At most so many cycles, as an exponent of 2.
const CYCLES_LOG: usize = 16;
/// Memory operations that a row may make, each at a time of its own.
const CHANNELS: u64 = 5;
/// Segments of the memory.
const CODE: F = F::ZERO;
const STACK: F = F::ONE;

/// NOT, PC and a system call, and results that are popped: of an addition, and of shifts by 3 and by 2^32.
const PROGRAM: &[u8] = &hex!(
    "5f19 50" // PUSH0, NOT
    "58 50" // PC
    "30 50" // ADDRESS
    "6001 6001 01 50" // ADD
    "6001 6003 1b 50" // SHL
    "6001 640100000000 1b 50" // SHL
    "00" // STOP
);

fn number(number: u64) -> F {
    F::from_canonical_u64(number)
}

/// The whole of a block, in one segment.
fn honest() -> &'static Trace {
    static TRACE: OnceLock<Trace> = OnceLock::new();
    TRACE.get_or_init(|| {
        let inputs = generation_inputs(&scene::batch(PROGRAM)).unwrap();
        Trace::segments(&inputs, Some(CYCLES_LOG))
            .next()
            .unwrap()
            .unwrap()
    })
}

fn base() -> &'static Base<'static> {
    static BASE: OnceLock<Base<'static>> = OnceLock::new();
    BASE.get_or_init(|| Base::new(checker(), honest()))
}

fn checker() -> &'static Checker {
    static CHECKER: OnceLock<Checker> = OnceLock::new();
    CHECKER.get_or_init(Checker::default)
}

/// Context, segment and place of what a row of Memory reads or writes.
fn address_of(row: &[F]) -> [F; 3] {
    [
        MEMORY.addr_context,
        MEMORY.addr_segment,
        MEMORY.addr_virtual,
    ]
    .map(|column| row[column])
}

fn view(cells: &[F]) -> &Row {
    let cells: &[F; NUM_CPU_COLUMNS] = cells.try_into().unwrap();
    cells.borrow()
}

/// An honest row.
fn row(index: usize) -> &'static Row {
    view(honest().table(TABLE).row(index))
}

/// The first honest row, not the last, from which on `is` holds of it and the next.
fn find(is: impl Fn(&Row, &Row) -> bool) -> usize {
    find_all(is).next().expect("the trace has such a row")
}

fn find_all(is: impl Fn(&Row, &Row) -> bool) -> impl Iterator<Item = usize> {
    let rows = honest().table(TABLE).rows();
    (0..rows - 1).filter(move |&index| is(row(index), row(index + 1)))
}

/// The number of operations of a row: 0 for padding.
fn operations(row: &Row) -> F {
    row.op.iter().copied().sum()
}

/// What the row executes; nothing for padding, system calls and exceptions.
fn opcode(row: &Row) -> Option<u8> {
    let bits = row.opcode_bits.iter().enumerate();
    let value: u64 = bits.map(|(i, bit)| bit.to_canonical_u64() << i).sum();
    let executes = operations(row) - row.op.syscall - row.op.exception;
    executes.is_one().then_some(value as u8)
}

fn executes(row: &Row, code: u8) -> bool {
    opcode(row) == Some(code)
}
