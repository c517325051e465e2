//! `eth_estimateGas`: the least gas limit with which a call succeeds, found as go-ethereum finds it.

use alloy::primitives::{Bytes, U256};
use alloy::rpc::types::TransactionRequest;
use revm::context_interface::result::ExecutionResult;
use tern_messages::Gas;
use thiserror::Error;

use crate::call::CallContext;
use crate::engine::{halt_text, ran_out_of_gas};
use crate::error::{ExecutionError, StateError};

/// Gas of a plain transfer.
const TRANSFER: u64 = 21_000;
/// What a call with value lends to its callee.
const CALL_STIPEND: u64 = 2_300;
/// The search ends when the answer is known to within this many thousandths (go-ethereum: 0.015).
const ERROR_THOUSANDTHS: u64 = 15;

/// Why there is no estimate.
#[derive(Debug, Error)]
pub enum EstimateError {
    /// The call reverts whatever its gas.
    #[error("execution reverted")]
    Reverted {
        /// What it returned.
        output: Bytes,
    },
    /// The call faults whatever its gas.
    #[error("{reason}")]
    Halted {
        /// The fault in go-ethereum's words.
        reason: String,
    },
    /// Not even the greatest allowed gas limit is enough.
    #[error("gas required exceeds allowance ({allowance})")]
    ExceedsAllowance {
        /// The greatest gas limit that the sender's balance and the caps allow.
        allowance: u64,
    },
    /// The call cannot be executed at all.
    #[error(transparent)]
    Refused(#[from] ExecutionError),
}

impl From<StateError> for EstimateError {
    fn from(error: StateError) -> Self {
        Self::Refused(error.into())
    }
}

impl CallContext {
    /// The least gas limit with which the call succeeds, to within 1.5 %; at most `gas_cap`. What a block would
    /// refuse because it cannot be proven is refused here too.
    ///
    /// # Errors
    /// See [`EstimateError`].
    pub fn estimate_gas(
        &self,
        request: &TransactionRequest,
        gas_cap: Gas,
    ) -> Result<Gas, EstimateError> {
        let mut high = self.allowance(request, gas_cap)?;
        if self.is_plain_transfer(request)? && self.succeeds(request, TRANSFER)?.is_ok() {
            return Ok(Gas(TRANSFER));
        }
        let (used, refunded) = match self.succeeds(request, high)? {
            Ok(gas) => gas,
            Err(Some(error)) => return Err(error),
            Err(None) => return Err(EstimateError::ExceedsAllowance { allowance: high }),
        };
        let mut low = used.saturating_sub(1);
        // A call spends at most 63/64 of its gas in its callees, and refunds come afterwards.
        let optimistic = (used + refunded + CALL_STIPEND).saturating_mul(64) / 63;
        if optimistic < high {
            match self.succeeds(request, optimistic)? {
                Ok(_) => high = optimistic,
                Err(_) => low = optimistic,
            }
        }
        while low.saturating_add(1) < high {
            if (high - low).saturating_mul(1000) < high.saturating_mul(ERROR_THOUSANDTHS) {
                break;
            }
            // Most calls need little more than the lower bound.
            let middle = (low + (high - low) / 2).min(low.saturating_mul(2));
            match self.succeeds(request, middle)? {
                Ok(_) => high = middle,
                Err(_) => low = middle,
            }
        }
        Ok(Gas(high))
    }

    /// The greatest gas limit to consider.
    fn allowance(&self, request: &TransactionRequest, cap: Gas) -> Result<u64, EstimateError> {
        let asked = request.gas.filter(|gas| *gas >= TRANSFER);
        let mut high = asked.unwrap_or(self.environment.gas_limit.0).min(cap.0);
        let price = request
            .gas_price
            .or(request.max_fee_per_gas)
            .unwrap_or_default();
        if price > 0 {
            let address = request.from.unwrap_or_default();
            let value = request.value.unwrap_or_default();
            let spare = self
                .balance(address)?
                .checked_sub(value)
                .ok_or(ExecutionError::InsufficientFundsForTransfer { address })?;
            high = high.min((spare / U256::from(price)).saturating_to());
        }
        Ok(high)
    }

    fn is_plain_transfer(&self, request: &TransactionRequest) -> Result<bool, StateError> {
        let empty = request.input.input().is_none_or(|data| data.is_empty());
        match request.to.as_ref().and_then(|to| to.to()) {
            Some(to) if empty => Ok(self.code(*to)?.is_empty()),
            _ => Ok(false),
        }
    }

    /// Gas used and refunded with this limit, or the error that more gas does not cure, if it is known.
    fn succeeds(
        &self,
        request: &TransactionRequest,
        limit: u64,
    ) -> Result<Result<(u64, u64), Option<EstimateError>>, EstimateError> {
        match self.simulate(request, limit, self.rules.machine) {
            Err(ExecutionError::IntrinsicGas { .. }) => Ok(Err(None)),
            Err(error) => Err(error.into()),
            Ok(result) if ran_out_of_gas(&result) => Ok(Err(None)),
            Ok(ExecutionResult::Success { gas, .. }) => {
                Ok(Ok((gas.tx_gas_used(), gas.final_refunded())))
            }
            Ok(ExecutionResult::Revert { output, .. }) => {
                Ok(Err(Some(EstimateError::Reverted { output })))
            }
            Ok(ExecutionResult::Halt { reason, .. }) => Ok(Err(Some(EstimateError::Halted {
                reason: halt_text(&reason),
            }))),
        }
    }
}
