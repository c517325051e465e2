//! Blocks proven from their segments to the wrap.

mod fixture;

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use fixture::{Block, CHAIN_ID, Chain};
use tern_messages::{BlobId, ChainId, Job, JobId, Proof, TransactionBatch, encode};
use tern_proving::plan::Plan;
use tern_proving::{
    BatchStatement, BlockRuns, Profile, ProvingCircuits, Run, plan_batch, plan_proof, simulate,
};

fn circuits() -> &'static ProvingCircuits {
    static CIRCUITS: OnceLock<ProvingCircuits> = OnceLock::new();
    CIRCUITS.get_or_init(|| ProvingCircuits::build(Profile::InsecureTest, &|p| eprintln!("{p:?}")))
}

/// Runs every job of `plan`, verifying each proof.
fn run(
    plan: &Plan,
    inputs: &HashMap<BlobId, TransactionBatch>,
    proofs: &mut HashMap<JobId, Proof>,
) {
    let circuits = circuits();
    for (id, job) in &plan.jobs {
        let started = std::time::Instant::now();
        let input = match job {
            Job::Segment { input, .. } => inputs.get(input),
            _ => None,
        };
        let children: Vec<Proof> = job
            .children()
            .iter()
            .map(|child| proofs[child].clone())
            .collect();
        let abort = Arc::new(AtomicBool::new(false));
        let proof = circuits
            .prove(job, input, &children, abort, &|_| {})
            .unwrap();
        eprintln!(
            "{:?} {:?} {}",
            job.kind(),
            started.elapsed(),
            proof.bytes.len()
        );
        circuits
            .verifier()
            .verify(job, &proof, input, &children)
            .unwrap();
        proofs.insert(*id, proof);
    }
}

fn statement(chain: &Chain, blocks: &[Block]) -> BatchStatement {
    let headers = blocks.iter().map(|block| block.header.clone()).collect();
    BatchStatement::new(
        ChainId(CHAIN_ID),
        chain.state_root(),
        chain.window(),
        headers,
    )
    .unwrap()
}

#[test]
fn a_block_of_two_transfers_is_proven() {
    let mut chain = Chain::new();
    let before = chain.clone();
    let block = chain.block(&[2]);
    let statement = statement(&before, &[block.clone()]);
    let (mut inputs, mut proofs) = (HashMap::new(), HashMap::new());
    let mut runs = Vec::new();
    for batch in &block.batches {
        let simulation = simulate(batch, Profile::InsecureTest).unwrap();
        let input = BlobId::of(&encode(batch));
        inputs.insert(input, batch.clone());
        runs.push(Run {
            input,
            segments: simulation.segment_count(),
            max_cycles_log: simulation.max_cycles_log,
        });
    }
    let version = circuits().circuits_version();
    let plan = plan_batch(version, &[BlockRuns { runs }], statement.point()).unwrap();
    run(&plan, &inputs, &mut proofs);
    let wrap = plan_proof(version, &[plan.root]).unwrap();
    run(&wrap, &inputs, &mut proofs);
    let (_, job) = wrap.jobs.last().unwrap();
    let digest = circuits()
        .verifier()
        .statement_digest(job, &proofs[&wrap.root])
        .unwrap();
    assert_eq!(digest, statement.digest());
}
