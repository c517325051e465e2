//! Changes of single cells of an honest trace, judged where they are.

use std::collections::BTreeMap;

use plonky2::field::types::Field;

use crate::constraints::Position;
use crate::cross::Balance;
use crate::lookups::Census;
use crate::{Checker, F, Table, Trace, Violation};

/// A cell and what it holds instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The table.
    pub table: Table,
    /// The row.
    pub row: usize,
    /// The column.
    pub column: usize,
    /// The new value.
    pub value: F,
}

/// A trace in which everything holds, and what must be known of it to judge changes by their neighbourhood.
pub struct Base<'a> {
    checker: &'a Checker,
    trace: &'a Trace,
    censuses: Vec<Vec<Census>>,
}

impl<'a> Base<'a> {
    /// Indexes `trace`, in which everything must hold.
    #[must_use]
    pub fn new(checker: &'a Checker, trace: &'a Trace) -> Self {
        let censuses = Table::all().map(|table| {
            let lookups = checker.lookups[table as usize].iter();
            lookups
                .map(|lookup| Census::of(lookup, trace.table(table)))
                .collect()
        });
        Self {
            checker,
            trace,
            censuses: censuses.into(),
        }
    }

    /// The trace.
    #[must_use]
    pub fn trace(&self) -> &'a Trace {
        self.trace
    }

    /// What is wrong with the trace once `changes` are made: the constraints of the rows that see a changed cell,
    /// the lookups of their values, and the tuples of theirs that no other table matches.
    #[must_use]
    pub fn recheck(&self, changes: &[Change]) -> Vec<Violation> {
        let mut violations = Vec::new();
        let mut balance = Balance::default();
        for table in Table::all() {
            let mut changed: BTreeMap<usize, Vec<F>> = BTreeMap::new();
            for change in changes.iter().filter(|change| change.table == table) {
                let row = changed.entry(change.row);
                let row = row.or_insert_with(|| self.trace.table(table).row(change.row).to_vec());
                row[change.column] = change.value;
            }
            if !changed.is_empty() {
                self.recheck_table(table, &changed, &mut balance, &mut violations);
            }
        }
        violations.extend(balance.into_violations());
        violations
    }

    fn recheck_table(
        &self,
        table: Table,
        changed: &BTreeMap<usize, Vec<F>>,
        balance: &mut Balance,
        violations: &mut Vec<Violation>,
    ) {
        let rows = self.trace.table(table);
        let count = rows.rows();
        let mut seen: Vec<usize> = changed
            .keys()
            .flat_map(|&row| [(row + count - 1) % count, row])
            .collect();
        seen.sort_unstable();
        seen.dedup();
        let lookups = &self.checker.lookups[table as usize];
        let ports = &self.checker.ports[table as usize];
        let mut deltas: Vec<Census> = lookups.iter().map(|_| Census::default()).collect();
        let mut buffer = Vec::new();
        for row in seen {
            let before = [rows.row(row), rows.next_row(row)];
            let after = [row, (row + 1) % count].map(|row| {
                changed
                    .get(&row)
                    .map_or_else(|| rows.row(row), Vec::as_slice)
            });
            let position = Position::of(row, count);
            buffer = (self.checker).violated(table, row, after, position, buffer, violations);
            balance.add_row(ports, before, F::NEG_ONE);
            balance.add_row(ports, after, F::ONE);
            for (lookup, delta) in lookups.iter().zip(&mut deltas) {
                delta.add_row(lookup, before, -1);
                delta.add_row(lookup, after, 1);
            }
        }
        for (lookup, delta) in deltas.iter().enumerate() {
            let missing = self.censuses[table as usize][lookup].missing(delta);
            violations.extend(missing.into_iter().map(|value| Violation::Lookup {
                table,
                lookup,
                value,
            }));
        }
    }
}
