//! A real L2 node.

use std::path::PathBuf;

use alloy::node_bindings::{Anvil as Launcher, AnvilInstance};
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
