//! What the tests share: accounts, and how a lie is judged.

use alloy::primitives::{Address, Bytes, U256 as Word, keccak256};
use ethereum_types::U256;
use evm_arithmetization::generation::stand_in::{Cells, Outcome, Question, StandIn};
use tern_execution::{GenesisAccount, GenesisState};
use tern_integration::corpus::assembly::assemble;
use tern_integration::corpus::genesis;
use tern_integration::lying::{Lie, Scene, Verdict, answering, honest, judge, tell};

/// A contract of the tests.
pub(crate) const CONTRACT: Address = Address::repeat_byte(0xc0);

/// The corpus' accounts and a contract with this program, balance and storage.
pub(crate) fn with_contract(program: &str, storage: &[(u64, u64)]) -> GenesisState {
    let mut genesis = genesis();
    contract(&mut genesis, CONTRACT, program, 1_000, storage);
    genesis
}

/// Adds a contract.
pub(crate) fn contract(
    genesis: &mut GenesisState,
    at: Address,
    program: &str,
    balance: u64,
    storage: &[(u64, u64)],
) {
    let word = |number: u64| Word::from(number).into();
    let storage = storage
        .iter()
        .map(|(slot, value)| (word(*slot), word(*value)));
    let account = GenesisAccount {
        balance: Word::from(balance),
        nonce: 1,
        code: assemble(program),
        storage: storage.collect(),
    };
    genesis.accounts.insert(at, account);
}

/// A block of these transactions.
pub(crate) fn scene(genesis: &GenesisState, transactions: &[Bytes]) -> Scene {
    Scene::of_block("a block", genesis, transactions).unwrap()
}

/// The key of an account in the state trie.
pub(crate) fn key(address: Address) -> U256 {
    U256::from_big_endian(keccak256(address).as_slice())
}

/// The key of a slot in a storage trie.
pub(crate) fn slot_key(slot: u64) -> U256 {
    U256::from_big_endian(keccak256(Word::from(slot).to_be_bytes::<32>()).as_slice())
}

/// Asserts that the kernel does not believe.
#[track_caller]
pub(crate) fn not_believed(verdict: &Verdict) {
    assert!(
        matches!(verdict, Verdict::Stopped { .. } | Verdict::Same),
        "{verdict:?}"
    );
}

/// Asserts that lies are told and not believed.
#[track_caller]
pub(crate) fn refused(scene: &Scene, lies: &[Lie]) {
    not_believed(&scene.lie(lies));
}

/// Asserts that other answers are not believed. `answer` gives another one, or none.
#[track_caller]
pub(crate) fn answers_are_refused<F>(scene: &Scene, mut answer: F)
where
    F: FnMut(&Question, &mut Cells<'_>) -> Option<U256> + Send + 'static,
{
    let stand_in = answering(move |question, cells| {
        let honest = question.honest.unwrap_or_default();
        answer(question, cells).unwrap_or(honest)
    });
    stand_in_is_refused(scene, stand_in);
}

/// Asserts that a stand-in is not believed.
#[track_caller]
pub(crate) fn stand_in_is_refused(scene: &Scene, stand_in: Box<dyn StandIn>) {
    not_believed(&judge(scene, tell(scene, stand_in), false));
}

/// Asserts that a block with these transactions, in place of the scene's, has no proof, however honest.
#[track_caller]
pub(crate) fn has_no_proof(mut scene: Scene, transactions: Vec<Vec<u8>>) {
    scene.inputs.signed_txns = transactions;
    let run = tell(&scene, honest());
    assert!(
        matches!(run.outcome, Outcome::Stopped { .. }),
        "{:?}",
        run.outcome
    );
}
