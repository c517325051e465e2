//! What is shown to a batch of the state: no more than its transactions touched, which is what was counted.

use alloy::primitives::{Address, B256, Bytes, U256};
use tern_execution::{GenesisAccount, MachineLimits};
use tern_integration::corpus::chain::TestChain;
use tern_integration::corpus::genesis;
use tern_integration::vectors::provable::cells;
use tern_integration::vectors::say;
use tern_messages::TransactionBatch;

use super::{ATTACKER, BATCHES, CALLEE, assert_no_longer, code, pool, rounds, send};

fn contract(code: Bytes, slots: u64) -> GenesisAccount {
    GenesisAccount {
        balance: U256::from(1),
        nonce: 1,
        code,
        storage: (1..=slots)
            .map(|slot| (B256::from(U256::from(slot)), B256::repeat_byte(0xff)))
            .collect(),
    }
}

/// One of many accounts.
fn other(index: u64) -> Address {
    Address::left_padding_from(&(0xacc0_0000 + index).to_be_bytes())
}

/// The batch of a transaction to the attacker's contract, which takes no more than was counted.
fn counted_batch<const N: usize>(
    name: &str,
    accounts: impl Iterator<Item = GenesisAccount>,
    contracts: [(Address, Bytes); N],
    number: u64,
) -> TransactionBatch {
    let mut genesis = genesis();
    genesis
        .accounts
        .extend((0..).zip(accounts).map(|(index, one)| (other(index), one)));
    let contracts = contracts.map(|(address, code)| (address, contract(code, 0)));
    genesis.accounts.extend(contracts);
    let mut chain = TestChain::limited(&genesis, MachineLimits::default()).unwrap();
    let raw = [send(ATTACKER, number, 0)];
    let mut built = chain.build_measured(&raw, BATCHES).unwrap();
    assert!(built.block.receipts[0].envelope.status());
    let batch = built.witness.batches.remove(0);
    assert_no_longer(name, &built, &batch);
    let bound = built.work_of(&batch);
    let cells = pool().install(|| cells(&batch)).unwrap();
    say(&format!("{name}: {cells} cells"));
    let most = MachineLimits::KERNEL_CELLS + bound.cells;
    assert!(cells <= most, "{cells} cells, {bound:?}");
    batch
}

#[test]
fn storage_that_one_account_shows_is_not_expanded_for_others_with_the_same() {
    const CLONES: u64 = 60;
    const SLOTS: u64 = 60;
    let reads: String = (1..=SLOTS)
        .map(|slot| format!("{slot} SLOAD POP "))
        .collect();
    let clone = contract(code(&(reads + "STOP")), SLOTS);
    let balances: String = (1..CLONES)
        .map(|index| format!("{:?} BALANCE POP ", other(index)))
        .collect();
    let first = other(0);
    let attack = format!("0 0 0 0 0 {first:?} GAS CALL POP {balances} STOP");
    let clones = (0..CLONES).map(|_| clone.clone());
    let batch = counted_batch("clones", clones, [(ATTACKER, code(&attack))], 0);
    let shown = batch.storage.iter().filter(|one| one.nodes.len() > 1);
    assert_eq!(shown.count(), 1);
}

#[test]
fn an_account_that_gas_did_not_suffice_to_load_is_not_shown() {
    const ACCOUNTS: u64 = 2_000;
    let accounts = (0..ACCOUNTS).map(|_| contract(Bytes::new(), 0));
    // The call has less gas than it takes to load an account.
    let attack = format!(
        "DUP1 {} ADD 0 MSTORE 0 0 32 0 0 CALLEE 300 CALL POP",
        0xacc0_0000_u64 - 1
    );
    let contracts = [
        (ATTACKER, code(&rounds(&attack))),
        (CALLEE, code("0 CALLDATALOAD EXTCODESIZE STOP")),
    ];
    let batch = counted_batch("accounts", accounts, contracts, ACCOUNTS);
    assert!(batch.storage.len() < 100, "{}", batch.storage.len());
}
