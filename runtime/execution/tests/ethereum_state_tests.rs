//! The public general state tests (Cancun) through this crate's own path.
//!
//! `TERN_ETHEREUM_TESTS` names a directory that holds `GeneralStateTests` of `ethereum/tests`. Without it the
//! test says so and passes.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy::consensus::{SignableTransaction, TxEnvelope, TypedTransaction};
use alloy::eips::eip2718::{Decodable2718, Encodable2718};
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use serde_json::Value;
use tern_execution::conformance::apply;
use tern_execution::{
    BlockEnvironment, ChainRules, ExecutionError, GenesisAccount, GenesisState, HashWindow,
};
use tern_messages::{ChainId, Gas};

/// The vectors are made for chain 1.
const CHAIN: ChainId = ChainId(1);

#[derive(Default)]
struct Tally {
    passed: AtomicUsize,
    blobs: AtomicUsize,
    failures: Mutex<Vec<String>>,
}

#[test]
fn general_state_tests_give_the_expected_roots_and_logs() {
    let Some(root) = std::env::var_os("TERN_ETHEREUM_TESTS") else {
        println!("left out: TERN_ETHEREUM_TESTS names no directory");
        return;
    };
    let mut files = Vec::new();
    find(&Path::new(&root).join("GeneralStateTests"), &mut files);
    assert!(
        !files.is_empty(),
        "no vectors below {}",
        Path::new(&root).display()
    );
    let tally = Tally::default();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    run_file(file, &tally);
                }
            });
        }
    });
    let failures = tally.failures.into_inner().unwrap();
    println!(
        "{} cases agree, {} of blob transactions are refused, {} fail",
        tally.passed.into_inner(),
        tally.blobs.into_inner(),
        failures.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn find(directory: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, files);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            files.push(path);
        }
    }
}

fn run_file(file: &Path, tally: &Tally) {
    let tests: BTreeMap<String, Value> =
        serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    for (name, test) in tests {
        let pre = state(&test["pre"]);
        let (environment, hashes) = environment(&test["env"]);
        for case in test["post"]["Cancun"].as_array().into_iter().flatten() {
            let raw: Bytes = case["txbytes"].as_str().unwrap().parse().unwrap();
            let raw = with_chain_id(raw, test["transaction"]["secretKey"].as_str());
            let applied = apply(
                &pre,
                ChainRules::plain(CHAIN),
                environment,
                hashes.clone(),
                raw,
            )
            .unwrap();
            let should_fail = case.get("expectException").is_some();
            if !should_fail
                && matches!(
                    applied.refused,
                    Some(ExecutionError::TypeNotSupported { .. })
                )
            {
                tally.blobs.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let root: B256 = number(&case["hash"]).into();
            let logs: B256 = number(&case["logs"]).into();
            let mut wrong = Vec::new();
            if should_fail != applied.refused.is_some() {
                wrong.push(format!(
                    "expected {:?}, got {:?}",
                    case["expectException"], applied.refused
                ));
            }
            if applied.state_root != root {
                wrong.push(format!(
                    "state root {} instead of {root}",
                    applied.state_root
                ));
            }
            if applied.logs_hash() != logs {
                wrong.push(format!("logs {} instead of {logs}", applied.logs_hash()));
            }
            if wrong.is_empty() {
                tally.passed.fetch_add(1, Ordering::Relaxed);
            } else {
                let text = format!("{name} {}: {}", case["indexes"], wrong.join("; "));
                tally.failures.lock().unwrap().push(text);
            }
        }
    }
}

/// Some vectors are signed without chain id, which this chain refuses; sign those again with it.
fn with_chain_id(raw: Bytes, secret: Option<&str>) -> Bytes {
    let Ok(TxEnvelope::Legacy(signed)) = TxEnvelope::decode_2718_exact(&raw) else {
        return raw;
    };
    let mut transaction = signed.strip_signature();
    if transaction.chain_id.is_some() {
        return raw;
    }
    transaction.chain_id = Some(CHAIN.0);
    let signer: PrivateKeySigner = secret.unwrap().parse().unwrap();
    let signature = signer
        .sign_hash_sync(&transaction.signature_hash())
        .unwrap();
    TxEnvelope::from(TypedTransaction::Legacy(transaction).into_signed(signature))
        .encoded_2718()
        .into()
}

fn number(value: &Value) -> U256 {
    value.as_str().unwrap().parse().unwrap()
}

fn state(pre: &Value) -> GenesisState {
    let accounts = pre.as_object().unwrap().iter().map(|(address, account)| {
        let storage = account["storage"].as_object().unwrap().iter();
        let account = GenesisAccount {
            balance: number(&account["balance"]),
            nonce: number(&account["nonce"]).to(),
            code: account["code"].as_str().unwrap().parse().unwrap(),
            storage: storage
                .map(|(slot, value)| (slot.parse::<U256>().unwrap().into(), number(value).into()))
                .collect(),
        };
        (address.parse().unwrap(), account)
    });
    GenesisState {
        accounts: accounts.collect::<BTreeMap<Address, _>>(),
    }
}

fn environment(env: &Value) -> (BlockEnvironment, HashWindow) {
    let block: u64 = number(&env["currentNumber"]).to();
    // The vectors' convention: the hash of block n is that of n in decimal.
    let hashes = HashWindow::new(
        (block.saturating_sub(256)..block).map(|number| keccak256(number.to_string())),
    );
    let environment = BlockEnvironment {
        chain_id: CHAIN,
        number: block,
        timestamp: number(&env["currentTimestamp"]).to(),
        parent_hash: hashes.parent(),
        beneficiary: env["currentCoinbase"].as_str().unwrap().parse().unwrap(),
        gas_limit: Gas(number(&env["currentGasLimit"]).saturating_to()),
        base_fee: number(&env["currentBaseFee"]).to(),
        prev_randao: number(&env["currentRandom"]).into(),
        parent_beacon_block_root: B256::ZERO,
    };
    (environment, hashes)
}
