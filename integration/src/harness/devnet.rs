//! The program under test, as its users start it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use tern_node::deployment::Deployment;
use tokio::sync::{Mutex, MutexGuard};

use super::settled::Settled;
use super::user::User;
use super::wait::until;

/// Longest time from start to ready. Circuits are not needed for it.
const START: Duration = Duration::from_secs(60);

/// How a devnet is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// `secure` or `insecure-test`.
    pub profile: &'static str,
    /// An L2 to attach to; without one, the network has its own.
    pub l2_rpc: Option<String>,
    /// Further variables of the environment.
    pub environment: Vec<(&'static str, String)>,
    /// Further arguments.
    pub arguments: Vec<&'static str>,
}

impl Options {
    /// With proofs that are quick and worthless.
    pub fn quick() -> Self {
        Self {
            profile: "insecure-test",
            l2_rpc: None,
            environment: Vec::new(),
            arguments: Vec::new(),
        }
    }

    /// With proofs of 100 bits.
    pub fn secure() -> Self {
        Self {
            profile: "secure",
            ..Self::quick()
        }
    }

    /// Attached to the L2 at `url`.
    pub fn on(self, url: String) -> Self {
        Self {
            l2_rpc: Some(url),
            ..self
        }
    }

    /// With `name=value` in the environment.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    /// With further arguments.
    pub fn saying(mut self, arguments: &[&'static str]) -> Self {
        self.arguments.extend(arguments);
        self
    }
}

/// Proving takes all cores and some GB, so that only one network runs at a time in a test binary.
pub(super) static TURN: Mutex<()> = Mutex::const_new(());

/// For as long as it is kept, no other network runs.
pub(super) type Turn = MutexGuard<'static, ()>;

/// A running `tern devnet`, killed when dropped.
#[derive(Debug)]
pub struct Devnet {
    _turn: Turn,
    process: Child,
    directory: PathBuf,
    deployment: Deployment,
}

/// The program: built beside the test or the tool that runs.
///
/// # Errors
/// If it was not built.
pub fn program() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let places = own.ancestors().skip(1).take(2);
    let mut built = places.map(|place| place.join("tern"));
    built.find(|built| built.exists()).with_context(|| {
        let own = own.display();
        format!("there is no tern beside {own}; run cargo build --release --workspace --bins")
    })
}

impl Devnet {
    /// Starts one on `directory` and waits until it is ready. Its diagnostics go to `tern.log` there.
    ///
    /// # Errors
    /// If it ends, or is not ready in time.
    pub async fn start(directory: &Path, options: &Options) -> Result<Self> {
        let turn = TURN.lock().await;
        let announced = directory.join("deployment.json");
        let before = modified(&announced);
        let log = File::options()
            .create(true)
            .append(true)
            .open(directory.join("tern.log"))?;
        let mut command = clean(Command::new(program()?));
        command
            .args(["devnet", "--rpc", "127.0.0.1:0"])
            .args(["--profile", options.profile])
            .args(&options.arguments)
            .arg("--data-dir")
            .arg(directory)
            .envs(
                options
                    .environment
                    .iter()
                    .map(|(name, value)| (name, value)),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        match &options.l2_rpc {
            Some(url) => command.args(["--l2-rpc", url]),
            None => command.args(["--l2-listen", "127.0.0.1:0"]),
        };
        let mut process = command.spawn()?;
        let ready = until("the devnet to be ready", START, || {
            let ended = process.try_wait();
            let announced = announced.clone();
            async move {
                if let Some(status) = ended? {
                    anyhow::bail!("the devnet ended: {status}");
                }
                if modified(&announced) == before {
                    return Ok(None);
                }
                Ok(serde_json::from_slice(&std::fs::read(&announced)?).ok())
            }
        })
        .await;
        match ready {
            Ok(deployment) => Ok(Self {
                _turn: turn,
                process,
                directory: directory.to_owned(),
                deployment,
            }),
            Err(error) => {
                let _ = process.kill();
                let _ = process.wait();
                let log = std::fs::read_to_string(directory.join("tern.log")).unwrap_or_default();
                Err(error.context(log))
            }
        }
    }

    /// The data directory.
    pub fn path(&self) -> &Path {
        &self.directory
    }

    /// Where everything is.
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// A user of L3 with the `index`-th development account.
    ///
    /// # Errors
    /// If L3 does not answer.
    pub async fn user(&self, index: u32) -> Result<User> {
        User::new(&self.deployment.l3_rpc_url, index).await
    }

    /// The contracts on L2, as anyone can read them.
    ///
    /// # Errors
    /// If L2 does not answer.
    pub fn settled(&self) -> Result<Settled> {
        Settled::new(&self.deployment)
    }

    /// Kills the process as `kill -9` does.
    ///
    /// # Errors
    /// If it cannot be waited for.
    pub fn kill(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Asks the process to stop and waits for its end.
    ///
    /// # Errors
    /// If it does not end in time.
    pub async fn stop(mut self) -> Result<ExitStatus> {
        Command::new("kill")
            .arg(self.process.id().to_string())
            .status()?;
        let process = &mut self.process;
        until("the devnet to stop", START, || {
            let ended = process.try_wait();
            async move { Ok(ended?) }
        })
        .await
    }

    /// Waits until the process ends of itself.
    ///
    /// # Errors
    /// If it does not within `limit`.
    pub async fn ends(mut self, limit: Duration) -> Result<ExitStatus> {
        let process = &mut self.process;
        until("the devnet to end", limit, || {
            let ended = process.try_wait();
            async move { Ok(ended?) }
        })
        .await
    }

    /// Number of the process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What the process said so far.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.directory.join("tern.log"))?)
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A command without the settings of whoever runs the tests: variables `TERN_…` are settings of a node, too.
pub fn clean(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("TERN_")) {
            command.env_remove(name);
        }
    }
    command
}

fn modified(path: &Path) -> Option<std::time::SystemTime> {
    path.metadata().and_then(|data| data.modified()).ok()
}
