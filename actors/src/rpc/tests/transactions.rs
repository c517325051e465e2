//! Sending, and finding again what was sent.

use std::time::{Duration, Instant};

use alloy::primitives::{Address, Bytes, TxKind, U256, keccak256};
use serde_json::{Value, json};
use tern_cluster_config::{RpcConfig, development_key};
use tern_execution::MachineLimits;
use tern_messages::{BlockNumber, HaltReport};

use super::Served;
use crate::main_node::MainNodeMessage;
use crate::main_node::testing::{Draft, hasty, patient, rollup, transfer};

async fn deploy(served: &Served, nonce: u64, init: &[u8]) -> Value {
    let raw = Draft::new(0, nonce).with(|tx| {
        tx.to = TxKind::Create;
        tx.value = U256::ZERO;
        tx.gas_limit = 1_000_000;
        tx.input = Bytes::copy_from_slice(init);
    });
    served
        .result("eth_sendRawTransactionSync", json!([raw.sign()]))
        .await
}

#[tokio::test]
async fn a_transfer_has_its_receipt_within_200_ms_while_its_block_is_open() {
    let served = Served::start(patient()).await;
    served
        .result("eth_sendRawTransactionSync", json!([transfer(0, 0)]))
        .await;
    let raw = transfer(0, 1);
    let started = Instant::now();
    let hash = served.result("eth_sendRawTransaction", json!([raw])).await;
    let receipt = served
        .result("eth_getTransactionReceipt", json!([hash]))
        .await;
    let took = started.elapsed();
    assert!(took < Duration::from_millis(200), "it took {took:?}");
    assert_eq!(hash, json!(keccak256(&raw)));
    assert_eq!(receipt["status"], "0x1");
    assert_eq!(receipt["blockNumber"], "0x1");
    assert_eq!(receipt["transactionIndex"], "0x1");
    assert_eq!(receipt["to"], json!(Address::repeat_byte(0xaa)));
    assert_eq!(receipt["contractAddress"], Value::Null);
    assert_eq!(served.result("eth_blockNumber", json!([])).await, "0x0");
    let open = served
        .result("eth_getBlockByNumber", json!(["pending", false]))
        .await;
    assert_eq!(open["hash"], receipt["blockHash"]);
    assert_eq!(open["transactions"][1], hash);
}

#[tokio::test]
async fn the_provisional_block_hash_leads_to_the_sealed_block() {
    let served = Served::start(hasty()).await;
    let receipt = served
        .result("eth_sendRawTransactionSync", json!([transfer(0, 0)]))
        .await;
    served.node.sealed(1).await;
    let sealed = served
        .result("eth_getBlockByNumber", json!(["0x1", true]))
        .await;
    let found = served
        .result("eth_getBlockByHash", json!([receipt["blockHash"], true]))
        .await;
    assert_eq!(found, sealed);
    let after = served
        .result(
            "eth_getTransactionReceipt",
            json!([receipt["transactionHash"]]),
        )
        .await;
    assert_eq!(after["blockHash"], sealed["hash"]);
    assert_eq!(after["cumulativeGasUsed"], receipt["cumulativeGasUsed"]);
}

#[tokio::test]
async fn sending_again_returns_the_same_receipt_or_says_that_it_is_known() {
    let served = Served::start(patient()).await;
    let first = served
        .result("eth_sendRawTransactionSync", json!([transfer(0, 0)]))
        .await;
    let again = served
        .result("eth_sendRawTransactionSync", json!([transfer(0, 0)]))
        .await;
    assert_eq!(first, again);
    let (code, text) = served
        .error("eth_sendRawTransaction", json!([transfer(0, 0)]))
        .await;
    assert_eq!((code, text.trim()), (-32000, "already known"));
}

