//! Changes of an honest trace, judged where they are.

use std::collections::{BTreeMap, BTreeSet};
use std::slice::from_ref;
use std::sync::Arc;

use plonky2::field::types::Field;

use crate::constraints::Position;
use crate::cross::{Balance, Port};
use crate::lookups::Census;
use crate::{Checker, F, NUM_TABLES, Table, Trace, Violation};

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
    censuses: Arc<[Vec<Census>; NUM_TABLES]>,
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
            censuses: Arc::new(censuses),
        }
    }

    /// The same trace, judged by a checker that does not know some things.
    pub(crate) fn judged_by<'b>(&self, checker: &'b Checker) -> Base<'b>
    where
        'a: 'b,
    {
        Base {
            checker,
            trace: self.trace,
            censuses: Arc::clone(&self.censuses),
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
        let mut changed: [BTreeMap<usize, Vec<F>>; NUM_TABLES] = Default::default();
        for change in changes {
            let row = changed[change.table as usize].entry(change.row);
            let honest = self.trace.table(change.table).row(change.row);
            row.or_insert_with(|| honest.to_vec())[change.column] = change.value;
        }
        let changed = changed.each_ref().map(|rows| {
            let rows = rows.iter();
            rows.map(|(&row, cells)| (row, cells.as_slice())).collect()
        });
        self.judge(&changed, Balance::default())
    }

    /// What is wrong with another trace for the same public values, whose tables are as long. Where it does not
    /// differ, nothing is.
    #[must_use]
    pub fn compare(&self, other: &Trace) -> Vec<Violation> {
        let mut violations = self.checker.shape(other);
        let changed = Table::all().map(|table| self.changed(other, table));
        let balance = self.switched_off(other, |_| true);
        violations.extend(self.judge(&changed, balance));
        violations
    }

    /// What is not looked up and not provided any more since tables are switched off, in the lookups between tables
    /// of which `counts` holds.
    pub(crate) fn switched_off(&self, other: &Trace, counts: impl Fn(usize) -> bool) -> Balance {
        let mut balance = Balance::default();
        for table in Table::all() {
            if self.trace.in_use[table as usize] && !other.in_use[table as usize] {
                let rows = self.trace.table(table);
                for port in self.ports(table).iter().filter(|port| counts(port.lookup)) {
                    for (index, row) in rows.iter().enumerate() {
                        balance.add_row(from_ref(port), [row, rows.next_row(index)], F::NEG_ONE);
                    }
                }
            }
        }
        balance
    }

    /// The rows of `table` that differ; none if it is not in use.
    pub(crate) fn changed<'b>(&self, other: &'b Trace, table: Table) -> BTreeMap<usize, &'b [F]> {
        let honest = self.trace.table(table);
        let changed = other.table(table);
        if !other.in_use[table as usize] || honest.shares_cells(changed) {
            return BTreeMap::new();
        }
        let pairs = honest.iter().zip(changed.iter());
        let differing = pairs.enumerate().filter(|(_, (row, other))| row != other);
        differing
            .map(|(index, (_, other))| (index, other))
            .collect()
    }

    pub(crate) fn ports(&self, table: Table) -> &[Port] {
        &self.checker.ports[table as usize]
    }

    fn judge(
        &self,
        changed: &[BTreeMap<usize, &[F]>; NUM_TABLES],
        mut balance: Balance,
    ) -> Vec<Violation> {
        let mut violations = Vec::new();
        for table in Table::all() {
            let changed = &changed[table as usize];
            if !changed.is_empty() {
                self.recheck_table(table, changed, &mut balance, &mut violations);
            }
        }
        violations.extend(balance.into_violations());
        violations
    }

    /// The rows that see a changed row, each with the next, before and after.
    pub(crate) fn seen<'b>(
        &'b self,
        table: Table,
        changed: &'b BTreeMap<usize, &'b [F]>,
    ) -> impl Iterator<Item = (usize, [[&'b [F]; 2]; 2])> {
        let rows = self.trace.table(table);
        let count = rows.rows();
        let seen: BTreeSet<usize> = changed
            .keys()
            .flat_map(|&row| [(row + count - 1) % count, row])
            .collect();
        seen.into_iter().map(move |row| {
            let pair = [row, (row + 1) % count];
            let before = pair.map(|row| rows.row(row));
            let after = pair.map(|row| {
                changed
                    .get(&row)
                    .map_or_else(|| rows.row(row), |cells| *cells)
            });
            (row, [before, after])
        })
    }

    fn recheck_table(
        &self,
        table: Table,
        changed: &BTreeMap<usize, &[F]>,
        balance: &mut Balance,
        violations: &mut Vec<Violation>,
    ) {
        let count = self.trace.table(table).rows();
        let lookups = &self.checker.lookups[table as usize];
        let mut deltas: Vec<Census> = lookups.iter().map(|_| Census::default()).collect();
        let mut buffer = Vec::new();
        for (row, [before, after]) in self.seen(table, changed) {
            let position = Position::of(row, count);
            buffer = (self.checker).violated(table, row, after, position, buffer, violations);
            balance.add_row(self.ports(table), before, F::NEG_ONE);
            balance.add_row(self.ports(table), after, F::ONE);
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
