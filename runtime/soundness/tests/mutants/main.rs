//! Nothing survives among the mutants of honest rows that was not reviewed.
//!
//! In the environment `MUTANTS` is how many mutants are made (`all` for all of them) and `MUTANTS_SEED` which.

use std::sync::OnceLock;

use alloy::primitives::Bytes;
use tern_execution::BatchLimits;
use tern_integration::corpus::Corpus;
use tern_integration::corpus::chain::TestChain;
use tern_messages::TransactionBatch;
use tern_proving::inputs::generation_inputs;
use tern_proving::limits::{MAX_BATCH_CYCLES, MAX_BATCH_GAS, MAX_BATCH_TRANSACTIONS};
use tern_soundness::mutation::{
    Report, Reviewed, Sample, Site, Survey, discrete, first_order, instructions,
};
use tern_soundness::{Checker, Table, Trace};

/// The block of the corpus whose execution is looked at: user code, calls, faults of each kind.
const BLOCK: &str = "reverts and faults";
/// Cycles of a segment, as a power of 2.
const SEGMENT: usize = 17;
/// Rows of a cluster.
const ROWS: usize = 3;
/// Mutants, unless the environment says how many.
const MUTANTS: usize = 20_000;

const REVIEWED: &str = include_str!("reviewed.txt");

/// The first batch of the block.
fn batch() -> TransactionBatch {
    let limits = BatchLimits {
        transactions: MAX_BATCH_TRANSACTIONS,
        gas: MAX_BATCH_GAS,
        cycles: MAX_BATCH_CYCLES,
    };
    let corpus = Corpus::new();
    let mut chain = TestChain::new(&corpus.genesis).unwrap();
    for block in &corpus.blocks {
        let transactions = block.transactions.iter();
        let transactions: Vec<Bytes> = transactions.map(|one| one.raw.clone()).collect();
        let (_, mut witness) = chain.build(&transactions, limits).unwrap();
        if block.name == BLOCK {
            return witness.batches.swap_remove(0);
        }
    }
    panic!("no block is called {BLOCK}");
}

/// The honest segments of the block.
fn segments() -> &'static [Trace] {
    static SEGMENTS: OnceLock<Vec<Trace>> = OnceLock::new();
    SEGMENTS.get_or_init(|| {
        let inputs = generation_inputs(&batch()).unwrap();
        let segments = Trace::segments(&inputs, Some(SEGMENT));
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

fn sample() -> Sample {
    let number = |name| std::env::var(name).ok();
    let size = match number("MUTANTS").as_deref() {
        Some("all") => None,
        Some(text) => Some(text.parse().unwrap()),
        None => Some(MUTANTS),
    };
    let seed = number("MUTANTS_SEED").map_or(0, |text| text.parse().unwrap());
    Sample { size, seed }
}

/// What the block does not execute.
const ABSENT: [&str; 7] = [
    "ADDFP254", "BYTE", "MULFP254", "NOT", "PC", "SUBFP254", "XOR",
];

#[test]
fn rows_of_every_kind_are_looked_at() {
    let (survey, _) = survey();
    eprintln!("{survey}");
    let executed = survey.classes(Table::Cpu);
    let absent: Vec<&str> = instructions().difference(&executed).copied().collect();
    assert_eq!(absent, ABSENT);
    let others = Table::all()
        .into_iter()
        .filter(|table| *table != Table::Cpu);
    for table in others {
        assert!(survey.classes(table).len() > 1, "{table:?}");
    }
}

#[test]
fn no_mutant_survives_that_was_not_reviewed() {
    let sample = sample();
    let (_, sites) = survey();
    let checker = Checker::default();
    let thoroughly = sample.size.is_none();
    let layers = [
        ("to first order", first_order(&checker, &sites, thoroughly)),
        ("cells and flags", discrete(&checker, &sites, sample)),
    ];
    let mut report = Report::default();
    for (layer, found) in layers {
        eprintln!("{layer}: {found}");
        report = report.plus(found);
    }
    let reviewed = Reviewed::list(REVIEWED);
    let listed = |key| reviewed.iter().any(|entry| entry.matches(key));
    let new: Vec<String> = (report.survivors.iter())
        .filter(|(key, _)| !listed(key))
        .map(|(key, (count, example))| format!("{key}: {count}, {example}"))
        .collect();
    assert!(new.is_empty(), "{} new:\n{}", new.len(), new.join("\n"));
    if thoroughly {
        let occurs = |entry: &Reviewed| report.survivors.keys().any(|key| entry.matches(key));
        let gone = reviewed.iter().filter(|entry| !occurs(entry));
        let gone: Vec<String> = gone.map(ToString::to_string).collect();
        assert!(
            gone.is_empty(),
            "these no longer occur:\n{}",
            gone.join("\n")
        );
    }
}
