//! Batches that are final without a proof unless somebody challenges them: one that nobody challenges, one whose block is
//! challenged in vain, and the lies of an operator that a watcher challenges.

use std::time::Duration;

use alloy::primitives::{Address, B256, U256, address};
use alloy::signers::local::PrivateKeySigner;
use anyhow::{Context, Result, ensure};
use tern_cluster_config::development_key;
use tern_execution::HashWindow;
use tern_integration::harness::{Anvil, Devnet, Options, Rebuilt, main_node_store, until};
use tern_messages::{
    Batch, BatchHeader, BatchNumber, BlockNumber, ChainId, SealedBlock, WindowDigest,
};
use tern_node::deployment::Deployment;
use tern_proving::statement::window_digest;
use tern_settlement::{
    Call, Challenged, DisputesClient, ExpectedRollup, FollowPolicy, InboxProof, L2, L2Endpoint,
    RollupClient, TransactionSender,
};
use tern_storage::tables::chain::{HEADERS, block as stored_block};

const SOMEBODY: Address = address!("0x00000000000000000000000000000000c0ffee03");
/// Development accounts.
const OPERATOR: u32 = 0;
const CHALLENGER: u32 = 5;
/// Batches wait 20 s.
const COMMITTED: Duration = Duration::from_secs(60);
/// Longest wait for a proof, circuits included, on two busy cores.
const PROVEN: Duration = Duration::from_secs(420);
const WITHOUT_PROVERS: &str = "[main-node, sequencer, bridge]";

/// L2, as it is seen by an account there.
struct Seen {
    rollup: RollupClient,
    disputes: DisputesClient,
    sender: TransactionSender,
}

impl Seen {
    async fn by(deployment: &Deployment, account: &PrivateKeySigner) -> Result<Self> {
        let endpoint = L2Endpoint::new(deployment.l2_rpc_url.parse()?);
        let l2 = L2::connect_to(endpoint, ChainId(deployment.l2_chain_id)).await?;
        let expected = ExpectedRollup {
            address: deployment.rollup,
            chain_id: ChainId(deployment.l3_chain_id),
            genesis_hash: deployment.genesis_hash,
        };
        let rollup = RollupClient::connect(l2.clone(), expected).await?;
        let disputes = rollup.disputes().await?.context("the chain has disputes")?;
        ensure!(deployment.disputes == Some(disputes.address()));
        Ok(Self {
            rollup,
            disputes,
            sender: TransactionSender::new(l2, account.clone(), FollowPolicy::default()),
        })
    }

    async fn send(&self, what: &'static str, call: &Call) -> Result<()> {
        self.sender.send(what, call).await?;
        Ok(())
    }

