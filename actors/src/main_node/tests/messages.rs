//! Messages from L2, and transactions that L2 wants in a block.

use std::path::Path;

use alloy::primitives::{Address, B256, Bytes, U256, bytes};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolValue;
use tern_cluster_config::{SealingPolicy, development_key};
use tern_messages::{BlockNumber, L2Anchor, OfferedMessages, Place, QueuedMessage};
use tern_settlement::{L3_INBOX, Message, Queue, processed};

use crate::main_node::testing::{LIMIT, Node, hasty, patient, rollup, transfer};
use crate::main_node::{ChainSpec, Head, MainNodeMessage};

/// Has messages processed, and pays for that.
const PROCESSOR: u32 = 8;

/// The queue on L2.
#[derive(Default)]
struct Sent {
    queue: Queue,
    messages: Vec<QueuedMessage>,
}

impl Sent {
    /// One more message, sent long ago.
    fn send(&mut self, message: Message) {
        self.send_at(message, 1);
    }

    fn send_at(&mut self, message: Message, sent: u64) {
        let index = self.queue.count;
        self.queue = self.queue.with(&message);
        self.messages.push(QueuedMessage {
            index,
            sent,
            encoded: message.abi_encode().into(),
            queue: self.queue.hash,
        });
    }

    /// All messages from this one on, as the bridge offers them.
    fn from(&self, index: u64) -> Vec<QueuedMessage> {
        self.messages[index as usize..].to_vec()
    }
}

/// Brings `value` and a fee of 7 wei to an account.
fn bringing(target: Address, value: u64) -> Message {
    Message {
        sender: Address::repeat_byte(0x5e),
        target,
        value: U256::from(value),
        fee: U256::from(7),
        gasLimit: 21_000,
        refundee: Address::repeat_byte(0x1e),
        data: Bytes::new(),
    }
}

fn receiver(number: u64) -> Address {
    Address::left_padding_from(&(0x10_0000 + number).to_be_bytes())
}

fn processing(sealing: SealingPolicy) -> ChainSpec {
    ChainSpec {
        processor: Some(development_key(PROCESSOR)),
        ..rollup(sealing)
    }
}

/// A node that has heard of L2.
async fn start(directory: &Path, spec: ChainSpec) -> Node {
    let node = Node::start(directory, spec).await;
    node.tell(MainNodeMessage::ReportAnchor(anchor()));
    node
}

/// What the bridge reports, of the present.
fn anchor() -> L2Anchor {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    L2Anchor {
        number: 5,
        hash: B256::repeat_byte(5),
        timestamp: now.unwrap().as_secs(),
    }
}

async fn offer(node: &Node, messages: Vec<QueuedMessage>) -> u64 {
    offer_knowing(node, messages, 0).await
}

/// The same, while L2 knows so many to be processed.
async fn offer_knowing(node: &Node, messages: Vec<QueuedMessage>, known: u64) -> u64 {
    let offered = OfferedMessages { messages, known };
    node.ask(|reply| MainNodeMessage::OfferMessages(offered, reply))
        .await
}

fn count(head: &Head) -> u64 {
    processed(head.state.storage(L3_INBOX, U256::ZERO).unwrap())
}

/// The last sealed block names this queue.
#[track_caller]
fn expect_named(head: &Head, queue: &Queue) {
    let named = queue.anchor(B256::repeat_byte(5));
    let root = head.sealed.header.parent_beacon_block_root;
    assert_eq!(root, Some(named.root()));
}

