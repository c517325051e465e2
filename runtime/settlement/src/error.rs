//! What can go wrong between this node and L2, and whether trying again can help.

use std::error::Error;
use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes, TxHash, U256};
use alloy::sol_types::{Revert as RevertString, SolError, SolInterface};
use alloy::transports::{RpcError, TransportError, TransportErrorKind};
use tern_messages::{BatchNumber, ChainId};
use thiserror::Error;

use crate::bindings::Foundations::FoundationsErrors;
use crate::bindings::IBridge::IBridgeErrors;
use crate::bindings::IDisputes::IDisputesErrors;
use crate::bindings::IExits::IExitsErrors;
use crate::bindings::IForcedQueue::IForcedQueueErrors;
use crate::bindings::IGovernance::IGovernanceErrors;
use crate::bindings::IInbox::IInboxErrors;
use crate::bindings::IL3Bridge::IL3BridgeErrors;
use crate::bindings::IRollup::IRollupErrors;
use crate::depth::Tag;
use crate::endpoint::L2Endpoint;
use crate::follower::FollowFailure;
use crate::posting::PostingError;

/// An answer was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AnswerLimit {
    /// It is longer than the endpoint allows.
    #[error("the answer is longer than {limit} bytes")]
    Length {
        /// The limit in bytes.
        limit: usize,
    },
    /// It did not come in time.
    #[error("no answer within {}s", after.as_secs_f32())]
    Time {
        /// The time.
        after: Duration,
    },
}

