//! Executing again what was confirmed in blocks that were taken back, before anything new is accepted.

use alloy::consensus::Transaction;
use alloy::primitives::{Address, B256, Bytes};
use tern_execution::SignedTransaction;
use tern_messages::Rejection;
use tracing::{error, info, warn};

use super::{Attempt, Engine, MAX_TURN, Turn};
use crate::main_node::chain::ChainError;
use crate::main_node::open_block::OpenBlock;
use crate::main_node::tables::RETURNED;

/// A transaction that was confirmed and cannot be executed any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Its hash.
    pub transaction: B256,
    /// Who signed it.
    pub sender: Address,
    /// Its nonce.
    pub nonce: u64,
    /// Why not.
    pub reason: Rejection,
}

/// What became of the transactions of blocks that were taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconfirmed {
    /// How many were executed again.
    pub executed: usize,
    /// Those that were not.
    pub lost: Vec<Lost>,
}

impl Engine {
    /// Executes everything that was returned, in order. A crash between leaves the rest for the next time.
    pub(in crate::main_node) fn reconfirm(&mut self) -> Result<Reconfirmed, ChainError> {
        let mut done = Reconfirmed::default();
        loop {
            let rows = self.chain.store.range(&RETURNED, ..).take(MAX_TURN);
            let rows: Vec<(u64, Bytes)> = rows.collect::<Result<_, _>>()?;
            if rows.is_empty() {
                break;
            }
            let mut turn = Turn::default();
            for (index, raw) in rows {
                // In the same step as what becomes of it.
                turn.writes.delete(&RETURNED, &index);
                match self.reconfirm_one(raw, &mut turn)? {
                    None => done.executed += 1,
                    Some(lost) => done.lost.push(lost),
                }
                self.seal_if_due(&mut turn)?;
            }
            self.finish(turn)?;
        }
        if done != Reconfirmed::default() {
            let (executed, lost) = (done.executed, done.lost.len());
            info!(target: "tern::main_node", executed, lost, "executed again what was taken back");
        }
        Ok(done)
    }

    fn reconfirm_one(&mut self, raw: Bytes, turn: &mut Turn) -> Result<Option<Lost>, ChainError> {
        let transaction = match SignedTransaction::decode(raw, self.chain.spec.chain_id()) {
            Ok(transaction) => transaction,
            Err(reason) => {
                error!(target: "tern::main_node", %reason, "a stored transaction cannot be read");
                return Ok(None);
            }
        };
        let (hash, sender) = (transaction.hash(), transaction.sender());
        let nonce = transaction.envelope().nonce();
        let processor = self.chain.spec.processor.as_ref();
        if processor.is_some_and(|processor| processor.address() == sender) {
            // It processed messages for its block; they are processed anew.
            return Ok(None);
        }
        let Err(reason) = self.execute_again(transaction, turn)? else {
            let block = self.open.as_ref().map(OpenBlock::number);
            warn!(target: "tern::main_node", transaction = %hash, block = ?block,
                "a confirmed transaction was taken back, and is confirmed again in another place");
            return Ok(None);
        };
        error!(target: "tern::main_node", transaction = %hash, %sender, nonce, %reason,
            "a confirmed transaction was taken back and cannot be executed any more");
        Ok(Some(Lost {
            transaction: hash,
            sender,
            nonce,
            reason,
        }))
    }

    fn execute_again(
        &mut self,
        transaction: SignedTransaction,
        turn: &mut Turn,
    ) -> Result<Result<(), Rejection>, ChainError> {
        let (sender, nonce) = (transaction.sender(), transaction.envelope().nonce());
        let checked = self.refusals.check(transaction.hash(), sender);
        if let Err(rejection) = checked.and_then(|()| self.check_limits(&transaction)) {
            return Ok(Err(rejection));
        }
        let state = self.ensure_some_open()?.nonce(sender)?;
        if nonce > state {
            let message = format!("nonce too high: address {sender}, tx: {nonce} state: {state}");
            return Ok(Err(Rejection::Invalid { message }));
        }
        let mut attempt = self.attempt(transaction.clone(), turn)?;
        if matches!(attempt, Attempt::Wait) {
            self.seal(turn, "room for what was taken back")?;
            attempt = self.attempt(transaction, turn)?;
        }
        Ok(match attempt {
            Attempt::Executed(_) => Ok(()),
            Attempt::Refused(rejection) => Err(rejection),
            Attempt::Wait => Err(Rejection::Unprovable {
                reason: "it does not fit into a block".to_owned(),
            }),
        })
    }
}
