//! What a row may change of its meaning to first order.
//!
//! Constraints have degree 3 at most, so that four values give the derivative along a cell exactly. What a row means
//! is determined, to first order, if it is a combination of the constraints' derivatives and of those of what other
//! tables fix. Bytes count as fixed by their range check. The identities of Arithmetic hold between integers, of whose
//! limbs the range is checked: `ranges` says which of them are fixed. Which quotient a division has is nothing that
//! derivatives know of; the row is given it.

use std::collections::{BTreeMap, BTreeSet};

use plonky2::field::types::Field;
use rayon::prelude::*;

use super::cells::Cell;
use super::class::Site;
use super::discrete::Sample;
use super::judge::Judge;
use super::linear::{Row, Span};
use super::ranges::Ranges;
use super::report::{Key, Report};
use super::truth::lookup;
use super::unknown::{are_limbs, meanings, unknown};
use crate::constraints::evaluate;
use crate::{Checker, F, Table, Trace};

/// Values of a row and the next, of which each constraint and each fixed value stays, and each meaning should.
#[derive(Default)]
struct Measures {
    constraints: Vec<F>,
    fixed: Vec<F>,
    meanings: Vec<F>,
}

/// What an element of a tuple is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The other table fixes it.
    Fixed,
    /// What the row does.
    Meaning(&'static str),
    /// Given, or of no interest.
    Other,
}

/// What kind of survivor this layer finds.
pub(crate) const FIRST_ORDER: &str = "first order";

/// The derivatives of a row.
struct System {
    /// Of the constraints that depend on anything, by index, and of what else is fixed.
    constraints: Vec<(usize, Row)>,
    fixed: Vec<Row>,
    meanings: BTreeMap<String, Vec<Row>>,
    cells: usize,
    /// Of Arithmetic.
    ranges: Option<Ranges>,
}

/// Looks at the first site of each class, and at all of them unless it is a sample; and which constraints would be
/// missed.
#[must_use]
pub fn first_order(checker: &Checker, sites: &[(&Trace, Vec<Site>)], sample: Sample<'_>) -> Report {
    let mut seen = BTreeSet::new();
    let mut report = Report::default();
    for (trace, sites) in sites {
        let judge = Judge::new(checker, trace);
        let sites: Vec<(&Site, bool)> = (sites.iter())
            .map(|site| (site, seen.insert((site.table as usize, &site.class))))
            .filter(|(site, first)| *first || sample.always_to_first_order(site))
            .collect();
        let reports = sites.into_par_iter();
        let reports = reports.map(|(site, first)| of_site(&judge, site, first));
        report = report.plus(reports.reduce(Report::default, Report::plus));
    }
    report
}

/// What the constraints leave free of the meaning of a row.
pub(crate) fn free_meanings(judge: &Judge<'_>, site: &Site) -> Vec<Key> {
    let free = System::of(judge, site).free(None).into_iter();
    free.map(|meaning| Key::new(site, &meaning, FIRST_ORDER))
        .collect()
}

fn of_site(judge: &Judge<'_>, site: &Site, leave_out: bool) -> Report {
    let system = System::of(judge, site);
    let free = system.free(None);
    let mut report = Report {
        made: system.meanings.len(),
        caught: system.meanings.len() - free.len(),
        ..Report::default()
    };
    if leave_out {
        let constraints = system.constraints.iter().map(|(index, _)| *index);
        let missed = constraints.filter(|index| system.free(Some(*index)) != free);
        report.indispensable[site.table as usize] = missed.collect();
    }
    for meaning in free {
        let key = Key::new(site, &meaning, FIRST_ORDER);
        let example = format!("row {}", site.row);
        report.survivors.insert(key, (1, example));
    }
    report
}

