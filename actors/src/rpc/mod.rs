//! The JSON-RPC server: HTTP and WebSocket on one port.
//!
//! ```text
//!  client ─▶ connection limits ─▶ Guard: time and concurrency ─▶ eth_, net_, web3_, tern_
//!                                                                  │ reads: disk and published Head
//!                                                                  └ transactions: the main node
//! ```
//!
//! # What the block tags mean
//! | tag | blocks, logs, proofs | state: balance, nonce, code, storage, call |
//! |---|---|---|
//! | `earliest` | genesis | genesis |
//! | `finalized` | last block verified on L2 | after it |
//! | `safe` | last block committed to L2 | after it |
//! | `latest` | last sealed block | after the last *confirmed* transaction |
//! | `pending` | open block | after the last confirmed transaction, calls at the present time |
//!
//! State at `latest` includes the open block because a transaction in it has a receipt and is durable:
//! wallets ask for `latest` right after they have seen a receipt, and would otherwise be told that nothing
//! happened. The nonce at `pending` counts transactions that wait as well.
//!
//! A receipt of the open block carries its number and a provisional hash, which stays valid in
//! `eth_getBlockByHash` after sealing.

mod attestation;
mod body;
mod convert;
mod error;
mod eth;
mod guard;
mod numbers;
mod reader;
mod server;
mod subscribe;
mod tern;
#[cfg(test)]
mod tests;
mod web;

pub use error::RpcFailure;
pub use reader::Reader;
pub use server::{RpcHandle, RpcServerError, RunningServer, bind, child};
