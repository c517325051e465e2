//! What a checker reports that does not know something: nothing, if it would not be missed.

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

use plonky2::field::types::Field;
use rayon::prelude::*;

use super::cells::{CPU_FLAGS, Cell, determined};
use super::class::Site;
use super::discrete::of_mutant;
use super::freedom::free_meanings;
use super::judge::Judge;
use super::mutant::mutants;
use super::report::Key;
use super::structural::survivors;
use super::support::supports;
use crate::constraints::evaluate;
use crate::{Checker, F, NUM_TABLES, Omission, Table, Trace};

/// Sites that are looked at for one thing that is left out.
const SITES: usize = 12;

/// Honest traces and sites, on which checkers are tried that do not know something.
pub struct Bench<'a> {
    checker: &'a Checker,
    judges: Vec<(Judge<'a>, Vec<Site>)>,
    supports: [OnceLock<Vec<BTreeSet<Cell>>>; NUM_TABLES],
}

impl<'a> Bench<'a> {
    /// Indexes the traces; the sites of each are with it.
    #[must_use]
    pub fn new(checker: &'a Checker, sites: &[(&'a Trace, Vec<Site>)]) -> Self {
        let judges = sites.iter();
        let judges = judges.map(|(trace, sites)| (Judge::new(checker, trace), sites.clone()));
        Self {
            checker,
            judges: judges.collect(),
            supports: Default::default(),
        }
    }

    /// A survivor of which `is_new` holds, among the mutants that a checker lets through that does not know some
    /// things, and one that knows all does not. Only rows and cells are looked at that these concern.
    pub fn survivor(
        &self,
        omissions: &[Omission],
        is_new: impl Fn(&Key) -> bool + Sync,
    ) -> Option<Key> {
        let checker = Checker::without(omissions);
        let blind: Vec<Judge<'_>> = self
            .judges
            .iter()
            .map(|(judge, _)| judge.with(&checker))
            .collect();
        let cells = self.cells(omissions);
        let sites = self.concerned(omissions);
        // The flag of an arithmetic operation is no longer a fixed part of what is asked.
        let is_linear = !omissions.contains(&Omission::OperationClass);
        let free = || {
            sites
                .par_iter()
                .filter(|_| is_linear)
                .find_map_any(|(judge, site)| {
                    let known = free_meanings(&self.judges[*judge].0, site);
                    let mut free = free_meanings(&blind[*judge], site).into_iter();
                    free.find(|key| is_new(key) && !known.contains(key))
                })
        };
        let cell = || {
            sites.par_iter().find_map_any(|(judge, site)| {
                let [whole, blind] = [&self.judges[*judge].0, &blind[*judge]];
                let mutants = mutants(blind.trace(), site);
                let mut concerned = mutants.into_iter().filter(|mutant| {
                    let mut changed = mutant.changes.iter().map(|change| Cell {
                        offset: usize::from(change.row != site.row),
                        column: change.column,
                    });
                    cells.is_empty() || changed.any(|cell| cells.contains(&cell))
                });
                concerned.find_map(|mutant| {
                    let survives =
                        |judge| of_mutant(judge, site, &mutant).survivors.into_keys().next();
                    survives(blind).filter(|key| is_new(key) && survives(whole).is_none())
                })
            })
        };
        let rows = || {
            // Of the other tables, single cells say as much, in less time.
            let sites = sites
                .par_iter()
                .filter(|(_, site)| site.table == Table::KeccakSponge);
            sites.find_map_any(|(judge, site)| {
                let judges = [&self.judges[*judge].0, &blind[*judge]];
                survivors(judges, site).find(|key| is_new(key))
            })
        };
        free().or_else(cell).or_else(rows)
    }

    /// The cells that are concerned, if not all.
    fn cells(&self, omissions: &[Omission]) -> BTreeSet<Cell> {
        let of = |omission: &Omission| match *omission {
            Omission::Constraint { table, index } => self.supports(table)[index].clone(),
            _ => BTreeSet::new(),
        };
        omissions.iter().flat_map(of).collect()
    }

    fn supports(&self, table: Table) -> &[BTreeSet<Cell>] {
        self.supports[table as usize].get_or_init(|| supports(self.checker, table))
    }

    /// Some sites that are concerned: each time the number of its trace.
    fn concerned(&self, omissions: &[Omission]) -> Vec<(usize, &Site)> {
        let sites = self.judges.iter().enumerate();
        let sites =
            sites.flat_map(|(number, (_, sites))| sites.iter().map(move |site| (number, site)));
        let mut classes: HashMap<&str, usize> = HashMap::new();
        let concerned = sites.filter(|(number, site)| {
            let judge = &self.judges[*number].0;
            omissions
                .iter()
                .any(|omission| self.concerns(judge, site, *omission))
        });
        // Of each class some, so that all have their turn.
        let mut concerned: Vec<(usize, (usize, &Site))> = concerned
            .map(|(number, site)| {
                let seen = classes.entry(&site.class).or_default();
                *seen += 1;
                (*seen, (number, site))
            })
            .collect();
        concerned.sort_by_key(|(turn, _)| *turn);
        concerned
            .into_iter()
            .map(|(_, site)| site)
            .take(SITES)
            .collect()
    }

    fn concerns(&self, judge: &Judge<'_>, site: &Site, omission: Omission) -> bool {
        let [row, next] = judge.pair(site.table, site.row, &[]);
        let mut ports = self.checker.ports[site.table as usize].iter();
        match omission {
            Omission::Constraint { table, index } => {
                table == site.table && self.depends(judge, site, index)
            }
            Omission::Lookup { table, .. } => table == site.table,
            Omission::Tuple {
                table,
                lookup,
                tuple,
            } if table == site.table => {
                let port = ports.filter(|port| port.lookup == lookup).nth(tuple);
                port.is_some_and(|port| port.weight(&row, &next).is_nonzero())
            }
            Omission::Tuple { .. } => false,
            Omission::OperationClass => {
                site.table == Table::Cpu
                    && ports.any(|port| port.lookup == 0 && port.weight(&row, &next).is_nonzero())
            }
        }
    }

    /// Whether a constraint says something about the cells of a row that are no flags.
    fn depends(&self, judge: &Judge<'_>, site: &Site, index: usize) -> bool {
        let table = site.table;
        let position = judge.position(table, site.row);
        let pair = judge.pair(table, site.row, &[]);
        let value = |pair: &[Vec<F>; 2]| {
            let pair = [&pair[0][..], &pair[1][..]];
            evaluate(&self.checker.starks, table, pair, position, Vec::new())[index]
        };
        let is_flag = |cell: &Cell| table == Table::Cpu && CPU_FLAGS.contains(&cell.column);
        let of_row = determined(table, position.first, position.last);
        let mut cells = self.supports(table)[index].iter();
        cells.any(|cell| {
            let mut other = pair.clone();
            other[cell.offset][cell.column] += F::ONE;
            !is_flag(cell)
                && (cell.offset == 0 || table != Table::Cpu || of_row.contains(cell))
                && value(&other).is_nonzero()
        })
    }
}
