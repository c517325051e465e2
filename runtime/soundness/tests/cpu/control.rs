//! Where execution goes on, and in which mode.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::OnceLock;

use evm_arithmetization::arithmetic::columns::{LIMB_BITS, OUTPUT_REGISTER};
use evm_arithmetization::byte_packing::columns::BYTE_PACKING_COL_MAP as PACKING;
use plonky2::field::types::{Field, PrimeField64};
use tern_soundness::{F, Table};

use super::arithmetic::operation_of;
use super::lie::{Lie, mend};
use super::words::Path;
use super::{CHANNELS, CODE, Row, executes, find, honest, number, opcode, row};

const PUSHES: RangeInclusive<u8> = 0x60..=0x7f;
const MSTORES_32BYTES: RangeInclusive<u8> = 0xc0..=0xdf;
const MLOAD_32BYTES: u8 = 0xf8;
const JUMP: u8 = 0x56;
const JUMPI: u8 = 0x57;
const PC: u8 = 0x58;
/// One word more than a stack may have outside the kernel.
const TOO_MANY: u64 = 1_025;

pub(crate) fn is_push(row: &Row) -> bool {
    opcode(row).is_some_and(|code| PUSHES.contains(&code))
}

fn is_load_or_store_of_bytes(row: &Row) -> bool {
    opcode(row).is_some_and(|code| code == MLOAD_32BYTES || MSTORES_32BYTES.contains(&code))
}

/// The number of bytes that a PUSH pushes.
fn operand_length(row: &Row) -> F {
    let bits = row.opcode_bits[..5].iter().rev();
    bits.fold(F::ZERO, |sum, &bit| sum.double() + bit) + F::ONE
}

/// The code of the kernel.
fn kernel() -> &'static [u8] {
    static KERNEL: OnceLock<Vec<u8>> = OnceLock::new();
    KERNEL.get_or_init(|| {
        let rows = honest().table(Table::MemBefore).iter();
        // Whether the cell is there, its context, segment and place, and its value.
        let code = rows.filter(|row| row[0].is_one() && row[1].is_zero() && row[2] == CODE);
        let bytes: HashMap<usize, u8> = code
            .map(|row| {
                (
                    row[3].to_canonical_u64() as usize,
                    row[4].to_canonical_u64() as u8,
                )
            })
            .collect();
        (0..bytes.len()).map(|place| bytes[&place]).collect()
    })
}

/// The next jump from `first` on if there are only instructions of one byte before, which do the same elsewhere.
fn run_to_jump(first: usize) -> Option<usize> {
    let of_one_byte = |code| !PUSHES.contains(&code) && code != PC;
    let mut run = (first..).take_while(|&index| opcode(row(index)).is_some_and(of_one_byte));
    let jump = run.find(|&index| row(index).op.jumps.is_one())?;
    let jumps = row(jump).general.jumps().should_jump.is_one();
    jumps.then_some(jump)
}

/// Another place of the kernel with the instructions of these rows.
fn twin(first: usize, last: usize) -> Option<F> {
    let place = row(first).program_counter.to_canonical_u64() as usize;
    let run = &kernel()[place..=place + last - first];
    let mut places = (0..kernel().len() - run.len()).filter(|&other| other != place);
    let twin = places.find(|&other| &kernel()[other..other + run.len()] == run)?;
    Some(number(twin as u64))
}

/// Goes on after a row elsewhere, where the same instructions are up to the next jump.
fn go_on_elsewhere(is: impl Fn(&Row) -> bool) -> (Lie, usize) {
    let rows = honest().table(Table::Cpu).rows();
    let runs = (0..rows - 1).filter(|&index| is(row(index)) && row(index).is_kernel_mode.is_one());
    let mut moved = runs.filter_map(|index| {
        let jump = run_to_jump(index + 1)?;
        Some((index, jump, twin(index + 1, jump)?))
    });
    let (index, jump, place) = moved.next().expect("the trace has such a run");
    let mut lie = Lie::new();
    for offset in 0..jump - index {
        lie.row(index + 1 + offset).program_counter = place + number(offset as u64);
    }
    (lie, index)
}

#[test]
fn the_instruction_behind_its_bytes_follows_a_push() {
    let (lie, index) = go_on_elsewhere(is_push);
    let next = mend("a PUSH is followed by what is behind its bytes");
    lie.must_be_refused_by(&[(index, next)]);
}

#[test]
fn the_next_instruction_follows_a_load_or_store_of_bytes() {
    let (lie, index) = go_on_elsewhere(is_load_or_store_of_bytes);
    let next = mend("a native instruction is followed by the next");
    lie.must_be_refused_by(&[(index, next)]);
}

/// The place of the constraint that all instructions but those that set it keep the mode.
pub(crate) fn keeps_mode() -> usize {
    mend("an instruction keeps the mode")
}

