//! Transactions that the EVM ran in the first block of a chain.

use std::error::Error;
use std::sync::Arc;

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::primitives::{Address, B256, U256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use tern_execution::{
    BatchLimits, BlockAttributes, BlockBuilder, ChainRules, ExecutedTransaction, GenesisAccount,
    GenesisState, HashWindow, MachineLimits, MemoryNodes, replay,
};
use tern_messages::{Anchor, ChainId, Gas, TransactionBatch};

const CHAIN: ChainId = ChainId(33050);
const GAS: u64 = 400_000_000;

/// One transaction batch, and what came of its transactions.
pub(crate) struct Ran {
    pub(crate) batch: TransactionBatch,
    pub(crate) executed: Vec<ExecutedTransaction>,
}

impl Ran {
    /// Runs the transactions of a rich account, which is added to `genesis`. Each may use all gas that is left; what else
    /// they need beside destination and data is filled in.
    pub(crate) fn of(
        mut genesis: GenesisState,
        transactions: impl IntoIterator<Item = TxEip1559>,
    ) -> Result<Self, Box<dyn Error>> {
        let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(1))?;
        let rich = GenesisAccount {
            balance: U256::from(10).pow(U256::from(24)),
            ..GenesisAccount::default()
        };
        genesis.accounts.insert(signer.address(), rich);
        let rules = ChainRules::provable(CHAIN).limited(MachineLimits::NONE);
        let genesis = genesis
            .with_beacon_roots()
            .block(&rules, 1_000, Gas(GAS), 7)?;
        let nodes = Arc::new(MemoryNodes::new());
        nodes.extend(&genesis.nodes, &genesis.codes);
        let hashes = HashWindow::new([genesis.block.hash]);
        let parent = genesis.block.header;
        let attributes = BlockAttributes {
            timestamp: 1_002,
            beneficiary: Address::repeat_byte(0xbe),
            gas_limit: Gas(GAS),
            anchor: Anchor::default(),
        };
        let mut builder =
            BlockBuilder::new(nodes.clone(), rules, &parent, hashes.clone(), attributes)?;
        let mut executed = Vec::new();
        let mut left = GAS;
        for (nonce, transaction) in (0..).zip(transactions) {
            let body = TxEip1559 {
                chain_id: CHAIN.0,
                nonce,
                gas_limit: left,
                max_fee_per_gas: 1_000_000_000,
                max_priority_fee_per_gas: 1,
                ..transaction
            };
            let signature = signer.sign_hash_sync(&body.signature_hash())?;
            let raw = TxEnvelope::from(body.into_signed(signature)).encoded_2718();
            let done = builder.execute(raw.into())?;
            left -= done.receipt.gas_used;
            executed.push(done);
        }
        let sealed = builder.seal()?;
        let limits = BatchLimits {
            transactions: 1000,
            gas: u64::MAX,
            cycles: u64::MAX,
        };
        let mut replayed = replay(nodes, rules, &parent, &hashes, &sealed.block, limits)?;
        let batch = replayed.witness.batches.swap_remove(0);
        Ok(Self { batch, executed })
    }
}
