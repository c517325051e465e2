//! A chain in memory: builds blocks as the main node does, and checks each as the sequencer does.

use std::sync::Arc;

use alloy::consensus::Header;
use alloy::primitives::{Address, B256, Bytes};
use anyhow::{Context, Result, ensure};
use tern_execution::{
    BatchLimits, BlockAttributes, BlockBuilder, ChainRules, GenesisState, HashWindow, MemoryNodes,
    StateView, replay,
};
use tern_messages::{BlockWitness, Gas, SealedBlock};

use super::CHAIN;

/// Gas limit of the blocks.
pub const GAS_LIMIT: Gas = Gas(30_000_000);

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
        let rules = ChainRules::provable(CHAIN);
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
        let attributes = BlockAttributes {
            timestamp: self.parent.timestamp + 2,
            beneficiary: Address::repeat_byte(0xbe),
            gas_limit: GAS_LIMIT,
            parent_beacon_block_root: B256::with_last_byte(self.parent.number as u8),
        };
        let (nodes, hashes) = (self.nodes.clone(), self.hashes.clone());
        let mut builder =
            BlockBuilder::new(nodes.clone(), self.rules, &self.parent, hashes, attributes)?;
        for (index, raw) in transactions.iter().enumerate() {
            builder
                .execute(raw.clone())
                .with_context(|| format!("transaction {index}"))?;
        }
        let sealed = builder.seal()?;
        let replayed = replay(
            nodes,
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
        Ok((sealed.block, replayed.witness))
    }
}
