//! Mutants of single cells and flags, of all sites or of some.

use rayon::prelude::*;

use super::class::Site;
use super::freedom::FIRST_ORDER;
use super::judge::Judge;
use super::mutant::{Fault, Mutant, mutants};
use super::repair::Repair;
use super::report::{Key, Report, Reviewed};
use crate::{Checker, NUM_TABLES, Table, Trace};

/// Which mutants are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// How many, about; all if there is no number.
    pub size: Option<usize>,
    /// What chooses them.
    pub seed: u64,
    /// Entries of which every mutant is looked at, beside the others: what no longer survives is noticed.
    pub always: &'a [Reviewed],
}

impl<'a> Sample<'a> {
    /// Whether it is all there are.
    pub(crate) fn is_whole(&self) -> bool {
        self.size.is_none()
    }

    /// The entries that are about a site.
    pub(crate) fn about(&self, site: &Site) -> impl Iterator<Item = &'a Reviewed> {
        self.always.iter().filter(|entry| entry.is_about(site))
    }

    /// Whether a site is always looked at to first order.
    pub(crate) fn always_to_first_order(&self, site: &Site) -> bool {
        self.is_whole() || self.about(site).any(|entry| entry.is_of_kind(FIRST_ORDER))
    }
}

/// Half of a sample is of the CPU, whose instructions are many; the other tables share the rest.
fn share(table: Table, size: usize) -> usize {
    match table {
        Table::Cpu => size / 2,
        _ => size / 2 / (NUM_TABLES - 1),
    }
}

/// A number that looks random (SplitMix64).
pub(crate) fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// Makes mutants of the sites and says what becomes of them. The sites of each trace are with it.
#[must_use]
pub fn discrete(checker: &Checker, sites: &[(&Trace, Vec<Site>)], sample: Sample<'_>) -> Report {
    let mut available = [0; NUM_TABLES];
    for (trace, sites) in sites {
        for site in sites {
            available[site.table as usize] += mutants(trace, site).len();
        }
    }
    let chosen = |table: Table, number: u64| {
        let available = available[table as usize] as u64;
        let wanted = sample
            .size
            .map_or(available, |size| share(table, size) as u64);
        wanted >= available || mix(number) % available < wanted
    };
    let reports = sites.iter().enumerate().map(|(segment, (trace, sites))| {
        let judge = Judge::new(checker, trace);
        let reports = sites.par_iter().map(|site| {
            let number = [segment, site.table as usize, site.row];
            let first = number
                .iter()
                .fold(sample.seed, |sum, &part| mix(sum ^ part as u64));
            let always: Vec<&Reviewed> = sample.about(site).collect();
            let is_named = |mutant: &Mutant| {
                let key = key(site, mutant);
                always.iter().any(|entry| entry.matches(&key))
            };
            let numbered = (first..).zip(mutants(trace, site));
            let chosen =
                numbered.filter(|(number, mutant)| chosen(site.table, *number) || is_named(mutant));
            let reports = chosen.map(|(_, mutant)| of_mutant(&judge, site, &mutant));
            reports.fold(Report::default(), Report::plus)
        });
        reports.reduce(Report::default, Report::plus)
    });
    reports.fold(Report::default(), Report::plus)
}

fn key(site: &Site, mutant: &Mutant) -> Key {
    Key::new(site, &mutant.cell.name(site.table), mutant.kind)
}

/// What becomes of a mutant.
pub(crate) fn of_mutant(judge: &Judge<'_>, site: &Site, mutant: &Mutant) -> Report {
    let mut report = Report {
        made: 1,
        ..Report::default()
    };
    let key = || key(site, mutant);
    if mutant.fault == Fault::IgnoredWord {
        if judge.ignores_word(site.row, &mutant.changes) {
            report
                .survivors
                .insert(key(), (1, format!("row {}", site.row)));
        } else {
            report.caught = 1;
        }
        return report;
    }
    let mut repair = Repair::new(judge, site.table, site.row);
    let judgement = repair.search(&mutant.changes);
    report.indispensable[site.table as usize] = repair.indispensable;
    if let Some(changes) = repair.accepted {
        let rest = changes.len() - mutant.changes.len();
        let example = format!("row {}, {rest} other cells changed", site.row);
        report.survivors.insert(key(), (1, example));
    } else if judgement.objections.is_empty() {
        report.equivalent = 1;
    } else {
        report.caught = 1;
    }
    report
}
