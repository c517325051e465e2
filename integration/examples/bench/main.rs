//! The figures of the README, measured in one run with proofs of the profile `secure`: `scripts/bench`.
//!
//! Takes some 20 minutes on 2 cores, and up to 9 GB of memory; with `proving` as its argument it measures only a network
//! that proves, in half the time, to compare two commits. The table goes to stdout, what happens to stderr.

mod library;
mod measure;
mod network;

use std::io::Write;
use std::time::Duration;

use anyhow::{Result, bail};

use library::Library;
use network::{Proven, Start};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Transfers in the larger block.
const MANY: usize = 20;

fn main() -> Result<()> {
    let all = match std::env::args().nth(1).as_deref() {
        None => true,
        Some("proving") => false,
        Some(other) => bail!("unknown choice '{other}'; give none, or 'proving'"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut rows = Vec::new();
    if all {
        measure::say("proving two transfers the library's way");
        let library = library::two_transfers()?;
        measure::say("starting a network that does not prove");
        let start = runtime.block_on(network::start())?;
        let proven = prove(&runtime)?;
        rows.extend(alone(&proven));
        rows.extend(compared(&proven, &library));
        rows.extend(started(&start));
    } else {
        rows.extend(alone(&prove(&runtime)?));
    }
    print(rows)
}

fn prove(runtime: &tokio::runtime::Runtime) -> Result<Proven> {
    measure::say("starting a network that proves");
    runtime.block_on(network::prove(MANY))
}

/// What was measured, its figure, and the most that it should be.
type Row = (String, String, &'static str);

fn row(what: &str, measured: String, at_most: &'static str) -> Row {
    (what.to_owned(), measured, at_most)
}

fn compared(proven: &Proven, library: &Library) -> [Row; 3] {
    [
        row(
            "two transfers the library's way: segments, aggregations, block",
            seconds(library.proven),
            "",
        ),
        row(
            "ours to the library's",
            ratio(proven.two.settled, library.proven),
            "0.5",
        ),
        row("the library's circuits", seconds(library.circuits), ""),
    ]
}

fn alone(proven: &Proven) -> [Row; 7] {
    let (two, many) = (&proven.two, &proven.many);
    [
        row(
            "two transfers, from sealed to verified on L2",
            seconds(two.settled),
            "",
        ),
        row(
            "two transfers in the first block of a process, with circuits for its tables",
            seconds(proven.first.settled),
            "",
        ),
        row(
            &format!("{MANY} transfers, from sealed to verified on L2"),
            seconds(many.settled),
            "",
        ),
        row(
            "sum of its job times on the one prover",
            seconds(many.jobs),
            "",
        ),
        row("ratio", ratio(many.settled, many.jobs), "1.15"),
        row(
            "whole process with its prover, peak",
            megabytes(proven.peak),
            "9 GB",
        ),
        row("circuits, once per process", seconds(proven.circuits), ""),
    ]
}

fn started(start: &Start) -> [Row; 2] {
    [
        row(
            "everything but proving, resident",
            megabytes(start.resident),
            "500 MB",
        ),
        row(
            "start to first RPC answer",
            seconds(start.first_answer),
            "2 s",
        ),
    ]
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes >> 20)
}

fn ratio(a: Duration, b: Duration) -> String {
    format!("{:.2}", a.as_secs_f64() / b.as_secs_f64())
}

fn print(rows: Vec<Row>) -> Result<()> {
    let mut table = String::from("| what | measured | at most |\n|---|---|---|\n");
    for (what, measured, limit) in rows {
        table += &format!("| {what} | {measured} | {limit} |\n");
    }
    write!(std::io::stdout(), "{table}")?;
    Ok(())
}
