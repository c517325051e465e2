//! The limbs of addresses and lengths that are not looked at are zero.

use std::ops::Range;

use plonky2::field::types::Field;
use tern_soundness::F;

use super::lie::{Lie, limbs};
use super::words::{Path, copies, last_write};
use super::{Row, executes, find, find_all, opcode, row};

/// The limbs of an address that are not looked at, and of a length.
const OF_ADDRESS: Range<usize> = 3..8;
const OF_LENGTH: Range<usize> = 1..8;

/// Whether the word on top is a copy of another.
fn top_is_copied(before: &Row, this: &Row) -> bool {
    copies(before) && this.mem_channels[0].used.is_zero()
}

/// Checks that limbs of the address on top are zero for the instructions of which `is` holds.
fn assert_unused_limbs_of_top_are_zero(is: impl Fn(&Row) -> bool) {
    let index = 1 + find(|before, this| top_is_copied(before, this) && is(this));
    let mut lie = Lie::new();
    lie.row(index).mem_channels[0].value[OF_ADDRESS].fill(F::ONE);
    lie.leave_out(index - 1);
    lie.must_be_refused_by(&limbs(
        index,
        "an address on top has three limbs",
        OF_ADDRESS,
    ));
}

/// The way of the second word of a row, from where it was copied, if nothing but that row and copies use it.
fn way_of_second(index: usize) -> Option<(usize, Path)> {
    let mut channel = row(index).mem_channels[1];
    let mut holder = index;
    while channel.used.is_one() {
        (holder, _) = last_write(holder, channel.addr_virtual)?;
        channel = row(holder).mem_channels[0];
    }
    let mut path = Path::of_top(holder);
    path.users.retain(|&user| user != index);
    let copied = top_is_copied(row(holder - 1), row(holder));
    (copied && path.is_only_copied()).then_some((holder, path))
}

/// Checks that limbs of the second word are zero, by a mend, for the instructions of which `is` holds.
fn assert_limbs_of_second_are_zero(which: Range<usize>, is: impl Fn(&Row) -> bool, mend: &str) {
    let mut rows = find_all(|this, _| is(this));
    let found = rows.find_map(|index| Some((index, way_of_second(index)?)));
    let (index, (first, path)) = found.expect("the trace has such a row");
    let mut lie = Lie::new();
    lie.forge(&path, |value| value[which.clone()].fill(F::ONE));
    lie.leave_out(first - 1);
    lie.must_be_refused_by(&limbs(index, mend, which));
}

#[test]
fn an_address_that_is_loaded_from_has_three_limbs() {
    // MLOAD_GENERAL and MLOAD_32BYTES.
    assert_unused_limbs_of_top_are_zero(|row| executes(row, 0xfb));
    assert_unused_limbs_of_top_are_zero(|row| executes(row, 0xf8));
}

#[test]
fn an_address_that_is_stored_to_has_three_limbs() {
    // MSTORE_32BYTES and MSTORE_GENERAL.
    assert_unused_limbs_of_top_are_zero(|row| matches!(opcode(row), Some(0xc0..=0xdf)));
    assert_limbs_of_second_are_zero(
        OF_ADDRESS,
        |row| executes(row, 0xfc),
        "an address that is stored to has three limbs",
    );
}

#[test]
fn an_address_that_is_hashed_has_three_limbs() {
    assert_unused_limbs_of_top_are_zero(|row| executes(row, 0x21));
}

#[test]
fn a_length_has_one_limb() {
    let mend = "a length has one limb";
    // KECCAK_GENERAL and MLOAD_32BYTES.
    assert_limbs_of_second_are_zero(OF_LENGTH, |row| executes(row, 0x21), mend);
    assert_limbs_of_second_are_zero(OF_LENGTH, |row| executes(row, 0xf8), mend);
}
