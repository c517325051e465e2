//! Honest traces hold, and what is wrong with others is found.

#[path = "../../proving/src/tests/fixture.rs"]
mod fixture;

use std::sync::OnceLock;

use evm_arithmetization::cpu::columns::COL_MAP;
use evm_arithmetization::memory::columns::MEMORY_COL_MAP;
use plonky2::field::types::Field;
use tern_proving::inputs::generation_inputs;
use tern_soundness::{Base, Change, Checker, F, Omission, Table, Trace, Violation, columns};

/// A transfer, cut into segments of 2^15 cycles.
fn transfer() -> &'static [Trace] {
    static TRACES: OnceLock<Vec<Trace>> = OnceLock::new();
    TRACES.get_or_init(|| {
        let block = fixture::Chain::new().block(&[1]);
        let inputs = generation_inputs(&block.batches[0]).unwrap();
        let traces = Trace::segments(&inputs, Some(15));
        traces.collect::<anyhow::Result<_>>().unwrap()
    })
}

#[test]
fn every_constraint_and_lookup_holds_on_honest_traces() {
    let traces = transfer();
    assert!(traces.len() > 1, "memory is carried over");
    for trace in traces {
        assert_eq!(Checker::default().check(trace), []);
    }
}

/// What every segment ends with takes as many cycles as the generator keeps for it.
#[test]
fn a_segment_takes_the_cycles_that_it_is_given() {
    let cycles = |trace: &Trace| {
        let rows = trace.table(Table::Cpu).iter();
        let is_cycle = |row: &&[F]| COL_MAP.op.iter().any(|&flag| row[flag].is_nonzero());
        rows.filter(is_cycle).count()
    };
    let (_, whole) = transfer().split_last().unwrap();
    for trace in whole {
        assert_eq!(cycles(trace), (1 << 15) - 1, "one row is padding");
    }
}

/// The first row of the CPU in which `flag` is set.
fn row_with(flag: usize) -> usize {
    let mut rows = transfer()[0].table(Table::Cpu).iter();
    rows.position(|row| row[flag] == F::ONE).unwrap()
}

#[test]
fn a_changed_cell_is_found_by_the_whole_check_and_by_the_local_one() {
    let (checker, trace) = (Checker::default(), &transfer()[0]);
    let base = Base::new(&checker, trace);
    let sponge = |name| columns::find(Table::KeccakSponge, name).unwrap();
    let cells = [
        (Table::Cpu, row_with(COL_MAP.op.jumps), COL_MAP.gas),
        (
            Table::Cpu,
            row_with(COL_MAP.op.dup_swap),
            COL_MAP.mem_channels[1].value[3],
        ),
        (Table::Arithmetic, 0, 18),
        (Table::Memory, 100_000, MEMORY_COL_MAP.value_limbs[0]),
        (Table::Memory, 100_000, MEMORY_COL_MAP.range_check),
        (Table::KeccakSponge, 0, sponge("block_bytes[3]")),
        (Table::Keccak, 5, 700),
        (Table::Logic, 0, 9),
        (Table::BytePacking, 0, 40),
        (Table::MemAfter, 0, 5),
    ];
    for (table, row, column) in cells {
        let value = trace.table(table).row(row)[column] + F::from_canonical_u32(1 << 20);
        let mut changed = trace.clone();
        changed.table_mut(table).row_mut(row)[column] = value;
        let found = checker.check(&changed);
        assert_ne!(found, [], "{table:?} {}", columns::name(table, column));
        let change = Change {
            table,
            row,
            column,
            value,
        };
        assert_eq!(base.recheck(&[change]), found);
        assert_eq!(base.compare(&changed), found);
    }
}

#[test]
fn memory_that_is_complete_stays_as_it_is() {
    let checker = Checker::default();
    for trace in transfer() {
        let mut completed = trace.clone();
        Base::new(&checker, trace).complete_memory(&mut completed);
        for table in [Table::Memory, Table::MemAfter] {
            assert!(completed.table(table).iter().eq(trace.table(table).iter()));
        }
    }
}

#[test]
fn a_violation_names_table_row_and_constraint() {
    let (checker, trace) = (Checker::default(), &transfer()[0]);
    let change = Change {
        table: Table::Cpu,
        row: 7,
        column: COL_MAP.clock,
        value: F::ZERO,
    };
    let found = Base::new(&checker, trace).recheck(&[change]);
    let rows: Vec<_> = found
        .iter()
        .filter_map(|violation| match violation {
            Violation::Constraint { table, row, index } => Some((*table, *row, *index)),
            _ => None,
        })
        .collect();
    assert_eq!(rows.len(), 2, "{found:?}");
    assert_eq!((rows[0].0, rows[0].1, rows[1].1), (Table::Cpu, 6, 7));
    let (table, _, index) = rows[0];
    let blind = Checker::without(&[Omission::Constraint { table, index }]);
    let found = Base::new(&blind, trace).recheck(&[change]);
    assert!(
        !found
            .iter()
            .any(|v| matches!(v, Violation::Constraint { .. }))
    );
}

#[test]
fn a_table_switched_off_is_missed() {
    let mut trace = transfer()[0].clone();
    trace.in_use[Table::Logic as usize] = false;
    let found = Checker::default().check(&trace);
    assert!(matches!(found[0], Violation::CrossTable { lookup: 5, .. }));
    trace.in_use[Table::Arithmetic as usize] = false;
    let found = Checker::default().check(&trace);
    assert_eq!(
        found[0],
        Violation::Absent {
            table: Table::Arithmetic
        }
    );
}

#[test]
fn columns_have_names() {
    assert_eq!(
        columns::name(Table::Cpu, COL_MAP.mem_channels[2].addr_virtual),
        "mem_channels[2].addr_virtual"
    );
    assert_eq!(columns::name(Table::Cpu, COL_MAP.clock), "clock");
    let last = MEMORY_COL_MAP.frequencies;
    assert_eq!(columns::find(Table::Memory, "frequencies"), Some(last));
    let traces = &transfer()[0];
    for table in Table::all() {
        assert_eq!(columns::count(table), traces.table(table).width());
    }
}
