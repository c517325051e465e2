//! Which cells a constraint is about. Constraints have no names; this is as good as one.

use std::collections::BTreeSet;

use plonky2::field::types::Field;

use super::cells::Cell;
use super::discrete::mix;
use crate::constraints::{Position, evaluate};
use crate::{Checker, F, Table, columns};

/// The cells on which each constraint of a table depends, in order of emission.
pub(crate) fn supports(checker: &Checker, table: Table) -> Vec<BTreeSet<Cell>> {
    let width = columns::count(table);
    let random = |offset: u64| -> Vec<F> {
        let cells = 0..width as u64;
        cells
            .map(|cell| F::from_noncanonical_u64(mix(2 * cell + offset)))
            .collect()
    };
    let honest = [random(0), random(1)];
    let mut supports = Vec::new();
    for last in [false, true] {
        let position = Position { first: !last, last };
        let values = |pair: &[Vec<F>; 2]| {
            let pair = [&pair[0][..], &pair[1][..]];
            evaluate(&checker.starks, table, pair, position, Vec::new())
        };
        let before = values(&honest);
        supports.resize(before.len(), BTreeSet::new());
        for cell in (0..2 * width).map(|i| Cell {
            offset: i / width,
            column: i % width,
        }) {
            let mut pair = honest.clone();
            pair[cell.offset][cell.column] += F::ONE;
            let after = values(&pair);
            for ((support, before), after) in supports.iter_mut().zip(&before).zip(after) {
                if *before != after {
                    support.insert(cell);
                }
            }
        }
    }
    supports
}
