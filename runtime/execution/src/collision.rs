//! EIP-7610: a creation collides with an account that has storage, even without nonce and code.
//!
//! revm looks at nonce and code alone. Accounts with nothing but storage cannot come to exist under Cancun
//! rules; only a genesis could hold them (and ours may not, see [`crate::GenesisState::block`]), and the
//! public test vectors do. So transactions run without this inspector, and again with it when they met such
//! an account.

use std::collections::HashSet;

use alloy::primitives::{Address, Bytes};
use revm::Inspector;
use revm::context_interface::journaled_state::account::JournaledAccountTr;
use revm::context_interface::{ContextTr, JournalTr};
use revm::interpreter::{
    CreateInputs, CreateOutcome, Gas, InstructionResult, InterpreterResult,
    interpreter::EthInterpreter,
};
use revm::primitives::constants::CALL_STACK_LIMIT;

/// Ends creations at addresses that hold nothing but storage.
pub(crate) struct Collisions {
    /// The accounts with nothing but storage.
    pub(crate) occupied: HashSet<Address>,
}

impl<C: ContextTr> Inspector<C, EthInterpreter> for Collisions {
    fn create(&mut self, context: &mut C, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        let journal = context.journal_mut();
        // What fails before the collision check is left to revm.
        if journal.depth() as u64 > CALL_STACK_LIMIT {
            return None;
        }
        let mut caller = journal.load_account_mut(inputs.caller()).ok()?;
        if *caller.balance() < inputs.value() {
            return None;
        }
        let address = inputs.created_address(caller.nonce());
        if !self.occupied.contains(&address) {
            return None;
        }
        // From here on as revm does on a collision: the nonce counts up, the address is warm, the gas gone.
        if !caller.bump_nonce() {
            return None;
        }
        drop(caller);
        journal.load_account(address).ok()?;
        let result = InstructionResult::CreateCollision;
        let gas = Gas::new_spent_with_reservoir(inputs.gas_limit(), 0);
        let result = InterpreterResult {
            result,
            output: Bytes::new(),
            gas,
        };
        Some(CreateOutcome::new(result, None))
    }
}
