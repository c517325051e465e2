//! Numbers as they travel in JSON-RPC: 0x-hexadecimal, without leading zeros.

use alloy::primitives::U64;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// An unsigned number. Reads 0x-hexadecimal text and plain JSON numbers, writes the former.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quantity(pub(crate) u64);

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        U64::from(self.0).serialize(out)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(u64),
            Text(String),
        }
        match Form::deserialize(from)? {
            Form::Number(number) => Ok(Self(number)),
            Form::Text(text) => text
                .strip_prefix("0x")
                .and_then(|digits| u64::from_str_radix(digits, 16).ok())
                .map(Self)
                .ok_or_else(|| D::Error::custom("expected a number such as 0x1f, below 2^64")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_from_text_and_number_and_written_as_text() {
        for text in ["31", "\"0x1f\""] {
            assert_eq!(
                serde_json::from_str::<Quantity>(text).unwrap(),
                Quantity(31)
            );
        }
        assert_eq!(serde_json::to_string(&Quantity(31)).unwrap(), "\"0x1f\"");
        for bad in ["\"31\"", "\"0x\"", "\"0x10000000000000000\"", "-1", "null"] {
            serde_json::from_str::<Quantity>(bad).unwrap_err();
        }
    }
}
