//! A batch that was really committed and verified, on a chain whose contract asks for a proof and for the signatures of
//! two of three watchers.

use std::net::SocketAddr;
use std::time::Duration;

use alloy::consensus::Header;
use alloy::primitives::{Address, Bytes, U256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::sol_types::{SolCall, SolEvent, SolValue};
use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use tern_cluster_config::development_key;
use tern_execution::HashWindow;
use tern_integration::harness::{
    Anvil, Devnet, Options, Rebuilt, Replay, Started, User, free_address, until,
};
use tern_messages::{ChainId, StatementDigest};
use tern_proving::BatchStatement;
use tern_settlement::{AttestationVerifier, IRollup};

use super::foreign::Foreign;

const SETTLED: Duration = Duration::from_secs(420);
const COMMITTED: Duration = Duration::from_secs(60);
const SOMEBODY: Address = Address::repeat_byte(0x52);
/// Development accounts of the watchers; the last one sleeps.
pub(crate) const WATCHERS: [u32; 3] = [6, 7, 8];
const AWAKE: usize = 2;

/// A batch that L2 has verified, and how it came there.
pub(crate) struct Truth {
    _anvil: Anvil,
    pub(crate) l2: DynProvider,
    pub(crate) commit: Replay,
    pub(crate) prove: Replay,
    pub(crate) verifier: Address,
    pub(crate) attestation: AttestationVerifier,
    pub(crate) headers: Headers,
    pub(crate) statement: StatementDigest,
    pub(crate) foreign: Foreign,
}

/// The chain's blocks.
pub(crate) struct Headers {
    pub(crate) chain_id: u64,
    pub(crate) genesis: Header,
    pub(crate) first: Header,
}

impl Truth {
    pub(crate) async fn establish() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let anvil = Anvil::start(&["--block-time", "1"])?;
        let places = (0..AWAKE)
            .map(|_| free_address())
            .collect::<Result<Vec<_>>>()?;
        let devnet = Devnet::start(directory.path(), &options(&anvil, &places)?).await?;
        let _awake = watchers(&devnet, &places)?;
        let user = devnet.user(1).await?;
        let mut last = 0;
        for value in 1..=3 {
            let receipt = user.transfer(SOMEBODY, U256::from(value)).await?;
            last = receipt
                .block_number
                .context("a receipt has a block number")?;
        }
        ensure!(last == 1, "three transfers in a row are in one block");
        let settled = devnet.settled()?;
        until("the batch to be committed", COMMITTED, || async {
            let committed = settled.rollup().lastCommittedBatch().call().await?;
            Ok((committed == 1).then_some(()))
        })
        .await?;
        let deployment = devnet.deployment().clone();
        let l2 = ProviderBuilder::new()
            .connect_http(anvil.url().parse()?)
            .erased();
        let rollup = deployment.rollup;
        let event = IRollup::BatchCommitted::SIGNATURE_HASH;
        let commit = Replay::of(l2.clone(), rollup, event, 1).await?;
        let headers = Headers {
            chain_id: deployment.l3_chain_id,
            genesis: header(&user, 0).await?,
            first: header(&user, 1).await?,
        };
        let set = deployment.verifier_set.context("two verifiers")?;
        let foreign = Foreign::found(&anvil.url(), &commit, &headers, set).await?;

        let outcome = settled.verifies_block(last, SETTLED).await;
        outcome.map_err(|error| error.context(devnet.log().unwrap_or_default()))?;
        let event = IRollup::BatchVerified::SIGNATURE_HASH;
        let attestation = AttestationVerifier {
            address: deployment.attestation_verifier.context("watchers")?,
            l2_chain_id: ChainId(deployment.l2_chain_id),
            watchers: WATCHERS
                .map(|index| development_key(index).address())
                .into(),
            threshold: AWAKE,
        };
        let truth = Self {
            commit,
            prove: Replay::of(l2.clone(), rollup, event, 1).await?,
            verifier: deployment.verifier,
            attestation,
            statement: statement(&headers)?,
            headers,
            foreign,
            l2,
            _anvil: anvil,
        };
        until("L3 to hear of it", COMMITTED, || async {
            let verified = user.finality().await?["verified"].take();
            Ok((verified == json!("0x1")).then_some(()))
        })
        .await?;
        Rebuilt::of(devnet).await?;
        Ok(truth)
    }

    pub(crate) fn commitment(&self) -> Result<IRollup::commitBatchCall> {
        Ok(IRollup::commitBatchCall::abi_decode(&self.commit.calldata)?)
    }

    pub(crate) fn proof(&self) -> Result<IRollup::proveBatchesCall> {
        Ok(IRollup::proveBatchesCall::abi_decode(&self.prove.calldata)?)
    }

    /// The proof of the execution, and the watchers' signatures.
    pub(crate) fn proofs(&self) -> Result<[Bytes; 2]> {
        let proofs = Vec::<Bytes>::abi_decode(&self.proof()?.proof)?;
        match <[Bytes; 2]>::try_from(proofs) {
            Ok(proofs) => Ok(proofs),
            Err(proofs) => bail!("{} proofs", proofs.len()),
        }
    }
}

fn options(anvil: &Anvil, awake: &[SocketAddr]) -> Result<Options> {
    let accounts = WATCHERS.map(|index| development_key(index).address());
    let mut urls = vec![format!("http://{}", free_address()?)];
    urls.extend(awake.iter().map(|place| format!("http://{place}")));
    Ok(Options::quick()
        .on(anvil.url())
        .with("TERN_SEALING__MIN_INTERVAL", "3s")
        .with("TERN_ATTESTATION__ACCOUNTS", &json!(accounts).to_string())
        .with("TERN_ATTESTATION__THRESHOLD", &AWAKE.to_string())
        .with("TERN_ATTESTATION__WATCHERS", &json!(urls).to_string()))
}

fn watchers(devnet: &Devnet, places: &[SocketAddr]) -> Result<Vec<(Rebuilt, Started)>> {
    let each = WATCHERS.into_iter().zip(places);
    each.map(|(index, place)| {
        let watcher = Rebuilt::new(devnet.deployment())?;
        let attesting = watcher.attest(&development_key(index), *place)?;
        Ok((watcher, attesting))
    })
    .collect()
}

async fn header(user: &User, number: u64) -> Result<Header> {
    let block = user.provider().get_block_by_number(number.into()).await?;
    Ok(block.context("L3 has the block")?.header.inner)
}

/// What block 1 states, from its header alone.
fn statement(headers: &Headers) -> Result<StatementDigest> {
    let Headers { genesis, first, .. } = headers;
    let window = HashWindow::new([genesis.hash_slow()]).to_vec();
    let (chain_id, blocks) = (ChainId(headers.chain_id), vec![first.clone()]);
    let stated = BatchStatement::new(chain_id, genesis.state_root, window, blocks)?;
    Ok(stated.digest())
}
