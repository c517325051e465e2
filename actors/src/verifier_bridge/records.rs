//! What the bridge keeps on disk (numbers 0x68–0x6f). L2's own state wins over all of it.

use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tern_messages::{BatchNumber, ForcedTransaction, L2Anchor, L2Transaction, QueuedMessage};
use tern_settlement::{Logged, Queue};
use tern_storage::tables::bridge::{CURSOR, Cursor, Purpose};
use tern_storage::{StorageError, Store, Table, WriteBatch};

/// The transactions that settled each batch.
const SETTLED: Table<BatchNumber, Settled> = Table::new(0x68, "settled batches");
/// What is being sent to L2: written before it is sent.
const UNDER_WAY: Table<(), Purpose> = Table::new(0x69, "L2 transaction under way");
/// The newest L2 block that L3 blocks may name.
const ANCHOR: Table<(), L2Anchor> = Table::new(0x6c, "anchor");
/// Every L2 block that was offered to L3 as an anchor, by its hash.
const ANCHORS: Table<alloy::primitives::B256, u64> = Table::new(0x6b, "anchors");

/// Messages to L3 and the L2 blocks that hold them, by their places in the queue.
const MESSAGES: Table<u64, (u64, QueuedMessage)> = Table::new(0x6d, "messages");
/// Transactions that L2 wants in a block and the L2 blocks that hold them, by their places in the queue.
const FORCED: Table<u64, (u64, ForcedTransaction)> = Table::new(0x6e, "forced transactions");

/// Most posted transactions that are read at a time: as many as a commit passes over.
const MAX_POSTED: usize = 256;
/// Bytes of messages that are offered to the main node at a time; one has some 17 kB at most.
const OFFERED: usize = 1 << 20;

/// How far L2's events were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Followed {
    /// The last block that was read.
    pub(crate) cursor: Option<Cursor>,
    /// The newest block that L3 blocks may name.
    pub(crate) anchor: Option<L2Anchor>,
    /// The queue of the messages until then.
    pub(crate) queue: Queue,
}

/// Forgets what L2 said in this block of it and later.
fn forget_from<T: Serialize + DeserializeOwned>(
    store: &Store,
    table: &Table<u64, (u64, T)>,
    l2_block: u64,
    batch: &mut WriteBatch,
) -> Result<(), StorageError> {
    for row in store.range(table, ..).rev() {
        let (index, (block, _)) = row?;
        if block < l2_block {
            break;
        }
        batch.delete(table, &index);
    }
    Ok(())
}

fn last_queue(store: &Store) -> Result<Option<Queue>, StorageError> {
    let last = store.last(&MESSAGES)?;
    Ok(last.map(|(_, (_, message))| Queue::up_to(&message)))
}

/// The L2 transactions that settled a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settled {
    pub(crate) committed: Option<L2Transaction>,
    pub(crate) verified: Option<L2Transaction>,
}

/// The bridge's disk. Each method is a durable step of its own, on a blocking thread.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    pub(crate) store: Arc<Store>,
}

