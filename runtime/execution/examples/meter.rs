//! What the meter costs: a loop of cheap instructions, executed with and without it.
//!
//! `cargo run --release -p tern-execution --example meter`

use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use tern_execution::{
    BlockAttributes, BlockBuilder, ChainRules, GenesisAccount, GenesisState, HashWindow,
    MachineLimits, MemoryNodes,
};
use tern_messages::{Anchor, ChainId, Gas};

const CHAIN: ChainId = ChainId(1);
const GAS: u64 = 10_000_000;
const TARGET: Address = Address::repeat_byte(0x77);
const RUNS: u32 = 20;

/// `loop: JUMPDEST, body, PUSH0, JUMP` until the gas is used up.
fn looping(body: &[u8]) -> Bytes {
    [&[0x5b], body, &[0x5f, 0x56]].concat().into()
}

fn run(code: &Bytes, rules: ChainRules) -> Result<Duration, Box<dyn std::error::Error>> {
    let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(1))?;
    let mut genesis = GenesisState::default();
    for (address, code) in [(signer.address(), Bytes::new()), (TARGET, code.clone())] {
        let account = GenesisAccount {
            balance: U256::from(10).pow(U256::from(20)),
            code,
            ..GenesisAccount::default()
        };
        genesis.accounts.insert(address, account);
    }
    let genesis = genesis.block(&rules, 1_000, Gas(GAS), 7)?;
    let nodes = Arc::new(MemoryNodes::new());
    nodes.extend(&genesis.nodes, &genesis.codes);
    let body = TxEip1559 {
        chain_id: CHAIN.0,
        gas_limit: GAS,
        max_fee_per_gas: 1_000,
        to: TxKind::Call(TARGET),
        ..TxEip1559::default()
    };
    let signature = signer.sign_hash_sync(&body.signature_hash())?;
    let raw: Bytes = TxEnvelope::from(body.into_signed(signature))
        .encoded_2718()
        .into();
    let mut fastest = Duration::MAX;
    for _ in 0..RUNS {
        let attributes = BlockAttributes {
            timestamp: 1_002,
            beneficiary: Address::ZERO,
            gas_limit: Gas(GAS),
            anchor: Anchor::default(),
        };
        let hashes = HashWindow::new([genesis.block.hash]);
        let parent = &genesis.block.header;
        let mut builder = BlockBuilder::new(nodes.clone(), rules, parent, hashes, attributes)?;
        let started = Instant::now();
        builder.execute(raw.clone())?;
        fastest = fastest.min(started.elapsed());
    }
    Ok(fastest)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let plain = ChainRules::provable(CHAIN);
    let metered = plain.limited(MachineLimits::NONE);
    let loops: [(&str, &[u8]); 4] = [
        ("jumps", &[]),
        ("arithmetic", &[0x60, 7, 0x80, 0x02, 0x80, 0x01, 0x50]),
        ("memory", &[0x5f, 0x51, 0x5f, 0x52]),
        ("hashes", &[0x60, 64, 0x5f, 0x20, 0x50]),
    ];
    for (name, body) in loops {
        let code = looping(body);
        let (without, with) = (run(&code, plain)?, run(&code, metered)?);
        println!(
            "{name}: {GAS} gas in {without:.1?} plain, {with:.1?} metered, {:.2} times",
            with.as_secs_f64() / without.as_secs_f64()
        );
    }
    Ok(())
}
