//! The chain made again from L2 alone, compared with the one that was there first.

use std::fmt::Debug;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use alloy::primitives::hex;
use alloy::signers::local::PrivateKeySigner;
use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tern_cluster_config::Devnet as Chain;
use tern_messages::{BatchNumber, BlockNumber, ChainId};
use tern_node::deployment::Deployment;
use tern_node::main_node::{BATCH_RECORDS, FINALITY};
use tern_storage::tables::chain::{
    BATCH_OF_BLOCK, BLOCK_BY_HASH, BLOOMS, BODIES, CODES, HEADERS, HEADS, RECEIPTS, TRANSACTIONS,
    TRIE_NODES,
};
use tern_storage::{ChainIdentity, Key, Store, Table};

use super::command::{Ended, run};
use super::devnet::{Devnet, Options, TURN, Turn, clean, program};

/// A data directory that knows nothing but where L2 is.
#[derive(Debug)]
pub struct Rebuilt {
    directory: TempDir,
    deployment: Deployment,
}

/// A watcher or a network, killed when dropped.
#[derive(Debug)]
pub struct Started {
    process: Child,
    _turn: Option<Turn>,
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The store of the main node in a data directory. No process may have it open.
///
/// # Errors
/// If it cannot be opened.
pub fn main_node_store(data_dir: &Path, deployment: &Deployment) -> Result<Store> {
    let chain_id = ChainId(deployment.l3_chain_id);
    let identity = ChainIdentity::new(chain_id, deployment.genesis_hash, "main-node");
    Ok(Store::open(&data_dir.join("main-node"), &identity)?)
}

/// An address of this machine that nobody listens on.
///
/// # Errors
/// If there is none.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

impl Rebuilt {
    /// An empty directory with the chain file of a devnet.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new(deployment: &Deployment) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let chain = Chain::l3(deployment.l2_chain_id, deployment.profile);
        let file = directory.path().join("chain.json");
        fs::write(file, serde_json::to_vec(&chain)?)?;
        let deployment = deployment.clone();
        Ok(Self {
            directory,
            deployment,
        })
    }

    /// Makes the chain of a running network again, stops the network and compares everything; also returns the last
    /// committed block.
    ///
    /// # Errors
    /// The first difference.
    pub async fn of(devnet: Devnet) -> Result<(Self, BlockNumber)> {
        let (rebuilt, live) = (Self::new(devnet.deployment())?, devnet.path().to_owned());
        rebuilt.sync(&[]).await?.with(0, &[])?;
        let stopped = devnet.stop().await?;
        ensure!(
            stopped.success(),
            "the devnet did not stop cleanly: {stopped}"
        );
        let last = rebuilt.equals(&live)?;
        Ok((rebuilt, last))
    }

    /// Runs `tern sync --from-l2` once.
    ///
    /// # Errors
    /// If it does not end.
    pub async fn sync(&self, environment: &[(&str, &str)]) -> Result<Ended> {
        self.run(&["sync", "--from-l2"], environment).await
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Starts a network on what was made again.
    ///
    /// # Errors
    /// If it ends, or is not ready in time.
    pub async fn devnet(&self, options: &Options) -> Result<Devnet> {
        self.deployment.write(self.directory.path())?;
        Devnet::start(self.directory.path(), options).await
    }

    /// Runs a watcher until it ends.
    ///
    /// # Errors
    /// If it does not end.
    pub async fn watch(&self) -> Result<Ended> {
        self.run(&["node", "--role", "watcher"], &[]).await
    }

    /// Starts a watcher that signs with `key`, and answers at `address`.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn attest(&self, key: &PrivateKeySigner, address: SocketAddr) -> Result<Started> {
        let mut command = self.watcher()?;
        command
            .args(["--attestation-key-env", "WATCHER_KEY"])
            .args(["--rpc", &address.to_string()])
            .env("WATCHER_KEY", hex::encode_prefixed(key.to_bytes()));
        Ok(Started {
            process: command.spawn()?,
            _turn: None,
        })
    }

