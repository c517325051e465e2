//! What the parts of a sequencer do when the main node has taken blocks back.

use alloy::primitives::B256;
use tern_cluster::{ChildSpec, Fault, Process};
use tern_messages::{BatchHeader, Rewind};
use tern_storage::WriteBatch;
use tern_storage::tables::chain::{BLOCK_BY_HASH, RECEIPTS, TRANSACTIONS};

use super::*;
use crate::sequencer::tables::{FOLLOWED, PROVEN, PRUNED, TAKEN_BACK};

/// What takes these blocks back, from the one after `kept` on.
fn rewind(blocks: &[SealedBlock], kept: u64) -> Rewind {
    let removed = blocks.iter().filter(|block| block.number().0 > kept);
    Rewind {
        number: 1,
        kept: BlockNumber(kept),
        removed: removed.map(|block| block.hash).collect(),
        at: 7,
    }
}

fn batch(number: u64, first: u64, last: u64) -> BatchHeader {
    let end = &blocks(last)[last as usize - 1];
    BatchHeader {
        number: BatchNumber(number),
        first_block: BlockNumber(first),
        last_block: BlockNumber(last),
        last_block_hash: end.hash,
        state_root: end.header.state_root,
    }
}

fn with_batches(chain: &Chain, batches: &[BatchHeader], proven: u64) {
    let mut writes = WriteBatch::new();
    for batch in batches {
        writes.put(&BATCHES, &batch.number, batch);
    }
    writes.put(&PROVEN, &(), &BatchNumber(proven));
    chain.store.commit(writes).unwrap();
}

#[tokio::test]
async fn what_the_main_node_took_back_is_dropped_and_what_it_sealed_instead_is_fetched() {
    let directory = TempDir::new().unwrap();
    let chain = replayed_chain(&directory, 4).await;
    let (simulator, _told) = simulator(&chain, two_segments).await;
    simulated(&simulator, 4).await;
    kill(&simulator).await;
    // The second batch ends behind block 2, which stays.
    with_batches(&chain, &[batch(1, 1, 1), batch(2, 2, 3), batch(3, 4, 4)], 3);
    let (old, new) = (blocks(4), others_after(2, 3));
    let (main_node, _told) = rewound_main_node(new.clone(), vec![rewind(&old, 2)]).await;
    let replica = start(replica(&chain, &main_node, mailbox().await.0)).await;
    let wait = async {
        while block(&chain.store, BlockNumber(3)).unwrap().as_ref() != Some(&new[2]) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, wait)
        .await
        .expect("it follows soon");
    replicated(&replica, 3).await;
    let (_, halted) = replica.call(ReplicaMessage::Status, SOON).await.unwrap();
    assert_eq!(halted, None);

    let store = &chain.store;
    assert_eq!(chain.heads().unwrap().sealed, BlockNumber(3));
    assert_eq!(
        block(store, BlockNumber(2)).unwrap().as_ref(),
        Some(&old[1])
    );
    assert_eq!(block(store, BlockNumber(4)).unwrap(), None);
    assert_eq!(store.get(&RECEIPTS, &BlockNumber(4)).unwrap(), None);
    for gone in &old[2..] {
        assert_eq!(store.get(&BLOCK_BY_HASH, &gone.hash).unwrap(), None);
    }
    let lost = old[3].receipts[0].transaction_hash;
    assert_eq!(store.get(&TRANSACTIONS, &lost).unwrap(), None);
    for number in [3, 4].map(BlockNumber) {
        assert_eq!(store.get(&SIMULATIONS, &number).unwrap(), None, "{number}");
    }
    assert!(store.contains(&SIMULATIONS, &BlockNumber(2)).unwrap());
    let left: Vec<_> = store
        .range(&BATCHES, ..)
        .map(|row| row.unwrap().1)
        .collect();
    assert_eq!(left, [batch(1, 1, 1)]);
    assert_eq!(store.get(&PROVEN, &()).unwrap(), Some(BatchNumber(1)));
    let mut dropped: Vec<_> = store
        .range(&TAKEN_BACK, ..)
        .map(|row| row.unwrap().1)
        .collect();
    dropped.sort_by_key(|batch| batch.number);
    assert_eq!(dropped, [batch(2, 2, 3), batch(3, 4, 4)]);
}

