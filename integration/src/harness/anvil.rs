//! A real L2 node.

use std::path::PathBuf;
use std::time::Duration;

use alloy::node_bindings::{Anvil as Launcher, AnvilInstance};
use alloy::providers::{Provider, ProviderBuilder};
use anyhow::{Context, Result};

/// A running `anvil` with Cancun rules and one block a second, killed when dropped.
#[derive(Debug)]
pub struct Anvil(AnvilInstance);

impl Anvil {
    /// Starts one on a free port. `more` are further command-line arguments.
    ///
    /// # Errors
    /// If there is no `anvil`: `scripts/contracts` installs it, and `TERN_ANVIL` may name another.
    pub fn start(more: &[&str]) -> Result<Self> {
        let path = std::env::var_os("TERN_ANVIL").map_or_else(installed, PathBuf::from);
        Launcher::at(&path)
            .port(0_u16)
            .arg("--hardfork")
            .arg("cancun")
            .args(more)
            .try_spawn()
            .map(Self)
            .with_context(|| {
                format!(
                    "cannot start {}; run scripts/contracts build",
                    path.display()
                )
            })
    }

    /// Lets its clock jump ahead.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn sleep(&self, time: Duration) -> Result<()> {
        let provider = ProviderBuilder::new().connect_http(self.url().parse()?);
        let _: i64 = provider
            .raw_request("evm_increaseTime".into(), [time.as_secs()])
            .await?;
        let _: String = provider.raw_request("evm_mine".into(), ()).await?;
        Ok(())
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        self.0.endpoint()
    }
}

/// The package's own binary: the script in `.bin` would leave it behind when it is killed.
fn installed() -> PathBuf {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let system = std::env::consts::OS.replace("macos", "darwin");
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!(
        "../runtime/settlement/contracts/node_modules/@foundry-rs/anvil-{system}-{architecture}/bin/anvil"
    ))
}
