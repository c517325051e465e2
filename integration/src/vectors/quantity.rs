//! Numbers as the vectors write them: hexadecimal, with any number of leading zeros.

use alloy::primitives::U256;
use serde::{Deserialize, Deserializer, de::Error};

/// A `u64`.
pub(super) fn u64<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let number = U256::deserialize(from)?;
    u64::try_from(number).map_err(D::Error::custom)
}
