//! The independent check of a sealed block, and the witness that comes out of it.

use std::fmt::Debug;
use std::sync::Arc;

use alloy::consensus::Header;
use alloy::eips::eip2718::Encodable2718;
use alloy::primitives::{B256, Bytes};
use tern_messages::{BlockWitness, Gas, SealedBlock, TransactionBatch};
use thiserror::Error;

use crate::builder::{BlockBuilder, Candidate};
use crate::environment::{BlockAttributes, BlockEnvironment, ChainRules};
use crate::error::{ExecutionError, StateError};
use crate::meter::{MachineLimits, MachineWork};
use crate::source::NodeSource;
use crate::transaction::SignedTransaction;
use crate::window::HashWindow;
use crate::witness::{BatchLimits, Extract};

/// What executing a sealed block again yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// New trie nodes by hash, sorted. Those between transaction batches are among them.
    pub nodes: Vec<(B256, Bytes)>,
    /// New codes by hash, sorted.
    pub codes: Vec<(B256, Bytes)>,
    /// What a prover needs. Without batches if the block has no transactions.
    pub witness: BlockWitness,
}

/// Why a sealed block is not what its transactions make of its parent.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// A field of the header, or something else in the block, is not what execution gives.
    #[error("block {number}: {field} is {claimed}, execution gives {computed}")]
    Mismatch {
        /// The block's number.
        number: u64,
        /// The field's name, as JSON-RPC writes it.
        field: &'static str,
        /// What the block says.
        claimed: String,
        /// What execution gives.
        computed: String,
    },
    /// A transaction cannot be executed.
    #[error("block {number}: transaction {index} cannot be executed: {source}")]
    Transaction {
        /// The block's number.
        number: u64,
        /// The transaction's index in the block.
        index: usize,
        /// Why not.
        source: ExecutionError,
    },
    /// The parent's state cannot be read: nothing is known about the block.
    #[error(transparent)]
    State(#[from] StateError),
}

impl ReplayError {
    /// Whether the block itself was found wrong, rather than unreadable state.
    pub fn accuses_block(&self) -> bool {
        match self {
            Self::Mismatch { .. } => true,
            Self::Transaction { source, .. } => !matches!(source, ExecutionError::State(_)),
            Self::State(_) => false,
        }
    }
}

/// Executes a sealed block again on its parent's state and compares everything: each header field, the hash,
/// and each receipt. `hashes` are those of the 256 blocks before the block.
///
/// Timestamp, beneficiary, gas limit and anchor are the sealer's choice (the timestamp must not be less
/// than the parent's); whether they are acceptable is for the parent chain's contract to say.
///
/// # Errors
/// [`ReplayError`] names what differs.
pub fn replay(
    source: Arc<dyn NodeSource>,
    rules: ChainRules,
    parent: &Header,
    hashes: &HashWindow,
    block: &SealedBlock,
    limits: BatchLimits,
) -> Result<Replayed, ReplayError> {
    let claimed = &block.header;
    let number = claimed.number;
    let check = Check { number };
    check.equal("parentHash", claimed.parent_hash, hashes.parent())?;
    check.equal("parentHash", claimed.parent_hash, parent.hash_slow())?;
    if claimed.timestamp < parent.timestamp {
        let computed = format!("at least the parent's {}", parent.timestamp);
        return Err(check.error("timestamp", &claimed.timestamp, computed));
    }
    let attributes = BlockAttributes {
        timestamp: claimed.timestamp,
        beneficiary: claimed.beneficiary,
        gas_limit: Gas(claimed.gas_limit),
        anchor: block.anchor,
    };
    let environment = BlockEnvironment::after(&rules, parent, hashes.parent(), attributes);
    check.equal("number", number, environment.number)?;
    check.equal(
        "baseFeePerGas",
        claimed.base_fee_per_gas,
        Some(environment.base_fee),
    )?;

    let root = parent.state_root;
    let builder = BlockBuilder::recording(source, rules, root, environment, hashes.clone())?;
    record(builder, rules, hashes, root, block, limits)
}

/// Executes a block's transactions in an open recording block, compares, and makes the witness.
pub(crate) fn record(
    builder: BlockBuilder,
    rules: ChainRules,
    hashes: &HashWindow,
    root: B256,
    block: &SealedBlock,
    limits: BatchLimits,
) -> Result<Replayed, ReplayError> {
    let number = block.header.number;
    let check = Check { number };
    let mut run = Run {
        builder,
        block,
        rules,
        hashes,
        root,
        first: 0,
        gas_before: 0,
        work: MachineWork::default(),
        batches: Vec::new(),
    };
    for (index, raw) in block.transactions.iter().enumerate() {
        let refused = |source| ReplayError::Transaction {
            number,
            index,
            source,
        };
        let transaction =
            SignedTransaction::decode(raw.clone(), rules.chain_id).map_err(refused)?;
        let candidate = run.builder.run(transaction).map_err(refused)?;
        run.cut_before(index, &candidate, limits)?;
        run.builder.include(candidate)?;
        let claimed = block.receipts.get(index);
        check.equal("receipt", claimed, run.builder.receipts().get(index))?;
    }
    check.equal("receipts", block.receipts.len(), block.transactions.len())?;
    run.finish(check)
}

/// A replay under way.
struct Run<'a> {
    builder: BlockBuilder,
    block: &'a SealedBlock,
    rules: ChainRules,
    hashes: &'a HashWindow,
    /// State root before the current batch.
    root: B256,
    /// Index of the current batch's first transaction.
    first: usize,
    gas_before: u64,
    /// What proving the current batch's own transactions takes at most.
    work: MachineWork,
    batches: Vec<TransactionBatch>,
}

