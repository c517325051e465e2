//! One process of the cluster, which is started again whenever it ends.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tern_cluster_config::Role;

use super::world::World;
use crate::harness::clean;

/// Pause before a process that ended by itself is started again, as process supervisors do.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// What it is and how it is started.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    pub(super) index: u8,
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) arguments: Vec<String>,
    /// For its data, its log and its clock.
    pub(super) folder: PathBuf,
    pub(super) program: PathBuf,
    /// Preloaded, so that its clock can be set.
    pub(super) clock: Option<PathBuf>,
    pub(super) world: World,
}

/// A process that ended without being told to.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    pub(super) code: Option<i32>,
    pub(super) said: String,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) spec: Spec,
    process: Option<Child>,
    ended: Option<Instant>,
    pub(super) endings: Vec<Ending>,
    /// It may leave, and is not started again.
    pub(super) may_leave: bool,
}

impl Node {
    pub(super) fn new(spec: Spec) -> Result<Self> {
        std::fs::create_dir_all(&spec.folder)?;
        std::fs::write(spec.folder.join("clock"), 0_i64.to_le_bytes())?;
        spec.world.machine(spec.index, &spec.folder.join("data"))?;
        Ok(Self {
            spec,
            process: None,
            ended: None,
            endings: Vec::new(),
            may_leave: false,
        })
    }

    pub(super) fn address(&self) -> Ipv4Addr {
        self.spec.world.address(self.spec.index)
    }

    pub(super) fn data(&self) -> PathBuf {
        self.spec.folder.join("data")
    }

    fn log_path(&self) -> PathBuf {
        self.spec.folder.join("log")
    }

    pub(super) fn start(&mut self) -> Result<()> {
        let Spec {
            index,
            arguments,
            folder,
            program,
            clock,
            world,
            ..
        } = &self.spec;
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())?;
        let mut command = clean(world.command(*index, program));
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        if let Some(clock) = clock {
            command
                .env("LD_PRELOAD", clock)
                .env("CHAOS_CLOCK", folder.join("clock"));
        }
        self.process = Some(command.spawn().context("the node cannot be started")?);
        self.ended = None;
        Ok(())
    }

    /// Kills it as `kill -9` does.
    pub(super) fn kill(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill()?;
            process.wait()?;
        }
        Ok(())
    }

    pub(super) fn signal(&self, signal: &str) -> Result<()> {
        let process = self.process.as_ref().context("the node does not run")?;
        let status = Command::new("kill")
            .args([signal, &process.id().to_string()])
            .status()?;
        ensure!(status.success(), "kill {signal} failed");
        Ok(())
    }

    /// Sets its clock forward or back by so many seconds.
    pub(super) fn set_clock(&self, seconds: i64) -> Result<()> {
        // In place: the process has the file mapped.
        let mut file = File::options()
            .write(true)
            .open(self.spec.folder.join("clock"))?;
        std::io::Write::write_all(&mut file, &seconds.to_le_bytes())?;
        Ok(())
    }

    /// Looks whether it still runs; if it ended by itself, says how, and starts it again after a pause.
    pub(super) fn tend(&mut self) -> Result<()> {
        if let Some(ended) = self.ended {
            if ended.elapsed() > RESTART_PAUSE && !self.may_leave {
                self.start()?;
            }
            return Ok(());
        }
        let Some(process) = &mut self.process else {
            return Ok(());
        };
        if let Some(status) = process.try_wait()? {
            let said = self.last_words()?;
            self.endings.push(Ending {
                code: status.code(),
                said,
            });
            self.process = None;
            self.ended = Some(Instant::now());
        }
        Ok(())
    }

    pub(super) fn runs(&self) -> bool {
        self.process.is_some()
    }

    pub(super) fn log(&self) -> Result<String> {
        let mut text = Vec::new();
        File::open(self.log_path())?.read_to_end(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn last_words(&self) -> Result<String> {
        let mut file = File::open(self.log_path())?;
        let len = file.metadata()?.len();
        file.seek(SeekFrom::Start(len.saturating_sub(2_000)))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        let tail = String::from_utf8_lossy(&tail);
        Ok(tail.lines().last().unwrap_or_default().to_owned())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
