//! Every general state test (Cancun) through the execution path of Tern's own blocks.

use rayon::prelude::*;
use tern_execution::conformance::apply;
use tern_execution::{ChainRules, ExecutionError, MachineLimits};
use tern_integration::vectors::state::{CHAIN, StateCase, cases};
use tern_integration::vectors::{KnownCases, files, folder_for, say};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// All cases of the vectors.
fn all_cases(test: &str) -> Option<Vec<StateCase>> {
    let folder = folder_for(test)?.join("GeneralStateTests");
    let files = files(&folder).unwrap();
    let read = files
        .par_iter()
        .flat_map_iter(|file| cases(&folder, file).unwrap());
    Some(read.collect())
}

#[test]
fn general_state_tests_give_the_expected_state_roots_and_logs() {
    let Some(cases) = all_cases("general state tests") else {
        return;
    };
    let known = KnownCases::read("state_tests.txt").unwrap();
    let names = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(
        known.missing_from(&names),
        [""; 0],
        "listed, but not among the vectors"
    );

    let outcomes: Vec<_> = cases
        .par_iter()
        .map(|case| (case.name.clone(), what_is_wrong(case)))
        .collect();
    let verdict = known.judge(outcomes);
    let refused = cases
        .iter()
        .filter(|case| case.expected.exception.is_some())
        .count();
    say(&format!(
        "general state tests: {} of {} cases pass ({refused} of them refused as they should be), {} are listed",
        verdict.passed,
        cases.len(),
        verdict.known,
    ));
    verdict.assert_as_listed();
}

#[test]
fn transactions_without_replay_protection_are_refused() {
    let Some(cases) = all_cases("unprotected transactions") else {
        return;
    };
    let unprotected: Vec<_> = cases
        .iter()
        .filter(|case| case.protected().unwrap() != case.raw)
        .collect();
    assert!(unprotected.len() > 1000);
    unprotected.par_iter().for_each(|case| {
        let refused = tern_execution::SignedTransaction::decode(case.raw.clone(), CHAIN);
        assert!(
            matches!(refused, Err(ExecutionError::Unprotected)),
            "{}",
            case.name
        );
    });
}

/// What differs from the vectors, if anything does.
fn what_is_wrong(case: &StateCase) -> Option<String> {
    let raw = match case.protected() {
        Ok(raw) => raw,
        Err(error) => return Some(format!("cannot be signed: {error:#}")),
    };
    // Metered, which must change nothing.
    let rules = ChainRules::provable(CHAIN).limited(MachineLimits::NONE);
    let applied = match apply(
        &case.state,
        rules,
        case.environment,
        case.hashes.clone(),
        raw,
    ) {
        Ok(applied) => applied,
        Err(error) => return Some(error.to_string()),
    };
    let expected = &case.expected;
    if !expected.allows(applied.refused.as_ref()) {
        let found = applied
            .refused
            .map_or("executed".to_owned(), |error| error.to_string());
        return Some(format!("{found}; the vectors say {:?}", expected.exception));
    }
    if applied.state_root != expected.state_root {
        return Some(format!(
            "state root {}, not {}",
            applied.state_root, expected.state_root
        ));
    }
    let logs = applied.logs_hash();
    (logs != expected.logs_hash).then(|| format!("logs hash {logs}, not {}", expected.logs_hash))
}