impl Run<'_> {
    /// Ends the batch before transaction `index` if that one does not fit into it.
    fn cut_before(
        &mut self,
        index: usize,
        next: &Candidate,
        limits: BatchLimits,
    ) -> Result<(), StateError> {
        let count = index - self.first;
        let gas = self
            .builder
            .gas_used()
            .0
            .saturating_sub(self.gas_before)
            .saturating_add(next.gas_used());
        let own = self.work.then(next.work());
        let work = self.builder.shown(self.first, index).with(own);
        let full = count >= limits.transactions
            || gas > limits.gas
            || work.cycles > limits.cycles
            || work.kept_cells > MachineLimits::KEPT_CELLS
            || work.cells.saturating_add(self.builder.grown_cells()) > MachineLimits::BATCH_CELLS;
        if count > 0 && full {
            self.end_batch()?;
            self.work = next.work();
        } else {
            self.work = own;
        }
        Ok(())
    }

    fn end_batch(&mut self) -> Result<(), StateError> {
        let source = self.builder.view().source().clone();
        let mut touched = self.builder.take_touched();
        let count = self.builder.transactions().len();
        let gas_used_after = self.builder.gas_used().0;
        let before = self.root;
        self.root = self.builder.fold()?;
        let extract = Extract::collect(&*source, before, &touched)?;
        let (nodes, storage) = extract.into_parts();
        touched.codes.retain(|_, code| !code.is_empty());
        let mut codes: Vec<Bytes> = touched.codes.into_values().collect();
        codes.sort_unstable();
        codes.dedup();
        let receipts = self.builder.receipts();
        self.batches.push(TransactionBatch {
            chain_id: self.rules.chain_id,
            header: self.block.header.clone(),
            previous_hashes: self.hashes.to_vec(),
            first_transaction: self.first as u64,
            transactions: self.builder.transactions().to_vec(),
            receipts: receipts
                .iter()
                .map(|one| one.envelope.encoded_2718().into())
                .collect(),
            gas_used_before: self.gas_before,
            gas_used_after,
            state_root_before: before,
            state_root_after: self.root,
            nodes,
            storage,
            codes,
        });
        self.first = count;
        self.gas_before = gas_used_after;
        Ok(())
    }

    fn finish(mut self, check: Check) -> Result<Replayed, ReplayError> {
        if self.builder.transactions().len() > self.first {
            self.end_batch()?;
        }
        let sealed = self.builder.seal()?;
        check.headers(&self.block.header, &sealed.block.header)?;
        check.equal("hash", self.block.hash, sealed.block.hash)?;
        let (nodes, codes) = (sealed.nodes, sealed.codes);
        Ok(Replayed {
            nodes,
            codes,
            witness: BlockWitness {
                batches: self.batches,
            },
        })
    }
}

/// Compares what a block claims with what execution gives.
#[derive(Clone, Copy)]
struct Check {
    number: u64,
}

impl Check {
    fn equal<T: PartialEq + Debug>(
        self,
        field: &'static str,
        claimed: T,
        computed: T,
    ) -> Result<(), ReplayError> {
        if claimed == computed {
            return Ok(());
        }
        Err(self.error(field, &claimed, format!("{computed:?}")))
    }

    fn error(self, field: &'static str, claimed: &impl Debug, computed: String) -> ReplayError {
        let (number, claimed) = (self.number, format!("{claimed:?}"));
        ReplayError::Mismatch {
            number,
            field,
            claimed,
            computed,
        }
    }

    fn headers(self, claimed: &Header, computed: &Header) -> Result<(), ReplayError> {
        let (a, b) = (claimed, computed);
        self.equal("gasUsed", a.gas_used, b.gas_used)?;
        self.equal("transactionsRoot", a.transactions_root, b.transactions_root)?;
        self.equal("receiptsRoot", a.receipts_root, b.receipts_root)?;
        self.equal("stateRoot", a.state_root, b.state_root)?;
        self.equal("logsBloom", a.logs_bloom, b.logs_bloom)?;
        self.equal("sha3Uncles", a.ommers_hash, b.ommers_hash)?;
        self.equal("miner", a.beneficiary, b.beneficiary)?;
        self.equal("difficulty", a.difficulty, b.difficulty)?;
        self.equal("number", a.number, b.number)?;
        self.equal("gasLimit", a.gas_limit, b.gas_limit)?;
        self.equal("timestamp", a.timestamp, b.timestamp)?;
        self.equal("extraData", &a.extra_data, &b.extra_data)?;
        self.equal("mixHash", a.mix_hash, b.mix_hash)?;
        self.equal("nonce", a.nonce, b.nonce)?;
        self.equal("baseFeePerGas", a.base_fee_per_gas, b.base_fee_per_gas)?;
        self.equal("withdrawalsRoot", a.withdrawals_root, b.withdrawals_root)?;
        self.equal("blobGasUsed", a.blob_gas_used, b.blob_gas_used)?;
        self.equal("excessBlobGas", a.excess_blob_gas, b.excess_blob_gas)?;
        let beacon = (a.parent_beacon_block_root, b.parent_beacon_block_root);
        self.equal("parentBeaconBlockRoot", beacon.0, beacon.1)?;
        // Fields of later forks, which a Cancun header lacks.
        self.equal("header", a, b)
    }
}