/// Executes rows of the kernel in user mode, of which the last is a PUSH.
pub(crate) fn execute_in_user_mode(lie: &mut Lie, first: usize, last: usize) {
    for index in first..=last {
        lie.row(index).is_kernel_mode = F::ZERO;
        if let Some(before) = index.checked_sub(1) {
            no_overflow_after(lie, before);
        }
    }
    lie.row(last).general.push_mut().kernel_bit_2 = F::ZERO;
    lie.look_away_from_code(row(last).program_counter);
    pack_operand(lie, last);
}

/// Shows that the stack does not overflow where a row may push and user mode follows.
fn no_overflow_after(lie: &mut Lie, index: usize) {
    let op = row(index).op;
    if (op.push_prover_input + op.pc_push0 + op.dup_swap).is_one() {
        let room = row(index + 1).stack_len - number(TOO_MANY);
        lie.row(index).general.stack_mut().stack_len_bounds_aux = room.inverse();
    }
}

/// Lets BytePacking read what a PUSH pushes.
fn pack_operand(lie: &mut Lie, index: usize) {
    let push = row(index);
    let length = operand_length(push).to_canonical_u64() as usize;
    let place = push.program_counter + F::ONE;
    let start = place.to_canonical_u64() as usize;
    let table = lie.trace.table_mut(Table::BytePacking);
    let unused = table
        .iter()
        .position(|row| PACKING.index_len.iter().all(|&i| row[i].is_zero()));
    let cells = table.row_mut(unused.expect("space for one more"));
    cells[PACKING.is_read] = F::ONE;
    cells[PACKING.index_len[length - 1]] = F::ONE;
    cells[PACKING.addr_context] = F::ZERO;
    cells[PACKING.addr_segment] = CODE;
    cells[PACKING.addr_virtual] = place;
    cells[PACKING.timestamp] = (push.clock - F::ONE) * number(CHANNELS) + F::ONE;
    for (cell, &byte) in PACKING
        .value_bytes
        .iter()
        .zip(kernel()[start..][..length].iter().rev())
    {
        cells[*cell] = number(byte.into());
    }
}

/// Whether a row does the same in user mode.
fn is_for_everybody(row: &Row) -> bool {
    let for_everybody = |code| matches!(code, 0x01..=0x0b | 0x10..=0x1c | 0x50 | 0x80..=0x9f);
    row.context.is_zero() && opcode(row).is_some_and(for_everybody)
}

/// The rows after `index` up to the next PUSH, all of which may be executed in user mode.
fn run_to_push(index: usize) -> Option<usize> {
    let mut run = (index + 1..).skip_while(|&index| is_for_everybody(row(index)));
    run.next()
        .filter(|&push| is_push(row(push)) && row(push).context.is_zero())
        .filter(|&push| row(push).general.push().wide.is_zero())
}

/// Goes on after a row in user mode, up to a PUSH.
fn go_on_in_user_mode(is: impl Fn(&Row) -> bool) -> (Lie, [usize; 2]) {
    let rows = honest().table(Table::Cpu).rows();
    let mut runs = (0..rows - 1).filter(|&index| is(row(index)));
    let found = runs.find_map(|index| Some([index, run_to_push(index)?]));
    let [index, push] = found.expect("the trace has such a run");
    let mut lie = Lie::new();
    execute_in_user_mode(&mut lie, index + 1, push);
    (lie, [index, push])
}

#[test]
fn a_push_keeps_the_mode_and_so_does_a_load_or_store_of_bytes_or_a_jump() {
    let is_jump = |row: &Row| executes(row, JUMP);
    for is in [is_push, is_load_or_store_of_bytes, is_jump] {
        let (lie, [index, push]) = go_on_in_user_mode(is);
        lie.must_be_refused_by(&[(index, keeps_mode()), (push, keeps_mode())]);
    }
}

#[test]
fn a_jump_on_a_condition_keeps_the_mode() {
    let index = find(|this, next| {
        let stays = next.general.jumps().should_jump.is_zero();
        is_push(this) && executes(next, JUMPI) && stays && next.context.is_zero()
    });
    let mut lie = Lie::new();
    lie.row(index + 1).is_kernel_mode = F::ZERO;
    no_overflow_after(&mut lie, index);
    lie.must_be_refused_by(&[(index, keeps_mode()), (index + 1, keeps_mode())]);
}

#[test]
fn the_mode_at_the_end_of_a_segment_is_in_the_trap_word() {
    let index = find(|row, _| row.op.exception.is_one());
    let mut lie = Lie::new();
    let other_mode = F::ONE - row(index).is_kernel_mode;
    let operation = operation_of(honest(), index);
    let limb = OUTPUT_REGISTER.start + 32 / LIMB_BITS;
    lie.trace.table_mut(Table::Arithmetic).row_mut(operation)[limb] = other_mode;
    let word = Path::of_top(index + 1);
    assert!(word.is_only_copied());
    lie.forge(&word, |value| value[1] = other_mode);
    let mode = mend("a trap word holds the mode");
    lie.must_be_refused_by(&[(index, mode)]);
}
