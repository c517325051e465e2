//! One transaction on an arbitrary state in an arbitrary environment, for the public test vectors.
//!
//! The path is the blocks' own: the vectors test what the chain runs.

use std::sync::Arc;

use alloy::primitives::{B256, Bytes, Log, keccak256};

use crate::builder::BlockBuilder;
use crate::environment::{BlockEnvironment, ChainRules};
use crate::error::{ExecutionError, StateError};
use crate::genesis::GenesisState;
use crate::source::MemoryNodes;
use crate::window::HashWindow;

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
    let (root, nodes, codes) = state.build()?;
    let source = MemoryNodes::new();
    source.extend(&nodes, &codes);
    let mut block = BlockBuilder::open(Arc::new(source), rules, root, environment, hashes)?;
    let (logs, refused) = match block.execute(raw) {
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
