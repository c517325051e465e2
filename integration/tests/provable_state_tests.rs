//! The general state tests (Cancun) as blocks through the prover's machine.
//!
//! Runs a sample: from some files one case, chosen by the file's name. `ONLY_STATE_TESTS` in the environment holds a
//! part of the names of the cases to run and report. With `ALL_STATE_TESTS=1` all cases run through the machine's kernel
//! and are reported, without being cut into segments; that takes some minutes.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use alloy::primitives::keccak256;
use tern_integration::vectors::provable::{NoBlock, block_of, counted, simulated};
use tern_integration::vectors::state::{StateCase, cases};
use tern_integration::vectors::{KnownCases, files, folder_for, say};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What became of a case.
enum Outcome {
    /// No node accepts its transaction.
    Refused,
    /// The machine runs it, and agrees in everything. The meter's bound is so many times what it takes.
    Proven(f64),
    /// Something else.
    Wrong(String),
}

#[test]
fn state_tests_as_blocks_can_be_proven() {
    let Some(folder) = folder_for("state tests through the prover's machine") else {
        return;
    };
    let folder = folder.join("GeneralStateTests");
    let everything = std::env::var_os("ALL_STATE_TESTS").is_some_and(|value| value == "1");
    let only = std::env::var("ONLY_STATE_TESTS").unwrap_or_default();
    let mut chosen = Vec::new();
    let mut names = BTreeMap::new();
    for file in files(&folder).unwrap() {
        let mut cases = cases(&folder, &file).unwrap();
        names.extend(cases.iter().map(|case| (case.name.clone(), ())));
        if !everything && only.is_empty() {
            match choice(&cases[0].name, cases.len()) {
                Some(choice) => cases = vec![cases.swap_remove(choice)],
                None => cases.clear(),
            }
        }
        cases.retain(|case| case.name.contains(&only));
        chosen.extend(cases);
    }
    let known = KnownCases::read("provable_state_tests.txt").unwrap();
    let names = names.keys().map(String::as_str).collect();
    assert_eq!(
        known.missing_from(&names),
        [""; 0],
        "listed, but not among the vectors"
    );

    let started = Instant::now();
    let outcomes = run(&chosen, everything || !only.is_empty(), !everything);
    let refused = outcomes
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Refused))
        .count();
    let mut ratios: Vec<f64> = outcomes
        .iter()
        .filter_map(|(_, outcome)| match outcome {
            Outcome::Proven(ratio) => Some(*ratio),
            _ => None,
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    let verdict = known.judge(outcomes.into_iter().map(|(name, outcome)| match outcome {
        Outcome::Refused | Outcome::Proven(_) => (name, None),
        Outcome::Wrong(what) => (name, Some(what)),
    }));
    say(&format!(
        "state tests as blocks: of {} cases, {} are simulated, {refused} refused, {} listed, in {:.0?}; the \
         meter's bound is {:.2} times the machine's cycles (median), {:.2} at most, {:.2} at least",
        chosen.len(),
        verdict.passed - refused,
        verdict.known,
        started.elapsed(),
        ratios.get(ratios.len() / 2).copied().unwrap_or_default(),
        ratios.last().copied().unwrap_or_default(),
        ratios.first().copied().unwrap_or_default(),
    ));
    verdict.assert_as_listed();
}

/// Which of a file's cases is in the sample, if one is: always the same, another for each file.
fn choice(name: &str, count: usize) -> Option<usize> {
    let hash = keccak256(name);
    let number = u64::from_be_bytes(hash[..8].try_into().unwrap());
    let choice = usize::try_from(number % count as u64).unwrap();
    // Every sixth file, so that it takes a minute.
    hash[8].is_multiple_of(6).then_some(choice)
}

/// Runs the cases on all cores.
fn run(cases: &[StateCase], report: bool, cut: bool) -> Vec<(String, Outcome)> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let started = Instant::now();
            let (outcome, text) = run_one(case, cut);
            if report {
                say(&format!("{:8.2?} {}: {text}", started.elapsed(), case.name));
            }
            outcomes.lock().unwrap().push((case.name.clone(), outcome));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            // The machine recurses along tries.
            let thread = std::thread::Builder::new().stack_size(64 << 20);
            thread.spawn_scoped(scope, work).unwrap();
        }
    });
    outcomes.into_inner().unwrap()
}

fn run_one(case: &StateCase, cut: bool) -> (Outcome, String) {
    let block = match block_of(case) {
        Ok(block) => block,
        Err(NoBlock::Refused(error)) => return (Outcome::Refused, format!("refused: {error}")),
        Err(NoBlock::Failed(error)) => {
            let text = format!("no block: {error:#}");
            return (Outcome::Wrong(text.clone()), text);
        }
    };
    let batch = &block.witness.batches[0];
    let (gas, bound) = (batch.gas_used_after, block.work.cycles);
    let run = || {
        let segments = match cut {
            true => simulated(batch)?.segments.len(),
            false => 0,
        };
        Ok::<_, anyhow::Error>((segments, counted(batch)?))
    };
    match run() {
        Ok((segments, taken)) => {
            let ratio = bound as f64 / taken as f64;
            let text =
                format!("{segments} segments, gas {gas}, {taken} cycles, bound {ratio:.2} times");
            if taken > bound {
                let text = format!("WRONG: the bound is {bound} cycles: {text}");
                return (Outcome::Wrong(text.clone()), text);
            }
            (Outcome::Proven(ratio), text)
        }
        Err(error) => (
            Outcome::Wrong(error.to_string()),
            format!("WRONG gas {gas}, bound {bound}: {error}"),
        ),
    }
}
