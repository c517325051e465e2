//! Starts that cannot succeed.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use alloy::primitives::{Address, U256};
use alloy::providers::Provider;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tern_integration::harness::{Anvil, Devnet, Ended, Options, User, run, until};

use super::{SOMEBODY, node};

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
async fn devnet(directory: &Path, more: &[&str]) -> Result<Ended> {
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
    ensure!(!data.exists(), "the data directory was touched");
    let chain = write(
        "chain.toml",
        "l2_chain_id = 31337\n[genesis]\nchain_id = 31337\n",
    )?;
    let mut arguments = devnet_in(&data);
    arguments.extend(["--chain", &chain]);
    run(&arguments, &[])
        .await?
        .with(2, &["chain.toml", "timestamp"])?;
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
