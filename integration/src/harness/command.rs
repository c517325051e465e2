//! A run of the program that is expected to end soon.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::devnet::{clean, program};
use super::wait::until;

/// Longest time to the end of a run that cannot succeed.
const END: Duration = Duration::from_secs(30);

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What stood on stderr.
    pub said: String,
}

impl Ended {
    /// Checks the code, and that each of `words` was said.
    ///
    /// # Errors
    /// What differs.
    pub fn with(&self, code: i32, words: &[&str]) -> Result<()> {
        ensure!(
            self.code == Some(code),
            "exit code {:?}, expected {code}: {}",
            self.code,
            self.said
        );
        for word in words {
            ensure!(
                self.said.contains(word),
                "`{word}` was not said: {}",
                self.said
            );
        }
        Ok(())
    }
}

/// Runs the program until it ends.
///
/// # Errors
/// If it runs on.
pub async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Ended> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("stderr");
    let mut process = clean(Command::new(program()?))
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&path)?)
        .spawn()?;
    let ended = until(format!("{arguments:?} to end"), END, || {
        let ended = process.try_wait();
        async move { Ok(ended?) }
    })
    .await;
    if ended.is_err() {
        process.kill()?;
        process.wait()?;
    }
    let mut said = String::new();
    File::open(&path)?.read_to_string(&mut said)?;
    let code = ended.context(said.clone())?.code();
    Ok(Ended { code, said })
}
