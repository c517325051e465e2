//! One block, made again from what was posted of it.

use alloy::consensus::Header;
use tern_execution::{
    BlockAttributes, BlockBuilder, ChainRules, ExecutionError, HashWindow, SealedOutcome,
};
use tern_messages::{Anchor, Gas};
use tern_settlement::PostedBlock;

use super::DerivationError;
use crate::main_node::Chain;

/// Executes a posted block, which names `anchor`, on its parent and compares what was posted with what comes out.
///
/// Blocks as they are on L2 have their places already: the limits by which a main node accepts transactions are none
/// of its history's.
///
/// # Errors
/// [`DerivationError::Differs`] names what differs; the other errors say nothing about the block.
pub(super) fn derive(
    chain: &Chain,
    parent: &Header,
    window: HashWindow,
    posted: &PostedBlock,
    anchor: Anchor,
) -> Result<SealedOutcome, DerivationError> {
    let number = parent.number.saturating_add(1);
    let differs = |what: String| DerivationError::Differs {
        block: number.into(),
        what,
    };
    if posted.timestamp < parent.timestamp {
        let (claimed, before) = (posted.timestamp, parent.timestamp);
        return Err(differs(format!(
            "its timestamp is {claimed}, the block before it has {before}"
        )));
    }
    let genesis = &chain.spec.genesis;
    let attributes = BlockAttributes {
        timestamp: posted.timestamp,
        beneficiary: genesis.beneficiary,
        gas_limit: Gas(genesis.gas_limit),
        anchor,
    };
    let rules = ChainRules::provable(genesis.chain_id);
    let mut builder = BlockBuilder::new(chain.nodes(), rules, parent, window, attributes)?;
    for (index, raw) in posted.transactions.iter().enumerate() {
        builder.execute(raw.clone()).map_err(|error| match error {
            ExecutionError::State(error) => error.into(),
            refused => differs(format!("transaction {index} cannot be executed: {refused}")),
        })?;
    }
    let sealed = builder.seal()?;
    let ours = &sealed.block.header;
    if ours.gas_used != posted.gas_used {
        let (claimed, made) = (posted.gas_used, ours.gas_used);
        return Err(differs(format!(
            "its gasUsed is {claimed}, execution gives {made}"
        )));
    }
    for (field, claimed, made) in [
        ("receiptsRoot", posted.receipts_root, ours.receipts_root),
        ("stateRoot", posted.state_root, ours.state_root),
    ] {
        if claimed != made {
            return Err(differs(format!(
                "its {field} is {claimed}, execution gives {made}"
            )));
        }
    }
    Ok(sealed)
}
