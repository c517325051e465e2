//! What a segment hands on in memory.

use evm_arithmetization::memory::columns::{MEMORY_COL_MAP as COLS, NUM_COLUMNS};
use plonky2::field::types::Field;
use tern_soundness::{Base, Change, F, Table, TableTrace, Trace, Violation};

use super::{broken, changed, checker, honest, mend, refused_by};

const TABLE: Table = Table::Memory;
const TRIE_DATA: u64 = 12;
/// Code, tries, and the lists of accounts and slots.
const PREINITIALIZED: [u64; 4] = [0, TRIE_DATA, 34, 35];
const STACK: u64 = 1;
/// Mends that more than one lie runs into.
const ONE_END: &str = "a touched address has one end";
const INITIAL_ZERO: &str = "what is left out is an initial zero";
/// The flags of a row with another address than the next.
const CHANGES: [usize; 3] = [
    COLS.context_first_change,
    COLS.segment_first_change,
    COLS.virtual_first_change,
];

fn rows() -> impl Iterator<Item = (usize, &'static [F])> {
    honest().table(TABLE).iter().enumerate()
}

/// The place of the first honest row of which `is` holds.
fn find(is: impl Fn(&[F]) -> bool) -> usize {
    rows().find(|(_, row)| is(row)).unwrap().0
}

fn is_zero(row: &[F]) -> bool {
    COLS.value_limbs.iter().all(|&limb| row[limb].is_zero())
}

fn in_segment(row: &[F], segment: u64) -> bool {
    row[COLS.addr_segment] == F::from_canonical_u64(segment)
}

fn is_last_of_address(row: &[F]) -> bool {
    CHANGES.iter().any(|&flag| row[flag].is_one())
}

fn is_handed_on(row: &[F]) -> bool {
    row[COLS.mem_after_filter].is_one()
}

/// The honest table with other cells in one row.
fn with(row: usize, cells: &[(usize, F)]) -> Trace {
    changed(TABLE, |table| {
        for &(column, value) in cells {
            table.row_mut(row)[column] = value;
        }
    })
}

/// Checks that these mends, and no other constraints of Memory, refuse the honest table with other cells in one row.
fn refused(row: usize, cells: &[(usize, F)], names: &[&str]) {
    refused_by(
        &with(row, cells),
        TABLE,
        names.iter().map(|name| mend(name)),
    );
}

/// Moves the rows from `place` on down by one, over the padding before the last row, and puts `new` there. What belongs
/// to places and not to operations stays.
fn insert(table: &mut TableTrace, place: usize, new: &[F]) {
    let of_places = [
        COLS.counter,
        COLS.frequencies,
        COLS.stale_contexts,
        COLS.is_pruned,
        COLS.stale_context_frequencies,
    ];
    let mut next = new.to_vec();
    for row in place..table.rows() - 1 {
        let cells = table.row_mut(row);
        for column in (0..NUM_COLUMNS).filter(|column| !of_places.contains(column)) {
            std::mem::swap(&mut cells[column], &mut next[column]);
        }
    }
}

/// Puts a read that stands for no operation behind the last operation on a cell.
fn hide(row: usize, flags: &[(usize, F)]) -> Trace {
    changed(TABLE, |table| {
        let mut dummy = table.row(row).to_vec();
        dummy[COLS.filter] = F::ZERO;
        dummy[COLS.is_read] = F::ONE;
        dummy[COLS.timestamp] += F::ONE;
        dummy[COLS.timestamp_inv] = dummy[COLS.timestamp].inverse();
        for &(column, value) in flags {
            dummy[column] = value;
        }
        let hidden = table.row_mut(row);
        CHANGES.iter().for_each(|&flag| hidden[flag] = F::ZERO);
        hidden[COLS.initialize_aux] = F::ZERO;
        hidden[COLS.mem_after_filter] = F::ZERO;
        hidden[COLS.range_check] = F::ONE;
        insert(table, row + 1, &dummy);
    })
}

