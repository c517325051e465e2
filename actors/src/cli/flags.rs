//! Flags that several commands share, and how they become the top layer of the configuration.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};
use tern_cluster_config::{ConfigError, NodeConfig, SecretUrl};

/// Settings of a node.
#[derive(Clone, Debug, Args)]
pub(super) struct NodeFlags {
    /// Configuration file (TOML). Flags and TERN_… variables override it.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,

    /// Directory for everything that is kept.
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,

    /// Chain file (TOML or JSON): what all nodes of the chain must agree on.
    #[arg(long, value_name = "FILE")]
    pub(super) chain: Option<PathBuf>,

    /// Address of the L3 RPC server (HTTP and WebSocket) [default: 127.0.0.1:3050].
    #[arg(long, value_name = "ADDRESS")]
    pub(super) rpc: Option<SocketAddr>,

    /// RPC server of the L2. Tokens in it are never printed.
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    pub(super) l2_rpc: Option<SecretUrl>,

    #[command(flatten)]
    pub(super) key: KeyFlags,
}

/// Where the operator's key is. It is never given on the command line, where others could see it.
#[derive(Clone, Debug, Args)]
#[group(multiple = false)]
pub(super) struct KeyFlags {
    /// File with the L2 key that deploys, commits and proves: 32 bytes in hexadecimal, readable by you only.
    #[arg(long, value_name = "FILE")]
    operator_key_file: Option<PathBuf>,

    /// Variable of the environment that holds the same.
    #[arg(long, value_name = "NAME")]
    operator_key_env: Option<String>,
}

impl NodeFlags {
    /// The whole configuration.
    pub(super) fn resolve(&self, more: Map<String, Value>) -> Result<NodeConfig, ConfigError> {
        let mut top = more;
        let mut set = |path: [&str; 2], value: Option<Value>| {
            let Some(value) = value else { return };
            match path {
                [key, ""] => drop(top.insert(key.to_owned(), value)),
                [section, key] => {
                    let section = top.entry(section).or_insert_with(|| json!({}));
                    if let Some(fields) = section.as_object_mut() {
                        fields.insert(key.to_owned(), value);
                    }
                }
            }
        };
        let text = |path: &PathBuf| json!(path);
        set(["data_dir", ""], self.data_dir.as_ref().map(text));
        set(["chain", ""], self.chain.as_ref().map(text));
        set(["rpc", "listen"], self.rpc.map(|address| json!(address)));
        set(
            ["l2", "rpc_url"],
            self.l2_rpc.as_ref().map(|url| json!(url)),
        );
        set(["l2", "operator_key"], self.key.source());
        NodeConfig::resolve(self.config.as_deref().map(Path::new), Value::Object(top))
    }
}

impl KeyFlags {
    pub(super) fn source(&self) -> Option<Value> {
        let file = self
            .operator_key_file
            .as_ref()
            .map(|path| json!({ "file": path }));
        file.or_else(|| {
            self.operator_key_env
                .as_ref()
                .map(|name| json!({ "env": name }))
        })
    }
}

/// For clap: the text itself stays out of the error's reason.
pub(super) fn parse_url(text: &str) -> Result<SecretUrl, String> {
    text.parse()
}