impl System {
    fn of(judge: &Judge<'_>, site: &Site) -> Self {
        let (measure, names) = measure(judge, site);
        let position = judge.position(site.table, site.row);
        let cells = unknown(judge, site, position.first, position.last);
        let honest = judge.pair(site.table, site.row, &[]);
        let derivatives: Vec<Measures> = (cells.iter())
            .map(|cell| {
                let mut pair = honest.clone();
                let mut values = vec![measure(&pair)];
                for _ in 1..4 {
                    pair[cell.offset][cell.column] += F::ONE;
                    values.push(measure(&pair));
                }
                derivative(&values)
            })
            .collect();
        let gather = |of: fn(&Measures) -> &Vec<F>| -> Vec<Row> {
            let mut rows = vec![vec![]; of(&measure(&honest)).len()];
            for (cell, derivative) in derivatives.iter().enumerate() {
                for (row, &value) in rows.iter_mut().zip(of(derivative)) {
                    if value.is_nonzero() {
                        row.push((cell, value));
                    }
                }
            }
            rows
        };
        let mut meanings: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for (name, gradient) in names.into_iter().zip(gather(|m| &m.meanings)) {
            meanings.entry(name).or_default().push(gradient);
        }
        let constraints = gather(|m| &m.constraints).into_iter().enumerate();
        let known = |index: &usize| !judge.checker.ignores(site.table, *index);
        let constraints: Vec<_> = constraints
            .filter(|(index, row)| !row.is_empty() && known(index))
            .collect();
        let changes = |steps: &[(usize, F)]| -> Vec<F> {
            let mut moved = honest.clone();
            for &(cell, step) in steps {
                let Cell { offset, column } = cells[cell];
                moved[offset][column] += step;
            }
            let [before, after] = [&honest, &moved].map(|pair| measure(pair).constraints);
            let indexes = constraints.iter().map(|(index, _)| *index);
            indexes.map(|index| after[index] - before[index]).collect()
        };
        let ranges = (site.table == Table::Arithmetic).then(|| {
            let rows: Vec<&Row> = constraints.iter().map(|(_, row)| row).collect();
            Ranges::of(are_limbs(judge.checker, &cells), &rows, changes)
        });
        Self {
            constraints,
            fixed: gather(|m| &m.fixed),
            meanings,
            cells: cells.len(),
            ranges,
        }
    }

    /// The meanings that are not determined, without one constraint if one is named.
    fn free(&self, without: Option<usize>) -> BTreeSet<String> {
        let constraints = self.constraints.iter().enumerate();
        let constraints: Vec<(usize, &Row)> = constraints
            .filter(|(_, (index, _))| without != Some(*index))
            .map(|(place, (_, row))| (place, row))
            .collect();
        let ranges = self.ranges.iter();
        let in_range = ranges.flat_map(|ranges| ranges.fixed(&constraints));
        let in_range: Vec<Row> = in_range.map(|cell| vec![(cell, F::ONE)]).collect();
        let rows = constraints.iter().map(|(_, row)| *row);
        let rows = rows.chain(&self.fixed).chain(&in_range);
        let span = Span::of(rows.map(Vec::as_slice), self.cells);
        let free = self.meanings.iter().filter(|(_, gradients)| {
            let mut gradients = gradients.iter();
            gradients.any(|gradient| !span.contains(gradient))
        });
        free.map(|(name, _)| name.clone()).collect()
    }
}

/// The derivatives of polynomials of degree 3 from their values at 0, 1, 2 and 3.
fn derivative(values: &[Measures]) -> Measures {
    let weights = [-11, 18, -9, 2].map(F::from_noncanonical_i64);
    let sixth = F::from_canonical_u64(6).inverse();
    let combine = |of: fn(&Measures) -> &Vec<F>| {
        let sum = |i: usize| -> F {
            let terms = values.iter().zip(weights);
            terms.map(|(values, weight)| of(values)[i] * weight).sum()
        };
        (0..of(&values[0]).len()).map(|i| sum(i) * sixth).collect()
    };
    Measures {
        constraints: combine(|m| &m.constraints),
        fixed: combine(|m| &m.fixed),
        meanings: combine(|m| &m.meanings),
    }
}

