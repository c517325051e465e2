//! The length of the stack and its top.

use plonky2::field::types::Field;
use tern_soundness::F;

use super::lie::{Lie, limbs, mend};
use super::words::{Path, last_write};
use super::{Row, executes, find, find_all, number, opcode, row};

const ISZERO: u8 = 0x15;
const NOT: u8 = 0x19;
const POP: u8 = 0x50;
const GET_CONTEXT: u8 = 0xf6;
const SET_CONTEXT: u8 = 0xf7;
const MSTORE_GENERAL: u8 = 0xfc;
/// A word that is not even of 32-bit limbs.
const WORD: [F; 8] = [F::NEG_ONE; 8];
/// A place that no stack of the trace comes to.
const HIGH: u64 = 5_000;

/// Claims that the stack is empty that a row takes its next top from, or puts its top on.
fn claim_empty(row: &mut Row) {
    let stack = row.general.stack_mut();
    stack.stack_inv = F::ZERO;
    stack.stack_inv_aux = F::ZERO;
    stack.stack_inv_aux_2 = F::ZERO;
}

/// A row with this opcode and more on the stack than `taken` words, and the way of the next row's top.
fn row_before_top(code: u8, taken: F) -> (usize, Path) {
    let mut rows = find_all(|this, _| executes(this, code) && this.stack_len != taken);
    let found = rows.find_map(|index| {
        let path = Path::of_top(index + 1);
        path.is_only_copied().then_some((index, path))
    });
    found.expect("the trace has such a row")
}

/// Asserts that the next top is read, by a mend, after a row with this opcode, which takes so many words.
fn assert_next_top_is_read(code: u8, taken: F, name: &str) {
    let (index, path) = row_before_top(code, taken);
    let mut lie = Lie::new();
    claim_empty(lie.row(index));
    lie.row(index + 1).mem_channels[0].used = F::ZERO;
    lie.forge(&path, |value| *value = WORD);
    lie.must_be_refused_by(&[(index, mend(name))]);
}

#[test]
fn the_top_after_a_pop_is_read() {
    assert_next_top_is_read(POP, F::ONE, "the top after a POP is read");
}

#[test]
fn the_top_after_a_store_is_read() {
    assert_next_top_is_read(MSTORE_GENERAL, F::TWO, "the top after a store is read");
}

/// The place of the constraint that a stack that is not empty is not claimed to be where the context is read or set.
fn no_context_hides_its_stack() -> usize {
    mend("a context that is read or set hides no stack")
}

#[test]
fn the_top_of_another_context_is_read() {
    let mut rows =
        find_all(|this, next| executes(this, SET_CONTEXT) && next.stack_len.is_nonzero());
    let found = rows.find_map(|index| {
        let path = Path::of_top(index + 1);
        path.is_only_copied().then_some((index, path))
    });
    let (index, path) = found.expect("the trace has such a row");
    let mut lie = Lie::new();
    claim_empty(lie.row(index));
    lie.row(index).mem_channels[2].used = F::ZERO;
    lie.forge(&path, |value| *value = WORD);
    lie.must_be_refused_by(&[(index, no_context_hides_its_stack())]);
}

/// A GET_CONTEXT on a stack that is not empty, the way of the word that it puts aside, and another that was there.
fn get_context() -> (usize, Path, [F; 8]) {
    let mut rows = find_all(|this, _| executes(this, GET_CONTEXT) && this.stack_len.is_nonzero());
    let found = rows.find_map(|index| {
        let place = row(index).stack_len - F::ONE;
        let (earlier, channel) = last_write(index, place)?;
        let older = row(earlier).mem_channels[channel].value;
        let path = Path::of_place(place, index);
        let differs = older != row(index).mem_channels[0].value;
        (differs && path.is_only_copied()).then_some((index, path, older))
    });
    found.expect("the trace has such a row")
}

#[test]
fn the_top_is_put_aside_for_a_context() {
    let (index, path, older) = get_context();
    let mut lie = Lie::new();
    claim_empty(lie.row(index));
    lie.row(index).mem_channels[2].used = F::ZERO;
    lie.forge(&path, |value| *value = older);
    lie.must_be_refused_by(&[(index, no_context_hides_its_stack())]);
}

#[test]
fn the_word_below_a_context_is_the_former_top() {
    let (index, path, _) = get_context();
    let mut lie = Lie::new();
    lie.row(index).mem_channels[2].value = WORD;
    lie.forge(&path, |value| *value = WORD);
    let same = "the word below a context is the former top";
    lie.must_be_refused_by(&limbs(index, same, 0..8));
}

#[test]
fn a_store_takes_two_words() {
    // What is between two stores is done elsewhere.
    let pushes = |index| matches!(opcode(row(index)), Some(0x60..=0x7f));
    let mut stores = find_all(|this, _| executes(this, MSTORE_GENERAL));
    let between = |&index: &usize| {
        pushes(index + 1) && pushes(index + 2) && executes(row(index + 3), MSTORE_GENERAL)
    };
    let index = stores.find(between).expect("the trace has such rows");
    let mut lie = Lie::new();
    for (offset, words) in [(1, 0), (2, 1), (3, 2)] {
        let row = lie.row(index + offset);
        row.stack_len = number(HIGH + words);
        row.general.stack_mut().stack_inv = row.stack_len.inverse();
        row.partial_channel.addr_virtual = row.stack_len - F::ONE;
    }
    // Nothing is there yet.
    let first = &mut lie.row(index + 1).mem_channels[0];
    (first.addr_virtual, first.value) = (number(HIGH - 1), [F::ZERO; 8]);
    let store = lie.row(index + 3);
    store.partial_channel = row(index + 3).partial_channel;
    store.mem_channels[1].addr_virtual = number(HIGH);
    store.general.stack_mut().stack_inv = number(HIGH).inverse();
    let pops = mend("a store takes two words");
    lie.must_be_refused_by(&[(index, pops), (index + 3, pops)]);
}

/// A row with this opcode on a stack that is claimed to be empty, and stays so. How it came to be is left out.
fn on_empty_stack(code: u8) -> (Lie, usize) {
    let index = find(|this, _| executes(this, code));
    let mut lie = Lie::new();
    lie.row(index).stack_len = F::ZERO;
    lie.row(index + 1).stack_len = F::ZERO;
    lie.leave_out(index - 1);
    lie.leave_out(index + 1);
    if code == NOT {
        // Constraints of POP want to see that there is not one word.
        let stack = lie.row(index).general.stack_mut();
        (stack.stack_inv, stack.stack_inv_aux) = (F::NEG_ONE, F::ONE);
    }
    (lie, index)
}

#[test]
fn an_empty_stack_is_not_negated_and_not_compared_with_zero() {
    let shows = mend("NOT and ISZERO show their stack");
    let not_empty = mend("NOT and ISZERO find a word");
    for code in [NOT, ISZERO] {
        let (lie, index) = on_empty_stack(code);
        lie.must_be_refused_by(&[(index, shows)]);
        let (mut lie, index) = on_empty_stack(code);
        lie.row(index).mem_channels[2].value[1] = F::ZERO;
        lie.must_be_refused_by(&[(index, not_empty)]);
    }
}
