//! Confirming, refusing and queueing.

use alloy::primitives::{Address, U256};
use tern_cluster_config::{PoolConfig, SealingPolicy};
use tern_messages::{Place, Rejection};

use crate::main_node::testing::{Draft, Node, hasty, patient, rollup, transfer};

#[tokio::test]
async fn a_transaction_is_executed_in_the_open_block_and_confirmed_with_its_receipt() {
    let directory = tempfile::tempdir().unwrap();
    let node = Node::start(directory.path(), rollup(patient())).await;
    let confirmation = node.submit(transfer(0, 0)).await.unwrap();
    let Place::Executed {
        block,
        index,
        receipt,
    } = confirmation.place
    else {
        panic!("queued")
    };
    assert_eq!((block.0, index, receipt.gas_used), (1, 0, 21_000));
    assert!(receipt.envelope.is_success());
    let head = node.until(|head| head.open.is_some()).await;
    assert_eq!(head.sealed_number().0, 0);
    assert_eq!(head.confirmed().0, 1);
    assert!(head.open.unwrap().find(confirmation.transaction).is_some());
    let balance = head.state.balance(Address::repeat_byte(0xaa)).unwrap();
    assert_eq!(balance, U256::from(1));
}

#[tokio::test]
async fn many_transactions_at_once_are_all_confirmed_in_one_order() {
    let directory = tempfile::tempdir().unwrap();
    let node = Node::start(directory.path(), rollup(patient())).await;
    let raw: Vec<_> = (0..4)
        .flat_map(|account| (0..10).map(move |nonce| transfer(account, nonce)))
        .collect();
    let answers = futures::future::join_all(raw.into_iter().map(|raw| node.submit(raw))).await;
    let mut indices: Vec<u64> = answers
        .into_iter()
        .map(|answer| match answer.unwrap().place {
            Place::Executed { index, .. } => index,
            Place::Queued => panic!("queued"),
        })
        .collect();
    indices.sort_unstable();
    assert_eq!(indices, (0..40).collect::<Vec<_>>());
}

#[tokio::test]
async fn refusals_use_the_words_that_wallets_know() {
    let directory = tempfile::tempdir().unwrap();
    let node = Node::start(directory.path(), rollup(patient())).await;
    node.execute(transfer(0, 0)).await;
    let huge = U256::MAX >> 1;
    let cases = [
        (transfer(0, 0), "already known"),
        (
            Draft::new(0, 0).with(|tx| tx.value = U256::from(2)).sign(),
            "nonce too low",
        ),
        (Draft::new(0, 300).sign(), "nonce too high"),
        (
            Draft::new(0, 1).with(|tx| tx.value = huge).sign(),
            "insufficient funds for gas * price + value",
        ),
        (
            Draft::new(0, 1).with(|tx| tx.gas_limit = 20_999).sign(),
            "intrinsic gas too low",
        ),
        (
            Draft::new(0, 1).with(|tx| tx.max_fee_per_gas = 7).sign(),
            "max fee per gas less than block base fee",
        ),
        (
            Draft::new(0, 1).with(|tx| tx.chain_id = 1).sign(),
            "invalid chain id",
        ),
        (
            Draft::new(0, 1).with(|tx| tx.gas_limit = 10_000_001).sign(),
            "cannot be proven",
        ),
        (
            Draft::new(0, 1)
                .with(|tx| tx.input = vec![1; 70_000].into())
                .sign(),
            "cannot be proven",
        ),
        (vec![0x03, 1, 2].into(), "transaction type not supported"),
        (vec![0xf8, 1, 2].into(), "rlp"),
        (vec![].into(), "rlp"),
    ];
    for (raw, words) in cases {
        let refusal = node.submit(raw).await.unwrap_err().to_string();
        assert!(refusal.contains(words), "`{words}` is not in: {refusal}");
    }
    assert_eq!(
        node.until(|head| head.open.is_some())
            .await
            .open
            .unwrap()
            .transactions
            .len(),
        1
    );
}

#[tokio::test]
async fn a_transaction_ahead_of_its_nonce_waits_and_follows_the_missing_one() {
    let directory = tempfile::tempdir().unwrap();
    let node = Node::start(directory.path(), rollup(patient())).await;
    for nonce in [2, 1] {
        assert_eq!(
            node.submit(transfer(0, nonce)).await.unwrap().place,
            Place::Queued
        );
    }
    assert_eq!(
        node.submit(transfer(0, 1)).await.unwrap_err(),
        Rejection::AlreadyKnown
    );
    let head = node.until(|head| head.waiting.len() == 2).await;
    assert!(head.open.is_none());
    node.execute(transfer(0, 0)).await;
    let head = node.until(|head| head.waiting.is_empty()).await;
    assert_eq!(head.open.unwrap().transactions.len(), 3);
}

#[tokio::test]
async fn the_pending_nonce_counts_what_waits_without_a_gap() {
    let directory = tempfile::tempdir().unwrap();
    let node = Node::start(directory.path(), rollup(patient())).await;
    node.execute(transfer(0, 0)).await;
    for nonce in [2, 3, 5] {
        node.submit(transfer(0, nonce)).await.unwrap();
    }
    let sender = tern_cluster_config::development_key(0).address();
    let head = node.until(|head| head.waiting.len() == 3).await;
    assert_eq!(head.nonce_with_waiting(sender, 1), 1);
    assert_eq!(head.nonce_with_waiting(sender, 2), 4);
}

#[tokio::test]
async fn a_full_queue_refuses_by_naming_its_limit() {
    let directory = tempfile::tempdir().unwrap();
    let mut spec = rollup(patient());
    spec.pool = PoolConfig {
        max_transactions: 1,
        ..PoolConfig::default()
    };
    let node = Node::start(directory.path(), spec).await;
    node.submit(transfer(0, 1)).await.unwrap();
    let refusal = node.submit(transfer(1, 1)).await.unwrap_err();
    assert_eq!(refusal.to_string(), "txpool is full: 1 transactions wait");
}

#[tokio::test]
async fn what_does_not_fit_the_open_block_goes_into_the_next_one() {
    let directory = tempfile::tempdir().unwrap();
    let node = Node::start(
        directory.path(),
        rollup(SealingPolicy {
            max_transactions: 100,
            ..hasty()
        }),
    )
    .await;
    // 10,000,000 gas fit: the second one asks for all of it, after some was used.
    node.execute(transfer(0, 0)).await;
    let greedy = Draft::new(1, 0).with(|tx| tx.gas_limit = 10_000_000).sign();
    let hash = node.submit(greedy).await.unwrap().transaction;
    let head = node.sealed(2).await;
    assert_eq!(head.sealed_number().0, 2);
    let place = node
        .handle
        .chain
        .store
        .get(&tern_storage::tables::chain::TRANSACTIONS, &hash)
        .unwrap();
    assert_eq!(place.unwrap().block.0, 2);
}
