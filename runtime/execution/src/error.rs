//! Why a transaction was not executed, and why state could not be read.
//!
//! The texts of refusals are those of go-ethereum: wallets and libraries recognise them.

use alloy::primitives::{Address, B256, U256};
use revm::database_interface::DBErrorMarker;
use thiserror::Error;

use crate::meter::Excess;
use crate::source::SourceError;

/// What a refusal means for the one who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The transaction is at fault. Sending it again unchanged does not help as the state stands.
    Invalid,
    /// Nothing is wrong with the transaction, it does not fit now: the open block is full, or an earlier
    /// nonce is missing. It may be executed later.
    NotNow,
    /// The state could not be read: the node's fault.
    Internal,
}

/// Why a transaction was not executed. The state is as before.
#[derive(Debug, Error)]
pub enum ExecutionError {
    /// The bytes are no transaction.
    #[error("rlp: {reason}")]
    Malformed {
        /// What the decoder found.
        reason: String,
    },
    /// More bytes than accepted.
    #[error("oversized data: transaction size {size}, limit {limit}")]
    Oversized {
        /// Size, in bytes.
        size: usize,
        /// Greatest size, in bytes.
        limit: usize,
    },
    /// A type that this chain does not execute.
    #[error("transaction type not supported: {detail}")]
    TypeNotSupported {
        /// Which and why.
        detail: String,
    },
    /// A legacy transaction signed without chain id (before EIP-155): anyone could replay it elsewhere.
    #[error("only replay-protected (EIP-155) transactions allowed over RPC")]
    Unprotected,
    /// Signed for another chain.
    #[error("invalid sender: invalid chain id for signer: have {have} want {want}")]
    ChainId {
        /// The transaction's chain id.
        have: u64,
        /// This chain's id.
        want: u64,
    },
    /// The signature yields no sender.
    #[error("invalid sender")]
    InvalidSender,
    /// The nonce was used.
    #[error("nonce too low: address {address}, tx: {transaction} state: {state}")]
    NonceTooLow {
        /// The sender.
        address: Address,
        /// The transaction's nonce.
        transaction: u64,
        /// The sender's next nonce.
        state: u64,
    },
    /// An earlier nonce is missing.
    #[error("nonce too high: address {address}, tx: {transaction} state: {state}")]
    NonceTooHigh {
        /// The sender.
        address: Address,
        /// The transaction's nonce.
        transaction: u64,
        /// The sender's next nonce.
        state: u64,
    },
    /// The greatest nonce cannot be used (EIP-2681).
    #[error("nonce has max value: address {address}, nonce: {nonce}")]
    NonceMax {
        /// The sender.
        address: Address,
        /// The nonce.
        nonce: u64,
    },
    /// The sender is a contract (EIP-3607).
    #[error("sender not an eoa: address {address}, codehash: {code_hash}")]
    SenderIsContract {
        /// The sender.
        address: Address,
        /// Hash of its code.
        code_hash: B256,
    },
    /// The fee cap lies below the base fee.
    #[error(
        "max fee per gas less than block base fee: address {address}, maxFeePerGas: {max_fee}, \
         baseFee: {base_fee}"
    )]
    FeeCapTooLow {
        /// The sender.
        address: Address,
        /// The transaction's fee cap, in wei.
        max_fee: u128,
        /// The block's base fee, in wei.
        base_fee: u64,
    },
    /// The priority fee exceeds the fee cap.
    #[error(
        "max priority fee per gas higher than max fee per gas: address {address}, \
         maxPriorityFeePerGas: {priority}, maxFeePerGas: {max_fee}"
    )]
    TipAboveFeeCap {
        /// The sender.
        address: Address,
        /// The transaction's priority fee, in wei.
        priority: u128,
        /// The transaction's fee cap, in wei.
        max_fee: u128,
    },
    /// The balance does not cover the worst case.
    #[error(
        "insufficient funds for gas * price + value: address {address} have {have} want {want}"
    )]
    InsufficientFunds {
        /// The sender.
        address: Address,
        /// Its balance, in wei.
        have: U256,
        /// What the transaction may cost, in wei.
        want: U256,
    },
    /// A worst case that exceeds 256 bits.
    #[error(
        "insufficient funds for gas * price + value: address {address} required balance exceeds 256 bits"
    )]
    CostOverflow {
        /// The sender.
        address: Address,
    },
    /// A value that the sender does not have, in a call that pays no fee.
    #[error("insufficient funds for transfer: address {address}")]
    InsufficientFundsForTransfer {
        /// The sender.
        address: Address,
    },
    /// The gas limit does not cover the transaction itself.
    #[error("intrinsic gas too low: have {have}, want {want}")]
    IntrinsicGas {
        /// The gas limit.
        have: u64,
        /// What is needed before execution begins.
        want: u64,
    },
    /// The gas limit exceeds any block's.
    #[error("exceeds block gas limit: have {have}, limit {limit}")]
    ExceedsBlockGasLimit {
        /// The gas limit.
        have: u64,
        /// The block's gas limit.
        limit: u64,
    },
    /// The open block has less gas left than the transaction's limit.
    #[error(
        "gas limit reached: the open block has {left} gas left, the transaction asks for {want}"
    )]
    BlockFull {
        /// Gas left in the block.
        left: u64,
        /// The transaction's gas limit.
        want: u64,
    },
    /// What a proof that begins with this transaction needs of the open block's earlier ones (a leaf that is shown,
    /// branches that they added) takes memory that it needs itself. It fits into the next block.
    #[error(
        "the open block is full: beside its transactions, {needs} cells of machine memory would be needed, {limit} are \
         there; the transaction fits into the next block"
    )]
    Crowded {
        /// Cells that are needed.
        needs: u64,
        /// Cells that there are.
        limit: u64,
    },
    /// The code to deploy is too long (EIP-3860).
    #[error("max initcode size exceeded: code size {size} limit {limit}")]
    InitCodeSize {
        /// Its length, in bytes.
        size: usize,
        /// The greatest length, in bytes.
        limit: usize,
    },
    /// The same transaction is already part of this block.
    #[error("already known")]
    AlreadyKnown,
    /// Proving it would take more than the chain allows. The figure is where counting ended.
    #[error("transaction cannot be proven: {0}")]
    Unprovable(Excess),
    /// Refused by the EVM for a reason that validation does not know.
    #[error("invalid transaction: {reason}")]
    Refused {
        /// The EVM's reason.
        reason: String,
    },
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<Excess> for ExecutionError {
    fn from(excess: Excess) -> Self {
        Self::Unprovable(excess)
    }
}

impl ExecutionError {
    /// What the refusal means for the one who asked.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::State(_) => ErrorKind::Internal,
            Self::BlockFull { .. } | Self::Crowded { .. } | Self::NonceTooHigh { .. } => {
                ErrorKind::NotNow
            }
            _ => ErrorKind::Invalid,
        }
    }
}

/// Why state could not be read or changed.
#[derive(Debug, Error)]
pub enum StateError {
    /// The source could not look.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A trie node is not there.
    #[error("the state is incomplete: trie node {hash} is missing")]
    MissingNode {
        /// The node's hash.
        hash: B256,
    },
    /// A contract's code is not there.
    #[error("the state is incomplete: code {hash} is missing")]
    MissingCode {
        /// The code's hash.
        hash: B256,
    },
    /// What is stored under a hash is something else.
    #[error("the state is damaged: {hash}: {reason}")]
    Damaged {
        /// The hash.
        hash: B256,
        /// What was wrong.
        reason: String,
    },
    /// The trie could not be changed.
    #[error("the state trie could not be updated: {reason}")]
    Update {
        /// The trie's reason.
        reason: String,
    },
}

impl DBErrorMarker for StateError {}