#[test]
fn no_value_but_an_initial_zero_is_left_out() {
    let handed_on = |segment| move |row: &[F]| is_handed_on(row) && in_segment(row, segment);
    let initial_value_is_free = |row: &[F]| row[COLS.preinitialized_segments].is_zero();
    let next = |row: usize| honest().table(TABLE).next_row(row);
    let last_before_tries = rows().find(|&(place, row)| {
        row[COLS.is_touched].is_one()
            && !in_segment(row, TRIE_DATA)
            && in_segment(next(place), TRIE_DATA)
    });
    let left_out = [
        find(handed_on(TRIE_DATA)),
        find(handed_on(STACK)),
        find(|row| is_handed_on(row) && is_zero(row) && initial_value_is_free(row)),
        last_before_tries.unwrap().0,
    ];
    for row in left_out {
        let out = (COLS.mem_after_filter, F::ZERO);
        let zero = (COLS.is_dropped_zero, F::ZERO);
        let claimed = (COLS.is_dropped_zero, F::ONE);
        refused(row, &[out, zero], &[ONE_END]);
        let cells = honest().table(TABLE).row(row);
        if is_handed_on(cells) {
            let shown = cells[COLS.preinitialized_segments].try_inverse();
            let shown = (COLS.preinitialized_segments_inv, shown.unwrap_or_default());
            let limbs = COLS.value_limbs.into_iter().enumerate();
            let limbs = limbs.filter(|&(_, column)| cells[column].is_nonzero());
            let mut mends: Vec<String> = limbs
                .map(|(limb, _)| format!("what is left out is zero, limb {limb}"))
                .collect();
            if initial_value_is_free(cells) {
                mends.push(INITIAL_ZERO.to_owned());
            }
            let mends: Vec<&str> = mends.iter().map(String::as_str).collect();
            assert_ne!(mends, [""; 0], "row {row}");
            refused(row, &[out, claimed, shown], &mends);
        }
    }
}

#[test]
fn a_row_that_stands_for_no_operation_hides_no_cell() {
    for segment in [STACK, TRIE_DATA] {
        let row = find(|row| in_segment(row, segment) && is_handed_on(row));
        let handed_on = (COLS.mem_after_filter, F::ONE);
        assert_eq!(broken(&hide(row, &[handed_on]), TABLE), []);
        let nothing = (COLS.mem_after_filter, F::ZERO);
        let untouched = (COLS.is_touched, F::ZERO);
        refused_by(&hide(row, &[nothing]), TABLE, [mend(ONE_END)]);
        let stays = mend("an address stays touched");
        refused_by(&hide(row, &[nothing, untouched]), TABLE, [stays]);
    }
}

#[test]
fn an_address_is_handed_on_once() {
    let earlier_zero = find(|row| !is_last_of_address(row) && is_zero(row));
    let earlier_value = find(|row| !is_last_of_address(row) && !is_zero(row));
    let left_out = find(|row| row[COLS.is_dropped_zero].is_one());
    for row in [earlier_zero, earlier_value, left_out] {
        refused(row, &[(COLS.mem_after_filter, F::ONE)], &[ONE_END]);
    }
}

#[test]
fn the_last_row_hands_on_what_it_holds_and_nothing_else() {
    let last = honest().table(TABLE).rows() - 1;
    let operation = [(COLS.filter, F::ONE), (COLS.is_touched, F::ONE)];
    let written = [(COLS.is_read, F::ZERO), (COLS.value_limbs[0], F::ONE)];
    let handed_on = [(COLS.mem_after_filter, F::ONE)];
    let hidden = [&operation[..], &written].concat();
    refused(last, &hidden, &[ONE_END]);
    let known = [&operation[..], &written, &handed_on].concat();
    assert_eq!(broken(&with(last, &known), TABLE), []);
    refused(last, &handed_on, &[ONE_END]);
    let changes = CHANGES.map(|flag| (flag, F::ZERO));
    let last_of_address = "the last row is the last of its address";
    refused(last, &changes, &[last_of_address]);
}

