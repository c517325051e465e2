//! Whatever the node accepts can be proven: the witness of every block of the corpus goes through the prover's
//! machine.

use std::time::Instant;

use tern_execution::BatchLimits;
use tern_integration::corpus::chain::TestChain;
use tern_integration::corpus::{Block, Corpus};
use tern_integration::vectors::{KnownCases, say};
use tern_messages::SealedBlock;
use tern_proving::limits::{MAX_BATCH_GAS, MAX_BATCH_TRANSACTIONS};
use tern_proving::{Profile, simulate};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As the sequencer cuts blocks.
const LIMITS: BatchLimits = BatchLimits {
    transactions: MAX_BATCH_TRANSACTIONS,
    gas: MAX_BATCH_GAS,
};

#[test]
fn every_block_of_the_corpus_can_be_proven() {
    let corpus = Corpus::new();
    let mut chain = TestChain::new(&corpus.genesis).unwrap();
    let mut failures = Vec::new();
    let mut outcomes = Vec::new();
    for block in &corpus.blocks {
        let raw: Vec<_> = block
            .transactions
            .iter()
            .map(|one| one.raw.clone())
            .collect();
        let (sealed, witness) = chain.build(&raw, LIMITS).unwrap();
        failures.extend(unexpected_outcomes(block, &sealed));
        let started = Instant::now();
        let mut segments = 0;
        let mut wrong = None;
        for batch in &witness.batches {
            match simulate(batch, Profile::Secure) {
                Ok(simulation) => segments += simulation.segments.len(),
                Err(error) => wrong = Some(error.to_string()),
            }
        }
        let time = started.elapsed();
        say(&format!(
            "{}: {segments} segments, simulated in {time:.1?}",
            block.name
        ));
        outcomes.push((block.name.to_owned(), wrong));
    }
    KnownCases::read("corpus.txt")
        .unwrap()
        .judge(outcomes)
        .assert_as_listed();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
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
