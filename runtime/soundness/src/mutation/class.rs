//! Rows that do the same, and a few of each.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use evm_arithmetization::arithmetic::columns as arithmetic;
use evm_arithmetization::byte_packing::columns::BYTE_PACKING_COL_MAP as PACKING;
use evm_arithmetization::cpu::columns::COL_MAP as CPU;
use evm_arithmetization::keccak::columns::reg_step;
use evm_arithmetization::keccak_sponge::columns::{
    KECCAK_RATE_BYTES, KECCAK_SPONGE_COL_MAP as SPONGE,
};
use evm_arithmetization::logic::columns::LOGIC_COL_MAP as LOGIC;
use evm_arithmetization::memory::columns::MEMORY_COL_MAP as MEMORY;
use plonky2::field::types::Field;

use super::cells::{ARITHMETIC_FLAGS, CPU_FLAGS, GENERAL, USED, is_modular};
use crate::{F, NUM_TABLES, Table, TableTrace, Trace, columns};

/// A row that stands for others of its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The table.
    pub table: Table,
    /// The row.
    pub row: usize,
    /// What the row does, in a word or two.
    pub class: String,
}

/// A row and its neighbours.
struct Place<'a> {
    previous: &'a [F],
    row: &'a [F],
    next: &'a [F],
    first: bool,
    last: bool,
}

/// What rows there are: by table, what the row does and what it is made of.
#[derive(Debug, Default)]
pub struct Survey {
    clusters: [BTreeMap<(&'static str, Vec<u64>), Cluster>; NUM_TABLES],
}

#[derive(Debug, Default)]
struct Cluster {
    rows: usize,
    kept: usize,
}

impl Survey {
    /// Counts the rows of `trace`, and returns those of clusters of which fewer than `keep` were returned before.
    pub fn add(&mut self, trace: &Trace, keep: usize) -> Vec<Site> {
        let mut sites = Vec::new();
        for table in Table::all() {
            if !trace.in_use[table as usize] {
                continue;
            }
            let rows = trace.table(table);
            for row in 0..rows.rows() {
                let (class, features) = describe(table, &place(rows, row));
                let key = (class, features);
                let cluster = self.clusters[table as usize].entry(key).or_default();
                cluster.rows += 1;
                if cluster.kept < keep {
                    cluster.kept += 1;
                    let class = class.to_owned();
                    sites.push(Site { table, row, class });
                }
            }
        }
        sites
    }

    /// The classes of which there are rows.
    #[must_use]
    pub fn classes(&self, table: Table) -> BTreeSet<&'static str> {
        let clusters = self.clusters[table as usize].keys();
        clusters.map(|(class, _)| *class).collect()
    }
}

impl Survey {
    /// Whether there are rows of the CPU of a class in user mode, and in kernel mode.
    #[must_use]
    pub fn modes(&self, class: &str) -> [bool; 2] {
        [0, 1].map(|mode| {
            let mut clusters = self.clusters[Table::Cpu as usize].keys();
            clusters.any(|(name, features)| *name == class && features[1] == mode)
        })
    }
}

/// Everything that a row of the CPU can be.
#[must_use]
pub fn instructions() -> BTreeSet<&'static str> {
    let others = ["first row", "none", "system call", "exception"];
    let opcodes = (0..=u8::MAX).filter_map(instruction);
    opcodes.chain(others).collect()
}

