//! What settlement costs in gas, with the real contracts on `anvil`: `scripts/contracts gas`. Two tables go to stdout.
//!
//! The verifier's gas is measured with a real proof; in the other measurements a verifier that accepts everything
//! stands in for it, since they need no proofs of their own.

#![expect(clippy::unwrap_used, reason = "a measurement: what fails ends it")]

#[path = "../../tests/on_anvil/chain.rs"]
mod chain;
#[path = "../../tests/on_anvil/network.rs"]
mod network;
#[path = "../../tests/on_anvil/settled.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod settled;
mod traffic;
mod verifier;

use alloy::primitives::Bytes;
use alloy::sol_types::SolCall;
use tern_messages::{Batch, Proof};
use tern_settlement::IRollup::{self, IRollupErrors};
use tern_settlement::{Call, InboxProof};

use settled::{Settled, unevaluated};
use traffic::traffic;

/// Transactions in a batch of one block.
const TRANSACTIONS: [usize; 4] = [1, 10, 100, 1_000];
/// Batches in a proof, with ten transactions each.
const BATCHES: [u64; 5] = [1, 4, 16, 64, 224];
/// Blocks of one transaction in a batch.
const BLOCKS: usize = 21;

/// What one L2 transaction costs.
#[derive(Clone, Copy)]
struct Cost {
    /// Under Cancun's prices, in all.
    gas: u64,
    /// Of it calldata.
    calldata: u64,
    /// EIP-7623's least price.
    floor: u64,
}

impl Cost {
    const TRANSACTION: u64 = 21_000;

    fn of(call: &Call, gas: u64) -> Self {
        let zeros = call.data.iter().filter(|byte| **byte == 0).count() as u64;
        let others = call.data.len() as u64 - zeros;
        Self {
            gas,
            calldata: 4 * zeros + 16 * others,
            floor: Self::TRANSACTION + 10 * (zeros + 4 * others),
        }
    }

    fn beyond_calldata(self) -> u64 {
        self.gas - self.calldata
    }

    /// Where calldata has a least price.
    fn with_floor(self) -> u64 {
        self.gas.max(self.floor)
    }
}

#[tokio::main]
async fn main() {
    let [verifier, attested] = verifier::costs().await;
    println!(
        "Verifying a proof, the whole transaction: {} gas ({} under EIP-7623), of it {} for calldata.\n",
        grouped(verifier.gas),
        grouped(verifier.with_floor()),
        grouped(verifier.calldata)
    );
    println!(
        "With the signatures of two of three watchers beside it: {} gas ({} under EIP-7623).\n",
        grouped(attested.gas),
        grouped(attested.with_floor())
    );
    // Within a larger transaction, its calldata and execution come on top.
    let within = Cost {
        gas: verifier.gas - Cost::TRANSACTION,
        calldata: verifier.calldata,
        floor: verifier.floor - Cost::TRANSACTION,
    };
    per_transaction(within).await;
    per_block().await;
    per_proof(within).await;
}

async fn per_block() {
    let mut costs = Vec::new();
    for count in [1, BLOCKS] {
        let settled = Settled::start().await;
        let transactions = traffic(count).into_iter().map(|one| vec![one]).collect();
        let anchor = settled.anchor().await;
        let batch = chain::batch_of(1, &settled.genesis, anchor, transactions);
        let (commit, _) = committed(&settled, None, &batch).await;
        let prove = proven(&settled, &[batch]).await;
        costs.push(commit.beyond_calldata() + prove.beyond_calldata());
    }
    let more = (costs[1] - costs[0]) / (BLOCKS as u64 - 1);
    println!(
        "\nEach more block, with its one transaction: {} gas beyond calldata.",
        grouped(more)
    );
}

