//! Bad input of every kind gets a clear error: over JSON-RPC the process stays up, on the command line it exits with
//! the right code and a sentence that helps.

mod requests;
mod start;
mod transactions;

use alloy::primitives::Address;
use alloy::transports::http::reqwest::Client;
use anyhow::{Context, Result};
use serde_json::Value;
use tern_integration::harness::Options;

const SOMEBODY: Address = Address::repeat_byte(0x51);

/// A node that does everything but prove and settle.
fn node() -> Options {
    Options::quick().with("TERN_ROLES", "[main-node]")
}

async fn post(client: &Client, url: &str, body: String) -> Result<Value> {
    let request = client.post(url).header("content-type", "application/json");
    let text = request.body(body).send().await?.text().await?;
    serde_json::from_str(&text).with_context(|| format!("the answer is not JSON: {text}"))
}
