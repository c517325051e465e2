//! All constraints of all tables on a whole trace.

use evm_arithmetization::all_stark::{OPTIONAL_TABLE_INDICES, TABLE_DEGREE_BITS};
use evm_arithmetization::{AllStark, NUM_TABLES};
use plonky2::field::types::{Field, Sample};
use starky::lookup::Lookup;

use crate::constraints::{Position, evaluate};
use crate::cross::{Balance, Port, ports};
use crate::lookups::{self, lookups};
use crate::{D, F, Omission, Table, Trace, Violation, columns};

/// The constraints and lookups of the nine tables.
pub struct Checker {
    pub(crate) starks: AllStark<F, D>,
    pub(crate) ports: [Vec<Port>; NUM_TABLES],
    pub(crate) lookups: [Vec<Lookup<F>>; NUM_TABLES],
    omissions: Vec<Omission>,
}

impl Default for Checker {
    fn default() -> Self {
        let starks = AllStark::default();
        Self {
            ports: ports(&starks),
            lookups: lookups(&starks),
            starks,
            omissions: Vec::new(),
        }
    }
}

impl Checker {
    /// A checker that does not know some things.
    #[must_use]
    pub fn without(omissions: &[Omission]) -> Self {
        let mut checker = Self::default();
        for omission in omissions {
            omission.apply(&mut checker.lookups, &mut checker.ports);
        }
        checker.omissions = omissions.to_vec();
        checker
    }

    /// The one constraint of `table` that is `polynomial`, a function of a row and the next, up to a factor: its place in
    /// the order of emission. It is known by its values at random rows: a first row, where those of a last row do not
    /// count, and a last row, where transitions do not.
    ///
    /// # Panics
    /// If it is not there once.
    #[must_use]
    pub fn place(&self, table: Table, polynomial: impl Fn(&[F], &[F]) -> F) -> usize {
        let samples = [(); 2].map(|()| {
            let [row, next] = [(); 2].map(|()| F::rand_vec(columns::count(table)));
            let at = |last: bool| {
                let position = Position { first: !last, last };
                evaluate::<F>(&self.starks, table, [&row, &next], position, Vec::new())
            };
            ([at(false), at(true)], polynomial(&row, &next))
        });
        let [(here, expected_here), (there, expected_there)] = samples;
        let places: Vec<usize> = (0..here[0].len())
            .filter(|&place| {
                let position = usize::from(here[0][place].is_zero());
                let [here, there] = [&here, &there].map(|values| values[position][place]);
                here.is_nonzero() && here * expected_there == there * expected_here
            })
            .collect();
        let [place] = places[..] else {
            panic!("the constraint of {table:?} is there once: {places:?}");
        };
        place
    }

    /// Whether it does not know a constraint.
    pub(crate) fn ignores(&self, table: Table, index: usize) -> bool {
        self.omits(Omission::Constraint { table, index })
    }

    /// Whether it does not know something.
    pub(crate) fn omits(&self, omission: Omission) -> bool {
        self.omissions.contains(&omission)
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
