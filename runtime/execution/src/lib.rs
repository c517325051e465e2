//! Pure execution: state and transactions in; blocks, receipts, proofs and witnesses out.
//!
//! ```text
//!            NodeSource (trie nodes and codes by hash; elsewhere on disk, MemoryNodes in tests)
//!                 |
//! StateView at a root ---- account, storage, code, EIP-1186 proof, CallContext (eth_call, estimates)
//!                 |
//! BlockBuilder:  system call (EIP-4788) -> execute, execute, ... -> seal -> SealedOutcome
//!                 |                            |                              block + new nodes + codes
//! replay: the same again from the sealed block, compared field by field -> BlockWitness for the prover
//! ```
//!
//! The EVM is revm at Cancun rules. State is kept in the standard Merkle-Patricia tries; nodes are stored by
//! hash and never deleted, so that every historical root stays readable. The same engine runs the rollup
//! (provable: [`ChainRules::provable`]) and a plain EVM chain ([`ChainRules::plain`]).
//!
//! Nothing here touches the disk, the network or the clock, and nothing is shared between values but what a
//! caller shares by `Arc`.

mod builder;
mod call;
mod changes;
mod collision;
pub mod conformance;
mod database;
mod engine;
mod environment;
mod error;
mod estimate;
mod genesis;
mod header;
mod meter;
mod outcome;
mod precompiles;
mod proof;
mod replay;
mod source;
#[cfg(test)]
mod tests;
mod touched;
mod transaction;
mod trie;
mod validation;
mod view;
mod window;
mod witness;

pub use builder::{BlockBuilder, ExecutedTransaction, SealedOutcome};
pub use call::{CallContext, CallOutcome};
pub use environment::{BlockAttributes, BlockEnvironment, ChainRules, HeaderBloom, next_base_fee};
pub use error::{ErrorKind, ExecutionError, StateError};
pub use estimate::EstimateError;
pub use genesis::{GenesisAccount, GenesisError, GenesisOutcome, GenesisState};
pub use meter::{Excess, MachineLimits, MachineResource, MachineWork};
pub use outcome::Outcome;
pub use replay::{ReplayError, Replayed, replay};
pub use source::{MemoryNodes, NodeSource, SourceError};
pub use transaction::SignedTransaction;
pub use view::{AccountState, StateView};
pub use window::{HashWindow, WINDOW};
pub use witness::BatchLimits;
