//! ETH and tokens go from L2 to L3 and back, a transaction that was posted on L2 comes into a block, and what is on L3 when
//! the operator vanishes for ever is taken out by proof.

use std::time::Duration;

use alloy::eips::Encodable2718;
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, Bytes, U256, address};
use alloy::providers::Provider;
use alloy::rpc::types::{TransactionReceipt, TransactionRequest};
use alloy::sol_types::SolCall;
use anyhow::{Context, Result, ensure};
use tern_cluster_config::development_key;
use tern_integration::harness::{Anvil, Devnet, Options, Rebuilt, User, run, until};
use tern_node::crossing::{Asset, Crossing, CrossingError, Deposit, Endpoints, Progress, Withdraw};
use tern_node::deployment::Deployment;
use tern_settlement::{IBridge, IToken, L2Endpoint};

/// Creation code of an ERC-20 token; takes the supply as its argument.
const TOKEN: &str = include_str!("../../contracts/Token.hex");
const SUPPLY: u64 = 1_000_000;
/// Nobody else pays these.
const RECEIVER: Address = address!("0x00000000000000000000000000000000b41d6e01");
const PAID: Address = address!("0x00000000000000000000000000000000b41d6e02");
/// Longest wait for a proof, circuits included, on two busy cores.
const PROVEN: Duration = Duration::from_secs(420);
/// Longer than all deadlines of a devnet together.
const GIVEN_UP: Duration = Duration::from_secs((24 + 7 * 24 + 7 * 24) * 60 * 60 + 60);

fn ether(amount: u64) -> U256 {
    U256::from(amount) * U256::from(10u64.pow(18))
}

/// Sends a transaction to L2, and waits for its block.
async fn on_l2(user: &User, request: TransactionRequest) -> Result<TransactionReceipt> {
    let signed = user.sign(request).await?;
    let sent = user.provider().send_tx_envelope(signed).await?;
    let receipt = sent.get_receipt().await?;
    ensure!(receipt.status(), "{receipt:?}");
    Ok(receipt)
}

async fn token(user: &User) -> Result<Address> {
    let mut code = TOKEN.trim().parse::<Bytes>()?.to_vec();
    code.extend(U256::from(SUPPLY).to_be_bytes::<32>());
    let receipt = on_l2(user, TransactionRequest::default().with_deploy_code(code)).await?;
    receipt.contract_address.context("the token's address")
}

async fn balance(user: &User, token: Address, account: Address) -> Result<U256> {
    let call = IToken::balanceOfCall { account };
    let request = TransactionRequest::default()
        .with_to(token)
        .with_input(call.abi_encode());
    let answer = user.provider().call(request).await?;
    Ok(IToken::balanceOfCall::abi_decode_returns(&answer)?)
}

/// The program says what the library does, and refuses what makes no sense by name.
async fn commands(devnet: &Devnet, key: &str) -> Result<()> {
    let file = devnet.path().join("deployment.json");
    let file = file.to_str().context("a path")?;
    let place = ["--deployment", file, "--key-env", "MY_KEY"];
    let environment = [("MY_KEY", key)];
    let command = |words: &[&'static str]| {
        let all: Vec<String> = ["bridge"]
            .into_iter()
            .chain(words.iter().copied())
            .chain(place)
            .map(str::to_owned)
            .collect();
        async move {
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            run(&all, &environment).await
        }
    };
    command(&["status", "--json"]).await?.with(0, &[])?;
    command(&["deposit", "0.001"])
        .await?
        .with(0, &["Sending the deposit"])?;
    command(&["deposit", "much"]).await?.with(2, &["`much`"])?;
    command(&["deposit", "1000000"])
        .await?
        .with(2, &["has", "needed"])?;
    command(&[
        "deposit",
        "1",
        "--token",
        "0x0000000000000000000000000000000000000bad",
    ])
    .await?
    .with(1, &["contract's view"])?;
    command(&[
        "finalize",
        "0x00000000000000000000000000000000000000000000000000000000000000ff",
    ])
    .await?
    .with(2, &["no block with the transaction"])
}

