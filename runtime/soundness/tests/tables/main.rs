//! Lies that the tables other than Cpu must not let through.
//!
//! Each test writes the rows of one lie. The constraints of a table are judged by themselves: other tables can be
//! completed so that the lookups between them hold, unless a test says that a lookup is what finds it.

mod circuits;
mod division;
mod initial_values;
mod keccak;
mod memory;
mod sponge;

#[path = "../../../proving/src/tests/fixture.rs"]
mod fixture;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use tern_proving::inputs::generation_inputs;
use tern_soundness::{Checker, Omission, Table, Trace, Violation, mends};

/// The first 2^15 cycles of a transfer.
fn honest() -> &'static Trace {
    static TRACE: OnceLock<Trace> = OnceLock::new();
    TRACE.get_or_init(|| segments().next().unwrap().unwrap())
}

/// A transfer in segments of 2^15 cycles.
fn segments() -> impl Iterator<Item = anyhow::Result<Trace>> {
    let block = fixture::Chain::new().block(&[1]);
    let inputs = generation_inputs(&block.batches[0]).unwrap();
    Trace::segments(&inputs, Some(15))
}

fn checker() -> &'static Checker {
    static CHECKER: OnceLock<Checker> = OnceLock::new();
    CHECKER.get_or_init(Checker::default)
}

/// The honest trace with other rows in one table.
fn changed(table: Table, change: impl FnOnce(&mut tern_soundness::TableTrace)) -> Trace {
    let mut trace = honest().clone();
    change(trace.table_mut(table));
    trace
}

/// The constraints that `table` breaks.
fn broken(trace: &Trace, table: Table) -> Vec<Violation> {
    checker().constraints(trace, table)
}

/// The place of the constraint of this name, which is one that was added.
fn mend(name: &str) -> usize {
    mends::place(checker(), name)
}

/// Checks that `table` breaks these constraints, and that without them it would have been believed.
fn refused_by(trace: &Trace, table: Table, mends: impl IntoIterator<Item = usize>) {
    let places = broken(trace, table).into_iter().map(|found| match found {
        Violation::Constraint { index, .. } => index,
        other => panic!("{other:?}"),
    });
    let places: BTreeSet<usize> = places.collect();
    assert_eq!(places, mends.into_iter().collect());
}

/// Checks that one constraint refuses the last row of `table`, and that without it the row would have been believed.
/// Returns its place.
fn last_row_refused(trace: &Trace, table: Table) -> usize {
    let found = broken(trace, table);
    let [Violation::Constraint { row, index, .. }] = found[..] else {
        panic!("one constraint refuses it: {found:?}");
    };
    assert_eq!(row, trace.table(table).rows() - 1);
    assert_eq!(
        Checker::without(&[Omission::Constraint { table, index }]).constraints(trace, table),
        []
    );
    index
}
