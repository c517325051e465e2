//! A batch that was really committed and verified.

use std::time::Duration;

use alloy::consensus::Header;
use alloy::primitives::{Address, U256};
use alloy::providers::{Provider, ProviderBuilder};
use alloy::sol_types::{SolCall, SolEvent};
use anyhow::{Context, Result, ensure};
use tern_execution::HashWindow;
use tern_integration::harness::{Anvil, Devnet, Options, Replay, User};
use tern_messages::ChainId;
use tern_proving::BatchStatement;
use tern_proving::onchain::Statement;
use tern_settlement::IRollup;

const SETTLED: Duration = Duration::from_secs(420);
const SOMEBODY: Address = Address::repeat_byte(0x52);

/// A batch that L2 has verified, and how it came there.
pub(crate) struct Truth {
    _anvil: Anvil,
    pub(crate) commit: Replay,
    pub(crate) prove: Replay,
    pub(crate) verifier: Address,
    pub(crate) statement: Statement,
}

impl Truth {
    pub(crate) async fn establish() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let anvil = Anvil::start(&["--block-time", "1"])?;
        let options = Options::quick()
            .on(anvil.url())
            .with("TERN_SEALING__MIN_INTERVAL", "3s");
        let devnet = Devnet::start(directory.path(), &options).await?;
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
        let outcome = settled.verifies_block(last, SETTLED).await;
        outcome.map_err(|error| error.context(devnet.log().unwrap_or_default()))?;
        let deployment = devnet.deployment().clone();
        let l2 = ProviderBuilder::new()
            .connect_http(anvil.url().parse()?)
            .erased();
        let (committed, verified) = (
            IRollup::BatchCommitted::SIGNATURE_HASH,
            IRollup::BatchVerified::SIGNATURE_HASH,
        );
        let truth = Self {
            commit: Replay::of(l2.clone(), deployment.rollup, committed, 1).await?,
            prove: Replay::of(l2, deployment.rollup, verified, 1).await?,
            verifier: deployment.verifier,
            statement: statement(&user, deployment.l3_chain_id).await?,
            _anvil: anvil,
        };
        ensure!(devnet.stop().await?.success());
        Ok(truth)
    }

    pub(crate) fn commitment(&self) -> Result<IRollup::commitBatchCall> {
        Ok(IRollup::commitBatchCall::abi_decode(&self.commit.calldata)?)
    }

    pub(crate) fn proof(&self) -> Result<IRollup::proveBatchesCall> {
        Ok(IRollup::proveBatchesCall::abi_decode(&self.prove.calldata)?)
    }
}

/// What block 1 states, from its header alone.
async fn statement(user: &User, chain_id: u64) -> Result<Statement> {
    let header = |number: u64| async move {
        let block = user.provider().get_block_by_number(number.into()).await?;
        let header: Header = block.context("L3 has the block")?.header.inner;
        anyhow::Ok(header)
    };
    let (genesis, first) = (header(0).await?, header(1).await?);
    let window = HashWindow::new([genesis.hash_slow()]).to_vec();
    let stated = BatchStatement::new(ChainId(chain_id), genesis.state_root, window, vec![first])?;
    Ok(stated.digest())
}
