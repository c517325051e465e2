//! The operands of the kernel's PUSHes.

use plonky2::field::types::Field;
use tern_soundness::F;

use super::control::is_push;
use super::lie::{Lie, mend};
use super::{executes, find, number, row};

const JUMPI: u8 = 0x57;

/// A PUSH of the kernel, before a JUMPI that does not jump: any other operand does as well.
fn push_of_anything() -> usize {
    find(|this, next| {
        let stays = next.general.jumps().should_jump.is_zero();
        this.is_kernel_mode.is_one() && is_push(this) && executes(next, JUMPI) && stays
    })
}

#[test]
fn a_push_has_the_operand_that_the_code_holds() {
    let index = push_of_anything();
    let mut lie = Lie::new();
    let next = lie.row(index + 1);
    next.mem_channels[0].value[0] += F::ONE;
    next.mem_channels[2].addr_virtual += F::ONE;
    lie.must_be_refused_by_the_code(row(index).program_counter);
}

#[test]
fn a_narrow_operand_has_seven_limbs() {
    let index = push_of_anything();
    let mut lie = Lie::new();
    lie.row(index + 1).mem_channels[0].value[7] = number(5);
    let limb = mend("a narrow operand has seven limbs");
    lie.must_be_refused_by(&[(index, limb)]);
}

#[test]
fn a_wide_operand_is_read() {
    let index = find(|row, _| is_push(row) && row.general.push().wide.is_one());
    let mut lie = Lie::new();
    lie.row(index).mem_channels[1].used = F::ZERO;
    let used = mend("a wide operand is read");
    lie.must_be_refused_by(&[(index, used)]);
}

#[test]
fn a_wide_operand_is_the_one_that_is_read() {
    let index = find(|row, _| is_push(row) && row.general.push().wide.is_one());
    let place = row(index).program_counter + F::ONE;
    let mut lie = Lie::new();
    lie.row(index).mem_channels[1].value[3] += F::ONE;
    lie.look_away_from_code(place);
    let same = mend("a wide operand is the one that is read, limb 3");
    lie.must_be_refused_by(&[(index, same)]);
}
