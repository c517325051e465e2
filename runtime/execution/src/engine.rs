//! The one place where revm is called.

use alloy::primitives::{Address, Bytes};
use revm::context::{BlockEnv, CfgEnv, TxEnv};
use revm::context_interface::result::{EVMError, ExecutionResult, HaltReason, ResultAndState};
use revm::primitives::hardfork::SpecId;
use revm::{Context, ExecuteEvm, InspectEvm, Journal, MainBuilder, SystemCallEvm};

use crate::collision::Collisions;
use crate::database::BlockState;
use crate::environment::ChainRules;
use crate::error::{ExecutionError, StateError};
use crate::meter::{MachineWork, Meter, transaction_work};
use crate::validation::refusal;

type Inside<'a, 'b> =
    Context<BlockEnv, TxEnv, CfgEnv, &'a mut BlockState<'b>, Journal<&'a mut BlockState<'b>>, ()>;

/// What the EVM did, and the accounts and slots that it loaded or changed.
pub(crate) type Executed = ResultAndState<HaltReason>;

fn inside<'a, 'b>(
    state: &'a mut BlockState<'b>,
    block: BlockEnv,
    configuration: CfgEnv,
) -> Inside<'a, 'b> {
    Inside::new(state, SpecId::CANCUN)
        .with_cfg(configuration)
        .with_block(block)
}

/// What a transaction did, and what proving that takes.
pub(crate) struct Ran {
    pub(crate) executed: Executed,
    /// Nothing if it was not metered.
    pub(crate) work: MachineWork,
}

/// Runs a transaction, metered if the rules have limits. The state itself does not change.
pub(crate) fn transact(
    mut state: BlockState<'_>,
    block: BlockEnv,
    rules: &ChainRules,
    configuration: CfgEnv,
    transaction: TxEnv,
) -> Result<Ran, ExecutionError> {
    let caller = transaction.caller;
    let limits = rules.machine;
    let before = transaction_work(&transaction);
    let run =
        |state: &mut BlockState<'_>, meter: Option<&mut Meter>, collisions: Option<Collisions>| {
            let context = inside(state, block.clone(), configuration.clone());
            let (transaction, precompiles) = (transaction.clone(), rules.precompiles());
            match (meter, collisions) {
                (None, None) => context
                    .build_mainnet()
                    .with_precompiles(precompiles)
                    .transact(transaction),
                (Some(meter), None) => context
                    .build_mainnet_with_inspector(meter)
                    .with_precompiles(precompiles)
                    .inspect_tx(transaction),
                (None, Some(collisions)) => context
                    .build_mainnet_with_inspector(collisions)
                    .with_precompiles(precompiles)
                    .inspect_tx(transaction),
                (Some(meter), Some(collisions)) => context
                    .build_mainnet_with_inspector((collisions, meter))
                    .with_precompiles(precompiles)
                    .inspect_tx(transaction),
            }
        };
    let mut meter = limits.map(|limits| Meter::new(limits, before));
    let mut result = run(&mut state, meter.as_mut(), None);
    if result.is_ok() && !state.only_storage.is_empty() {
        let occupied = state.only_storage.clone();
        meter = limits.map(|limits| Meter::new(limits, before));
        result = run(&mut state, meter.as_mut(), Some(Collisions { occupied }));
    }
    let executed = result.map_err(|error| match error {
        EVMError::Transaction(invalid) => refusal(invalid, caller, &configuration),
        EVMError::Database(state) => ExecutionError::State(state),
        other => ExecutionError::Refused {
            reason: other.to_string(),
        },
    })?;
    let mut work = MachineWork::default();
    if let (Some(meter), Some(limits)) = (&meter, limits) {
        work = meter.finish()?;
        for (address, account) in &executed.state {
            let slots = account.storage.keys().copied();
            work = work.with(state.view.tries_work(*address, slots)?);
            // A metered transaction touches few enough for this to end soon.
            work.check(&limits)?;
        }
        // Listed, and perhaps not used.
        for item in transaction.access_list.iter() {
            let slots = item.storage_keys.iter().map(|slot| (*slot).into());
            work = work.with(state.view.tries_work(item.address, slots)?);
            work.check(&limits)?;
        }
    }
    Ok(Ran { executed, work })
}

/// Runs a system call (EIP-4788): no fee, no nonce, no value.
pub(crate) fn system_call(
    mut state: BlockState<'_>,
    block: BlockEnv,
    configuration: CfgEnv,
    contract: Address,
    data: Bytes,
) -> Result<Executed, StateError> {
    let mut evm = inside(&mut state, block, configuration).build_mainnet();
    evm.system_call(contract, data)
        .map_err(|error| match error {
            EVMError::Database(state) => state,
            other => StateError::Update {
                reason: format!("the system call failed: {other}"),
            },
        })
}

/// go-ethereum's words for a halt.
pub(crate) fn halt_text(reason: &HaltReason) -> String {
    match reason {
        HaltReason::OutOfGas(_) => "out of gas".to_owned(),
        HaltReason::OpcodeNotFound | HaltReason::InvalidFEOpcode => "invalid opcode".to_owned(),
        HaltReason::InvalidJump => "invalid jump destination".to_owned(),
        HaltReason::StackUnderflow => "stack underflow".to_owned(),
        HaltReason::StackOverflow => "stack limit reached 1024".to_owned(),
        HaltReason::OutOfOffset => "return data out of bounds".to_owned(),
        HaltReason::CreateCollision => "contract address collision".to_owned(),
        HaltReason::NonceOverflow => "nonce uint64 overflow".to_owned(),
        HaltReason::CreateContractSizeLimit => "max code size exceeded".to_owned(),
        HaltReason::CreateContractStartingWithEF => {
            "invalid code: must not begin with 0xef".to_owned()
        }
        HaltReason::CreateInitCodeSizeLimit => "max initcode size exceeded".to_owned(),
        HaltReason::StateChangeDuringStaticCall | HaltReason::CallNotAllowedInsideStatic => {
            "write protection".to_owned()
        }
        HaltReason::CallTooDeep => "max call depth exceeded".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Whether gas ran out, so that more gas might have helped.
pub(crate) fn ran_out_of_gas(result: &ExecutionResult) -> bool {
    matches!(
        result,
        ExecutionResult::Halt {
            reason: HaltReason::OutOfGas(_),
            ..
        }
    )
}
