//! What a killed process finds again. The data directory is copied after every durable step, as a crash at
//! that moment would leave it, and a node is started on the copy.

use std::fs;
use std::path::Path;

use alloy::primitives::B256;
use tern_cluster_config::SealingPolicy;
use tern_messages::Receipt;
use tern_storage::tables::chain::RECEIPTS;

use crate::main_node::testing::{Draft, Node, patient, rollup, transfer};
use crate::main_node::{Chain, Head};

/// What a crash now would leave behind.
fn crash_image(directory: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_tree(directory, copy.path());
    copy
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// All receipts of a chain, sealed and open, in order.
fn receipts(chain: &Chain, head: &Head) -> Vec<Receipt> {
    let sealed = chain
        .store
        .range(&RECEIPTS, ..)
        .flat_map(|row| row.unwrap().1);
    let open = head.open.iter().flat_map(|open| open.transactions.iter());
    sealed
        .chain(open.map(|executed| executed.receipt.clone()))
        .collect()
}

async fn recovered(image: &Path, policy: SealingPolicy) -> (Vec<Receipt>, B256, u64) {
    let node = Node::start(image, rollup(policy)).await;
    let head = node.handle.head().borrow().clone();
    let found = receipts(&node.handle.chain, &head);
    let end = (head.sealed.hash, head.sealed_number().0);
    node.stop().await;
    (found, end.0, end.1)
}

#[tokio::test]
async fn after_a_crash_at_any_step_every_confirmed_transaction_has_the_same_receipt() {
    let directory = tempfile::tempdir().unwrap();
    // Three transactions to a block: steps are confirmations in an open block, and sealings.
    let policy = SealingPolicy {
        max_transactions: 3,
        ..patient()
    };
    let node = Node::start(directory.path(), rollup(policy)).await;
    let mut confirmed: Vec<Receipt> = Vec::new();
    let mut images = Vec::new();
    for nonce in 0..8 {
        let receipt = node.execute(transfer(0, nonce)).await;
        confirmed.push(receipt);
        images.push((confirmed.len(), crash_image(directory.path())));
    }
    let head = node.sealed(2).await;
    let hashes: Vec<B256> = (0..=2)
        .map(|number| node.handle.chain.expect_header(number.into()).unwrap().hash)
        .collect();
    assert_eq!(head.open.unwrap().transactions.len(), 2);
    for (count, image) in images {
        let (found, hash, number) = recovered(image.path(), policy).await;
        assert!(found.len() >= count, "{} of {count} are there", found.len());
        assert_eq!(
            found[..count],
            confirmed[..count],
            "after {count} confirmations"
        );
        assert_eq!(hash, hashes[number as usize], "block {number} is the same");
    }
}

#[tokio::test]
async fn a_recovered_open_block_is_sealed_as_it_would_have_been() {
    let directory = tempfile::tempdir().unwrap();
    let node = Node::start(directory.path(), rollup(patient())).await;
    for nonce in 0..4 {
        node.execute(transfer(0, nonce)).await;
    }
    let image = crash_image(directory.path());
    let full = SealingPolicy {
        max_transactions: 5,
        ..patient()
    };
    node.stop().await;
    let mut hashes = Vec::new();
    for path in [directory.path(), image.path()] {
        let node = Node::start(path, rollup(full)).await;
        node.execute(transfer(1, 0)).await;
        hashes.push(node.sealed(1).await.sealed.hash);
        node.stop().await;
    }
    assert_eq!(
        hashes[0], hashes[1],
        "after an orderly stop and after a crash"
    );
}

#[tokio::test]
async fn an_actor_that_is_killed_is_restarted_and_goes_on_where_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let node = Node::start(directory.path(), rollup(patient())).await;
    node.execute(transfer(0, 0)).await;
    node.handle.address.get().unwrap().kill();
    // Whoever asks while it is down gets an error and asks again.
    let answer = loop {
        let ask =
            |reply| crate::main_node::MainNodeMessage::SubmitTransaction(transfer(0, 1), reply);
        match node
            .handle
            .address
            .call(ask, crate::main_node::testing::LIMIT)
            .await
        {
            Ok(answer) => break answer,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let known = Err(tern_messages::Rejection::AlreadyKnown);
    assert!(answer.is_ok() || answer == known, "{answer:?}");
    let head = node
        .until(|head| {
            head.open
                .as_ref()
                .is_some_and(|open| open.transactions.len() == 2)
        })
        .await;
    assert_eq!(receipts(&node.handle.chain, &head).len(), 2);
}

#[tokio::test]
async fn a_data_directory_of_another_chain_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    Node::start(directory.path(), rollup(patient()))
        .await
        .stop()
        .await;
    let mut other = rollup(patient());
    other.genesis.timestamp += 1;
    let message = Chain::open(directory.path(), other)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("genesis hash") && message.contains("--data-dir"),
        "{message}"
    );
}

#[tokio::test]
async fn an_empty_open_block_is_opened_afresh() {
    let directory = tempfile::tempdir().unwrap();
    let node = Node::start(directory.path(), rollup(patient())).await;
    // Refused, so the block that was opened for it stays empty.
    node.submit(Draft::new(0, 0).with(|tx| tx.gas_limit = 1).sign())
        .await
        .unwrap_err();
    node.tell(crate::main_node::MainNodeMessage::ReportAnchor(
        tern_messages::L2Anchor {
            number: 3,
            hash: B256::repeat_byte(3),
            timestamp: 1,
        },
    ));
    node.execute(transfer(0, 0)).await;
    let head = node.until(|head| head.open.is_some()).await;
    assert_eq!(
        head.open.unwrap().environment.parent_beacon_block_root,
        tern_messages::Anchor {
            l2_block: B256::repeat_byte(3),
            ..Default::default()
        }
        .root()
    );
}
