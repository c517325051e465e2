//! The chain from L2 alone: interrupted at every step, the same as the live node in every table; and a lie that an
//! operator has committed is named, by a watcher that was there when it came, too.

use std::time::Duration;

use alloy::primitives::{Address, B256, U64, address};
use anyhow::{Context, Result, ensure};
use tern_cluster_config::development_key;
use tern_integration::harness::{
    Anvil, Devnet, Ledger, Options, Rebuilt, User, main_node_store, until,
};
use tern_messages::{Batch, BatchHeader, BatchNumber, BlockNumber, ChainId};
use tern_node::main_node::BATCH_RECORDS;
use tern_settlement::{
    ExpectedRollup, FollowPolicy, L2, L2Endpoint, RollupClient, TransactionSender,
};
use tern_storage::Store;
use tern_storage::tables::chain::{HEADS, block};

const SOMEBODY: Address = address!("0x00000000000000000000000000000000c0ffee01");
/// Batches wait 20 s.
const COMMITTED: Duration = Duration::from_secs(60);
/// A watcher has taken the committed blocks after this time.
const WATCHING: Duration = Duration::from_secs(5);
const BLOCKS: u64 = 4;

fn options(anvil: &Anvil, roles: &str) -> Options {
    Options::quick()
        .on(anvil.url())
        .with("TERN_ROLES", roles)
        .with("TERN_SEALING__MIN_INTERVAL", "300ms")
        .with("TERN_SEALING__MAX_INTERVAL", "300ms")
}

/// The last block that is `sealed` or `committed`.
async fn height(user: &User, name: &str) -> Result<u64> {
    let height: U64 = serde_json::from_value(user.finality().await?[name].take())?;
    Ok(height.to())
}

