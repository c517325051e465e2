//! Rows that are dropped, doubled, swapped, cut off or put elsewhere.

use evm_arithmetization::arithmetic::columns as arithmetic;
use evm_arithmetization::byte_packing::columns::BYTE_PACKING_COL_MAP as PACKING;
use evm_arithmetization::cpu::columns::COL_MAP as CPU;
use evm_arithmetization::keccak_sponge::columns::KECCAK_SPONGE_COL_MAP as SPONGE;
use evm_arithmetization::memory::columns::MEMORY_COL_MAP as MEMORY;

use crate::{F, Table, TableTrace};

/// What becomes of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    /// The row is not there.
    Drop,
    /// It is there twice.
    Double,
    /// It comes after the next.
    Swap,
    /// Nothing comes after it.
    Cut,
    /// It is there once more, after all others.
    Append,
    /// It is there once more, as the last row of the table.
    Last,
    /// Nothing is there.
    Empty,
}

impl Edit {
    pub(crate) const ALL: [Self; 7] = [
        Self::Drop,
        Self::Double,
        Self::Swap,
        Self::Cut,
        Self::Append,
        Self::Last,
        Self::Empty,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Double => "double",
            Self::Swap => "swap",
            Self::Cut => "cut",
            Self::Append => "append",
            Self::Last => "last",
            Self::Empty => "empty",
        }
    }

    /// The rows before the edit that come after it, in order; as many as there were. The last row is padding.
    fn order(self, table: Table, rows: &TableTrace, row: usize) -> Vec<usize> {
        let count = rows.rows();
        let last = count - 1;
        let mut order: Vec<usize> = (0..count).collect();
        match self {
            Self::Drop => {
                order.remove(row);
                order.push(last);
            }
            Self::Double => {
                order.insert(row, row);
                order.pop();
            }
            Self::Swap => order.swap(row, (row + 1) % count),
            Self::Cut => order[(row + 1).min(last)..].fill(last),
            Self::Append => order[end(table, rows)] = row,
            Self::Last => order[last] = row,
            Self::Empty => order.fill(last),
        }
        order
    }

    /// The table after the edit. What belongs to places and not to rows stays.
    pub(crate) fn apply(self, table: Table, rows: &TableTrace, row: usize) -> TableTrace {
        let stay = of_places(table);
        let order = self.order(table, rows, row).into_iter().enumerate();
        let cells = order.flat_map(|(place, from)| {
            let mut cells: Vec<F> = rows.row(from).to_vec();
            for &column in stay {
                cells[column] = rows.row(place)[column];
            }
            cells
        });
        TableTrace::new(rows.width(), cells.collect())
    }
}

/// The first row of the padding, which are rows like the last.
fn end(table: Table, rows: &TableTrace) -> usize {
    let last = rows.rows() - 1;
    let stay = of_places(table);
    let alike = |row: usize| {
        let pairs = rows.row(row).iter().zip(rows.row(last)).enumerate();
        pairs
            .filter(|(column, _)| !stay.contains(column))
            .all(|(_, (cell, padding))| cell == padding)
    };
    (0..last)
        .rev()
        .find(|&row| !alike(row))
        .map_or(0, |row| (row + 1).min(last))
}

/// The columns that belong to a place in the table.
fn of_places(table: Table) -> &'static [usize] {
    match table {
        Table::Arithmetic => &[arithmetic::RANGE_COUNTER, arithmetic::RC_FREQUENCIES],
        Table::BytePacking => &[PACKING.range_counter, PACKING.rc_frequencies],
        Table::Cpu => &[CPU.clock],
        Table::KeccakSponge => &[SPONGE.range_counter, SPONGE.rc_frequencies],
        Table::Memory => &[
            MEMORY.counter,
            MEMORY.frequencies,
            MEMORY.stale_contexts,
            MEMORY.is_pruned,
            MEMORY.stale_context_frequencies,
        ],
        Table::Keccak | Table::Logic | Table::MemBefore | Table::MemAfter => &[],
    }
}
