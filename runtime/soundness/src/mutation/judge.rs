//! Whether a changed row says something else, and what objects.

use std::collections::{BTreeMap, BTreeSet};

use evm_arithmetization::cpu::columns::{COL_MAP as CPU, NUM_CPU_COLUMNS};
use plonky2::field::types::{Field, Field64, PrimeField64};

use super::cells::{Cell, STATE, is_state};
use super::support::supports;
use super::truth::{Memory, lookup};
use crate::constraints::Position;
use crate::cross::Port;
use crate::{Base, Change, Checker, F, Table, Trace, Violation};

/// What objects to a changed row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Objection {
    /// A constraint.
    Constraint(usize),
    /// A lookup within the table.
    Lookup(usize),
    /// A lookup between tables: no honest row of the other table is what this one needs.
    CrossTable(usize),
}

/// What is to be said of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// All objections.
    pub(crate) objections: BTreeSet<Objection>,
    /// Whether the rows mean something else than before.
    pub(crate) changed: bool,
}

/// Judges changes of the rows of an honest trace.
pub(crate) struct Judge<'a> {
    pub(crate) checker: &'a Checker,
    pub(crate) base: Base<'a>,
    memory: Memory,
    pub(crate) top_port: usize,
    /// The constraints of the CPU that are about the state alone.
    pub(crate) of_state: Vec<usize>,
}

/// What a row of the CPU does: what it asks of other tables, how often, and the state after it.
struct Step {
    asked: BTreeMap<(usize, Vec<u64>), F>,
    state: Vec<F>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(checker: &'a Checker, trace: &'a Trace) -> Self {
        Self {
            checker,
            base: Base::new(checker, trace),
            memory: Memory::of(trace),
            top_port: top_port(checker),
            of_state: constraints_of_state(checker),
        }
    }

