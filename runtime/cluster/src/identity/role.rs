//! The names of nodes and clusters, and roles.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
pub use tern_messages::Role;
use tern_messages::UnknownRole;
use thiserror::Error;

/// Longest name, in bytes: that of a DNS label.
const MAX_NAME: usize = 63;

/// The name of a node or of a cluster: lower-case letters, digits, `-`, `_` and `.`, at most 63 bytes,
/// beginning and ending with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Why a text is no name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadName {
    /// Not a node's or cluster's name.
    #[error(
        "`{found}` cannot be used as a name; names have 1 to {MAX_NAME} of the characters a-z 0-9 - _ . and \
         begin and end with a letter or digit"
    )]
    Name {
        /// The text, cut.
        found: String,
    },
    /// Not a role.
    #[error(transparent)]
    Role(#[from] UnknownRole),
}

impl Name {
    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let solid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = text.as_bytes();
        let valid = (1..=MAX_NAME).contains(&bytes.len())
            && bytes.iter().all(|&b| solid(b) || b"-_.".contains(&b))
            && bytes.first().is_some_and(|&b| solid(b))
            && bytes.last().is_some_and(|&b| solid(b));
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadName::Name { found: shown(text) })
        }
    }
}

impl TryFrom<String> for Name {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text of unknown origin, fit for a message.
fn shown(text: &str) -> String {
    text.chars()
        .take(MAX_NAME)
        .flat_map(char::escape_default)
        .collect()
}
