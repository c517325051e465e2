//! Configuration as its users meet it.

#![expect(
    clippy::result_large_err,
    reason = "figment's jail wants closures that return its large error"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy::eips::eip4788::{BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE};
use alloy::primitives::U256;
use figment::Jail;
use serde_json::json;
use tern_cluster_config::{ChainConfig, ConfigError, KeySource, L2Tag, NodeConfig, Profile};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("nodes")
        .join(name)
}

fn resolve(file: &str) -> Result<NodeConfig, ConfigError> {
    NodeConfig::resolve(Some(Path::new(file)), json!({}))
}

/// Runs `test` with none of the caller's own variables.
fn in_jail(test: impl FnOnce(&mut Jail) -> Result<(), figment::Error>) {
    Jail::expect_with(|jail| {
        jail.clear_env();
        test(jail)
    });
}

#[test]
fn the_devnet_example_spells_out_the_defaults() {
    in_jail(|_| {
        let config = NodeConfig::resolve(Some(&example("devnet.toml")), json!({})).unwrap();
        assert_eq!(config, NodeConfig::default());
        Ok(())
    });
}

#[test]
fn the_node_example_resolves() {
    in_jail(|_| {
        let config = NodeConfig::resolve(Some(&example("node.toml")), json!({})).unwrap();
        assert_eq!(
            config.l2.operator_key,
            Some(KeySource::File("operator.key".into()))
        );
        assert_eq!(
            config.l2.rpc_url.unwrap().to_string(),
            "https://l2.example.org"
        );
        assert_eq!(config.sealing.max_interval, Duration::from_secs(120));
        Ok(())
    });
}

#[test]
fn the_chain_example_loads_from_toml_and_from_json() {
    let chain = ChainConfig::load(&example("chain.toml")).unwrap();
    assert_eq!(chain.profile, Profile::Secure);
    assert_eq!(chain.genesis.alloc.len(), 1);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chain.json");
    fs::write(&path, serde_json::to_string(&chain).unwrap()).unwrap();
    assert_eq!(ChainConfig::load(&path).unwrap(), chain);
}

#[test]
fn flags_win_over_variables_over_the_file_over_defaults() {
    in_jail(|jail| {
        jail.create_file(
            "node.toml",
            "data_dir = 'file'\n[rpc]\nmax_batch = 7\nmax_connections = 8\nmax_subscriptions = 9\n",
        )?;
        jail.set_env("TERN_RPC__MAX_BATCH", "70");
        jail.set_env("TERN_RPC__MAX_CONNECTIONS", "80");
        jail.set_env("TERN_LOG", "debug");
        let flags = json!({ "rpc": { "max_batch": 700 } });
        let config = NodeConfig::resolve(Some(Path::new("node.toml")), flags).unwrap();
        assert_eq!(config.rpc.max_batch, 700);
        assert_eq!(config.rpc.max_connections, 80);
        assert_eq!(config.rpc.max_subscriptions, 9);
        assert_eq!(
            config.rpc.max_concurrent,
            NodeConfig::default().rpc.max_concurrent
        );
        assert_eq!(config.data_dir, Path::new("file"));
        Ok(())
    });
}

#[test]
fn errors_name_the_file_the_key_and_the_problem() {
    let cases = [
        (
            "[rpc]\nmax_batches = 7\n",
            ["node.toml", "rpc", "max_batches"],
        ),
        (
            "[rpc]\nlisten = 'everywhere'\n",
            ["node.toml", "`rpc.listen`", "socket address"],
        ),
        (
            "[sealing]\nmin_interval = 'soon'\n",
            ["node.toml", "sealing.min_interval", "soon"],
        ),
        ("rpc = 3\n", ["node.toml", "rpc", "3"]),
        (
            "[l2]\nrpc_url = 'ftp://h/TOKEN'\n",
            ["node.toml", "l2.rpc_url", "http://"],
        ),
        (
            "[rpc]\nmax_batch = 0\n",
            ["rpc.max_batch", "at least 1", ""],
        ),
        (
            "[rpc]\nlisten = '127.0.0.1:8545'\n",
            ["rpc.listen", "l2.embedded_listen", ""],
        ),
        (
            "[sealing]\nmax_interval = '1s'\n",
            ["sealing.max_interval", "shorter", ""],
        ),
        (
            "[sealing]\nmax_bytes = 131072\n",
            ["sealing.max_bytes", "between 1 and 114688", ""],
        ),
        (
            "[sealing]\nmax_transactions = 0\n",
            ["sealing.max_transactions", "between 1 and 65536", ""],
        ),
        (
            "[attestation]\nkey = { env = 'WATCHER_KEY' }\n",
            ["attestation.key", "--role watcher", ""],
        ),
        (
            "[challenge]\nkey = { env = 'CHALLENGER' }\n",
            ["challenge.key", "--role watcher", ""],
        ),
        (
            "[l2]\ntag = 'latest'\n",
            ["l2.tag", "latest", "`finalized`"],
        ),
        (
            "[attestation]\nthreshold = 2\n",
            ["attestation.threshold", "between 1 and", "0"],
        ),
        (
            "[attestation]\nwatchers = ['ftp://watcher.example/TOKEN']\n",
            ["node.toml", "attestation.watchers", "http://"],
        ),
        ("[rpc\n", ["node.toml", "", ""]),
    ];
    for (text, expected) in cases {
        in_jail(|jail| {
            jail.create_file("node.toml", text)?;
            let message = resolve("node.toml").unwrap_err().to_string();
            for part in expected {
                assert!(message.contains(part), "`{part}` is not in: {message}");
            }
            assert!(!message.contains("TOKEN"), "{message}");
            Ok(())
        });
    }
}

