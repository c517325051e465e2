//! What a checker does not know, to see whether it would be missed.

use plonky2::field::types::Field;
use starky::lookup::{Column, Lookup};

use crate::columns;
use crate::cross::Port;
use crate::{F, NUM_TABLES, Table};

/// One thing that holds of honest traces and that a checker does not look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omission {
    /// A constraint.
    Constraint {
        /// The table.
        table: Table,
        /// The constraint's place in the order in which the table emits them.
        index: usize,
    },
    /// That the values of a column are in the column in which the table looks them up.
    Lookup {
        /// The table.
        table: Table,
        /// The column.
        column: usize,
    },
    /// A tuple that rows of a table look up in other tables.
    Tuple {
        /// The table.
        table: Table,
        /// The lookup: its place in `AllStark::cross_table_lookups`.
        lookup: usize,
        /// Which of the table's tuples in this lookup.
        tuple: usize,
    },
    /// That an arithmetic operation is executed by its own flag of the CPU.
    OperationClass,
}

/// The lookup of arithmetic operations, and the element of its tuples that is the flag of the CPU.
pub(crate) const ARITHMETIC: usize = 0;
const CLASS: usize = 1;

impl Omission {
    /// Takes it out of the lookups within tables and between them.
    pub(crate) fn apply(
        self,
        lookups: &mut [Vec<Lookup<F>>; NUM_TABLES],
        ports: &mut [Vec<Port>; NUM_TABLES],
    ) {
        match self {
            Self::Constraint { .. } => {}
            Self::Lookup { table, column } => {
                for lookup in &mut lookups[table as usize] {
                    let places = 0..lookup.columns.len();
                    for place in places.rev() {
                        if shows(&lookup.columns[place], columns::count(table), column) {
                            lookup.columns.remove(place);
                            lookup.filter_columns.remove(place);
                        }
                    }
                }
            }
            Self::Tuple {
                table,
                lookup,
                tuple,
            } => {
                let ports = &mut ports[table as usize];
                let mut of_lookup = (0..ports.len()).filter(|&port| ports[port].lookup == lookup);
                let port = of_lookup.nth(tuple);
                ports.remove(port.expect("the table has such a tuple"));
            }
            Self::OperationClass => {
                let arithmetic = ports.iter_mut().flatten();
                for port in arithmetic.filter(|port| port.lookup == ARITHMETIC) {
                    port.tuple.columns[CLASS] = Column::zero();
                }
            }
        }
    }
}

/// Whether `shown` is the column, of a row of `width` cells.
pub(crate) fn shows(shown: &Column<F>, width: usize, column: usize) -> bool {
    let nothing = vec![F::ZERO; width];
    let mut unit = nothing.clone();
    unit[column] = F::ONE;
    let at = |row: &[F]| shown.eval_with_next::<F, F, 1>(row, &nothing);
    at(&nothing).is_zero() && at(&unit).is_one()
}
