//! How an execution ended, and its receipt.

use alloy::consensus::{Receipt as ConsensusReceipt, ReceiptEnvelope, Transaction};
use alloy::primitives::Bytes;
use revm::context_interface::result::ExecutionResult;
use tern_messages::Receipt;

use crate::engine::halt_text;
use crate::transaction::SignedTransaction;

/// How an execution ended. All of these are results, none is a failure to execute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned.
    Success {
        /// What it returned; for a creation, the deployed code.
        output: Bytes,
    },
    /// It undid everything with REVERT.
    Reverted {
        /// What it returned, often an ABI-encoded `Error(string)`.
        output: Bytes,
    },
    /// It ended by a fault, which consumed all gas.
    Halted {
        /// The fault in go-ethereum's words, such as `out of gas`.
        reason: String,
    },
}

impl Outcome {
    /// Whether execution returned normally.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Success { .. })
    }
}

pub(crate) fn outcome(result: ExecutionResult) -> Outcome {
    match result {
        ExecutionResult::Success { output, .. } => Outcome::Success {
            output: output.into_data(),
        },
        ExecutionResult::Revert { output, .. } => Outcome::Reverted { output },
        ExecutionResult::Halt { reason, .. } => Outcome::Halted {
            reason: halt_text(&reason),
        },
    }
}

/// The receipt of a transaction in a block with this base fee, after which the block has used
/// `cumulative_gas_used` gas.
pub(crate) fn receipt(
    transaction: &SignedTransaction,
    base_fee: u64,
    cumulative_gas_used: u64,
    result: &ExecutionResult,
) -> Receipt {
    // A reverted transaction has no logs; revm lists those from before the revert.
    let logs = match result {
        ExecutionResult::Success { logs, .. } => logs.clone(),
        _ => Vec::new(),
    };
    let status = result.is_success().into();
    let consensus = ConsensusReceipt {
        status,
        cumulative_gas_used,
        logs,
    };
    let tx = transaction.envelope();
    Receipt {
        envelope: ReceiptEnvelope::from_typed(tx.tx_type(), consensus.with_bloom()),
        transaction_hash: transaction.hash(),
        from: transaction.sender(),
        gas_used: result.tx_gas_used(),
        effective_gas_price: transaction.effective_gas_price(base_fee),
        contract_address: match tx.to() {
            None => Some(transaction.sender().create(tx.nonce())),
            Some(_) => None,
        },
    }
}