/// Offers everything until the chain has processed so many.
async fn deliver(node: &Node, sent: &Sent, wanted: u64) -> Head {
    let start = std::time::Instant::now();
    while start.elapsed() < LIMIT {
        let next = offer(node, vec![]).await;
        offer(node, sent.from(next)).await;
        let head = node.handle.head().borrow().clone();
        if count(&head) == wanted {
            return head;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("the messages were not processed")
}

#[tokio::test]
async fn a_message_is_processed_by_the_next_block_though_nobody_sends_a_transaction() {
    let directory = tempfile::tempdir().unwrap();
    let node = start(directory.path(), processing(hasty())).await;
    let mut sent = Sent::default();
    sent.send(bringing(receiver(1), 3));
    assert_eq!(offer(&node, sent.from(0)).await, 1);
    let head = node.sealed(1).await;
    assert_eq!(count(&head), 1);
    assert_eq!(head.state.balance(receiver(1)).unwrap(), U256::from(3));
    expect_named(&head, &sent.queue);
}

#[tokio::test]
async fn users_transactions_come_after_the_messages_of_their_block() {
    let directory = tempfile::tempdir().unwrap();
    let node = start(directory.path(), processing(patient())).await;
    let mut sent = Sent::default();
    sent.send(bringing(receiver(1), 3));
    offer(&node, sent.from(0)).await;
    let receipt = node.execute(transfer(0, 0)).await;
    let head = node.until(|head| head.open.is_some()).await;
    let open = head.open.clone().unwrap();
    assert_eq!(open.transactions.len(), 2);
    assert_eq!(
        open.transactions[0].receipt.from,
        development_key(PROCESSOR).address()
    );
    assert_eq!(
        open.transactions[1].receipt.transaction_hash,
        receipt.transaction_hash
    );
}

#[tokio::test]
async fn of_a_thousand_messages_as_many_as_fit_are_processed_at_a_time_and_256_before_l2_knows_of_it()
 {
    let directory = tempfile::tempdir().unwrap();
    let node = start(directory.path(), processing(hasty())).await;
    let mut sent = Sent::default();
    for number in 0..1000 {
        sent.send(bringing(receiver(number), number + 1));
    }
    let head = deliver(&node, &sent, 256).await;
    for number in [0, 1, 128, 255] {
        let balance = head.state.balance(receiver(number)).unwrap();
        assert_eq!(balance, U256::from(number + 1));
    }
    let blocks = head.confirmed().0;
    assert!(blocks > 4, "{blocks}");
    // The contract takes no block that names more.
    offer(&node, sent.from(256)).await;
    node.execute(transfer(0, 0)).await;
    let account = development_key(0).address();
    let head = node
        .until(|head| head.state.nonce(account).unwrap() == 1)
        .await;
    assert_eq!(count(&head), 256);
}

/// Fills the prover's memory: a contract that calls itself as long as there is gas.
fn greedy() -> (Address, Bytes) {
    let target = Address::repeat_byte(0x9e);
    (target, bytes!("5f5f5f5f5f305af15f5f5f5f5f305af1"))
}

#[tokio::test]
async fn a_message_that_cannot_be_proven_is_parked_and_holds_up_none_behind_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut spec = processing(hasty());
    let (target, code) = greedy();
    spec.genesis.alloc.entry(target).or_default().code = code;
    let node = start(directory.path(), spec).await;
    let mut sent = Sent::default();
    sent.send(bringing(receiver(1), 3));
    sent.send(Message {
        gasLimit: 5_000_000,
        ..bringing(target, 4)
    });
    sent.send(bringing(receiver(2), 5));
    let head = deliver(&node, &sent, sent.queue.count).await;
    let balance = |account| head.state.balance(account).unwrap();
    assert_eq!(balance(receiver(1)), U256::from(3));
    assert_eq!(balance(target), U256::ZERO, "it waits");
    assert_eq!(balance(receiver(2)), U256::from(5));
}

#[tokio::test]
async fn a_message_that_was_sent_after_the_blocks_time_is_not_named() {
    let directory = tempfile::tempdir().unwrap();
    let node = start(directory.path(), processing(hasty())).await;
    let mut sent = Sent::default();
    sent.send_at(bringing(receiver(1), 3), u64::MAX);
    offer(&node, sent.from(0)).await;
    node.execute(transfer(0, 0)).await;
    let head = node.sealed(1).await;
    expect_named(&head, &Queue::default());
}

#[tokio::test]
async fn messages_are_processed_once_though_the_node_starts_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut sent = Sent::default();
    sent.send(bringing(receiver(1), 3));
    let node = start(directory.path(), processing(patient())).await;
    offer(&node, sent.from(0)).await;
    node.until(|head| count(head) == 1).await;
    node.stop().await;
    // Once in the open block, executed again, and once after it was sealed.
    sent.send(bringing(receiver(1), 4));
    let node = start(directory.path(), processing(hasty())).await;
    let head = deliver(&node, &sent, sent.queue.count).await;
    assert_eq!(head.state.balance(receiver(1)).unwrap(), U256::from(7));
}

#[tokio::test]
async fn without_an_account_for_it_messages_are_named_for_others_to_process() {
    let directory = tempfile::tempdir().unwrap();
    let node = start(directory.path(), rollup(hasty())).await;
    let mut sent = Sent::default();
    sent.send(bringing(receiver(1), 3));
    offer(&node, sent.from(0)).await;
    node.execute(transfer(0, 0)).await;
    let head = node.sealed(1).await;
    assert_eq!(count(&head), 0);
    expect_named(&head, &sent.queue);
}