impl Records {
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let store = Arc::clone(&self.store);
        tokio::task::spawn_blocking(move || work(&store))
            .await
            .expect("the store does not panic")
    }

    /// Before a transaction is sent.
    pub(crate) async fn begin(&self, purpose: Purpose) -> Result<(), StorageError> {
        self.run(move |store| {
            let mut batch = WriteBatch::new();
            batch.put(&UNDER_WAY, &(), &purpose);
            store.commit(batch)
        })
        .await
    }

    /// What was being sent when the process ended; forgotten now, since L2 knows what became of it.
    pub(crate) async fn take_under_way(&self) -> Result<Option<Purpose>, StorageError> {
        self.run(|store| {
            let purpose = store.get(&UNDER_WAY, &())?;
            let mut batch = WriteBatch::new();
            batch.delete(&UNDER_WAY, &());
            store.commit(batch)?;
            Ok(purpose)
        })
        .await
    }

    /// After a transaction was mined.
    pub(crate) async fn done(
        &self,
        purpose: Purpose,
        transaction: L2Transaction,
    ) -> Result<(), StorageError> {
        self.run(move |store| {
            let mut batch = WriteBatch::new();
            let settles = match purpose {
                Purpose::Commit(number) | Purpose::Finalize(number) => number.0..=number.0,
                Purpose::Prove(first, last) => first.0..=last.0,
                // What they come to, the contract knows.
                Purpose::Stake
                | Purpose::Propose(_)
                | Purpose::Answer(..)
                | Purpose::Settle(..) => RangeInclusive::new(1, 0),
            };
            for number in settles.map(BatchNumber) {
                let mut settled = store.get(&SETTLED, &number)?.unwrap_or_default();
                match purpose {
                    Purpose::Commit(_) => settled.committed = Some(transaction),
                    _ => settled.verified = Some(transaction),
                }
                batch.put(&SETTLED, &number, &settled);
            }
            batch.delete(&UNDER_WAY, &());
            store.commit(batch)
        })
        .await
    }

    /// The transactions that settled a batch, where they are known.
    pub(crate) async fn settled(&self, number: BatchNumber) -> Result<Settled, StorageError> {
        let settled = self.run(move |store| store.get(&SETTLED, &number)).await?;
        Ok(settled.unwrap_or_default())
    }

    /// The transactions that settled a batch, as L2 told them.
    pub(crate) async fn set_settled(
        &self,
        number: BatchNumber,
        settled: Settled,
    ) -> Result<(), StorageError> {
        self.run(move |store| {
            let mut batch = WriteBatch::new();
            batch.put(&SETTLED, &number, &settled);
            store.commit(batch)
        })
        .await
    }

    /// Which transactions settled this batch and those after it counts no more: they are replaced.
    pub(crate) async fn forget_from(&self, first: BatchNumber) -> Result<(), StorageError> {
        self.run(move |store| {
            let mut batch = WriteBatch::new();
            for row in store.range(&SETTLED, first..) {
                batch.delete(&SETTLED, &row?.0);
            }
            store.commit(batch)
        })
        .await
    }

    /// How far L2's events were read.
    pub(crate) async fn followed(&self) -> Result<Followed, StorageError> {
        self.run(|store| {
            Ok(Followed {
                cursor: store.get(&CURSOR, &())?,
                anchor: store.get(&ANCHOR, &())?,
                queue: last_queue(store)?.unwrap_or_default(),
            })
        })
        .await
    }

    /// L2's events were read up to a block, with these messages and transactions in the last ones.
    pub(crate) async fn set_followed(
        &self,
        followed: Followed,
        messages: Vec<Logged<QueuedMessage>>,
        forced: Vec<Logged<ForcedTransaction>>,
    ) -> Result<(), StorageError> {
        self.run(move |store| {
            let mut batch = WriteBatch::new();
            if let Some(cursor) = followed.cursor {
                batch.put(&CURSOR, &(), &cursor);
            }
            if let Some(anchor) = followed.anchor {
                batch
                    .put(&ANCHOR, &(), &anchor)
                    .put(&ANCHORS, &anchor.hash, &anchor.number);
            }
            for Logged { l2_block, item } in messages {
                let index = item.index;
                batch.put(&MESSAGES, &index, &(l2_block, item));
            }
            for Logged { l2_block, item } in forced {
                let index = item.index;
                batch.put(&FORCED, &index, &(l2_block, item));
            }
            store.commit(batch)
        })
        .await
    }

    /// What was sent in this L2 block and later ones is not known any more. Returns the queue of the messages before, if any
    /// of them is known.
    pub(crate) async fn forget_sent_from(
        &self,
        l2_block: u64,
    ) -> Result<Option<Queue>, StorageError> {
        self.run(move |store| {
            let mut batch = WriteBatch::new();
            forget_from(store, &MESSAGES, l2_block, &mut batch)?;
            forget_from(store, &FORCED, l2_block, &mut batch)?;
            store.commit(batch)?;
            last_queue(store)
        })
        .await
    }

    /// The messages from this index on, of some length.
    pub(crate) async fn messages_from(
        &self,
        index: u64,
    ) -> Result<Vec<QueuedMessage>, StorageError> {
        self.run(move |store| {
            let (mut found, mut bytes) = (Vec::new(), 0);
            for row in store.range(&MESSAGES, index..) {
                let (_, (_, message)) = row?;
                bytes += message.encoded.len();
                if bytes > OFFERED && !found.is_empty() {
                    break;
                }
                found.push(message);
            }
            Ok(found)
        })
        .await
    }

    /// Some of the posted transactions from this index on.
    pub(crate) async fn forced_from(
        &self,
        index: u64,
    ) -> Result<Vec<ForcedTransaction>, StorageError> {
        self.run(move |store| {
            let rows = store.range(&FORCED, index..).take(MAX_POSTED);
            rows.map(|row| Ok(row?.1.1)).collect()
        })
        .await
    }

    /// What the verified state has processed is not needed any more, but for the last message: the next ones follow it.
    pub(crate) async fn prune(&self, messages: u64, forced: u64) -> Result<(), StorageError> {
        self.run(move |store| {
            let mut batch = WriteBatch::new();
            for row in store.range(&MESSAGES, ..messages.saturating_sub(1)) {
                batch.delete(&MESSAGES, &row?.0);
            }
            for row in store.range(&FORCED, ..forced) {
                batch.delete(&FORCED, &row?.0);
            }
            store.commit(batch)
        })
        .await
    }

    /// Number of the L2 block that was once offered as an anchor under this hash.
    pub(crate) async fn anchor_number(
        &self,
        hash: alloy::primitives::B256,
    ) -> Result<Option<u64>, StorageError> {
        self.run(move |store| store.get(&ANCHORS, &hash)).await
    }
}