#[tokio::test]
async fn what_cannot_be_proven_is_refused_with_the_limit_and_its_sender_is_held_back() {
    let mut spec = rollup(patient());
    // Enough for a transfer, not for a loop that uses all its gas.
    spec.rules = spec.rules.limited(MachineLimits {
        cycles: 100_000,
        ..MachineLimits::NONE
    });
    let served = Served::chain(spec, RpcConfig::default()).await;
    let endless = |account| {
        let draft = Draft::new(account, 0).with(|tx| {
            tx.to = TxKind::Create;
            tx.value = U256::ZERO;
            tx.gas_limit = 1_000_000;
            tx.input = Bytes::from_static(&[0x5b, 0x5f, 0x56]);
        });
        draft.sign()
    };
    let send = |raw| served.error("eth_sendRawTransaction", json!([raw]));
    let (code, text) = send(endless(0)).await;
    assert_eq!(code, -32000, "{text}");
    assert!(
        text.contains("cannot be proven") && text.contains("at most 100000 are allowed"),
        "{text}"
    );
    let (code, text) = send(transfer(0, 0)).await;
    assert_eq!(code, -32005, "{text}");
    assert!(text.contains("is held back for 1 s more"), "{text}");
    served
        .result("eth_sendRawTransactionSync", json!([transfer(1, 0)]))
        .await;
    assert!(send(endless(1)).await.1.contains("nonce too low"));
    let call = json!([{ "data": "0x5b5f56", "gas": "0xf4240" }]);
    let (_, text) = served.error("eth_estimateGas", call).await;
    assert!(text.contains("cannot be proven"), "{text}");
}

#[tokio::test]
async fn a_transaction_that_waits_is_shown_as_pending_and_times_out_with_its_hash() {
    let served = Served::start(patient()).await;
    let raw = transfer(0, 1);
    let answer = served
        .ask("eth_sendRawTransactionSync", json!([raw, 20]))
        .await;
    assert_eq!(answer["error"]["code"], 4, "{answer}");
    assert_eq!(answer["error"]["data"], json!(keccak256(&raw)));
    let waiting = served
        .result("eth_getTransactionByHash", json!([keccak256(&raw)]))
        .await;
    assert_eq!(waiting["blockHash"], Value::Null);
    assert_eq!(waiting["nonce"], "0x1");
    assert_eq!(
        served
            .result("eth_getTransactionReceipt", json!([keccak256(&raw)]))
            .await,
        Value::Null
    );
}

#[tokio::test]
async fn a_waiting_call_gets_its_receipt_when_the_gap_is_filled() {
    let served = Served::start(patient()).await;
    let second = transfer(0, 1);
    let (waited, _) = tokio::join!(
        served.result("eth_sendRawTransactionSync", json!([second])),
        async {
            served.node.until(|head| !head.waiting.is_empty()).await;
            served
                .result("eth_sendRawTransaction", json!([transfer(0, 0)]))
                .await
        },
    );
    assert_eq!(waited["transactionIndex"], "0x1");
}

#[tokio::test]
async fn state_at_latest_shows_what_has_a_receipt() {
    let served = Served::start(patient()).await;
    served
        .result("eth_sendRawTransactionSync", json!([transfer(0, 0)]))
        .await;
    served
        .result("eth_sendRawTransaction", json!([transfer(0, 2)]))
        .await;
    let (to, from) = (Address::repeat_byte(0xaa), development_key(0).address());
    assert_eq!(
        served.result("eth_getBalance", json!([to, "latest"])).await,
        "0x1"
    );
    assert_eq!(
        served
            .result("eth_getBalance", json!([to, "earliest"]))
            .await,
        "0x0"
    );
    assert_eq!(served.result("eth_getBalance", json!([to])).await, "0x1");
    assert_eq!(
        served
            .result("eth_getTransactionCount", json!([from, "latest"]))
            .await,
        "0x1"
    );
    assert_eq!(
        served
            .result("eth_getTransactionCount", json!([from, "earliest"]))
            .await,
        "0x0"
    );
    served
        .result("eth_sendRawTransaction", json!([transfer(1, 1)]))
        .await;
    served
        .result("eth_sendRawTransaction", json!([transfer(1, 0)]))
        .await;
    let second = development_key(1).address();
    assert_eq!(
        served
            .result("eth_getTransactionCount", json!([second, "pending"]))
            .await,
        "0x2"
    );
}

