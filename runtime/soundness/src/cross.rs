//! Lookups between tables, as multisets of tuples.

use std::collections::HashMap;
use std::iter::once;

use evm_arithmetization::all_stark::MEMORY_CTL_IDX;
use evm_arithmetization::verifier::debug_utils::get_memory_extra_looking_values;
use evm_arithmetization::{AllStark, NUM_TABLES};
use plonky2::field::types::{Field, PrimeField64};
use starky::cross_table_lookup::TableWithColumns;

use crate::{D, F, Table, Trace, Violation};

/// A tuple that rows of one table look up or provide.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) lookup: usize,
    pub(crate) sign: F,
    pub(crate) tuple: TableWithColumns<F>,
}

impl Port {
    /// How often the row looks up or provides the tuple: in the field, as nothing but constraints makes it 0 or 1.
    pub(crate) fn weight(&self, row: &[F], next: &[F]) -> F {
        self.sign * self.tuple.filter.eval_filter::<F, F, 1>(row, next)
    }

    pub(crate) fn tuple(&self, row: &[F], next: &[F]) -> Vec<F> {
        let columns = self.tuple.columns.iter();
        columns
            .map(|column| column.eval_with_next::<F, F, 1>(row, next))
            .collect()
    }
}

/// The ports of each table.
pub(crate) fn ports(starks: &AllStark<F, D>) -> [Vec<Port>; NUM_TABLES] {
    let mut ports = [const { Vec::new() }; NUM_TABLES];
    for (lookup, cross) in starks.cross_table_lookups.iter().enumerate() {
        let looking = cross.looking_tables.iter().map(|tuple| (F::ONE, tuple));
        for (sign, tuple) in looking.chain(once((F::NEG_ONE, &cross.looked_table))) {
            ports[tuple.table].push(Port {
                lookup,
                sign,
                tuple: tuple.clone(),
            });
        }
    }
    ports
}

/// What is looked up more often (or, negative, less often) than it is provided. Tuples are known by two values of a
/// polynomial, 128 bits, as the argument itself knows them by its challenges.
#[derive(Debug, Default)]
pub(crate) struct Balance {
    excess: HashMap<(usize, [u64; 2]), (F, Vec<F>)>,
}

/// Digits of e and of pi: nothing up our sleeves, and nobody chooses tuples against them.
const POINTS: [u64; 2] = [0x2b7e_1516_28ae_d2a6, 0x3243_f6a8_885a_308d];

pub(crate) fn fingerprint(tuple: &[F]) -> [u64; 2] {
    POINTS.map(|point| {
        let point = F::from_canonical_u64(point);
        let value = tuple.iter().fold(F::ONE, |sum, &x| sum * point + x);
        value.to_canonical_u64()
    })
}

impl Balance {
    pub(crate) fn add(&mut self, lookup: usize, tuple: Vec<F>, weight: F) {
        let entry = self.excess.entry((lookup, fingerprint(&tuple)));
        entry.or_insert((F::ZERO, tuple)).0 += weight;
    }

    /// Adds what one row looks up and provides, `factor` times.
    pub(crate) fn add_row(&mut self, ports: &[Port], [row, next]: [&[F]; 2], factor: F) {
        for port in ports {
            let weight = port.weight(row, next) * factor;
            if weight.is_nonzero() {
                self.add(port.lookup, port.tuple(row, next), weight);
            }
        }
    }

    /// Adds the memory operations that stand for the public values.
    pub(crate) fn add_public_values(&mut self, trace: &Trace) {
        for tuple in get_memory_extra_looking_values::<F, D>(&trace.public_values) {
            self.add(MEMORY_CTL_IDX, tuple, F::ONE);
        }
    }

    /// Adds everything that a table looks up and provides.
    pub(crate) fn add_table(&mut self, ports: &[Port], trace: &Trace, table: Table) {
        let trace = trace.table(table);
        for (index, row) in trace.iter().enumerate() {
            self.add_row(ports, [row, trace.next_row(index)], F::ONE);
        }
    }

    /// Forgets what is balanced.
    pub(crate) fn settle(&mut self) {
        self.excess.retain(|_, (excess, _)| excess.is_nonzero());
    }

    pub(crate) fn into_violations(self) -> Vec<Violation> {
        let excess = self.excess.into_iter();
        let unbalanced = excess.filter(|(_, (excess, _))| excess.is_nonzero());
        let mut violations: Vec<Violation> = unbalanced
            .map(|((lookup, _), (excess, tuple))| Violation::CrossTable {
                lookup,
                tuple,
                excess,
            })
            .collect();
        violations.sort_by_key(|violation| match violation {
            Violation::CrossTable { lookup, tuple, .. } => {
                let tuple: Vec<u64> = tuple.iter().map(F::to_canonical_u64).collect();
                (*lookup, tuple)
            }
            _ => unreachable!("made above"),
        });
        violations
    }
}
