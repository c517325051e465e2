//! The corpus on Tern's execution and on a real `anvil` (Cancun): equal headers, receipts and accounts.
//!
//! What a sealer chooses (timestamp, beneficiary, PREVRANDAO, gas limit) is taken from the blocks that anvil
//! makes, since anvil lets nobody choose PREVRANDAO. The base fee is compared, not taken over. Tern runs with the
//! rules of a plain chain (true header bloom). Two things are left out: the EIP-4788 contract, since anvil makes no
//! system call; and the state root (hence the hash), since anvil's state trie also holds the empty accounts that
//! transactions touched, which EIP-161 deletes. Accounts are compared one by one instead.

use std::sync::Arc;

use alloy::consensus::Header;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::{Provider, ProviderBuilder};
use alloy::rpc::types::{Block as RpcBlock, TransactionReceipt};
use serde_json::json;
use tern_execution::conformance::open;
use tern_execution::{
    BlockEnvironment, ChainRules, HashWindow, MemoryNodes, SealedOutcome, StateView, next_base_fee,
};
use tern_integration::corpus::chain::GAS_LIMIT;
use tern_integration::corpus::{Block, CHAIN, Corpus, contracts, signer};
use tern_integration::harness::Anvil;
use tern_integration::vectors::say;
use tern_messages::Receipt;

#[tokio::test(flavor = "multi_thread")]
async fn tern_and_anvil_make_equal_blocks_of_the_corpus() {
    let corpus = Corpus::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("genesis.json");
    std::fs::write(&file, genesis_file(&corpus).to_string()).unwrap();
    let gas_limit = GAS_LIMIT.to_string();
    let arguments = [
        "--no-mining",
        "--order",
        "fifo",
        "--accounts",
        "0",
        "--disable-default-create2-deployer",
        "--gas-limit",
        &gas_limit,
        "--init",
        file.to_str().unwrap(),
    ];
    let anvil = Anvil::start(&arguments).unwrap();
    let provider = ProviderBuilder::default().connect_http(anvil.url().parse().unwrap());
    // anvil does not derive the base fee of block 1 from the genesis block: begin after an empty one.
    mine(&provider).await;
    let mut tern = Tern::new(&corpus, &provider).await;
    let mut transactions = 0;
    for block in &corpus.blocks {
        for transaction in &block.transactions {
            let sent = provider.send_raw_transaction(&transaction.raw).await;
            assert!(sent.is_ok(), "{}: {}", block.name, sent.unwrap_err());
        }
        mine(&provider).await;
        let theirs = latest(&provider).await;
        let ours = tern.execute(block, &theirs);
        receipts_are_equal(block, &ours, &provider).await;
        accounts_are_equal(block, &tern, &provider).await;
        let state_root = ours.block.header.state_root;
        let their_header = Header {
            state_root,
            ..theirs.header.inner
        };
        assert_eq!(ours.block.header, their_header, "{}", block.name);
        transactions += block.transactions.len();
    }
    say(&format!(
        "differential: {transactions} transactions in {} blocks are equal on Tern and anvil",
        corpus.blocks.len(),
    ));
}

/// go-ethereum's genesis file of the corpus.
fn genesis_file(corpus: &Corpus) -> serde_json::Value {
    json!({
        "config": { "chainId": CHAIN.0, "cancunTime": 0, "terminalTotalDifficulty": 0 },
        "alloc": corpus.genesis,
        "coinbase": Address::repeat_byte(0xbe),
        "difficulty": "0x0",
        "gasLimit": U256::from(GAS_LIMIT.0),
        "baseFeePerGas": U256::from(1_000_000_000),
        "timestamp": U256::from(1_000),
    })
}

async fn mine(provider: &impl Provider) {
    provider
        .raw_request::<_, String>("evm_mine".into(), ())
        .await
        .unwrap();
}

async fn latest(provider: &impl Provider) -> RpcBlock {
    provider
        .get_block_by_number(Default::default())
        .await
        .unwrap()
        .unwrap()
}

/// Tern's side.
struct Tern {
    nodes: Arc<MemoryNodes>,
    root: B256,
    parent: Header,
    hashes: HashWindow,
    /// Contracts created so far.
    created: Vec<Address>,
}

impl Tern {
    async fn new(corpus: &Corpus, provider: &impl Provider) -> Self {
        let (root, nodes, codes) = corpus.genesis.build().unwrap();
        let source = MemoryNodes::new();
        source.extend(&nodes, &codes);
        let header = latest(provider).await.header;
        Self {
            nodes: Arc::new(source),
            root,
            parent: header.inner.clone(),
            hashes: HashWindow::new([header.inner.parent_hash, header.hash]),
            created: Vec::new(),
        }
    }

    fn state(&self) -> StateView {
        StateView::new(self.nodes.clone(), self.root)
    }

