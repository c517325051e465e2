//! Where the nodes live: network namespaces on a bridge, each with an address and a disk of its own.
//!
//! ```text
//!   10.77.0.1  bridge ─┬─ cable ─ 10.77.0.10  eth0 of the first node's namespace
//!   (harness,  L2)     ├─ cable ─ 10.77.0.11  …
//! ```
//!
//! All of it lies in user, network, mount and process namespaces of its own, made by [`enter`]: an ordinary user may do
//! that on most systems, and the kernel clears everything away at the end, whatever happens.

use std::env;
use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Says to the process inside which world it is in.
const INSIDE: &str = "CHAOS_WORLD";
/// How namespaces are asked for, the most private way first.
const WAYS: [&[&str]; 3] = [
    &["-Urnm", "--pid", "--fork", "--kill-child", "--mount-proc"],
    &["-nm", "--pid", "--fork", "--kill-child", "--mount-proc"],
    &["-Urnm"],
];
/// Everything that is done there later; what is missing, a program or a right, is to be known before.
const PROBE: &str = "mount -t tmpfs none /run; ip link set lo up; ip link add probe type bridge; \
                     ip link add left type veth peer name right; ip netns add probe; ip netns exec probe true";
/// Room on a node's disk, in MiB.
const DISK: u32 = 128;

/// Where the nodes live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// Network namespaces.
    Namespaces,
    /// Loopback addresses of this machine: links and disks cannot be hurt.
    Loopback,
}

/// Starts this program again inside its own namespaces, and does not return if that works.
///
/// # Errors
/// If the system refuses; the reason is what `unshare` said.
pub fn enter() -> Result<World> {
    if env::var_os(INSIDE).is_some() {
        prepare().context("the namespaces cannot be set up")?;
        return Ok(World::Namespaces);
    }
    let mut refused = String::new();
    for way in WAYS {
        let probe = Command::new("unshare")
            .args(way)
            .args(["sh", "-e", "-c", PROBE])
            .output();
        match probe {
            Ok(output) if output.status.success() => {
                let program = env::current_exe()?;
                let error = Command::new("unshare")
                    .args(way)
                    .arg("--")
                    .arg(program)
                    .args(env::args_os().skip(1))
                    .env(INSIDE, "1")
                    .exec();
                return Err(error).context("unshare cannot be started");
            }
            Ok(output) => refused = String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => refused = error.to_string(),
        }
    }
    anyhow::bail!("no right to make namespaces: {refused}")
}

fn prepare() -> Result<()> {
    // `ip netns` keeps its names under /run, which an ordinary user does not own.
    tell("mount", &["-t", "tmpfs", "none", "/run"])?;
    tell("ip", &["link", "set", "lo", "up"])?;
    tell("ip", &["link", "add", "chaos", "type", "bridge"])?;
    tell("ip", &["addr", "add", "10.77.0.1/24", "dev", "chaos"])?;
    tell("ip", &["link", "set", "chaos", "up"])
}

impl World {
    /// Where the L2 and the harness are reached.
    pub fn harness(self) -> Ipv4Addr {
        match self {
            Self::Namespaces => Ipv4Addr::new(10, 77, 0, 1),
            Self::Loopback => Ipv4Addr::LOCALHOST,
        }
    }

    /// The address of the node of this number.
    pub fn address(self, index: u8) -> Ipv4Addr {
        match self {
            Self::Namespaces => Ipv4Addr::new(10, 77, 0, 10 + index),
            Self::Loopback => {
                let run = (std::process::id() % 200).to_le_bytes()[0];
                Ipv4Addr::new(127, 77, run, 10 + index)
            }
        }
    }

    /// Makes the machine of a node: address and disk. `data` is its data directory.
    ///
    /// # Errors
    /// What the system said.
    pub fn machine(self, index: u8, data: &Path) -> Result<()> {
        std::fs::create_dir_all(data)?;
        if self == Self::Loopback {
            return Ok(());
        }
        let (name, cable) = (namespace(index), cable(index));
        let address = format!("{}/24", self.address(index));
        tell("ip", &["netns", "add", &name])?;
        tell(
            "ip",
            &[
                "link", "add", &cable, "type", "veth", "peer", "name", "eth0", "netns", &name,
            ],
        )?;
        tell("ip", &["link", "set", &cable, "master", "chaos", "up"])?;
        tell("ip", &["-n", &name, "addr", "add", &address, "dev", "eth0"])?;
        tell("ip", &["-n", &name, "link", "set", "eth0", "up"])?;
        tell("ip", &["-n", &name, "link", "set", "lo", "up"])?;
        let size = format!("size={DISK}m");
        let data = data.to_str().context("paths are text")?;
        tell("mount", &["-t", "tmpfs", "-o", &size, "none", data])
    }

    /// A command that runs on the machine of a node. Its process is the program itself, for signals.
    pub fn command(self, index: u8, program: &Path) -> Command {
        match self {
            Self::Loopback => Command::new(program),
            Self::Namespaces => {
                let mut command = Command::new("nsenter");
                let namespace = format!("--net=/run/netns/{}", namespace(index));
                command.arg(namespace).arg("--").arg(program);
                command
            }
        }
    }
}

