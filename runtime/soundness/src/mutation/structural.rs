//! Mutants of whole tables: rows that are dropped, doubled, swapped, cut off or put elsewhere, and tables switched off.
//!
//! Rows next to which there is another row than before are looked at first: most mutants are caught there. What is
//! left has its memory completed and is judged whole.

use std::collections::BTreeSet;

use evm_arithmetization::memory::columns::MEMORY_COL_MAP as MEMORY;
use plonky2::field::types::Field;
use rayon::prelude::*;

use super::class::Site;
use super::discrete::Sample;
use super::edit::Edit;
use super::judge::{Judge, Judgement};
use super::report::{Key, Report};
use crate::constraints::Position;
use crate::{Checker, Table, TableTrace, Trace};

/// What a survivor calls rows in place of a cell.
const ROWS: &str = "rows";
/// Rows that an edit may add to Memory.
const ADDED: usize = 64;

/// Makes mutants of the first site of each class, or of all unless it is a sample, and of each table.
#[must_use]
pub fn structural(checker: &Checker, sites: &[(&Trace, Vec<Site>)], sample: Sample<'_>) -> Report {
    let mut seen = BTreeSet::new();
    let mut report = Report::default();
    for (trace, sites) in sites {
        let judge = Judge::new(checker, trace);
        let of_tables = Table::all().map(|table| of_table(&judge, table));
        report = of_tables.into_iter().fold(report, Report::plus);
        let mut chosen: Vec<(&Site, Edit)> = Vec::new();
        for site in sites {
            let first = seen.insert((site.table as usize, &site.class));
            let edits = Edit::ALL.iter().filter(|&&edit| edit != Edit::Empty);
            let is_named = |edit: Edit| {
                let key = Key::new(site, ROWS, edit.name());
                sample.about(site).any(|entry| entry.matches(&key))
            };
            let edits = edits.filter(|&&edit| first || sample.is_whole() || is_named(edit));
            chosen.extend(edits.map(|&edit| (site, edit)));
        }
        let reports = chosen.into_par_iter();
        let reports = reports.map(|(site, edit)| of_site(&judge, site, edit));
        report = report.plus(reports.reduce(Report::default, Report::plus));
    }
    report
}

/// The table without its rows, and switched off.
fn of_table(judge: &Judge<'_>, table: Table) -> Report {
    if !judge.trace().in_use[table as usize] {
        return Report::default();
    }
    let whole = Site {
        table,
        row: 0,
        class: "table".to_owned(),
    };
    let mut off = judge.trace().clone();
    off.in_use[table as usize] = false;
    let off = judge.alone(&off);
    of_site(judge, &whole, Edit::Empty).plus(reported(&whole, "off", &off))
}

fn of_site(judge: &Judge<'_>, site: &Site, edit: Edit) -> Report {
    reported(site, edit.name(), &judged(judge, site, edit))
}

fn reported(site: &Site, kind: &str, judgement: &Judgement) -> Report {
    let mut report = Report {
        made: 1,
        ..Report::default()
    };
    if !judgement.objections.is_empty() {
        report.caught = 1;
    } else if judgement.changed {
        let key = Key::new(site, ROWS, kind);
        report
            .survivors
            .insert(key, (1, format!("row {}", site.row)));
    } else {
        report.equivalent = 1;
    }
    report
}

/// What survives of the edits of a site that a whole judge does not let through.
pub(crate) fn survivors([whole, blind]: [&Judge<'_>; 2], site: &Site) -> impl Iterator<Item = Key> {
    let edits = Edit::ALL.iter().filter(|&&edit| edit != Edit::Empty);
    edits.flat_map(move |&edit| {
        let survivors = of_site(blind, site, edit).survivors.into_keys();
        survivors.filter(move |_| of_site(whole, site, edit).survivors.is_empty())
    })
}

fn judged(judge: &Judge<'_>, site: &Site, edit: Edit) -> Judgement {
    let table = site.table;
    let mut trace = judge.trace().clone();
    *trace.table_mut(table) = edit.apply(table, judge.trace().table(table), site.row);
    let near = neighbourhood(judge, &trace, site);
    if !near.objections.is_empty() && table != Table::Memory {
        return near;
    }
    // The order of Memory's rows, and what follows from it, is for the prover to put right, if there is space.
    if matches!(table, Table::Cpu | Table::Memory) && has_space(trace.table(Table::Memory)) {
        judge.base.complete_memory(&mut trace);
    }
    // Statements that are not there any more cannot be completed by anything but themselves.
    match (table, edit) {
        (Table::Cpu | Table::Memory, _) => judge.whole(table, &trace),
        (_, Edit::Drop | Edit::Cut | Edit::Empty) => judge.alone(&trace),
        _ => judge.whole(table, &trace),
    }
}

/// Whether there is space for what an edit adds.
fn has_space(memory: &TableTrace) -> bool {
    let mut last = memory.rows() - ADDED..memory.rows();
    last.all(|row| memory.row(row)[MEMORY.filter].is_zero())
}

/// What the constraints of some rows object to: those around the site, and the last ones.
fn neighbourhood(judge: &Judge<'_>, trace: &Trace, site: &Site) -> Judgement {
    let rows = trace.table(site.table);
    let count = rows.rows();
    let around = (site.row + count - 1..=site.row + count + 2).map(|row| row % count);
    let ends = [count - 2, count - 1, 0];
    let mut violations = Vec::new();
    let mut buffer = Vec::new();
    for row in around.chain(ends) {
        let pair = [rows.row(row), rows.next_row(row)];
        let position = Position::of(row, count);
        buffer = (judge.checker).violated(site.table, row, pair, position, buffer, &mut violations);
    }
    judge.judged(site.table, violations)
}
