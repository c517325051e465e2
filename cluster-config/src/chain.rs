//! The chain: what all its nodes must agree on.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use alloy::primitives::{Address, address};
use serde::{Deserialize, Serialize};

use crate::error::ConfigError;
use crate::genesis::Genesis;
use crate::node::read_limited;

/// What all nodes of a chain must agree on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainConfig {
    /// EIP-155 chain id of the parent chain.
    pub l2_chain_id: u64,
    /// The contract on L2 that holds what is deposited, for all chains that name it.
    #[serde(default = "canonical_bridge")]
    pub l2_bridge: Address,
    /// Security of the proofs.
    #[serde(default)]
    pub profile: Profile,
    /// What a transaction may be, so that it can be proven and posted.
    #[serde(default)]
    pub limits: ProvingLimits,
    /// The first block.
    pub genesis: Genesis,
}

/// Where anyone may create the `Bridge`, on every L2 that has the usual contract for that: the same everywhere.
pub const CANONICAL_BRIDGE: Address = address!("E39Cf18009ad3ac5a8C965dbA83f3179a4D92214");

fn canonical_bridge() -> Address {
    CANONICAL_BRIDGE
}

/// Security of the proofs. Each has its own circuits and verifying key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// 100 bits. The only one that a real deployment accepts.
    #[default]
    Secure,
    /// Few queries: quick, and worthless. For tests.
    InsecureTest,
}

impl Profile {
    /// The name used in files and flags.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secure => "secure",
            Self::InsecureTest => "insecure-test",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Profile {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        [Self::Secure, Self::InsecureTest]
            .into_iter()
            .find(|profile| profile.as_str() == text)
            .ok_or_else(|| {
                ConfigError::value(
                    "profile",
                    format!("`{text}` is neither secure nor insecure-test"),
                )
            })
    }
}

/// What a transaction may be at most, so that its block can be proven and its bytes posted to L2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProvingLimits {
    /// Gas limit of one transaction.
    pub transaction_gas: u64,
    /// Signed size of one transaction, in bytes. L2 nodes refuse transactions above 128 KiB, and a
    /// commitment carries at least one whole block.
    pub transaction_bytes: u64,
    /// Cycles of the prover's machine that the proof of one transaction may take, by the node's upper bound.
    pub transaction_cycles: u64,
    /// Cells of the machine's memory that one transaction may use at a time: a byte each of memory, code, calldata
    /// and return data of the contexts that are open, and of logs; a word each of their stacks, of what precompiled
    /// contracts work with, and of what the kernel notes to undo calls and writes.
    pub transaction_cells: u64,
}

impl Default for ProvingLimits {
    fn default() -> Self {
        Self {
            transaction_gas: 10_000_000,
            transaction_bytes: 64 << 10,
            transaction_cycles: 1 << 24,
            transaction_cells: 330_000,
        }
    }
}

impl ChainConfig {
    /// Reads and checks a chain file: TOML, or JSON if its name ends in `.json`.
    ///
    /// # Errors
    /// If it cannot be read, has unknown or missing fields, or impossible values.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = read_limited("chain file", path)?;
        let is_json = path
            .extension()
            .is_some_and(|extension| extension == "json");
        let refused = |message| ConfigError::ChainFile {
            path: path.to_owned(),
            message,
        };
        let chain: Self = if is_json {
            serde_json::from_str(&text).map_err(|error| refused(error.to_string()))?
        } else {
            toml::from_str(&text).map_err(|error| refused(error.to_string()))?
        };
        chain.check().map_err(|error| refused(error.to_string()))?;
        Ok(chain)
    }

    /// Checks what the types do not say.
    ///
    /// # Errors
    /// Names the first key whose value is impossible.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.genesis.check()?;
        if self.l2_chain_id == 0 {
            return Err(ConfigError::value("l2_chain_id", "must not be 0"));
        }
        if self.l2_chain_id == self.genesis.chain_id.0 {
            let id = self.l2_chain_id;
            return Err(ConfigError::value(
                "l2_chain_id",
                format!("{id} is L3's own id; the two chains need different ones"),
            ));
        }
        // A transfer takes some 60,000 cycles; more cells than these do not fit the machine's tables.
        let ranges = [
            (
                "limits.transaction_cycles",
                self.limits.transaction_cycles,
                1 << 20,
                1 << 28,
            ),
            (
                "limits.transaction_cells",
                self.limits.transaction_cells,
                1 << 14,
                330_000,
            ),
        ];
        for (key, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                return Err(ConfigError::value(
                    key,
                    format!("{value} is not between {least} and {most}"),
                ));
            }
        }
        if self.limits.transaction_gas > self.genesis.gas_limit {
            let (gas, limit) = (self.limits.transaction_gas, self.genesis.gas_limit);
            return Err(ConfigError::value(
                "limits.transaction_gas",
                format!("{gas} exceeds the block's gas limit {limit}"),
            ));
        }
        Ok(())
    }
}
