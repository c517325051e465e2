//! Trie tests: changes to an empty Merkle-Patricia trie, and its root.

use std::collections::BTreeMap;
use std::path::Path;

use alloy::primitives::{B256, Bytes, keccak256};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use super::{name_of, read};

/// A change: key, and value or `None` for a removal.
pub type Change = (Bytes, Option<Bytes>);

/// One case.
#[derive(Clone, Debug)]
pub struct TrieCase {
    /// Path and name.
    pub name: String,
    /// The changes. Keys of secure tries are hashed already.
    pub changes: Vec<Change>,
    /// Whether the changes may be made in any order.
    pub any_order: bool,
    /// The root after them.
    pub root: B256,
}

#[derive(Deserialize)]
struct Test {
    #[serde(rename = "in")]
    input: Value,
    root: B256,
}

/// Reads the cases of one file below `folder`. A file whose name contains `secure` is of tries whose keys
/// are hashed.
///
/// # Errors
/// If it cannot be read or has another form.
pub fn cases(folder: &Path, file: &Path) -> Result<Vec<TrieCase>> {
    let tests: BTreeMap<String, Test> = read(file)?;
    let path = name_of(folder, file);
    let secure = path.to_lowercase().contains("secure");
    let cases = tests.into_iter().map(|(name, test)| {
        let any_order = test.input.is_object();
        let mut changes = changes(&test.input).with_context(|| name.clone())?;
        if secure {
            for (key, _) in &mut changes {
                *key = keccak256(&key).into();
            }
        }
        Ok(TrieCase {
            name: format!("{path}/{name}"),
            changes,
            any_order,
            root: test.root,
        })
    });
    cases.collect()
}

fn changes(input: &Value) -> Result<Vec<Change>> {
    match input {
        Value::Object(pairs) => pairs
            .iter()
            .map(|(key, value)| Ok((bytes(key)?, optional(value)?)))
            .collect(),
        Value::Array(pairs) => pairs
            .iter()
            .map(|pair| match pair.as_array().map(Vec::as_slice) {
                Some([Value::String(key), value]) => Ok((bytes(key)?, optional(value)?)),
                _ => bail!("not a pair: {pair}"),
            })
            .collect(),
        other => bail!("not changes: {other}"),
    }
}

fn optional(value: &Value) -> Result<Option<Bytes>> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(bytes(text)?)),
        other => bail!("not a value: {other}"),
    }
}

/// `0x` marks hexadecimal digits; everything else stands for itself.
fn bytes(text: &str) -> Result<Bytes> {
    match text.starts_with("0x") {
        true => Ok(text.parse()?),
        false => Ok(text.as_bytes().to_vec().into()),
    }
}
