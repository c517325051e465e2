//! The compiled contract in revm.

use std::path::PathBuf;

use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolValue;
use revm::context::TxEnv;
use revm::context::result::{ExecutionResult, Output};
use revm::database::{CacheDB, EmptyDB};
use revm::primitives::TxKind;
use revm::primitives::hardfork::SpecId;
use revm::{Context, ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext};
use tern_messages::StatementDigest;

use crate::onchain::VerifierKey;

type Database = CacheDB<EmptyDB>;

/// What the contract made of a proof.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Accepted {
        gas: u64,
    },
    Refused,
    /// With these four bytes of the error.
    Reverted([u8; 4]),
}

/// A deployed `Plonky2Verifier`.
#[derive(Clone)]
pub(super) struct Contract {
    state: Database,
    address: Address,
}

impl Contract {
    /// Deploys the contract that forge built (`scripts/contracts build`).
    pub(super) fn deploy(key: &VerifierKey) -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../settlement/artifacts/Plonky2Verifier.json");
        let artifact = std::fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!("{}: {error}; run scripts/contracts build", path.display())
        });
        let artifact: serde_json::Value = serde_json::from_str(&artifact).unwrap();
        let mut code = hex::decode(
            artifact["bytecode"]
                .as_str()
                .unwrap()
                .trim_start_matches("0x"),
        )
        .unwrap();
        code.extend(key.constructor_arguments());
        let mut evm = Context::mainnet()
            .with_db(Database::default())
            .modify_cfg_chained(cancun)
            .build_mainnet();
        let transaction = TxEnv::builder()
            .kind(TxKind::Create)
            .data(code.into())
            .gas_limit(30_000_000);
        let result = evm.transact_commit(transaction.build().unwrap()).unwrap();
        let ExecutionResult::Success {
            output: Output::Create(_, Some(address)),
            ..
        } = result
        else {
            panic!("the contract is not deployed: {result:?}");
        };
        Self {
            state: evm.ctx.journaled_state.database.clone(),
            address,
        }
    }

    /// Calls `verify(proof, statement)`.
    pub(super) fn verify(&self, proof: &[u8], statement: &StatementDigest) -> Answer {
        self.call(verify_call(proof, &statement.0.map(U256::from)))
    }

    /// The contract's second half, which checks the constraints.
    pub(super) fn constraints(&self) -> Self {
        Self {
            state: self.state.clone(),
            address: self.address.create(1),
        }
    }

    /// Calls with this calldata.
    pub(super) fn call(&self, input: Vec<u8>) -> Answer {
        let mut evm = Context::mainnet()
            .with_db(self.state.clone())
            .modify_cfg_chained(cancun)
            .build_mainnet();
        let transaction = TxEnv::builder()
            .nonce(1)
            .kind(TxKind::Call(self.address))
            .data(input.into())
            .gas_limit(16_000_000);
        let result = evm.transact(transaction.build().unwrap()).unwrap().result;
        let gas = result.tx_gas_used();
        match result {
            ExecutionResult::Success { output, .. } => {
                match bool::abi_decode(output.data()).unwrap() {
                    true => Answer::Accepted { gas },
                    false => Answer::Refused,
                }
            }
            ExecutionResult::Revert { output, .. } => Answer::Reverted(
                output
                    .get(..4)
                    .and_then(|bytes| bytes.try_into().ok())
                    .unwrap_or_default(),
            ),
            ExecutionResult::Halt { reason, .. } => panic!("{reason:?}"),
        }
    }
}

/// Calldata of `verify(bytes,uint64[4])`.
pub(super) fn verify_call(proof: &[u8], statement: &[U256; 4]) -> Vec<u8> {
    let selector = &alloy::primitives::keccak256("verify(bytes,uint64[4])")[..4];
    [
        selector,
        &(Bytes::copy_from_slice(proof), *statement).abi_encode_params(),
    ]
    .concat()
}

/// The four bytes by which an error is known.
pub(super) fn error(signature: &str) -> Answer {
    Answer::Reverted(
        alloy::primitives::keccak256(signature)[..4]
            .try_into()
            .unwrap(),
    )
}

fn cancun(configuration: &mut revm::context::CfgEnv) {
    configuration.set_spec_and_mainnet_gas_params(SpecId::CANCUN);
}
