//! What a node is told: the chain that it belongs to, and how it runs.
//!
//! ```text
//! chain file (TOML or JSON) ─────────────────────────▶ ChainConfig   the same on every node
//!
//! defaults < TOML file < TERN_… environment < flags ─▶ NodeConfig    this process
//!                       │
//!                       └ checked as a whole, before any socket or database opens
//! ```
//!
//! * Unknown fields are refused. Every error names the file (or variable), the key and what is wrong.
//! * Secrets are named, not given: a key lives in a file or in a variable ([`KeySource`]); URLs may hold
//!   tokens and print without them ([`SecretUrl`]). Only the devnet has default keys, and they are public.
//! * The chain file has no environment or flag layer: a chain is one thing on all its nodes.
//!
//! Nothing here opens a connection, and nothing computes a genesis hash: that is execution.

mod attestation;
mod chain;
mod challenge;
mod cluster;
mod devnet;
mod error;
mod genesis;
mod key;
mod node;
mod sealing;
mod secret;

pub use attestation::AttestationConfig;
pub use chain::{CANONICAL_BRIDGE, ChainConfig, Profile, ProvingLimits};
pub use challenge::ChallengeConfig;
pub use cluster::{ClusterConfig, JoinTarget};
pub use devnet::{DEVELOPMENT_MNEMONIC, Devnet, development_key};
pub use error::ConfigError;
pub use genesis::{Genesis, GenesisAccount};
pub use key::KeySource;
pub use node::{
    L2Config, L2Tag, LogLimits, MessagesConfig, NodeConfig, PoolConfig, ProverConfig, RpcConfig,
};
pub use sealing::{ProvingCost, SealingPolicy};
pub use secret::SecretUrl;
pub use tern_messages::Role;
