//! Which cells of a row are asked for, to first order, and which of them mean something.

use evm_arithmetization::arithmetic::columns as arithmetic;
use evm_arithmetization::cpu::columns::COL_MAP as CPU;
use evm_arithmetization::keccak::columns::{TIMESTAMP, reg_a, reg_step};
use evm_arithmetization::keccak_sponge::columns::KECCAK_SPONGE_COL_MAP as SPONGE;
use evm_arithmetization::logic::columns::LOGIC_COL_MAP as LOGIC;
use evm_arithmetization::memory::columns::MEMORY_COL_MAP as MEMORY;
use evm_arithmetization::memory_continuation::columns as continuation;
use plonky2::field::types::Field;

use super::cells::{ARITHMETIC_FLAGS, Cell, STATE, determined, is_modular};
use super::class::Site;
use super::judge::Judge;
use crate::omission::shows;
use crate::{Checker, F, Table, columns};

/// The cells that a row determines, given what its statement is about.
pub(super) fn unknown(judge: &Judge<'_>, site: &Site, first: bool, last: bool) -> Vec<Cell> {
    let table = site.table;
    let own = |column| Cell { offset: 0, column };
    let next = |column| Cell { offset: 1, column };
    let all = 0..columns::count(table);
    match table {
        Table::Cpu => determined(table, first, last),
        Table::Keccak => {
            let lanes: Vec<usize> = (0..50).map(|i| reg_a(i / 10, i / 2 % 5) + i % 2).collect();
            let given = |column: &usize| {
                lanes.contains(column) || *column == TIMESTAMP || *column < reg_step(23) + 1
            };
            let round = site.class != "last round" && site.class != "none";
            let after = lanes.iter().copied().filter(|_| round && !last);
            let after: Vec<Cell> = after.map(next).collect();
            (all.filter(|column| !given(column)).map(own))
                .chain(after)
                .collect()
        }
        Table::KeccakSponge => {
            let from = SPONGE.block_bytes[0];
            let until = SPONGE.range_counter;
            let after = SPONGE.original_rate_u32s[0]..SPONGE.block_bytes[0];
            (from..until)
                .map(own)
                .chain(after.filter(|_| !last).map(next))
                .collect()
        }
        Table::Logic => LOGIC.result.map(own).into(),
        Table::BytePacking => {
            let bytes = (all).filter(|&c| columns::name(table, c).starts_with("value_bytes"));
            bytes.map(own).collect()
        }
        Table::Memory => {
            let values = MEMORY.value_limbs.into_iter().map(next);
            let [row, after] = judge.pair(table, site.row, &[]);
            // What tries and lists begin with is looked up, and what code begins with is the prover's to choose.
            let changes = MEMORY.context_first_change..MEMORY.virtual_first_change + 1;
            let begins = row[changes].iter().any(Field::is_nonzero);
            let is_chosen = after[MEMORY.is_initial_value].is_one()
                || begins && after[MEMORY.addr_segment].is_zero();
            let reads = after[MEMORY.is_read].is_one() && !is_chosen;
            let advice = MEMORY.context_first_change..MEMORY.range_check + 1;
            let given = [MEMORY.stale_contexts, MEMORY.stale_context_frequencies];
            (advice.filter(|column| !given.contains(column)).map(own))
                .chain([own(MEMORY.timestamp_inv)])
                .chain(values.filter(|_| reads && !last))
                .collect()
        }
        Table::Arithmetic => {
            let results = of_arithmetic(judge, site).into_iter().flatten();
            let counter = (!last).then_some(next(arithmetic::RANGE_COUNTER));
            results.chain(counter).collect()
        }
        // The segment before says what it hands on.
        Table::MemBefore => vec![own(continuation::FILTER)],
        Table::MemAfter if site.class == "none" => vec![own(continuation::FILTER)],
        Table::MemAfter => all.map(own).collect(),
    }
}

/// The cells that an arithmetic operation determines, and those that help to: the result, or the remainder of what is
/// divided by, given the quotient.
fn of_arithmetic(judge: &Judge<'_>, site: &Site) -> [Vec<Cell>; 2] {
    use arithmetic::{
        AUX_INPUT_REGISTER_0, AUX_INPUT_REGISTER_1, INPUT_REGISTER_0, OUTPUT_REGISTER,
    };
    let row = judge.trace().table(site.table).row(site.row);
    let own = |column| Cell { offset: 0, column };
    let next = |column| Cell { offset: 1, column };
    let flag = ARITHMETIC_FLAGS
        .into_iter()
        .find(|&flag| row[flag].is_one());
    match flag {
        None | Some(arithmetic::IS_RANGE_CHECK) => [vec![], vec![]],
        Some(flag) if is_modular(flag) => {
            let result = match flag {
                arithmetic::IS_DIV | arithmetic::IS_SHR => AUX_INPUT_REGISTER_0,
                _ => OUTPUT_REGISTER,
            };
            // The second row begins with what shows that the result is reduced.
            let second = arithmetic::SHARED_COLS.map(next);
            let (reduced, others): (Vec<_>, Vec<_>) =
                second.partition(|cell| INPUT_REGISTER_0.contains(&cell.column));
            let result = result.map(own).chain(reduced);
            [result.collect(), others]
        }
        Some(_) => {
            let aux = AUX_INPUT_REGISTER_0.chain(AUX_INPUT_REGISTER_1);
            [OUTPUT_REGISTER.map(own).collect(), aux.map(own).collect()]
        }
    }
}

/// Whether cells are looked up among the limbs of Arithmetic.
pub(super) fn are_limbs(checker: &Checker, cells: &[Cell]) -> Vec<bool> {
    let lookups = checker.lookups[Table::Arithmetic as usize].iter();
    let columns: Vec<_> = lookups.flat_map(|lookup| &lookup.columns).collect();
    let width = columns::count(Table::Arithmetic);
    let is_limb = |cell: &Cell| (columns.iter()).any(|shown| shows(shown, width, cell.column));
    cells.iter().map(is_limb).collect()
}

/// The cells that are meanings by themselves. An empty stack has no top.
pub(super) fn meanings(judge: &Judge<'_>, site: &Site, cells: &[Cell], next: &[F]) -> Vec<Cell> {
    let table = site.table;
    let has_top = table == Table::Cpu && !next[CPU.stack_len].is_zero();
    let [_, helping] = match table {
        Table::Arithmetic => of_arithmetic(judge, site),
        _ => [vec![], vec![]],
    };
    let means = |cell: &&Cell| match table {
        Table::Cpu => {
            let registers = STATE[0].contains(&cell.column) || STATE[1].contains(&cell.column);
            registers || has_top && CPU.mem_channels[0].value.contains(&cell.column)
        }
        Table::Arithmetic => !helping.contains(cell),
        Table::MemBefore | Table::MemAfter => true,
        _ => cell.offset == 1,
    };
    cells.iter().filter(means).copied().collect()
}
