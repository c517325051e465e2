//! The parts of a node.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A part of a node, and what its certificate allows it to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Executes transactions, makes blocks, serves RPC.
    MainNode,
    /// Re-executes blocks, forms batches, hands out proving jobs.
    Sequencer,
    /// Proves.
    Prover,
    /// Speaks with L2.
    Bridge,
    /// Makes the chain again from L2 alone, and raises an alarm at the first difference.
    Watcher,
    /// A person who asks nodes for their state and has provers leave. No node plays it.
    Operator,
}

/// A text that names no role.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{found}` is not a role; roles are main-node, sequencer, prover, bridge, watcher, operator"
)]
pub struct UnknownRole {
    /// The text, cut.
    pub found: String,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::MainNode,
        Self::Sequencer,
        Self::Prover,
        Self::Bridge,
        Self::Watcher,
        Self::Operator,
    ];

    /// Its name in configuration, in certificates and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MainNode => "main-node",
            Self::Sequencer => "sequencer",
            Self::Prover => "prover",
            Self::Bridge => "bridge",
            Self::Watcher => "watcher",
            Self::Operator => "operator",
        }
    }

    /// Whether others connect to it. Only its certificates may be used by a server.
    pub fn accepts_connections(self) -> bool {
        matches!(self, Self::MainNode | Self::Sequencer)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        let named = Self::ALL.into_iter().find(|role| role.as_str() == text);
        named.ok_or_else(|| UnknownRole {
            found: text
                .chars()
                .take(32)
                .flat_map(char::escape_default)
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_read_from_its_name_and_from_nothing_else() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        let error = "sequencer\n".parse::<Role>().unwrap_err();
        assert!(error.to_string().contains("`sequencer\\n` is not a role"));
    }
}
