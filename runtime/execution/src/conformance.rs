//! Blocks on arbitrary states in arbitrary environments, for the public test vectors and for comparison with
//! other implementations.
//!
//! The path is the chain's own: what is tested here is what the chain runs.

use std::sync::Arc;

use alloy::primitives::{B256, Bytes, Log, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use tern_messages::SealedBlock;

use crate::builder::BlockBuilder;
use crate::environment::{BlockEnvironment, ChainRules};
use crate::error::{ExecutionError, StateError};
use crate::genesis::GenesisState;
use crate::replay::{ReplayError, Replayed, record};
use crate::source::{MemoryNodes, Overlay};
use crate::transaction::SignedTransaction;
use crate::trie::update;
use crate::validation;
use crate::view::StateView;
use crate::window::HashWindow;
use crate::witness::BatchLimits;

/// What one transaction made of a state.
#[derive(Debug)]
pub struct Applied {
    /// The state root afterwards; that of the pre-state if the transaction was refused.
    pub state_root: B256,
    /// Logs, in order.
    pub logs: Vec<Log>,
    /// Why the transaction was refused, if it was.
    pub refused: Option<ExecutionError>,
}

impl Applied {
    /// keccak256 of the RLP of the logs, as the vectors give it.
    pub fn logs_hash(&self) -> B256 {
        keccak256(alloy::rlp::encode(&self.logs))
    }
}

/// Executes one transaction on `state`.
///
/// # Errors
/// If the state cannot be built or read. A refused transaction is not an error here.
pub fn apply(
    state: &GenesisState,
    rules: ChainRules,
    environment: BlockEnvironment,
    hashes: HashWindow,
    raw: Bytes,
) -> Result<Applied, StateError> {
    let decoded = SignedTransaction::decode(raw, rules.chain_id);
    apply_decoded(state, rules, environment, hashes, decoded)
}

/// Executes one transaction on `state`, if it was decoded.
///
/// # Errors
/// As [`apply`].
pub fn apply_decoded(
    state: &GenesisState,
    rules: ChainRules,
    environment: BlockEnvironment,
    hashes: HashWindow,
    decoded: Result<SignedTransaction, ExecutionError>,
) -> Result<Applied, StateError> {
    let (root, nodes, codes) = state.build()?;
    let source = MemoryNodes::new();
    source.extend(&nodes, &codes);
    let mut block = BlockBuilder::open(Arc::new(source), rules, root, environment, hashes)?;
    let executed = decoded.and_then(|transaction| block.execute_signed(transaction));
    let (logs, refused) = match executed {
        Ok(executed) => (executed.receipt.envelope.logs().to_vec(), None),
        Err(ExecutionError::State(error)) => return Err(error),
        Err(refused) => (Vec::new(), Some(refused)),
    };
    Ok(Applied {
        state_root: block.fold()?,
        logs,
        refused,
    })
}

/// Opens a block in an arbitrary environment.
///
/// # Errors
/// If the state cannot be read.
pub fn open(
    state: &StateView,
    rules: ChainRules,
    environment: BlockEnvironment,
    hashes: HashWindow,
) -> Result<BlockBuilder, StateError> {
    BlockBuilder::open(
        state.source().clone(),
        rules,
        state.root(),
        environment,
        hashes,
    )
}

/// As [`replay`](crate::replay), in an arbitrary environment.
///
/// # Errors
/// As there.
pub fn witness(
    state: &StateView,
    rules: ChainRules,
    environment: BlockEnvironment,
    hashes: &HashWindow,
    block: &SealedBlock,
    limits: BatchLimits,
) -> Result<Replayed, ReplayError> {
    let (source, root) = (state.source().clone(), state.root());
    let builder = BlockBuilder::recording(source, rules, root, environment, hashes.clone())?;
    record(builder, rules, hashes, root, block, limits)
}

/// Decodes a transaction as [`SignedTransaction::decode`] does, for whichever chain it was signed, if for one.
///
/// # Errors
/// As there.
pub fn decode(raw: Bytes) -> Result<SignedTransaction, ExecutionError> {
    SignedTransaction::decode_for_any_chain(raw)
}

/// Gas that a transaction needs before its execution begins.
pub fn intrinsic_gas(transaction: &SignedTransaction) -> u64 {
    validation::intrinsic_gas(transaction)
}

/// The root of an empty trie after `changes`, each written and read back before the next. `None` removes.
///
/// # Errors
/// If the trie cannot be changed.
pub fn trie_root(changes: &[(Bytes, Option<Bytes>)]) -> Result<B256, StateError> {
    let nodes = Overlay::new(Arc::new(MemoryNodes::new()));
    changes
        .iter()
        .try_fold(EMPTY_ROOT_HASH, |root, (key, value)| {
            let value = value.as_ref().map(|value| value.to_vec());
            update(&nodes, root, vec![(key.clone(), value)])
        })
}
