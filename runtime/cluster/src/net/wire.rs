//! What gateways say to each other, in the binary form of `tern-messages`.

use std::time::Duration;

use alloy::primitives::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tern_messages::CodecError;
use tern_messages::codec;
use thiserror::Error;

/// Longest name of a topic, in bytes.
pub(super) const MAX_TOPIC: usize = 32;

/// A call to a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Request {
    /// Asks the service of a topic.
    Ask {
        topic: String,
        /// How long the caller waits.
        limit: Duration,
        body: Bytes,
    },
    /// A part of a blob; acknowledged by [`Answer::Received`].
    Chunk {
        /// Drawn by the sender.
        blob: u64,
        total: u64,
        index: u32,
        bytes: Bytes,
    },
    /// As [`Request::Ask`], with a blob that arrived before.
    AskBlob {
        topic: String,
        limit: Duration,
        blob: u64,
    },
    /// Fetches a part of an answer.
    Fetch { blob: u64, index: u32 },
    /// The answer arrived.
    Release { blob: u64 },
}

/// A gateway's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Answer {
    Body(Bytes),
    /// The answer is long and can be fetched.
    Blob {
        blob: u64,
        total: u64,
    },
    Received,
    Refused(Refusal),
}

/// A one-way message, which may be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hint {
    pub(super) topic: String,
    pub(super) body: Bytes,
}

/// Why a peer did not answer a request.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum Refusal {
    /// It has too much to do, or the caller asks too much at once. Later it may answer.
    #[error("busy: {reason}")]
    Busy {
        /// With what.
        reason: String,
    },
    /// It cannot answer now. Later it may.
    #[error("not available: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
    /// The caller's roles do not allow the topic.
    #[error("{topic} is for {allowed}; the caller is {found}")]
    NotAllowed {
        /// The topic.
        topic: String,
        /// The roles that may ask.
        allowed: String,
        /// The caller's roles.
        found: String,
    },
    /// There is no such topic on that node.
    #[error("this node does not answer `{topic}`")]
    UnknownTopic {
        /// The topic, cut.
        topic: String,
    },
    /// The request is longer than its topic allows.
    #[error("{len} bytes are too many; {max} are accepted")]
    TooLong {
        /// Bytes found.
        len: u64,
        /// Bytes accepted.
        max: u64,
    },
    /// The request is not what the topic expects.
    #[error("the request cannot be understood: {reason}")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// The answer took longer than the caller or the node allows.
    #[error("no answer within {limit:?}")]
    Late {
        /// The time that was allowed.
        limit: Duration,
    },
    /// The service failed.
    #[error("the service failed")]
    Failed,
}

impl Refusal {
    /// Whether the same request may succeed later.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. } | Self::Unavailable { .. } | Self::Late { .. } | Self::Failed
        )
    }
}

/// A message as it came: what it says, or why it cannot be read. Never silently dropped.
#[derive(Debug)]
pub(super) struct Wire<T>(pub(super) Result<T, CodecError>);

impl<T: DeserializeOwned> Wire<T> {
    /// Reads a message of at most `max` bytes.
    pub(super) fn read(bytes: &[u8], max: usize) -> Self {
        if bytes.len() > max {
            return Self(Err(CodecError::TooLong { len: bytes.len() }));
        }
        Self(codec::decode(bytes))
    }

    /// The message, or the refusal to send.
    pub(super) fn accept(self) -> Result<T, Refusal> {
        self.0.map_err(|error| Refusal::Malformed {
            reason: error.to_string(),
        })
    }
}
