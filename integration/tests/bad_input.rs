//! Bad input of every kind gets a clear error: over JSON-RPC the process stays up, on the command line it exits with
//! the right code and a sentence that helps.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use alloy::consensus::{
    SignableTransaction, TxEip1559, TxEip4844, TxEip7702, TxEnvelope, TxLegacy,
};
use alloy::eips::Encodable2718;
use alloy::eips::eip7702::Authorization;
use alloy::network::TxSignerSync;
use alloy::primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use alloy::providers::Provider;
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::transports::http::reqwest::Client;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tern_cluster_config::{Devnet as Chains, development_key};
use tern_integration::harness::{Anvil, Devnet, Options, User, run, until};

const CHAIN: u64 = Chains::L3_CHAIN_ID.0;
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
            changed(|tx| tx.nonce = 0),
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
            "newest",
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

/// Arguments of a devnet that would start.
fn devnet_in(directory: &Path) -> Vec<&str> {
    let directory = directory
        .to_str()
        .expect("temporary directories have plain names");
    vec![
        "devnet",
        "--data-dir",
        directory,
        "--rpc",
        "127.0.0.1:0",
        "--l2-listen",
        "127.0.0.1:0",
    ]
}

/// Runs a devnet in `directory` with more arguments, until it ends.
async fn devnet(directory: &Path, more: &[&str]) -> Result<tern_integration::harness::Ended> {
    let mut arguments = devnet_in(directory);
    arguments.extend(["--profile", "insecure-test"]);
    arguments.extend(more);
    run(&arguments, &[("TERN_ROLES", "[main-node]")]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_configuration_ends_with_2_and_names_file_key_or_variable() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let data = directory.path().join("data");
    let write = |name: &str, text: &str| -> Result<String> {
        let path = directory.path().join(name);
        fs::write(&path, text)?;
        Ok(path.to_str().context("a plain name")?.to_owned())
    };
    let garbage = write("garbage.toml", "\u{0}}{ = = [[[")?;
    devnet(&data, &["--config", &garbage])
        .await?
        .with(2, &["configuration"])?;
    let unknown = write("unknown.toml", "[rpc]\nlistn = \"127.0.0.1:0\"\n")?;
    devnet(&data, &["--config", &unknown])
        .await?
        .with(2, &["listn", "unknown.toml"])?;
    let impossible = write("impossible.toml", "[rpc]\nmax_batch = 0\n")?;
    devnet(&data, &["--config", &impossible])
        .await?
        .with(2, &["rpc.max_batch", "at least 1"])?;
    let huge = write("huge.toml", &"#".repeat(17 << 20))?;
    devnet(&data, &["--config", &huge])
        .await?
        .with(2, &["huge.toml", "bytes"])?;
    devnet(&data, &["--config", "no-such.toml"])
        .await?
        .with(2, &["no-such.toml", "cannot be read"])?;
    let ended = run(&devnet_in(&data), &[("TERN_RPC__LISTN", "x")]).await?;
    ended.with(2, &["TERN_RPC__LISTN"])?;
    let ended = run(&devnet_in(&data), &[("TERN_LOG", "=,=")]).await?;
    ended.with(2, &["TERN_LOG"])?;
    run(&["devnet", "--no-such-flag"], &[])
        .await?
        .with(2, &["--no-such-flag"])?;
    let chain = write(
        "chain.toml",
        "l2_chain_id = 31337\n[genesis]\nchain_id = 31337\n",
    )?;
    let mut arguments = devnet_in(&data);
    arguments.extend(["--chain", &chain]);
    run(&arguments, &[])
        .await?
        .with(2, &["chain.toml", "timestamp"])?;
    ensure!(!data.exists(), "the data directory was touched");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_key_ends_with_2_and_is_never_printed() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let data = directory.path().join("data");
    let path = directory.path().join("operator.key");
    let name = path.to_str().context("a plain name")?;
    let arguments = ["--operator-key-file", name];
    devnet(&data, &arguments)
        .await?
        .with(2, &["operator.key", "cannot be read"])?;
    fs::write(&path, "0xsecretsecretsecret")?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    let ended = devnet(&data, &arguments).await?;
    ended.with(2, &["operator.key", "does not hold a private key"])?;
    ensure!(
        !ended.said.contains("secretsecret"),
        "the key file's text was printed"
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
    devnet(&data, &arguments)
        .await?
        .with(2, &["others may read it", "chmod 600"])?;
    devnet(&data, &["--operator-key-env", "NO_SUCH_KEY"])
        .await?
        .with(2, &["NO_SUCH_KEY", "is not set"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_ends_with_2_and_names_the_flag() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let data = directory.path().to_str().context("a plain name")?;
    let l3 = [
        "devnet",
        "--data-dir",
        data,
        "--rpc",
        &address,
        "--l2-listen",
        "127.0.0.1:0",
    ];
    run(&l3, &[]).await?.with(2, &[&address, "--rpc"])?;
    let l2 = [
        "devnet",
        "--data-dir",
        data,
        "--rpc",
        "127.0.0.1:0",
        "--l2-listen",
        &address,
    ];
    run(&l2, &[]).await?.with(2, &[&address, "--l2-listen"])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_l2_that_does_not_answer_ends_with_1_and_is_named() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let data = directory.path().to_str().context("a plain name")?;
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", silent.local_addr()?);
    for url in ["http://127.0.0.1:1", &address] {
        let arguments = [
            "devnet",
            "--data-dir",
            data,
            "--rpc",
            "127.0.0.1:0",
            "--l2-rpc",
            url,
        ];
        let ended = run(&arguments, &[("TERN_L2__REQUEST_TIMEOUT", "1s")]).await?;
        ended.with(1, &[url, "does not answer"])?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_or_damaged_data_directory_is_refused_by_name() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let data = directory.path().join("data");
    fs::create_dir(&data)?;
    let running = Devnet::start(&data, &node()).await?;
    devnet(&data, &[])
        .await?
        .with(2, &["in use by another process", "--data-dir"])?;
    ensure!(running.stop().await?.success());

    let node = data.join("main-node");
    let identity = node.join("identity.json");
    let ours = fs::read_to_string(&identity)?;
    fs::write(&identity, ours.replace("33050", "33051"))?;
    devnet(&data, &[])
        .await?
        .with(2, &["belongs to another chain id", "33051", "--data-dir"])?;
    fs::write(&identity, "garbage")?;
    devnet(&data, &[])
        .await?
        .with(1, &["identity.json", "damaged", "backup"])?;
    fs::remove_file(&identity)?;
    devnet(&data, &[])
        .await?
        .with(2, &["holds no Tern data", "--data-dir"])?;
    fs::write(&identity, &ours)?;

    let log = node.join("sled/db");
    let whole = fs::read(&log)?;
    fs::write(&log, &whole[..whole.len() / 3])?;
    devnet(&data, &[])
        .await?
        .with(1, &["main-node", "damaged"])?;
    fs::write(&log, vec![0xa5; whole.len()])?;
    devnet(&data, &[])
        .await?
        .with(1, &["main-node", "damaged"])?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_contract_address_ends_with_2_and_is_named() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let data = directory.path().to_owned();
    let running = Devnet::start(&data, &node()).await?;
    let deployed = running.deployment().clone();
    ensure!(running.stop().await?.success());
    let path = data.join("deployment.json");
    let write = |change: &dyn Fn(&mut Value)| -> Result<()> {
        let mut text = serde_json::to_value(&deployed)?;
        change(&mut text);
        Ok(fs::write(&path, text.to_string())?)
    };
    let nobody = Address::repeat_byte(0x99);
    write(&|text| text["rollup"] = json!(nobody))?;
    devnet(&data, &[])
        .await?
        .with(2, &[&nobody.to_string(), "no contract"])?;
    write(&|text| text["rollup"] = text["verifier"].clone())?;
    devnet(&data, &[])
        .await?
        .with(2, &["does not answer as a Rollup"])?;
    write(&|text| text["l3ChainId"] = json!(5))?;
    devnet(&data, &[])
        .await?
        .with(2, &["deployment.json", "another chain", "l3ChainId"])?;
    write(&|text| text["profile"] = json!("secure"))?;
    devnet(&data, &[])
        .await?
        .with(2, &["deployment.json", "profile"])?;
    fs::write(&path, "{")?;
    devnet(&data, &[])
        .await?
        .with(2, &["deployment.json", "not a deployment"])
}

/// A backup that is older than what L2 holds must not be built upon.
#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_older_than_l2_ends_with_3() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let (data, backup) = (
        directory.path().join("data"),
        directory.path().join("backup"),
    );
    fs::create_dir(&data)?;
    let anvil = Anvil::start(&["--block-time", "1"])?;
    let settling = Options::quick()
        .on(anvil.url())
        .with("TERN_ROLES", "[main-node, sequencer, bridge]");
    let devnet = Devnet::start(&data, &settling).await?;
    ensure!(devnet.stop().await?.success());
    copy(&data, &backup)?;

    let devnet = Devnet::start(&data, &settling).await?;
    let user: User = devnet.user(1).await?;
    user.transfer(SOMEBODY, U256::from(1)).await?;
    let settled = devnet.settled()?;
    until("a commitment", Duration::from_secs(60), || async {
        let committed: u64 = settled.rollup().lastCommittedBatch().call().await?;
        Ok((committed > 0).then_some(()))
    })
    .await?;
    ensure!(user.provider().get_block_number().await? > 0);
    devnet.kill()?;

    let name = backup.to_str().context("a plain name")?;
    let url = anvil.url();
    let arguments = [
        "devnet",
        "--data-dir",
        name,
        "--rpc",
        "127.0.0.1:0",
        "--profile",
        "insecure-test",
        "--l2-rpc",
        &url,
    ];
    let ended = run(
        &arguments,
        &[("TERN_ROLES", "[main-node, sequencer, bridge]")],
    )
    .await?;
    ended.with(3, &["batch 1", "backup"])
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
