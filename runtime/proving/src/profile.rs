//! The two sets of parameters under which circuits are built.

use std::fmt;
use std::str::FromStr;

use evm_arithmetization::all_stark::TABLE_DEGREE_BITS;
use evm_arithmetization::fixed_recursive_verifier::RecursionConfig;
use plonky2::fri::FriConfig;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Bits of work before the challenges of lookups within and across the tables of a segment. The arguments themselves
/// offer 73 bits where every table has its greatest length ([`security`](crate::security)).
const LOOKUP_GRINDING: u32 = 25;

/// Bits of work before the challenges of a circuit's permutation argument, which by itself offers 83 bits or more.
const PERMUTATION_GRINDING: u32 = 18;

/// Bits of work before the queries of each FRI argument but the last.
const FRI_GRINDING: u32 = 18;

/// Queries of FRI for memory that a segment hands on, to which the next segment's proof commits as well: the word has to be
/// within the unique decoding radius ([`security`](crate::security)).
const SHARED_TRACE_QUERIES: usize = 198;

/// Number of tables of the prover's machine.
pub const TABLE_COUNT: usize = evm_arithmetization::NUM_TABLES;

/// A set of parameters. Proofs of one profile are worth nothing under the other: the circuits differ,
/// hence every verifying key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Profile {
    /// 100 bits of conjectured security or more at every level. The only profile for a real deployment.
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
    /// Circuits do not depend on it beyond the lengths of the Cpu table, so a segment that does not fit may be
    /// cut shorter.
    pub fn max_cycles_log(self) -> u8 {
        18
    }

    /// log2 of the shortest segment to which work is cut.
    pub fn min_cycles_log(self) -> u8 {
        12
    }

    /// For each table, in the order of [`Table::ALL`], the log2 lengths for which circuits exist, ascending. A
    /// table is padded to the least that holds it.
    ///
    /// A parameter of the chain: part of the verifying key of every level.
    pub fn table_sizes(self) -> [&'static [usize]; TABLE_COUNT] {
        TABLE_DEGREE_BITS
    }

    /// The largest of [`Self::table_sizes`].
    pub fn largest_size(self, table: Table) -> usize {
        let sizes = self.table_sizes()[table as usize];
        *sizes.last().expect("every table has a size")
    }

    /// FRI parameters of the first circuit of the wrap.
    pub(crate) fn first_wrap_fri(self) -> FriConfig {
        let usual = self.recursion_config().recursion_circuit_config.fri_config;
        match self {
            // Two bits of work in place of a query fewer: see `security`.
            Self::Secure => FriConfig {
                rate_bits: 4,
                num_query_rounds: 21,
                ..usual
            },
            Self::InsecureTest => usual,
        }
    }

    /// Configurations of the STARKs and of the recursive circuits.
    pub fn recursion_config(self) -> RecursionConfig {
        match self {
            Self::Secure => {
                let mut config = RecursionConfig::default();
                config.stark_config.lookup_pow_bits = LOOKUP_GRINDING;
                config.stark_config.shared_trace_queries = SHARED_TRACE_QUERIES;
                config.stark_config.fri_config.proof_of_work_bits = FRI_GRINDING;
                for circuit in [
                    &mut config.shrinking_circuit_config,
                    &mut config.recursion_circuit_config,
                ] {
                    circuit.permutation_pow_bits = PERMUTATION_GRINDING;
                    circuit.fri_config.proof_of_work_bits = FRI_GRINDING;
                }
                config
            }
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
