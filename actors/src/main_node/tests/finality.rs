//! What the bridge reports.

use alloy::primitives::B256;
use tern_cluster_config::SealingPolicy;
use tern_messages::{
    BatchHeader, BatchNumber, BatchRecord, BlockNumber, FinalityRefusal, FinalityReport, L2Place,
    L2Transaction,
};

use crate::main_node::testing::{Node, patient, rollup, transfer};
use crate::main_node::{Chain, MainNodeMessage, batch_record};

async fn three_blocks(directory: &std::path::Path) -> Node {
    let single = SealingPolicy {
        max_transactions: 1,
        ..patient()
    };
    let node = Node::start(directory, rollup(single)).await;
    for nonce in 0..3 {
        node.execute(transfer(0, nonce)).await;
    }
    node.sealed(3).await;
    node
}

pub(super) fn record(chain: &Chain, number: u64, first: u64, last: u64) -> BatchRecord {
    let stored = chain.expect_header(BlockNumber(last)).unwrap();
    BatchRecord {
        header: BatchHeader {
            number: BatchNumber(number),
            first_block: BlockNumber(first),
            last_block: BlockNumber(last),
            last_block_hash: stored.hash,
            state_root: stored.header.state_root,
        },
        committed: Some(L2Transaction {
            hash: B256::repeat_byte(0xc0),
            block: 7,
        }),
        verified: None,
    }
}

pub(super) fn report(committed: u64, verified: u64, batches: Vec<BatchRecord>) -> FinalityReport {
    FinalityReport {
        l2: L2Place {
            number: 9,
            hash: B256::repeat_byte(9),
        },
        committed: BatchNumber(committed),
        verified: BatchNumber(verified),
        batches,
        reorganised: false,
    }
}

pub(super) async fn send(node: &Node, report: FinalityReport) -> Result<(), FinalityRefusal> {
    node.ask(|reply| MainNodeMessage::ReportFinality(report, reply))
        .await
}

#[tokio::test]
async fn heights_follow_l2_and_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let node = three_blocks(directory.path()).await;
    let batches = vec![
        record(&node.handle.chain, 1, 1, 2),
        record(&node.handle.chain, 2, 3, 3),
    ];
    send(&node, report(2, 0, batches)).await.unwrap();
    send(&node, report(2, 1, vec![])).await.unwrap();
    node.stop().await;

    let node = Node::start(directory.path(), rollup(patient())).await;
    let head = node.handle.head().borrow().clone();
    assert_eq!(head.finality.committed, (BatchNumber(2), BlockNumber(3)));
    assert_eq!(head.finality.verified, (BatchNumber(1), BlockNumber(2)));
    let stored = batch_record(&node.handle.chain, BatchNumber(1))
        .unwrap()
        .unwrap();
    assert_eq!(stored, record(&node.handle.chain, 1, 1, 2));
}

#[tokio::test]
async fn heights_fall_only_when_l2_took_blocks_back() {
    let directory = tempfile::tempdir().unwrap();
    let node = three_blocks(directory.path()).await;
    send(
        &node,
        report(1, 1, vec![record(&node.handle.chain, 1, 1, 2)]),
    )
    .await
    .unwrap();
    for (committed, verified) in [(0, 0), (1, 0), (0, 1)] {
        let refusal = send(&node, report(committed, verified, vec![]))
            .await
            .unwrap_err();
        assert!(
            matches!(refusal, FinalityRefusal::Inconsistent { .. }),
            "{refusal}"
        );
    }
    let back = FinalityReport {
        reorganised: true,
        ..report(0, 0, vec![])
    };
    send(&node, back).await.unwrap();
    let head = node
        .until(|head| head.finality.committed.0 == BatchNumber(0))
        .await;
    assert_eq!(head.finality.verified, (BatchNumber(0), BlockNumber(0)));
}

#[tokio::test]
async fn a_batch_that_ends_with_another_block_is_refused_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let node = three_blocks(directory.path()).await;
    let mut foreign = record(&node.handle.chain, 2, 3, 3);
    foreign.header.last_block_hash = B256::repeat_byte(1);
    let mut unknown = record(&node.handle.chain, 2, 3, 3);
    unknown.header.last_block = BlockNumber(8);
    for bad in [foreign, unknown] {
        let refusal = send(
            &node,
            report(2, 0, vec![record(&node.handle.chain, 1, 1, 2), bad]),
        )
        .await
        .unwrap_err();
        assert!(
            matches!(refusal, FinalityRefusal::ForeignBlock { .. }),
            "{refusal}"
        );
    }
    let refusal = send(&node, report(1, 0, vec![])).await.unwrap_err();
    assert_eq!(
        refusal,
        FinalityRefusal::UnknownBatch {
            batch: BatchNumber(1)
        }
    );
    assert_eq!(
        batch_record(&node.handle.chain, BatchNumber(1)).unwrap(),
        None
    );
}
