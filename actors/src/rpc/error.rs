//! Failures as JSON-RPC errors, with the codes and words that wallets know.

use std::time::Duration;

use alloy::primitives::{B256, Bytes, hex};
use alloy::sol_types::{GenericContractError, SolInterface};
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::types::error::{INTERNAL_ERROR_CODE, INVALID_PARAMS_CODE};
use tern_cluster::CallError;
use tern_execution::{EstimateError, ExecutionError, StateError};
use tern_messages::{BatchNumber, Rejection};
use tern_storage::StorageError;
use thiserror::Error;
use tracing::error;

use crate::main_node::ChainError;

/// go-ethereum's code for everything that has no code of its own.
const SERVER_ERROR: i32 = -32000;
/// EIP-1474: a request exceeds a limit of the server.
const LIMIT_EXCEEDED: i32 = -32005;
/// go-ethereum's code for a call that reverted; the data is what it returned.
const REVERTED: i32 = 3;
/// EIP-7966: the transaction was taken, but there is no receipt yet; the data is its hash.
const SYNC_TIMEOUT: i32 = 4;

/// Why a call failed.
#[derive(Debug, Error)]
pub enum RpcFailure {
    /// A parameter is well-formed, but makes no sense.
    #[error("{0}")]
    Parameter(String),
    /// The block is not there (yet).
    #[error("header not found")]
    UnknownBlock,
    /// The batch is not there (yet).
    #[error("batch {batch} was not taken from L2 yet; the last one that was is {last}")]
    UnknownBatch {
        /// The batch.
        batch: BatchNumber,
        /// The last one that is there.
        last: BatchNumber,
    },
    /// More was asked for than the server gives.
    #[error("{0}")]
    Limit(String),
    /// The call reverted.
    #[error("{}", revert_text(output))]
    Reverted {
        /// What it returned.
        output: Bytes,
    },
    /// The call ended by a fault of the EVM.
    #[error("{0}")]
    Halted(String),
    /// The call cannot be executed.
    #[error(transparent)]
    Execution(ExecutionError),
    /// There is no estimate.
    #[error("{0}")]
    Estimate(String),
    /// The transaction was not accepted.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The transaction waits, and the caller's patience is at an end.
    #[error("the transaction was added to the pool but was not executed within {waited:?}")]
    NotYet {
        /// Its hash.
        transaction: B256,
        /// How long the call waited.
        waited: Duration,
    },
    /// The main node did not answer. Whether it acted is unknown.
    #[error(
        "{0}; whether it accepted the transaction is not known, so look it up before sending again"
    )]
    NoAnswer(#[from] CallError),
    /// The node's own data cannot be read. Why is for the log: it may name files.
    #[error("internal error; the node's log says what is wrong")]
    Internal(String),
}