async fn per_transaction(verifier: Cost) {
    println!(
        "| transactions in a batch | signed bytes | posted bytes | ratio | commit | of it calldata | prove, without \
         the verifier | beyond calldata, each more | all, each |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    );
    let mut fewer = None;
    for count in TRANSACTIONS {
        let settled = Settled::start().await;
        let transactions = traffic(count);
        let signed: usize = transactions.iter().map(|bytes| bytes.len()).sum();
        let anchor = settled.anchor().await;
        let batch = chain::batch_of(1, &settled.genesis, anchor, vec![transactions]);
        let (commit, posted) = committed(&settled, None, &batch).await;
        let prove = proven(&settled, &[batch]).await;
        let (n, all) = (count as u64, commit.gas + prove.gas + verifier.gas);
        let beyond = commit.beyond_calldata() + prove.beyond_calldata();
        let more = fewer.map(|(fewer, gas)| grouped((beyond - gas) / (n - fewer)));
        fewer = Some((n, beyond));
        println!(
            "| {} | {} | {} | {:.2} | {} | {} | {} | {} | {} |",
            grouped(n),
            grouped(signed as u64),
            grouped(posted as u64),
            signed as f64 / posted as f64,
            grouped(commit.gas),
            grouped(commit.calldata),
            grouped(prove.gas),
            more.unwrap_or_default(),
            grouped(all / n),
        );
    }
}

async fn per_proof(verifier: Cost) {
    println!(
        "\n| batches in a proof | transactions | commits | proof, with the verifier | all, each transaction | \
         under EIP-7623 |\n|---:|---:|---:|---:|---:|---:|"
    );
    for count in BATCHES {
        let settled = Settled::start().await;
        let anchor = settled.anchor().await;
        let mut batches: Vec<Batch> = Vec::new();
        let (mut commits, mut with_floor) = (0, 0);
        for (number, transactions) in (1..=count).zip(traffic(10 * count as usize).chunks(10)) {
            let last = batches.last().map(|batch| &batch.blocks[0].header);
            let parent = last.unwrap_or(&settled.genesis);
            let batch = chain::batch_of(number, parent, anchor, vec![transactions.to_vec()]);
            let (cost, _) = committed(&settled, batches.last(), &batch).await;
            commits += cost.gas;
            with_floor += cost.with_floor();
            batches.push(batch);
        }
        let prove = proven(&settled, &batches).await;
        let proof = Cost {
            gas: prove.gas + verifier.gas,
            calldata: prove.calldata + verifier.calldata,
            floor: prove.floor + verifier.floor,
        };
        let n = 10 * count;
        println!(
            "| {} | {} | {} | {} | {} | {} |",
            grouped(count),
            grouped(n),
            grouped(commits),
            grouped(proof.gas),
            grouped((commits + proof.gas) / n),
            grouped((with_floor + proof.with_floor()) / n),
        );
    }
}

/// Commits a batch; the cost, and the bytes that its transactions take.
async fn committed(settled: &Settled, previous: Option<&Batch>, batch: &Batch) -> (Cost, usize) {
    let Settled {
        rollup, operator, ..
    } = settled;
    let previous = match previous {
        Some(previous) => rollup.previous_batch(previous).await.unwrap(),
        None => rollup.genesis(&settled.genesis),
    };
    let call = rollup.commit(&previous, batch).await.unwrap();
    let mined = operator.send("a commit", &call).await.unwrap();
    let posted = IRollup::commitBatchCall::abi_decode(&call.data).unwrap();
    let cost = Cost::of(&call, mined.gas_used);
    (cost, posted.transactions.len())
}

/// Has consecutive batches proven at once, by an empty proof.
async fn proven(settled: &Settled, batches: &[Batch]) -> Cost {
    let mut statement = unevaluated();
    let proof = Proof {
        bytes: Bytes::new(),
    };
    loop {
        let messages = InboxProof::default();
        let call = settled.rollup.prove(batches, &statement, &proof, messages);
        let call = call.await.unwrap();
        let error = match settled.operator.send("a proof", &call).await {
            Ok(mined) => return Cost::of(&call, mined.gas_used),
            Err(error) => error,
        };
        let Some(IRollupErrors::EvaluationMismatch(mismatch)) = error.rollup_error() else {
            panic!("{error}");
        };
        statement.evaluation = mismatch.computed;
    }
}

/// With commas.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().collect();
    String::from_utf8(groups.join(&b',')).unwrap()
}
