//! The two sets of parameters under which circuits are built.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use evm_arithmetization::fixed_recursive_verifier::RecursionConfig;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Number of tables of the prover's machine.
pub const TABLE_COUNT: usize = evm_arithmetization::NUM_TABLES;

/// A set of parameters. Proofs of one profile are worth nothing under the other: the circuits differ,
/// hence every verifying key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Profile {
    /// 100 bits of conjectured security at every level. The only profile for a real deployment.
    Secure,
    /// One FRI query: proofs are quick to make and quick to forge. For tests alone.
    InsecureTest,
}

/// A name that is no profile.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no profile `{name}`; choose `secure` or `insecure-test`")]
pub struct UnknownProfile {
    /// The name given.
    pub name: String,
}

impl Profile {
    /// The name used in configuration and in file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Secure => "secure",
            Self::InsecureTest => "insecure-test",
        }
    }

    /// log2 of the longest segment, in machine cycles, with which work is planned at first.
    ///
    /// Circuits do not depend on it beyond the range of the Cpu table, so a segment that does not fit
    /// may be cut shorter.
    pub fn max_cycles_log(self) -> u8 {
        17
    }

    /// log2 of the shortest segment to which work is cut.
    pub fn min_cycles_log(self) -> u8 {
        14
    }

    /// For each table, in the order of [`Table::ALL`], the log2 lengths that the segment circuit accepts.
    ///
    /// A parameter of the chain: part of the verifying key of every level.
    pub fn degree_ranges(self) -> [Range<usize>; TABLE_COUNT] {
        [
            16..18,
            8..14,
            10..18,
            7..15,
            8..11,
            7..14,
            17..20,
            16..19,
            7..19,
        ]
    }

    /// Configurations of the STARKs and of the recursive circuits.
    pub fn recursion_config(self) -> RecursionConfig {
        match self {
            Self::Secure => RecursionConfig::default(),
            Self::InsecureTest => RecursionConfig::test_config(),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "secure" => Ok(Self::Secure),
            "insecure-test" => Ok(Self::InsecureTest),
            _ => Err(UnknownProfile {
                name: name.to_owned(),
            }),
        }
    }
}

/// A table of the prover's machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the machine's tables")]
pub enum Table {
    Arithmetic,
    BytePacking,
    Cpu,
    Keccak,
    KeccakSponge,
    Logic,
    Memory,
    MemBefore,
    MemAfter,
}

impl Table {
    /// All tables, in the order of every array that is indexed by table.
    pub const ALL: [Self; TABLE_COUNT] = [
        Self::Arithmetic,
        Self::BytePacking,
        Self::Cpu,
        Self::Keccak,
        Self::KeccakSponge,
        Self::Logic,
        Self::Memory,
        Self::MemBefore,
        Self::MemAfter,
    ];
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
