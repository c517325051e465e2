//! Refused transactions: the words, the kind, and that nothing changes.

use alloy::consensus::{TxEip4844, TxEip7702};
use alloy::primitives::{Bytes, TxKind, U256};
use tern_messages::MAX_TRANSACTION_SIZE;

use super::scenario::{CHAIN, Chain, WRITER, dynamic, legacy, sign, signer, target};
use crate::conformance::apply;
use crate::{ChainRules, GenesisAccount, GenesisState, HashWindow};
use crate::{ErrorKind, ExecutionError, SignedTransaction};

fn to() -> TxKind {
    TxKind::Call(target(1))
}

fn refused(raw: Bytes) -> ExecutionError {
    let mut builder = Chain::new().open();
    let error = builder.execute(raw).unwrap_err();
    let empty = Chain::new().open().seal().unwrap();
    assert_eq!(builder.seal().unwrap(), empty, "a refusal left a trace");
    error
}

#[track_caller]
fn assert_refused(raw: Bytes, words: &str, kind: ErrorKind) {
    let error = refused(raw);
    assert!(error.to_string().starts_with(words), "{error}");
    assert_eq!(error.kind(), kind);
}

#[test]
fn a_nonce_gap_may_be_filled_later() {
    let raw = sign(0, legacy(1, to(), U256::ZERO, Bytes::new(), 21_000));
    let words = format!(
        "nonce too high: address {}, tx: 1 state: 0",
        signer(0).address()
    );
    assert_refused(raw, &words, ErrorKind::NotNow);
}

#[test]
fn a_used_nonce_is_too_low_and_a_repeated_transaction_already_known() {
    let mut builder = Chain::new().open();
    let raw = sign(0, legacy(0, to(), U256::ZERO, Bytes::new(), 21_000));
    builder.execute(raw.clone()).unwrap();
    assert_eq!(
        builder.execute(raw).unwrap_err().to_string(),
        "already known"
    );
    let other = sign(0, legacy(0, to(), U256::from(1), Bytes::new(), 21_000));
    let error = builder.execute(other).unwrap_err();
    let words = format!(
        "nonce too low: address {}, tx: 0 state: 1",
        signer(0).address()
    );
    assert_eq!(error.to_string(), words);
}

#[test]
fn the_balance_must_cover_the_worst_case() {
    let raw = sign(9, legacy(0, to(), U256::from(1), Bytes::new(), 21_000));
    assert_refused(
        raw,
        "insufficient funds for gas * price + value: address",
        ErrorKind::Invalid,
    );
    let raw = sign(0, legacy(0, to(), U256::MAX, Bytes::new(), 21_000));
    assert_refused(
        raw,
        "insufficient funds for gas * price + value: address",
        ErrorKind::Invalid,
    );
}

#[test]
fn gas_must_cover_the_transaction_itself() {
    let raw = sign(0, legacy(0, to(), U256::ZERO, Bytes::new(), 20_999));
    assert_refused(
        raw,
        "intrinsic gas too low: have 20999, want 21000",
        ErrorKind::Invalid,
    );
}

#[test]
fn fees_must_reach_the_base_fee_and_tips_stay_below_the_cap() {
    let mut low = dynamic(0, to(), U256::ZERO, Bytes::new(), 21_000);
    low.max_fee_per_gas = 10;
    let words = "max fee per gas less than block base fee: address";
    assert_refused(sign(0, low.clone()), words, ErrorKind::Invalid);
    low.max_priority_fee_per_gas = 11;
    let words = "max priority fee per gas higher than max fee per gas: address";
    assert_refused(sign(0, low), words, ErrorKind::Invalid);
}

#[test]
fn more_gas_than_a_block_has_is_refused_and_more_than_is_left_waits() {
    let raw = sign(0, legacy(0, to(), U256::ZERO, Bytes::new(), 30_000_001));
    assert_refused(raw, "exceeds block gas limit", ErrorKind::Invalid);
    let mut builder = Chain::new().open();
    builder
        .execute(sign(0, legacy(0, to(), U256::ZERO, Bytes::new(), 21_000)))
        .unwrap();
    let raw = sign(1, legacy(0, to(), U256::ZERO, Bytes::new(), 29_990_000));
    let error = builder.execute(raw).unwrap_err();
    assert!(matches!(
        error,
        ExecutionError::BlockFull {
            left: 29_979_000,
            want: 29_990_000
        }
    ));
    assert_eq!(error.kind(), ErrorKind::NotNow);
}

