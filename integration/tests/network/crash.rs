//! `kill -9` at any moment: whatever was confirmed is still there, L2 and disk agree again, and no finished job is
//! proven twice.
//!
//! The process ends at named steps (`TERN_CRASH_AT`), once at each, always on the same data directory; every start
//! is a recovery, and begins with a look at everything that was promised before.

use std::collections::BTreeSet;
use std::time::Duration;

use alloy::primitives::{Address, U256, address};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::rpc::types::Filter;
use alloy::sol_types::SolEvent;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tern_cluster_config::development_key;
use tern_integration::harness::{Anvil, Devnet, Ledger, Options, Rebuilt, until};
use tern_settlement::IRollup;

const SOMEBODY: Address = address!("0x00000000000000000000000000000000c0ffee00");
const NODE: &str = "[main-node]";
const SEQUENCER: &str = "[main-node, sequencer]";
const SETTLING: &str = "[main-node, sequencer, bridge]";
const EVERYTHING: &str = "[main-node, sequencer, prover, bridge]";
/// Blocks stay open.
const NEVER: &str = "1h";
/// Blocks are sealed soon after their first transaction.
const SOON: &str = "300ms";
/// Longest time to a step that needs no proof: batches wait 20 s.
const STEP: Duration = Duration::from_secs(60);
/// The same with proofs: circuits, a lost worker's lease, and the proofs of a batch.
const PROVEN: Duration = Duration::from_secs(300);

/// One network whose process dies again and again.
struct Victim {
    directory: tempfile::TempDir,
    anvil: Anvil,
    ledger: Ledger,
    arguments: &'static [&'static str],
}

impl Victim {
    fn new() -> Result<Self> {
        Ok(Self {
            directory: tempfile::tempdir()?,
            anvil: Anvil::start(&["--block-time", "1"])?,
            ledger: Ledger::new(SOMEBODY),
            arguments: &[],
        })
    }

    fn options(&self, roles: &str, sealing: &str) -> Options {
        Options::quick()
            .on(self.anvil.url())
            .saying(self.arguments)
            .with("TERN_ROLES", roles)
            .with("TERN_SEALING__MIN_INTERVAL", sealing)
            .with("TERN_SEALING__MAX_INTERVAL", sealing)
    }

    async fn start(&self, roles: &str, sealing: &str) -> Result<Devnet> {
        Devnet::start(self.directory.path(), &self.options(roles, sealing)).await
    }

    fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.directory.path().join("tern.log")).unwrap_or_default())
    }

    /// Starts, keeps transacting, and sees the process die at `step`.
    async fn dies_at(
        &mut self,
        step: &str,
        roles: &str,
        sealing: &str,
        limit: Duration,
    ) -> Result<()> {
        let before = self.log()?.len();
        let options = self.options(roles, sealing).with("TERN_CRASH_AT", step);
        let started = Devnet::start(self.directory.path(), &options).await;
        let last_words = format!("the process ends at {step}");
        let error = match started {
            // It may die as soon as it is ready.
            Err(error) => Some(error),
            Ok(devnet) => {
                let outcome = self.transact(&devnet).await;
                devnet
                    .ends(limit)
                    .await
                    .with_context(|| format!("{step}: {outcome:?}"))?;
                outcome.err()
            }
        };
        let log = self.log()?;
        let said = log.get(before..).unwrap_or_default();
        ensure!(said.contains(&last_words), "{step}: {error:?}\n{said}");
        Ok(())
    }

    async fn transact(&mut self, devnet: &Devnet) -> Result<()> {
        let user = devnet.user(1).await?;
        self.ledger.is_kept(&user).await?;
        self.ledger.send(&user).await
    }

    fn l2(&self) -> Result<DynProvider> {
        Ok(ProviderBuilder::new()
            .connect_http(self.anvil.url().parse()?)
            .erased())
    }

    /// Kills the process when its commitment is in L2's pool, and lets L2 go on afterwards.
    async fn dies_between_sending_and_mining(&mut self) -> Result<()> {
        let l2 = self.l2()?;
        let before = self.log()?.len();
        let _: Value = l2.raw_request("evm_setIntervalMining".into(), [0]).await?;
        let devnet = self.start(SETTLING, NEVER).await?;
        self.transact(&devnet).await?;
        until("a transaction in L2's pool", STEP, || async {
            let pool: Value = l2.raw_request("txpool_status".into(), ()).await?;
            let sent = self
                .log()?
                .get(before..)
                .is_some_and(|log| log.contains("action=\"commitBatch\""));
            Ok((sent && pool["pending"] != "0x0").then_some(()))
        })
        .await?;
        devnet.kill()?;
        let _: Value = l2.raw_request("evm_setIntervalMining".into(), [1]).await?;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_confirmed_is_lost_and_nothing_is_proven_twice_whichever_step_dies() -> Result<()> {
    let mut victim = Victim::new()?;
    match die_everywhere(&mut victim).await {
        Ok(()) => Ok(()),
        Err(error) => Err(error.context(victim.log()?)),
    }
}

async fn die_everywhere(victim: &mut Victim) -> Result<()> {
    let first = victim.start(NODE, NEVER).await?;
    victim.transact(&first).await?;
    first.kill()?;

    for step in [
        "main-node/executed",
        "store/applied",
        "store/flushed",
        "main-node/durable",
        "main-node/answered",
    ] {
        victim.dies_at(step, NODE, NEVER, STEP).await?;
    }
    for step in ["main-node/sealing", "main-node/sealed"] {
        victim.dies_at(step, NODE, SOON, STEP).await?;
    }
    for step in [
        "sequencer/replayed",
        "sequencer/block-stored",
        "sequencer/simulating",
        "sequencer/simulated",
        "sequencer/batch-forming",
        "sequencer/batch-formed",
    ] {
        victim.dies_at(step, SEQUENCER, NEVER, STEP).await?;
    }
    victim
        .dies_at("bridge/commit-intended", SETTLING, NEVER, STEP)
        .await?;
    victim.dies_between_sending_and_mining().await?;
    // A second and a third batch.
    for step in ["bridge/commit-mined", "bridge/commit-recorded"] {
        victim.dies_at(step, SETTLING, SOON, STEP).await?;
    }
    for step in [
        "coordinator/lease-stored",
        "coordinator/proof-received",
        "coordinator/proof-stored",
    ] {
        victim.dies_at(step, EVERYTHING, NEVER, PROVEN).await?;
    }
    victim
        .dies_at("bridge/prove-intended", EVERYTHING, NEVER, PROVEN)
        .await?;
    victim
        .dies_at("bridge/prove-mined", SETTLING, NEVER, STEP)
        .await?;
    victim
        .dies_at("bridge/prove-recorded", EVERYTHING, NEVER, PROVEN)
        .await?;

    let devnet = victim.start(SETTLING, NEVER).await?;
    let user = devnet.user(1).await?;
    victim.ledger.is_kept(&user).await?;
    victim
        .ledger
        .balances(&user, development_key(9).address())
        .await?;
    let settled = devnet.settled()?;
    ensure!(
        settled.verified_batch().await? >= 2,
        "two batches were proven"
    );
    for account in [user.address(), SOMEBODY] {
        settled.agrees_with(&user, account).await?;
    }
    settled_once(&victim.l2()?, *settled.rollup().address()).await?;
    proven_once(&victim.log()?)?;
    until("all sealed blocks to be committed", STEP, || async {
        let heights = user.finality().await?;
        Ok((heights["sealed"] == heights["committed"]).then_some(()))
    })
    .await?;
    Rebuilt::of(devnet).await.map(drop)
}

/// The same for batches that are final without a proof.
#[tokio::test(flavor = "multi_thread")]
async fn batches_are_proposed_and_made_final_once_whichever_step_of_the_bridge_dies() -> Result<()>
{
    let mut victim = Victim {
        arguments: &["--challenge-window", "5s", "--proof-time", "1h"],
        ..Victim::new()?
    };
    for step in [
        "bridge/stake-intended",
        "bridge/stake-mined",
        "bridge/propose-intended",
        "bridge/propose-mined",
        "bridge/propose-recorded",
        "bridge/finalize-intended",
        "bridge/finalize-mined",
        "bridge/finalize-recorded",
    ] {
        let died = victim.dies_at(step, SETTLING, SOON, STEP).await;
        died.with_context(|| victim.log().unwrap_or_default())?;
    }
    let devnet = victim.start(SETTLING, NEVER).await?;
    let user = devnet.user(1).await?;
    victim.ledger.is_kept(&user).await?;
    let settled = devnet.settled()?;
    until("what was committed to be final", STEP, || async {
        let committed = settled.rollup().lastCommittedBatch().call().await?;
        let verified = settled.verified_batch().await?;
        Ok((verified >= 2 && verified == committed).then_some(()))
    })
    .await?;
    settled_once(&victim.l2()?, *settled.rollup().address()).await?;
    let disputes = devnet.deployment().disputes.context("it has disputes")?;
    // The stake was put there once.
    let staked = victim.l2()?.get_balance(disputes).await?;
    ensure!(staked == U256::from(10).pow(U256::from(19)), "{staked}");
    Rebuilt::of(devnet).await.map(drop)
}

/// Each batch was committed once and verified once; none was replaced.
async fn settled_once(l2: &DynProvider, rollup: Address) -> Result<()> {
    for event in [
        IRollup::BatchCommitted::SIGNATURE_HASH,
        IRollup::BatchVerified::SIGNATURE_HASH,
    ] {
        let filter = Filter::new()
            .address(rollup)
            .event_signature(event)
            .from_block(0);
        let logs = l2.get_logs(&filter).await?;
        let numbers: BTreeSet<_> = logs.iter().filter_map(|log| log.topics().get(1)).collect();
        ensure!(
            !logs.is_empty() && numbers.len() == logs.len(),
            "a batch was settled twice: {logs:?}"
        );
    }
    let superseded = IRollup::BatchesSuperseded::SIGNATURE_HASH;
    let filter = Filter::new()
        .address(rollup)
        .event_signature(superseded)
        .from_block(0);
    ensure!(
        l2.get_logs(&filter).await?.is_empty(),
        "a batch was replaced"
    );
    Ok(())
}

/// No job is handed out or proven after its proof was stored.
fn proven_once(log: &str) -> Result<()> {
    let mut stored = BTreeSet::new();
    for line in log.lines() {
        let job = line
            .split_whitespace()
            .find_map(|word| word.strip_prefix("job="));
        let Some(job) = job else { continue };
        if line.contains("proof stored") {
            ensure!(stored.insert(job), "job {job} was proven twice");
        } else if line.contains(" leased ") {
            ensure!(
                !stored.contains(job),
                "job {job} was handed out after it was proven: {line}"
            );
        }
    }
    ensure!(!stored.is_empty(), "no proof was stored");
    Ok(())
}

/// Moments that no step names: transactions come as fast as they are answered, and the process is killed.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_confirmed_is_lost_when_the_process_is_killed_under_load() -> Result<()> {
    let mut victim = Victim::new()?;
    for moment in [90, 170, 310, 530, 890] {
        let devnet = victim.start(NODE, "200ms").await?;
        let user = devnet.user(1).await?;
        victim.ledger.is_kept(&user).await?;
        kill_after(devnet, Duration::from_millis(moment));
        while victim.ledger.send(&user).await.is_ok() {}
    }
    let devnet = victim.start(NODE, NEVER).await?;
    let user = devnet.user(1).await?;
    victim.ledger.is_kept(&user).await?;
    victim
        .ledger
        .balances(&user, development_key(9).address())
        .await?;
    ensure!(
        victim.ledger.confirmed() > 5,
        "hardly anything was confirmed"
    );
    Ok(())
}

fn kill_after(devnet: Devnet, time: Duration) {
    tokio::spawn(async move {
        tokio::time::sleep(time).await;
        devnet.kill()
    });
}
