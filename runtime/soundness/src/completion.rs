//! The rows of Memory and MemAfter for what the other tables read and write.

use std::collections::HashSet;
use std::slice::from_ref;

use evm_arithmetization::all_stark::MEMORY_CTL_IDX;
use evm_arithmetization::memory::columns::{MEMORY_COL_MAP as COLS, NUM_COLUMNS};
use plonky2::field::types::{Field, PrimeField64};

use crate::{Base, F, Table, TableTrace, Trace, Violation};

/// A read or write as the tables look it up: whether it reads, the address, the value, the time.
type Operation = Vec<F>;

const ADDRESS: [usize; 3] = [COLS.addr_context, COLS.addr_segment, COLS.addr_virtual];
/// The flags of a row whose address differs from the next row's, first in the part of the same place in `ADDRESS`.
const CHANGES: [usize; 3] = [
    COLS.context_first_change,
    COLS.segment_first_change,
    COLS.virtual_first_change,
];
/// What belongs to the place of a row in the table.
const OF_PLACES: [usize; 5] = [
    COLS.counter,
    COLS.frequencies,
    COLS.stale_contexts,
    COLS.is_pruned,
    COLS.stale_context_frequencies,
];
/// Segments whose first value anyone may choose: code, tries, accounts, slots.
const PREINITIALIZED: [[u64; 2]; 2] = [[0, 12], [34, 35]];

impl Base<'_> {
    /// Changes Memory and MemAfter of a changed trace so that they fit what its other tables read and write. Reads
    /// have the values that the tables claim, whether these are there or not.
    ///
    /// # Panics
    /// If a table is too short.
    pub fn complete_memory(&self, trace: &mut Trace) {
        let (missing, surplus) = self.unmatched_operations(trace);
        let memory = trace.table_mut(Table::Memory);
        let mut rows = without_padding(memory);
        for row in &mut rows {
            if row[COLS.filter].is_one() && surplus.contains(&operation(row)) {
                row[COLS.filter] = F::ZERO;
                row[COLS.is_read] = F::ONE;
            }
        }
        rows.extend(missing.iter().map(row_of));
        rows.sort_by_key(|row| place(row));
        repeat_values(&mut rows);
        pad(&mut rows, memory.rows());
        for (index, row) in rows.iter().enumerate() {
            let cells = memory.row_mut(index);
            let kept = OF_PLACES.map(|column| cells[column]);
            cells.copy_from_slice(row);
            for (column, value) in OF_PLACES.into_iter().zip(kept) {
                cells[column] = value;
            }
        }
        derive(memory);
        hand_on(trace);
    }

    /// The operations that Memory lacks, and those that nobody looks up.
    fn unmatched_operations(&self, trace: &Trace) -> (Vec<Operation>, HashSet<Operation>) {
        let mut balance = self.switched_off(trace, |lookup| lookup == MEMORY_CTL_IDX);
        for table in Table::all() {
            let changed = self.changed(trace, table);
            for (_, [before, after]) in self.seen(table, &changed) {
                let ports = self.ports(table).iter();
                for port in ports.filter(|port| port.lookup == MEMORY_CTL_IDX) {
                    balance.add_row(from_ref(port), before, F::NEG_ONE);
                    balance.add_row(from_ref(port), after, F::ONE);
                }
            }
        }
        let (mut missing, mut surplus) = (Vec::new(), HashSet::new());
        for violation in balance.into_violations() {
            match violation {
                Violation::CrossTable { tuple, excess, .. } if excess == F::NEG_ONE => {
                    surplus.insert(tuple);
                }
                Violation::CrossTable { tuple, .. } => missing.push(tuple),
                _ => unreachable!("a balance is of lookups between tables"),
            }
        }
        (missing, surplus)
    }
}

/// The columns of an operation's elements.
fn elements() -> impl Iterator<Item = usize> {
    let columns = [COLS.is_read].into_iter().chain(ADDRESS);
    columns.chain(COLS.value_limbs).chain([COLS.timestamp])
}

fn operation(row: &[F]) -> Operation {
    elements().map(|column| row[column]).collect()
}

/// The row of an operation that Memory lacks, but for what depends on the rows around it.
fn row_of(operation: &Operation) -> Vec<F> {
    let mut row = vec![F::ZERO; NUM_COLUMNS];
    elements()
        .zip(operation)
        .for_each(|(column, &value)| row[column] = value);
    row[COLS.timestamp_inv] = row[COLS.timestamp].try_inverse().unwrap_or_default();
    row[COLS.filter] = F::ONE;
    row
}

fn address(row: &[F]) -> [u64; 3] {
    ADDRESS.map(|column| row[column].to_canonical_u64())
}

/// What rows are in order of.
fn place(row: &[F]) -> ([u64; 3], u64) {
    (address(row), row[COLS.timestamp].to_canonical_u64())
}

fn without_padding(memory: &TableTrace) -> Vec<Vec<F>> {
    let mut rows: Vec<Vec<F>> = memory.iter().map(<[F]>::to_vec).collect();
    while rows.last().is_some_and(|row| row[COLS.filter].is_zero()) {
        rows.pop();
    }
    rows
}