#[tokio::test]
async fn calls_that_revert_carry_reason_and_data() {
    let served = Served::start(patient()).await;
    // Reverts with what it was called with: CALLDATASIZE PUSH0 PUSH0 CALLDATACOPY CALLDATASIZE PUSH0 REVERT.
    let code = [0x36, 0x5f, 0x5f, 0x37, 0x36, 0x5f, 0xfd];
    // PUSH7 code PUSH0 MSTORE PUSH1 7 PUSH1 25 RETURN.
    let init = [&[0x66][..], &code, &[0x5f, 0x52, 0x60, 7, 0x60, 25, 0xf3]].concat();
    let contract = deploy(&served, 0, &init).await["contractAddress"].clone();
    let reason =
        alloy::sol_types::SolError::abi_encode(&alloy::sol_types::Revert::from("not yours"));
    let request = json!({ "to": contract, "data": Bytes::from(reason.clone()) });
    for method in ["eth_call", "eth_estimateGas"] {
        let answer = served.ask(method, json!([request])).await;
        assert_eq!(answer["error"]["code"], 3, "{answer}");
        assert_eq!(answer["error"]["message"], "execution reverted: not yours");
        assert_eq!(answer["error"]["data"], json!(Bytes::from(reason.clone())));
    }
}

#[tokio::test]
async fn a_reverted_transaction_has_a_receipt_with_status_0() {
    let served = Served::start(patient()).await;
    // PUSH0 PUSH0 REVERT.
    let receipt = deploy(&served, 0, &[0x5f, 0x5f, 0xfd]).await;
    assert_eq!(receipt["status"], "0x0");
    assert_eq!(receipt["logs"], json!([]));
}

#[tokio::test]
async fn a_halted_chain_says_so_to_whoever_sends() {
    let served = Served::start(hasty()).await;
    served.node.execute(transfer(0, 0)).await;
    served.node.sealed(1).await;
    let reason = "its root differs".to_owned();
    let report = HaltReport {
        block: BlockNumber(1),
        transaction: None,
        reason,
    };
    served.node.tell(MainNodeMessage::Halt(report));
    let (code, text) = served
        .error("eth_sendRawTransaction", json!([transfer(0, 1)]))
        .await;
    assert_eq!(code, -32000);
    assert!(
        text.starts_with("chain halted: block 1 cannot be finalised: its root differs"),
        "{text}"
    );
    let finality = served.result("tern_finality", json!([])).await;
    assert_eq!(finality["halted"]["block"], "0x1");
}

#[tokio::test]
async fn logs_are_found_by_address_and_topic_in_sealed_and_open_blocks() {
    let served = Served::start(hasty()).await;
    // PUSH1 topic PUSH0 PUSH0 LOG1 STOP, with the topic 7.
    let receipt = deploy(&served, 0, &[0x60, 7, 0x5f, 0x5f, 0xa1, 0x00]).await;
    let address = receipt["contractAddress"].clone();
    assert_eq!(receipt["logs"][0]["logIndex"], "0x0");
    let topic = json!(alloy::primitives::B256::with_last_byte(7));
    let filter = json!([{ "fromBlock": "0x0", "toBlock": "pending", "address": address, "topics": [topic] }]);
    let open = served.result("eth_getLogs", filter.clone()).await;
    assert_eq!(open.as_array().unwrap().len(), 1, "{open}");
    let head = served.node.sealed(1).await;
    let sealed = served.result("eth_getLogs", filter).await;
    assert_eq!(sealed[0]["blockHash"], json!(head.sealed.hash));
    assert_eq!(sealed[0]["transactionHash"], receipt["transactionHash"]);
    let other = json!([{ "fromBlock": "0x0", "topics": [json!(alloy::primitives::B256::with_last_byte(8))] }]);
    assert_eq!(served.result("eth_getLogs", other).await, json!([]));
}