/// What is measured of a row, and what the meanings are called.
fn measure<'a>(
    judge: &'a Judge<'_>,
    site: &'a Site,
) -> (impl Fn(&[Vec<F>; 2]) -> Measures + use<'a>, Vec<String>) {
    let table = site.table;
    let position = judge.position(table, site.row);
    let honest = judge.pair(table, site.row, &[]);
    let cells = unknown(judge, site, position.first, position.last);
    let cells = meanings(judge, site, &cells, &honest[1]);
    let mut names: Vec<String> = cells.iter().map(|cell| cell.name(table)).collect();
    let mut ports = Vec::new();
    for (index, port) in judge.checker.ports[table as usize].iter().enumerate() {
        let of_next = table == Table::Cpu && index == judge.top_port;
        if of_next && position.last {
            continue;
        }
        let [row, next] = [&honest[usize::from(of_next)], &honest[1]];
        let mut parts = vec![];
        if port.weight(row, next).is_nonzero() {
            let tuple = port.tuple(row, next);
            let own = port.sign.is_one();
            parts = (0..tuple.len())
                .map(|i| part(table, own, port.lookup, &tuple, i))
                .collect();
        }
        names.extend(parts.iter().filter_map(|part| match part {
            Part::Meaning(name) => Some((*name).to_owned()),
            _ => None,
        }));
        ports.push((port, of_next, parts));
    }
    // The state after the row is one that a row can be given.
    let given = (table == Table::Cpu && !position.last).then(|| {
        let after = judge.pair(table, site.row + 1, &[]);
        (judge.position(table, site.row + 1), after)
    });
    let lookups = match table {
        Table::BytePacking | Table::KeccakSponge => &judge.checker.lookups[table as usize][..],
        _ => &[],
    };
    // Whether a row counts is for the row to say.
    let is_memory = matches!(table, Table::MemBefore | Table::MemAfter);
    let measure = move |pair: &[Vec<F>; 2]| {
        let [row, next] = pair;
        let starks = &judge.checker.starks;
        let mut measures = Measures {
            constraints: evaluate(starks, table, [row, next], position, Vec::new()),
            ..Measures::default()
        };
        if let Some((position, [_, after])) = &given {
            let values = evaluate(starks, table, [next, after], *position, Vec::new());
            let of_state = judge.of_state.iter();
            measures.fixed.extend(of_state.map(|index| values[*index]));
        }
        let own = cells.iter().map(|cell| pair[cell.offset][cell.column]);
        measures.meanings.extend(own);
        for (port, of_next, parts) in &ports {
            let row = &pair[usize::from(*of_next)];
            if !is_memory {
                measures.fixed.push(port.weight(row, next));
            }
            if parts.is_empty() {
                continue;
            }
            for (value, part) in port.tuple(row, next).into_iter().zip(parts) {
                match part {
                    Part::Fixed => measures.fixed.push(value),
                    Part::Meaning(_) => measures.meanings.push(value),
                    Part::Other => {}
                }
            }
        }
        for lookup in lookups {
            for column in &lookup.columns {
                measures
                    .fixed
                    .push(column.eval_with_next::<F, F, 1>(row, next));
            }
        }
        measures
    };
    (measure, names)
}

/// What an element of a tuple is to a row, which looks the tuple up, or else provides it.
fn part(table: Table, looks_up: bool, lookup: usize, tuple: &[F], index: usize) -> Part {
    let reads = tuple[0].is_one();
    let value = |fixed: bool, name| {
        if fixed {
            Part::Fixed
        } else {
            Part::Meaning(name)
        }
    };
    match (table, lookup, index) {
        (Table::Cpu, lookup::ARITHMETIC, _) => {
            let class = tuple[1];
            let third = [2, 4].map(F::from_canonical_u64).contains(&class);
            match index {
                0 | 1 => Part::Fixed,
                _ if class == F::from_canonical_u64(5) => Part::Other,
                2..18 => Part::Meaning("arithmetic input"),
                18..26 if third => Part::Meaning("arithmetic input"),
                18..26 => Part::Other,
                _ => Part::Fixed,
            }
        }
        (_, lookup::LOGIC, 17..) => value(looks_up, "logic result"),
        (Table::Cpu | Table::KeccakSponge, lookup::LOGIC, 1..) => Part::Meaning("logic input"),
        (Table::Cpu, lookup::LOGIC, 0) => Part::Fixed,
        (Table::Cpu, lookup::MEMORY, 0) => Part::Meaning("memory direction"),
        (Table::Cpu, lookup::MEMORY, 1..4) => Part::Meaning("memory address"),
        (Table::Cpu | Table::BytePacking | Table::KeccakSponge, lookup::MEMORY, 4..12) => {
            value(reads, "memory value")
        }
        (_, lookup::BYTE_PACKING, 5) => Part::Other,
        (Table::Cpu, lookup::BYTE_PACKING, 0..=4) => Part::Meaning("packing address"),
        (_, lookup::BYTE_PACKING, 6..) => value(reads == looks_up, "packing value"),
        (Table::Cpu, lookup::KECCAK_SPONGE, 0..=3) => Part::Meaning("hash address"),
        (_, lookup::KECCAK_SPONGE, 5..) => value(looks_up, "hash"),
        (Table::Cpu, lookup::CONTEXT_PRUNING, _) => Part::Meaning("pruned context"),
        (Table::KeccakSponge, lookup::KECCAK_INPUTS, _) => Part::Meaning("permutation input"),
        (_, lookup::KECCAK_OUTPUTS, _) => value(looks_up, "permutation output"),
        (Table::MemAfter, lookup::MEMORY_AFTER, _) => Part::Fixed,
        _ => Part::Other,
    }
}
