//! Which cells a row determines, and which belong together.

use std::ops::Range;

use evm_arithmetization::arithmetic::columns as arithmetic;
use evm_arithmetization::byte_packing::columns::BYTE_PACKING_COL_MAP as PACKING;
use evm_arithmetization::cpu::columns::COL_MAP as CPU;
use evm_arithmetization::keccak_sponge::columns::KECCAK_SPONGE_COL_MAP as SPONGE;
use evm_arithmetization::memory::columns::MEMORY_COL_MAP as MEMORY;

use crate::{Table, columns};

/// The flags of the CPU's instructions.
pub(crate) const CPU_FLAGS: Range<usize> = CPU.op.binary_op..CPU.op.exception + 1;
/// The columns of the CPU that instructions share.
pub(crate) const GENERAL: Range<usize> = CPU.opcode_bits[7] + 1..CPU.clock;
/// The flags that switch the CPU's memory channels on.
pub(crate) const USED: [usize; 4] = [
    CPU.mem_channels[0].used,
    CPU.mem_channels[1].used,
    CPU.mem_channels[2].used,
    CPU.partial_channel.used,
];
/// What a row of the CPU takes over from the row before: the registers, and channel 0 with the top of the stack.
pub(crate) const STATE: [Range<usize>; 3] = [
    CPU.context..CPU.op.binary_op,
    CPU.clock..CPU.clock + 1,
    CPU.mem_channels[0].used..CPU.mem_channels[1].used,
];
/// The flags of arithmetic operations.
pub(crate) const ARITHMETIC_FLAGS: Range<usize> = arithmetic::op_flags();

/// Whether an arithmetic operation takes two rows.
pub(crate) fn is_modular(flag: usize) -> bool {
    use arithmetic::*;
    matches!(flag, IS_DIV..=IS_SUBMOD | IS_SHR)
}

/// Whether a row of the CPU takes that column over from the row before.
pub(crate) fn is_state(column: usize) -> bool {
    STATE.iter().any(|columns| columns.contains(&column))
}

/// A cell of a row (0) or of the next (1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell {
    pub(crate) offset: usize,
    pub(crate) column: usize,
}

impl Cell {
    /// Its name.
    pub(crate) fn full_name(self, table: Table) -> String {
        let prefix = if self.offset == 1 { "next." } else { "" };
        format!("{prefix}{}", columns::name(table, self.column))
    }

    /// Its name, where the elements of a word or the bits of a mask are alike.
    pub(crate) fn name(self, table: Table) -> String {
        let name = self.full_name(table);
        match name.strip_suffix(']').and_then(|name| name.rfind('[')) {
            Some(bracket) => format!("{}[*]", &name[..bracket]),
            None => name,
        }
    }
}

/// The cells that a row determines. For the CPU, which goes from state to state, these are the row's own without the
/// state that it is given, and the state of the next row. How often a value is looked up is not looked at.
pub(crate) fn determined(table: Table, first: bool, last: bool) -> Vec<Cell> {
    let frequencies: &[usize] = match table {
        Table::Arithmetic => &[arithmetic::RC_FREQUENCIES],
        Table::Memory => &[MEMORY.frequencies, MEMORY.stale_context_frequencies],
        Table::KeccakSponge => &[SPONGE.rc_frequencies],
        Table::BytePacking => &[PACKING.rc_frequencies],
        _ => &[],
    };
    let columns = 0..columns::count(table);
    let own = columns.clone().filter(|&column| match table {
        Table::Cpu => first || !is_state(column),
        _ => !frequencies.contains(&column),
    });
    let own = own.map(|column| Cell { offset: 0, column });
    let next = columns.filter(|&column| table == Table::Cpu && !last && is_state(column));
    own.chain(next.map(|column| Cell { offset: 1, column }))
        .collect()
}

/// Columns of which a row has one set or none.
pub(crate) fn flags(table: Table) -> Vec<usize> {
    let named = |names: &[&str]| {
        let found = names.iter().map(|name| columns::find(table, name));
        found.map(|column| column.expect("a column")).collect()
    };
    match table {
        Table::Arithmetic => ARITHMETIC_FLAGS.collect(),
        Table::BytePacking => PACKING.index_len.into(),
        Table::Cpu => CPU_FLAGS.collect(),
        Table::Keccak => (0..24).collect(),
        Table::KeccakSponge => vec![],
        Table::Logic => named(&["op.is_and", "op.is_or", "op.is_xor"]),
        Table::Memory => named(&["is_stale", "is_dropped_zero", "mem_after_filter"]),
        Table::MemBefore | Table::MemAfter => vec![],
    }
}
