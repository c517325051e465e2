//! What an empty node is encoded as: once what lay before the transaction in memory, where the transaction's header may
//! be written that is hashed.

use std::collections::BTreeSet;

use alloy::primitives::{Address, U256 as Word};
use ethereum_types::U256;
use evm_arithmetization::generation::stand_in::Outcome;
use tern_execution::{GenesisAccount, GenesisState};
use tern_integration::corpus::{Send, signer};
use tern_integration::lying::{Scene, answering, tell};

use super::encoding::{Items, TO, string};
use super::stage::{key, scene};

/// Whom the fees are paid to.
const BENEFICIARY: Address = Address::repeat_byte(0xbe);
/// Long enough for a header of two bytes.
const DATA: [u8; 60] = [1; 60];

/// A block on a state whose trie is one branch with sixteen leaves, so that no empty node is hashed with it.
fn without_empty_nodes() -> Scene {
    let mut genesis = GenesisState::default().with_beacon_roots();
    let account = GenesisAccount {
        balance: Word::from(10).pow(Word::from(18)),
        ..GenesisAccount::default()
    };
    for address in [signer(0).address(), BENEFICIARY] {
        genesis.accounts.insert(address, account.clone());
    }
    let first_nibble = |address: &Address| key(*address) >> 252;
    let mut taken: BTreeSet<U256> = genesis.accounts.keys().map(first_nibble).collect();
    for address in (1..=u8::MAX).map(Address::repeat_byte) {
        if taken.insert(first_nibble(&address)) {
            genesis.accounts.insert(address, account.clone());
        }
    }
    assert_eq!(genesis.accounts.len(), 16);
    scene(&genesis, &[Send::to(TO).value(1).data(DATA).sign(0)])
}

#[test]
pub(crate) fn a_header_changes_no_empty_node() {
    let mut scene = without_empty_nodes();
    let mut run = |items: &Items| {
        scene.inputs.signed_txns = vec![items.sign()];
        let honest = answering(|question, _| question.honest.unwrap_or_default());
        tell(&scene, honest).outcome
    };
    let mut items = Items::canonical();
    items.data = string(&DATA);
    let outcome = run(&items);
    let Outcome::Halted(honest) = outcome else {
        panic!("{outcome:?}");
    };
    // The account that is new is a leaf beside another, below a new branch.
    items.header = |_| vec![0xc0];
    if let Outcome::Halted(claims) = run(&items) {
        assert_eq!(claims.state_root, honest.state_root, "Forged");
    }
}