    /// Executes a block in the environment of the other side's.
    fn execute(&mut self, block: &Block, theirs: &RpcBlock) -> SealedOutcome {
        let rules = ChainRules::plain(CHAIN);
        let header = &theirs.header.inner;
        let base_fee = header.base_fee_per_gas.unwrap();
        assert_eq!(
            base_fee,
            next_base_fee(&self.parent),
            "{}: base fee",
            block.name
        );
        let environment = BlockEnvironment::of(&rules, header);
        let mut builder = open(&self.state(), rules, environment, self.hashes.clone()).unwrap();
        for (index, transaction) in block.transactions.iter().enumerate() {
            let executed = builder.execute(transaction.raw.clone());
            let executed =
                executed.unwrap_or_else(|error| panic!("{} {index}: {error}", block.name));
            let succeeds = executed.outcome.is_success();
            assert_eq!(succeeds, transaction.succeeds, "{} {index}", block.name);
            let receipt = &executed.receipt;
            self.created.extend(receipt.contract_address);
            // The factory logs the addresses that it creates.
            let logs = receipt.envelope.logs().iter();
            let created = logs.filter(|log| log.address == contracts::FACTORY);
            self.created
                .extend(created.map(|log| Address::from_slice(&log.data.data[12..32])));
        }
        let sealed = builder.seal().unwrap();
        self.nodes.extend(&sealed.nodes, &sealed.codes);
        self.root = sealed.block.header.state_root;
        self.parent = header.clone();
        self.hashes.push(theirs.header.hash);
        sealed
    }
}

async fn receipts_are_equal(block: &Block, ours: &SealedOutcome, provider: &impl Provider) {
    let number = ours.block.header.number;
    let theirs = provider
        .get_block_receipts(number.into())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ours.block.receipts.len(), theirs.len(), "{}", block.name);
    for (index, (ours, theirs)) in ours.block.receipts.iter().zip(&theirs).enumerate() {
        assert_eq!(facts(ours), their_facts(theirs), "{} {index}", block.name);
    }
}

/// What two receipts must agree in.
#[derive(Debug, PartialEq)]
struct Facts {
    hash: B256,
    from: Address,
    success: bool,
    gas_used: u64,
    cumulative_gas_used: u64,
    effective_gas_price: u128,
    contract: Option<Address>,
    kind: u8,
    logs: Vec<alloy::primitives::Log>,
}

fn facts(receipt: &Receipt) -> Facts {
    Facts {
        hash: receipt.transaction_hash,
        from: receipt.from,
        success: receipt.envelope.status(),
        gas_used: receipt.gas_used,
        cumulative_gas_used: receipt.envelope.cumulative_gas_used(),
        effective_gas_price: receipt.effective_gas_price,
        contract: receipt.contract_address,
        kind: receipt.envelope.tx_type() as u8,
        logs: receipt.envelope.logs().to_vec(),
    }
}

fn their_facts(receipt: &TransactionReceipt) -> Facts {
    Facts {
        hash: receipt.transaction_hash,
        from: receipt.from,
        success: receipt.status(),
        gas_used: receipt.gas_used,
        cumulative_gas_used: receipt.inner.cumulative_gas_used(),
        effective_gas_price: receipt.effective_gas_price,
        contract: receipt.contract_address,
        kind: receipt.transaction_type() as u8,
        logs: receipt.logs().iter().map(|log| log.inner.clone()).collect(),
    }
}

/// Balances, nonces, codes and slots of everything that the corpus touches.
async fn accounts_are_equal(block: &Block, tern: &Tern, provider: &impl Provider) {
    let state = tern.state();
    let senders = (0..5).map(|index| signer(index).address());
    let contracts = contracts::all().into_iter().map(|(address, _)| address);
    let others = [0, 1, 2, 3, 9, 10, 11].map(Address::with_last_byte);
    let fresh = [0x44, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbe].map(Address::repeat_byte);
    let touched = senders.chain(contracts).chain(others).chain(fresh);
    for address in touched.chain(tern.created.iter().copied()) {
        let account = state.account(address).unwrap().unwrap_or_default();
        let ours = (
            account.balance,
            account.nonce,
            state.code_of(address).unwrap(),
        );
        let theirs: (U256, u64, Bytes) = (
            provider.get_balance(address).await.unwrap(),
            provider.get_transaction_count(address).await.unwrap(),
            provider.get_code_at(address).await.unwrap(),
        );
        assert_eq!(ours, theirs, "{}: {address}", block.name);
        for slot in [0, 1, 2, 3, 5, 7, 8, 100, 119, 254, 255].map(U256::from) {
            let ours = state.storage(address, slot).unwrap();
            let theirs = provider.get_storage_at(address, slot).await.unwrap();
            assert_eq!(ours, theirs, "{}: slot {slot} of {address}", block.name);
        }
    }
}
