//! The sponge around the permutation.

use std::sync::OnceLock;

use evm_arithmetization::keccak_sponge::columns::{
    KECCAK_RATE_BYTES, KECCAK_SPONGE_COL_MAP as COLS,
};
use plonky2::field::types::Field;
use tern_soundness::{
    Base, Change, Checker, F, Omission, Table, TableTrace, Trace, Violation, mends,
};

use super::{broken, changed, checker, honest, last_row_refused, mend, refused_by, segments};

const TABLE: Table = Table::KeccakSponge;
/// The lookup through which the CPU gets a digest.
const DIGESTS: usize = 2;

fn is_final(row: &[F]) -> bool {
    row[COLS.is_padding_byte[KECCAK_RATE_BYTES - 1]].is_one()
}

/// The honest rows of all segments.
fn rows() -> &'static [Vec<F>] {
    static ROWS: OnceLock<Vec<Vec<F>>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let rows = |trace: Trace| trace.table(TABLE).iter().map(<[F]>::to_vec).collect();
        let segments = segments().map(Result::unwrap);
        segments
            .flat_map(|trace| -> Vec<_> { rows(trace) })
            .collect()
    })
}

/// The place of the first of them of which `is` holds.
fn place_of(is: impl Fn(&[F]) -> bool) -> usize {
    rows().iter().position(|row| is(row)).unwrap()
}

fn is_full(row: &[F]) -> bool {
    row[COLS.is_full_input_block].is_one() && row[COLS.already_absorbed_bytes].is_zero()
}

/// The first block of a message of more than one.
fn full_block() -> &'static [F] {
    &rows()[place_of(is_full)]
}

/// What comes after it, as a row that absorbs nothing.
fn nothing_more() -> Vec<F> {
    let mut row = rows()[place_of(is_full) + 1].clone();
    row[COLS.is_full_input_block] = F::ZERO;
    COLS.is_padding_byte
        .iter()
        .for_each(|&column| row[column] = F::ZERO);
    row
}

/// A message of one block that ends with `padding` bytes or more.
fn short_message(padding: usize) -> Vec<F> {
    let first = COLS.is_padding_byte[KECCAK_RATE_BYTES - padding];
    let place = place_of(|row| row[COLS.already_absorbed_bytes].is_zero() && row[first].is_one());
    rows()[place].clone()
}

/// Writes a block's row; what belongs to the row's place stays.
fn write(table: &mut TableTrace, place: usize, block: &[F]) {
    let counters = [COLS.range_counter, COLS.rc_frequencies];
    let kept = counters.map(|column| table.row(place)[column]);
    table.row_mut(place).copy_from_slice(block);
    for (column, value) in counters.into_iter().zip(kept) {
        table.row_mut(place)[column] = value;
    }
}

/// A table that is full of one message of one block, except for its last row.
fn full_table(last: &[F]) -> tern_soundness::Trace {
    let message = short_message(3);
    changed(TABLE, |table| {
        let rows = table.rows();
        (0..rows - 1).for_each(|place| write(table, place, &message));
        write(table, rows - 1, last);
    })
}

#[test]
fn a_full_table_is_fine() {
    assert_eq!(broken(&full_table(&short_message(3)), TABLE), []);
}

#[test]
fn digest_bytes_are_bytes() {
    let mut rows = honest().table(TABLE).iter();
    let row = rows.position(is_final).unwrap();
    // The permutation sees one limb, b0 + 256 b1 + ..; the CPU sees another.
    let byte = |i: usize, change: F| {
        let column = COLS.updated_digest_state_bytes[i];
        let value = honest().table(TABLE).row(row)[column] + change;
        Change {
            table: TABLE,
            row,
            column,
            value,
        }
    };
    let changes = [byte(0, F::from_canonical_u16(256)), byte(1, F::NEG_ONE)];
    let found = Base::new(checker(), honest()).recheck(&changes);
    let not_found = |v: &Violation| matches!(v, Violation::Lookup { table: TABLE, .. });
    assert!(found.iter().any(not_found), "{found:?}");
    // Before, the CPU would have to be shown the other digest, and that is all.
    let before = mends::named(checker(), "the bytes of a digest are bytes").parts;
    let before = Checker::without(&before);
    for other in Base::new(&before, honest()).recheck(&changes) {
        let to_the_cpu = matches!(
            other,
            Violation::CrossTable {
                lookup: DIGESTS,
                ..
            }
        );
        assert!(to_the_cpu, "{other:?}");
    }
}

#[test]
fn padding_in_the_last_row_is_padding() {
    let message = short_message(3);
    let refusal = |byte: usize| {
        let mut forged = message.clone();
        forged[COLS.block_bytes[byte]] += F::ONE;
        last_row_refused(&full_table(&forged), TABLE)
    };
    let mut first = COLS.is_padding_byte.iter();
    let first = first.position(|&column| message[column].is_one()).unwrap();
    let [between, last] = [2, 1].map(|back| KECCAK_RATE_BYTES - back);
    assert!(0 < first && first < between);
    let is_of = |index: usize, name: &str| {
        let part = Omission::Constraint {
            table: TABLE,
            index,
        };
        mends::named(checker(), name).parts.contains(&part)
    };
    assert!(is_of(refusal(first), "the first byte of padding"));
    assert!(is_of(refusal(between), "padding between"));
    assert_eq!(refusal(last), mend("the last byte of padding"));
}

#[test]
fn a_message_does_not_end_with_a_full_block() {
    let end = honest()
        .table(TABLE)
        .iter()
        .position(|row| row[COLS.is_full_input_block].is_zero() && !is_final(row));
    let trace = changed(TABLE, |table| {
        write(table, end.unwrap(), full_block());
        write(table, end.unwrap() + 1, &nothing_more());
    });
    let followed = mend("a full block is followed by another");
    refused_by(&trace, TABLE, [followed]);
    let refusal = last_row_refused(&full_table(full_block()), TABLE);
    assert_eq!(refusal, mend("a full block does not end the table"));
}
