//! Tables, ranges, large values, and data directories that are not ours.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::fs;

use alloy::primitives::{B256, Bytes};
use tern_messages::{BlobId, BlockNumber, ChainId, JobId};
use tern_storage::tables::{chain, sequencer};
use tern_storage::{ChainIdentity, StorageError, Store, Table, WriteBatch};

const NUMBERS: Table<u64, u64> = Table::new(0xf0, "numbers");
const TEXTS: Table<u64, String> = Table::new(0xf0, "texts in the place of numbers");
const NEIGHBOUR: Table<u64, u64> = Table::new(0xf1, "neighbour");
const PAIRS: Table<(u32, JobId), u64> = Table::new(0xff, "pairs");

fn identity() -> ChainIdentity {
    ChainIdentity::new(ChainId(7), B256::repeat_byte(1), "main-node")
}

fn open(directory: &tempfile::TempDir) -> Store {
    Store::open(directory.path(), &identity()).unwrap()
}

#[test]
fn rows_come_in_numeric_order_and_stay_in_their_table() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let mut batch = WriteBatch::new();
    for number in [300, 2, 70_000, 255, 256] {
        batch.put(&NUMBERS, &number, &(number * 2));
    }
    batch.put(&NEIGHBOUR, &0, &1);
    store.commit(batch).unwrap();
    let all: Vec<_> = store.range(&NUMBERS, ..).map(Result::unwrap).collect();
    assert_eq!(
        all,
        [
            (2, 4),
            (255, 510),
            (256, 512),
            (300, 600),
            (70_000, 140_000)
        ]
    );
    let some: Vec<_> = store
        .range(&NUMBERS, 255..300)
        .rev()
        .map(|row| row.unwrap().0)
        .collect();
    assert_eq!(some, [256, 255]);
    assert_eq!(store.last(&NUMBERS).unwrap(), Some((70_000, 140_000)));
    assert_eq!(store.first(&NUMBERS).unwrap(), Some((2, 4)));
    assert_eq!(store.last(&PAIRS).unwrap(), None);
}

#[test]
fn the_last_table_and_composite_keys_have_ranges_too() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let (low, high) = (JobId(B256::ZERO), JobId(B256::repeat_byte(0xff)));
    let mut batch = WriteBatch::new();
    batch
        .put(&PAIRS, &(1, high), &1)
        .put(&PAIRS, &(2, low), &2)
        .put(&PAIRS, &(u32::MAX, high), &3);
    store.commit(batch).unwrap();
    let rows: Vec<_> = store
        .range(&PAIRS, (1, low)..=(1, high))
        .map(Result::unwrap)
        .collect();
    assert_eq!(rows, [((1, high), 1)]);
    assert_eq!(store.range(&PAIRS, ..).count(), 3);
}

#[test]
fn later_writes_of_a_batch_win_and_deletions_delete() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let mut batch = WriteBatch::new();
    batch
        .put(&NUMBERS, &1, &1)
        .put(&NUMBERS, &1, &2)
        .put(&NUMBERS, &2, &2)
        .delete(&NUMBERS, &2);
    store.commit(batch).unwrap();
    assert_eq!(store.get(&NUMBERS, &1).unwrap(), Some(2));
    assert!(!store.contains(&NUMBERS, &2).unwrap());
}

#[test]
fn a_value_of_another_type_is_an_error_that_names_table_and_key() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let mut batch = WriteBatch::new();
    batch.put(&NUMBERS, &9, &u64::MAX);
    store.commit(batch).unwrap();
    let error = store.get(&TEXTS, &9).unwrap_err().to_string();
    let start = "table `texts in the place of numbers`, key 0x0000000000000009: ";
    assert!(error.starts_with(start), "{error}");
    assert!(store.range(&TEXTS, ..).next().unwrap().is_err());
}

#[test]
fn large_values_survive_reopening_and_unreferenced_files_are_removed() {
    let directory = tempfile::tempdir().unwrap();
    let blob = Bytes::from(vec![7; 3 << 20]);
    let id = BlobId::of(&blob);
    let old = BlobId(B256::repeat_byte(2));
    let store = open(&directory);
    let mut batch = WriteBatch::new();
    batch.put(&sequencer::BLOBS, &id, &blob);
    batch.put(&sequencer::BLOBS, &old, &Bytes::from(vec![8; 1 << 20]));
    store.commit(batch).unwrap();
    let mut batch = WriteBatch::new();
    batch.delete(&sequencer::BLOBS, &old);
    store.commit(batch).unwrap();
    let folder = directory.path().join("files/42");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    drop(store);
    let store = open(&directory);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    assert_eq!(store.get(&sequencer::BLOBS, &id).unwrap(), Some(blob));
}

