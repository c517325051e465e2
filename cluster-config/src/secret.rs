//! URLs that may hold tokens or passwords.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use url::Url;

/// The URL of an RPC server. Prints without user, password, path and query, which may be secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(Url);

impl SecretUrl {
    /// The URL itself, for connecting.
    pub fn expose(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}",
            self.0.scheme(),
            self.0.host_str().unwrap_or_default()
        )?;
        if let Some(port) = self.0.port() {
            write!(f, ":{port}")?;
        }
        let bare = matches!(self.0.path(), "" | "/") && self.0.query().is_none();
        f.write_str(if bare && self.0.username().is_empty() {
            ""
        } else {
            "/…"
        })
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretUrl({self})")
    }
}

impl FromStr for SecretUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The text itself stays out of the message: it may hold a token.
        let url: Url = text
            .parse()
            .map_err(|error| format!("not a URL: {error}"))?;
        match (url.scheme(), url.host_str()) {
            ("http" | "https", Some(_)) => Ok(Self(url)),
            ("http" | "https", None) => Err("the URL names no host".to_owned()),
            (scheme, _) => Err(format!(
                "`{scheme}` URLs are not supported; use http:// or https://"
            )),
        }
    }
}

/// Serialises in full: configuration layers are built from it, never logs.
impl Serialize for SecretUrl {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        self.0.as_str().serialize(out)
    }
}

impl<'de> Deserialize<'de> for SecretUrl {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> String {
        url.parse::<SecretUrl>().unwrap().to_string()
    }

    #[test]
    fn a_url_prints_without_its_secrets() {
        assert_eq!(
            shown("https://me:pass@l2.example/v3/TOKEN?key=1"),
            "https://l2.example/…"
        );
        assert_eq!(shown("https://me:pass@l2.example"), "https://l2.example/…");
        assert_eq!(shown("http://127.0.0.1:8545"), "http://127.0.0.1:8545");
        let url: SecretUrl = "http://h/TOKEN".parse().unwrap();
        assert!(!format!("{url:?}").contains("TOKEN"));
    }

    #[test]
    fn refusals_do_not_repeat_the_text() {
        for bad in ["TOKEN", "ftp://h/TOKEN", "http://", "https://:80/TOKEN"] {
            let message = bad.parse::<SecretUrl>().unwrap_err();
            assert!(!message.contains("TOKEN"), "{message}");
        }
    }
}