/// Rows that stand for no operation read what is there.
fn repeat_values(rows: &mut [Vec<F>]) {
    for index in 0..rows.len() {
        let (before, after) = rows.split_at_mut(index);
        let row = &mut after[0];
        if row[COLS.filter].is_zero() {
            let last = before.last().filter(|last| address(last) == address(row));
            for limb in COLS.value_limbs {
                row[limb] = last.map_or(F::ZERO, |last| last[limb]);
            }
        }
    }
}

/// Reads of the next address, up to the table's length.
fn pad(rows: &mut Vec<Vec<F>>, length: usize) {
    assert!(rows.len() < length, "no space for {} rows", rows.len());
    let mut padding = rows[rows.len() - 1].clone();
    padding[COLS.filter] = F::ZERO;
    padding[COLS.is_read] = F::ONE;
    padding[COLS.addr_virtual] += F::ONE;
    padding[COLS.timestamp] += F::ONE;
    padding[COLS.timestamp_inv] = padding[COLS.timestamp].inverse();
    COLS.value_limbs
        .into_iter()
        .for_each(|limb| padding[limb] = F::ZERO);
    rows.resize(length, padding);
}

/// Zero in the segments of a pair.
fn outside(segment: F, pair: [u64; 2]) -> F {
    let factors = pair.map(|other| segment - F::from_canonical_u64(other));
    factors[0] * factors[1]
}

/// Whether the row reads a value of the tries or lists, which it looks up if it is the first of its address.
fn reads_initial_value(row: &[F]) -> bool {
    let segment = row[COLS.addr_segment];
    let [code_and_tries, accounts_and_slots] = PREINITIALIZED;
    let is_preinitialized = outside(segment, code_and_tries) * outside(segment, accounts_and_slots);
    row[COLS.is_read].is_one()
        && COLS.value_limbs.iter().any(|&limb| row[limb].is_nonzero())
        && segment.is_nonzero()
        && is_preinitialized.is_zero()
}

/// Fills what follows from the operations.
fn derive(memory: &mut TableTrace) {
    let stale: HashSet<u64> = memory
        .iter()
        .filter(|row| row[COLS.is_pruned].is_one())
        .map(|row| row[COLS.stale_contexts].to_canonical_u64() - 1)
        .collect();
    let mut touched = false;
    let mut first_of_address = true;
    for index in 0..memory.rows() {
        let next = memory.next_row(index).to_vec();
        let last = index + 1 == memory.rows();
        let row = memory.row_mut(index);
        let changed = (0..3).find(|&part| row[ADDRESS[part]] != next[ADDRESS[part]]);
        for (part, flag) in CHANGES.into_iter().enumerate() {
            row[flag] = F::from_bool(changed == Some(part));
        }
        row[COLS.range_check] = match changed {
            _ if last => F::ZERO,
            Some(part) => next[ADDRESS[part]] - row[ADDRESS[part]] - F::ONE,
            None => next[COLS.timestamp] - row[COLS.timestamp],
        };
        let segment = row[COLS.addr_segment];
        let [code_and_tries, accounts_and_slots] = PREINITIALIZED;
        row[COLS.preinitialized_segments_aux] = outside(segment, accounts_and_slots);
        row[COLS.preinitialized_segments] =
            outside(segment, code_and_tries) * outside(segment, accounts_and_slots);
        row[COLS.is_initial_value] = F::from_bool(first_of_address && reads_initial_value(row));
        let next_is_looked_up = changed.is_some() && reads_initial_value(&next);
        row[COLS.initialize_aux] =
            F::from_bool(changed.is_some() && !next_is_looked_up) * next[COLS.is_read];
        first_of_address = changed.is_some();

        touched |= row[COLS.filter].is_one();
        row[COLS.is_touched] = F::from_bool(touched);
        let ends = touched && changed.is_some();
        touched &= changed.is_none();
        let is_stale = stale.contains(&row[COLS.addr_context].to_canonical_u64());
        let zero = COLS.value_limbs.iter().all(|&limb| row[limb].is_zero());
        let dropped = !is_stale && zero && row[COLS.preinitialized_segments].is_nonzero();
        row[COLS.is_stale] = F::from_bool(ends && is_stale);
        row[COLS.is_dropped_zero] = F::from_bool(ends && dropped);
        row[COLS.mem_after_filter] = F::from_bool(ends && !is_stale && !dropped);
        let shown = row[COLS.is_dropped_zero] * row[COLS.preinitialized_segments];
        row[COLS.preinitialized_segments_inv] = shown.try_inverse().unwrap_or_default();
    }
}

/// Writes MemAfter anew.
fn hand_on(trace: &mut Trace) {
    let rows = trace.table(Table::Memory).iter();
    let handed_on = rows.filter(|row| row[COLS.mem_after_filter].is_one());
    let columns = ADDRESS.into_iter().chain(COLS.value_limbs);
    let cells = handed_on.flat_map(|row| {
        let cells = columns.clone().map(|column| row[column]);
        [F::ONE].into_iter().chain(cells)
    });
    let mut cells: Vec<F> = cells.collect();
    let after = trace.table_mut(Table::MemAfter);
    let length = after.rows() * after.width();
    assert!(cells.len() <= length, "no space for what is handed on");
    cells.resize(length, F::ZERO);
    *after = TableTrace::new(after.width(), cells);
}
