//! A disk that takes no more makes an error, loses nothing that was acknowledged, and stops all writing.
//!
//! The test starts itself again under a limit on the size of files, with the signal that goes with it ignored:
//! writes beyond the limit then fail as on a full disk.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]
#![cfg(unix)]

use std::env;
use std::path::Path;
use std::process::Command;

use alloy::primitives::{B256, Bytes};
use tern_messages::ChainId;
use tern_storage::{ChainIdentity, StorageError, Store, Table, WriteBatch};

const DIRECTORY: &str = "TERN_STORAGE_FULL_DIR";
/// Greatest file size of the writer, in blocks of 512 bytes: 4 MiB.
const LIMIT: u32 = 8192;
const ROWS: Table<u64, Bytes> = Table::new(0xf0, "rows");

fn open(directory: &Path) -> Store {
    let identity = ChainIdentity::new(ChainId(7), B256::repeat_byte(1), "full-test");
    Store::open(directory, &identity).unwrap()
}

fn row(number: u64, len: usize) -> WriteBatch {
    let mut batch = WriteBatch::new();
    batch.put(&ROWS, &number, &vec![number as u8; len].into());
    batch
}

#[test]
fn writer() {
    let Some(directory) = env::var_os(DIRECTORY) else {
        return;
    };
    let store = open(Path::new(&directory));
    // A large value beyond the limit is refused alone: nothing was written of it.
    let refused = store.commit(row(u64::MAX, 5 << 20)).unwrap_err();
    assert!(matches!(refused, StorageError::Io { .. }), "{refused}");
    assert_eq!(store.get(&ROWS, &u64::MAX).unwrap(), None);
    for number in 0.. {
        if let Err(error) = store.commit(row(number, 4000)) {
            assert!(error.reopening_can_help(), "{error}");
            println!("failed after {number}: {error}");
            break;
        }
        println!("acknowledged {number}");
    }
    let error = store.commit(row(0, 1)).unwrap_err();
    assert!(matches!(error, StorageError::Poisoned { .. }), "{error}");
    println!("then: {error}");
}

#[test]
fn a_full_disk_is_an_error_and_loses_nothing_acknowledged() {
    if env::var_os(DIRECTORY).is_some() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let program = env::current_exe().unwrap();
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!(
            "trap '' XFSZ; ulimit -f {LIMIT}; exec \"$0\" --exact writer --nocapture"
        ))
        .arg(&program)
        .env(DIRECTORY, directory.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text
        .lines()
        .filter_map(|line| line.strip_prefix("acknowledged "))
        .next_back();
    let last: u64 = last.expect("something fits").parse().unwrap();
    assert!(
        output.status.success() && text.contains("failed after"),
        "{text}\n{output:?}"
    );
    let store = open(directory.path());
    for number in 0..=last {
        let found = store.get(&ROWS, &number).unwrap();
        assert_eq!(
            found,
            Some(vec![number as u8; 4000].into()),
            "row {number} of {last}"
        );
    }
    store.commit(row(last + 1, 4000)).unwrap();
}
