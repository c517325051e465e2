//! Memory channels that a row does not use: each of them is off, or it writes anything anywhere.

use std::sync::OnceLock;

use evm_arithmetization::cpu::columns::{MemoryChannelView, PartialMemoryChannelView};
use evm_arithmetization::memory::columns::MEMORY_COL_MAP as MEMORY;
use plonky2::field::types::Field;
use tern_soundness::{F, Table};

use super::lie::{Lie, mend};
use super::{Row, address_of, executes, find, find_all, honest, number, opcode, operations};

const GLOBAL_METADATA: u64 = 5;
/// When what a block claims is written.
const CLAIM_TIME: u64 = 2;

/// The address of something that the block claims, which nobody looks at.
fn claim() -> [F; 3] {
    static CLAIM: OnceLock<[F; 3]> = OnceLock::new();
    *CLAIM.get_or_init(|| {
        let memory = honest().table(Table::Memory);
        let address = |index: usize| address_of(memory.row(index));
        let mut rows = memory.iter().enumerate();
        let claim = rows.find(|&(index, row)| {
            row[MEMORY.addr_segment] == number(GLOBAL_METADATA)
                && row[MEMORY.timestamp] == number(CLAIM_TIME)
                && row[MEMORY.filter].is_one()
                && address(index) != address(index + 1)
                && MEMORY
                    .value_limbs
                    .iter()
                    .any(|&limb| row[limb].is_nonzero())
        });
        address(claim.expect("something that is not looked at").0)
    })
}

/// Lets a channel write what it holds over the block's claim.
pub(crate) fn overwrite_claim(channel: &mut MemoryChannelView<F>) {
    let [addr_context, addr_segment, addr_virtual] = claim();
    *channel = MemoryChannelView {
        used: F::ONE,
        is_read: F::ZERO,
        addr_context,
        addr_segment,
        addr_virtual,
        value: channel.value,
    };
}

/// The same for the partial channel, which holds the top of the stack.
fn overwrite_claim_with_top(channel: &mut PartialMemoryChannelView<F>) {
    let [addr_context, addr_segment, addr_virtual] = claim();
    *channel = PartialMemoryChannelView {
        used: F::ONE,
        is_read: F::ZERO,
        addr_context,
        addr_segment,
        addr_virtual,
    };
}

/// Some instructions: their name in those of mends, and which they are.
type Class = (&'static str, fn(&Row) -> bool);

/// Instructions that push, and pop two words at most. The trace has none of ADDFP254 and the like.
const PUSHING: [Class; 11] = [
    ("ADD and the like", |row| row.op.binary_op.is_one()),
    ("AND and the like", |row| row.op.logic_op.is_one()),
    ("EQ", |row| executes(row, 0x14)),
    ("ISZERO", |row| executes(row, 0x15)),
    ("KECCAK_GENERAL", |row| executes(row, 0x21)),
    ("PUSH and PROVER_INPUT", |row| {
        matches!(opcode(row), Some(0x60..=0x7f))
    }),
    ("PUSH and PROVER_INPUT", |row| executes(row, 0xee)),
    ("PC and PUSH0", |row| executes(row, 0x58)),
    ("PC and PUSH0", |row| executes(row, 0x5f)),
    ("MLOAD_32BYTES and MSTORE_32BYTES", |row| {
        matches!(opcode(row), Some(0xc0..=0xdf))
    }),
    ("MLOAD_32BYTES and MSTORE_32BYTES", |row| {
        executes(row, 0xf8)
    }),
];

/// Unlike those, it pins channel 0 of the next row by itself.
const NOT: Class = ("NOT", |row| executes(row, 0x19));

/// Unlike those, they use channel 2.
const PUSHING_WITH_CHANNEL_TWO: [Class; 4] = [
    ("ADDMOD and the like", |row| row.op.ternary_op.is_one()),
    ("SHL and SHR", |row| row.op.shift.is_one()),
    ("system calls", |row| row.op.syscall.is_one()),
    ("exceptions", |row| row.op.exception.is_one()),
];

fn first((name, includes): &Class) -> usize {
    let mut rows = find_all(|row, _| includes(row));
    rows.next()
        .unwrap_or_else(|| panic!("no row executes {name}"))
}

#[test]
fn channel_two_writes_nothing_where_an_instruction_does_not_use_it() {
    let mut lie = Lie::new();
    let refusals = PUSHING.iter().chain([&NOT]).map(|class| {
        let row = first(class);
        overwrite_claim(&mut lie.row(row).mem_channels[2]);
        (row, mend(&format!("channel 2 is off: {}", class.0)))
    });
    let refusals: Vec<_> = refusals.collect();
    lie.must_be_refused_by(&refusals);
}

#[test]
fn channel_zero_writes_nothing_after_an_instruction_that_pushes() {
    let mut lie = Lie::new();
    let refusals = PUSHING
        .iter()
        .chain(&PUSHING_WITH_CHANNEL_TWO)
        .map(|class| {
            let row = first(class);
            overwrite_claim(&mut lie.row(row + 1).mem_channels[0]);
            (
                row,
                mend(&format!("channel 0 is off afterwards: {}", class.0)),
            )
        });
    let refusals: Vec<_> = refusals.collect();
    lie.must_be_refused_by(&refusals);
}

#[test]
fn the_partial_channel_writes_nothing_where_the_context_is_read_or_set() {
    let mut lie = Lie::new();
    let off = mend("the partial channel is off where the context is read or set");
    // GET_CONTEXT and SET_CONTEXT.
    let refusals = [0xf6, 0xf7].map(|code| {
        let row = find(|row, _| executes(row, code));
        overwrite_claim_with_top(&mut lie.row(row).partial_channel);
        (row, off)
    });
    lie.must_be_refused_by(&refusals);
}

#[test]
fn the_partial_channel_writes_nothing_in_padding() {
    let mut lie = Lie::new();
    let row = find(|row, _| operations(row).is_zero());
    overwrite_claim_with_top(&mut lie.row(row).partial_channel);
    let off = mend("the partial channel is off in padding");
    lie.must_be_refused_by(&[(row, off)]);
}
