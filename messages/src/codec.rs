//! The one binary form of everything that is stored or sent: bincode 2, a version byte first.

use bincode::config::{self, Config};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

/// First byte of every encoded value. A change of any type in this crate raises it.
pub const VERSION: u8 = 3;

/// Longest value that [`decode`] accepts, in bytes. Witnesses are the largest: a few MB each.
pub const MAX_LEN: usize = 64 << 20;

/// Why a value could not be decoded.
#[derive(Debug, Error)]
pub enum CodecError {
    /// Nothing was there to decode.
    #[error("the value is empty")]
    Empty,
    /// Longer than [`MAX_LEN`].
    #[error("the value has {len} bytes; at most {MAX_LEN} are accepted")]
    TooLong {
        /// Length found, in bytes.
        len: usize,
    },
    /// Written by another version of this program.
    #[error("the value has format version {found}; this program reads version {VERSION}")]
    Version {
        /// Version found.
        found: u8,
    },
    /// The bytes are not a value of the expected type.
    #[error("the value cannot be decoded: {0}")]
    Malformed(#[from] bincode::error::DecodeError),
    /// The value is followed by more bytes.
    #[error("{count} bytes follow the value")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
}

fn configuration() -> impl Config {
    config::standard().with_big_endian().with_limit::<MAX_LEN>()
}

/// Encodes `value` with its version.
///
/// # Panics
/// If a `Serialize` implementation fails, which none in this workspace does.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut out = vec![VERSION];
    let body = bincode::serde::encode_to_vec(value, config::standard().with_big_endian())
        .expect("plain data serialises");
    out.extend_from_slice(&body);
    out
}

/// Decodes what [`encode`] wrote.
///
/// # Errors
/// See [`CodecError`]. Trying again cannot help.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    if bytes.len() > MAX_LEN {
        return Err(CodecError::TooLong { len: bytes.len() });
    }
    let (&version, body) = bytes.split_first().ok_or(CodecError::Empty)?;
    if version != VERSION {
        return Err(CodecError::Version { found: version });
    }
    let (value, read) = bincode::serde::decode_from_slice(body, configuration())?;
    match body.len() - read {
        0 => Ok(value),
        count => Err(CodecError::TrailingBytes { count }),
    }
}

/// Serde form of types whose canonical encoding is RLP, such as block headers.
pub mod as_rlp {
    use alloy::primitives::Bytes;
    use alloy::rlp::{Decodable, Encodable};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    /// Writes the RLP bytes of `value`.
    ///
    /// # Errors
    /// As the serializer's.
    pub fn serialize<T: Encodable, S: Serializer>(value: &T, out: S) -> Result<S::Ok, S::Error> {
        Bytes::from(alloy::rlp::encode(value)).serialize(out)
    }

    /// Reads one value from its RLP bytes, which must hold nothing else.
    ///
    /// # Errors
    /// If the bytes are not the RLP of a `T`.
    pub fn deserialize<'de, T: Decodable, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        let bytes = Bytes::deserialize(from)?;
        let mut rest = bytes.as_ref();
        let value = T::decode(&mut rest).map_err(D::Error::custom)?;
        if rest.is_empty() {
            Ok(value)
        } else {
            Err(D::Error::custom("bytes follow the RLP value"))
        }
    }
}
