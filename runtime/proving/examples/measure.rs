//! Proves a block of transfers from its segments to the wrap and prints how long each job takes.
//!
//! `cargo run --release -p tern-proving --example measure -- secure 2 [LOG2 OF SEGMENT LENGTH]`

#[path = "../src/tests/fixture.rs"]
mod fixture;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use fixture::{CHAIN_ID, Chain};
use tern_messages::{BlobId, ChainId, Job, JobId, Proof, encode};
use tern_proving::simulate::measure;
use tern_proving::{BatchStatement, BlockRuns, Profile, ProvingCircuits, Run, plan_batch};

/// Highest resident memory of this process so far, in MB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or_default();
    line.split_whitespace()
        .nth(1)
        .and_then(|kb| kb.parse::<u64>().ok())
        .unwrap_or_default()
        / 1024
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let profile: Profile = arguments.next().unwrap_or_default().parse()?;
    let transfers: usize = arguments.next().unwrap_or("2".to_owned()).parse()?;
    let max_cycles_log = match arguments.next() {
        Some(log) => log.parse()?,
        None => profile.max_cycles_log(),
    };

    let mut chain = Chain::new();
    let (window, root) = (chain.window(), chain.state_root());
    let block = chain.block(&[transfers]);
    let statement =
        BatchStatement::new(ChainId(CHAIN_ID), root, window, vec![block.header.clone()])?;
    let batch = &block.batches[0];
    let started = Instant::now();
    let config = profile.recursion_config().stark_config;
    let simulation = measure(batch, &config, max_cycles_log)?;
    println!(
        "simulation {:.2?}, peak {} MB",
        started.elapsed(),
        peak_memory()
    );
    for segment in &simulation.segments {
        println!(
            "  sizes {:?}",
            segment.0.map(|size| size.unwrap_or_default())
        );
    }
    let started = Instant::now();
    let circuits = ProvingCircuits::build(profile, &|progress| {
        eprintln!("{:6.1?} {}", started.elapsed(), progress.step);
    })?;
    println!(
        "circuits {:.1?}, peak {} MB",
        started.elapsed(),
        peak_memory()
    );
    if std::env::var_os("MEASURE_BUILD_ONLY").is_some() {
        return Ok(());
    }

    let input = BlobId::of(&encode(batch));
    let run = Run {
        input,
        segments: simulation.segment_count(),
        max_cycles_log,
    };
    let version = circuits.circuits_version();
    let plan = plan_batch(version, &[BlockRuns { runs: vec![run] }], statement.point())?;
    let mut proofs: HashMap<JobId, Proof> = HashMap::new();
    let whole = Instant::now();
    for (id, job) in &plan.jobs {
        let children: Vec<Proof> = job
            .children()
            .iter()
            .map(|child| proofs[child].clone())
            .collect();
        let started = Instant::now();
        let given = matches!(job, Job::Segment { .. }).then_some(batch);
        let abort = Arc::new(AtomicBool::new(false));
        let proof = circuits.prove(job, given, &children, abort, &|progress| {
            eprintln!("{:6.1?} {}", started.elapsed(), progress.step);
        })?;
        let proving = started.elapsed();
        let started = Instant::now();
        circuits.verifier().verify(job, &proof, given, &children)?;
        println!(
            "{:?} {proving:.2?}, {} bytes, verified in {:.0?}, peak {} MB",
            job.kind(),
            proof.bytes.len(),
            started.elapsed(),
            peak_memory()
        );
        proofs.insert(*id, proof);
    }
    println!("all jobs {:.1?}", whole.elapsed());
    Ok(())
}
