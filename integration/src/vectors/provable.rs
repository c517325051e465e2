//! State tests as blocks of a provable chain.
//!
//! A case becomes a block with one transaction, on the case's state with the EIP-4788 contract added, in the
//! case's environment. Where a chain of ours could not have such a block, it is adapted, as little as possible:
//!
//! * The prover's machine holds gas in 32 bits: block gas limits above are lowered to that.
//! * A transaction that asks for more gas than the block has is signed again with the block's limit.
//! * A transaction that takes more than [`MACHINE`] allows is signed again with less gas, see `GAS_LIMITS`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use alloy::consensus::{Transaction, TxEnvelope};
use alloy::eips::eip2718::Decodable2718;
use alloy::primitives::Bytes;
use anyhow::{Context, Result, bail};
use tern_execution::conformance::{open, witness};
use tern_execution::{
    BatchLimits, BlockEnvironment, ChainRules, ExecutionError, MachineLimits, MachineWork,
    MemoryNodes, SealedOutcome, StateView,
};
use tern_messages::{BlockWitness, Gas, TransactionBatch};
use tern_proving::simulate::{count, most_cells};
use tern_proving::{Profile, Simulation, simulate};

use super::state::{CHAIN, StateCase};

/// What proving a case may take, so that simulating it takes seconds: less than the node allows.
pub const MACHINE: MachineLimits = MachineLimits {
    cycles: 3_000_000,
    cells: 330_000,
};

/// Gas limits to try one after the other with a transaction that takes more.
const GAS_LIMITS: [u64; 5] = [3_000_000, 1_000_000, 400_000, 150_000, 80_000];

const LIMITS: BatchLimits = BatchLimits {
    transactions: 1,
    gas: u64::MAX,
    cycles: u64::MAX,
};

/// Why a case is no block.
#[derive(Debug)]
pub enum NoBlock {
    /// Its transaction is refused, as no node would accept it.
    Refused(ExecutionError),
    /// It could not be made.
    Failed(anyhow::Error),
}

/// A case as a block.
#[derive(Debug)]
pub struct CaseBlock {
    /// What its proof needs.
    pub witness: BlockWitness,
    /// What its transaction takes to prove, at most.
    pub work: MachineWork,
}

/// The case's block.
///
/// # Errors
/// If its transaction is refused, or the block cannot be made.
pub fn block_of(case: &StateCase) -> Result<CaseBlock, NoBlock> {
    prepare(case).map_err(NoBlock::Failed)?.block(case)
}

/// How many cycles a batch takes when it runs through the machine's kernel, uncut.
///
/// # Errors
/// What the machine says. A panic there is an error here.
pub fn counted(batch: &TransactionBatch) -> Result<u64> {
    caught(|| Ok(count(batch)?.equivalent_cycles()))
}

/// The segments into which a batch is cut for proving.
///
/// # Errors
/// As [`counted`].
pub fn simulated(batch: &TransactionBatch) -> Result<Simulation> {
    caught(|| Ok(simulate(batch, Profile::Secure)?))
}

/// The most cells of memory that the machine has in use at any of many moments: at the ends of segments of 2^15
/// cycles.
///
/// # Errors
/// As [`counted`].
pub fn cells(batch: &TransactionBatch) -> Result<u64> {
    caught(|| Ok(most_cells(batch, 15)?))
}

fn caught<T>(run: impl FnOnce() -> Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(outcome) => outcome,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).into()));
            bail!("panic: {}", text.unwrap_or_default())
        }
    }
}

/// A case's state and block, before its transaction.
struct Prepared {
    state: StateView,
    rules: ChainRules,
    environment: BlockEnvironment,
}

fn prepare(case: &StateCase) -> Result<Prepared> {
    let (root, nodes, codes) = case.state.clone().with_beacon_roots().build()?;
    let source = MemoryNodes::new();
    source.extend(&nodes, &codes);
    let mut environment = case.environment;
    environment.gas_limit = Gas(environment.gas_limit.0.min(u64::from(u32::MAX)));
    Ok(Prepared {
        state: StateView::new(Arc::new(source), root),
        rules: ChainRules::provable(CHAIN).limited(MACHINE),
        environment,
    })
}

impl Prepared {
    fn block(&self, case: &StateCase) -> Result<CaseBlock, NoBlock> {
        let failed = NoBlock::Failed;
        let limit = self.environment.gas_limit.0;
        let raw = case.protected().map_err(failed)?;
        let raw = with_gas_limit(case, raw, limit).map_err(failed)?;
        let mut executed = self.execute(case, raw.clone());
        for gas in GAS_LIMITS {
            if !matches!(
                executed,
                Err(NoBlock::Refused(ExecutionError::Unprovable { .. }))
            ) {
                break;
            }
            let raw = with_gas_limit(case, raw.clone(), gas).map_err(failed)?;
            executed = self.execute(case, raw);
        }
        let (sealed, work) = executed?;
        let replayed = witness(
            &self.state,
            self.rules,
            self.environment,
            &case.hashes,
            &sealed.block,
            LIMITS,
        );
        let witness = replayed.map_err(|error| failed(error.into()))?.witness;
        Ok(CaseBlock { witness, work })
    }

    fn execute(
        &self,
        case: &StateCase,
        raw: Bytes,
    ) -> Result<(SealedOutcome, MachineWork), NoBlock> {
        let hashes = case.hashes.clone();
        let mut builder = open(&self.state, self.rules, self.environment, hashes)
            .map_err(|error| NoBlock::Failed(error.into()))?;
        let executed = builder.execute(raw).map_err(NoBlock::Refused)?;
        let sealed = builder
            .seal()
            .map_err(|error| NoBlock::Failed(error.into()))?;
        Ok((sealed, executed.work))
    }
}

/// The transaction, signed again with at most this gas limit if it asks for more.
fn with_gas_limit(case: &StateCase, raw: Bytes, limit: u64) -> Result<Bytes> {
    let Ok(envelope) = TxEnvelope::decode_2718_exact(&raw) else {
        return Ok(raw);
    };
    if envelope.gas_limit() <= limit {
        return Ok(raw);
    }
    match envelope {
        TxEnvelope::Legacy(signed) => {
            let mut transaction = signed.strip_signature();
            transaction.gas_limit = limit;
            case.sign(transaction)
        }
        TxEnvelope::Eip2930(signed) => {
            let mut transaction = signed.strip_signature();
            transaction.gas_limit = limit;
            case.sign(transaction)
        }
        TxEnvelope::Eip1559(signed) => {
            let mut transaction = signed.strip_signature();
            transaction.gas_limit = limit;
            case.sign(transaction)
        }
        _ => Ok(raw),
    }
    .with_context(|| format!("signing {} again", case.name))
}
