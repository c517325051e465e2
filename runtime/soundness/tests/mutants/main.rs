//! Nothing survives among the mutants of honest rows that was not reviewed.
//!
//! In the environment `MUTANTS` is how many mutants are made (`all` for all of them: an hour on 2 cores, and 6 GB) and
//! `MUTANTS_SEED` which.

mod coverage;
mod program;

#[path = "../cpu/scene.rs"]
mod scene;

use std::sync::OnceLock;

use tern_execution::BatchLimits;
use tern_integration::corpus::chain::batches_of;
use tern_messages::TransactionBatch;
use tern_proving::inputs::generation_inputs;
use tern_proving::limits::{MAX_BATCH_CYCLES, MAX_BATCH_GAS, MAX_BATCH_TRANSACTIONS};
use tern_soundness::mutation::{
    Bench, Key, Report, Reviewed, Sample, Site, Survey, discrete, first_order, instructions,
    structural,
};
use tern_soundness::{Checker, Table, Trace, mends};

/// The block of the corpus whose execution is looked at: user code, calls, faults of each kind.
const BLOCK: &str = "reverts and faults";
/// Cycles of a segment, as a power of 2.
const SEGMENT: usize = 17;
/// Rows of a cluster.
const ROWS: usize = 3;
/// Mutants, unless the environment says how many.
const MUTANTS: usize = 5_000;

const REVIEWED: &str = include_str!("reviewed.txt");

/// The first batch of the block.
fn batch() -> TransactionBatch {
    let limits = BatchLimits {
        transactions: MAX_BATCH_TRANSACTIONS,
        gas: MAX_BATCH_GAS,
        cycles: MAX_BATCH_CYCLES,
    };
    batches_of(BLOCK, limits).unwrap().swap_remove(0)
}

/// The honest segments of the block, and of another that executes the rest.
fn segments() -> &'static [Trace] {
    static SEGMENTS: OnceLock<Vec<Trace>> = OnceLock::new();
    SEGMENTS.get_or_init(|| {
        let batches = [batch(), scene::batch(&program::code())];
        let segments = batches.iter().flat_map(|batch| {
            let inputs = generation_inputs(batch).unwrap();
            Trace::segments(&inputs, Some(SEGMENT))
        });
        segments.collect::<anyhow::Result<_>>().unwrap()
    })
}

/// Some rows of each cluster of rows, and what clusters there are.
fn survey() -> (Survey, Vec<(&'static Trace, Vec<Site>)>) {
    let mut survey = Survey::default();
    let sites = segments()
        .iter()
        .map(|trace| (trace, survey.add(trace, ROWS)));
    let sites = sites.collect();
    (survey, sites)
}

fn sample(always: &[Reviewed]) -> Sample<'_> {
    let number = |name| std::env::var(name).ok();
    let size = match number("MUTANTS").as_deref() {
        Some("all") => None,
        Some(text) => Some(text.parse().unwrap()),
        None => Some(MUTANTS),
    };
    let seed = number("MUTANTS_SEED").map_or(0, |text| text.parse().unwrap());
    Sample { size, seed, always }
}

/// In which modes instructions are not executed, user mode and kernel mode, where one is left out.
const ABSENT: [(&str, [bool; 2], &str); 18] = [
    ("ADDFP254", [true, false], KERNEL),
    ("EXIT_KERNEL", [true, false], KERNEL),
    ("GET_CONTEXT", [true, false], KERNEL),
    (
        "JUMPDEST",
        [false, true],
        "jumps of the kernel have targets without it",
    ),
    ("KECCAK_GENERAL", [true, false], KERNEL),
    ("MLOAD_32BYTES", [true, false], KERNEL),
    ("MLOAD_GENERAL", [true, false], KERNEL),
    ("MSTORE_32BYTES", [true, false], KERNEL),
    ("MSTORE_GENERAL", [true, false], KERNEL),
    ("MULFP254", [true, false], KERNEL),
    ("PC", [false, true], "the kernel does not use it"),
    ("PROVER_INPUT", [true, false], KERNEL),
    ("SET_CONTEXT", [true, false], KERNEL),
    ("SUBFP254", [true, false], KERNEL),
    ("SUBMOD", [true, false], KERNEL),
    ("first row", [true, false], "a segment begins in the kernel"),
    ("none", [true, false], "the machine stops in the kernel"),
    ("system call", [false, true], "the kernel makes none"),
];
const KERNEL: &str = "the kernel alone may execute it";

#[test]
fn rows_of_every_kind_are_looked_at() {
    let (survey, _) = survey();
    eprintln!("{survey}");
    let absent = instructions().into_iter().filter_map(|class| {
        let absent = survey.modes(class).map(|executed| !executed);
        absent.contains(&true).then_some((class, absent))
    });
    let absent: Vec<(&str, [bool; 2])> = absent.collect();
    assert_eq!(absent, ABSENT.map(|(class, modes, _)| (class, modes)));
    let others = Table::all()
        .into_iter()
        .filter(|table| *table != Table::Cpu);
    for table in others {
        assert!(survey.classes(table).len() > 1, "{table:?}");
    }
}