#[tokio::test]
async fn a_rewind_is_followed_once_and_one_of_blocks_that_are_not_here_changes_nothing() {
    let directory = TempDir::new().unwrap();
    let chain = replayed_chain(&directory, 3).await;
    let known = rewind(&blocks(3), 1);
    let mut writes = WriteBatch::new();
    writes.put(&FOLLOWED, &1, &known);
    chain.store.commit(writes).unwrap();
    let other = Rewind {
        number: 2,
        removed: vec![B256::repeat_byte(2)],
        ..known.clone()
    };
    let (main_node, _told) = rewound_main_node(blocks(4), vec![known, other.clone()]).await;
    let replica = start(replica(&chain, &main_node, mailbox().await.0)).await;
    replicated(&replica, 4).await;
    for expected in &blocks(4) {
        let number = expected.number();
        assert_eq!(
            block(&chain.store, number).unwrap().as_ref(),
            Some(expected)
        );
    }
    assert_eq!(chain.store.get(&FOLLOWED, &2).unwrap(), Some(other));
}

#[tokio::test]
async fn another_history_that_no_rewind_explains_is_accused() {
    let directory = TempDir::new().unwrap();
    let chain = replayed_chain(&directory, 2).await;
    // It names block 3 of the old history, which is not here.
    let unrelated = rewind(&blocks(3), 2);
    let (main_node, mut told) = rewound_main_node(others_after(1, 3), vec![unrelated]).await;
    let _replica = start(replica(&chain, &main_node, mailbox().await.0)).await;
    let report = next(&mut told, halt).await;
    assert_eq!(report.block, BlockNumber(3));
    assert!(report.reason.contains("parentHash"), "{}", report.reason);
    assert_eq!(
        block(&chain.store, BlockNumber(2)).unwrap(),
        blocks(2).pop()
    );
}

#[tokio::test]
async fn a_replica_that_has_accused_a_block_follows_when_it_is_taken_back() {
    let directory = TempDir::new().unwrap();
    let chain = open_chain(directory.path());
    let bad = spoilt(|block| block.header.gas_used += 1);
    let address = tern_cluster::Address::new("main node");
    let (before, mut told) = main_node(bad.clone()).await;
    address.set(before.get().unwrap());
    let replica = start(replica(&chain, &address, mailbox().await.0)).await;
    next(&mut told, halt).await;
    let (after, _told) = rewound_main_node(others_after(1, 2), vec![rewind(&bad, 1)]).await;
    address.set(after.get().unwrap());
    replicated(&replica, 2).await;
    let (_, halted) = replica.call(ReplicaMessage::Status, SOON).await.unwrap();
    assert_eq!(halted, None);
}

#[tokio::test]
async fn a_main_node_that_takes_back_what_l2_has_verified_ends_the_process() {
    let directory = TempDir::new().unwrap();
    let chain = replayed_chain(&directory, 3).await;
    with_batches(&chain, &[batch(1, 1, 2)], 1);
    let mut writes = WriteBatch::new();
    writes.put(&PRUNED, &(), &BatchNumber(1));
    chain.store.commit(writes).unwrap();
    let (main_node, _told) =
        rewound_main_node(others_after(1, 2), vec![rewind(&blocks(3), 1)]).await;
    let process = Process::start().await.unwrap();
    let actor = replica(&chain, &main_node, mailbox().await.0);
    let child = ChildSpec::of_actor("replica", 0, actor, &tern_cluster::Address::new("replica"));
    process.add(child).await.unwrap();
    let reason = tokio::time::timeout(SOON, process.ended()).await.unwrap();
    assert!(
        matches!(&reason, tern_cluster::ShutdownReason::Disagreement(text) if text.contains("verified batch 1")),
        "{reason}"
    );
    assert_eq!(chain.heads().unwrap().sealed, BlockNumber(3));
}

#[test]
fn what_follows_from_blocks_that_were_dropped_meanwhile_is_not_written() {
    let directory = TempDir::new().unwrap();
    let store = open_chain(directory.path()).store;
    let history = History::default();
    let writes = |number| {
        let mut writes = WriteBatch::new();
        writes.put(&PROVEN, &(), &BatchNumber(number));
        writes
    };
    let before = history.now();
    history.commit(before, &store, writes(1)).unwrap();
    history.rewrite(|| Ok(false)).unwrap();
    history.check(before).unwrap();
    history.rewrite(|| Ok(true)).unwrap();
    for fault in [
        history.commit(before, &store, writes(2)).unwrap_err(),
        history.check(before).unwrap_err(),
    ] {
        assert!(matches!(fault, Fault::Passing(_)), "{fault}");
    }
    assert_eq!(store.get(&PROVEN, &()).unwrap(), Some(BatchNumber(1)));
    history.commit(history.now(), &store, writes(3)).unwrap();
    assert_eq!(store.get(&PROVEN, &()).unwrap(), Some(BatchNumber(3)));
}