#[test]
fn what_counts_on_l2_is_counted_or_named() {
    in_jail(|jail| {
        assert_eq!(NodeConfig::default().l2.tag, None);
        jail.set_env("TERN_L2__TAG", "finalized");
        let config = NodeConfig::resolve(None, json!({})).unwrap();
        assert_eq!(config.l2.tag, Some(L2Tag::Finalized));
        Ok(())
    });
}

#[test]
fn an_unknown_variable_is_refused_by_name() {
    in_jail(|jail| {
        jail.set_env("TERN_RCP__LISTEN", "127.0.0.1:1");
        let message = NodeConfig::resolve(None, json!({}))
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("rcp") && message.contains("environment"),
            "{message}"
        );
        Ok(())
    });
}

#[test]
fn a_missing_file_is_named() {
    let message = resolve("/nowhere/node.toml").unwrap_err().to_string();
    assert!(message.contains("/nowhere/node.toml"), "{message}");
    let message = ChainConfig::load(Path::new("/nowhere/chain.toml"))
        .unwrap_err()
        .to_string();
    assert!(message.contains("/nowhere/chain.toml"), "{message}");
}

#[test]
fn impossible_chains_are_refused_with_file_and_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chain.toml");
    let good = fs::read_to_string(example("chain.toml")).unwrap();
    let cases = [
        (
            "chain_id = 33050",
            "chain_id = 4294967296",
            "genesis.chain_id",
        ),
        ("chain_id = 33050", "chain_id = 31337", "l2_chain_id"),
        (
            "gas_limit = 10_000_000",
            "gas_limit = 1",
            "genesis.gas_limit",
        ),
        (
            "timestamp = 1735689600",
            "timestamp = 99999999999",
            "genesis.timestamp",
        ),
        (
            "base_fee = 1_000_000_000",
            "base_fee = 0",
            "genesis.base_fee",
        ),
        (
            "transaction_gas = 10_000_000",
            "transaction_gas = 10_000_001",
            "limits.transaction_gas",
        ),
        (
            "transaction_cycles = 16_777_216",
            "transaction_cycles = 1000",
            "limits.transaction_cycles",
        ),
        (
            "transaction_cells = 330_000",
            "transaction_cells = 330_001",
            "limits.transaction_cells",
        ),
        ("profile = \"secure\"", "profile = \"fast\"", "fast"),
        ("[limits]", "[limits]\nsurprise = 1", "surprise"),
        ("base_fee = 1_000_000_000\n", "", "base_fee"),
    ];
    for (from, to, expected) in cases {
        let text = good.replace(&format!("\n{from}"), &format!("\n{to}"));
        assert_ne!(text, good, "{from}");
        fs::write(&path, text).unwrap();
        let message = ChainConfig::load(&path).unwrap_err().to_string();
        assert!(
            message.contains("chain.toml") && message.contains(expected),
            "{message}"
        );
    }
}

#[test]
fn no_other_contract_is_where_beacon_roots_are_stored() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chain.toml");
    let good = fs::read_to_string(example("chain.toml")).unwrap();
    let load = |account: &str| {
        let text = format!("{good}\n[genesis.alloc.{BEACON_ROOTS_ADDRESS}]\n{account}\n");
        fs::write(&path, text).unwrap();
        ChainConfig::load(&path)
    };
    let code = format!("code = \"{BEACON_ROOTS_CODE}\"\nnonce = 1");
    assert_eq!(load(&code).unwrap().genesis.alloc.len(), 2);
    for other in ["balance = \"1\"", "code = \"0x00\""] {
        let message = load(other).unwrap_err().to_string();
        assert!(
            message.contains("genesis.alloc") && message.contains("EIP-4788"),
            "{message}"
        );
    }
}

#[test]
fn balances_stay_below_what_a_transfer_may_send() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chain.toml");
    let good = fs::read_to_string(example("chain.toml")).unwrap();
    let load = |balances: [U256; 2]| {
        let [first, second] = balances;
        let text = good.replace(
            "\nbalance = \"1000000000000000000000\"",
            &format!(
                "\nbalance = \"{first}\"\n[genesis.alloc.0x{}]\nbalance = \"{second}\"",
                "11".repeat(20)
            ),
        );
        assert_ne!(text, good);
        fs::write(&path, text).unwrap();
        ChainConfig::load(&path)
    };
    let half = U256::from(1) << 254;
    let most = load([half, half - U256::from(1)]).unwrap();
    assert_eq!(most.genesis.alloc.len(), 2);
    for balances in [
        [half, half],
        [half << 1, U256::ZERO],
        [U256::MAX, U256::MAX],
    ] {
        let message = load(balances).unwrap_err().to_string();
        assert!(
            message.contains("genesis.alloc") && message.contains("2^255"),
            "{message}"
        );
    }
}

#[test]
fn a_key_is_read_from_a_private_file_and_never_shown() {
    const KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("operator.key");
    fs::write(&path, format!("0x{KEY}\n")).unwrap();
    let source = KeySource::File(path.clone());

    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let message = source.load().unwrap_err().to_string();
    assert!(message.contains("chmod 600"), "{message}");

    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let key = source.load().unwrap();
    assert_eq!(
        key.address().to_string(),
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    );

    fs::write(&path, format!("{KEY}00")).unwrap();
    let message = source.load().unwrap_err().to_string();
    assert!(
        message.contains("operator.key") && !message.contains(&KEY[..8]),
        "{message}"
    );

    let message = KeySource::Env("TERN_NO_SUCH_KEY".into())
        .load()
        .unwrap_err()
        .to_string();
    assert!(message.contains("TERN_NO_SUCH_KEY"), "{message}");
}