#[tokio::test]
async fn an_account_without_funds_does_not_hold_up_users() {
    let directory = tempfile::tempdir().unwrap();
    let spec = ChainSpec {
        processor: Some(PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).unwrap()),
        ..rollup(hasty())
    };
    let node = start(directory.path(), spec).await;
    let mut sent = Sent::default();
    sent.send(bringing(receiver(1), 3));
    offer(&node, sent.from(0)).await;
    node.execute(transfer(0, 0)).await;
    assert_eq!(count(&node.sealed(1).await), 0);
}

#[tokio::test]
async fn what_was_posted_on_l2_is_executed_once() {
    let directory = tempfile::tempdir().unwrap();
    let node = start(directory.path(), rollup(hasty())).await;
    for _ in 0..3 {
        node.tell(MainNodeMessage::OfferForced(transfer(0, 1)));
        node.tell(MainNodeMessage::OfferForced(transfer(0, 0)));
        node.tell(MainNodeMessage::OfferForced(Bytes::from_static(
            b"nonsense",
        )));
    }
    let account = development_key(0).address();
    let nonce = |head: &Head| head.state.nonce(account).unwrap();
    let head = node.until(|head| nonce(head) == 2).await;
    assert_eq!(head.confirmed().0, 1);
}

/// L2 refuses a block that names fewer messages than its parent.
#[tokio::test]
async fn messages_that_were_named_at_once_are_processed_a_few_at_a_time_and_every_block_names_them_all()
 {
    let directory = tempfile::tempdir().unwrap();
    let (target, code) = greedy();
    let with_code = |mut spec: ChainSpec| {
        spec.genesis.alloc.entry(target).or_default().code = code.clone();
        spec
    };
    let mut sent = Sent::default();
    sent.send(bringing(receiver(1), 3));
    sent.send(Message {
        gasLimit: 5_000_000,
        ..bringing(target, 4)
    });
    sent.send(bringing(receiver(2), 5));
    let node = start(directory.path(), with_code(rollup(hasty()))).await;
    offer(&node, sent.from(0)).await;
    node.execute(transfer(0, 0)).await;
    node.sealed(1).await;
    node.stop().await;

    let node = start(directory.path(), with_code(processing(hasty()))).await;
    let head = deliver(&node, &sent, sent.queue.count).await;
    assert_eq!(head.state.balance(receiver(2)).unwrap(), U256::from(5));
    let last = node.sealed(3).await.sealed_number();
    let all = sent.queue.anchor(B256::repeat_byte(5)).root();
    for number in 1..=last.0 {
        let block = node
            .handle
            .chain
            .expect_header(BlockNumber(number))
            .unwrap();
        assert_eq!(block.header.parent_beacon_block_root, Some(all), "{number}");
    }
}

#[tokio::test]
async fn a_message_that_l2_has_replaced_is_processed_as_it_is_now() {
    let directory = tempfile::tempdir().unwrap();
    let node = start(directory.path(), rollup(hasty())).await;
    let (mut old, mut new) = (Sent::default(), Sent::default());
    old.send(bringing(receiver(1), 3));
    new.send(bringing(receiver(2), 4));
    assert_eq!(offer(&node, old.from(0)).await, 1);
    assert_eq!(offer(&node, new.from(0)).await, 1);
    node.execute(transfer(0, 0)).await;
    let head = node.sealed(1).await;
    expect_named(&head, &new.queue);
}

/// L2 would not take a first block without what is due.
#[tokio::test]
async fn who_takes_a_chain_over_begins_no_block_before_what_waits_on_l2_is_known() {
    let directory = tempfile::tempdir().unwrap();
    let spec = ChainSpec {
        catches_up: true,
        ..processing(hasty())
    };
    let node = start(directory.path(), spec).await;
    let mut sent = Sent::default();
    sent.send(bringing(receiver(1), 3));
    let user = node.submit(transfer(0, 0)).await.unwrap();
    assert!(matches!(user.place, Place::Queued));
    offer(&node, sent.from(0)).await;
    node.tell(MainNodeMessage::OfferForced(transfer(1, 0)));
    node.tell(MainNodeMessage::ReportAnchor(anchor()));
    let head = node.sealed(1).await;
    assert_eq!(count(&head), 1);
    let nonce = |account| head.state.nonce(development_key(account).address());
    assert_eq!((nonce(1).unwrap(), nonce(0).unwrap()), (1, 1));
}
