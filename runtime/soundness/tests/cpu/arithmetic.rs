//! Each arithmetic operation is executed by its own flag, and what is not read does not shift.

use std::ops::Range;

use evm_arithmetization::arithmetic::columns::{
    INPUT_REGISTER_0, INPUT_REGISTER_1, INPUT_REGISTER_2, IS_RANGE_CHECK, LIMB_BITS, OPCODE_COL,
    OUTPUT_REGISTER, op_flags,
};
use plonky2::field::types::{Field, PrimeField64};
use tern_soundness::{F, Table, Trace};

use super::lie::{Lie, limbs};
use super::{Row, executes, find, honest, number, opcode, row};

const SHL: u8 = 0x1b;
const POP: u8 = 0x50;
/// Who refuses an operation under another flag.
const CLASS: &str = "an arithmetic operation is executed by its own flag";
/// A result that no operation has.
const RESULT: [F; 8] = [F::TWO; 8];

/// The words of 32 bits of a register.
fn words(cells: &[F], register: Range<usize>) -> Vec<F> {
    let pairs = cells[register].chunks(2);
    pairs
        .map(|pair| pair[0] + pair[1] * number(1 << LIMB_BITS))
        .collect()
}

/// Writes words into a register.
fn set_words(cells: &mut [F], register: Range<usize>, words: &[F; 8]) {
    for (pair, word) in cells[register].chunks_mut(2).zip(words) {
        let word = word.to_canonical_u64();
        pair[0] = number(word & 0xffff);
        pair[1] = number(word >> LIMB_BITS);
    }
}

/// Whether a row looks an operation up.
pub(crate) fn is_arithmetic(row: &Row) -> bool {
    let op = &row.op;
    let looks_up =
        op.binary_op + op.ternary_op + op.fp254_op + op.shift + op.syscall + op.exception;
    (looks_up + op.push_prover_input * row.opcode_bits[7]).is_one()
}

/// The row of the Arithmetic table of a trace for an honest row.
pub(crate) fn operation_of(trace: &Trace, index: usize) -> usize {
    let [first, second, third] = row(index).mem_channels.map(|channel| channel.value);
    let output = row(index + 1).mem_channels[0].value;
    let registers = [
        INPUT_REGISTER_0,
        INPUT_REGISTER_1,
        INPUT_REGISTER_2,
        OUTPUT_REGISTER,
    ];
    let values = [first, second, third, output];
    let mut operations = trace.table(Table::Arithmetic).iter();
    let found = operations.position(|cells| {
        cells[op_flags()].iter().any(F::is_one)
            && registers
                .iter()
                .zip(&values)
                .all(|(register, value)| words(cells, register.clone()) == value)
    });
    found.expect("the operation is in the table")
}

/// A row whose result is popped.
fn popped(is: impl Fn(&Row) -> bool) -> usize {
    find(|row, next| is(row) && executes(next, POP))
}

/// Gives an operation whose result is popped another result.
fn with_result(index: usize, result: [F; 8]) -> (Lie, usize) {
    let mut lie = Lie::new();
    lie.row(index + 1).mem_channels[0].value = result;
    let operation = operation_of(honest(), index);
    let cells = lie.trace.table_mut(Table::Arithmetic).row_mut(operation);
    set_words(cells, OUTPUT_REGISTER, &result);
    (lie, operation)
}

#[test]
fn a_range_check_is_no_operation() {
    let index = popped(|row| row.op.binary_op.is_one());
    let (mut lie, operation) = with_result(index, RESULT);
    let cells = lie.trace.table_mut(Table::Arithmetic).row_mut(operation);
    cells[op_flags()].fill(F::ZERO);
    cells[IS_RANGE_CHECK] = F::ONE;
    cells[OPCODE_COL] = number(opcode(row(index)).unwrap().into());
    lie.must_be_refused_by_lookup(CLASS);
}

/// A shift of 1 whose result is popped: it is what 1 is multiplied by.
fn shift_of_one(much: bool) -> usize {
    let mut one = [F::ZERO; 8];
    one[0] = F::ONE;
    popped(|row| {
        let [amount, shifted, _] = row.mem_channels.map(|channel| channel.value);
        executes(row, SHL) && shifted == one && amount[1].is_nonzero() == much
    })
}

/// Lets a shift multiply by a number that is not read.
fn multiply_by_result(index: usize) -> Lie {
    let (mut lie, operation) = with_result(index, RESULT);
    let [.., multiplier] = &mut lie.row(index).mem_channels;
    (multiplier.used, multiplier.value) = (F::ZERO, RESULT);
    let cells = lie.trace.table_mut(Table::Arithmetic).row_mut(operation);
    set_words(cells, INPUT_REGISTER_2, &RESULT);
    lie
}

#[test]
fn a_shift_is_no_operation_of_two_words() {
    let index = shift_of_one(false);
    let mut lie = multiply_by_result(index);
    let op = &mut lie.row(index).op;
    (op.shift, op.binary_op) = (F::ZERO, F::ONE);
    lie.must_be_refused_by_lookup(CLASS);
}

#[test]
fn a_shift_by_two_to_the_32_multiplies_by_zero() {
    let index = shift_of_one(true);
    let refusals = limbs(index, "a shift by much multiplies by zero", 0..8);
    multiply_by_result(index).must_be_refused_by(&refusals);
}
