//! An operator leaves a transaction out, and an outsider goes on with the chain: with L2's data, a prover and real proofs.

use std::time::Duration;

use alloy::eips::Encodable2718;
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, U64, U256, address};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use anyhow::{Context, Result, ensure};
use tern_cluster_config::development_key;
use tern_integration::harness::{
    Anvil, Devnet, Options, Rebuilt, Settled, User, free_address, until,
};
use tern_node::crossing::{Crossing, Deposit, Endpoints, Progress};
use tern_settlement::L2Endpoint;

/// Nobody else pays these.
const CENSORED: Address = address!("0x00000000000000000000000000000000b41d6e03");
const DEPOSITED: Address = address!("0x00000000000000000000000000000000b41d6e04");
/// Longer than `inclusion` and `liveness` of a devnet.
const OVERDUE: Duration = Duration::from_secs((24 + 7 * 24) * 60 * 60 + 60);
/// Longest wait for a real proof, circuits included, on two busy cores.
const PROVEN: Duration = Duration::from_secs(900);
/// Longest wait for a commit.
const COMMITTED: Duration = Duration::from_secs(120);
/// From start to first answer.
const START: Duration = Duration::from_secs(60);

/// The operator goes on from a directory that was made from L2 alone: nothing is proven again, and what is sent becomes
/// the next batch.
async fn goes_on(rebuilt: &Rebuilt, anvil: &Anvil) -> Result<()> {
    let options = Options::secure()
        .on(anvil.url())
        .with("TERN_ROLES", "[main-node, sequencer, bridge]");
    let devnet = rebuilt.devnet(&options).await?;
    let (user, settled) = (devnet.user(1).await?, devnet.settled()?);
    let before = settled.rollup().lastCommittedBatch().call().await?;
    user.transfer(CENSORED, U256::from(1)).await?;
    let next = until("the next batch", COMMITTED, || async {
        let committed = settled.rollup().lastCommittedBatch().call().await?;
        Ok((committed > before).then_some(()))
    })
    .await;
    let log = devnet.log()?;
    next.with_context(|| log.clone())?;
    let replayed = log.matches("executed again").count();
    ensure!(
        replayed == 1,
        "{replayed} blocks were executed again:\n{log}"
    );
    ensure!(devnet.stop().await?.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outsider_takes_the_chain_over_with_real_proofs_and_executes_what_the_operator_left_out()
-> Result<()> {
    let (live, anvil) = (tempfile::tempdir()?, Anvil::start(&["--block-time", "1"])?);
    // Without a bridge this operator hears of nothing that waits on L2, and commits nothing that users confirm with it.
    let options = Options::secure()
        .on(anvil.url())
        .with("TERN_ROLES", "[main-node]");
    let devnet = Devnet::start(live.path(), &options).await?;
    let mut deployment = devnet.deployment().clone();
    let censored = devnet.user(2).await?;
    let endpoints = Endpoints {
        l2: L2Endpoint::new(deployment.l2_rpc_url.parse()?),
        l3: L2Endpoint::new(deployment.l3_rpc_url.parse()?),
    };
    let crossing = Crossing::connect(&deployment, endpoints, development_key(1)).await?;
    let mut progress = Progress::default();
    let payment = TransactionRequest::default()
        .with_to(CENSORED)
        .with_value(U256::from(5))
        .with_gas_limit(21_000)
        .with_max_fee_per_gas(2_000_000_000)
        .with_max_priority_fee_per_gas(1);
    let raw = censored.sign(payment).await?.encoded_2718();
    let forced = crossing.force(raw.into(), &mut progress).await?;
    let deposit = Deposit {
        asset: crossing.asset(None).await?,
        amount: U256::from(7),
        to: DEPOSITED,
        gas_limit: 0,
    };
    crossing.deposit(&deposit, &mut progress).await?;
    ensure!(devnet.stop().await?.success());

    let (outsider, address) = (Rebuilt::new(&deployment)?, free_address()?);
    anvil.sleep(OVERDUE).await?;
    let taken_over = outsider.take_over(&development_key(5), address).await?;
    let settled = Settled::new(&deployment)?;
    let verified = settled.verifies_block(1, PROVEN).await;
    verified.map_err(|error| error.context(outsider.log().unwrap_or_default()))?;
    deployment.l3_rpc_url = format!("http://{address}");
    let user = until("L3 to answer", START, || async {
        Ok(User::new(&deployment.l3_rpc_url, 3).await.ok())
    })
    .await?;
    let receipt = user.receipt(forced.transaction).await?;
    ensure!(receipt.block_number == Some(1), "{receipt:?}");
    for (account, owns) in [(CENSORED, 5), (DEPOSITED, 7)] {
        let balance = user.provider().get_balance(account).await?;
        ensure!(balance == U256::from(owns), "{account} has {balance}");
        settled.agrees_with(&user, account).await?;
    }
    // Nothing waits any more: the chain is its operator's again.
    let open = settled.rollup().isOpen().call().await?;
    ensure!(!open, "the chain is open to anyone");
    until("the outsider to know of it", COMMITTED, || async {
        let verified: U64 = serde_json::from_value(user.finality().await?["verified"].take())?;
        Ok((verified == U64::from(1)).then_some(()))
    })
    .await?;
    drop(taken_over);

    let rebuilt = Rebuilt::new(&deployment)?;
    rebuilt.sync(&[]).await?.with(0, &[])?;
    let last = rebuilt.equals(outsider.path());
    ensure!(last.context(outsider.log()?)?.0 == 1);
    goes_on(&rebuilt, &anvil).await
}
