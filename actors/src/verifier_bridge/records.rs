//! What the bridge keeps on disk (numbers 0x68–0x6f). L2's own state wins over all of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tern_messages::{BatchNumber, L2Anchor, L2Transaction};
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
            let (first, last) = match purpose {
                Purpose::Commit(number) => (number, number),
                Purpose::Prove(first, last) => (first, last),
            };
            for number in first.0..=last.0 {
                let number = BatchNumber(number);
                let mut settled = store.get(&SETTLED, &number)?.unwrap_or_default();
                match purpose {
                    Purpose::Commit(_) => settled.committed = Some(transaction),
                    Purpose::Prove(..) => settled.verified = Some(transaction),
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

    /// Up to where L2's events were read, and the newest anchor found.
    pub(crate) async fn anchor(&self) -> Result<(Option<Cursor>, Option<L2Anchor>), StorageError> {
        self.run(|store| Ok((store.get(&CURSOR, &())?, store.get(&ANCHOR, &())?)))
            .await
    }

    /// L2's events were read up to `cursor`.
    pub(crate) async fn set_anchor(
        &self,
        cursor: Cursor,
        anchor: Option<L2Anchor>,
    ) -> Result<(), StorageError> {
        self.run(move |store| {
            let mut batch = WriteBatch::new();
            batch.put(&CURSOR, &(), &cursor);
            if let Some(anchor) = anchor {
                batch
                    .put(&ANCHOR, &(), &anchor)
                    .put(&ANCHORS, &anchor.hash, &anchor.number);
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
