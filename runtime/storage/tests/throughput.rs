//! Group commit carries many small commits, each durable when it returns.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use alloy::primitives::{B256, Bytes};
use tern_messages::{ChainId, JobId};
use tern_storage::tables::{open_block, sequencer};
use tern_storage::{ChainIdentity, Store, WriteBatch};

fn open(directory: &tempfile::TempDir) -> Store {
    let identity = ChainIdentity::new(ChainId(7), B256::repeat_byte(1), "test");
    Store::open(directory.path(), &identity).unwrap()
}

#[test]
fn concurrent_commits_share_their_fsyncs() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(open(&directory));
    let next = Arc::new(AtomicU64::new(0));
    let transaction = Bytes::from(vec![1; 180]);
    for threads in [1, 32] {
        let begin = Instant::now();
        let before = next.load(Ordering::Relaxed);
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let (store, next, transaction) = (store.clone(), next.clone(), transaction.clone());
                thread::spawn(move || {
                    for _ in 0..2000 / threads {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let mut batch = WriteBatch::new();
                        batch.put(&open_block::TRANSACTIONS, &index, &transaction);
                        store.commit(batch).unwrap();
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.join().unwrap();
        }
        let count = next.load(Ordering::Relaxed) - before;
        let seconds = begin.elapsed().as_secs_f64();
        println!("{threads} threads: {:.0} commits/s", count as f64 / seconds);
    }
    let rows = store
        .range(&open_block::TRANSACTIONS, ..)
        .map(Result::unwrap)
        .count();
    assert_eq!(rows as u64, next.load(Ordering::Relaxed));
}

#[test]
fn proofs_and_blobs_are_written_at_the_speed_of_files() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    for (name, len, count) in [("200 KB", 200_000, 50_u64), ("4 MB", 4 << 20, 10)] {
        let begin = Instant::now();
        for index in 0..count {
            let id = JobId(B256::from(alloy::primitives::U256::from(
                len as u64 + index,
            )));
            let mut bytes = vec![7; len];
            bytes[..8].copy_from_slice(&index.to_be_bytes());
            let proof = tern_messages::Proof {
                bytes: bytes.into(),
            };
            let mut batch = WriteBatch::new();
            batch.put(&sequencer::PROOFS, &id, &proof);
            store.commit(batch).unwrap();
            assert_eq!(store.get(&sequencer::PROOFS, &id).unwrap(), Some(proof));
        }
        let each = begin.elapsed() / u32::try_from(count).unwrap();
        println!("a {name} value: written, made durable and read back in {each:?}");
    }
}
