//! Payloads about which is lied: small batches, with everything that the honest prover says of them.

use std::sync::{Arc, Mutex};

use alloy::primitives::Bytes;
use anyhow::{Context, Result, bail};
use ethereum_types::U256;
use evm_arithmetization::GenerationInputs;
use evm_arithmetization::generation::stand_in::{
    Area, Cells, Claims, Outcome, Question, StandIn, run,
};
use tern_execution::{BatchLimits, GenesisState};
use tern_messages::TransactionBatch;
use tern_proving::inputs::generation_inputs;

use crate::corpus::Corpus;
use crate::corpus::chain::TestChain;

/// Areas that are there before the run.
pub(super) const AREAS: [Area; 3] = [Area::TrieData, Area::Accounts, Area::Storage];

/// An honest run is no longer than this.
const LONGEST: usize = 1 << 26;

/// A question and its honest answer.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The name of the function.
    pub function: String,
    /// Where.
    pub pc: usize,
    /// The two topmost items of the stack.
    pub top: [U256; 2],
    /// The honest answer.
    pub honest: U256,
}

/// What there is to lie about.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// All questions, in order.
    pub questions: Vec<Asked>,
    /// Memory before the run, in the order of [`AREAS`].
    pub(super) before: [Vec<U256>; 3],
    /// Nodes and payloads when the state trie is shown, and at which question that is.
    pub(super) state: Option<(usize, Vec<U256>)>,
    /// Questions that load code, with its length.
    pub(super) codes: Vec<(usize, usize)>,
}

/// A payload.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The block's name and which of its batches it is.
    pub name: String,
    /// The payload.
    pub inputs: GenerationInputs,
    /// What the honest prover claims.
    pub claims: Claims,
    /// How many cycles that takes.
    pub cycles: usize,
    /// What it is asked.
    pub record: Record,
}

/// Answers honestly and keeps a record.
struct Recorder(Arc<Mutex<Record>>);

fn values(cells: &Cells<'_>, area: Area) -> Vec<U256> {
    let indices = 0..cells.len(area);
    indices.map(|index| cells.get(area, index)).collect()
}

impl StandIn for Recorder {
    fn before(&mut self, cells: &mut Cells<'_>) {
        let mut record = self.0.lock().expect("nobody panics with it");
        record.before = AREAS.map(|area| values(cells, area));
    }

    fn answer(&mut self, question: &Question, cells: &mut Cells<'_>) -> U256 {
        let mut record = self.0.lock().expect("nobody panics with it");
        let honest = question.honest.unwrap_or_default();
        if let Some(context) = cells.loading() {
            let len = cells.len(Area::Code(context));
            record.codes.push((question.index, len));
        }
        if question.function.ends_with("initial_state") {
            record.state = Some((question.index, values(cells, Area::TrieData)));
        }
        let item = |index| question.stack.get(index).copied().unwrap_or_default();
        record.questions.push(Asked {
            function: question.function.clone(),
            pc: question.pc,
            top: [item(0), item(1)],
            honest,
        });
        honest
    }
}

impl Scene {
    /// The scene of a payload.
    ///
    /// # Errors
    /// If the honest prover does not come to its end.
    pub fn new(name: String, batch: &TransactionBatch) -> Result<Self> {
        let inputs = generation_inputs(batch)?;
        let record = Arc::new(Mutex::new(Record::default()));
        let honest = run(&inputs, Box::new(Recorder(record.clone())), LONGEST);
        let Outcome::Halted(claims) = honest.outcome else {
            bail!("{name}: {:?}", honest.outcome);
        };
        let record = std::mem::take(&mut *record.lock().expect("the run is over"));
        Ok(Self {
            name,
            inputs,
            claims,
            cycles: honest.cycles,
            record,
        })
    }

    /// Memory before the run: nodes and payloads, accounts, slots.
    pub fn initial(&self) -> [&[U256]; 3] {
        self.record.before.each_ref().map(Vec::as_slice)
    }

    /// Nodes and payloads when the state trie is shown, and at which question that is.
    pub fn state(&self) -> Option<(usize, &[U256])> {
        let state = self.record.state.as_ref();
        state.map(|(question, cells)| (*question, cells.as_slice()))
    }

    /// The scene of one block with these transactions, on a state.
    ///
    /// # Errors
    /// If the block cannot be made or proven honestly.
    pub fn of_block(name: &str, genesis: &GenesisState, transactions: &[Bytes]) -> Result<Self> {
        let mut chain = TestChain::new(genesis)?;
        let limits = BatchLimits {
            transactions: transactions.len(),
            gas: u64::MAX,
            cycles: u64::MAX,
        };
        let (_, witness) = chain.build(transactions, limits)?;
        let batch = witness.batches.first().context("a block has a batch")?;
        Self::new(name.to_owned(), batch)
    }
}

/// Every batch of the corpus, two transactions long, that takes no more than so many cycles.
///
/// # Errors
/// If a block cannot be made or proven honestly.
pub fn scenes(longest: usize) -> Result<Vec<Scene>> {
    let corpus = Corpus::new();
    let limits = BatchLimits {
        transactions: 2,
        gas: u64::MAX,
        cycles: u64::MAX,
    };
    let mut chain = TestChain::new(&corpus.genesis)?;
    let mut scenes = Vec::new();
    for block in &corpus.blocks {
        let built = chain.build_measured(&block.raw(), limits)?;
        for (index, batch) in built.witness.batches.iter().enumerate() {
            if built.work_of(batch).cycles <= longest as u64 {
                scenes.push(Scene::new(format!("{} {index}", block.name), batch)?);
            }
        }
    }
    Ok(scenes)
}
