//! A parent chain for tests: a real `anvil` on a free port.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use alloy::providers::{Provider, RootProvider};
use alloy::signers::local::PrivateKeySigner;
use serde_json::Value;
use tern_settlement::{FollowPolicy, L2, L2Endpoint, TransactionSender};

pub(crate) struct Anvil {
    process: Child,
    pub(crate) endpoint: L2Endpoint,
    provider: RootProvider,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Anvil {
    /// Starts anvil with more arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(binary())
            .args(["--port", "0", "--hardfork", "cancun"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("scripts/contracts install puts anvil there, or TERN_ANVIL names it");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines
            .find_map(|line| {
                line.unwrap()
                    .strip_prefix("Listening on ")
                    .map(str::to_owned)
            })
            .expect("anvil tells its address");
        // Its output must be read, or it stops when the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        let url: url::Url = format!("http://{address}").parse().unwrap();
        let provider = RootProvider::new_http(url.clone());
        Self {
            process,
            endpoint: L2Endpoint::new(url),
            provider,
        }
    }

    pub(crate) async fn connect(&self) -> L2 {
        L2::connect(self.endpoint.clone()).await.unwrap()
    }

    /// A call of one of anvil's own methods.
    pub(crate) async fn ask(&self, method: &'static str, parameters: Value) -> Value {
        self.provider
            .raw_request(method.into(), parameters)
            .await
            .unwrap()
    }

    /// Sends as one of the accounts that anvil funds.
    pub(crate) async fn sender(&self, account: u32, policy: FollowPolicy) -> TransactionSender {
        TransactionSender::new(self.connect().await, signer(account), policy)
    }
}

/// Account `index` of the well-known test mnemonic.
pub(crate) fn signer(index: u32) -> PrivateKeySigner {
    alloy::signers::local::MnemonicBuilder::<alloy::signers::local::coins_bip39::English>::default()
        .phrase("test test test test test test test test test test test junk")
        .index(index)
        .unwrap()
        .build()
        .unwrap()
}

fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("TERN_ANVIL") {
        return path.into();
    }
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let platform = format!(
        "{}-{architecture}",
        std::env::consts::OS.replace("macos", "darwin")
    );
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!(
        "contracts/node_modules/@foundry-rs/anvil-{platform}/bin/anvil"
    ))
}
