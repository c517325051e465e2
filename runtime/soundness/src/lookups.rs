//! Lookups within a table: values that must be in a column of it.

use std::collections::HashMap;

use evm_arithmetization::{AllStark, NUM_TABLES};
use plonky2::field::types::{Field, PrimeField64};
use starky::lookup::Lookup;
use starky::stark::Stark;

use crate::constraints::with_stark;
use crate::{D, F, Table, TableTrace, Violation};

/// The lookups of each table.
pub(crate) fn lookups(starks: &AllStark<F, D>) -> [Vec<Lookup<F>>; NUM_TABLES] {
    Table::all().map(|table| with_stark!(starks, table, stark => stark.lookups()))
}

/// One value of one lookup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uses {
    /// How often it is in the column.
    pub(crate) provided: i64,
    /// How often it is looked up, in the field.
    pub(crate) wanted: F,
}

impl Uses {
    fn holds(self) -> bool {
        self.provided > 0 || self.wanted.is_zero()
    }

    fn plus(self, other: Self) -> Self {
        Self {
            provided: self.provided + other.provided,
            wanted: self.wanted + other.wanted,
        }
    }
}

/// How often each value is provided and looked up, for one lookup or for a change of it.
#[derive(Debug, Default)]
pub(crate) struct Census(HashMap<u64, Uses>);

impl Census {
    pub(crate) fn of(lookup: &Lookup<F>, table: &TableTrace) -> Self {
        let mut census = Self::default();
        for (index, row) in table.iter().enumerate() {
            census.add_row(lookup, [row, table.next_row(index)], 1);
        }
        census
    }

    /// Adds a row's values, `sign` times.
    pub(crate) fn add_row(&mut self, lookup: &Lookup<F>, [row, next]: [&[F]; 2], sign: i64) {
        let factor = if sign < 0 { F::NEG_ONE } else { F::ONE };
        let provided = lookup.table_column.eval_with_next::<F, F, 1>(row, next);
        self.uses(provided).provided += sign;
        for (column, filter) in lookup.columns.iter().zip(&lookup.filter_columns) {
            let weight = filter.eval_filter::<F, F, 1>(row, next);
            if weight.is_nonzero() {
                let value = column.eval_with_next::<F, F, 1>(row, next);
                self.uses(value).wanted += weight * factor;
            }
        }
    }

    fn uses(&mut self, value: F) -> &mut Uses {
        self.0.entry(value.to_canonical_u64()).or_default()
    }

    /// The values that are looked up and not there, once `change` is added.
    pub(crate) fn missing(&self, change: &Self) -> Vec<F> {
        let changed = change
            .0
            .iter()
            .filter(|(_, uses)| **uses != Uses::default());
        let mut missing: Vec<u64> = changed
            .filter(|(value, uses)| {
                let before = self.0.get(value).copied().unwrap_or_default();
                !before.plus(**uses).holds()
            })
            .map(|(value, _)| *value)
            .collect();
        missing.sort_unstable();
        missing.into_iter().map(F::from_canonical_u64).collect()
    }
}

/// The values of one table that are not where they are looked up.
pub(crate) fn check(lookups: &[Lookup<F>], table: Table, trace: &TableTrace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (lookup, columns) in lookups.iter().enumerate() {
        let census = Census::of(columns, trace);
        let missing = Census::default().missing(&census).into_iter();
        violations.extend(missing.map(|value| Violation::Lookup {
            table,
            lookup,
            value,
        }));
    }
    violations
}
