//! All constraints of all tables on a whole trace.

use evm_arithmetization::all_stark::{OPTIONAL_TABLE_INDICES, TABLE_DEGREE_BITS};
use evm_arithmetization::{AllStark, NUM_TABLES};
use plonky2::field::types::{Field, Sample};
use starky::lookup::Lookup;

use crate::constraints::{Position, evaluate};
use crate::cross::{Balance, Port, ports};
use crate::lookups::{self, lookups};
use crate::{D, F, Table, Trace, Violation, columns};

/// The constraints and lookups of the nine tables.
pub struct Checker {
    pub(crate) starks: AllStark<F, D>,
    pub(crate) ports: [Vec<Port>; NUM_TABLES],
    pub(crate) lookups: [Vec<Lookup<F>>; NUM_TABLES],
    ignored: Option<(Table, usize)>,
}

impl Default for Checker {
    fn default() -> Self {
        let starks = AllStark::default();
        Self {
            ports: ports(&starks),
            lookups: lookups(&starks),
            starks,
            ignored: None,
        }
    }
}

impl Checker {
    /// A checker that does not know one constraint of one table: its place in the order of emission.
    #[must_use]
    pub fn without(table: Table, index: usize) -> Self {
        Self {
            ignored: Some((table, index)),
            ..Self::default()
        }
    }

    /// The constraints of `table` that are `polynomial`, a function of a row and the next, up to a factor: their
    /// places in the order of emission. They are known by their values at random rows, where those of a first row
    /// count and those of a last row do not.
    #[must_use]
    pub fn places(&self, table: Table, polynomial: impl Fn(&[F], &[F]) -> F) -> Vec<usize> {
        let position = Position {
            first: true,
            last: false,
        };
        let samples = [(); 2].map(|()| {
            let [row, next] = [(); 2].map(|()| F::rand_vec(columns::count(table)));
            let values = evaluate::<F>(&self.starks, table, [&row, &next], position, Vec::new());
            (values, polynomial(&row, &next))
        });
        let [(here, expected_here), (there, expected_there)] = samples;
        (0..here.len())
            .filter(|&place| here[place].is_nonzero())
            .filter(|&place| here[place] * expected_there == there[place] * expected_here)
            .collect()
    }

    /// Whether it does not know a constraint.
    pub(crate) fn ignores(&self, table: Table, index: usize) -> bool {
        self.ignored == Some((table, index))
    }

    /// Everything that is wrong with `trace`.
    #[must_use]
    pub fn check(&self, trace: &Trace) -> Vec<Violation> {
        let mut violations = self.shape(trace);
        let mut balance = Balance::default();
        balance.add_public_values(trace);
        for table in Table::all() {
            if trace.in_use[table as usize] {
                violations.extend(self.constraints(trace, table));
                let (index, rows) = (table as usize, trace.table(table));
                violations.extend(lookups::check(&self.lookups[index], table, rows));
                balance.add_table(&self.ports[index], trace, table);
                balance.settle();
            }
        }
        violations.extend(balance.into_violations());
        violations
    }

    /// Tables that are missing or have a length that no circuit has.
    pub(crate) fn shape(&self, trace: &Trace) -> Vec<Violation> {
        let mut violations = Vec::new();
        for table in Table::all() {
            let rows = trace.table(table).rows();
            if !trace.in_use[table as usize] {
                if !OPTIONAL_TABLE_INDICES.contains(&(table as usize)) {
                    violations.push(Violation::Absent { table });
                }
            } else if !(TABLE_DEGREE_BITS[table as usize].iter()).any(|bits| rows == 1 << bits) {
                violations.push(Violation::Length { table, rows });
            }
        }
        violations
    }

    /// The constraints that `table` breaks.
    #[must_use]
    pub fn constraints(&self, trace: &Trace, table: Table) -> Vec<Violation> {
        let rows = trace.table(table);
        let mut violations = Vec::new();
        let mut buffer = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let pair = [row, rows.next_row(index)];
            let position = Position::of(index, rows.rows());
            buffer = self.violated(table, index, pair, position, buffer, &mut violations);
        }
        violations
    }

    /// Adds the constraints that one row and the next break.
    pub(crate) fn violated(
        &self,
        table: Table,
        row: usize,
        pair: [&[F]; 2],
        position: Position,
        buffer: Vec<F>,
        violations: &mut Vec<Violation>,
    ) -> Vec<F> {
        let values = evaluate::<F>(&self.starks, table, pair, position, buffer);
        for (index, value) in values.iter().enumerate() {
            if value.is_nonzero() && !self.ignores(table, index) {
                violations.push(Violation::Constraint { table, row, index });
            }
        }
        values
    }
}
