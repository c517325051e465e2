//! Blocks that an operator takes back.

use std::collections::BTreeMap;
use std::path::Path;

use alloy::primitives::{B256, Bytes, keccak256};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tern_cluster_config::{SealingPolicy, development_key};
use tern_messages::{BatchNumber, BlockNumber, FinalityRefusal, HaltReport, Rejection, Rewind};
use tern_storage::tables::chain::{
    BATCH_OF_BLOCK, BLOCK_BY_HASH, BLOOMS, BODIES, HEADERS, HEADS, RECEIPTS, TRANSACTIONS,
};
use tern_storage::tables::open_block;
use tern_storage::{Key, Store, Table};

use super::finality::{record, report, send};
use crate::main_node::testing::{Node, patient, rollup, transfer};
use crate::main_node::{
    BATCH_RECORDS, Chain, FINALITY, MainNodeMessage, Reconfirmed, RewindError, RewindRequest,
    Rewound, allow, reconfirm, rewind,
};

const REASON: &str = "the kernel stops at label fault_exception";

/// One transaction to a block.
fn single() -> SealingPolicy {
    SealingPolicy {
        max_transactions: 1,
        ..patient()
    }
}

/// The transactions of the blocks that `halted` seals: account 1 sends the one of block 2.
fn sent() -> [Bytes; 5] {
    [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0)].map(|(account, nonce)| transfer(account, nonce))
}

/// A chain of five blocks that halts for the second of them.
async fn halted(directory: &Path, names: bool) -> HaltReport {
    let node = Node::start(directory, rollup(single())).await;
    for raw in sent() {
        node.execute(raw).await;
    }
    node.sealed(5).await;
    let report = HaltReport {
        block: BlockNumber(2),
        transaction: names.then(|| keccak256(&sent()[1])),
        reason: REASON.to_owned(),
    };
    node.tell(MainNodeMessage::Halt(report.clone()));
    node.until(|head| head.halted.is_some()).await;
    node.stop().await;
    report
}

fn open(directory: &Path) -> Chain {
    Chain::open(directory, rollup(patient())).unwrap()
}

fn go_back(directory: &Path, request: &RewindRequest) -> (Rewound, Reconfirmed) {
    let chain = open(directory);
    let rewound = rewind(&chain, request).unwrap();
    (rewound, reconfirm(chain).unwrap())
}

fn rows<K: Key, V: Serialize + DeserializeOwned>(
    store: &Store,
    table: &Table<K, V>,
) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let rows = store.range(table, ..).map(|row| row.unwrap());
    rows.map(|(key, value)| {
        let mut bytes = Vec::new();
        key.write(&mut bytes);
        (bytes, tern_messages::encode(&value))
    })
    .collect()
}

/// Everything but trie nodes and codes.
fn contents(store: &Store) -> Vec<BTreeMap<Vec<u8>, Vec<u8>>> {
    vec![
        rows(store, &HEADERS),
        rows(store, &BODIES),
        rows(store, &RECEIPTS),
        rows(store, &BLOOMS),
        rows(store, &BLOCK_BY_HASH),
        rows(store, &TRANSACTIONS),
        rows(store, &HEADS),
        rows(store, &BATCH_OF_BLOCK),
        rows(store, &BATCH_RECORDS),
        rows(store, &FINALITY),
        rows(store, &open_block::ENVIRONMENT),
        rows(store, &open_block::TRANSACTIONS),
    ]
}

#[tokio::test]
async fn a_halted_chain_goes_on_without_the_transaction_that_cannot_be_proven() {
    let directory = tempfile::tempdir().unwrap();
    halted(directory.path(), true).await;
    let (rewound, again) = go_back(directory.path(), &RewindRequest::default());
    let (culprit, gapped) = (keccak256(&sent()[1]), keccak256(&sent()[3]));
    let sender = development_key(1).address();
    assert_eq!((rewound.kept, rewound.removed.len()), (BlockNumber(1), 4));
    assert_eq!(rewound.refused, [(culprit, sender)]);
    assert_eq!((rewound.returned, again.executed), (3, 2));
    let [lost] = &again.lost[..] else {
        panic!("{:?}", again.lost)
    };
    assert_eq!(
        (lost.transaction, lost.sender, lost.nonce),
        (gapped, sender, 1)
    );
    assert!(lost.reason.to_string().starts_with("nonce too high"));

    // Twice: what is refused stays refused, and nothing is executed a third time.
    for _ in 0..2 {
        let node = Node::start(directory.path(), rollup(patient())).await;
        let head = node.handle.head().borrow().clone();
        assert_eq!(head.halted, None);
        assert_eq!(head.sealed_number(), BlockNumber(1));
        let open = head.open.unwrap();
        let executed: Vec<_> = open
            .transactions
            .iter()
            .map(|executed| executed.transaction.hash())
            .collect();
        assert_eq!(executed, [keccak256(&sent()[2]), keccak256(&sent()[4])]);
        let refusal = node.submit(sent()[1].clone()).await.unwrap_err();
        assert_eq!(
            refusal,
            Rejection::Refused {
                transaction: culprit,
                reason: format!("it was taken back: {REASON}"),
            }
        );
        for gone in [culprit, gapped] {
            let place = node.handle.chain.store.get(&TRANSACTIONS, &gone);
            assert_eq!(place.unwrap(), None);
        }
        node.stop().await;
    }
    let node = Node::start(directory.path(), rollup(single())).await;
    node.sealed(2).await;
    node.execute(transfer(2, 1)).await;
    node.sealed(3).await;
}