#[test]
fn what_survives_was_reviewed_and_what_was_reviewed_survives() {
    let reviewed = Reviewed::list(REVIEWED);
    let sample = sample(&reviewed);
    let (_, sites) = survey();
    let checker = Checker::default();
    let layers = [
        ("to first order", first_order(&checker, &sites, sample)),
        ("cells and flags", discrete(&checker, &sites, sample)),
        ("rows and tables", structural(&checker, &sites, sample)),
    ];
    let mut report = Report::default();
    for (layer, found) in layers {
        eprintln!("{layer}: {found}");
        report = report.plus(found);
    }
    let listed = |key| reviewed.iter().any(|entry| entry.matches(key));
    let new: Vec<String> = (report.survivors.iter())
        .filter(|(key, _)| !listed(key))
        .map(|(key, (count, example))| format!("{key}: {count}, {example}"))
        .collect();
    assert!(new.is_empty(), "{} new:\n{}", new.len(), new.join("\n"));
    let occurs = |entry: &Reviewed| report.survivors.keys().any(|key| entry.matches(key));
    let gone = reviewed.iter().filter(|entry| !occurs(entry));
    let gone: Vec<String> = gone.map(ToString::to_string).collect();
    assert!(
        gone.is_empty(),
        "these no longer occur:\n{}",
        gone.join("\n")
    );
}

/// Mends that the checker does not miss, and why: it changes one row, and what follows from it by its own rules. The lies
/// that take more are in the targets `cpu` and `tables`, one test each.
const NOT_MISSED: [(&str, &[&str]); 10] = [
    (
        "padding is where the machine halts, and the first row is at the entry: others imply it",
        &["the first row is a cycle"],
    ),
    (
        "the mode stays until the kernel is left: it takes every row until then",
        &["the first row is in kernel mode"],
    ),
    (
        "the operand goes on to the stack: it takes the rows of the table that compute with it",
        &[
            "a wide operand is the one that is read, limb 0",
            "a wide operand is the one that is read, limb 1",
        ],
    ),
    (
        "it takes a limb of 2^32 or more, which the row before has to write",
        &["NOT and ISZERO find a word"],
    ),
    (
        "it takes a division by zero, and a quotient that the machine goes on with",
        &[
            "the quotient by zero is zero: DIV",
            "the quotient by zero is zero: SHR",
        ],
    ),
    (
        "another byte is another hash: it takes the rounds of Keccak that compute it",
        &[
            "padding of one byte",
            "the last byte of padding",
            "the first byte of padding",
            "padding between",
            "a full block is followed by another",
            "a full block does not end the table",
        ],
    ),
    (
        "it takes cells before the first one, or behind the last, in both tables of the segment's memory",
        &[
            "no address lies before the first: context",
            "no address lies before the first: segment",
            "no address lies before the first: place",
            "the last row is the last of its address",
        ],
    ),
    (
        "it takes two cells whose errors add up to nothing in the lookup",
        &[
            "a flag is 0 or 1: mem_after_filter",
            "a flag is 0 or 1: is_stale",
            "a flag is 0 or 1: is_dropped_zero",
            "a flag is 0 or 1: is_pruned",
            "a flag is 0 or 1: is_initial_value",
        ],
    ),
    (
        "it takes a cell that is not zero at the end, with its last operation",
        &[
            "what is left out is zero, limb 0",
            "what is left out is zero, limb 1",
            "what is left out is zero, limb 2",
            "what is left out is zero, limb 3",
            "what is left out is zero, limb 4",
            "what is left out is zero, limb 5",
            "what is left out is zero, limb 6",
            "what is left out is zero, limb 7",
        ],
    ),
    (
        "it takes a word that begins so, in the tables of the segment's memory, too",
        &[
            "only tries and lists have initial values",
            "a first read finds zero, or what is looked up",
            "limbs of initial values have 32 bits",
        ],
    ),
];

#[test]
fn each_mend_is_missed_when_it_is_taken_out() {
    let checker = Checker::default();
    let (_, sites) = survey();
    let bench = Bench::new(&checker, &sites);
    let reviewed = Reviewed::list(REVIEWED);
    let is_new = |key: &Key| !reviewed.iter().any(|entry| entry.matches(key));
    let mut not_missed = Vec::new();
    let mends = mends::all(&checker);
    for mend in &mends {
        match bench.survivor(&mend.parts, is_new) {
            Some(key) => eprintln!("{}: {key}", mend.name),
            None => not_missed.push(&mend.name[..]),
        }
    }
    let missed = mends.len() - not_missed.len();
    eprintln!("{missed} of {} mends are missed", mends.len());
    let known = NOT_MISSED.into_iter().flat_map(|(_, names)| names);
    assert_eq!(not_missed, known.copied().collect::<Vec<_>>());
}