#[test]
fn an_end_counts_once() {
    let bit = |name| format!("a flag is 0 or 1: {name}");
    let [handed_on, stale] = ["mem_after_filter", "is_stale"].map(bit);
    let left_out = bit("is_dropped_zero");
    // One end in place of none, or of one, if more is taken away elsewhere.
    let end = find(is_handed_on);
    let twice = [(COLS.is_stale, F::TWO), (COLS.mem_after_filter, F::NEG_ONE)];
    refused(end, &twice, &[&handed_on, &stale]);
    let earlier = find(|row| !is_last_of_address(row));
    let less = [(COLS.is_stale, F::ONE), (COLS.mem_after_filter, F::NEG_ONE)];
    refused(earlier, &less, &[&handed_on]);
    let more = [(COLS.is_stale, F::NEG_ONE), (COLS.mem_after_filter, F::ONE)];
    refused(earlier, &more, &[&stale]);
    let zero = find(|row| {
        !is_last_of_address(row) && is_zero(row) && row[COLS.preinitialized_segments].is_nonzero()
    });
    let shown = honest().table(TABLE).row(zero)[COLS.preinitialized_segments].inverse();
    let forgotten = [
        (COLS.is_dropped_zero, F::NEG_ONE),
        (COLS.mem_after_filter, F::ONE),
        (COLS.preinitialized_segments_inv, shown),
    ];
    refused(zero, &forgotten, &[&left_out]);
}

#[test]
fn a_context_is_stale_only_if_the_cpu_pruned_it() {
    let kernel = |times, is_pruned| [(COLS.stale_contexts, times), (COLS.is_pruned, is_pruned)];
    let only = "a context is stale only if it was pruned";
    refused(0, &kernel(F::ONE, F::ZERO), &[only]);
    let bit = "a flag is 0 or 1: is_pruned";
    refused(0, &kernel(F::ZERO, F::TWO), &[bit]);
    let changes = kernel(F::ONE, F::ONE).map(|(column, value)| Change {
        table: TABLE,
        row: 0,
        column,
        value,
    });
    let is_lookup = |v: &Violation| matches!(v, Violation::CrossTable { lookup: 9, .. });
    let found = Base::new(checker(), honest()).recheck(&changes);
    assert!(found.iter().any(is_lookup));
}

#[test]
fn no_address_lies_before_the_first() {
    let number = F::from_canonical_u64;
    for (name, column, change) in [
        ("context", COLS.addr_context, COLS.context_first_change),
        ("segment", COLS.addr_segment, COLS.segment_first_change),
        ("place", COLS.addr_virtual, COLS.virtual_first_change),
    ] {
        let trace = changed(TABLE, |table| {
            let mut below = table.row(0).to_vec();
            below[COLS.filter] = F::ZERO;
            below[COLS.is_read] = F::ONE;
            below[COLS.timestamp] = F::ONE;
            below[COLS.timestamp_inv] = F::ONE;
            below[column] = F::NEG_ONE;
            for column in [COLS.is_touched, COLS.mem_after_filter, COLS.range_check] {
                below[column] = F::ZERO;
            }
            CHANGES.iter().for_each(|&flag| below[flag] = F::ZERO);
            below[change] = F::ONE;
            let [code, tries, accounts, storage] =
                PREINITIALIZED.map(|segment| below[COLS.addr_segment] - number(segment));
            below[COLS.preinitialized_segments_aux] = accounts * storage;
            below[COLS.preinitialized_segments] = code * tries * accounts * storage;
            insert(table, 0, &below);
        });
        let mend = mend(&format!("no address lies before the first: {name}"));
        refused_by(&trace, TABLE, [mend]);
    }
}
