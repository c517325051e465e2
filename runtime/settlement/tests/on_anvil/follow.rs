//! One transaction's way onto a real chain that drops, delays, reorders and forgets it.

use std::time::Duration;

use alloy::primitives::{Address, Bytes};
use alloy::signers::local::PrivateKeySigner;
use serde_json::{Value, json};
use tern_settlement::follower::FollowFailure;
use tern_settlement::{Call, FollowPolicy, Mined, SettlementError, TransactionSender};

use crate::network::{Anvil, signer};

fn policy() -> FollowPolicy {
    FollowPolicy {
        poll: Duration::from_millis(5),
        resend_after: Duration::from_millis(50),
        bump_after: Duration::from_secs(60),
        give_up_after: Duration::from_secs(30),
        ..FollowPolicy::default()
    }
}

fn call(byte: u8) -> Call {
    Call::with_data(Address::repeat_byte(byte), Bytes::from(vec![byte]))
}

/// The transactions in anvil's pool, each as its JSON.
async fn pool(anvil: &Anvil) -> Vec<Value> {
    let content = anvil.ask("txpool_content", json!([])).await;
    let accounts = content["pending"].as_object().unwrap().values();
    accounts
        .flat_map(|account| account.as_object().unwrap().values().cloned())
        .collect()
}

/// Waits until the pool holds one transaction for which `wanted` holds.
async fn pooled(anvil: &Anvil, wanted: impl Fn(&Value) -> bool) -> Value {
    loop {
        let pool = pool(anvil).await;
        if let Some(transaction) = pool.into_iter().find(|transaction| wanted(transaction)) {
            return transaction;
        }
        tokio::task::yield_now().await;
    }
}

async fn mine(anvil: &Anvil) {
    anvil.ask("evm_mine", json!([])).await;
}

fn sending(
    sender: &TransactionSender,
    byte: u8,
) -> tokio::task::JoinHandle<Result<Mined, SettlementError>> {
    let sender = sender.clone();
    tokio::spawn(async move { sender.send("a test", &call(byte)).await })
}

fn fee(transaction: &Value) -> u128 {
    let text = transaction["maxFeePerGas"].as_str().unwrap();
    u128::from_str_radix(text.trim_start_matches("0x"), 16).unwrap()
}

#[tokio::test]
async fn a_transaction_is_followed_until_it_is_deep_enough() {
    let anvil = Anvil::start(&["--no-mining"]);
    let sender = anvil
        .sender(
            0,
            FollowPolicy {
                confirmations: 3,
                ..policy()
            },
        )
        .await;
    let sent = sending(&sender, 1);
    let transaction = pooled(&anvil, |_| true).await;
    for _ in 0..3 {
        assert!(!sent.is_finished());
        mine(&anvil).await;
    }
    let mined = sent.await.unwrap().unwrap();
    assert_eq!(json!(mined.hash), transaction["hash"]);
    assert_eq!(mined.block, 1);
}

#[tokio::test]
async fn a_dropped_transaction_is_sent_again() {
    let anvil = Anvil::start(&["--no-mining"]);
    let sender = anvil.sender(0, policy()).await;
    let sent = sending(&sender, 1);
    let transaction = pooled(&anvil, |_| true).await;
    anvil
        .ask("anvil_dropTransaction", json!([transaction["hash"]]))
        .await;
    let again = pooled(&anvil, |_| true).await;
    assert_eq!(again["hash"], transaction["hash"]);
    mine(&anvil).await;
    assert_eq!(
        json!(sent.await.unwrap().unwrap().hash),
        transaction["hash"]
    );
}

#[tokio::test]
async fn a_stuck_transaction_is_replaced_by_a_dearer_one() {
    let anvil = Anvil::start(&["--no-mining"]);
    let impatient = FollowPolicy {
        bump_after: Duration::from_millis(100),
        ..policy()
    };
    let sender = anvil.sender(0, impatient).await;
    let sent = sending(&sender, 1);
    let first = pooled(&anvil, |_| true).await;
    let second = pooled(&anvil, |transaction| transaction["hash"] != first["hash"]).await;
    assert_eq!(second["nonce"], first["nonce"]);
    assert!(fee(&second) * 10 >= fee(&first) * 11);
    mine(&anvil).await;
    sent.await.unwrap().unwrap();
    assert_eq!(sender.l2().head().await.unwrap().number, 1);
}

