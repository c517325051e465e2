//! Transactions that cannot be executed or proven.

use alloy::consensus::{
    SignableTransaction, TxEip1559, TxEip4844, TxEip7702, TxEnvelope, TxLegacy,
};
use alloy::eips::Encodable2718;
use alloy::eips::eip7702::Authorization;
use alloy::network::TxSignerSync;
use alloy::primitives::{B256, Bytes, Signature, TxKind, U256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::transports::http::reqwest::Client;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use tern_cluster_config::{Devnet as Chains, development_key};
use tern_integration::harness::Devnet;

use super::{SOMEBODY, node, post};

const CHAIN: u64 = Chains::L3_CHAIN_ID.0;

fn transfer(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(SOMEBODY),
        value: U256::from(1),
        ..TxEip1559::default()
    }
}

fn sign<T>(key: &PrivateKeySigner, mut transaction: T) -> Bytes
where
    T: SignableTransaction<Signature>,
    TxEnvelope: From<alloy::consensus::Signed<T>>,
{
    let signature = key.sign_transaction_sync(&mut transaction).unwrap();
    TxEnvelope::from(transaction.into_signed(signature))
        .encoded_2718()
        .into()
}

/// Transactions that are refused, and what is said about them.
fn refused_transactions() -> Vec<(&'static str, Bytes, &'static str)> {
    let key = development_key(2);
    let changed = |change: fn(&mut TxEip1559)| {
        let mut transaction = transfer(1);
        change(&mut transaction);
        sign(&key, transaction)
    };
    let blob = TxEip4844 {
        chain_id: CHAIN,
        nonce: 1,
        gas_limit: 21_000,
        max_fee_per_gas: 10_000_000_000,
        to: SOMEBODY,
        max_fee_per_blob_gas: 1,
        blob_versioned_hashes: vec![B256::with_last_byte(1)],
        ..TxEip4844::default()
    };
    let authorization = Authorization {
        chain_id: U256::from(CHAIN),
        address: SOMEBODY,
        nonce: 0,
    };
    let signature = key.sign_hash_sync(&authorization.signature_hash()).unwrap();
    let delegation = TxEip7702 {
        chain_id: CHAIN,
        nonce: 1,
        gas_limit: 100_000,
        max_fee_per_gas: 10_000_000_000,
        to: SOMEBODY,
        authorization_list: vec![authorization.into_signed(signature)],
        ..TxEip7702::default()
    };
    let legacy = TxLegacy {
        chain_id: None,
        nonce: 1,
        gas_limit: 21_000,
        gas_price: 10_000_000_000,
        to: TxKind::Call(SOMEBODY),
        ..TxLegacy::default()
    };
    let mut torn = changed(|_| {}).to_vec();
    torn.truncate(60);
    vec![
        ("nothing", Bytes::new(), "rlp"),
        ("not RLP", Bytes::from_static(b"\x02\xff\xff\xff"), "rlp"),
        ("an RLP list of nothing", Bytes::from_static(b"\xc0"), "rlp"),
        (
            "a length beyond the end",
            Bytes::from_static(b"\xf8\xffab"),
            "rlp",
        ),
        ("a transaction cut off", torn.into(), "rlp"),
        (
            "an unknown type",
            Bytes::from_static(b"\x55\xc0"),
            "not supported",
        ),
        ("a blob transaction", sign(&key, blob), "not supported"),
        ("a delegation", sign(&key, delegation), "not supported"),
        ("no chain id", sign(&key, legacy), "replay-protected"),
        ("another chain", changed(|tx| tx.chain_id = 1), "chain id"),
        (
            "a nonce of the past",
            changed(|tx| {
                tx.nonce = 0;
                tx.gas_limit += 1;
            }),
            "nonce too low",
        ),
        (
            "a nonce far ahead",
            changed(|tx| tx.nonce = 100_000),
            "nonce too high",
        ),
        ("the last nonce", changed(|tx| tx.nonce = u64::MAX), "nonce"),
        (
            "more than there is",
            changed(|tx| tx.value = U256::MAX),
            "insufficient funds",
        ),
        (
            "a fee beyond 256 bits",
            changed(|tx| tx.max_fee_per_gas = u128::MAX),
            "insufficient funds",
        ),
        (
            "too little gas",
            changed(|tx| tx.gas_limit = 20_999),
            "intrinsic gas too low",
        ),
        (
            "too much gas",
            changed(|tx| tx.gas_limit = u64::MAX),
            "gas limit",
        ),
        (
            "a fee below the block's",
            changed(|tx| tx.max_fee_per_gas = 1),
            "less than block base fee",
        ),
        (
            "a tip above the fee",
            changed(|tx| tx.max_priority_fee_per_gas = u128::MAX),
            "max priority fee",
        ),
        (
            "an account without funds",
            sign(&PrivateKeySigner::random(), transfer(0)),
            "insufficient funds",
        ),
        (
            "far too many bytes",
            changed(|tx| {
                tx.input = vec![1; 200_000].into();
                tx.gas_limit = 9_000_000;
            }),
            "200",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_transactions_are_refused_with_the_words_that_wallets_know() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let devnet = Devnet::start(directory.path(), &node()).await?;
    let url = devnet.deployment().l3_rpc_url.clone();
    let client = Client::new();
    let send = |raw: Bytes| {
        let body = json!({ "jsonrpc": "2.0", "id": 7, "method": "eth_sendRawTransaction", "params": [raw] });
        post(&client, &url, body.to_string())
    };
    let good = sign(&development_key(2), transfer(0));
    ensure!(
        send(good.clone()).await?["result"].is_string(),
        "a good transaction is taken"
    );
    let again = send(good).await?;
    ensure!(again["error"]["message"] == "already known", "{again}");
    for (what, raw, words) in refused_transactions() {
        let answer = send(raw).await?;
        let text = answer["error"]["message"]
            .as_str()
            .with_context(|| format!("{what}: {answer}"))?;
        ensure!(answer["error"]["code"] == -32000, "{what}: {answer}");
        ensure!(text.contains(words), "{what}: `{words}` is not in: {text}");
        ensure!(answer["id"] == 7, "{what}: {answer}");
    }
    ensure!(
        send(sign(&development_key(2), transfer(1))).await?["result"].is_string(),
        "the account goes on"
    );
    ensure!(devnet.stop().await?.success());
    Ok(())
}