/// Has some blocks committed, in more than one batch.
async fn commit_some(devnet: &Devnet, ledger: &mut Ledger) -> Result<()> {
    let user = devnet.user(1).await?;
    let settled = devnet.settled()?;
    for number in 1..=BLOCKS {
        ledger.send(&user).await?;
        until("the block to be sealed", COMMITTED, || async {
            Ok((height(&user, "sealed").await? >= number).then_some(()))
        })
        .await?;
        if number == 1 {
            until("the first batch", COMMITTED, || async {
                let committed = settled.rollup().lastCommittedBatch().call().await?;
                Ok((committed == 1).then_some(()))
            })
            .await?;
        }
    }
    until("all blocks to be committed", COMMITTED, || async {
        Ok((height(&user, "committed").await? >= BLOCKS).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_is_made_again_from_l2_whichever_step_is_interrupted() -> Result<()> {
    let (live, anvil) = (tempfile::tempdir()?, Anvil::start(&["--block-time", "1"])?);
    let mut ledger = Ledger::new(SOMEBODY);
    let roles = "[main-node, sequencer, bridge]";
    let devnet = Devnet::start(live.path(), &options(&anvil, roles)).await?;
    commit_some(&devnet, &mut ledger).await?;
    let deployment = devnet.deployment().clone();
    ensure!(devnet.stop().await?.success());

    let rebuilt = Rebuilt::new(&deployment)?;
    for step in [
        "sync/block",
        "sync/block-stored",
        "sync/batch-recorded",
        "sync/block:2",
    ] {
        let ended = rebuilt.sync(&[("TERN_CRASH_AT", step)]).await?;
        ensure!(ended.code.is_none(), "{step}: {ended:?}");
    }
    rebuilt.sync(&[]).await?.with(0, &[])?;
    let last = rebuilt.equals(live.path())?;
    ensure!(last.0 >= BLOCKS, "{last}");
    // Nothing new on L2: nothing changes.
    rebuilt.sync(&[]).await?.with(0, &[])?;
    ensure!(rebuilt.equals(live.path())? == last);

    let live = rebuilt;
    goes_on(&live, &options(&anvil, roles), &mut ledger).await?;
    let last = BlockNumber(last.0 + 1);
    let devnet = live.devnet(&options(&anvil, "[main-node]")).await?;
    let user = devnet.user(1).await?;
    ledger.send(&user).await?;
    until("the block to be sealed", COMMITTED, || async {
        Ok((height(&user, "sealed").await? > last.0).then_some(()))
    })
    .await?;
    ensure!(devnet.stop().await?.success());
    let store = main_node_store(live.path(), &deployment)?;
    let rebuilt = Rebuilt::new(&deployment)?;
    let watcher = Rebuilt::new(&deployment)?;
    let (watched, lied) = tokio::join!(watcher.watch(), async {
        tokio::time::sleep(WATCHING).await;
        commit_a_lie(&store, &anvil, &deployment).await
    });
    lied?;
    let named = format!(
        "block {}, as it was committed to L2, is a lie: its stateRoot is {LIE}",
        last.0 + 1
    );
    watched?.with(3, &["L2 holds what execution gives", "ALARM", &named])?;
    rebuilt.sync(&[]).await?.with(3, &[&named])?;
    drop(store);
    ensure!(rebuilt.equals(live.path())? == last);
    Ok(())
}

/// A network goes on from the directory: what is sent there becomes the next batch on L2, after those that are there.
async fn goes_on(rebuilt: &Rebuilt, options: &Options, ledger: &mut Ledger) -> Result<()> {
    let devnet = rebuilt.devnet(options).await?;
    let (user, settled) = (devnet.user(1).await?, devnet.settled()?);
    let before = settled.rollup().lastCommittedBatch().call().await?;
    let block = height(&user, "committed").await? + 1;
    ledger.is_kept(&user).await?;
    ledger.send(&user).await?;
    until("the next block to be committed", COMMITTED, || async {
        Ok((height(&user, "committed").await? >= block).then_some(()))
    })
    .await?;
    let after = settled.rollup().lastCommittedBatch().call().await?;
    ensure!(after == before + 1, "batch {before}, then {after}");
    ensure!(devnet.stop().await?.success());
    Ok(())
}

const LIE: B256 = B256::repeat_byte(0x66);

/// Commits the last sealed block with another state root, as an operator can.
async fn commit_a_lie(
    store: &Store,
    anvil: &Anvil,
    deployment: &tern_node::deployment::Deployment,
) -> Result<()> {
    let sealed = store.get(&HEADS, &())?.context("heads")?.sealed;
    let mut lie = block(store, sealed)?.context("the block")?;
    lie.header.state_root = LIE;
    lie.hash = lie.header.hash_slow();
    let l2 = L2::connect(L2Endpoint::new(anvil.url().parse()?)).await?;
    let expected = ExpectedRollup {
        address: deployment.rollup,
        chain_id: ChainId(deployment.l3_chain_id),
        genesis_hash: deployment.genesis_hash,
    };
    let rollup = RollupClient::connect(l2.clone(), expected).await?;
    let before = rollup.status().await?.last_committed;
    let previous = stored_batch(store, before)?;
    let batch = Batch {
        header: BatchHeader {
            number: BatchNumber(before.0 + 1),
            first_block: sealed,
            last_block: sealed,
            last_block_hash: lie.hash,
            state_root: LIE,
        },
        blocks: vec![lie],
    };
    let previous = rollup.previous_batch(&previous).await?;
    let call = rollup.commit(&previous, &batch).await?;
    let sender = TransactionSender::new(l2, development_key(0), FollowPolicy::default());
    sender.send("a lie", &call).await?;
    Ok(())
}

fn stored_batch(store: &Store, number: BatchNumber) -> Result<Batch> {
    let record = store.get(&BATCH_RECORDS, &number)?.context("the record")?;
    let (first, last) = (record.header.first_block.0, record.header.last_block.0);
    let blocks = (first..=last)
        .map(|number| block(store, BlockNumber(number))?.context("the block"))
        .collect::<Result<_>>()?;
    Ok(Batch {
        header: record.header,
        blocks,
    })
}
