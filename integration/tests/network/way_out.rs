//! What an operator takes back is gone everywhere: the command dies at every step and is given again, the batches that
//! were committed are replaced on L2, and a watcher follows.

use std::time::Duration;

use alloy::consensus::TxEnvelope;
use alloy::eips::Encodable2718;
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, TxHash, U64, U256, address};
use alloy::providers::{Provider, ProviderBuilder};
use alloy::rpc::types::{Filter, TransactionRequest};
use alloy::sol_types::SolEvent;
use anyhow::{Context, Result, ensure};
use tern_integration::harness::{Anvil, Devnet, Ended, Options, Rebuilt, User, run, until};
use tern_settlement::IRollup;

const SOMEBODY: Address = address!("0x00000000000000000000000000000000c0ffee02");
/// Batches wait 20 s.
const COMMITTED: Duration = Duration::from_secs(60);

fn options(anvil: &Anvil) -> Options {
    Options::quick()
        .on(anvil.url())
        .with("TERN_ROLES", "[main-node, sequencer, bridge]")
        .with("TERN_SEALING__MIN_INTERVAL", "300ms")
        .with("TERN_SEALING__MAX_INTERVAL", "300ms")
}

/// Sends a transfer, and waits until the block that holds it is sealed. Returns it with the block's number.
async fn send(user: &User) -> Result<(TxEnvelope, u64)> {
    let request = TransactionRequest::default()
        .with_to(SOMEBODY)
        .with_value(U256::from(1))
        .with_gas_limit(21_000);
    let signed = user.sign(request).await?;
    let encoded = signed.encoded_2718();
    let _pending = user.provider().send_raw_transaction(&encoded).await?;
    let receipt = user.receipt(*signed.tx_hash()).await?;
    let block = receipt.block_number.context("it has a block")?;
    reaches(user, "sealed", block).await?;
    Ok((signed, block))
}

async fn height(user: &User, name: &str) -> Result<u64> {
    let height: U64 = serde_json::from_value(user.finality().await?[name].take())?;
    Ok(height.to())
}

async fn reaches(user: &User, name: &str, wanted: u64) -> Result<()> {
    until(
        format!("block {wanted} to be {name}"),
        COMMITTED,
        || async { Ok((height(user, name).await? >= wanted).then_some(())) },
    )
    .await
}

/// Runs `tern rewind` on a devnet's directory.
async fn rewind(devnet: &Known, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Ended> {
    let places = [
        "rewind",
        "--l2-rpc",
        &devnet.l2,
        "--rollup",
        &devnet.rollup,
        "--chain",
        &devnet.chain,
        "--data-dir",
        &devnet.directory,
    ];
    run(&[&places[..], arguments].concat(), environment).await
}

/// Where everything is.
struct Known {
    l2: String,
    rollup: String,
    chain: String,
    directory: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn committed_blocks_that_are_taken_back_are_replaced_everywhere() -> Result<()> {
    let (live, anvil) = (tempfile::tempdir()?, Anvil::start(&["--block-time", "1"])?);
    let devnet = Devnet::start(live.path(), &options(&anvil)).await?;
    let deployment = devnet.deployment().clone();
    let watched = Rebuilt::new(&deployment)?;
    let known = Known {
        l2: deployment.l2_rpc_url.clone(),
        rollup: deployment.rollup.to_string(),
        chain: watched.path().join("chain.json").display().to_string(),
        directory: live.path().display().to_string(),
    };
    let (one, two) = (devnet.user(1).await?, devnet.user(2).await?);
    send(&one).await?;
    reaches(&one, "committed", 1).await?;
    let (refused, _) = send(&two).await?;
    let (lost, _) = send(&two).await?;
    let (again, _) = send(&one).await?;
    reaches(&one, "committed", 4).await?;
    let batches = height(&one, "committedBatch").await?;
    let watcher = watched.watching()?;
    until("the watcher to see that", COMMITTED, || async {
        let seen = watched.log()?.contains(&format!("committed={batches}"));
        Ok(seen.then_some(()))
    })
    .await?;

    let hash = refused.tx_hash().to_string();
    let arguments = ["--to", "1", "--refuse", &hash];
    rewind(&known, &arguments, &[])
        .await?
        .with(2, &["in use"])?;
    ensure!(devnet.stop().await?.success());
    for step in [
        "rewind/applying",
        "rewind/applied",
        "main-node/executed",
        "main-node/durable",
    ] {
        let ended = rewind(&known, &arguments, &[("TERN_CRASH_AT", step)]).await?;
        ensure!(ended.code.is_none(), "{step}: {ended:?}");
    }
    let nowhere = TxHash::repeat_byte(1).to_string();
    let wrong = ["--to", "0", "--refuse", &nowhere];
    rewind(&known, &wrong, &[])
        .await?
        .with(2, &["is in none"])?;
    rewind(&known, &arguments, &[]).await?.with(0, &[])?;

    let devnet = Devnet::start(live.path(), &options(&anvil)).await?;
    let (one, two) = (devnet.user(1).await?, devnet.user(2).await?);
    let receipt = one.receipt(*again.tx_hash()).await?;
    ensure!(receipt.block_number == Some(2), "{receipt:?}");
    for gone in [&refused, &lost] {
        let receipt = two.provider().get_transaction_receipt(*gone.tx_hash());
        ensure!(receipt.await?.is_none());
    }
    let encoded = refused.encoded_2718();
    let sent = two.provider().send_raw_transaction(&encoded).await;
    let error = sent.err().context("it was refused")?;
    ensure!(error.to_string().contains("is refused"), "{error}");
    let (_, replacing) = send(&one).await?;
    reaches(&one, "committed", replacing).await?;

    let l2 = ProviderBuilder::new().connect_http(anvil.url().parse()?);
    let superseded = Filter::new()
        .address(deployment.rollup)
        .event_signature(IRollup::BatchesSuperseded::SIGNATURE_HASH)
        .from_block(0);
    ensure!(
        !l2.get_logs(&superseded).await?.is_empty(),
        "nothing was replaced"
    );
    until("the watcher to follow", COMMITTED, || async {
        let log = watched.log()?;
        ensure!(!log.contains("ALARM"), "{log}");
        Ok(log.contains("dropped here, too").then_some(()))
    })
    .await?;
    drop(watcher);
    let log = devnet.log()?;
    for said in ["they are dropped here, too", "they are replaced when"] {
        ensure!(log.contains(said), "`{said}` was not said");
    }
    // The live node keeps trie nodes of the blocks that are gone: this block, which is not on L2 yet, allows for them.
    send(&one).await?;
    let (_, last) = Rebuilt::of(devnet).await?;
    ensure!(last.0 >= replacing, "{last}");
    Ok(())
}
