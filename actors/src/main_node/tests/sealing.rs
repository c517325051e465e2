//! Blocks: when they are sealed, what they hold, who hears of it.

use alloy::primitives::B256;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tern_cluster_config::{Devnet, SealingPolicy};
use tern_messages::{Anchor, BlockNumber, BlockQuery, HaltReport, L2Anchor, Rejection};
use tokio::sync::mpsc;

use crate::main_node::testing::{Draft, LIMIT, Node, hasty, patient, rollup, transfer};
use crate::main_node::{ChainSpec, MainNodeMessage, SealedAnnouncement};

fn query(from: u64, max_blocks: u32, max_bytes: u64) -> BlockQuery {
    BlockQuery {
        from: BlockNumber(from),
        max_blocks,
        max_bytes,
    }
}

#[tokio::test]
async fn a_block_is_sealed_by_age_and_served_whole() {
    let directory = tempfile::tempdir().unwrap();
    let node = Node::start(directory.path(), rollup(hasty())).await;
    node.execute(transfer(0, 0)).await;
    let head = node.sealed(1).await;
    assert!(head.open.is_none());
    let blocks = node
        .ask(|reply| MainNodeMessage::BlocksFrom(query(1, 10, 1 << 20), reply))
        .await
        .unwrap();
    assert_eq!(blocks.len(), 1);
    assert_eq!(blocks[0].hash, head.sealed.hash);
    assert_eq!(blocks[0].header.hash_slow(), head.sealed.hash);
    assert_eq!(blocks[0].transactions, [transfer(0, 0)]);
}

#[tokio::test]
async fn a_full_block_is_sealed_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let full = SealingPolicy {
        max_transactions: 2,
        ..patient()
    };
    let node = Node::start(directory.path(), rollup(full)).await;
    for nonce in 0..5 {
        node.execute(transfer(0, nonce)).await;
    }
    let head = node.sealed(2).await;
    assert_eq!(head.open.unwrap().transactions.len(), 1);
}

#[tokio::test]
async fn blocks_are_read_within_limits_of_number_and_bytes_but_never_none() {
    let directory = tempfile::tempdir().unwrap();
    let single = SealingPolicy {
        max_transactions: 1,
        ..patient()
    };
    let node = Node::start(directory.path(), rollup(single)).await;
    for nonce in 0..3 {
        node.execute(transfer(0, nonce)).await;
    }
    node.sealed(3).await;
    for (asked, expected) in [
        (query(1, 2, u64::MAX), vec![1, 2]),
        (query(1, 10, 0), vec![1]),
        (query(2, 10, u64::MAX), vec![2, 3]),
        (query(4, 10, u64::MAX), vec![]),
        (query(3, 0, 0), vec![3]),
    ] {
        let blocks = node
            .ask(|reply| MainNodeMessage::BlocksFrom(asked, reply))
            .await
            .unwrap();
        let numbers: Vec<u64> = blocks.iter().map(|block| block.number().0).collect();
        assert_eq!(numbers, expected, "{asked:?}");
    }
}

struct Listener(mpsc::UnboundedSender<u64>);
struct Heard(u64);
impl ractor::Message for Heard {}

impl Actor for Listener {
    type Msg = Heard;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Heard>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Heard>,
        heard: Heard,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        Ok(self.0.send(heard.0)?)
    }
}

#[tokio::test]
async fn subscribers_hear_of_every_block_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let single = SealingPolicy {
        max_transactions: 1,
        ..patient()
    };
    let node = Node::start(directory.path(), rollup(single)).await;
    let (sender, mut heard) = mpsc::unbounded_channel();
    let (listener, _) = Actor::spawn(None, Listener(sender), ()).await.unwrap();
    node.handle
        .sealed
        .subscribe(listener, |SealedAnnouncement(block)| {
            Some(Heard(block.number.0))
        });
    for nonce in 0..30 {
        node.execute(transfer(0, nonce)).await;
    }
    for expected in 1..=30 {
        let number = tokio::time::timeout(LIMIT, heard.recv())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(number, expected);
    }
}

#[tokio::test]
async fn blocks_refer_to_the_newest_l2_block_and_never_to_an_older_one() {
    let directory = tempfile::tempdir().unwrap();
    let single = SealingPolicy {
        max_transactions: 1,
        ..patient()
    };
    let node = Node::start(directory.path(), rollup(single)).await;
    let anchor = |number, byte| L2Anchor {
        number,
        hash: B256::repeat_byte(byte),
        timestamp: 1,
    };
    let mut roots = Vec::new();
    for (nonce, report) in [
        None,
        Some(anchor(5, 5)),
        Some(anchor(4, 4)),
        Some(anchor(9, 9)),
        None,
    ]
    .into_iter()
    .enumerate()
    {
        if let Some(report) = report {
            node.tell(MainNodeMessage::ReportAnchor(report));
        }
        node.execute(transfer(0, nonce as u64)).await;
        let head = node.sealed(nonce as u64 + 1).await;
        roots.push(head.sealed.header.parent_beacon_block_root.unwrap());
    }
    let byte = |byte| named(byte).root();
    assert_eq!(roots, [B256::ZERO, byte(5), byte(5), byte(9), byte(9)]);
}

