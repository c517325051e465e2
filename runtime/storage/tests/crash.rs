//! A process that is killed while it commits loses nothing that was acknowledged, and halves no batch.
//!
//! The test starts itself again as the writer: with `TERN_STORAGE_CRASH_DIR` set, [`writer`] commits until it
//! is killed and prints the number of each acknowledged commit.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use alloy::primitives::{B256, Bytes};
use rand::Rng;
use tern_messages::ChainId;
use tern_storage::{ChainIdentity, Store, Table, WriteBatch};

const DIRECTORY: &str = "TERN_STORAGE_CRASH_DIR";
const THREADS: u64 = 4;
const ROUNDS: usize = 25;

/// Two rows that every commit writes together, and a large value from time to time.
const LEFT: Table<(u64, u64), u64> = Table::new(0xf0, "left");
const RIGHT: Table<(u64, u64), Bytes> = Table::new(0xf1, "right");
const LARGE: Table<(u64, u64), Bytes> = Table::new(0xf2, "large");

fn open(directory: &Path) -> Store {
    let identity = ChainIdentity::new(ChainId(7), B256::repeat_byte(1), "crash-test");
    Store::open(directory, &identity).unwrap()
}

fn content(thread: u64, number: u64, len: usize) -> Bytes {
    vec![(thread * 31 + number) as u8; len].into()
}

/// How long the small value of a commit is: from nothing to more than sled keeps in one fragment.
fn len(number: u64) -> usize {
    (number as usize * 97) % 3000
}

fn is_large(number: u64) -> bool {
    number.is_multiple_of(8)
}

#[test]
fn writer() {
    let Some(directory) = env::var_os(DIRECTORY) else {
        return;
    };
    let store = Arc::new(open(Path::new(&directory)));
    let writers = (0..THREADS).map(|thread| {
        let store = store.clone();
        thread::spawn(move || {
            let last = store.range(&LEFT, (thread, 0)..(thread + 1, 0)).next_back();
            let first = last.map_or(0, |row| row.unwrap().0.1 + 1);
            for number in first.. {
                let key = (thread, number);
                let mut batch = WriteBatch::new();
                batch.put(&LEFT, &key, &number);
                batch.put(&RIGHT, &key, &content(thread, number, len(number)));
                if is_large(number) {
                    batch.put(&LARGE, &key, &content(thread, number, 100_000));
                }
                store.commit(batch).unwrap();
                let mut out = std::io::stdout().lock();
                writeln!(out, "acknowledged {thread} {number}").unwrap();
                out.flush().unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.join().unwrap();
    }
}

/// Runs the writer for a while, kills it, and returns the last number acknowledged to each thread.
fn write_and_kill(directory: &Path, after: Duration, acknowledged: &mut [Option<u64>]) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "writer", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (send, lines) = mpsc::channel();
    let reader = thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            let words: Vec<&str> = line.split(' ').collect();
            if let ["acknowledged", thread, number] = words[..] {
                let thread: usize = thread.parse().unwrap();
                let number: u64 = number.parse().unwrap();
                if send.send((thread, number)).is_err() {
                    return;
                }
            }
        }
    });
    // The clock runs from the first acknowledgement, so that every round writes something.
    let first = lines
        .recv()
        .expect("the writer commits before it is killed");
    acknowledged[first.0] = Some(first.1);
    let killer = thread::spawn(move || {
        thread::park_timeout(after);
        child.kill().unwrap();
        child.wait().unwrap();
    });
    for (thread, number) in lines {
        acknowledged[thread] = Some(number);
    }
    killer.join().unwrap();
    reader.join().unwrap();
}

#[test]
fn what_was_acknowledged_before_a_kill_is_there_and_every_batch_is_whole() {
    if env::var_os(DIRECTORY).is_some() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = vec![None; THREADS as usize];
    let mut random = rand::thread_rng();
    for round in 0..ROUNDS {
        let after = Duration::from_micros(random.gen_range(0..120_000));
        write_and_kill(directory.path(), after, &mut acknowledged);
        let store = open(directory.path());
        for (thread, acknowledged) in (0..).zip(&mut acknowledged) {
            let Some(last) = acknowledged else { continue };
            let rows: Vec<_> = store.range(&LEFT, (thread, 0)..(thread + 1, 0)).collect();
            let rows: Vec<_> = rows.into_iter().map(Result::unwrap).collect();
            assert!(
                rows.len() as u64 > *last,
                "round {round}: thread {thread} was promised {last}, found {} rows",
                rows.len()
            );
            // One beyond the promised may have been written without being acknowledged.
            assert!(
                rows.len() as u64 <= *last + 2,
                "round {round}: rows nobody wrote"
            );
            for (number, (key, value)) in (0..).zip(&rows) {
                assert_eq!(
                    (*key, *value),
                    ((thread, number), number),
                    "round {round}: a gap"
                );
                let right = store.get(&RIGHT, key).unwrap();
                assert_eq!(
                    right,
                    Some(content(thread, number, len(number))),
                    "round {round}: half a batch"
                );
                let large = is_large(number).then(|| content(thread, number, 100_000));
                assert_eq!(
                    store.get(&LARGE, key).unwrap(),
                    large,
                    "round {round}: half a batch"
                );
            }
            assert_eq!(
                store.range(&RIGHT, (thread, 0)..(thread + 1, 0)).count(),
                rows.len()
            );
            // What is there now the next writer goes on from, be it acknowledged or not.
            *last = rows.len() as u64 - 1;
        }
    }
    assert!(
        acknowledged.iter().all(Option::is_some),
        "some thread never committed"
    );
}
