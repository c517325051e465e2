//! Signed transactions: decoding, sender, and the checks that need no state.

use alloy::consensus::transaction::SignerRecoverable;
use alloy::consensus::{Transaction, TxEnvelope, TxType};
use alloy::eips::eip2718::Decodable2718;
use alloy::primitives::{Address, B256, Bytes};
use revm::context::TxEnv;
use tern_messages::{ChainId, MAX_TRANSACTION_SIZE};

use crate::error::ExecutionError;

/// Types 3 (EIP-4844) and 4 (EIP-7702) exist on Ethereum, but not here.
const BLOB: u8 = 3;
const SET_CODE: u8 = 4;

/// A well-formed transaction of this chain whose signature yielded a sender.
#[derive(Clone, Debug)]
pub struct SignedTransaction {
    envelope: TxEnvelope,
    raw: Bytes,
    sender: Address,
}

impl SignedTransaction {
    /// Decodes EIP-2718 bytes strictly, recovers the sender, and makes the checks that need no state:
    /// size, type, chain id, fee order.
    ///
    /// # Errors
    /// [`ExecutionError`] of the kind `Invalid`.
    pub fn decode(raw: Bytes, chain_id: ChainId) -> Result<Self, ExecutionError> {
        let envelope = envelope(&raw)?;
        match envelope.chain_id() {
            Some(have) if have == chain_id.0 => {}
            Some(have) => {
                return Err(ExecutionError::ChainId {
                    have,
                    want: chain_id.0,
                });
            }
            None => return Err(ExecutionError::Unprotected),
        }
        Self::recover(envelope, raw)
    }

    /// As [`Self::decode`], for whichever chain it was signed, if for one.
    pub(crate) fn decode_for_any_chain(raw: Bytes) -> Result<Self, ExecutionError> {
        Self::recover(envelope(&raw)?, raw)
    }

    fn recover(envelope: TxEnvelope, raw: Bytes) -> Result<Self, ExecutionError> {
        let sender = envelope
            .recover_signer()
            .map_err(|_| ExecutionError::InvalidSender)?;
        let priority = envelope.max_priority_fee_per_gas().unwrap_or_default();
        let max_fee = envelope.max_fee_per_gas();
        if priority > max_fee {
            return Err(ExecutionError::TipAboveFeeCap {
                address: sender,
                priority,
                max_fee,
            });
        }
        Ok(Self {
            envelope,
            raw,
            sender,
        })
    }

    /// The decoded transaction.
    pub fn envelope(&self) -> &TxEnvelope {
        &self.envelope
    }

    /// The transaction as the user sent it.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// Who signed it.
    pub fn sender(&self) -> Address {
        self.sender
    }

    /// keccak256 of the raw bytes.
    pub fn hash(&self) -> B256 {
        *self.envelope.tx_hash()
    }

    /// Price per gas in a block with this base fee, in wei.
    pub fn effective_gas_price(&self, base_fee: u64) -> u128 {
        self.envelope.effective_gas_price(Some(base_fee))
    }

    pub(crate) fn for_evm(&self) -> TxEnv {
        let tx = &self.envelope;
        TxEnv {
            tx_type: tx.tx_type() as u8,
            caller: self.sender,
            gas_limit: tx.gas_limit(),
            gas_price: tx.max_fee_per_gas(),
            kind: tx.kind(),
            value: tx.value(),
            data: tx.input().clone(),
            nonce: tx.nonce(),
            chain_id: tx.chain_id(),
            access_list: tx.access_list().cloned().unwrap_or_default(),
            gas_priority_fee: (tx.tx_type() == TxType::Eip1559)
                .then(|| tx.max_priority_fee_per_gas().unwrap_or_default()),
            ..TxEnv::default()
        }
    }
}

/// Decodes EIP-2718 bytes strictly.
fn envelope(raw: &[u8]) -> Result<TxEnvelope, ExecutionError> {
    if raw.len() > MAX_TRANSACTION_SIZE {
        let (size, limit) = (raw.len(), MAX_TRANSACTION_SIZE);
        return Err(ExecutionError::Oversized { size, limit });
    }
    check_type(raw)?;
    TxEnvelope::decode_2718_exact(raw).map_err(|error| ExecutionError::Malformed {
        reason: error.to_string(),
    })
}

/// Refuses types that are not executed, before their bodies are parsed.
fn check_type(raw: &[u8]) -> Result<(), ExecutionError> {
    let detail = match raw.first() {
        None => {
            return Err(ExecutionError::Malformed {
                reason: "input too short".to_owned(),
            });
        }
        // An RLP list: a legacy transaction.
        Some(0xc0..) | Some(1 | 2) => return Ok(()),
        Some(&BLOB) => {
            "blob transactions (type 3, EIP-4844) are not executed on this chain".to_owned()
        }
        Some(&SET_CODE) => {
            "set-code transactions (type 4, EIP-7702) do not exist at Cancun rules".to_owned()
        }
        Some(other) => format!("type {other:#04x}"),
    };
    Err(ExecutionError::TypeNotSupported { detail })
}
