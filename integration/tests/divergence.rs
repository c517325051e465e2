//! What anybody may send is proven as it was executed: transactions that the kernel once took for something else.

use alloy::primitives::{Address, U256};
use tern_execution::{BatchLimits, GenesisAccount};
use tern_integration::corpus::assembly::assemble;
use tern_integration::corpus::chain::TestChain;
use tern_integration::corpus::{Send, genesis};
use tern_integration::lying::{Scene, Verdict, failure_with, honest, judge, tell};
use tern_proving::{Profile, simulate};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the transaction calls.
const ENTRY: Address = Address::with_last_byte(0xe1);
/// What the entry may call.
const INNER: Address = Address::with_last_byte(0xe2);
/// Has a wei, and no code.
const RICH: Address = Address::with_last_byte(0xe3);

/// Calls the entry, with these programs as codes, and has the machine execute it too.
///
/// # Panics
/// If the machine comes to another end than execution.
fn call(entry: &str, inner: &str) {
    let mut genesis = genesis();
    for (address, program, balance) in [(ENTRY, entry, 0), (INNER, inner, 1), (RICH, "", 1)] {
        let account = GenesisAccount {
            balance: U256::from(balance),
            nonce: 1,
            code: assemble(program),
            ..GenesisAccount::default()
        };
        genesis.accounts.insert(address, account);
    }
    let limits = BatchLimits {
        transactions: 1,
        gas: 4_000_000,
        cycles: 1 << 24,
    };
    let mut chain = TestChain::new(&genesis).unwrap();
    let (block, witness) = chain.build(&[Send::to(ENTRY).sign(0)], limits).unwrap();
    assert!(block.receipts[0].envelope.status());
    for batch in &witness.batches {
        simulate(batch, Profile::Secure).unwrap();
        let scene = Scene::new("a block".to_owned(), batch).unwrap();
        let verdict = judge(&scene, tell(&scene, honest()), false);
        assert_eq!(verdict, Verdict::Same);
    }
}

/// Calls INNER with `gas` and stores whether it succeeded.
fn calling_inner(gas: u64) -> String {
    format!("0 0 0 0 0 0xe2 {gas} CALL 0 SSTORE")
}

/// Gas for a call that costs so much beside it: both together are no number of 64 bits, and would be charged as nothing.
fn wrapping(cost: u64) -> u64 {
    cost.wrapping_neg()
}

#[test]
fn a_call_with_less_gas_left_than_it_costs_moves_no_value() {
    // Of 11,567 gas, 17 are for the arguments and 2,500 for a cold account: 9,050 are left of 9,100.
    let gas = wrapping(9_100);
    call(
        &calling_inner(11_567),
        &format!("0 0 0 0 1 0xe3 {gas} CALL"),
    );
}

#[test]
fn a_call_of_a_new_account_that_cannot_be_paid_for_is_out_of_gas() {
    // 5,000 gas are left of 25,100, and there are not two wei to send.
    let gas = wrapping(25_100);
    call(
        &calling_inner(16_517),
        &format!("0 0 0 0 2 0xe4 {gas} CALL 0 0 SSTORE"),
    );
}

#[test]
fn a_contract_that_destroyed_itself_for_nobody_lives_on_when_a_caller_reverts() {
    // Deploys `0xdead SELFDESTRUCT`, and hands its address on.
    call(
        "0x6361deadff5f526004601cf3 0 MSTORE 12 20 0 CREATE DUP1 0 SSTORE 0 MSTORE
         0 0 32 0 0 0xe2 GAS CALL 1 SSTORE",
        "0 0 0 0 0 0 CALLDATALOAD GAS CALL 0 0 REVERT",
    );
}

#[test]
fn a_creation_without_the_balance_for_it_leaves_its_address_cold() {
    let address = ENTRY.create(1);
    call(
        &format!("0 0 1 CREATE 0 SSTORE GAS {address:#x} BALANCE GAS SWAP1 POP SUB 1 SSTORE"),
        "",
    );
}

