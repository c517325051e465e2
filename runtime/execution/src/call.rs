//! `eth_call`: execution that leaves no trace, at any block or in the open one.

use std::collections::HashSet;
use std::sync::Arc;

use alloy::consensus::Header;
use alloy::primitives::{Address, Bytes, Log, TxKind, U256};
use alloy::rpc::types::TransactionRequest;
use revm::context::TxEnv;
use revm::context_interface::result::ExecutionResult;
use tern_messages::Gas;

use crate::changes::Changes;
use crate::database::BlockState;
use crate::engine::transact;
use crate::environment::{BlockEnvironment, ChainRules};
use crate::error::{ExecutionError, StateError};
use crate::meter::MachineLimits;
use crate::outcome::{Outcome, outcome};
use crate::view::StateView;
use crate::window::HashWindow;

/// A state and an environment to read and to call in. Cheap to clone, safe to use from any thread.
#[derive(Clone)]
pub struct CallContext {
    pub(crate) rules: ChainRules,
    pub(crate) environment: BlockEnvironment,
    hashes: Arc<HashWindow>,
    view: StateView,
    changes: Arc<Changes>,
}

/// What a call did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOutcome {
    /// How it ended.
    pub outcome: Outcome,
    /// Gas used, refunds taken off.
    pub gas_used: u64,
    /// Logs, if it succeeded.
    pub logs: Vec<Log>,
}

impl CallContext {
    /// The state after a sealed block, in that block's environment. `hashes` are those of the blocks before
    /// it.
    pub fn at(rules: ChainRules, view: StateView, header: &Header, hashes: HashWindow) -> Self {
        let environment = BlockEnvironment::of(&rules, header);
        Self::pending(rules, environment, Arc::new(hashes), view, Arc::default())
    }

    pub(crate) fn pending(
        rules: ChainRules,
        environment: BlockEnvironment,
        hashes: Arc<HashWindow>,
        view: StateView,
        changes: Arc<Changes>,
    ) -> Self {
        Self {
            rules,
            environment,
            hashes,
            view,
            changes,
        }
    }

    /// The environment that calls see.
    pub fn environment(&self) -> &BlockEnvironment {
        &self.environment
    }

    /// The account's balance, in wei.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn balance(&self, address: Address) -> Result<U256, StateError> {
        let account = self.changes.account(&self.view, address)?;
        Ok(account.map_or(U256::ZERO, |account| account.balance))
    }

    /// The account's nonce.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn nonce(&self, address: Address) -> Result<u64, StateError> {
        let account = self.changes.account(&self.view, address)?;
        Ok(account.map_or(0, |account| account.nonce))
    }

    /// The account's code; empty if it has none.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn code(&self, address: Address) -> Result<Bytes, StateError> {
        match self.changes.account(&self.view, address)? {
            None => Ok(Bytes::new()),
            Some(account) => Ok(self
                .changes
                .code(&self.view, account.code_hash)?
                .original_bytes()),
        }
    }

    /// The value of a storage slot.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.changes.storage(&self.view, address, slot)
    }

    /// Executes a call as `eth_call` does: no nonce check, no sender check, no fee unless the request names
    /// one, and at most `gas_cap` gas.
    ///
    /// # Errors
    /// If the request cannot be executed at all, or the state cannot be read. A call that reverts or halts
    /// is an outcome.
    pub fn call(
        &self,
        request: &TransactionRequest,
        gas_cap: Gas,
    ) -> Result<CallOutcome, ExecutionError> {
        let gas = request.gas.unwrap_or(gas_cap.0).min(gas_cap.0);
        // What only reads need not be proven.
        let result = self.simulate(request, gas, None)?;
        let gas_used = result.tx_gas_used();
        let logs = match &result {
            ExecutionResult::Success { logs, .. } => logs.clone(),
            _ => Vec::new(),
        };
        Ok(CallOutcome {
            outcome: outcome(result),
            gas_used,
            logs,
        })
    }

    pub(crate) fn simulate(
        &self,
        request: &TransactionRequest,
        gas_limit: u64,
        machine: Option<MachineLimits>,
    ) -> Result<ExecutionResult, ExecutionError> {
        let transaction = self.transaction(request, gas_limit)?;
        let free = transaction.gas_price == 0;
        let caller = transaction.caller;
        if free && self.balance(caller)? < transaction.value {
            return Err(ExecutionError::InsufficientFundsForTransfer { address: caller });
        }
        let mut configuration = self.rules.configuration();
        configuration.disable_nonce_check = true;
        configuration.disable_eip3607 = true;
        configuration.disable_block_gas_limit = true;
        configuration.disable_base_fee = free;
        let mut block = self.environment.block();
        if free {
            // As go-ethereum does: without a price, BASEFEE reads zero and nothing is paid.
            block.basefee = 0;
        }
        let state = BlockState {
            view: &self.view,
            changes: &self.changes,
            hashes: &self.hashes,
            number: self.environment.number,
            only_storage: HashSet::new(),
        };
        let rules = ChainRules {
            machine,
            ..self.rules
        };
        let ran = transact(state, block, &rules, configuration, transaction)?;
        Ok(ran.executed.result)
    }

    fn transaction(
        &self,
        request: &TransactionRequest,
        gas_limit: u64,
    ) -> Result<TxEnv, ExecutionError> {
        if request.blob_versioned_hashes.is_some() || request.authorization_list.is_some() {
            let detail = "blob and set-code transactions are not executed on this chain".to_owned();
            return Err(ExecutionError::TypeNotSupported { detail });
        }
        if let Some(have) = request.chain_id
            && have != self.rules.chain_id.0
        {
            return Err(ExecutionError::ChainId {
                have,
                want: self.rules.chain_id.0,
            });
        }
        let caller = request.from.unwrap_or_default();
        let max_fee = request.gas_price.or(request.max_fee_per_gas);
        let priority = request.max_priority_fee_per_gas.unwrap_or_default();
        if request.gas_price.is_some() && request.max_fee_per_gas.is_some() {
            let reason = "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified";
            return Err(ExecutionError::Refused {
                reason: reason.to_owned(),
            });
        }
        if let Some(max_fee) = request.max_fee_per_gas
            && max_fee < priority
        {
            return Err(ExecutionError::TipAboveFeeCap {
                address: caller,
                priority,
                max_fee,
            });
        }
        let dynamic =
            request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some();
        let access_list = request.access_list.clone().unwrap_or_default();
        Ok(TxEnv {
            tx_type: match (dynamic, request.access_list.is_some()) {
                (true, _) => 2,
                (false, true) => 1,
                (false, false) => 0,
            },
            caller,
            gas_limit,
            gas_price: max_fee.unwrap_or_default(),
            kind: request.to.unwrap_or(TxKind::Create),
            value: request.value.unwrap_or_default(),
            data: request.input.input().cloned().unwrap_or_default(),
            nonce: 0,
            chain_id: Some(self.rules.chain_id.0),
            access_list,
            gas_priority_fee: (dynamic && max_fee.is_some()).then_some(priority),
            ..TxEnv::default()
        })
    }
}
