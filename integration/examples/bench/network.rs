//! A devnet with its own L2, as its users start it.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use alloy::primitives::{Address, U256};
use alloy::providers::{Provider, ProviderBuilder};
use anyhow::{Context, Result, ensure};
use tern_integration::harness::{Devnet, Options, User, clean, program, until};

use super::measure::{job_times, memory, say, took};

const SOMEBODY: Address = Address::repeat_byte(0x53);
/// Longest time for circuits, and for a block to be proven.
const LONG: Duration = Duration::from_secs(1_800);
/// Between two attempts to reach a starting server.
const PAUSE: Duration = Duration::from_millis(5);

/// What a process without a prover needs.
pub(crate) struct Start {
    pub first_answer: Duration,
    pub resident: u64,
}

/// What proving takes.
pub(crate) struct Proven {
    pub circuits: Duration,
    /// Two transfers in the first block of the process, which builds the circuits for the sizes of its tables.
    pub first: Settled,
    pub two: Settled,
    pub many: Settled,
    pub peak: u64,
}

/// A block's way.
pub(crate) struct Settled {
    /// From sealed to verified on L2.
    pub settled: Duration,
    /// Sum of the times of its jobs.
    pub jobs: Duration,
}

/// Starts a fresh network without a prover, uses it a little, and looks at its memory.
pub(crate) async fn start() -> Result<Start> {
    let first_answer = first_answer().await?;
    let directory = tempfile::tempdir()?;
    let options = Options::secure().with("TERN_ROLES", "[main-node, sequencer, bridge]");
    let devnet = Devnet::start(directory.path(), &options).await?;
    let user = devnet.user(1).await?;
    for value in 1..=100 {
        user.transfer(SOMEBODY, U256::from(value)).await?;
    }
    let settled = devnet.settled()?;
    until("a commitment", LONG, || async {
        let committed: u64 = settled.rollup().lastCommittedBatch().call().await?;
        Ok((committed > 0).then_some(()))
    })
    .await?;
    Ok(Start {
        first_answer,
        resident: memory(devnet.id(), "VmHWM")?,
    })
}

/// From the start of the process, with every role, on an empty directory, to the first answer.
async fn first_answer() -> Result<Duration> {
    let directory = tempfile::tempdir()?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let provider = ProviderBuilder::new().connect_http(format!("http://{port}").parse()?);
    let begun = Instant::now();
    let mut process = clean(Command::new(program()?))
        .args([
            "devnet",
            "--rpc",
            &port.to_string(),
            "--l2-listen",
            "127.0.0.1:0",
            "--data-dir",
        ])
        .arg(directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    while provider.get_chain_id().await.is_err()
        && begun.elapsed() < LONG
        && process.try_wait()?.is_none()
    {
        tokio::time::sleep(PAUSE).await;
    }
    let time = begun.elapsed();
    let ended = process.try_wait()?;
    process.kill()?;
    process.wait()?;
    ensure!(ended.is_none(), "the devnet ended: {ended:?}");
    Ok(time)
}

/// Proves a block of two transfers, then one of `many`.
pub(crate) async fn prove(many: usize) -> Result<Proven> {
    let directory = tempfile::tempdir()?;
    let options = Options::secure().with("TERN_SEALING__MIN_INTERVAL", "5s");
    let devnet = Devnet::start(directory.path(), &options).await?;
    let circuits = until("the circuits", LONG, || async {
        let log = devnet.log()?;
        Ok(log
            .lines()
            .find(|line| line.contains("circuits are ready"))
            .and_then(took))
    })
    .await?;
    let user = devnet.user(1).await?;
    say("proving the first block");
    let first = settle(&devnet, &user, 2).await?;
    say("proving a block of two transfers");
    let two = settle(&devnet, &user, 2).await?;
    say("proving a larger block");
    let many = settle(&devnet, &user, many).await?;
    Ok(Proven {
        circuits,
        first,
        two,
        many,
        peak: memory(devnet.id(), "VmHWM")?,
    })
}

async fn settle(devnet: &Devnet, user: &User, transfers: usize) -> Result<Settled> {
    let before = devnet.log()?.len();
    let mut block = None;
    for value in 1..=transfers {
        let receipt = user.transfer(SOMEBODY, U256::from(value)).await?;
        let number = receipt
            .block_number
            .context("a receipt has a block number")?;
        ensure!(
            block.is_none_or(|block| block == number),
            "the transfers are in several blocks"
        );
        block = Some(number);
    }
    let block = block.context("there are transfers")?;
    until("the block to be sealed", LONG, || async {
        Ok((user.provider().get_block_number().await? >= block).then_some(()))
    })
    .await?;
    let sealed = Instant::now();
    devnet.settled()?.verifies_block(block, LONG).await?;
    let settled = sealed.elapsed();
    let log = devnet.log()?;
    Ok(Settled {
        settled,
        jobs: job_times(log.get(before..).unwrap_or_default())?,
    })
}