impl fmt::Display for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for table in Table::all() {
            let clusters = &self.clusters[table as usize];
            let mut classes: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
            for ((class, _), cluster) in clusters {
                let sums = classes.entry(class).or_default();
                sums[0] += 1;
                sums[1] += cluster.rows;
            }
            write!(f, "{table:?}: {} clusters:", clusters.len())?;
            for (class, [clusters, rows]) in classes {
                write!(f, " {class} ({clusters}; {rows})")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

fn place(table: &TableTrace, row: usize) -> Place<'_> {
    let rows = table.rows();
    Place {
        previous: table.row((row + rows - 1) % rows),
        row: table.row(row),
        next: table.next_row(row),
        first: row == 0,
        last: row == rows - 1,
    }
}

/// The values of the cells as bits of a number: whether each is not zero.
fn mask(row: &[F], columns: impl IntoIterator<Item = usize>) -> u64 {
    let bits = columns.into_iter().map(|column| row[column].is_nonzero());
    bits.fold(0, |mask, bit| 2 * mask + u64::from(bit))
}

/// The first of the columns that is not zero.
fn set(row: &[F], columns: impl IntoIterator<Item = usize>) -> Option<usize> {
    (columns.into_iter()).find(|&column| row[column].is_nonzero())
}

/// What a row does, and what else tells it from others that do the same.
fn describe(table: Table, place: &Place<'_>) -> (&'static str, Vec<u64>) {
    let row = place.row;
    let (class, mut features) = match table {
        Table::Arithmetic => arithmetic(place),
        Table::BytePacking => {
            let length = set(row, PACKING.index_len).map_or(0, |column| column as u64);
            let class = match (length, row[PACKING.is_read].is_one()) {
                (0, _) => "none",
                (_, true) => "read",
                (_, false) => "write",
            };
            (class, vec![length])
        }
        Table::Cpu => {
            let bits = mask(row, CPU.opcode_bits.into_iter().rev());
            let mode = mask(row, [CPU.is_kernel_mode]);
            let used = mask(row, USED) * 2 + mask(place.next, [USED[0]]);
            let general = mask(row, GENERAL);
            let class = if place.first {
                "first row"
            } else {
                mnemonic(row)
            };
            (class, vec![bits, mode, used, general])
        }
        Table::Keccak => match set(row, (0..24).map(reg_step)) {
            None => ("none", vec![]),
            Some(0) => ("first round", vec![]),
            Some(23) => ("last round", vec![]),
            Some(_) => ("round", vec![]),
        },
        Table::KeccakSponge => {
            let padding = mask(row, [SPONGE.is_padding_byte[KECCAK_RATE_BYTES - 2]]);
            let begins = mask(row, [SPONGE.already_absorbed_bytes]);
            let class = if row[SPONGE.is_full_input_block].is_one() {
                "full block"
            } else if row[SPONGE.is_padding_byte[KECCAK_RATE_BYTES - 1]].is_one() {
                "final block"
            } else {
                "none"
            };
            let empty = mask(row, [SPONGE.is_padding_byte[0]]);
            (class, vec![padding, begins, empty])
        }
        Table::Logic => {
            let op = LOGIC.op;
            let class = match set(row, [op.is_and, op.is_or, op.is_xor]) {
                None => "none",
                Some(flag) if flag == op.is_and => "AND",
                Some(flag) if flag == op.is_or => "OR",
                Some(_) => "XOR",
            };
            (class, vec![])
        }
        Table::Memory => memory(place),
        Table::MemBefore | Table::MemAfter => {
            let used = row[0].is_one();
            (if used { "value" } else { "none" }, vec![])
        }
    };
    features.extend([u64::from(place.first), u64::from(place.last)]);
    (class, features)
}

fn arithmetic(place: &Place<'_>) -> (&'static str, Vec<u64>) {
    let name = |flag| columns::name(Table::Arithmetic, flag);
    let inputs = [
        arithmetic::INPUT_REGISTER_0,
        arithmetic::INPUT_REGISTER_1,
        arithmetic::INPUT_REGISTER_2,
        arithmetic::OUTPUT_REGISTER,
    ];
    let zeros = inputs.map(|register| u64::from(mask(place.row, register) == 0));
    let flag = set(place.row, ARITHMETIC_FLAGS);
    let before = set(place.previous, ARITHMETIC_FLAGS).filter(|&flag| is_modular(flag));
    match (flag, before) {
        (Some(flag), _) => (name(flag), zeros.into()),
        (None, Some(flag)) => ("second row", vec![flag as u64]),
        (None, None) => ("none", vec![]),
    }
}

fn memory(place: &Place<'_>) -> (&'static str, Vec<u64>) {
    let row = place.row;
    let class = match mask(row, [MEMORY.filter, MEMORY.is_read]) {
        3 => "read",
        2 => "write",
        _ => "no operation",
    };
    let address = mask(
        row,
        [
            MEMORY.context_first_change,
            MEMORY.segment_first_change,
            MEMORY.virtual_first_change,
        ],
    );
    let end = mask(
        row,
        [
            MEMORY.is_touched,
            MEMORY.is_stale,
            MEMORY.is_dropped_zero,
            MEMORY.mem_after_filter,
            MEMORY.is_pruned,
            MEMORY.preinitialized_segments,
        ],
    );
    let begin = mask(
        row,
        [
            MEMORY.timestamp,
            MEMORY.initialize_aux,
            MEMORY.is_initial_value,
        ],
    );
    let value = u64::from(mask(row, MEMORY.value_limbs) != 0);
    let next = [
        MEMORY.filter,
        MEMORY.is_read,
        MEMORY.preinitialized_segments,
        MEMORY.is_initial_value,
    ];
    let next = mask(place.next, next);
    (class, vec![address, end, begin, value, next])
}

/// The instruction of a row of the CPU.
fn mnemonic(row: &[F]) -> &'static str {
    let Some(flag) = set(row, CPU_FLAGS) else {
        return "none";
    };
    if flag == CPU.op.syscall {
        return "system call";
    }
    if flag == CPU.op.exception {
        return "exception";
    }
    let bits = CPU.opcode_bits.into_iter().rev();
    let opcode = bits.fold(0, |code, bit| 2 * code + u8::from(row[bit].is_one()));
    instruction(opcode).unwrap_or("unknown")
}