#[test]
fn nothing_is_created_from_anywhere() {
    // Salt, length, offset, value.
    let offsets = [
        "0x10000000000",
        "0x10000000000000000",
        &U256::MAX.to_string(),
    ]
    .map(|offset| format!("{offset} 0 {offset} 0 CREATE2 0 SSTORE 0 {offset} 0 CREATE 1 SSTORE "));
    call(&offsets.concat(), "");
}

#[test]
fn the_blob_base_fee_is_one_wei() {
    call("BLOBBASEFEE 0 SSTORE BLOBBASEFEE BLOBHASH 1 SSTORE", "");
}

#[test]
fn an_address_in_transient_storage_is_no_entry() {
    call(
        "7 ADDRESS TSTORE 34 5 TSTORE 0xaa 7 TSTORE 5 TLOAD 0 SSTORE",
        "",
    );
}

/// Asserts that a kernel with other pieces comes to another end than execution, or to none.
#[track_caller]
fn parts(changes: &[(&str, &str)], transaction: fn()) {
    let failure = failure_with(changes, transaction).expect("it is proven as it was executed");
    assert!(failure.contains("right: Same"), "{failure}");
}

macro_rules! parts_without {
    ($($transaction:ident: $($piece:expr => $other:expr),+;)+) => {
        mod without {
            $(
                #[test]
                fn $transaction() {
                    super::parts(&[$(($piece, $other)),+], super::$transaction);
                }
            )+
        }
    };
}

/// A call may cost more than there is.
const COST: (&str, &str) = (
    "DUP2 DUP2 LT %jumpi(fault_exception) DUP2 SWAP1 SUB",
    "DUP2 SWAP1 SUB",
);
/// What value costs is not charged before the call is.
const VALUE: (&str, &str) = (
    "SWAP5 PUSH @GAS_CALLVALUE %add_const(@GAS_WARMACCESS) %charge_gas SWAP5 POP PUSH 0 %jump(after_xfer_cost)",
    "%add_const(@GAS_CALLVALUE) %jump(after_xfer_cost)",
);

parts_without! {
    // Either check refuses it.
    a_call_with_less_gas_left_than_it_costs_moves_no_value:
        super::COST.0 => super::COST.1, super::VALUE.0 => super::VALUE.1;
    a_call_of_a_new_account_that_cannot_be_paid_for_is_out_of_gas:
        super::COST.0 => super::COST.1;
    a_contract_that_destroyed_itself_for_nobody_lives_on_when_a_caller_reverts:
        "selfdestruct_to_nobody: %stack (address, recipient) -> (address, address)
         %jump(sys_selfdestruct_journal_add_after_check)"
            => "selfdestruct_to_nobody: %pop3";
    a_creation_without_the_balance_for_it_leaves_its_address_cold:
        "global create_common: %call_depth %gt_const(@CALL_STACK_LIMIT) %jumpi(create_too_deep)
         DUP2 %selfbalance LT %jumpi(create_insufficient_balance)
         %address DUP1 %nonce %eq_const(@MAX_NONCE) %jumpi(nonce_overflow)
         %increment_nonce DUP1 %insert_accessed_addresses_no_return"
            => "global create_common: DUP1 %insert_accessed_addresses_no_return
                %call_depth %gt_const(@CALL_STACK_LIMIT) %jumpi(create_too_deep)
                DUP2 %selfbalance LT %jumpi(create_insufficient_balance)
                %address DUP1 %nonce %eq_const(@MAX_NONCE) %jumpi(nonce_overflow) %increment_nonce";
    nothing_is_created_from_anywhere:
        "DUP5 DUP5 DUP2 ISZERO ISZERO MUL" => "DUP5 DUP5";
    the_blob_base_fee_is_one_wei:
        "global sys_blobbasefee: %charge_gas_const(@GAS_BASE) PUSH 1"
            => "global sys_blobbasefee: %charge_gas_const(@GAS_BASE) PUSH 7";
    an_address_in_transient_storage_is_no_entry:
        "increment_and_loop: %add_const(3)" => "increment_and_loop: %increment";
}