/// What can be done to a machine's link. Only in namespaces.
#[derive(Clone, Copy, Debug)]
pub struct Link(pub u8);

impl Link {
    /// Pulls the cable, or plugs it in.
    ///
    /// # Errors
    /// What the system said; the same for all below.
    pub fn plug(self, there: bool) -> Result<()> {
        let way = if there { "up" } else { "down" };
        tell("ip", &["link", "set", &cable(self.0), way])
    }

    /// What the node sends to `others` gets lost; what they send arrives.
    ///
    /// # Errors
    /// See [`Link::plug`].
    pub fn mute(self, others: &[Ipv4Addr]) -> Result<()> {
        for other in others {
            let (name, other) = (namespace(self.0), other.to_string());
            let nobody = "02:00:00:00:00:99";
            tell(
                "ip",
                &[
                    "-n",
                    &name,
                    "neigh",
                    "replace",
                    &other,
                    "lladdr",
                    nobody,
                    "dev",
                    "eth0",
                    "nud",
                    "permanent",
                ],
            )?;
        }
        Ok(())
    }

    /// The end of [`Link::mute`].
    ///
    /// # Errors
    /// See [`Link::plug`].
    pub fn unmute(self, others: &[Ipv4Addr]) -> Result<()> {
        for other in others {
            let (name, other) = (namespace(self.0), other.to_string());
            tell("ip", &["-n", &name, "neigh", "del", &other, "dev", "eth0"])?;
        }
        Ok(())
    }

    /// Slows the link down in both directions.
    ///
    /// # Errors
    /// See [`Link::plug`].
    pub fn slow(self, kbit: u32) -> Result<()> {
        let rate = format!("{kbit}kbit");
        let (name, cable) = (namespace(self.0), cable(self.0));
        let shape = [
            "root", "tbf", "rate", &rate, "burst", "8k", "latency", "800ms",
        ];
        tell(
            "tc",
            &[&["qdisc", "replace", "dev", &cable], &shape[..]].concat(),
        )?;
        tell(
            "tc",
            &[
                &["-n", &name, "qdisc", "replace", "dev", "eth0"],
                &shape[..],
            ]
            .concat(),
        )
    }

    /// The end of [`Link::slow`].
    ///
    /// # Errors
    /// See [`Link::plug`].
    pub fn fast(self) -> Result<()> {
        let (name, cable) = (namespace(self.0), cable(self.0));
        tell("tc", &["qdisc", "del", "dev", &cable, "root"])?;
        tell("tc", &["-n", &name, "qdisc", "del", "dev", "eth0", "root"])
    }

    /// Loses so many of 100 packets in both directions, at random: a packet filter of four instructions that compares a
    /// random number (extension `rand`, at 0xfffff038) and drops (2) or passes (0).
    ///
    /// # Errors
    /// See [`Link::plug`].
    pub fn lossy(self, percent: u32) -> Result<()> {
        let bar = u32::MAX / 100 * percent;
        let filter = format!("4,32 0 0 4294963256,53 1 0 {bar},6 0 0 2,6 0 0 0");
        let (name, cable) = (namespace(self.0), cable(self.0));
        let at: [&[&str]; 2] = [&["tc"], &["tc", "-n", &name]];
        for (tc, device) in at.into_iter().zip([cable.as_str(), "eth0"]) {
            let tc = &tc[1..];
            tell(
                "tc",
                &[tc, &["qdisc", "add", "dev", device, "clsact"]].concat(),
            )?;
            tell(
                "tc",
                &[
                    tc,
                    &[
                        "filter",
                        "add",
                        "dev",
                        device,
                        "egress",
                        "protocol",
                        "all",
                        "bpf",
                        "direct-action",
                    ],
                    &["bytecode", &filter],
                ]
                .concat(),
            )?;
        }
        Ok(())
    }

    /// The end of [`Link::lossy`].
    ///
    /// # Errors
    /// See [`Link::plug`].
    pub fn lossless(self) -> Result<()> {
        let (name, cable) = (namespace(self.0), cable(self.0));
        tell("tc", &["qdisc", "del", "dev", &cable, "clsact"])?;
        tell(
            "tc",
            &["-n", &name, "qdisc", "del", "dev", "eth0", "clsact"],
        )
    }
}

/// Writes until the disk of `data` is full.
///
/// # Errors
/// If it fails for another reason.
pub fn fill(data: &Path) -> Result<PathBuf> {
    let path = data.join("rubbish");
    let mut file = std::fs::File::create(&path)?;
    let block = vec![0x5a; 4 << 10];
    loop {
        match std::io::Write::write_all(&mut file, &block) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => return Ok(path),
            Err(error) => return Err(error.into()),
        }
    }
}

fn namespace(index: u8) -> String {
    format!("node{index}")
}

fn cable(index: u8) -> String {
    format!("cable{index}")
}

fn tell(program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{program} cannot be started"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{program} {}: {}",
        arguments.join(" "),
        said.trim()
    );
    Ok(())
}