impl From<StateError> for RpcFailure {
    fn from(error: StateError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<StorageError> for RpcFailure {
    fn from(error: StorageError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<ChainError> for RpcFailure {
    fn from(error: ChainError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<ExecutionError> for RpcFailure {
    fn from(error: ExecutionError) -> Self {
        match error {
            ExecutionError::State(error) => error.into(),
            other => Self::Execution(other),
        }
    }
}

impl From<EstimateError> for RpcFailure {
    fn from(error: EstimateError) -> Self {
        match error {
            EstimateError::Reverted { output } => Self::Reverted { output },
            EstimateError::Halted { reason } => Self::Halted(reason),
            EstimateError::Refused(error) => error.into(),
            other => Self::Estimate(other.to_string()),
        }
    }
}

impl From<RpcFailure> for ErrorObjectOwned {
    fn from(failure: RpcFailure) -> Self {
        let text = failure.to_string();
        let plain = |code| Self::owned(code, text.clone(), None::<()>);
        match failure {
            RpcFailure::Parameter(_) => plain(INVALID_PARAMS_CODE),
            RpcFailure::Limit(_) | RpcFailure::Rejected(Rejection::HeldBack { .. }) => {
                plain(LIMIT_EXCEEDED)
            }
            RpcFailure::Reverted { output } => Self::owned(REVERTED, text, Some(output)),
            RpcFailure::NotYet { transaction, .. } => {
                Self::owned(SYNC_TIMEOUT, text, Some(transaction))
            }
            RpcFailure::Internal(reason) => {
                error!(target: "tern::rpc", %reason, "a request failed by a fault of this node");
                plain(INTERNAL_ERROR_CODE)
            }
            RpcFailure::NoAnswer(_) => plain(INTERNAL_ERROR_CODE),
            _ => plain(SERVER_ERROR),
        }
    }
}

/// go-ethereum's words for a revert.
fn revert_text(output: &Bytes) -> String {
    const PREFIX: &str = "execution reverted";
    let known = GenericContractError::abi_decode(output).ok();
    match (known, output.get(..4)) {
        (Some(GenericContractError::Revert(revert)), _) => format!("{PREFIX}: {}", revert.reason),
        (Some(GenericContractError::Panic(panic)), _) => {
            let kind = panic.kind().map(|kind| kind.as_str().to_owned());
            format!(
                "{PREFIX}: {}",
                kind.unwrap_or_else(|| format!("panic {}", panic.code))
            )
        }
        (_, Some(selector)) => format!("{PREFIX}: custom error {}", hex::encode_prefixed(selector)),
        (_, None) => PREFIX.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use alloy::sol_types::{Panic, PanicKind, Revert, SolError};

    use super::*;

    fn object(failure: RpcFailure) -> serde_json::Value {
        serde_json::to_value(ErrorObjectOwned::from(failure)).unwrap()
    }

    #[test]
    fn a_revert_has_code_3_the_reason_and_the_data() {
        let output: Bytes = Revert::from("not yours").abi_encode().into();
        let error = object(RpcFailure::Reverted {
            output: output.clone(),
        });
        assert_eq!(error["code"], 3);
        assert_eq!(error["message"], "execution reverted: not yours");
        assert_eq!(error["data"], output.to_string());
    }

    #[test]
    fn reverts_without_a_text_say_what_there_is() {
        let text = |output: Vec<u8>| revert_text(&output.into());
        assert_eq!(text(vec![]), "execution reverted");
        assert_eq!(text(vec![1, 2]), "execution reverted");
        assert_eq!(
            text(vec![0xde, 0xad, 0xbe, 0xef, 0]),
            "execution reverted: custom error 0xdeadbeef"
        );
        let overflow = Panic::from(PanicKind::UnderOverflow).abi_encode();
        assert_eq!(
            text(overflow),
            "execution reverted: arithmetic underflow or overflow"
        );
    }

    #[test]
    fn an_internal_error_does_not_show_the_nodes_files() {
        let error = object(RpcFailure::Internal("/srv/tern/db: broken".to_owned()));
        let message = error["message"].as_str().unwrap();
        assert!(
            !message.contains("/srv") && message.contains("log"),
            "{message}"
        );
    }

    #[test]
    fn codes_are_those_that_clients_expect() {
        let code = |failure| object(failure)["code"].as_i64().unwrap();
        assert_eq!(code(RpcFailure::Parameter(String::new())), -32602);
        assert_eq!(code(RpcFailure::Limit(String::new())), -32005);
        assert_eq!(code(RpcFailure::UnknownBlock), -32000);
        assert_eq!(code(RpcFailure::Rejected(Rejection::AlreadyKnown)), -32000);
        let hash = B256::repeat_byte(7);
        let error = object(RpcFailure::NotYet {
            transaction: hash,
            waited: Duration::from_secs(1),
        });
        assert_eq!(
            (error["code"].as_i64(), &error["data"]),
            (Some(4), &hash.to_string().into())
        );
    }
}
