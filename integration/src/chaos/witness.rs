//! Steady load, and what must hold whatever goes wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256, address};
use alloy::providers::{Provider, ProviderBuilder};
use alloy::rpc::types::Filter;
use alloy::sol_types::SolEvent;
use anyhow::{Context, Result, bail, ensure};
use tern_cluster_config::development_key;
use tern_settlement::IRollup;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::cluster::{Cluster, SEQUENCER};
use crate::harness::{Ledger, Settled, User, until};

/// Nobody else pays it.
const SOMEBODY: Address = address!("0x00000000000000000000000000000000c0ffee00");
/// The development account that gets the fees.
const BENEFICIARY: u32 = 9;
/// Longest time for a transfer or a look.
const ANSWER: Duration = Duration::from_secs(5);
/// Longest time for all looks after a fault.
const LOOKS: Duration = Duration::from_secs(60);

/// Sends transfers and remembers what it was promised.
#[derive(Debug)]
pub(super) struct Witness {
    user: User,
    ledger: Arc<Mutex<Ledger>>,
    load: JoinHandle<()>,
    settled: Settled,
    l2: String,
    /// Hashes of sealed blocks as they were first seen.
    blocks: BTreeMap<u64, B256>,
}

impl Witness {
    pub(super) async fn start(cluster: &Cluster, pace: Duration) -> Result<Self> {
        let user = until("L3 to answer", LOOKS, || async {
            Ok(cluster.user(1).await.ok())
        })
        .await?;
        let ledger = Arc::new(Mutex::new(Ledger::new(SOMEBODY)));
        let load = tokio::spawn(load(user.clone(), Arc::clone(&ledger), pace));
        Ok(Self {
            user,
            ledger,
            load,
            settled: cluster.settled()?,
            l2: cluster.l2(),
            blocks: BTreeMap::new(),
        })
    }

    pub(super) async fn confirmed(&self) -> usize {
        self.ledger.lock().await.confirmed()
    }

    /// How far L2 is: blocks sealed, committed, verified.
    pub(super) async fn heights(&self) -> Result<[u64; 3]> {
        let finality = timeout(ANSWER, self.user.finality()).await??;
        let height = |name: &str| -> Result<u64> {
            let text = finality[name].as_str().context("a height")?;
            Ok(u64::from_str_radix(text.trim_start_matches("0x"), 16)?)
        };
        Ok([height("sealed")?, height("committed")?, height("verified")?])
    }

    /// Looks at everything that must hold at any time.
    ///
    /// # Errors
    /// The first thing that does not.
    pub(super) async fn check(&mut self, cluster: &Cluster) -> Result<()> {
        timeout(LOOKS, self.look(cluster))
            .await
            .context("the looks took too long")?
    }

    async fn look(&mut self, cluster: &Cluster) -> Result<()> {
        {
            let mut ledger = self.ledger.lock().await;
            let kept = ledger.is_kept(&self.user).await;
            kept.context("a confirmed transaction")?;
        }
        self.one_version_of_each_block().await?;
        self.settled_once().await?;
        self.settled.agrees_with(&self.user, SOMEBODY).await?;
        jobs_accepted_once(&cluster.nodes[SEQUENCER].log()?)
    }

    async fn one_version_of_each_block(&mut self) -> Result<()> {
        let [sealed, ..] = self.heights().await?;
        let mut parent = None;
        for number in 0..=sealed {
            let block = self
                .user
                .provider()
                .get_block_by_number(number.into())
                .await?;
            let header = block
                .with_context(|| format!("block {number} is gone"))?
                .header;
            let first = *self.blocks.entry(number).or_insert(header.hash);
            ensure!(
                first == header.hash,
                "block {number} was {first}, is {}",
                header.hash
            );
            ensure!(
                parent.is_none_or(|parent| parent == header.parent_hash),
                "block {number} does not follow from its parent"
            );
            parent = Some(header.hash);
        }
        Ok(())
    }

