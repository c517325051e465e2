//! The path that `evm_arithmetization` offers from segments to a block proof: two transaction batches, each with its
//! segments aggregated in pairs, then the aggregation of the two, then the block.

use std::time::{Duration, Instant};

use alloy::primitives::{Address, Bytes};
use anyhow::{Context, Result, ensure};
use evm_arithmetization::fixed_recursive_verifier::{AllRecursiveCircuits, ProverOutputData};
use evm_arithmetization::{AllStark, GenerationInputs};
use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::field::types::Field;
use plonky2::plonk::config::PoseidonGoldilocksConfig;
use plonky2::util::timing::TimingTree;
use tern_execution::BatchLimits;
use tern_integration::corpus::chain::TestChain;
use tern_integration::corpus::{Send, genesis};
use tern_proving::Profile;
use tern_proving::inputs::generation_inputs;
use tern_proving::statement::window_digest;

use super::measure::say;

type F = GoldilocksField;
type C = PoseidonGoldilocksConfig;
type Circuits = AllRecursiveCircuits<F, C, 2>;
type Output = ProverOutputData<F, C, 2>;

const PROFILE: Profile = Profile::Secure;

/// What the library takes.
#[derive(Clone, Copy)]
pub(crate) struct Library {
    pub circuits: Duration,
    pub proven: Duration,
}

/// Proves a block of two transfers, one in each transaction batch.
pub(crate) fn two_transfers() -> Result<Library> {
    let batches = batches()?;
    let stark = AllStark::<F, 2>::default();
    let sizes = PROFILE.table_sizes().map(|sizes| match sizes {
        [first, .., last] => *first..last + 1,
        [only] => *only..only + 1,
        [] => 0..0,
    });
    let begun = Instant::now();
    let circuits = Circuits::new(&stark, &sizes, PROFILE.recursion_config());
    let built = begun.elapsed();
    say("the library's circuits are built");
    let begun = Instant::now();
    let [first, second] =
        [&batches[0], &batches[1]].map(|batch| aggregated(&circuits, &stark, batch));
    let (first, second) = (first?, second?);
    let both = circuits.prove_batch_aggregation(
        false,
        &first.proof_with_pvs,
        false,
        &second.proof_with_pvs,
    )?;
    let block = circuits.prove_block(None, &both)?;
    let proven = begun.elapsed();
    circuits.verify_block(&block.intern)?;
    Ok(Library {
        circuits: built,
        proven,
    })
}

/// The inputs of two runs with one transfer each.
fn batches() -> Result<[GenerationInputs; 2]> {
    let mut chain = TestChain::new(&genesis())?;
    let to = Address::repeat_byte(0x53);
    let transfers: Vec<Bytes> = (0..2)
        .map(|nonce| Send::to(to).value(1).gas(21_000).sign(nonce))
        .collect();
    let one_each = BatchLimits {
        transactions: 1,
        gas: 10_000_000,
        cycles: u64::MAX,
    };
    let (_, witness) = chain.build(&transfers, one_each)?;
    let mut inputs = Vec::new();
    for batch in &witness.batches {
        inputs.push(generation_inputs(batch)?);
    }
    ensure!(
        inputs.len() == 2,
        "two transfers make {} runs",
        inputs.len()
    );
    // A first block must begin at the checkpoint, and name the hashes before it.
    let first = &witness.batches[0];
    let window = window_digest(&first.previous_hashes).map(F::from_canonical_u64);
    for input in &mut inputs {
        input.checkpoint_state_trie_root = first.state_root_before.0.into();
        input.checkpoint_consolidated_hash = window;
    }
    inputs.try_into().ok().context("there are two")
}

/// All segments of a run, folded into one proof.
fn aggregated(
    circuits: &Circuits,
    stark: &AllStark<F, 2>,
    inputs: &GenerationInputs,
) -> Result<Output> {
    let config = PROFILE.recursion_config().stark_config;
    let length = usize::from(PROFILE.max_cycles_log());
    let mut timing = TimingTree::default();
    let segments =
        circuits.prove_all_segments(stark, &config, inputs.clone(), length, &mut timing, None)?;
    let mut segments = segments.into_iter();
    let first = segments.next().context("a run has a segment")?;
    segments.try_fold(first, |left, right| {
        circuits.prove_segment_aggregation(&left, &right)
    })
}