async fn connect(deployment: &Deployment, account: u32) -> Result<Crossing> {
    let endpoints = Endpoints {
        l2: L2Endpoint::new(deployment.l2_rpc_url.parse()?),
        l3: L2Endpoint::new(deployment.l3_rpc_url.parse()?),
    };
    Ok(Crossing::connect(deployment, endpoints, development_key(account)).await?)
}

/// Nobody ever goes on with the chain: what an account owned in the last proven state, and what a message carries that came
/// too late for it, is paid once each.
async fn exit(anvil: &Anvil, deployment: &Deployment, coin: Address, late: U256) -> Result<()> {
    let rebuilt = Rebuilt::new(deployment)?;
    rebuilt.sync(&[]).await?.with(0, &[])?;
    let options = Options::quick()
        .on(anvil.url())
        .with("TERN_ROLES", "[main-node]");
    let served = rebuilt.devnet(&options).await?;
    let (mut progress, stranger) = (Progress::default(), connect(served.deployment(), 6).await?);
    let early = stranger.freeze(&mut progress).await;
    ensure!(
        matches!(early, Err(CrossingError::GoesOn { .. })),
        "{early:?}"
    );
    let early = stranger.exit(RECEIVER, &mut progress).await;
    ensure!(
        matches!(early, Err(CrossingError::GoesOn { .. })),
        "{early:?}"
    );
    anvil.sleep(GIVEN_UP).await?;
    stranger.freeze(&mut progress).await?;
    let reader = User::new(&deployment.l2_rpc_url, 6).await?;
    let before = reader.provider().get_balance(RECEIVER).await?;
    let coins = balance(&reader, coin, RECEIVER).await?;
    let exited = stranger.exit(RECEIVER, &mut progress).await?;
    ensure!(
        exited.len() == 2 && exited.iter().all(|one| one.transaction.is_some()),
        "{exited:?}"
    );
    let after = reader.provider().get_balance(RECEIVER).await?;
    ensure!(after == before + ether(2), "{before}, then {after}");
    ensure!(balance(&reader, coin, RECEIVER).await? == coins + U256::from(40));
    let again = stranger.exit(RECEIVER, &mut progress).await?;
    ensure!(again.is_empty(), "{again:?}");
    // Who sent the message takes back what it carries; what genesis gave nobody has deposited.
    let depositor = development_key(1).address();
    let before = reader.provider().get_balance(depositor).await?;
    let exited = stranger.exit(depositor, &mut progress).await?;
    let (first, messages) = exited.split_first().context("something was owned")?;
    let refused = first.refused.as_deref().unwrap_or_default();
    ensure!(refused.contains("AboveDeposits"), "{exited:?}");
    // The last message and perhaps the one before, which the commands sent.
    let paid = messages.iter().all(|one| one.transaction.is_some());
    ensure!(
        paid && !messages.is_empty() && messages.len() <= 2,
        "{exited:?}"
    );
    let gained = reader.provider().get_balance(depositor).await? - before;
    let other = ether(1) / U256::from(100);
    ensure!(gained >= late && gained < late + other, "{gained}");
    ensure!(
        (gained == late) == (messages.len() == 1),
        "{gained}, {exited:?}"
    );
    ensure!(served.stop().await?.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ether_and_a_token_go_in_are_used_and_come_out_and_a_posted_transaction_is_executed_and_the_rest_is_paid_by_proof()
-> Result<()> {
    let (directory, anvil) = (tempfile::tempdir()?, Anvil::start(&["--block-time", "1"])?);
    let options = Options::quick().on(anvil.url());
    let devnet = Devnet::start(directory.path(), &options).await?;
    let deployment = devnet.deployment().clone();
    let key = development_key(1);
    let (depositor, on_l3) = (
        User::new(&deployment.l2_rpc_url, 1).await?,
        devnet.user(1).await?,
    );
    let crossing = connect(&deployment, 1).await?;
    let mut progress = Progress::default();

    // In.
    let eth = crossing.asset(None).await?;
    let coin = token(&depositor).await?;
    let coins = Asset {
        token: Some(coin),
        symbol: "COIN".to_owned(),
        decimals: 0,
    };
    let deposit = |asset: &Asset, amount, to| Deposit {
        asset: asset.clone(),
        amount,
        to,
        gas_limit: 0,
    };
    let first = crossing
        .deposit(&deposit(&eth, ether(2), RECEIVER), &mut progress)
        .await?;
    let second = crossing
        .deposit(
            &deposit(&coins, U256::from(100), on_l3.address()),
            &mut progress,
        )
        .await?;
    ensure!((first.index, second.index) == (0, 1));
    crossing
        .until_processed(second.index, &mut progress)
        .await?;
    ensure!(on_l3.provider().get_balance(RECEIVER).await? == ether(2));
    let twin = crossing.twin(coin).await?;
    ensure!(balance(&on_l3, twin, on_l3.address()).await? == U256::from(100));

    // Used.
    let call = IToken::transferCall {
        to: RECEIVER,
        amount: U256::from(40),
    };
    let request = TransactionRequest::default()
        .with_to(twin)
        .with_input(call.abi_encode());
    let (receipt, _) = on_l3.send(request).await?;
    ensure!(receipt.status());

    // Posted.
    let request = TransactionRequest::default()
        .with_to(PAID)
        .with_value(U256::from(5))
        .with_gas_limit(21_000)
        .with_max_fee_per_gas(2_000_000_000)
        .with_max_priority_fee_per_gas(1);
    let other = devnet.user(2).await?;
    let raw = other.sign(request).await?.encoded_2718();
    let forced = crossing.force(raw.into(), &mut progress).await?;
    crossing.until_executed(&forced, &mut progress).await?;
    ensure!(on_l3.provider().get_balance(PAID).await? == U256::from(5));

    // Out.
    let withdraw = |asset: &Asset, amount| Withdraw {
        asset: asset.clone(),
        amount,
        to: RECEIVER,
        chain: None,
    };
    let one = crossing
        .withdraw(&withdraw(&eth, ether(1)), &mut progress)
        .await?;
    let sixty = crossing
        .withdraw(&withdraw(&coins, U256::from(60)), &mut progress)
        .await?;
    let finalized = tokio::time::timeout(PROVEN, async {
        let paid = crossing.finalize(&one, &mut progress).await?;
        ensure!(paid.transaction.is_some());
        let paid = crossing.finalize(&sixty, &mut progress).await?;
        ensure!(paid.transaction.is_some());
        // Once.
        let again = crossing.finalize(&one, &mut progress).await?;
        ensure!(again.transaction.is_none());
        Ok(())
    })
    .await;
    let finalized = finalized.context("the proof did not come in time");
    finalized
        .and_then(|outcome| outcome)
        .with_context(|| devnet.log().unwrap_or_default())?;
    ensure!(depositor.provider().get_balance(RECEIVER).await? == ether(1));
    ensure!(balance(&depositor, coin, RECEIVER).await? == U256::from(60));

    // What is left in the bridge is what was not taken out, with the fees.
    let summary = crossing.summary().await?;
    ensure!(
        summary.deposited == ether(1) + first.fee + second.fee,
        "{summary:?}"
    );
    until("L2 to know of everything", PROVEN, || async {
        let now = crossing.summary().await?;
        Ok((now.messages_proven == 2 && now.forced_proven == 1).then_some(()))
    })
    .await?;
    let key = alloy::primitives::hex::encode_prefixed(key.to_bytes());
    commands(&devnet, &key).await?;

    // The end: one more message, which no proven state has.
    let backing = TransactionRequest::default()
        .with_to(deployment.bridge)
        .with_value(ether(1))
        .with_input(
            IBridge::fundCall {
                rollup: deployment.rollup,
            }
            .abi_encode(),
        );
    on_l2(&depositor, backing).await?;
    let late = crossing
        .deposit(&deposit(&eth, ether(3), RECEIVER), &mut progress)
        .await?;
    devnet.kill()?;
    exit(&anvil, &deployment, coin, ether(3) + late.fee).await
}