#[test]
fn an_altered_or_missing_large_value_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let id = BlobId(B256::repeat_byte(3));
    let mut batch = WriteBatch::new();
    batch.put(&sequencer::BLOBS, &id, &Bytes::from(vec![7; 1 << 20]));
    store.commit(batch).unwrap();
    let file = fs::read_dir(directory.path().join("files/42"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let mut bytes = fs::read(file.path()).unwrap();
    bytes[1000] ^= 1;
    fs::write(file.path(), bytes).unwrap();
    let error = store.get(&sequencer::BLOBS, &id).unwrap_err().to_string();
    assert!(
        error.contains("job inputs") && error.ends_with("was altered"),
        "{error}"
    );
    fs::remove_file(file.path()).unwrap();
    let error = store.get(&sequencer::BLOBS, &id).unwrap_err().to_string();
    assert!(error.ends_with("is missing"), "{error}");
}

#[test]
fn a_directory_in_use_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let _store = open(&directory);
    let error = Store::open(directory.path(), &identity()).unwrap_err();
    assert!(matches!(error, StorageError::InUse { .. }), "{error}");
    assert!(error.reopening_can_help());
}

#[test]
fn a_foreign_directory_is_refused_and_the_difference_named() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(&directory));
    let others = [
        (
            "chain id",
            ChainIdentity {
                chain_id: ChainId(8),
                ..identity()
            },
        ),
        (
            "genesis hash",
            ChainIdentity {
                genesis_hash: B256::ZERO,
                ..identity()
            },
        ),
        (
            "role",
            ChainIdentity {
                role: "bridge".to_owned(),
                ..identity()
            },
        ),
        (
            "format version",
            ChainIdentity {
                format_version: 99,
                ..identity()
            },
        ),
    ];
    for (field, other) in others {
        let error = Store::open(directory.path(), &other).unwrap_err();
        assert!(
            error
                .to_string()
                .contains(&format!("another {field}: it has")),
            "{error}"
        );
        assert!(!error.reopening_can_help());
    }
    open(&directory);
}

#[test]
fn a_directory_with_something_else_in_it_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("diary.txt"), "private").unwrap();
    let error = Store::open(directory.path(), &identity()).unwrap_err();
    assert!(
        matches!(error, StorageError::NotADataDirectory { .. }),
        "{error}"
    );
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_damaged_directory_is_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(&directory));
    let identity_file = directory.path().join("identity.json");
    let text = fs::read(&identity_file).unwrap();
    for garbage in [&b"{}"[..], b"garbage", &[0xff; 5000]] {
        fs::write(&identity_file, garbage).unwrap();
        let error = Store::open(directory.path(), &identity()).unwrap_err();
        assert!(matches!(error, StorageError::Damaged { .. }), "{error}");
    }
    fs::write(&identity_file, text).unwrap();
    open(&directory);
}

#[test]
fn a_log_that_lost_acknowledged_commits_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let write = |store: &Store, number: u64| {
        let mut batch = WriteBatch::new();
        batch.put(&NUMBERS, &number, &number);
        store.commit(batch).unwrap();
    };
    (0..100).for_each(|number| write(&store, number));
    drop(store);
    let log = directory.path().join("sled/db");
    let earlier = fs::read(&log).unwrap();
    let store = open(&directory);
    (100..2000).for_each(|number| write(&store, number));
    drop(store);
    let whole = fs::read(&log).unwrap();
    for damaged in [earlier, whole[..whole.len() / 2].to_vec(), Vec::new()] {
        fs::write(&log, damaged).unwrap();
        fs::remove_dir_all(directory.path().join("sled/blobs")).ok();
        let error = Store::open(directory.path(), &identity()).unwrap_err();
        assert!(matches!(error, StorageError::Damaged { .. }), "{error}");
    }
}

#[test]
fn a_file_in_the_place_of_the_directory_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Store::open(file.path(), &identity()).unwrap_err();
    assert!(matches!(error, StorageError::Io { .. }), "{error}");
}

#[test]
fn a_block_reads_back_whole() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let header = alloy::consensus::Header {
        number: 5,
        ..Default::default()
    };
    let block = tern_messages::SealedBlock {
        hash: header.hash_slow(),
        header,
        anchor: tern_messages::Anchor {
            l2_block: B256::repeat_byte(7),
            messages: 3,
            ..Default::default()
        },
        transactions: vec![Bytes::from_static(b"one")],
        receipts: vec![],
    };
    let node = (B256::repeat_byte(9), Bytes::from_static(b"node"));
    let mut batch = WriteBatch::new();
    chain::put_block(&mut batch, &block, std::slice::from_ref(&node), &[]);
    store.commit(batch).unwrap();
    assert_eq!(
        chain::block(&store, BlockNumber(5)).unwrap(),
        Some(block.clone())
    );
    assert_eq!(chain::block(&store, BlockNumber(6)).unwrap(), None);
    assert_eq!(
        store.get(&chain::BLOCK_BY_HASH, &block.hash).unwrap(),
        Some(BlockNumber(5))
    );
    assert_eq!(
        store.get(&chain::TRIE_NODES, &node.0).unwrap(),
        Some(node.1)
    );
}
