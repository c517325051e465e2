//! RLP tests: a value and its encoding, or an encoding that is invalid.

use std::collections::BTreeMap;
use std::path::Path;

use alloy::primitives::{Bytes, U512};
use alloy::rlp::{Decodable, Encodable, Header};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use super::{name_of, read};

/// One case.
#[derive(Clone, Debug)]
pub struct RlpCase {
    /// Path and name.
    pub name: String,
    /// The encoding.
    pub encoded: Bytes,
    /// What it stands for.
    pub meaning: Meaning,
}

/// What an encoding stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing: it is invalid.
    Invalid,
    /// Something that the vectors do not tell.
    Valid,
    /// This.
    Item(Item),
}

/// An RLP item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Bytes.
    Bytes(Bytes),
    /// Items.
    List(Vec<Item>),
}

impl Encodable for Item {
    fn encode(&self, out: &mut dyn alloy::rlp::BufMut) {
        match self {
            Self::Bytes(bytes) => bytes.encode(out),
            Self::List(items) => items.encode(out),
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.length(),
            Self::List(items) => items.length(),
        }
    }
}

impl Decodable for Item {
    fn decode(from: &mut &[u8]) -> alloy::rlp::Result<Self> {
        let mut rest = *from;
        if !Header::decode(&mut rest)?.list {
            return Bytes::decode(from).map(Self::Bytes);
        }
        let mut payload = Header::decode_bytes(from, true)?;
        let mut items = Vec::new();
        while !payload.is_empty() {
            items.push(Self::decode(&mut payload)?);
        }
        Ok(Self::List(items))
    }
}

#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "in")]
    input: Value,
    out: String,
}

/// Reads the cases of one file below `folder`.
///
/// # Errors
/// If it cannot be read or has another form.
pub fn cases(folder: &Path, file: &Path) -> Result<Vec<RlpCase>> {
    let tests: BTreeMap<String, Raw> = read(file)?;
    let path = name_of(folder, file);
    let cases = tests.into_iter().map(|(name, raw)| {
        let meaning = match raw.input.as_str() {
            Some("INVALID") => Meaning::Invalid,
            Some("VALID") => Meaning::Valid,
            _ => Meaning::Item(item(&raw.input)?),
        };
        let encoded = raw.out.parse().with_context(|| name.clone())?;
        Ok(RlpCase {
            name: format!("{path}/{name}"),
            encoded,
            meaning,
        })
    });
    cases.collect()
}

/// Strings are bytes, `#` marks a decimal number, lists are lists.
fn item(value: &Value) -> Result<Item> {
    let number = |number: U512| Item::Bytes(number.to_be_bytes_trimmed_vec().into());
    Ok(match value {
        Value::String(text) => match text.strip_prefix('#') {
            Some(digits) => number(digits.parse()?),
            None => Item::Bytes(text.clone().into_bytes().into()),
        },
        Value::Number(value) => number(U512::from(value.as_u64().context("a negative number")?)),
        Value::Array(items) => Item::List(items.iter().map(item).collect::<Result<_>>()?),
        other => bail!("an item of no known kind: {other}"),
    })
}
