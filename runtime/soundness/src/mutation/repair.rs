//! What a prover does about the objections to a change: other advice.
//!
//! Each constraint that objects is solved for one cell of advice that was not changed yet, on which it depends
//! linearly, or a flag is turned round; and so on, until nothing objects. At most one constraint is left as it is: if
//! nothing else objects then, it is what alone stands in the way, and without it the rows would be accepted.

use std::collections::BTreeSet;

use evm_arithmetization::arithmetic::columns as arithmetic;
use evm_arithmetization::cpu::columns::COL_MAP as CPU;
use evm_arithmetization::memory::columns::MEMORY_COL_MAP as MEMORY;
use plonky2::field::types::Field;

use super::cells::{Cell, GENERAL};
use super::judge::{Judge, Judgement, Objection};
use crate::constraints::evaluate;
use crate::{Change, F, Table};

/// States that are looked at for one mutant.
const STATES: usize = 48;
/// Cells that are changed besides the mutant's own.
const DEPTH: usize = 6;

/// The search of one mutant.
pub(crate) struct Repair<'a> {
    judge: &'a Judge<'a>,
    table: Table,
    row: usize,
    advice: Vec<Cell>,
    states: usize,
    /// Constraints of which each was the last to object to a row that means something else.
    pub(crate) indispensable: BTreeSet<usize>,
    /// A row that means something else, to which nothing objects.
    pub(crate) accepted: Option<Vec<Change>>,
}

impl<'a> Repair<'a> {
    pub(crate) fn new(judge: &'a Judge<'a>, table: Table, row: usize) -> Self {
        let position = judge.position(table, row);
        let mut advice = advice(table);
        advice.retain(|cell| cell.offset == 0 || !position.last);
        Self {
            judge,
            table,
            row,
            advice,
            states: 0,
            indispensable: BTreeSet::new(),
            accepted: None,
        }
    }

    /// Looks at a change and what becomes of it. Returns what is to be said of the change itself.
    pub(crate) fn search(&mut self, changes: &[Change]) -> Judgement {
        let judgement = self.judge.judge(self.table, self.row, changes);
        self.continue_from(changes.to_vec(), &judgement, None, DEPTH);
        judgement
    }

    fn continue_from(
        &mut self,
        changes: Vec<Change>,
        judgement: &Judgement,
        left: Option<usize>,
        depth: usize,
    ) {
        self.states += 1;
        let objecting = judgement.objections.iter();
        let others: Vec<Objection> = objecting
            .copied()
            .filter(|objection| left.map(Objection::Constraint) != Some(*objection))
            .collect();
        if judgement.changed {
            match (&others[..], left) {
                ([], None) => self.accepted = Some(changes.clone()),
                ([], Some(left)) => {
                    self.indispensable.insert(left);
                }
                ([Objection::Constraint(only)], None) => {
                    self.indispensable.insert(*only);
                }
                _ => {}
            }
        }
        if others.is_empty() || others.len() > DEPTH || depth == 0 {
            return;
        }
        let mut solutions = self.solutions(&changes, &others);
        solutions.sort_by_key(|(_, changes)| changes.len());
        let Some((constraint, solutions)) = solutions.into_iter().next() else {
            return;
        };
        for solution in solutions {
            if self.states >= STATES || self.accepted.is_some() {
                return;
            }
            let changes = [&changes[..], &[solution]].concat();
            let judgement = self.judge.judge(self.table, self.row, &changes);
            self.continue_from(changes, &judgement, left, depth - 1);
        }
        if left.is_none() && self.states < STATES {
            self.continue_from(changes, judgement, Some(constraint), depth);
        }
    }

    /// For each constraint that objects, the changes of one cell that settle it.
    fn solutions(&self, changes: &[Change], objections: &[Objection]) -> Vec<(usize, Vec<Change>)> {
        let mut solutions: Vec<(usize, Vec<Change>)> = (objections.iter())
            .filter_map(|objection| match objection {
                Objection::Constraint(index) => Some((*index, vec![])),
                _ => None,
            })
            .collect();
        let rows = self.judge.trace().table(self.table).rows();
        let pair = self.judge.pair(self.table, self.row, changes);
        let here = self.values(&pair);
        for &cell in &self.advice {
            let change = |value| Change {
                table: self.table,
                row: (self.row + cell.offset) % rows,
                column: cell.column,
                value,
            };
            let known = change(F::ZERO);
            if (changes.iter()).any(|other| (other.row, other.column) == (known.row, known.column))
            {
                continue;
            }
            let value = pair[cell.offset][cell.column];
            let moved = [F::ONE, F::TWO].map(|step| {
                let mut pair = pair.clone();
                pair[cell.offset][cell.column] += step;
                self.values(&pair)
            });
            for (index, found) in &mut solutions {
                let at = here[*index];
                let slope = moved[0][*index] - at;
                if at.is_nonzero() && slope.is_nonzero() {
                    if moved[1][*index] - moved[0][*index] == slope {
                        found.push(change(value - at / slope));
                    } else if value.is_zero() || value.is_one() {
                        found.push(change(F::ONE - value));
                    }
                }
            }
        }
        solutions
    }

    fn values(&self, [row, next]: &[Vec<F>; 2]) -> Vec<F> {
        let position = self.judge.position(self.table, self.row);
        let starks = &self.judge.checker.starks;
        evaluate(starks, self.table, [row, next], position, Vec::new())
    }
}

/// Cells that only help to show something.
fn advice(table: Table) -> Vec<Cell> {
    let own = |column| Cell { offset: 0, column };
    match table {
        Table::Cpu => {
            let channel = |first: usize| first..first + 5;
            let own_channels = [
                CPU.mem_channels[1].used,
                CPU.mem_channels[2].used,
                CPU.partial_channel.used,
            ];
            let columns = GENERAL.chain(own_channels.into_iter().flat_map(channel));
            // NOT and ISZERO show with these that the stack is not empty.
            let columns = columns.chain(CPU.mem_channels[2].value.into_iter().take(2));
            let top = channel(CPU.mem_channels[0].used).map(|column| Cell { offset: 1, column });
            columns.map(own).chain(top).collect()
        }
        Table::Memory => {
            let columns = [
                MEMORY.timestamp_inv,
                MEMORY.context_first_change,
                MEMORY.segment_first_change,
                MEMORY.virtual_first_change,
                MEMORY.initialize_aux,
                MEMORY.is_initial_value,
                MEMORY.preinitialized_segments,
                MEMORY.preinitialized_segments_aux,
                MEMORY.preinitialized_segments_inv,
                MEMORY.is_touched,
                MEMORY.is_stale,
                MEMORY.is_dropped_zero,
                MEMORY.mem_after_filter,
                MEMORY.range_check,
            ];
            columns.map(own).into()
        }
        Table::Arithmetic => {
            let second = |column| Cell { offset: 1, column };
            let own_aux = arithmetic::AUX_INPUT_REGISTER_0.chain(arithmetic::AUX_INPUT_REGISTER_1);
            own_aux
                .map(own)
                .chain(arithmetic::SHARED_COLS.map(second))
                .collect()
        }
        _ => vec![],
    }
}
