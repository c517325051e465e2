//! JSON-RPC itself: malformed input, limits, unknown methods, both transports.

use alloy::primitives::Address;
use futures::future::join_all;
use serde_json::{Value, json};
use tern_cluster_config::RpcConfig;

use super::Served;
use crate::main_node::testing::patient;
use crate::rpc::bind;

#[tokio::test]
async fn malformed_requests_get_the_standard_codes() {
    let served = Served::start(patient()).await;
    // What cannot even be read as a request, for want of an id, is a parse error to the server crate.
    for (body, code) in [
        ("{", -32700),
        ("", -32700),
        ("\u{0}\u{1}", -32700),
        ("{}", -32700),
        ("[]", -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":3}", -32600),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_flyToTheMoon\"}",
            -32601,
        ),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_getBalance\"}",
            -32602,
        ),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_getBalance\",\"params\":[\"0x12\"]}",
            -32602,
        ),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_getBalance\",\"params\":\"0x12\"}",
            -32602,
        ),
    ] {
        let answer = served.post(body).await;
        assert_eq!(
            answer["error"]["code"].as_i64(),
            Some(code),
            "{body}: {answer}"
        );
    }
    assert_eq!(
        served.result("eth_chainId", json!([])).await,
        "0x811a",
        "it still answers"
    );
}

#[tokio::test]
async fn parameter_errors_say_what_is_wrong() {
    let served = Served::start(patient()).await;
    let account = Address::ZERO;
    for (method, params, words) in [
        ("eth_getBalance", json!([account, "newest"]), "0x prefix"),
        ("eth_getStorageAt", json!([account, "nowhere"]), ""),
        (
            "eth_call",
            json!([{ "to": account }, "latest", { account.to_string(): { "balance": "0x1" } }]),
            "overrides are not supported",
        ),
        (
            "eth_call",
            json!([{ "to": account, "data": "0x01", "input": "0x02" }, "latest"]),
            "not equal",
        ),
        (
            "eth_feeHistory",
            json!(["0x2", "latest", [50.0, 10.0]]),
            "ascend",
        ),
        (
            "eth_feeHistory",
            json!(["0x2", "0x99", []]),
            "beyond head block",
        ),
        (
            "eth_getLogs",
            json!([{ "fromBlock": "0x5", "toBlock": "0x1" }]),
            "is after",
        ),
        ("tern_getBatch", json!(["one"]), "0x1f"),
    ] {
        let (code, text) = served.error(method, params).await;
        assert_eq!(code, -32602, "{method}: {text}");
        assert!(text.contains(words), "`{words}` is not in: {text}");
    }
}

#[tokio::test]
async fn requests_and_batches_above_their_limits_are_refused() {
    let config = RpcConfig {
        max_request_bytes: 2_000,
        max_batch: 3,
        ..RpcConfig::default()
    };
    let served = Served::with(patient(), config).await;
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": [] });
    let batch = |count| Value::Array(vec![call.clone(); count]).to_string();
    assert_eq!(
        served.post(batch(3)).await.as_array().map(Vec::len),
        Some(3)
    );
    let refused = served.post(batch(4)).await;
    assert!(
        refused["error"]["message"]
            .as_str()
            .unwrap()
            .contains("batch"),
        "{refused}"
    );
    let long =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "web3_sha3", "params": ["0".repeat(3_000)] });
    let refused = served.post(long.to_string()).await;
    let text = refused.to_string();
    assert!(
        text.contains("too big") || text.contains("too large") || text.contains("2000"),
        "{text}"
    );
}

#[tokio::test]
async fn more_requests_than_places_are_all_answered() {
    let config = RpcConfig {
        max_concurrent: 2,
        ..RpcConfig::default()
    };
    let served = Served::with(patient(), config).await;
    let calls = (0..50).map(|_| served.result("eth_blockNumber", json!([])));
    assert!(join_all(calls).await.iter().all(|answer| answer == "0x0"));
}

#[tokio::test]
async fn a_port_in_use_is_named_together_with_the_flag_that_changes_it() {
    let served = Served::start(patient()).await;
    let message = bind(served.server.address, "rpc.listen", "--rpc")
        .unwrap_err()
        .to_string();
    for part in [&served.server.address.to_string(), "rpc.listen", "--rpc"] {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

#[tokio::test]
async fn browsers_may_ask() {
    let served = Served::start(patient()).await;
    let asked = served
        .client
        .post(served.url())
        .header("content-type", "application/json");
    let body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"net_version\"}";
    let answer = asked
        .header("origin", "https://app.example")
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(answer["result"], "33050");
}