    /// Each batch was committed once and verified once; none was replaced.
    async fn settled_once(&self) -> Result<()> {
        let l2 = ProviderBuilder::new().connect_http(self.l2.parse()?);
        let rollup = *self.settled.rollup().address();
        let logs = async |event| {
            let filter = Filter::new()
                .address(rollup)
                .event_signature(event)
                .from_block(0);
            l2.get_logs(&filter).await
        };
        for event in [
            IRollup::BatchCommitted::SIGNATURE_HASH,
            IRollup::BatchVerified::SIGNATURE_HASH,
        ] {
            let found = logs(event).await?;
            let numbers: BTreeSet<_> = found.iter().filter_map(|log| log.topics().get(1)).collect();
            ensure!(
                numbers.len() == found.len(),
                "a batch was settled twice: {found:?}"
            );
        }
        let replaced = logs(IRollup::BatchesSuperseded::SIGNATURE_HASH).await?;
        ensure!(replaced.is_empty(), "a batch was replaced");
        Ok(())
    }

    /// Ends the load and waits until L2 has verified everything that was confirmed; then every balance must be what the
    /// receipts say. How long L2 took.
    ///
    /// # Errors
    /// What does not hold.
    pub(super) async fn conclude(
        &mut self,
        cluster: &mut Cluster,
        limit: Duration,
    ) -> Result<Duration> {
        self.load.abort();
        let begun = Instant::now();
        let last = {
            let mut ledger = self.ledger.lock().await;
            timeout(LOOKS, ledger.is_kept(&self.user)).await??;
            let fees = development_key(BENEFICIARY).address();
            timeout(LOOKS, ledger.balances(&self.user, fees)).await??;
            ledger.last_block().context("something was confirmed")?
        };
        // L2 first; then the main node has heard of it.
        while self.settled.verified_block().await? < last
            || self.heights().await.unwrap_or_default()[2] < last
        {
            if begun.elapsed() > limit {
                let heights = self.heights().await;
                bail!("L2 has not verified block {last} within {limit:?}: {heights:?}");
            }
            cluster.tend()?;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        for account in [self.user.address(), SOMEBODY] {
            self.settled.agrees_with(&self.user, account).await?;
        }
        self.check(cluster).await?;
        Ok(begun.elapsed())
    }

    /// Jobs whose proofs were stored.
    pub(super) fn jobs(cluster: &Cluster) -> Result<usize> {
        let log = cluster.nodes[SEQUENCER].log()?;
        Ok(log
            .lines()
            .filter(|line| line.contains("proof stored"))
            .count())
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.load.abort();
    }
}

/// Transfers at a steady pace; one that was not confirmed is sent again before the next.
async fn load(user: User, ledger: Arc<Mutex<Ledger>>, pace: Duration) {
    let mut pace = tokio::time::interval(pace);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        let mut ledger = ledger.lock().await;
        let step = async {
            if ledger.is_open() {
                ledger.insist(&user).await
            } else {
                ledger.send(&user).await
            }
        };
        // No answer is what faults are for. What counts is what was promised.
        let _ = timeout(ANSWER, step).await;
    }
}

/// No proof is stored twice, no job is handed out after its proof was stored, and none had to be given up.
fn jobs_accepted_once(log: &str) -> Result<()> {
    let mut stored = BTreeSet::new();
    for line in log.lines() {
        ensure!(
            !line.contains("ALARM"),
            "the sequencer raised an alarm: {line}"
        );
        let mut words = line.split_whitespace();
        let Some(job) = words.find_map(|word| word.strip_prefix("job=")) else {
            continue;
        };
        if line.contains("proof stored") {
            ensure!(stored.insert(job), "job {job} was accepted twice");
        } else if line.contains(" leased ") {
            ensure!(
                !stored.contains(job),
                "job {job} was handed out after its proof was stored"
            );
        }
    }
    Ok(())
}
