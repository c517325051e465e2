//! What can be wrong with a configuration. Trying again never helps; changing the input does.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// What is wrong with a configuration, and where.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{what} {} cannot be read: {source}", path.display())]
    Unreadable {
        /// What the file is for.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file is far larger than any configuration.
    #[error("{what} {} has {len} bytes; at most {limit} are accepted", path.display())]
    TooLarge {
        /// What the file is for.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        len: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A chain file does not parse.
    #[error("chain file {}: {message}", path.display())]
    ChainFile {
        /// The file.
        path: PathBuf,
        /// The parser's words, with line and key.
        message: String,
    },
    /// The layers of the node's configuration do not make a valid whole.
    #[error("configuration: {}", describe(source))]
    Layers {
        /// The first problem; more may follow it.
        source: Box<figment::Error>,
    },
    /// A value is well-formed but impossible.
    #[error("configuration: {key}: {problem}")]
    Value {
        /// The key, as written in TOML.
        key: &'static str,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A secret is missing or malformed. Its text is never shown.
    #[error("{origin}: {problem}")]
    Secret {
        /// Where the secret should be.
        origin: String,
        /// What is wrong.
        problem: String,
    },
}

impl ConfigError {
    pub(crate) fn value(key: &'static str, problem: impl Into<String>) -> Self {
        Self::Value {
            key,
            problem: problem.into(),
        }
    }
}

/// Names each problem's key as its layer writes it, and the layer.
fn describe(error: &figment::Error) -> String {
    let one = |error: figment::Error| {
        let layer = error.metadata.as_ref();
        let is_variable = layer.is_some_and(|layer| layer.name.contains("environment"));
        let source = layer
            .and_then(|layer| layer.source.as_ref())
            .map(ToString::to_string);
        let mut text = error.kind.to_string();
        if is_variable {
            let variable = error.path.join("__").to_uppercase();
            text += &format!(", in the environment: TERN_{variable}");
        } else {
            if !error.path.is_empty() {
                text += &format!(", at `{}`", error.path.join("."));
            }
            if let Some(source) = source {
                text += &format!(", in {source}");
            }
        }
        text
    };
    let all: Vec<_> = error.clone().into_iter().map(one).collect();
    all.join("; ")
}
