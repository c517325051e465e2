//! The figures of the README, measured in one run with proofs of the profile `secure`: `scripts/bench`.
//!
//! Takes some 20 minutes on 2 cores, and up to 9 GB of memory. The table goes to stdout, what happens to stderr.

mod library;
mod measure;
mod network;

use std::io::Write;
use std::time::Duration;

use anyhow::Result;

use network::{Proven, Start};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Transfers in the larger block.
const MANY: usize = 20;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    measure::say("proving two transfers the library's way");
    let library = library::two_transfers()?;
    measure::say("starting a network that does not prove");
    let start = runtime.block_on(network::start())?;
    measure::say("starting a network that proves");
    let proven = runtime.block_on(network::prove(MANY))?;
    print(&start, &proven, library)
}

fn print(start: &Start, proven: &Proven, library: library::Library) -> Result<()> {
    let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
    let megabytes = |bytes: u64| format!("{} MB", bytes >> 20);
    let ratio = |a: Duration, b: Duration| format!("{:.2}", a.as_secs_f64() / b.as_secs_f64());
    let (two, many) = (&proven.two, &proven.many);
    let rows = [
        (
            "two transfers, from sealed to verified on L2".to_owned(),
            seconds(two.settled),
            String::new(),
        ),
        (
            "the same block the library's way: segments, aggregations, block".to_owned(),
            seconds(library.proven),
            String::new(),
        ),
        (
            "ratio".to_owned(),
            ratio(two.settled, library.proven),
            "0.5".to_owned(),
        ),
        (
            "two transfers in the first block of a process, with circuits for its tables"
                .to_owned(),
            seconds(proven.first.settled),
            String::new(),
        ),
        (
            format!("{MANY} transfers, from sealed to verified on L2"),
            seconds(many.settled),
            String::new(),
        ),
        (
            "sum of its job times on the one prover".to_owned(),
            seconds(many.jobs),
            String::new(),
        ),
        (
            "ratio".to_owned(),
            ratio(many.settled, many.jobs),
            "1.15".to_owned(),
        ),
        (
            "everything but proving, resident".to_owned(),
            megabytes(start.resident),
            "500 MB".to_owned(),
        ),
        (
            "start to first RPC answer".to_owned(),
            seconds(start.first_answer),
            "2 s".to_owned(),
        ),
        (
            "whole process with its prover, peak".to_owned(),
            megabytes(proven.peak),
            "9 GB".to_owned(),
        ),
        (
            "circuits, once per process".to_owned(),
            seconds(proven.circuits),
            String::new(),
        ),
        (
            "the library's circuits".to_owned(),
            seconds(library.circuits),
            String::new(),
        ),
    ];
    let mut table = String::from("| what | measured | at most |\n|---|---|---|\n");
    for (what, measured, limit) in rows {
        table += &format!("| {what} | {measured} | {limit} |\n");
    }
    write!(std::io::stdout(), "{table}")?;
    Ok(())
}