    async fn verifies(&self, batch: u64) -> Result<()> {
        until(format!("batch {batch} to be final"), COMMITTED, || async {
            let status = self.rollup.status().await?;
            Ok((status.last_verified >= BatchNumber(batch)).then_some(()))
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_final_after_its_window_and_a_challenged_block_is_proven_by_itself() -> Result<()>
{
    let (live, anvil) = (tempfile::tempdir()?, Anvil::start(&["--block-time", "1"])?);
    let options = Options::quick()
        .on(anvil.url())
        .saying(&["--challenge-window", "20s", "--proof-time", "1h"])
        .saying(&["--stake", "2", "--bond", "1"]);
    let alone = options.clone().with("TERN_ROLES", WITHOUT_PROVERS);
    let devnet = Devnet::start(live.path(), &alone).await?;
    let operator = Seen::by(devnet.deployment(), &development_key(OPERATOR)).await?;
    let challenger = Seen::by(devnet.deployment(), &development_key(CHALLENGER)).await?;
    let user = devnet.user(1).await?;
    user.transfer(SOMEBODY, U256::from(1)).await?;
    operator.verifies(1).await?;

    user.transfer(SOMEBODY, U256::from(1)).await?;
    let second = BatchNumber(2);
    let proposal = until("the second batch to be proposed", COMMITTED, || async {
        Ok(operator.disputes.proposal(second).await?)
    })
    .await?;
    let first_block = Challenged {
        batch: second,
        index: 0,
    };
    let challenge = challenger.disputes.challenge(first_block, proposal.id);
    challenger.send("challenge", &challenge).await?;
    ensure!(devnet.stop().await?.success());
    let devnet = Devnet::start(live.path(), &options).await?;
    let before = operator.sender.account();
    until("the block to be proven", PROVEN, || async {
        let standing = operator.disputes.standing(before).await?;
        Ok(standing.waiting.is_empty().then_some(standing.staked))
    })
    .await
    .with_context(|| devnet.log().unwrap_or_default())?;
    ensure!(
        operator
            .disputes
            .is_challenged(proposal.id, first_block.index)
            .await?
    );
    let staked = operator.disputes.standing(before).await?.staked;
    let ether = U256::from(10).pow(U256::from(18));
    ensure!(staked == ether * U256::from(3), "{staked}");
    operator.verifies(2).await?;
    let log = devnet.log()?;
    for said in ["ALARM: a block is challenged", "a challenge is answered"] {
        ensure!(log.contains(said), "`{said}` was not said");
    }
    Rebuilt::of(devnet).await?;
    Ok(())
}

/// What an operator that lies does by hand.
struct Liar {
    seen: Seen,
    genesis: alloy::consensus::Header,
    blocks: Vec<SealedBlock>,
}

impl Liar {
    fn batch(blocks: Vec<SealedBlock>) -> Result<Batch> {
        let last = blocks.last().context("a block")?;
        let header = BatchHeader {
            number: BatchNumber(1),
            first_block: BlockNumber(1),
            last_block: last.number(),
            last_block_hash: last.hash,
            state_root: last.header.state_root,
        };
        Ok(Batch { header, blocks })
    }

    /// The same blocks, but that the last one comes to another state.
    fn lie(&self) -> Result<Batch> {
        let mut blocks = self.blocks.clone();
        let last = blocks.last_mut().context("a block")?;
        last.header.state_root.0[7] ^= 1;
        last.hash = last.header.hash_slow();
        Self::batch(blocks)
    }

    fn windows(&self, batch: &Batch) -> Vec<WindowDigest> {
        let mut hashes: Vec<B256> = vec![self.genesis.hash_slow()];
        let digest = |block: &SealedBlock| {
            hashes.push(block.hash);
            window_digest(&HashWindow::new(hashes.iter().copied()).to_vec())
        };
        batch.blocks.iter().map(digest).collect()
    }

    async fn commit_and_propose(&self, batch: &Batch, windows: &[WindowDigest]) -> Result<()> {
        let (rollup, disputes) = (&self.seen.rollup, &self.seen.disputes);
        let call = rollup.commit(&rollup.genesis(&self.genesis), batch).await?;
        self.seen.send("commitBatch", &call).await?;
        let call = disputes.add_stake(disputes.terms().stake);
        self.seen.send("addStake", &call).await?;
        let call = disputes.propose(batch, windows, InboxProof::default());
        self.seen.send("propose", &call.await?).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_challenges_a_false_state_and_a_false_window_and_both_are_dropped_with_the_stake()
-> Result<()> {
    let (live, anvil) = (tempfile::tempdir()?, Anvil::start(&["--block-time", "1"])?);
    let options = Options::quick()
        .on(anvil.url())
        .saying(&["--challenge-window", "7days", "--stake", "4"])
        .with("TERN_ROLES", "[main-node]")
        .with("TERN_SEALING__MIN_INTERVAL", "300ms");
    let devnet = Devnet::start(live.path(), &options).await?;
    let deployment = devnet.deployment().clone();
    let user = devnet.user(1).await?;
    for value in [1, 2] {
        let receipt = user.transfer(SOMEBODY, U256::from(value)).await?;
        ensure!(receipt.block_number == Some(value), "{receipt:?}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    ensure!(devnet.stop().await?.success());
    let store = main_node_store(live.path(), &deployment)?;
    let read = |number| stored_block(&store, BlockNumber(number))?.context("a block");
    let liar = Liar {
        seen: Seen::by(&deployment, &development_key(OPERATOR)).await?,
        genesis: store
            .get(&HEADERS, &BlockNumber(0))?
            .context("genesis")?
            .header,
        blocks: vec![read(1)?, read(2)?],
    };

    let watched = Rebuilt::new(&deployment)?;
    let watcher = Seen::by(&deployment, &development_key(CHALLENGER)).await?;
    let _watching = watched.challenging(&development_key(CHALLENGER))?;
    let challenged = |index| Challenged {
        batch: BatchNumber(1),
        index,
    };
    let is_challenged = |index: u16| {
        let (disputes, account) = (&watcher.disputes, watcher.sender.account());
        until("the challenge", COMMITTED, move || async move {
            let waiting = disputes.standing(account).await?.waiting;
            Ok((waiting == [challenged(index)]).then_some(()))
        })
    };
    let is_dropped = || {
        until("the batch to be dropped", COMMITTED, || async {
            let status = watcher.rollup.status().await?;
            Ok((status.last_committed == BatchNumber(0)).then_some(()))
        })
    };
    let said = || watched.log().unwrap_or_default();
    let lie = liar.lie()?;
    liar.commit_and_propose(&lie, &liar.windows(&lie)).await?;
    is_challenged(1).await.with_context(said)?;
    anvil
        .sleep(Duration::from_secs(3 * 24 * 60 * 60 + 60))
        .await?;
    is_dropped().await.with_context(said)?;

    let truth = Liar::batch(liar.blocks.clone())?;
    let mut windows = liar.windows(&truth);
    windows[0][2] ^= 1;
    liar.commit_and_propose(&truth, &windows).await?;
    is_challenged(0).await.with_context(said)?;
    anvil
        .sleep(Duration::from_secs(3 * 24 * 60 * 60 + 60))
        .await?;
    is_dropped().await.with_context(said)?;
    until("the rewards to be collected", COMMITTED, || async {
        let owed = watcher.disputes.owed(watcher.sender.account()).await?;
        Ok(owed.is_zero().then_some(()))
    })
    .await
    .with_context(said)?;

    let windows = liar.windows(&truth);
    liar.commit_and_propose(&truth, &windows).await?;
    until("the watcher to take the true batch", COMMITTED, || async {
        Ok(said()
            .contains("L2 holds what execution gives committed=1")
            .then_some(()))
    })
    .await
    .with_context(said)?;
    let waiting = watcher.disputes.standing(watcher.sender.account()).await?;
    ensure!(waiting.waiting.is_empty(), "{waiting:?}");
    Ok(())
}
