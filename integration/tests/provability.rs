//! Whatever the node accepts can be proven: the witness of every block of the corpus goes through the prover's
//! machine, and takes no more cycles than the node's meter says.

use std::time::Instant;

use ethereum_types::U256;
use evm_arithmetization::Field;
use evm_arithmetization::generation::stand_in::{Beginning, Cuts, kernel, kernel_with};
use rayon::prelude::*;
use tern_execution::BatchLimits;
use tern_integration::corpus::chain::{TestChain, batches_of};
use tern_integration::corpus::{Block, Corpus};
use tern_integration::vectors::{KnownCases, say};
use tern_messages::SealedBlock;
use tern_proving::inputs::generation_inputs;
use tern_proving::limits::{MAX_BATCH_CYCLES, MAX_BATCH_GAS, MAX_BATCH_TRANSACTIONS};
use tern_proving::simulate::{count, measure};
use tern_proving::{Profile, simulate};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The block of the corpus with calls, and faults of each kind.
const FAULTS: &str = "reverts and faults";
/// As the sequencer cuts blocks.
const LIMITS: BatchLimits = BatchLimits {
    transactions: MAX_BATCH_TRANSACTIONS,
    gas: MAX_BATCH_GAS,
    cycles: MAX_BATCH_CYCLES,
};

#[test]
fn every_block_of_the_corpus_can_be_proven() {
    let corpus = Corpus::new();
    let mut chain = TestChain::new(&corpus.genesis).unwrap();
    let mut failures = Vec::new();
    let mut outcomes = Vec::new();
    for block in &corpus.blocks {
        let raw = block.raw();
        let built = chain.build_measured(&raw, LIMITS).unwrap();
        failures.extend(unexpected_outcomes(block, &built.block));
        let started = Instant::now();
        let mut segments = 0;
        let mut wrong = None;
        let (mut cycles, mut bound) = (0, 0);
        for batch in &built.witness.batches {
            match simulate(batch, Profile::Secure) {
                Ok(simulation) => segments += simulation.segments.len(),
                Err(error) => wrong = Some(error.to_string()),
            }
            let Ok(taken) = count(batch) else { continue };
            let (taken, at_most) = (taken.equivalent_cycles(), built.work_of(batch).cycles);
            if taken > at_most {
                failures.push(format!(
                    "{}: the bound is {at_most} cycles, the machine takes {taken}",
                    block.name
                ));
            }
            cycles += taken;
            bound += at_most;
        }
        let time = started.elapsed();
        say(&format!(
            "{}: {segments} segments, {cycles} cycles, bound {:.2} times that, simulated in {time:.1?}",
            block.name,
            bound as f64 / cycles as f64,
        ));
        outcomes.push((block.name.to_owned(), wrong));
    }
    KnownCases::read("corpus.txt")
        .unwrap()
        .judge(outcomes)
        .assert_as_listed();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Segments of 2^`CUT` cycles, so that there is one cut or more wherever something could go wrong at one. In the
/// environment `CUT` is another length.
const CUT: u8 = 11;

/// Memory is carried over from segment to segment, and the machine's inputs are computed anew in each: whatever the
/// machine does when a run is cut must not stop it.
#[test]
fn a_run_can_be_proven_wherever_it_is_cut() {
    let cut = std::env::var("CUT").map_or(CUT, |text| text.parse().unwrap());
    let corpus = Corpus::new();
    let mut chain = TestChain::new(&corpus.genesis).unwrap();
    let mut runs = Vec::new();
    for block in &corpus.blocks {
        let raw = block.raw();
        let (_, witness) = chain.build(&raw, LIMITS).unwrap();
        runs.extend(witness.batches.into_iter().map(|batch| (block.name, batch)));
    }
    let config = Profile::Secure.recursion_config().stark_config;
    let wrong: Vec<String> = runs
        .par_iter()
        .filter_map(|(name, batch)| {
            let started = Instant::now();
            let outcome = measure(batch, &config, cut);
            let segments = outcome.as_ref().map_or(0, |run| run.segments.len());
            say(&format!(
                "{name}: {segments} segments of 2^{cut} cycles, {:.1?}",
                started.elapsed()
            ));
            outcome.err().map(|error| format!("{name}: {error}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Cuts a run of the corpus' faults before each instruction, with these cells as the kernel's code.
fn cuts(kernel: &[U256]) -> Cuts {
    let mut all = Cuts::default();
    for batch in batches_of(FAULTS, LIMITS).unwrap() {
        let inputs = generation_inputs(&batch).unwrap();
        let mut run = Beginning::<Field>::new(&inputs, kernel, usize::MAX).unwrap();
        let Cuts { tried, changes } = run.cut_everywhere().unwrap();
        all.tried += tried;
        all.changes.extend(changes);
    }
    all
}

/// A segment's end and the next one's beginning are a part of the kernel's own program, and whatever it was about must
/// not notice them.
#[test]
fn a_cut_changes_nothing() {
    let Cuts { tried, changes } = cuts(kernel());
    say(&format!("{tried} cuts"));
    assert!(tried > 5_000, "{tried}");
    assert!(changes.is_empty(), "{}", changes.join("\n"));
}

/// `%stack_length` reads what it has written, with a few instructions between them. Both ends of a cut measure the
/// stack, too.
#[test]
fn a_cut_while_the_stack_is_measured_would_change_what_is_measured() {
    let measures = |items: usize, address: &str| {
        [
            format!(
                "%mload_context_metadata(@CTX_METADATA_STACK_SIZE) PUSH {address} PUSH {} %stack_length SUB
                 SWAP2 %mstore_context_metadata(@CTX_METADATA_STACK_SIZE) SWAP1",
                items + 1
            ),
            format!("PUSH {address} PUSH {items} %stack_length SUB"),
        ]
    };
    let pieces = [
        measures(2, "@SEGMENT_REGISTERS_STATES"),
        measures(3, "@FINAL_REGISTERS_ADDR"),
    ];
    let pieces = pieces
        .each_ref()
        .map(|[now, before]| (&now[..], &before[..]));
    let changes = cuts(&kernel_with(&pieces)).changes;
    for handler in ["exc_stack_underflow", "exc_stack_overflow"] {
        let in_handler = changes.iter().filter(|change| change.contains(handler));
        assert!(in_handler.count() > 2, "{changes:?}");
    }
}

/// Transactions that do not end as the corpus says.
fn unexpected_outcomes(block: &Block, sealed: &SealedBlock) -> Vec<String> {
    let pairs = block.transactions.iter().zip(&sealed.receipts).enumerate();
    pairs
        .filter(|(_, (sent, receipt))| receipt.envelope.status() != sent.succeeds)
        .map(|(index, (sent, _))| {
            format!(
                "{}: transaction {index} was to succeed: {}",
                block.name, sent.succeeds
            )
        })
        .collect()
}
