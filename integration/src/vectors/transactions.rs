//! Transaction tests: bytes, and what they are as a Cancun transaction: hash, sender and intrinsic gas, or
//! nothing.

use std::collections::BTreeMap;
use std::path::Path;

use alloy::primitives::{Address, B256, Bytes};
use anyhow::Result;
use serde::Deserialize;

use super::{name_of, quantity, read};

/// One case.
#[derive(Clone, Debug)]
pub struct TransactionCase {
    /// Path and name.
    pub name: String,
    /// The transaction's bytes.
    pub raw: Bytes,
    /// What they are.
    pub expected: Expected,
}

/// What the vectors say about a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It is invalid, for the reason named.
    Invalid(String),
    /// It is valid.
    Valid {
        /// Its hash.
        hash: B256,
        /// Who signed it.
        sender: Address,
        /// Gas that it needs before its execution begins.
        intrinsic_gas: u64,
    },
}

#[derive(Deserialize)]
struct Test {
    result: BTreeMap<String, Verdict>,
    txbytes: Bytes,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    exception: Option<String>,
    hash: Option<B256>,
    sender: Option<Address>,
    #[serde(deserialize_with = "quantity::u64")]
    intrinsic_gas: u64,
}

/// Reads the cases of one file below `folder`.
///
/// # Errors
/// If it cannot be read or has another form.
pub fn cases(folder: &Path, file: &Path) -> Result<Vec<TransactionCase>> {
    let tests: BTreeMap<String, Test> = read(file)?;
    let path = name_of(folder, file);
    let cases = tests.into_iter().filter_map(|(name, test)| {
        let verdict = test.result.get("Cancun")?.clone();
        let expected = match (verdict.exception, verdict.hash, verdict.sender) {
            (None, Some(hash), Some(sender)) => Expected::Valid {
                hash,
                sender,
                intrinsic_gas: verdict.intrinsic_gas,
            },
            (exception, _, _) => Expected::Invalid(exception.unwrap_or_default()),
        };
        Some(TransactionCase {
            name: format!("{path}/{name}"),
            raw: test.txbytes,
            expected,
        })
    });
    Ok(cases.collect())
}
