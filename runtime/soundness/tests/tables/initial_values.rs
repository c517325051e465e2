//! Values that tries and lists begin with: the prover gives them, word by word, and a word has limbs of 32 bits.

use evm_arithmetization::cpu::columns::COL_MAP as CPU;
use evm_arithmetization::memory::columns::MEMORY_COL_MAP as COLS;
use evm_arithmetization::memory_continuation::columns::value_limb;
use plonky2::field::types::Field;
use tern_soundness::{Base, Checker, F, Table, Trace, Violation, mends};

use super::{changed, checker, honest, mend, refused_by};

const TABLE: Table = Table::Memory;
/// The lookup into the Arithmetic table, and how its tuples for range checks of one word begin.
const ARITHMETIC: usize = 0;
const NO_OPCODE: u64 = 0;
const RANGE_CHECK: u64 = 5;

type Word = [F; 8];

fn word(cells: &[F], columns: [usize; 8]) -> Word {
    columns.map(|column| cells[column])
}

/// Where rows of a table hold words that are only carried around.
fn words_of(table: Table) -> Vec<[usize; 8]> {
    match table {
        Table::Cpu => CPU.mem_channels.map(|channel| channel.value).into(),
        Table::Memory => vec![COLS.value_limbs],
        Table::MemAfter => vec![std::array::from_fn(value_limb)],
        _ => vec![],
    }
}

/// The honest trace with one word in place of another, wherever it is.
fn replaced(from: Word, to: Word) -> Trace {
    let mut trace = honest().clone();
    for table in Table::all() {
        for columns in words_of(table) {
            let rows = honest().table(table).iter().enumerate();
            for (row, _) in rows.filter(|(_, cells)| word(cells, columns) == from) {
                let cells = trace.table_mut(table).row_mut(row);
                columns
                    .iter()
                    .zip(to)
                    .for_each(|(&column, limb)| cells[column] = limb);
            }
        }
    }
    trace
}

/// The number of so many bits above, in one limb: not a word.
fn overflowing(mut word: Word) -> Word {
    word[0] += F::from_canonical_u64(1 << 32);
    word
}

/// Places of initial values of more than 64 bits, which stand nowhere else by chance.
fn long_values() -> impl Iterator<Item = (usize, Word)> {
    let rows = honest().table(TABLE).iter().enumerate();
    let initial = rows.filter(|(_, row)| row[COLS.is_initial_value].is_one());
    let words = initial.map(|(place, row)| (place, word(row, COLS.value_limbs)));
    words.filter(|(_, word)| word[2..].iter().any(Field::is_nonzero))
}

fn range_check(word: Word) -> Vec<F> {
    let mut tuple = [NO_OPCODE, RANGE_CHECK].map(F::from_canonical_u64).to_vec();
    tuple.extend(word);
    tuple.resize(2 + 4 * 8, F::ZERO);
    tuple
}

#[test]
fn limbs_of_initial_values_have_32_bits() {
    let base = Base::new(checker(), honest());
    let lookup = mends::named(checker(), "limbs of initial values have 32 bits").parts;
    let before = Checker::without(&lookup);
    let before = Base::new(&before, honest());
    // A word that the segment carries around and does nothing else with: nobody but the lookup looks at its limbs.
    let carried = long_values().find(|&(_, word)| {
        let forged = overflowing(word);
        let trace = replaced(word, forged);
        let found = base.compare(&trace);
        let [wanted, surplus] = [(forged, F::ONE), (word, F::NEG_ONE)].map(|(word, excess)| {
            let tuple = range_check(word);
            Violation::CrossTable {
                lookup: ARITHMETIC,
                tuple,
                excess,
            }
        });
        let refused = found.len() == 2 && found.contains(&wanted) && found.contains(&surplus);
        refused && before.compare(&trace).is_empty()
    });
    assert!(carried.is_some(), "believed without the lookup");
}

/// The honest table with other cells in some rows.
fn with(cells: &[(usize, usize, F)]) -> Trace {
    changed(TABLE, |table| {
        for &(row, column, value) in cells {
            table.row_mut(row)[column] = value;
        }
    })
}

/// Checks that these mends, and no other constraints of Memory, refuse the honest table with other cells.
fn refused(cells: &[(usize, usize, F)], names: impl IntoIterator<Item = String>) {
    let mends = names.into_iter().map(|name| mend(&name));
    refused_by(&with(cells), TABLE, mends);
}

#[test]
fn an_initial_value_that_is_not_looked_up_is_zero() {
    let (place, value) = long_values().next().unwrap();
    let hidden = (place, COLS.is_initial_value, F::ZERO);
    let first_read = "a first read finds zero, or what is looked up";
    refused(&[hidden], [first_read.to_owned()]);
    let confessed = (place - 1, COLS.initialize_aux, F::ONE);
    let limbs = (0..value.len()).filter(|&limb| value[limb].is_nonzero());
    let zeros: Vec<String> = limbs
        .map(|limb| format!("a first read that finds zero, limb {limb}"))
        .collect();
    refused(&[hidden, confessed], zeros.clone());
    // Looked up a part of a time, or given back.
    for times in [F::TWO.inverse(), F::NEG_ONE] {
        let flag = (place, COLS.is_initial_value, times);
        let rest = (place - 1, COLS.initialize_aux, F::ONE - times);
        let bit = "a flag is 0 or 1: is_initial_value".to_owned();
        refused(&[flag, rest], zeros.iter().cloned().chain([bit]));
    }
}

#[test]
fn only_tries_and_lists_have_initial_values() {
    let rows = honest().table(TABLE);
    let is_lone_zero = |&place: &usize| {
        let row = rows.row(place);
        rows.row(place - 1)[COLS.initialize_aux].is_one()
            && row[COLS.is_dropped_zero].is_one()
            && row[COLS.preinitialized_segments].is_nonzero()
    };
    let place = (1..rows.rows()).find(is_lone_zero).unwrap();
    let forged = [
        (place, COLS.value_limbs[0], F::ONE),
        (place, COLS.is_dropped_zero, F::ZERO),
        (place, COLS.mem_after_filter, F::ONE),
        (place, COLS.is_initial_value, F::ONE),
        (place - 1, COLS.initialize_aux, F::ZERO),
    ];
    let only = "only tries and lists have initial values";
    refused(&forged, [only.to_owned()]);
}