/// Why something about L2 did not succeed.
#[derive(Debug, Error)]
pub enum SettlementError {
    /// The HTTP client cannot be set up.
    #[error("the HTTP client for L2 cannot be set up: {0}")]
    Client(#[source] rustls::Error),
    /// The endpoint is not reached by HTTP.
    #[error("L2 at {endpoint} cannot be used: its URL must begin with http:// or https://")]
    Scheme {
        /// Scheme and host of the endpoint.
        endpoint: String,
    },
    /// No usable answer came.
    #[error("L2 at {endpoint} does not answer: {reason}")]
    Unreachable {
        /// Scheme and host of the endpoint.
        endpoint: String,
        /// What happened.
        reason: String,
    },
    /// L2 answered with an error.
    #[error("L2 at {endpoint} refused {action}: {message} (code {code})")]
    Refused {
        /// Scheme and host of the endpoint.
        endpoint: String,
        /// What was asked for.
        action: &'static str,
        /// JSON-RPC error code.
        code: i64,
        /// L2's words, shortened.
        message: String,
    },
    /// The answer is not what the method returns.
    #[error("L2 at {endpoint} gave a malformed answer to {action}: {reason}")]
    Malformed {
        /// Scheme and host of the endpoint.
        endpoint: String,
        /// What was asked for.
        action: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// L2 is another chain than the configured one.
    #[error("L2 at {endpoint} is chain {found}, but chain {expected} is configured")]
    WrongChain {
        /// Scheme and host of the endpoint.
        endpoint: String,
        /// Chain id of the configuration.
        expected: ChainId,
        /// Chain id of the endpoint.
        found: ChainId,
    },
    /// L2 does not show a block below its newest one: servers behind one endpoint lag.
    #[error("L2 at {endpoint} has no block {number} below its head")]
    NoBlock {
        /// Scheme and host of the endpoint.
        endpoint: String,
        /// The block's number.
        number: u64,
    },
    /// L2's server does not know (yet) which of its blocks has a name.
    #[error(
        "L2 at {endpoint} does not say which of its blocks is {tag}: {reason}. If it never does, leave l2.tag out and count \
         l2.confirmations"
    )]
    NoTag {
        /// Scheme and host of the endpoint.
        endpoint: String,
        /// The name.
        tag: Tag,
        /// L2's words, shortened.
        reason: String,
    },
    /// Nothing is deployed at the address.
    #[error("there is no contract at {address} on L2 chain {chain}; was it deployed there?")]
    NoContract {
        /// The configured address.
        address: Address,
        /// L2's chain id.
        chain: ChainId,
    },
    /// L2 lacks a contract that is needed to create the `Bridge`.
    #[error(
        "L2 at {endpoint} has no contract at {factory}, which creates the Bridge at the same address on every chain; have \
         it deployed there (it is the \"deterministic deployment proxy\"), or name a Bridge that exists in the chain file"
    )]
    NoFactory {
        /// Scheme and host of the endpoint.
        endpoint: String,
        /// Where it should be.
        factory: Address,
    },
    /// Something else than a `Rollup` is deployed at the address.
    #[error("the contract at {address} does not answer as a Rollup does; is the address right?")]
    NotARollup {
        /// The configured address.
        address: Address,
    },
    /// The `Rollup` belongs to another L3 chain.
    #[error("the Rollup at {address} has {what} {found}, but this chain has {expected}")]
    WrongRollup {
        /// The configured address.
        address: Address,
        /// Which of its constants differs.
        what: &'static str,
        /// This node's value.
        expected: String,
        /// The contract's value.
        found: String,
    },
    /// The chain's batches are final by proofs alone.
    #[error(
        "the Rollup at {rollup} was deployed without challenges: its batches are final by proofs alone"
    )]
    NoDisputes {
        /// The contract.
        rollup: Address,
    },
    /// The contract refused the call.
    #[error("L2 refused {action}: {revert}")]
    Reverted {
        /// What was asked for.
        action: &'static str,
        /// The contract's reason.
        revert: Revert,
    },
    /// The call would use more gas than a transaction may.
    #[error("the transaction needs {needed} gas; at most {limit} are allowed")]
    GasLimit {
        /// Estimated gas.
        needed: u64,
        /// Gas that a transaction may use.
        limit: u64,
    },
    /// The batch cannot be posted.
    #[error(transparent)]
    Posting(#[from] PostingError),
    /// A batch that the contract holds is not to be found in L2's logs or transactions (yet).
    #[error("batch {batch} is committed, but L2 does not show {what}")]
    PostingMissing {
        /// The batch.
        batch: BatchNumber,
        /// What is missing.
        what: &'static str,
    },
    /// A transaction could not be brought onto L2.
    #[error("the L2 transaction {action} did not get through: {failure}")]
    NotMined {
        /// What the transaction is for.
        action: &'static str,
        /// Why.
        failure: FollowFailure,
    },
    /// A mined transaction failed. Its reason is not in the receipt; `estimate_gas` had succeeded.
    #[error("the L2 transaction {hash} ({action}) was mined, but failed")]
    Failed {
        /// What the transaction is for.
        action: &'static str,
        /// The transaction.
        hash: TxHash,
    },
    /// The `Rollup` asks for a kind of proof that this program does not make.
    #[error(
        "the verifier at {address} takes proofs of the kind `{kind}`, which this program does not make"
    )]
    UnknownVerifier {
        /// The verifier.
        address: Address,
        /// What it calls its proofs.
        kind: String,
    },
    /// The `Rollup` asks for proofs of another circuit than this program makes.
    #[error(
        "the verifier at {verifier} takes proofs of circuit {asked}, and this program, tern {version}, makes those of \
         circuit {made}: run the version of tern that the verifier was deployed with",
        version = env!("CARGO_PKG_VERSION")
    )]
    OtherCircuit {
        /// The verifier.
        verifier: Address,
        /// Digest of its circuit.
        asked: B256,
        /// Digest of this program's circuit.
        made: B256,
    },
    /// The `Rollup` asks for more watchers' signatures than there are watchers to ask.
    #[error(
        "the Rollup asks for the signatures of {threshold} watchers (verifier {verifier}), and {known} can be asked; \
         name their RPC servers with --watcher, or in attestation.watchers"
    )]
    TooFewWatchers {
        /// The verifier that asks.
        verifier: Address,
        /// Signatures that it asks for.
        threshold: usize,
        /// Watchers that are configured.
        known: usize,
    },
    /// Not enough watchers have signed what was proven (yet).
    #[error(
        "batches {first} to {last} are signed by {signed} of the {threshold} watchers that verifier {verifier} asks for: {}",
        reasons.join("; ")
    )]
    NotAttested {
        /// First of the proven batches.
        first: BatchNumber,
        /// Last of the proven batches.
        last: BatchNumber,
        /// The verifier that asks.
        verifier: Address,
        /// Signatures that it asks for.
        threshold: usize,
        /// Signatures that are there.
        signed: usize,
        /// What the other watchers said, a sentence each.
        reasons: Vec<String>,
    },
    /// The EVM of L2 does not know the blocks of its own chain.
    #[error(
        "{endpoint} is at block {head}, but contracts there see block {number}, or no hash of the block before: blocks \
         of this chain cannot be named by an L3 (as on Arbitrum, where block.number is L1's)"
    )]
    UnsupportedL2 {
        /// The server.
        endpoint: String,
        /// Its newest block.
        head: u64,
        /// What NUMBER returns there.
        number: U256,
    },
    /// The signer could not sign.
    #[error("the L2 transaction cannot be signed: {0}")]
    Signing(#[source] alloy::signers::Error),
}

