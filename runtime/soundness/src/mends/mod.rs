//! What audits added to the tables, by what it keeps from happening: each mend is a constraint, or a lookup. A lie names
//! the mend that refuses it, and a search for what the tables let through must find something without it.

mod cpu;
mod tables;

use crate::{Checker, F, Omission, Table};

/// What a mend keeps from happening, and what it consists of.
pub struct Mend {
    /// What it keeps from happening.
    pub name: String,
    /// What it consists of.
    pub parts: Vec<Omission>,
}

/// All mends.
#[must_use]
pub fn all(checker: &Checker) -> Vec<Mend> {
    let mends = list().into_iter();
    mends.map(|mend| mend.found(checker)).collect()
}

/// The mend of this name.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn named(checker: &Checker, name: &str) -> Mend {
    let mend = list().into_iter().find(|mend| mend.name == name);
    mend.unwrap_or_else(|| panic!("there is no mend `{name}`"))
        .found(checker)
}

/// The place of the constraint that is the mend of this name.
///
/// # Panics
/// If there is none, or it is not one constraint.
#[must_use]
pub fn place(checker: &Checker, name: &str) -> usize {
    match named(checker, name).parts[..] {
        [Omission::Constraint { index, .. }] => index,
        _ => panic!("`{name}` is not one constraint"),
    }
}

/// A function of a row and the next.
type Polynomial = Box<dyn Fn(&[F], &[F]) -> F>;

/// A part of a mend, as it is written.
enum Part {
    /// The one constraint of the table that is this, up to a factor.
    Constraint(Table, Polynomial),
    Other(Omission),
}

/// A mend, as it is written.
struct Written {
    name: String,
    parts: Vec<Part>,
}

impl Written {
    fn new(name: &str, parts: impl IntoIterator<Item = Part>) -> Self {
        Self {
            name: name.to_owned(),
            parts: parts.into_iter().collect(),
        }
    }

    fn constraint(
        name: &str,
        table: Table,
        polynomial: impl Fn(&[F], &[F]) -> F + 'static,
    ) -> Self {
        Self::new(name, [Part::Constraint(table, Box::new(polynomial))])
    }

    fn found(self, checker: &Checker) -> Mend {
        let parts = self.parts.into_iter().map(|part| match part {
            Part::Constraint(table, polynomial) => Omission::Constraint {
                table,
                index: checker.place(table, polynomial),
            },
            Part::Other(omission) => omission,
        });
        Mend {
            parts: parts.collect(),
            name: self.name,
        }
    }
}

fn list() -> Vec<Written> {
    let mut mends = cpu::all();
    mends.extend(tables::all());
    mends
}