    /// Starts an outsider's network on nothing but L2's data, which answers at `address`. Its account on L2 is `key`'s.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn take_over(&self, key: &PrivateKeySigner, address: SocketAddr) -> Result<Started> {
        let turn = TURN.lock().await;
        let mut command = self.command(&["takeover"])?;
        let key = hex::encode_prefixed(key.to_bytes());
        command
            .args([
                "--operator-key-env",
                "OUTSIDER",
                "--messages-key-env",
                "OUTSIDER",
            ])
            .args(["--rpc", &address.to_string()])
            .env("OUTSIDER", key);
        Ok(Started {
            process: command.spawn()?,
            _turn: Some(turn),
        })
    }

    /// Starts a watcher.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn watching(&self) -> Result<Started> {
        Ok(Started {
            process: self.watcher()?.spawn()?,
            _turn: None,
        })
    }

    /// Starts a watcher that challenges what is wrong; its account on L2 is `key`'s.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn challenging(&self, key: &PrivateKeySigner) -> Result<Started> {
        let mut command = self.watcher()?;
        command
            .args(["--challenge-key-env", "CHALLENGER"])
            .env("CHALLENGER", hex::encode_prefixed(key.to_bytes()));
        Ok(Started {
            process: command.spawn()?,
            _turn: None,
        })
    }

    /// What was started has said.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(self.directory.path().join("tern.log"))?)
    }

    fn watcher(&self) -> Result<Command> {
        self.command(&["node", "--role", "watcher"])
    }

    fn command(&self, words: &[&str]) -> Result<Command> {
        let log = File::create(self.directory.path().join("tern.log"))?;
        let mut command = clean(Command::new(program()?));
        command
            .args(words)
            .args(self.places())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        Ok(command)
    }

    async fn run(&self, command: &[&str], environment: &[(&str, &str)]) -> Result<Ended> {
        let places = self.places();
        let places = places.iter().map(String::as_str);
        let arguments: Vec<_> = command.iter().copied().chain(places).collect();
        run(&arguments, environment).await
    }

    /// Flags that say where everything is.
    fn places(&self) -> Vec<String> {
        let directory = self.directory.path();
        let places = [
            (
                "--chain",
                directory.join("chain.json").display().to_string(),
            ),
            ("--l2-rpc", self.deployment.l2_rpc_url.clone()),
            ("--rollup", self.deployment.rollup.to_string()),
            ("--data-dir", directory.display().to_string()),
        ];
        let words = places.into_iter();
        words
            .flat_map(|(flag, value)| [flag.to_owned(), value])
            .collect()
    }

    /// Compares everything with the main node's directory of a live node that was stopped since; returns the last
    /// committed block. The live node may know blocks that were committed or verified later.
    ///
    /// # Errors
    /// The first difference.
    pub fn equals(&self, live: &Path) -> Result<BlockNumber> {
        let ours = main_node_store(self.directory.path(), &self.deployment)?;
        let theirs = main_node_store(live, &self.deployment)?;
        let heads = |store: &Store| store.get(&HEADS, &())?.context("heads are stored");
        let (our_heads, their_heads) = (heads(&ours)?, heads(&theirs)?);
        let last = our_heads.committed;
        ensure!(our_heads.sealed == last, "{our_heads:?}");
        ensure!(
            last <= their_heads.committed && our_heads.verified <= their_heads.verified,
            "rebuilt {our_heads:?}, live {their_heads:?}"
        );
        let both = Both {
            ours: &ours,
            theirs: &theirs,
            complete: last == their_heads.sealed,
        };
        both.same(&HEADERS, |number| *number <= last)?;
        both.same(&BODIES, |number| *number <= last)?;
        both.same(&RECEIPTS, |number| *number <= last)?;
        both.same(&BLOOMS, |number| *number <= last)?;
        both.same(&BATCH_OF_BLOCK, |number| *number <= last)?;
        both.held(&TRIE_NODES)?;
        both.held(&CODES)?;
        both.held(&BLOCK_BY_HASH)?;
        both.held(&TRANSACTIONS)?;
        let finality = ours.get(&FINALITY, &())?.context("finality is stored")?;
        let (batch, block) = finality.heights.committed;
        ensure!(block == last, "{finality:?}");
        for number in (1..=batch.0).map(BatchNumber) {
            let ours = ours.get(&BATCH_RECORDS, &number)?.context("a record")?;
            let mut theirs = theirs.get(&BATCH_RECORDS, &number)?.context("a record")?;
            if number > finality.heights.verified.0 {
                theirs.verified = None;
            }
            ensure!(ours == theirs, "rebuilt {ours:?}, live {theirs:?}");
        }
        Ok(last)
    }
}

/// Two stores of one chain.
struct Both<'a> {
    ours: &'a Store,
    theirs: &'a Store,
    /// The live node holds no further block.
    complete: bool,
}

impl Both<'_> {
    /// The rows that `counts` admits are the same.
    fn same<K, V>(&self, table: &Table<K, V>, counts: impl Fn(&K) -> bool) -> Result<()>
    where
        K: Key + Debug + PartialEq,
        V: Serialize + DeserializeOwned + Debug + PartialEq,
    {
        let theirs = rows(self.theirs, table)?;
        let theirs: Vec<_> = theirs.into_iter().filter(|(key, _)| counts(key)).collect();
        equal(&rows(self.ours, table)?, &theirs)
    }

    /// Every row of ours is among theirs, and none is missing if they hold no further block.
    fn held<K, V>(&self, table: &Table<K, V>) -> Result<()>
    where
        K: Key + Debug + PartialEq,
        V: Serialize + DeserializeOwned + Debug + PartialEq,
    {
        let ours = rows(self.ours, table)?;
        let mut theirs = rows(self.theirs, table)?;
        if !self.complete {
            theirs.retain(|(key, _)| ours.iter().any(|(ours, _)| ours == key));
        }
        equal(&ours, &theirs)
    }
}

fn rows<K, V>(store: &Store, table: &Table<K, V>) -> Result<Vec<(K, V)>>
where
    K: Key,
    V: Serialize + DeserializeOwned,
{
    store.range(table, ..).map(|row| Ok(row?)).collect()
}

fn equal<K: Debug + PartialEq, V: Debug + PartialEq>(
    ours: &[(K, V)],
    theirs: &[(K, V)],
) -> Result<()> {
    for (ours, theirs) in ours.iter().zip(theirs) {
        ensure!(ours == theirs, "rebuilt {ours:?}, live {theirs:?}");
    }
    let (ours, theirs) = (ours.len(), theirs.len());
    ensure!(ours == theirs, "rebuilt {ours} rows, live {theirs}");
    Ok(())
}