/// How many words an instruction takes from the stack or looks at, if it is any.
pub(crate) fn words_taken(class: &str) -> Option<usize> {
    Some(match class {
        "NOT" | "ISZERO" | "POP" | "JUMP" | "EXIT_KERNEL" | "SET_CONTEXT" | "MLOAD_GENERAL"
        | "DUP" => 1,
        "ADD" | "MUL" | "SUB" | "DIV" | "MOD" | "LT" | "GT" | "BYTE" | "EQ" | "AND" | "OR"
        | "XOR" | "SHL" | "SHR" | "ADDFP254" | "MULFP254" | "SUBFP254" | "KECCAK_GENERAL"
        | "JUMPI" | "SWAP" | "MSTORE_32BYTES" | "MLOAD_32BYTES" | "MSTORE_GENERAL" => 2,
        "ADDMOD" | "MULMOD" | "SUBMOD" => 3,
        _ => return None,
    })
}

/// What the machine calls an opcode that it executes in one row.
fn instruction(opcode: u8) -> Option<&'static str> {
    Some(match opcode {
        0x01 => "ADD",
        0x02 => "MUL",
        0x03 => "SUB",
        0x04 => "DIV",
        0x06 => "MOD",
        0x08 => "ADDMOD",
        0x09 => "MULMOD",
        0x0c => "ADDFP254",
        0x0d => "MULFP254",
        0x0e => "SUBFP254",
        0x0f => "SUBMOD",
        0x10 => "LT",
        0x11 => "GT",
        0x14 => "EQ",
        0x15 => "ISZERO",
        0x16 => "AND",
        0x17 => "OR",
        0x18 => "XOR",
        0x19 => "NOT",
        0x1a => "BYTE",
        0x1b => "SHL",
        0x1c => "SHR",
        0x21 => "KECCAK_GENERAL",
        0x50 => "POP",
        0x56 => "JUMP",
        0x57 => "JUMPI",
        0x58 => "PC",
        0x5b => "JUMPDEST",
        0x5f => "PUSH0",
        0x60..=0x7f => "PUSH",
        0x80..=0x8f => "DUP",
        0x90..=0x9f => "SWAP",
        0xc0..=0xdf => "MSTORE_32BYTES",
        0xee => "PROVER_INPUT",
        0xf6 => "GET_CONTEXT",
        0xf7 => "SET_CONTEXT",
        0xf8 => "MLOAD_32BYTES",
        0xf9 => "EXIT_KERNEL",
        0xfb => "MLOAD_GENERAL",
        0xfc => "MSTORE_GENERAL",
        _ => return None,
    })
}