impl SettlementError {
    /// Whether trying again later may succeed without a change here. After a transaction that did not get
    /// through, read the contract's state first.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Malformed { .. }
            | Self::NoBlock { .. }
            | Self::NoTag { .. }
            | Self::PostingMissing { .. }
            | Self::Refused { .. }
            | Self::NotMined { .. }
            | Self::NotAttested { .. }
            | Self::OtherCircuit { .. }
            | Self::Failed { .. } => true,
            Self::Client(_)
            | Self::Scheme { .. }
            | Self::WrongChain { .. }
            | Self::NoContract { .. }
            | Self::NoFactory { .. }
            | Self::NotARollup { .. }
            | Self::WrongRollup { .. }
            | Self::NoDisputes { .. }
            | Self::Reverted { .. }
            | Self::GasLimit { .. }
            | Self::UnknownVerifier { .. }
            | Self::TooFewWatchers { .. }
            | Self::UnsupportedL2 { .. }
            | Self::Posting(_)
            | Self::Signing(_) => false,
        }
    }

    /// The contract's named error, when that is what happened.
    pub fn rollup_error(&self) -> Option<&IRollupErrors> {
        match self {
            Self::Reverted {
                revert: Revert::Rollup(error),
                ..
            } => Some(error),
            _ => None,
        }
    }

    /// What was said or happened, without where: for servers that are not L2.
    pub(crate) fn reason(self) -> String {
        match self {
            Self::Refused { message, .. } => message,
            Self::Unreachable { reason, .. } | Self::Malformed { reason, .. } => reason,
            other => other.to_string(),
        }
    }

    pub(crate) fn from_rpc(
        endpoint: &L2Endpoint,
        action: &'static str,
        error: TransportError,
    ) -> Self {
        let endpoint = endpoint.to_string();
        match error {
            RpcError::ErrorResp(payload) => match Revert::of(&payload) {
                Some(revert) => Self::Reverted { action, revert },
                None => Self::Refused {
                    endpoint,
                    action,
                    code: payload.code,
                    message: payload.message.chars().take(MESSAGE).collect(),
                },
            },
            RpcError::Transport(kind @ TransportErrorKind::HttpError(_)) => Self::Unreachable {
                endpoint,
                reason: kind.to_string(),
            },
            RpcError::Transport(kind) => Self::Unreachable {
                endpoint,
                reason: chain(&kind),
            },
            RpcError::NullResp => Self::Malformed {
                endpoint,
                action,
                reason: "null in place of a result".into(),
            },
            other => {
                let reason = other.to_string().chars().take(MESSAGE).collect();
                Self::Malformed {
                    endpoint,
                    action,
                    reason,
                }
            }
        }
    }
}

