//! What a trace breaks.

use std::fmt;

use plonky2::field::types::{Field64, PrimeField64};

use crate::{F, Table};

/// The lookups between tables, in the order of `AllStark::cross_table_lookups`.
pub(crate) const CROSS_TABLE_NAMES: [&str; 10] = [
    "arithmetic",
    "byte packing",
    "keccak sponge",
    "keccak inputs",
    "keccak outputs",
    "logic",
    "memory",
    "memory before",
    "memory after",
    "context pruning",
];

/// One thing that is wrong with a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A constraint is not zero.
    Constraint {
        /// The table.
        table: Table,
        /// The row; for a transition, the first of the two.
        row: usize,
        /// The constraint's place in the order in which the table emits them.
        index: usize,
    },
    /// A value is looked up in a column that does not hold it.
    Lookup {
        /// The table, whose column it is as well.
        table: Table,
        /// Which of the table's lookups.
        lookup: usize,
        /// The value.
        value: F,
    },
    /// A tuple is not as often on one side of a lookup between tables as on the other.
    CrossTable {
        /// The lookup: its place in `AllStark::cross_table_lookups`.
        lookup: usize,
        /// The tuple.
        tuple: Vec<F>,
        /// How much oftener it is looked up than it is there, in the field.
        excess: F,
    },
    /// A table that must be proven is not.
    Absent {
        /// The table.
        table: Table,
    },
    /// A table has a length for which there is no circuit.
    Length {
        /// The table.
        table: Table,
        /// Its rows.
        rows: usize,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constraint { table, row, index } => {
                write!(f, "{table:?}: constraint {index} in row {row}")
            }
            Self::Lookup {
                table,
                lookup,
                value,
            } => write!(f, "{table:?}: lookup {lookup} does not find {value}"),
            Self::CrossTable {
                lookup,
                tuple,
                excess,
            } => {
                let tuple: Vec<u64> = tuple.iter().map(F::to_canonical_u64).collect();
                let excess = excess.to_canonical_u64();
                let (count, side) = if excess <= F::ORDER / 2 {
                    (excess, "looked up")
                } else {
                    (F::ORDER - excess, "provided")
                };
                let name = CROSS_TABLE_NAMES.get(*lookup).unwrap_or(&"?");
                write!(f, "{name}: {tuple:?} is {side} {count} times too often")
            }
            Self::Absent { table } => write!(f, "{table:?}: switched off"),
            Self::Length { table, rows } => write!(f, "{table:?}: no circuit for {rows} rows"),
        }
    }
}