/// What a block knows that names this L2 block, and no messages.
fn named(byte: u8) -> Anchor {
    Anchor {
        l2_block: B256::repeat_byte(byte),
        ..Anchor::default()
    }
}

/// The contract refuses a block that is older than its anchor, or whose anchor is more than an hour older.
#[tokio::test]
async fn no_block_is_sealed_whose_time_the_contract_will_refuse() {
    let directory = tempfile::tempdir().unwrap();
    let single = SealingPolicy {
        max_transactions: 1,
        ..patient()
    };
    let spec = rollup(single);
    let genesis = spec.genesis.timestamp;
    let node = Node::start(directory.path(), spec).await;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let hour = 3600;
    // L2 was last heard of a day ago; then its clock is a little ahead of ours.
    let (old, ahead) = (now - 24 * hour, now + 10);
    let reports = [None, Some(old), None, Some(ahead), None];
    let (mut anchor, mut before) = (genesis, genesis);
    for (nonce, report) in (0..).zip(reports) {
        if let Some(timestamp) = report {
            anchor = timestamp;
            node.tell(MainNodeMessage::ReportAnchor(L2Anchor {
                number: 5 + nonce,
                hash: B256::repeat_byte(5),
                timestamp,
            }));
        }
        node.execute(transfer(0, nonce)).await;
        let head = node.sealed(nonce + 1).await;
        let time = head.sealed.header.timestamp;
        assert!(time >= before, "{time} is before the parent's {before}");
        assert!(
            (anchor..=anchor + hour).contains(&time),
            "{time} does not fit the anchor's {anchor}"
        );
        before = time;
    }
    assert!(before >= ahead);
}

#[tokio::test]
async fn a_halt_stops_everything_and_names_block_and_transaction_even_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let node = Node::start(directory.path(), rollup(hasty())).await;
    let hash = node.execute(transfer(0, 0)).await.transaction_hash;
    node.sealed(1).await;
    let reason = "Keccak needs 2^17 rows, at most 2^16 are there".to_owned();
    let report = HaltReport {
        block: BlockNumber(1),
        transaction: Some(hash),
        reason,
    };
    node.tell(MainNodeMessage::Halt(report.clone()));
    let refusal = node.submit(transfer(0, 1)).await.unwrap_err();
    assert_eq!(refusal, Rejection::Halted(report));
    let text = refusal.to_string();
    for part in ["chain halted: block 1", &hash.to_string(), "Keccak needs"] {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
    node.stop().await;

    let node = Node::start(directory.path(), rollup(hasty())).await;
    assert!(matches!(
        node.submit(transfer(0, 1)).await,
        Err(Rejection::Halted(_))
    ));
    node.tell(MainNodeMessage::Resume(BlockNumber(2)));
    assert!(matches!(
        node.submit(transfer(0, 1)).await,
        Err(Rejection::Halted(_))
    ));
    node.tell(MainNodeMessage::Resume(BlockNumber(1)));
    node.execute(transfer(0, 1)).await;
    node.sealed(2).await;
}

#[tokio::test]
async fn the_embedded_l2_seals_at_once_and_every_block_is_final() {
    let directory = tempfile::tempdir().unwrap();
    let node = Node::start(directory.path(), ChainSpec::embedded_l2(Devnet::l2())).await;
    let on_l2 = |nonce| {
        Draft::new(0, nonce)
            .with(|tx| tx.chain_id = Devnet::L2_CHAIN_ID.0)
            .sign()
    };
    for nonce in 0..3 {
        node.execute(on_l2(nonce)).await;
        let head = node.sealed(nonce + 1).await;
        assert_eq!(head.sealed_number().0, nonce + 1);
        assert!(head.open.is_none());
        assert_eq!(head.finality.verified.1.0, nonce + 1);
        assert_ne!(
            head.sealed.header.logs_bloom,
            alloy::primitives::Bloom::repeat_byte(0xff)
        );
    }
    let times: Vec<u64> = (0..=3)
        .map(|number| {
            node.handle
                .chain
                .expect_header(BlockNumber(number))
                .unwrap()
                .header
                .timestamp
        })
        .collect();
    assert!(
        times.is_sorted_by(|earlier, later| earlier < later),
        "{times:?}"
    );
}