    pub(crate) fn trace(&self) -> &'a Trace {
        self.base.trace()
    }

    /// A row and the next, with some cells changed.
    pub(crate) fn pair(&self, table: Table, row: usize, changes: &[Change]) -> [Vec<F>; 2] {
        let rows = self.trace().table(table);
        [row, (row + 1) % rows.rows()].map(|row| {
            let mut cells = rows.row(row).to_vec();
            for change in changes.iter().filter(|change| change.row == row) {
                cells[change.column] = change.value;
            }
            cells
        })
    }

    pub(crate) fn position(&self, table: Table, row: usize) -> Position {
        Position::of(row, self.trace().table(table).rows())
    }

    /// Judges changes of cells that one row determines.
    pub(crate) fn judge(&self, table: Table, row: usize, changes: &[Change]) -> Judgement {
        match table {
            Table::Cpu => self.step(row, changes),
            _ => self.statement(table, changes),
        }
    }

    /// The CPU goes from state to state, so a row answers for itself and for the state after it: from there on the
    /// run may be another.
    fn step(&self, row: usize, changes: &[Change]) -> Judgement {
        let position = self.position(Table::Cpu, row);
        let before = self.what_is_done(&self.pair(Table::Cpu, row, &[]), position);
        let after = self.what_is_done(&self.pair(Table::Cpu, row, changes), position);
        let mut judgement = Judgement {
            objections: self.broken(row, changes).collect(),
            changed: before.state != after.state,
        };
        if changes.iter().any(|change| change.row != row) {
            let next = self.broken(row + 1, changes);
            let of_state = |objection: &Objection| {
                let mut of_state = self.of_state.iter();
                of_state.any(|index| *objection == Objection::Constraint(*index))
            };
            judgement.objections.extend(next.filter(of_state));
        }
        for ((lookup, tuple), &weight) in &after.asked {
            let key = (*lookup, tuple.clone());
            if before.asked.get(&key) == Some(&weight) {
                continue;
            }
            let cells: Vec<F> = (tuple.iter().map(|&x| F::from_canonical_u64(x))).collect();
            if !self.memory.allows(*lookup, &cells) {
                judgement.objections.insert(Objection::CrossTable(*lookup));
            }
            judgement.changed |= weight != F::ONE || has_effect(*lookup, tuple);
        }
        let gone = before.asked.keys();
        judgement.changed |= gone
            .filter(|key| !after.asked.contains_key(key))
            .any(|(lookup, tuple)| *lookup == lookup::MEMORY || has_effect(*lookup, tuple));
        judgement
    }

    /// The constraints of the CPU that a row and the next break.
    fn broken(&self, row: usize, changes: &[Change]) -> impl Iterator<Item = Objection> + use<> {
        let [cells, next] = self.pair(Table::Cpu, row, changes);
        let mut violations = Vec::new();
        let position = self.position(Table::Cpu, row);
        let pair = [&cells[..], &next];
        (self.checker).violated(Table::Cpu, row, pair, position, Vec::new(), &mut violations);
        violations
            .into_iter()
            .map(|violation| objection(&violation))
    }

    fn what_is_done(&self, [row, next]: &[Vec<F>; 2], position: Position) -> Step {
        let mut asked: BTreeMap<(usize, Vec<u64>), F> = BTreeMap::new();
        let mut ask = |port: &Port, [row, next]: [&[F]; 2]| {
            let weight = port.weight(row, next) * port.sign;
            if weight.is_nonzero() {
                let tuple = port.tuple(row, next);
                let tuple = tuple.iter().map(F::to_canonical_u64).collect();
                *asked.entry((port.lookup, tuple)).or_default() += weight;
            }
        };
        for (index, port) in self.checker.ports[Table::Cpu as usize].iter().enumerate() {
            // The top of the stack is read or written when the state is taken over.
            if index == self.top_port {
                if position.first {
                    ask(port, [row, next]);
                }
                if !position.last {
                    ask(port, [next, next]);
                }
            } else {
                ask(port, [row, next]);
            }
        }
        let state = |row: &[F]| -> Vec<F> {
            let registers = STATE[0].clone().chain(STATE[1].clone());
            let is_empty = row[CPU.stack_len].is_zero();
            let top = (CPU.mem_channels[0].value.into_iter()).filter(|_| !is_empty);
            registers.chain(top).map(|column| row[column]).collect()
        };
        let mut states = Vec::new();
        if position.first {
            states.extend(state(row));
        }
        if !position.last {
            states.extend(state(next));
        }
        Step {
            asked,
            state: states,
        }
    }

    /// Rows of the other tables are statements, and so they mean something else if they say something false.
    fn statement(&self, table: Table, changes: &[Change]) -> Judgement {
        let mut judgement = Judgement::default();
        // Whether the row says something else to the tables that look it up, and asks something else of memory.
        let (mut says, mut asks) = (false, false);
        for violation in self.base.recheck(changes) {
            let Violation::CrossTable {
                lookup,
                ref tuple,
                excess,
            } = violation
            else {
                judgement.objections.insert(objection(&violation));
                continue;
            };
            let more = excess.to_canonical_u64() <= F::ORDER / 2;
            match (table, lookup) {
                (Table::Arithmetic | Table::Logic, _)
                | (Table::BytePacking, lookup::BYTE_PACKING)
                | (Table::KeccakSponge, lookup::KECCAK_SPONGE) => {
                    says = true;
                    judgement.changed |= !more && !self.memory.allows(lookup, tuple);
                }
                (Table::Keccak, _) => judgement.changed = true,
                (Table::Memory, lookup::MEMORY_AFTER) => judgement.changed = true,
                (Table::BytePacking | Table::KeccakSponge, lookup::MEMORY | lookup::LOGIC) => {
                    let write = tuple[0].is_zero();
                    asks |= lookup == lookup::MEMORY && (!more || write);
                    if more && !self.memory.allows(lookup, tuple) {
                        judgement.objections.insert(Objection::CrossTable(lookup));
                    }
                }
                _ => {
                    judgement.objections.insert(Objection::CrossTable(lookup));
                    judgement.changed = true;
                }
            }
        }
        judgement.changed |= asks && !says;
        judgement
    }
}

/// The place of the port that is on with channel 0 alone: that of the top of the stack.
fn top_port(checker: &Checker) -> usize {
    let nothing = vec![F::ZERO; NUM_CPU_COLUMNS];
    let mut used = nothing.clone();
    used[CPU.mem_channels[0].used] = F::ONE;
    let mut ports = checker.ports[Table::Cpu as usize].iter();
    let top = ports.position(|port| port.weight(&used, &nothing).is_nonzero());
    top.expect("channel 0 has a port")
}

fn constraints_of_state(checker: &Checker) -> Vec<usize> {
    let supports = supports(checker, Table::Cpu).into_iter().enumerate();
    let of_state = |cell: &Cell| cell.offset == 0 && is_state(cell.column);
    let about_state = supports.filter(|(index, support)| {
        support.iter().all(of_state) && !checker.ignores(Table::Cpu, *index)
    });
    about_state.map(|(index, _)| index).collect()
}

/// Whether what is asked changes something by itself.
fn has_effect(lookup: usize, tuple: &[u64]) -> bool {
    match lookup {
        lookup::MEMORY | lookup::BYTE_PACKING => tuple[0] == 0,
        lookup::CONTEXT_PRUNING => true,
        _ => false,
    }
}

fn objection(violation: &Violation) -> Objection {
    match violation {
        Violation::Constraint { index, .. } => Objection::Constraint(*index),
        Violation::Lookup { lookup, .. } => Objection::Lookup(*lookup),
        Violation::CrossTable { lookup, .. } => Objection::CrossTable(*lookup),
        Violation::Absent { .. } | Violation::Length { .. } => {
            unreachable!("changes of cells take no table away")
        }
    }
}
