//! Requests that make no sense.

use alloy::transports::http::reqwest::Client;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tern_integration::harness::Devnet;

use super::{SOMEBODY, node, post};

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_are_answered_with_code_and_text_and_the_process_stays_up() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let devnet = Devnet::start(directory.path(), &node()).await?;
    let url = devnet.deployment().l3_rpc_url.clone();
    let client = Client::new();
    let call = |method: &str, params: Value| {
        json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
    };
    let batch =
        vec![json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": [] }); 10_000];
    let account = json!(SOMEBODY);
    for (what, body, code, words) in [
        (
            "half a request",
            "{\"jsonrpc\":".to_owned(),
            -32700,
            "Parse error",
        ),
        ("bytes", "\u{1}\u{2}\u{3}".to_owned(), -32700, "Parse error"),
        ("a deep nest", "[".repeat(500_000), -32700, "Parse error"),
        ("an empty batch", "[]".to_owned(), -32600, "Invalid request"),
        (
            "an absurd batch",
            Value::Array(batch).to_string(),
            -32010,
            "batch",
        ),
        (
            "an oversized request",
            call("web3_sha3", json!(["0".repeat(3 << 20)])),
            -32007,
            "too",
        ),
        (
            "a request of ten times the size",
            call("web3_sha3", json!(["0".repeat(20 << 20)])),
            -32007,
            "too",
        ),
        (
            "an unknown method",
            call("eth_flyToTheMoon", json!([])),
            -32601,
            "not found",
        ),
        (
            "a method of no namespace",
            call("", json!([])),
            -32601,
            "not found",
        ),
        (
            "no parameters",
            call("eth_getBalance", json!([])),
            -32602,
            "arams",
        ),
        (
            "a number for an address",
            call("eth_getBalance", json!([5, "latest"])),
            -32602,
            "",
        ),
        (
            "a short address",
            call("eth_getBalance", json!(["0x12", "latest"])),
            -32602,
            "",
        ),
        (
            "odd hexadecimal",
            call("eth_sendRawTransaction", json!(["0x123"])),
            -32602,
            "",
        ),
        (
            "no hexadecimal",
            call("eth_sendRawTransaction", json!(["0xzz"])),
            -32602,
            "",
        ),
        (
            "an object for an array",
            call("eth_sendRawTransaction", json!({ "raw": 1 })),
            -32602,
            "",
        ),
        (
            "an unknown tag",
            call("eth_getBalance", json!([account, "newest"])),
            -32602,
            "0x prefix",
        ),
        (
            "a block of the future",
            call("eth_getBalance", json!([account, "0xffffff"])),
            -32000,
            "header not found",
        ),
        (
            "a huge block number",
            call(
                "eth_getBlockByNumber",
                json!(["0x1ffffffffffffffffffff", false]),
            ),
            -32602,
            "",
        ),
        (
            "logs backwards",
            call(
                "eth_getLogs",
                json!([{ "fromBlock": "0x5", "toBlock": "0x1" }]),
            ),
            -32602,
            "after",
        ),
        (
            "an absurd history",
            call(
                "eth_feeHistory",
                json!(["0xffffffffffffffffff", "latest", []]),
            ),
            -32602,
            "",
        ),
        (
            "a call beyond all funds",
            call(
                "eth_call",
                json!([{ "from": account, "to": account, "value": "0xffffffffffff" }, "latest"]),
            ),
            -32000,
            "insufficient funds",
        ),
    ] {
        let answer = post(&client, &url, body)
            .await
            .with_context(|| what.to_owned())?;
        let answer = answer.get(0).unwrap_or(&answer);
        let text = answer["error"]["message"]
            .as_str()
            .with_context(|| format!("{what}: {answer}"))?;
        ensure!(answer["error"]["code"] == code, "{what}: {answer}");
        let data = answer["error"]["data"].to_string();
        ensure!(
            !text.is_empty() && (text.contains(words) || data.contains(words)),
            "{what}: `{words}` is not in: {answer}"
        );
    }
    let answer = post(&client, &url, call("eth_chainId", json!([]))).await?;
    ensure!(answer["result"] == "0x811a", "it still answers: {answer}");
    ensure!(devnet.stop().await?.success());
    Ok(())
}
