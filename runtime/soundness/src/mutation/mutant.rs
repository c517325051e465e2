//! Changes of single cells and flags.

use plonky2::field::types::Field;

use super::cells::{Cell, determined, flags};
use super::class::Site;
use super::given;
use crate::{Change, F, Table, TableTrace, Trace};

/// What must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The rows mean something else, and nothing objects.
    AnotherMeaning,
    /// The row is given another word, and does the same.
    IgnoredWord,
}

/// Cells of a row, or of the row and the next, that hold something else.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    /// The cell that names it.
    pub(crate) cell: Cell,
    pub(crate) kind: &'static str,
    pub(crate) changes: Vec<Change>,
    pub(crate) fault: Fault,
}

impl Mutant {
    pub(crate) fn new(cell: Cell, kind: &'static str, changes: Vec<Change>) -> Self {
        let fault = Fault::AnotherMeaning;
        Self {
            cell,
            kind,
            changes,
            fault,
        }
    }
}

/// All mutants of a row.
pub(crate) fn mutants(trace: &Trace, site: &Site) -> Vec<Mutant> {
    let table = trace.table(site.table);
    let (first, last) = (site.row == 0, site.row == table.rows() - 1);
    let cells = determined(site.table, first, last);
    let change = |cell: Cell, value| Change {
        table: site.table,
        row: (site.row + cell.offset) % table.rows(),
        column: cell.column,
        value,
    };
    let mut mutants = Vec::new();
    for &cell in &cells {
        for (kind, value) in values(table, site.row, cell) {
            mutants.push(Mutant::new(cell, kind, vec![change(cell, value)]));
        }
    }
    let row = table.row(site.row);
    let flags = flags(site.table);
    let set = flags.iter().find(|&&flag| row[flag].is_one());
    if let Some(&set) = set {
        let own = |column| Cell { offset: 0, column };
        for &flag in flags.iter().filter(|&&flag| flag != set) {
            let changes = [(set, F::ZERO), (flag, F::ONE)];
            let changes = changes.map(|(flag, value)| change(own(flag), value));
            mutants.push(Mutant::new(own(flag), "move", changes.into()));
        }
    }
    if site.table == Table::Cpu {
        mutants.extend(given::mutants(trace, site));
    }
    mutants
}

/// What a cell may hold instead.
fn values(table: &TableTrace, row: usize, cell: Cell) -> Vec<(&'static str, F)> {
    let value = |row: usize| table.row(row % table.rows())[cell.column];
    let honest = value(row + cell.offset);
    // Any other row: the golden ratio spreads them.
    let other = value(row.wrapping_mul(0x9e37_79b9) >> 7);
    let candidates = [
        ("0", F::ZERO),
        ("1", F::ONE),
        ("-1", F::NEG_ONE),
        ("+1", honest + F::ONE),
        ("1-", F::ONE - honest),
        ("2^32", F::from_canonical_u64(1 << 32)),
        ("other", other),
    ];
    let mut values: Vec<(&str, F)> = Vec::new();
    for (kind, candidate) in candidates {
        let known = values.iter().any(|(_, value)| *value == candidate);
        if candidate != honest && !known {
            values.push((kind, candidate));
        }
    }
    values
}