/// Characters of L2's words that are kept.
const MESSAGE: usize = 300;

/// An error with its causes, as one sentence.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text.chars().take(MESSAGE).collect()
}

/// Why a call reverted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revert {
    /// One of the contract's named errors.
    Rollup(IRollupErrors),
    /// The chain is halted or paused, or another refusal of its `Governance`.
    Governance(IGovernanceErrors),
    /// The reason of the contract of proposals and challenges.
    Disputes(IDisputesErrors),
    /// The bridge's reason.
    Bridge(Box<IBridgeErrors>),
    /// The reason of its way out of a chain that ended.
    Exits(Box<IExitsErrors>),
    /// The reason of the bridge on L3.
    L3Bridge(Box<IL3BridgeErrors>),
    /// The reason of the queue of messages.
    Inbox(Box<IInboxErrors>),
    /// The reason of the queue of forced transactions.
    ForcedQueue(Box<IForcedQueueErrors>),
    /// An error of the proof verifier or of access control.
    Foundation(FoundationsErrors),
    /// `revert("…")`.
    Message(String),
    /// Anything else, as it came.
    Other(Bytes),
}

impl Revert {
    /// Reads revert data.
    pub fn decode(data: &[u8]) -> Self {
        if let Ok(error) = IRollupErrors::abi_decode(data) {
            return Self::Rollup(error);
        }
        if let Ok(error) = IGovernanceErrors::abi_decode(data) {
            return Self::Governance(error);
        }
        if let Ok(error) = IDisputesErrors::abi_decode(data) {
            return Self::Disputes(error);
        }
        if let Ok(error) = FoundationsErrors::abi_decode(data) {
            return Self::Foundation(error);
        }
        if let Ok(error) = IBridgeErrors::abi_decode(data) {
            return Self::Bridge(Box::new(error));
        }
        if let Ok(error) = IExitsErrors::abi_decode(data) {
            return Self::Exits(Box::new(error));
        }
        if let Ok(error) = IL3BridgeErrors::abi_decode(data) {
            return Self::L3Bridge(Box::new(error));
        }
        if let Ok(error) = IInboxErrors::abi_decode(data) {
            return Self::Inbox(Box::new(error));
        }
        if let Ok(error) = IForcedQueueErrors::abi_decode(data) {
            return Self::ForcedQueue(Box::new(error));
        }
        match RevertString::abi_decode(data) {
            Ok(revert) => Self::Message(revert.reason),
            Err(_) => Self::Other(Bytes::copy_from_slice(data)),
        }
    }

    fn of(payload: &alloy::rpc::json_rpc::ErrorPayload) -> Option<Self> {
        match payload.as_revert_data() {
            Some(data) => Some(Self::decode(&data)),
            None if payload.message.contains("revert") => Some(Self::Other(Bytes::new())),
            None => None,
        }
    }
}

impl std::fmt::Display for Revert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rollup(error) => write!(f, "{error:?}"),
            Self::Governance(error) => write!(f, "{error:?}"),
            Self::Disputes(error) => write!(f, "{error:?}"),
            Self::Bridge(error) => write!(f, "{error:?}"),
            Self::Exits(error) => write!(f, "{error:?}"),
            Self::L3Bridge(error) => write!(f, "{error:?}"),
            Self::Inbox(error) => write!(f, "{error:?}"),
            Self::ForcedQueue(error) => write!(f, "{error:?}"),
            Self::Foundation(error) => write!(f, "{error:?}"),
            Self::Message(text) => write!(f, "{text:?}"),
            Self::Other(data) if data.is_empty() => write!(f, "reverted without a reason"),
            Self::Other(data) => write!(f, "reverted with {data}"),
        }
    }
}
