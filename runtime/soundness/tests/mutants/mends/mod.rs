//! What the audits added to the tables: each mend is a constraint, or a lookup, of which there must be no need if the
//! checker reports nothing without it.

mod cpu;
mod tables;

use tern_soundness::{Checker, F, Omission, Table};

/// What a mend keeps from happening, and what it consists of.
pub(crate) struct Mend {
    pub(crate) name: String,
    pub(crate) parts: Vec<Omission>,
}

impl Mend {
    fn new(name: &str, part: Omission) -> Self {
        Self {
            name: name.to_owned(),
            parts: vec![part],
        }
    }
}

/// All mends.
pub(crate) fn all(checker: &Checker) -> Vec<Mend> {
    let mut mends = cpu::all(checker);
    mends.extend(tables::all(checker));
    mends
}

/// The one constraint of `table` that is `polynomial`, up to a factor.
fn constraint(checker: &Checker, table: Table, polynomial: impl Fn(&[F], &[F]) -> F) -> Omission {
    let index = checker.place(table, polynomial);
    Omission::Constraint { table, index }
}
