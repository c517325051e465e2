//! The checks of a transaction against the state and the open block, in go-ethereum's order and words.

use alloy::consensus::Transaction;
use alloy::primitives::{KECCAK256_EMPTY, U256};
use revm::context_interface::Cfg;
use revm::context_interface::cfg::GasParams;
use revm::context_interface::result::InvalidTransaction;
use revm::primitives::eip3860::MAX_INITCODE_SIZE;
use revm::primitives::hardfork::SpecId;

use crate::changes::Basics;
use crate::environment::BlockEnvironment;
use crate::error::ExecutionError;
use crate::transaction::SignedTransaction;
use crate::view::AccountState;

/// Checks a transaction against its sender's account and the gas left in the block.
pub(crate) fn validate(
    transaction: &SignedTransaction,
    sender: Option<Basics>,
    environment: &BlockEnvironment,
    gas_left: u64,
) -> Result<(), ExecutionError> {
    let tx = transaction.envelope();
    let address = transaction.sender();
    let sender = sender.unwrap_or_else(|| AccountState::default().into());
    let (nonce, state) = (tx.nonce(), sender.nonce);
    if nonce < state {
        return Err(ExecutionError::NonceTooLow {
            address,
            transaction: nonce,
            state,
        });
    }
    if nonce > state {
        return Err(ExecutionError::NonceTooHigh {
            address,
            transaction: nonce,
            state,
        });
    }
    if nonce == u64::MAX {
        return Err(ExecutionError::NonceMax { address, nonce });
    }
    if sender.code_hash != KECCAK256_EMPTY {
        return Err(ExecutionError::SenderIsContract {
            address,
            code_hash: sender.code_hash,
        });
    }
    let max_fee = tx.max_fee_per_gas();
    let base_fee = environment.base_fee;
    if max_fee < u128::from(base_fee) {
        return Err(ExecutionError::FeeCapTooLow {
            address,
            max_fee,
            base_fee,
        });
    }
    let have = tx.gas_limit();
    let want = intrinsic_gas(transaction);
    if have < want {
        return Err(ExecutionError::IntrinsicGas { have, want });
    }
    let size = tx.input().len();
    if tx.is_create() && size > MAX_INITCODE_SIZE {
        return Err(ExecutionError::InitCodeSize {
            size,
            limit: MAX_INITCODE_SIZE,
        });
    }
    let limit = environment.gas_limit.0;
    if have > limit {
        return Err(ExecutionError::ExceedsBlockGasLimit { have, limit });
    }
    let want = U256::from(have)
        .checked_mul(U256::from(max_fee))
        .and_then(|fee| fee.checked_add(tx.value()))
        .ok_or(ExecutionError::CostOverflow { address })?;
    if sender.balance < want {
        return Err(ExecutionError::InsufficientFunds {
            address,
            have: sender.balance,
            want,
        });
    }
    if have > gas_left {
        return Err(ExecutionError::BlockFull {
            left: gas_left,
            want: have,
        });
    }
    Ok(())
}

/// Gas that a transaction needs before its execution begins.
pub(crate) fn intrinsic_gas(transaction: &SignedTransaction) -> u64 {
    GasParams::new_spec(SpecId::CANCUN)
        .initial_tx_gas_for_tx(transaction.for_evm(), None)
        .initial_total_gas()
}

/// revm's refusals in our words. Validation catches nearly all of them before.
pub(crate) fn refusal(
    error: InvalidTransaction,
    address: alloy::primitives::Address,
    configuration: &impl Cfg,
) -> ExecutionError {
    match error {
        InvalidTransaction::NonceTooLow { tx, state } => ExecutionError::NonceTooLow {
            address,
            transaction: tx,
            state,
        },
        InvalidTransaction::NonceTooHigh { tx, state } => ExecutionError::NonceTooHigh {
            address,
            transaction: tx,
            state,
        },
        InvalidTransaction::CallGasCostMoreThanGasLimit {
            initial_gas,
            gas_limit,
        } => ExecutionError::IntrinsicGas {
            have: gas_limit,
            want: initial_gas,
        },
        InvalidTransaction::LackOfFundForMaxFee { fee, balance } => {
            ExecutionError::InsufficientFunds {
                address,
                have: *balance,
                want: *fee,
            }
        }
        InvalidTransaction::OverflowPaymentInTransaction => {
            ExecutionError::CostOverflow { address }
        }
        InvalidTransaction::CreateInitCodeSizeLimit => ExecutionError::Refused {
            reason: format!(
                "max initcode size exceeded: limit {}",
                configuration.max_initcode_size()
            ),
        },
        other => ExecutionError::Refused {
            reason: other.to_string(),
        },
    }
}
