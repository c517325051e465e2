//! Transactions drawn from a grammar that is aimed at the edges of the EVM: who executes one that the prover's
//! machine sees otherwise, or not at all, stops the chain.
//!
//! ```text
//! seed --grammar--> two contracts and a transaction --> execution, replay (roots, receipts, the meter's bound)
//!                                                                |
//!             refused, alike, or a find: the machine disagrees, stops, or takes more cycles or cells <-- kernel run
//! ```

mod grammar;

use std::fmt;

use alloy::primitives::{Address, Bytes, U256, hex};
use tern_execution::{BatchLimits, ExecutionError, GenesisAccount, MachineLimits};

use crate::corpus::chain::TestChain;
use crate::corpus::{Send, genesis};
use crate::vectors::provable::{cells, counted};

/// The contract that is called.
pub const ATTACKER: Address = Address::repeat_byte(0xaa);
/// A contract that it may call.
pub const CALLEE: Address = Address::repeat_byte(0xca);

/// Less than a node allows, so that a case takes no more than seconds.
const MACHINE: MachineLimits = MachineLimits {
    cycles: 3_000_000,
    cells: 330_000,
};

const BATCHES: BatchLimits = BatchLimits {
    transactions: 4,
    gas: u64::MAX,
    cycles: u64::MAX,
};

/// Two contracts and what is sent, in one block.
#[derive(Clone, Debug)]
pub struct Case {
    /// Code of [`ATTACKER`].
    pub attacker: Bytes,
    /// Code of [`CALLEE`].
    pub callee: Bytes,
    /// The transactions, with nonces from 0.
    pub transactions: Vec<Send>,
}

/// What became of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The node refuses a transaction: too much to prove.
    Refused,
    /// Execution and machine agree, and the bounds of the meter hold.
    Alike,
}

/// A case that stops the chain.
#[derive(Clone, Debug)]
pub struct Find {
    case: Case,
    what: String,
}

impl fmt::Display for Find {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.what)?;
        writeln!(f, "  attacker {}", hex::encode(&self.case.attacker))?;
        writeln!(f, "  callee   {}", hex::encode(&self.case.callee))?;
        for (nonce, send) in (0..).zip(&self.case.transactions) {
            writeln!(f, "  sent     {}", hex::encode(send.sign(nonce)))?;
        }
        Ok(())
    }
}

impl Case {
    /// The case of a seed.
    pub fn of_seed(seed: u64) -> Self {
        grammar::case(seed)
    }

    /// One call of a contract with this code.
    pub fn calling(attacker: Bytes, callee: Bytes) -> Self {
        let transactions = vec![Send::to(ATTACKER)];
        Self {
            attacker,
            callee,
            transactions,
        }
    }

    /// Executes the case, and runs it through the machine.
    ///
    /// # Errors
    /// If that would stop the chain.
    pub fn carry_out(&self) -> Result<Fate, Box<Find>> {
        let find = |what: String| {
            let case = self.clone();
            Box::new(Find { case, what })
        };
        let mut state = genesis();
        for (address, code) in [(ATTACKER, &self.attacker), (CALLEE, &self.callee)] {
            let account = GenesisAccount {
                balance: U256::from(1_000),
                nonce: 1,
                code: code.clone(),
                ..GenesisAccount::default()
            };
            state.accounts.insert(address, account);
        }
        let raw: Vec<Bytes> = (0..)
            .zip(&self.transactions)
            .map(|(nonce, send)| send.sign(nonce))
            .collect();
        let mut chain =
            TestChain::limited(&state, MACHINE).map_err(|error| find(format!("{error:#}")))?;
        let built = match chain.build_measured(&raw, BATCHES) {
            Ok(built) => built,
            Err(error) => {
                return match error.downcast_ref() {
                    Some(ExecutionError::Unprovable { .. }) => Ok(Fate::Refused),
                    _ => Err(find(format!("it is not executed: {error:#}"))),
                };
            }
        };
        for batch in &built.witness.batches {
            let taken = counted(batch)
                .map_err(|error| find(format!("the machine does not follow: {error:#}")))?;
            let work = built.work_of(batch);
            let bound = work.cycles;
            if taken > bound {
                return Err(find(format!("{taken} cycles, the bound is {bound}")));
            }
            let taken = cells(batch)
                .map_err(|error| find(format!("the machine does not follow: {error:#}")))?;
            let bound = MachineLimits::KERNEL_CELLS + work.cells;
            if taken > bound {
                return Err(find(format!("{taken} cells, the bound is {bound}")));
            }
        }
        Ok(Fate::Alike)
    }
}