#[tokio::test]
async fn a_reorganisation_that_forgets_the_transaction_is_survived() {
    let anvil = Anvil::start(&["--no-mining"]);
    let sender = anvil
        .sender(
            0,
            FollowPolicy {
                confirmations: 2,
                ..policy()
            },
        )
        .await;
    let snapshot = anvil.ask("evm_snapshot", json!([])).await;
    let sent = sending(&sender, 1);
    let transaction = pooled(&anvil, |_| true).await;
    mine(&anvil).await;
    assert!(pool(&anvil).await.is_empty());
    anvil.ask("evm_revert", json!([snapshot])).await;
    assert_eq!(sender.l2().head().await.unwrap().number, 0);

    let again = pooled(&anvil, |_| true).await;
    assert_eq!(again["hash"], transaction["hash"]);
    mine(&anvil).await;
    mine(&anvil).await;
    let mined = sent.await.unwrap().unwrap();
    assert_eq!(json!(mined.hash), transaction["hash"]);
}

#[tokio::test]
async fn a_nonce_that_another_transaction_took_is_reported() {
    let anvil = Anvil::start(&["--no-mining"]);
    let sender = anvil.sender(0, policy()).await;
    let sent = sending(&sender, 1);
    let first = pooled(&anvil, |_| true).await;
    // Another process with the same key, which pays more.
    let other = anvil.sender(0, policy()).await;
    let rival = sending(&other, 2);
    pooled(&anvil, |transaction| transaction["hash"] != first["hash"]).await;
    mine(&anvil).await;
    rival.await.unwrap().unwrap();
    let error = sent.await.unwrap().unwrap_err();
    let expected = FollowFailure::NonceTaken { nonce: 0 };
    assert!(
        matches!(&error, SettlementError::NotMined { failure, .. } if *failure == expected),
        "{error}"
    );
    assert!(error.is_retryable());
}

/// What a process that was killed left in the pool does not block the next one.
#[tokio::test]
async fn a_transaction_left_by_a_killed_process_is_replaced() {
    let anvil = Anvil::start(&["--no-mining"]);
    let killed = sending(&anvil.sender(0, policy()).await, 1);
    let left = pooled(&anvil, |_| true).await;
    killed.abort();

    let sender = anvil.sender(0, policy()).await;
    let sent = sending(&sender, 2);
    let replacement = pooled(&anvil, |transaction| transaction["hash"] != left["hash"]).await;
    assert_eq!(replacement["nonce"], left["nonce"]);
    mine(&anvil).await;
    assert_eq!(
        json!(sent.await.unwrap().unwrap().hash),
        replacement["hash"]
    );
}

#[tokio::test]
async fn an_account_without_funds_is_told_so() {
    let anvil = Anvil::start(&[]);
    let poor = PrivateKeySigner::random();
    let sender = TransactionSender::new(anvil.connect().await, poor, policy());
    let error = sender.send("a test", &call(1)).await.unwrap_err();
    assert!(
        error
            .to_string()
            .to_lowercase()
            .contains("insufficient funds"),
        "{error}"
    );
}

#[tokio::test]
async fn a_call_that_needs_too_much_gas_is_not_sent() {
    let anvil = Anvil::start(&[]);
    let sender = anvil
        .sender(
            0,
            FollowPolicy {
                gas_limit: 21_001,
                ..policy()
            },
        )
        .await;
    let error = sender.send("a test", &call(1)).await.unwrap_err();
    assert!(
        matches!(error, SettlementError::GasLimit { limit: 21_001, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn an_endpoint_that_vanishes_for_a_while_is_waited_for() {
    let anvil = Anvil::start(&["--no-mining"]);
    let sender = anvil.sender(0, policy()).await;
    let sent = sending(&sender, 1);
    pooled(&anvil, |_| true).await;
    drop(anvil);
    let error = tokio::time::timeout(Duration::from_millis(500), sent).await;
    assert!(error.is_err(), "the sender must go on trying");
}

#[tokio::test]
async fn keys_are_never_printed() {
    let anvil = Anvil::start(&[]);
    let sender = anvil.sender(0, policy()).await;
    let printed = format!("{sender:?}").to_lowercase();
    assert!(
        printed.contains(&signer(0).address().to_string().to_lowercase()),
        "{printed}"
    );
    let key = signer(0).to_bytes().to_string();
    assert!(!printed.contains(key.trim_start_matches("0x")));
}
