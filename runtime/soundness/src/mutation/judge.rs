//! Whether a changed row says something else, and what objects.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use evm_arithmetization::cpu::columns::{COL_MAP as CPU, NUM_CPU_COLUMNS};
use evm_arithmetization::memory::columns::MEMORY_COL_MAP as MEMORY;
use plonky2::field::types::{Field, Field64, PrimeField64};

use super::cells::{Cell, STATE, is_state};
use super::support::supports;
use super::truth::{CLASSES, Memory, lookup};
use crate::constraints::Position;
use crate::cross::{Port, fingerprint};
use crate::{Base, Change, Checker, F, Omission, Table, Trace, Violation};

/// What objects to a changed row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Objection {
    /// A constraint.
    Constraint(usize),
    /// A lookup within the table.
    Lookup(usize),
    /// A lookup between tables: no honest row of the other table is what this one needs.
    CrossTable(usize),
    /// A table that must be there is not, or has no length that tables have.
    Shape,
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
    memory: Arc<Memory>,
    /// What goes into the honest permutations and what comes out, each with its lookup.
    permutations: Arc<HashSet<(usize, [u64; 2])>>,
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
            memory: Arc::new(Memory::of(trace)),
            permutations: Arc::new(permutations(checker, trace)),
            top_port: top_port(checker),
            of_state: constraints_of_state(checker),
        }
    }

    /// A judge of the same trace whose checker does not know some things.
    pub(crate) fn with<'b>(&self, checker: &'b Checker) -> Judge<'b>
    where
        'a: 'b,
    {
        Judge {
            checker,
            base: self.base.judged_by(checker),
            memory: Arc::clone(&self.memory),
            permutations: Arc::clone(&self.permutations),
            top_port: top_port(checker),
            of_state: constraints_of_state(checker),
        }
    }

    /// Whether an honest row of another table can say the tuple.
    fn allows(&self, lookup: usize, tuple: &[F]) -> bool {
        if lookup == lookup::ARITHMETIC && self.checker.omits(Omission::OperationClass) {
            return CLASSES.iter().any(|&class| {
                let mut tuple = tuple.to_vec();
                tuple[1] = F::from_canonical_u64(class);
                self.memory.allows(lookup, &tuple)
            });
        }
        self.memory.allows(lookup, tuple)
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
            if !self.allows(*lookup, &cells) {
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
        let mut judgement = self.judged(table, self.base.recheck(changes));
        judgement.changed |= self.makes_stale(table, changes);
        judgement
    }

    /// Judges another trace in which one table is changed, and memory completed.
    pub(crate) fn whole(&self, table: Table, trace: &Trace) -> Judgement {
        let mut judgement = self.judged(table, self.base.compare(trace));
        // What the CPU does is what it means; the order of rows that say the same is nothing.
        let [before, after] = [self.trace(), trace].map(|trace| trace.table(Table::Cpu));
        judgement.changed |= table == Table::Cpu && !before.iter().eq(after.iter());
        judgement
    }

    /// Judges another trace whose other tables stay as they are. It means the same if it holds.
    pub(crate) fn alone(&self, trace: &Trace) -> Judgement {
        let violations = self.base.compare(trace);
        Judgement {
            objections: violations.iter().map(objection).collect(),
            changed: false,
        }
    }

    /// What violations are, if one table is changed and the others are as the prover likes.
    pub(crate) fn judged(&self, table: Table, violations: Vec<Violation>) -> Judgement {
        let mut judgement = Judgement::default();
        // Whether the row says something else to the tables that look it up, and asks something else of others.
        let (mut says, mut asks) = (false, false);
        for violation in violations {
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
                    judgement.changed |= !more && !self.allows(lookup, tuple);
                }
                (Table::Keccak, _) => judgement.changed = true,
                (Table::Memory, lookup::MEMORY_AFTER) => {
                    judgement.changed |= !self.memory.may_hand_on(tuple, excess);
                }
                (Table::KeccakSponge, lookup::KECCAK_INPUTS | lookup::KECCAK_OUTPUTS) => {
                    asks = true;
                    if more && !self.permutations.contains(&(lookup, fingerprint(tuple))) {
                        judgement.objections.insert(Objection::CrossTable(lookup));
                        judgement.changed = true;
                    }
                }
                (Table::BytePacking | Table::KeccakSponge, lookup::MEMORY | lookup::LOGIC)
                | (
                    Table::Cpu,
                    lookup::ARITHMETIC
                    | lookup::BYTE_PACKING
                    | lookup::KECCAK_SPONGE
                    | lookup::LOGIC
                    | lookup::CONTEXT_PRUNING,
                ) => {
                    let write = tuple[0].is_zero();
                    asks |= lookup == lookup::MEMORY && (!more || write);
                    if more && !self.allows(lookup, tuple) {
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

    /// Whether a row of Memory calls a context stale that is not.
    fn makes_stale(&self, table: Table, changes: &[Change]) -> bool {
        let of_context = |change: &&Change| {
            table == Table::Memory
                && change.column == MEMORY.stale_contexts
                && change.value.is_nonzero()
        };
        let mut contexts = changes.iter().filter(of_context);
        contexts.any(|change| !self.memory.is_pruned(change.value - F::ONE))
    }

    /// Whether a row of the CPU does the same for another word: it is on top of the stack, or is read.
    pub(crate) fn ignores_word(&self, row: usize, changes: &[Change]) -> bool {
        if self.broken(row, changes).next().is_some() {
            return false;
        }
        let position = self.position(Table::Cpu, row);
        let [before, after] = [&[], changes].map(|changes| {
            let pair = self.pair(Table::Cpu, row, changes);
            self.what_is_done(&pair, position)
        });
        let is_read = |lookup: usize, tuple: &[u64]| lookup == lookup::MEMORY && tuple[0] == 1;
        let mut added = (after.asked.keys()).filter(|key| !before.asked.contains_key(*key));
        let mut gone = (before.asked.keys()).filter(|key| !after.asked.contains_key(*key));
        added.all(|(lookup, tuple)| is_read(*lookup, tuple))
            && gone.all(|(lookup, tuple)| is_read(*lookup, tuple))
    }
}

/// What the rows of Keccak provide.
fn permutations(checker: &Checker, trace: &Trace) -> HashSet<(usize, [u64; 2])> {
    let rows = trace.table(Table::Keccak);
    let in_use = trace.in_use[Table::Keccak as usize];
    let indexes = (0..rows.rows()).filter(|_| in_use);
    let provided = indexes.flat_map(|index| {
        let [row, next] = [rows.row(index), rows.next_row(index)];
        let ports = checker.ports[Table::Keccak as usize].iter();
        let on = ports.filter(move |port| port.weight(row, next).is_nonzero());
        on.map(move |port| (port.lookup, fingerprint(&port.tuple(row, next))))
    });
    provided.collect()
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
        Violation::Absent { .. } | Violation::Length { .. } => Objection::Shape,
    }
}
