//! A chain in memory: builds blocks as the main node does, and checks each as the sequencer does.

use std::sync::Arc;

use alloy::consensus::Header;
use alloy::primitives::{Address, B256, Bytes};
use anyhow::{Context, Result, bail, ensure};
use tern_execution::{
    BatchLimits, BlockAttributes, BlockBuilder, ChainRules, ExecutionError, GenesisState,
    HashWindow, MachineLimits, MachineWork, MemoryNodes, StateView, replay,
};
use tern_messages::{Anchor, BlockWitness, Gas, SealedBlock, TransactionBatch};

use super::{CHAIN, Corpus};

/// Gas limit of the blocks.
pub const GAS_LIMIT: Gas = Gas(30_000_000);

/// A block that was built and replayed.
#[derive(Clone, Debug)]
pub struct Built {
    /// The block.
    pub block: SealedBlock,
    /// What its proof needs.
    pub witness: BlockWitness,
    /// What each of its transactions takes to prove, at most.
    pub work: Vec<MachineWork>,
}

impl Built {
    /// What a transaction batch of the block takes to prove, at most, with what is shown to it.
    pub fn work_of(&self, batch: &TransactionBatch) -> MachineWork {
        let first = usize::try_from(batch.first_transaction).expect("an index");
        let last = batch.transactions.len() - 1;
        let shown = MachineWork::of_neighbours(first..=last, |index| {
            (batch.transactions[index].len() + batch.receipts[index].len()) as u64
        });
        self.work[first..=last]
            .iter()
            .fold(shown, |sum, one| sum.then(*one))
    }
}

/// A chain in memory.
pub struct TestChain {
    nodes: Arc<MemoryNodes>,
    rules: ChainRules,
    parent: Header,
    hashes: HashWindow,
}

impl TestChain {
    /// A provable chain that begins with these accounts and the EIP-4788 contract.
    ///
    /// # Errors
    /// If the state cannot be built.
    pub fn new(genesis: &GenesisState) -> Result<Self> {
        Self::limited(genesis, MachineLimits::default())
    }

    /// As [`Self::new`], with other limits for a transaction.
    ///
    /// # Errors
    /// As there.
    pub fn limited(genesis: &GenesisState, limits: MachineLimits) -> Result<Self> {
        let rules = ChainRules::provable(CHAIN).limited(limits);
        let genesis = genesis.clone().with_beacon_roots();
        let outcome = genesis.block(&rules, 1_000, GAS_LIMIT, 1_000_000_000)?;
        let nodes = Arc::new(MemoryNodes::new());
        nodes.extend(&outcome.nodes, &outcome.codes);
        Ok(Self {
            nodes,
            rules,
            hashes: HashWindow::new([outcome.block.hash]),
            parent: outcome.block.header,
        })
    }

    /// The state after the last block.
    pub fn state(&self) -> StateView {
        StateView::new(self.nodes.clone(), self.parent.state_root)
    }

    /// What a transaction takes to prove at most, or why it is refused, as the first of the next block.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn measure(&self, raw: Bytes) -> Result<Result<MachineWork, ExecutionError>> {
        let mut builder = self.open()?;
        Ok(builder.execute(raw).map(|executed| executed.work))
    }

    fn open(&self) -> Result<BlockBuilder> {
        let attributes = BlockAttributes {
            timestamp: self.parent.timestamp + 2,
            beneficiary: Address::repeat_byte(0xbe),
            gas_limit: GAS_LIMIT,
            anchor: Anchor {
                l2_block: B256::with_last_byte(self.parent.number as u8),
                ..Anchor::default()
            },
        };
        let (nodes, hashes) = (self.nodes.clone(), self.hashes.clone());
        Ok(BlockBuilder::new(
            nodes,
            self.rules,
            &self.parent,
            hashes,
            attributes,
        )?)
    }

    /// Executes and seals a block; then executes it again and compares. Transactions that are refused are an
    /// error.
    ///
    /// # Errors
    /// If a transaction is refused or the replay differs.
    pub fn build(
        &mut self,
        transactions: &[Bytes],
        limits: BatchLimits,
    ) -> Result<(SealedBlock, BlockWitness)> {
        let built = self.build_measured(transactions, limits)?;
        Ok((built.block, built.witness))
    }

    /// As [`Self::build`], with what proving takes.
    ///
    /// # Errors
    /// As there.
    pub fn build_measured(&mut self, transactions: &[Bytes], limits: BatchLimits) -> Result<Built> {
        let mut builder = self.open()?;
        let mut work = Vec::new();
        for (index, raw) in transactions.iter().enumerate() {
            let executed = builder
                .execute(raw.clone())
                .with_context(|| format!("transaction {index}"))?;
            work.push(executed.work);
        }
        let sealed = builder.seal()?;
        let replayed = replay(
            self.nodes.clone(),
            self.rules,
            &self.parent,
            &self.hashes,
            &sealed.block,
            limits,
        )?;
        ensure!(
            replayed.codes == sealed.codes,
            "the replay makes other codes"
        );
        self.nodes.extend(&replayed.nodes, &replayed.codes);
        for (hash, _) in &sealed.nodes {
            let known = replayed.nodes.iter().any(|(node, _)| node == hash);
            ensure!(known, "the replay lacks node {hash}");
        }
        self.hashes.push(sealed.block.hash);
        self.parent = sealed.block.header.clone();
        Ok(Built {
            block: sealed.block,
            witness: replayed.witness,
            work,
        })
    }
}

/// The batches of the corpus' block of this name.
///
/// # Errors
/// If there is none, or it or one before it cannot be made.
pub fn batches_of(name: &str, limits: BatchLimits) -> Result<Vec<TransactionBatch>> {
    let corpus = Corpus::new();
    let mut chain = TestChain::new(&corpus.genesis)?;
    for block in &corpus.blocks {
        let (_, witness) = chain.build(&block.raw(), limits)?;
        if block.name == name {
            return Ok(witness.batches);
        }
    }
    bail!("no block of the corpus is called `{name}`")
}
