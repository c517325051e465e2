//! How nodes find each other.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tern_messages::Role;

/// How this node and others find each other. Without an identity, all roles run in this process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClusterConfig {
    /// The folder that `tern cluster issue` wrote for this node.
    pub identity: Option<PathBuf>,
    /// Where other nodes connect to this one. For main nodes and sequencers.
    pub listen: Option<SocketAddr>,
    /// The nodes that this one connects to.
    pub join: Vec<JoinTarget>,
}

/// A node to connect to: `HOST:PORT`, or `ROLE@HOST:PORT` where the role does not follow from this node's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JoinTarget {
    /// What runs there.
    pub role: Option<Role>,
    /// `HOST:PORT`.
    pub address: String,
}

impl FromStr for JoinTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (role, address) = match text.split_once('@') {
            Some((role, address)) => {
                let role: Role = role.parse().map_err(|error| format!("{error}"))?;
                (Some(role), address)
            }
            None => (None, text),
        };
        let port = address
            .rsplit_once(':')
            .filter(|(host, _)| !host.is_empty());
        if port.is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
            return Err(format!(
                "`{text}` is not of the form HOST:PORT or ROLE@HOST:PORT"
            ));
        }
        Ok(Self {
            role,
            address: address.to_owned(),
        })
    }
}

impl TryFrom<String> for JoinTarget {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<JoinTarget> for String {
    fn from(target: JoinTarget) -> Self {
        target.to_string()
    }
}

impl fmt::Display for JoinTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.role {
            Some(role) => write!(f, "{role}@{}", self.address),
            None => f.write_str(&self.address),
        }
    }
}
