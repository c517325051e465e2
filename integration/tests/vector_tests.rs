//! Transaction, RLP and trie tests of the public vectors.

use alloy::consensus::Transaction;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::rlp::{Decodable, encode};
use tern_execution::conformance::{apply_decoded, decode, intrinsic_gas, trie_root};
use tern_execution::{
    BlockEnvironment, ChainRules, ExecutionError, GenesisAccount, GenesisState, HashWindow,
    SignedTransaction,
};
use tern_integration::vectors::rlp::{Item, Meaning, RlpCase};
use tern_integration::vectors::state::CHAIN;
use tern_integration::vectors::transactions::{Expected, TransactionCase};
use tern_integration::vectors::tries::TrieCase;
use tern_integration::vectors::{KnownCases, files, folder_for, rlp, say, transactions, tries};
use tern_messages::Gas;

#[test]
fn transaction_tests_give_the_expected_hash_sender_and_gas() {
    let Some(folder) = folder_for("transaction tests") else {
        return;
    };
    let folder = folder.join("TransactionTests");
    let cases: Vec<TransactionCase> = files(&folder)
        .unwrap()
        .iter()
        .flat_map(|file| transactions::cases(&folder, file).unwrap())
        .collect();
    let known = KnownCases::read("transaction_tests.txt").unwrap();
    let names = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(
        known.missing_from(&names),
        [""; 0],
        "listed, but not among the vectors"
    );
    let outcomes = cases
        .iter()
        .map(|case| (case.name.clone(), transaction_is_wrong(case)));
    let verdict = known.judge(outcomes);
    say(&format!(
        "transaction tests: {} of {} cases pass, {} are listed",
        verdict.passed,
        cases.len(),
        verdict.known,
    ));
    verdict.assert_as_listed();
}

/// What differs from the vectors, if anything does.
///
/// Signatures without chain id are valid in the vectors. Tern refuses them on arrival; what they are otherwise
/// is compared all the same.
fn transaction_is_wrong(case: &TransactionCase) -> Option<String> {
    let decoded = match SignedTransaction::decode(case.raw.clone(), CHAIN) {
        Err(ExecutionError::Unprotected) => decode(case.raw.clone()),
        other => other,
    };
    match (&case.expected, decoded) {
        (Expected::Invalid(_), Err(_)) => None,
        (Expected::Invalid(why), Ok(signed)) => match refusal(signed) {
            Some(_) => None,
            None => Some(format!("executed; the vectors say {why}")),
        },
        (Expected::Valid { .. }, Err(error)) => Some(format!("refused: {error}")),
        (
            Expected::Valid {
                hash,
                sender,
                intrinsic_gas: gas,
            },
            Ok(signed),
        ) => {
            let found = (signed.hash(), signed.sender(), intrinsic_gas(&signed));
            if found != (*hash, *sender, *gas) {
                return Some(format!(
                    "{found:?}; the vectors say {:?}",
                    (hash, sender, gas)
                ));
            }
            // Without state, a value that no account can have is as good as any.
            refusal(signed)
                .filter(|error| !matches!(error, ExecutionError::CostOverflow { .. }))
                .map(|error| format!("refused: {error}"))
        }
    }
}

/// Why a transaction is refused by a state that has nothing against it.
fn refusal(signed: SignedTransaction) -> Option<ExecutionError> {
    let sender = GenesisAccount {
        balance: U256::MAX,
        nonce: signed.envelope().nonce(),
        ..GenesisAccount::default()
    };
    let state = GenesisState {
        accounts: [(signed.sender(), sender)].into(),
    };
    let environment = BlockEnvironment {
        chain_id: CHAIN,
        number: 1,
        timestamp: 1,
        parent_hash: B256::ZERO,
        beneficiary: Address::ZERO,
        gas_limit: Gas(u64::MAX),
        base_fee: 0,
        prev_randao: B256::ZERO,
        parent_beacon_block_root: B256::ZERO,
    };
    let rules = ChainRules::provable(CHAIN);
    apply_decoded(&state, rules, environment, HashWindow::empty(), Ok(signed))
        .unwrap()
        .refused
}

#[test]
fn rlp_tests_encode_and_decode_as_expected() {
    let Some(folder) = folder_for("RLP tests") else {
        return;
    };
    let folder = folder.join("RLPTests");
    let cases: Vec<RlpCase> = files(&folder)
        .unwrap()
        .iter()
        .flat_map(|file| rlp::cases(&folder, file).unwrap())
        .collect();
    for case in &cases {
        let mut rest = case.encoded.as_ref();
        let decoded = Item::decode(&mut rest).ok().filter(|_| rest.is_empty());
        match &case.meaning {
            Meaning::Invalid => assert_eq!(decoded, None, "{}", case.name),
            Meaning::Valid => {
                let item = decoded.unwrap_or_else(|| panic!("{} is not decoded", case.name));
                assert_eq!(Bytes::from(encode(item)), case.encoded, "{}", case.name);
            }
            Meaning::Item(item) => {
                assert_eq!(decoded.as_ref(), Some(item), "{}", case.name);
                assert_eq!(Bytes::from(encode(item)), case.encoded, "{}", case.name);
            }
        }
    }
    say(&format!("RLP tests: all {} cases pass", cases.len()));
}

#[test]
fn trie_tests_give_the_expected_roots_in_any_order() {
    let Some(folder) = folder_for("trie tests") else {
        return;
    };
    let folder = folder.join("TrieTests");
    // Tests of an iterator over keys have no roots, and Tern's tries have no iterator.
    let files = files(&folder).unwrap();
    let files = files
        .iter()
        .filter(|file| !file.ends_with("trietestnextprev.json"));
    let cases: Vec<TrieCase> = files
        .flat_map(|file| tries::cases(&folder, file).unwrap())
        .collect();
    for case in &cases {
        let count = if case.any_order {
            case.changes.len()
        } else {
            1
        };
        for start in 0..count {
            let mut changes = case.changes.clone();
            changes.rotate_left(start);
            assert_eq!(
                trie_root(&changes).unwrap(),
                case.root,
                "{} from {start}",
                case.name
            );
            if case.any_order {
                changes.reverse();
                assert_eq!(
                    trie_root(&changes).unwrap(),
                    case.root,
                    "{} backwards",
                    case.name
                );
            }
        }
    }
    say(&format!("trie tests: all {} cases pass", cases.len()));
}
