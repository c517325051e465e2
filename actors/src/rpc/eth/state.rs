//! Accounts, proofs and calls.

use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::rpc::types::{EIP1186AccountProofResponse, TransactionRequest};
use alloy::serde::JsonStorageKey;
use tern_execution::Outcome;
use tern_messages::Gas;

use super::Eth;
use crate::rpc::error::RpcFailure;
use crate::rpc::reader::Found;

/// Most slots in one proof: each costs a walk through the trie.
const MAX_PROOF_SLOTS: usize = 1024;

pub(super) fn balance(
    eth: &Eth,
    address: Address,
    block: Option<BlockId>,
) -> Result<U256, RpcFailure> {
    Ok(eth.reader.state(block)?.balance(address)?)
}

pub(super) fn nonce(
    eth: &Eth,
    address: Address,
    block: Option<BlockId>,
) -> Result<u64, RpcFailure> {
    if matches!(block, Some(BlockId::Number(BlockNumberOrTag::Pending))) {
        let head = eth.reader.head();
        let nonce = head.state.nonce(address)?;
        return Ok(head.nonce_with_waiting(address, nonce));
    }
    Ok(eth.reader.state(block)?.nonce(address)?)
}

pub(super) fn code(
    eth: &Eth,
    address: Address,
    block: Option<BlockId>,
) -> Result<Bytes, RpcFailure> {
    Ok(eth.reader.state(block)?.code(address)?)
}

pub(super) fn storage(
    eth: &Eth,
    address: Address,
    slot: JsonStorageKey,
    block: Option<BlockId>,
) -> Result<B256, RpcFailure> {
    let value = eth
        .reader
        .state(block)?
        .storage(address, slot.as_b256().into())?;
    Ok(value.into())
}

pub(super) fn proof(
    eth: &Eth,
    address: Address,
    slots: &[JsonStorageKey],
    block: Option<BlockId>,
) -> Result<EIP1186AccountProofResponse, RpcFailure> {
    if slots.len() > MAX_PROOF_SLOTS {
        let asked = slots.len();
        return Err(RpcFailure::Limit(format!(
            "{asked} storage slots were asked for; one proof covers at most {MAX_PROOF_SLOTS}"
        )));
    }
    let header = match eth.reader.find(block.unwrap_or_default())? {
        Some(Found::Sealed(header)) => header,
        Some(Found::Open(open)) => {
            let number = open.environment.number;
            return Err(RpcFailure::Parameter(format!(
                "block {number} is not sealed, so it has no state root to prove against"
            )));
        }
        None => return Err(RpcFailure::UnknownBlock),
    };
    let keys: Vec<B256> = slots.iter().map(JsonStorageKey::as_b256).collect();
    let mut answer = eth
        .reader
        .chain
        .state(header.header.state_root)
        .proof(address, &keys)?;
    // Clients find their slots by the form in which they asked.
    for (proof, slot) in answer.storage_proof.iter_mut().zip(slots) {
        proof.key = *slot;
    }
    Ok(answer)
}

pub(super) fn call(
    eth: &Eth,
    request: &TransactionRequest,
    block: Option<BlockId>,
) -> Result<Bytes, RpcFailure> {
    check_input(request)?;
    let done = eth
        .reader
        .context(block)?
        .call(request, Gas(eth.config.call_gas))?;
    match done.outcome {
        Outcome::Success { output } => Ok(output),
        Outcome::Reverted { output } => Err(RpcFailure::Reverted { output }),
        Outcome::Halted { reason } => Err(RpcFailure::Halted(reason)),
    }
}

pub(super) fn estimate(
    eth: &Eth,
    request: &TransactionRequest,
    block: Option<BlockId>,
) -> Result<u64, RpcFailure> {
    check_input(request)?;
    let limits = eth.reader.chain.spec.limits;
    let cap = limits.map_or(eth.config.call_gas, |limits| {
        limits.transaction_gas.min(eth.config.call_gas)
    });
    let context = eth.reader.context(block)?;
    Ok(context.estimate_gas(request, Gas(cap))?.0)
}

fn check_input(request: &TransactionRequest) -> Result<(), RpcFailure> {
    match (&request.input.input, &request.input.data) {
        (Some(input), Some(data)) if input != data => Err(RpcFailure::Parameter(
            "both `data` and `input` are set and not equal; please use `input`".to_owned(),
        )),
        _ => Ok(()),
    }
}