#[tokio::test]
async fn nothing_is_left_of_a_block_that_was_taken_back() {
    let directory = tempfile::tempdir().unwrap();
    let node = Node::start(directory.path(), rollup(single())).await;
    node.execute(sent()[0].clone()).await;
    node.sealed(1).await;
    let batch = vec![record(&node.handle.chain, 1, 1, 1)];
    send(&node, report(1, 0, batch)).await.unwrap();
    let before = contents(&node.handle.chain.store);
    for raw in &sent()[1..] {
        node.execute(raw.clone()).await;
    }
    node.sealed(5).await;
    let batches = vec![
        record(&node.handle.chain, 2, 2, 3),
        record(&node.handle.chain, 3, 4, 5),
    ];
    send(&node, report(2, 0, batches)).await.unwrap();
    node.stop().await;
    let node = Node::start(directory.path(), rollup(patient())).await;
    node.execute(transfer(2, 1)).await;
    node.stop().await;

    let chain = open(directory.path());
    let request = RewindRequest {
        to: Some(BlockNumber(1)),
        ..RewindRequest::default()
    };
    let rewound = rewind(&chain, &request).unwrap();
    assert_eq!(contents(&chain.store), before);
    assert_eq!(rewound.replaced, Some((BatchNumber(2), BatchNumber(2))));
    assert_eq!(rewound.returned, 5);
}

#[tokio::test]
async fn an_interrupted_rewind_goes_on_when_the_node_or_the_command_starts_again() {
    for by_node in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        halted(directory.path(), true).await;
        let rewound = rewind(&open(directory.path()), &RewindRequest::default()).unwrap();
        assert_eq!(rewound.returned, 3);
        if !by_node {
            let (rewound, again) = go_back(directory.path(), &RewindRequest::default());
            assert_eq!((rewound.kept, rewound.returned), (BlockNumber(1), 3));
            assert_eq!((again.executed, again.lost.len()), (2, 1));
        }
        let node = Node::start(directory.path(), rollup(patient())).await;
        let number = node
            .until(|head| {
                let open = head.open.as_ref();
                open.is_some_and(|open| open.transactions.len() == 2)
            })
            .await
            .sealed_number();
        assert_eq!(number, BlockNumber(1));
        // Given once more, it does the same once more.
        node.stop().await;
        let request = RewindRequest {
            to: Some(BlockNumber(1)),
            refuse: vec![keccak256(&sent()[1])],
            ..RewindRequest::default()
        };
        let (rewound, again) = go_back(directory.path(), &request);
        assert_eq!((rewound.removed.len(), rewound.returned), (0, 2));
        assert_eq!((again.executed, again.lost.len()), (2, 0));
    }
}

#[tokio::test]
async fn what_was_taken_back_fills_blocks_in_its_order() {
    let directory = tempfile::tempdir().unwrap();
    halted(directory.path(), true).await;
    let chain = Chain::open(directory.path(), rollup(single())).unwrap();
    rewind(&chain, &RewindRequest::default()).unwrap();
    let again = reconfirm(chain.clone()).unwrap();
    assert_eq!(again.executed, 2);
    let places = [&sent()[2], &sent()[4]].map(|raw| {
        let place = chain.store.get(&TRANSACTIONS, &keccak256(raw)).unwrap();
        place.unwrap().block
    });
    assert_eq!(places, [BlockNumber(2), BlockNumber(3)]);
}

