//! The condition of a JUMPI is the second word of the stack.

use plonky2::field::types::Field;
use tern_soundness::F;

use super::lie::{Lie, mend};
use super::{executes, find, number, row};

/// A condition that is on no stack, and holds as any but zero does.
const CONDITION: u64 = 0xc0de;
/// Where no memory is.
const ELSEWHERE: u64 = 1_000;

/// A JUMPI of the kernel that jumps or not.
fn jumpi(jumps: bool) -> usize {
    find(|row, _| {
        let jumping = row.general.jumps().should_jump.is_one();
        executes(row, 0x57) && row.is_kernel_mode.is_one() && jumping == jumps
    })
}

/// A JUMPI that jumps for another condition than that on the stack.
fn jump_for_another_condition() -> (Lie, usize) {
    let (mut lie, index) = (Lie::new(), jumpi(true));
    let row = lie.row(index);
    row.mem_channels[1].value = [F::ZERO; 8];
    row.mem_channels[1].value[0] = number(CONDITION);
    row.general.jumps_mut().cond_sum_pinv = number(CONDITION).inverse();
    (lie, index)
}

#[test]
fn the_condition_of_a_jump_is_read() {
    let (mut lie, index) = jump_for_another_condition();
    lie.row(index).mem_channels[1].used = F::ZERO;
    let used = mend("a condition is read: used");
    lie.must_be_refused_by(&[(index, used)]);
}

#[test]
fn the_condition_of_a_jump_is_not_written() {
    let (mut lie, index) = jump_for_another_condition();
    lie.row(index).mem_channels[1].is_read = F::ZERO;
    let is_read = mend("a condition is read: direction");
    lie.must_be_refused_by(&[(index, is_read)]);
}

#[test]
fn the_condition_of_a_jump_comes_from_the_stack_and_from_no_zero_elsewhere() {
    let index = jumpi(false);
    let mut lie = Lie::new();
    lie.row(index).mem_channels[1].addr_context = number(ELSEWHERE);
    let context = mend("a condition is read: context");
    lie.must_be_refused_by(&[(index, context)]);

    let mut lie = Lie::new();
    lie.row(index).mem_channels[1].addr_segment = number(ELSEWHERE);
    let segment = mend("a condition is read: segment");
    lie.must_be_refused_by(&[(index, segment)]);

    let mut lie = Lie::new();
    lie.row(index).mem_channels[1].addr_virtual = row(index).stack_len + number(ELSEWHERE);
    let place = mend("a condition is read: place");
    lie.must_be_refused_by(&[(index, place)]);
}
