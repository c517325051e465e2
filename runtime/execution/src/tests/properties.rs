//! Random transaction sequences: replay agrees, roots agree with a full recomputation, proofs verify, and a
//! witness suffices to run its transactions.

use std::collections::BTreeSet;
use std::sync::Arc;

use alloy::primitives::{Address, B256, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::proof::verify_proof;
use alloy_trie::root::{state_root_unhashed, storage_root_unhashed};
use alloy_trie::{Nibbles, TrieAccount};
use proptest::prelude::*;
use tern_messages::{Anchor, Gas, TransactionBatch, decode, encode};

use super::scenario::{Action, Chain, FACTORY, WRITER, action, created_at, signer, target};
use crate::{
    BatchLimits, BlockAttributes, BlockBuilder, BlockEnvironment, HashWindow, MemoryNodes,
    StateView, replay,
};

const SLOTS: u8 = 24;

/// Every address that a scenario can reach.
fn addresses(chain: &Chain) -> BTreeSet<Address> {
    let mut all = BTreeSet::from([WRITER, FACTORY, chain.attributes().beneficiary]);
    all.insert(alloy::eips::eip4788::BEACON_ROOTS_ADDRESS);
    all.extend((0..16).map(target));
    all.extend((0..3).flat_map(|salt| [created_at(salt, false), created_at(salt, true)]));
    for user in 0..3 {
        let user = signer(user).address();
        all.insert(user);
        all.extend((0..64).map(|nonce| user.create(nonce)));
    }
    all
}

fn slots(address: Address, chain: &Chain) -> Vec<U256> {
    if address != alloy::eips::eip4788::BEACON_ROOTS_ADDRESS {
        return (0..SLOTS).map(U256::from).collect();
    }
    let times = (0..=chain.head.number).map(|back| chain.head.timestamp - 12 * back);
    times
        .map(|time| U256::from(time % 8191))
        .flat_map(|slot| [slot, slot + U256::from(8191)])
        .collect()
}

/// The state root, computed from all accounts by another library.
fn recomputed(view: &StateView, chain: &Chain) -> B256 {
    let mut accounts = Vec::new();
    for address in addresses(chain) {
        let Some(account) = view.account(address).unwrap() else {
            continue;
        };
        let slots = slots(address, chain).into_iter();
        let slots = slots
            .map(|slot| (B256::from(slot), view.storage(address, slot).unwrap()))
            .filter(|(_, value)| !value.is_zero());
        accounts.push((
            address,
            TrieAccount {
                nonce: account.nonce,
                balance: account.balance,
                storage_root: storage_root_unhashed(slots),
                code_hash: account.code_hash,
            },
        ));
    }
    state_root_unhashed(accounts)
}

fn proofs_verify(view: &StateView, chain: &Chain) {
    for address in addresses(chain) {
        let slots: Vec<B256> = slots(address, chain).into_iter().map(B256::from).collect();
        let proof = view.proof(address, &slots).unwrap();
        let account = view.account(address).unwrap().map(|account| {
            alloy::rlp::encode(TrieAccount {
                nonce: account.nonce,
                balance: account.balance,
                storage_root: account.storage_root,
                code_hash: account.code_hash,
            })
        });
        let key = Nibbles::unpack(keccak256(address));
        verify_proof(view.root(), key, account.clone(), &proof.account_proof).unwrap();
        let forged = Some(account.map_or(vec![1], |mut account| {
            *account.last_mut().unwrap() ^= 1;
            account
        }));
        assert!(verify_proof(view.root(), key, forged, &proof.account_proof).is_err());
        for (slot, proven) in slots.iter().zip(&proof.storage_proof) {
            let key = Nibbles::unpack(keccak256(slot));
            let value = (!proven.value.is_zero()).then(|| alloy::rlp::encode(proven.value));
            verify_proof(proof.storage_hash, key, value, &proven.proof).unwrap();
        }
    }
}

/// Runs a transaction batch from its witness alone.
fn run_from_witness(batch: &TransactionBatch, chain: &Chain, fold_each: bool) {
    let batch: TransactionBatch = decode(&encode(batch)).unwrap();
    let source = MemoryNodes::new();
    source.extend_nodes(&batch.nodes);
    for storage in &batch.storage {
        source.extend_nodes(&storage.nodes);
    }
    let codes: Vec<_> = batch
        .codes
        .iter()
        .map(|code| (keccak256(code), code.clone()))
        .collect();
    source.extend(&[], &codes);
    let environment = BlockEnvironment::of(&chain.rules, &batch.header);
    let hashes = HashWindow::new(batch.previous_hashes.clone());
    let root = batch.state_root_before;
    let mut builder = if batch.first_transaction == 0 {
        BlockBuilder::open(Arc::new(source), chain.rules, root, environment, hashes).unwrap()
    } else {
        BlockBuilder::before_system_call(Arc::new(source), chain.rules, root, environment, hashes)
    };
    for raw in batch.own_transactions() {
        builder.execute(raw.clone()).unwrap();
        if fold_each {
            builder.fold().unwrap();
        }
    }
    assert_eq!(builder.fold().unwrap(), batch.state_root_after);
    let gas = batch.gas_used_after - batch.gas_used_before;
    assert_eq!(builder.gas_used(), Gas(gas));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn blocks_replay_to_the_same_and_their_witnesses_suffice(
        blocks in prop::collection::vec(prop::collection::vec((0usize..3, action()), 1..14), 1..5),
        transactions in 1usize..6,
    ) {
        let mut chain = Chain::new();
        let limits = BatchLimits { transactions, gas: 1_000_000, cycles: u64::MAX };
        for actions in blocks {
            let mut builder = chain.open();
            for (user, action) in &actions {
                let raw = chain.sign(*user, action);
                builder.execute(raw).unwrap();
            }
            let sealed = builder.seal().unwrap();
            let replayed = replay(
                chain.nodes.clone(), chain.rules, &chain.head, &chain.hashes, &sealed.block, limits,
            ).unwrap();
            for node in &sealed.nodes {
                prop_assert!(replayed.nodes.contains(node));
            }
            prop_assert_eq!(&replayed.codes, &sealed.codes);
            let batches = &replayed.witness.batches;
            prop_assert_eq!(batches.iter().map(|b| b.own_transactions().len()).sum::<usize>(), actions.len());
            for batch in batches {
                prop_assert!(batch.own_transactions().len() <= transactions);
                run_from_witness(batch, &chain, false);
                run_from_witness(batch, &chain, true);
            }
            for pair in batches.windows(2) {
                prop_assert_eq!(pair[0].state_root_after, pair[1].state_root_before);
                prop_assert_eq!(pair[0].gas_used_after, pair[1].gas_used_before);
            }
            prop_assert_eq!(batches.last().unwrap().state_root_after, sealed.block.header.state_root);
            chain.accept(&sealed);
            let view = StateView::new(chain.nodes.clone(), chain.head.state_root);
            prop_assert_eq!(recomputed(&view, &chain), chain.head.state_root);
            proofs_verify(&view, &chain);
        }
    }
}

#[test]
fn an_account_that_is_created_and_destroyed_leaves_no_trace() {
    let mut chain = Chain::new();
    let limits = BatchLimits {
        transactions: 1,
        gas: u64::MAX,
        cycles: u64::MAX,
    };
    let vanishing = created_at(1, true);
    let actions = [
        Action::Prefund {
            salt: 1,
            vanish: true,
        },
        Action::Create {
            salt: 1,
            vanish: true,
            wei: 0,
        },
        Action::Prefund {
            salt: 1,
            vanish: true,
        },
    ];
    let mut builder = chain.open();
    for action in &actions {
        let raw = chain.sign(0, action);
        assert!(builder.execute(raw).unwrap().outcome.is_success());
    }
    let sealed = builder.seal().unwrap();
    let replayed = replay(
        chain.nodes.clone(),
        chain.rules,
        &chain.head,
        &chain.hashes,
        &sealed.block,
        limits,
    )
    .unwrap();
    for batch in &replayed.witness.batches {
        run_from_witness(batch, &chain, true);
    }
    let after_second = StateView::new(
        Arc::new({
            let nodes = MemoryNodes::new();
            nodes.extend(&replayed.nodes, &[]);
            nodes.extend_nodes(&replayed.witness.batches[2].nodes);
            nodes
        }),
        replayed.witness.batches[1].state_root_after,
    );
    assert_eq!(after_second.account(vanishing).unwrap(), None);
    chain.accept(&sealed);
    let view = StateView::new(chain.nodes.clone(), chain.head.state_root);
    let account = view.account(vanishing).unwrap().unwrap();
    assert_eq!(
        (account.balance, account.code_hash),
        (U256::from(5), KECCAK256_EMPTY)
    );
}

#[test]
fn contracts_read_the_beacon_root_of_their_block() {
    let chain = Chain::new();
    let anchor = Anchor {
        l2_block: B256::repeat_byte(0xbe),
        ..Anchor::default()
    };
    let attributes = BlockAttributes {
        anchor,
        ..chain.attributes()
    };
    let builder = BlockBuilder::new(
        chain.nodes.clone(),
        chain.rules,
        &chain.head,
        chain.hashes.clone(),
        attributes,
    )
    .unwrap();
    let request = alloy::rpc::types::TransactionRequest::default()
        .to(alloy::eips::eip4788::BEACON_ROOTS_ADDRESS)
        .input(B256::from(U256::from(attributes.timestamp)).to_vec().into());
    let outcome = builder
        .pending()
        .call(&request, Gas(1_000_000))
        .unwrap()
        .outcome;
    let output = anchor.root().to_vec().into();
    assert_eq!(outcome, crate::Outcome::Success { output });
}