#[tokio::test]
async fn a_rewind_that_would_be_wrong_is_refused_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    halted(directory.path(), true).await;
    let chain = open(directory.path());
    let before = contents(&chain.store);
    let to = |number| RewindRequest {
        to: Some(BlockNumber(number)),
        ..RewindRequest::default()
    };
    let verified = RewindRequest {
        verified: BlockNumber(2),
        ..to(1)
    };
    let elsewhere = RewindRequest {
        refuse: vec![keccak256(&sent()[0])],
        ..to(1)
    };
    type Expected = fn(&RewindError) -> bool;
    let cases: [(RewindRequest, Expected); 4] = [
        (to(6), |error| matches!(error, RewindError::Ahead { .. })),
        (to(2), |error| {
            matches!(error, RewindError::StaysHalted { .. })
        }),
        (verified, |error| {
            matches!(error, RewindError::Verified { .. })
        }),
        (elsewhere, |error| {
            matches!(error, RewindError::Elsewhere { .. })
        }),
    ];
    for (request, expected) in cases {
        let error = rewind(&chain, &request).unwrap_err();
        assert!(expected(&error), "{error}");
    }
    assert_eq!(contents(&chain.store), before);
    assert!(
        crate::main_node::Head::on_disk(&chain)
            .unwrap()
            .halted
            .is_some()
    );
}

#[tokio::test]
async fn nobody_guesses_what_to_take_back_or_to_leave_out() {
    let directory = tempfile::tempdir().unwrap();
    halted(directory.path(), false).await;
    let error = rewind(&open(directory.path()), &RewindRequest::default()).unwrap_err();
    let culprit = keccak256(&sent()[1]);
    assert!(error.to_string().contains(&culprit.to_string()), "{error}");
    let named = RewindRequest {
        refuse: vec![culprit],
        ..RewindRequest::default()
    };
    go_back(directory.path(), &named);
    let error = rewind(&open(directory.path()), &RewindRequest::default()).unwrap_err();
    assert!(matches!(error, RewindError::NotHalted), "{error}");
}

#[tokio::test]
async fn a_refused_sender_is_welcome_again_when_that_is_lifted() {
    let directory = tempfile::tempdir().unwrap();
    halted(directory.path(), true).await;
    let request = RewindRequest {
        refuse_senders: true,
        ..RewindRequest::default()
    };
    let (_, again) = go_back(directory.path(), &request);
    let sender = development_key(1).address();
    assert!(
        matches!(&again.lost[0].reason, Rejection::SenderRefused { sender: of, .. } if *of == sender)
    );
    let node = Node::start(directory.path(), rollup(patient())).await;
    let other = crate::main_node::testing::Draft::new(1, 0)
        .with(|tx| tx.value += alloy::primitives::U256::from(1));
    let refusal = node.submit(other.clone().sign()).await.unwrap_err();
    assert!(
        refusal
            .to_string()
            .starts_with(&format!("sender {sender} is refused"))
    );
    node.execute(transfer(2, 1)).await;
    node.stop().await;

    allow(&open(directory.path()), &[], &[sender]).unwrap();
    let node = Node::start(directory.path(), rollup(patient())).await;
    assert!(matches!(
        node.submit(sent()[1].clone()).await,
        Err(Rejection::Refused { .. })
    ));
    node.stop().await;
    allow(&open(directory.path()), &[keccak256(&sent()[1])], &[]).unwrap();
    let node = Node::start(directory.path(), rollup(patient())).await;
    node.execute(sent()[1].clone()).await;
    node.execute(sent()[3].clone()).await;
}

#[tokio::test]
async fn whoever_still_knows_a_block_that_was_taken_back_is_told_and_halts_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let late = halted(directory.path(), true).await;
    let chain = open(directory.path());
    let old = record(&chain, 1, 1, 3);
    let removed: Vec<B256> = (2..=5)
        .map(|number| chain.expect_header(BlockNumber(number)).unwrap().hash)
        .collect();
    drop(chain);
    go_back(directory.path(), &RewindRequest::default());
    let node = Node::start(directory.path(), rollup(patient())).await;
    let rewinds = node.ask(MainNodeMessage::Rewinds).await.unwrap();
    let [
        Rewind {
            number: 1,
            kept: BlockNumber(1),
            removed: known,
            ..
        },
    ] = &rewinds[..]
    else {
        panic!("{rewinds:?}")
    };
    assert_eq!(*known, removed);
    assert!(rewinds[0].removes(BlockNumber(3), removed[1]));
    assert!(!rewinds[0].removes(BlockNumber(3), removed[0]));
    assert!(!rewinds[0].removes(BlockNumber(1), removed[0]));

    let refusal = send(&node, report(1, 0, vec![old.clone()])).await;
    assert_eq!(
        refusal,
        Err(FinalityRefusal::TakenBack {
            batch: BatchNumber(1),
            block: BlockNumber(3)
        })
    );
    let mut foreign = old;
    foreign.header.last_block_hash = B256::repeat_byte(1);
    let refusal = send(&node, report(1, 0, vec![foreign])).await;
    assert!(matches!(refusal, Err(FinalityRefusal::ForeignBlock { .. })));

    node.tell(MainNodeMessage::Halt(late));
    node.execute(transfer(2, 1)).await;
}