#[test]
fn other_chains_and_unprotected_transactions_are_refused() {
    let mut foreign = legacy(0, to(), U256::ZERO, Bytes::new(), 21_000);
    foreign.chain_id = Some(1);
    let words = "invalid sender: invalid chain id for signer: have 1 want 7357";
    assert_refused(sign(0, foreign.clone()), words, ErrorKind::Invalid);
    foreign.chain_id = None;
    let words = "only replay-protected (EIP-155) transactions allowed over RPC";
    assert_refused(sign(0, foreign), words, ErrorKind::Invalid);
}

#[test]
fn blob_and_set_code_transactions_are_named() {
    let blob = TxEip4844 {
        chain_id: CHAIN.0,
        blob_versioned_hashes: vec![],
        ..Default::default()
    };
    let words = "transaction type not supported: blob transactions (type 3";
    assert_refused(sign(0, blob), words, ErrorKind::Invalid);
    let set_code = TxEip7702 {
        chain_id: CHAIN.0,
        ..Default::default()
    };
    let words = "transaction type not supported: set-code transactions (type 4";
    assert_refused(sign(0, set_code), words, ErrorKind::Invalid);
    assert_refused(
        vec![0x7f, 1].into(),
        "transaction type not supported",
        ErrorKind::Invalid,
    );
}

#[test]
fn garbage_is_refused_in_words() {
    let raw = sign(0, legacy(0, to(), U256::ZERO, Bytes::new(), 21_000));
    let cut = raw.slice(..raw.len() - 1);
    let longer: Bytes = [raw.as_ref(), &[0]].concat().into();
    for garbage in [
        Bytes::new(),
        vec![0xc0].into(),
        vec![0xff; 40].into(),
        cut,
        longer,
    ] {
        assert_refused(garbage, "rlp: ", ErrorKind::Invalid);
    }
    let huge = vec![0xf8; MAX_TRANSACTION_SIZE + 1];
    assert_refused(
        huge.into(),
        "oversized data: transaction size 122881",
        ErrorKind::Invalid,
    );
}

#[test]
fn init_code_is_bounded() {
    let code: Bytes = vec![0; 49_153].into();
    let raw = sign(0, legacy(0, TxKind::Create, U256::ZERO, code, 5_000_000));
    assert_refused(
        raw,
        "max initcode size exceeded: code size 49153 limit 49152",
        ErrorKind::Invalid,
    );
}

#[test]
fn a_high_s_signature_is_no_sender() {
    let raw = sign(
        0,
        dynamic(0, TxKind::Call(WRITER), U256::ZERO, Bytes::new(), 60_000),
    );
    let transaction = SignedTransaction::decode(raw, CHAIN).unwrap();
    let envelope = transaction.envelope().as_eip1559().unwrap().clone();
    let signature = *envelope.signature();
    // n - s is the other root of the same signature.
    let order: U256 = "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
        .parse()
        .unwrap();
    let high =
        alloy::primitives::Signature::new(signature.r(), order - signature.s(), !signature.v());
    let forged = alloy::consensus::TxEnvelope::from(
        alloy::consensus::SignableTransaction::into_signed(envelope.strip_signature(), high),
    );
    let raw = alloy::eips::eip2718::Encodable2718::encoded_2718(&forged);
    assert_refused(raw.into(), "invalid sender", ErrorKind::Invalid);
}

#[test]
fn contracts_send_no_transactions() {
    let sender = signer(5).address();
    let account = GenesisAccount {
        balance: U256::from(10).pow(U256::from(20)),
        code: vec![0].into(),
        ..GenesisAccount::default()
    };
    let state = GenesisState {
        accounts: [(sender, account)].into(),
    };
    let environment = *Chain::new().open().environment();
    let raw = sign(5, legacy(0, to(), U256::ZERO, Bytes::new(), 21_000));
    let rules = ChainRules::provable(CHAIN);
    let applied = apply(&state, rules, environment, HashWindow::empty(), raw).unwrap();
    let words = format!("sender not an eoa: address {sender}, codehash: 0x");
    let refused = applied.refused.expect("refused").to_string();
    assert!(refused.starts_with(&words), "{refused}");
}
