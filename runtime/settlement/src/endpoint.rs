//! Where L2 is reached, and what is accepted from it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

/// An L2 JSON-RPC endpoint. Its URL may hold an access key, so only scheme and host are ever printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct L2Endpoint {
    /// `http` or `https`.
    pub url: Url,
    /// Longest wait for one answer.
    pub timeout: Duration,
    /// Longest answer that is read, in bytes.
    pub max_response: usize,
}

impl L2Endpoint {
    /// The endpoint at `url`, with 10 s and 16 MiB for each answer.
    pub fn new(url: Url) -> Self {
        Self {
            url,
            timeout: Duration::from_secs(10),
            max_response: 16 << 20,
        }
    }
}

impl fmt::Display for L2Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}",
            self.url.scheme(),
            self.url.host_str().unwrap_or("?")
        )?;
        match self.url.port_or_known_default() {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for L2Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("L2Endpoint")
            .field("url", &self.to_string())
            .field("timeout", &self.timeout)
            .field("max_response", &self.max_response)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_access_key_in_a_url_is_never_printed() {
        let url = Url::parse("https://user:password@l2.example:8443/v3/key?token=abc").unwrap();
        let endpoint = L2Endpoint::new(url);
        assert_eq!(endpoint.to_string(), "https://l2.example:8443");
        let debug = format!("{endpoint:?}");
        for secret in ["password", "key", "abc", "user"] {
            assert!(!debug.contains(secret), "{secret} in {debug}");
        }
    }
}
