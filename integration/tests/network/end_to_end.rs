//! The main job, as a user sees it: transactions are confirmed at once, and some time later L2 has verified a
//! proof of their execution and holds the new state root.
//!
//! The proofs are of the profile `insecure-test`; `takeover` has real ones.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy::eips::BlockNumberOrTag;
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, Bytes, U256, address};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use alloy::sol;
use anyhow::{Context, Result, ensure};
use tern_integration::harness::{Devnet, Options, Rebuilt, User, until};

sol! {
    interface Token {
        function transfer(address to, uint256 value) external returns (bool);
        function balanceOf(address owner) external view returns (uint256);
    }
}

/// Creation code of an ERC-20 token; takes the supply as its argument.
const TOKEN: &str = include_str!("../../contracts/Token.hex");
const SOMEBODY: Address = address!("0x00000000000000000000000000000000deadbeef");
/// Seconds that a block's timestamp may be ahead of L2's (`MAX_AHEAD` of the contract).
const MAX_AHEAD: u64 = 15;
/// A receipt is there within this, from sending: before a block can be sealed, also where two provers keep both cores
/// busy.
const CONFIRMED: Duration = Duration::from_secs(1);

/// Longest time from sealing to verification with quick proofs, circuits included, on two busy cores.
const SETTLED: Duration = Duration::from_secs(420);

fn token_creation() -> Result<Bytes> {
    let mut code = TOKEN.trim().parse::<Bytes>()?.to_vec();
    code.extend(U256::from(1_000_000).to_be_bytes::<32>());
    Ok(code.into())
}

/// Sends a payment; the number of its block.
async fn pays(user: &User) -> Result<u64> {
    let transfer = TransactionRequest::default()
        .with_to(SOMEBODY)
        .with_value(U256::from(5));
    let (receipt, time) = user.send(transfer).await?;
    ensure!(receipt.status(), "the transfer failed");
    ensure!(
        time < CONFIRMED,
        "the transfer was confirmed after {time:?}"
    );
    receipt.block_number.context("a receipt has a block number")
}

/// Sends what a newcomer would; the number of the last block used.
async fn first_steps(user: &User) -> Result<u64> {
    pays(user).await?;
    let token = user.create(token_creation()?).await?;
    let call = Token::transferCall {
        to: SOMEBODY,
        value: U256::from(7),
    };
    let request = TransactionRequest::default()
        .with_to(token)
        .with_call(&call);
    let (receipt, time) = user.send(request).await?;
    ensure!(
        receipt.status() && receipt.logs().len() == 1,
        "the token transfer failed"
    );
    ensure!(
        time < CONFIRMED,
        "the token transfer was confirmed after {time:?}"
    );

    // More than there is: reverts, and is charged for.
    let call = Token::transferCall {
        to: SOMEBODY,
        value: U256::MAX,
    };
    let request = TransactionRequest::default()
        .with_to(token)
        .with_call(&call)
        .with_gas_limit(200_000);
    let (receipt, time) = user.send(request).await?;
    ensure!(
        !receipt.status() && receipt.gas_used > 21_000,
        "the call did not revert"
    );
    ensure!(time < CONFIRMED, "the revert was confirmed after {time:?}");
    receipt.block_number.context("a receipt has a block number")
}

/// The embedded L2 makes no blocks while nothing happens: its newest one is older than what L3 seals next, by more than
/// the contract lets L3's clock be ahead.
async fn settles_after_a_pause(devnet: &Devnet, user: &User) -> Result<()> {
    let settled = devnet.settled()?;
    let l2 = settled.rollup().provider();
    until("L2's newest block to be old", SETTLED, || async {
        let newest = l2.get_block_by_number(Default::default()).await?;
        let newest = newest.map_or(0, |block| block.header.timestamp);
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        Ok((now > newest + MAX_AHEAD).then_some(()))
    })
    .await?;
    let receipt = user.transfer(SOMEBODY, U256::from(1)).await?;
    let block = receipt.block_number;
    until("the block to be committed", SETTLED, || async {
        let safe = user.provider().get_block_by_number(BlockNumberOrTag::Safe);
        let safe = safe.await?.map(|block| block.header.number);
        Ok((safe >= block).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_are_confirmed_at_once_and_verified_on_the_embedded_l2() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let devnet = Devnet::start(directory.path(), &Options::quick()).await?;
    let user = devnet.user(1).await?;
    let last = first_steps(&user).await?;
    let settled = devnet.settled()?;
    let outcome = settled.verifies_block(last, SETTLED).await;
    outcome.map_err(|error| error.context(devnet.log().unwrap_or_default()))?;
    ensure!(settled.verified_batch().await? >= 1);
    for account in [user.address(), SOMEBODY, Address::with_last_byte(0x77)] {
        settled.agrees_with(&user, account).await?;
    }
    settles_after_a_pause(&devnet, &user).await?;
    let (_, rebuilt_to) = Rebuilt::of(devnet).await?;
    ensure!(rebuilt_to.0 >= last, "blocks are missing");
    Ok(())
}
