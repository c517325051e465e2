//! Transactions that wait: for an earlier nonce of their sender, or for room in the next block.
//!
//! Kept in memory only; nothing is promised about them. All limits are hard, and a refusal says which one
//! was met. What waits is never thrown out for a newcomer, so that nobody can push others out; a sender may
//! replace a transaction of their own by offering at least 10 % more of both fees.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use alloy::consensus::Transaction;
use alloy::primitives::{Address, B256};
use tern_cluster_config::PoolConfig;
use tern_execution::SignedTransaction;
use tern_messages::Rejection;

/// Fees to offer for a replacement, in percent of the waiting transaction's.
const REPLACEMENT_PERCENT: u64 = 110;

/// Transactions that wait.
#[derive(Debug)]
pub(super) struct Pool {
    limits: PoolConfig,
    senders: HashMap<Address, BTreeMap<u64, Waiting>>,
    by_hash: HashMap<B256, (Address, u64)>,
    bytes: u64,
    arrivals: u64,
}

#[derive(Debug)]
struct Waiting {
    transaction: Arc<SignedTransaction>,
    arrival: u64,
    since: Instant,
}

impl Pool {
    pub(super) fn new(limits: PoolConfig) -> Self {
        Self {
            limits,
            senders: HashMap::new(),
            by_hash: HashMap::new(),
            bytes: 0,
            arrivals: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_hash.len()
    }

    pub(super) fn contains(&self, hash: &B256) -> bool {
        self.by_hash.contains_key(hash)
    }

    /// Adds a transaction that was checked against its sender's account.
    pub(super) fn add(
        &mut self,
        transaction: SignedTransaction,
        now: Instant,
    ) -> Result<(), Rejection> {
        let (sender, nonce) = (transaction.sender(), transaction.envelope().nonce());
        let size = transaction.raw().len() as u64;
        let queue = self.senders.get(&sender);
        let replaced = queue
            .and_then(|queue| queue.get(&nonce))
            .map(|waiting| &waiting.transaction);
        let full = |limit| Err(Rejection::PoolFull { limit });
        match replaced {
            Some(waiting) if !outbids(&transaction, waiting) => {
                return Err(Rejection::ReplacementUnderpriced {
                    needed_percent: REPLACEMENT_PERCENT,
                });
            }
            Some(_) => {}
            None if queue.map_or(0, BTreeMap::len) >= self.limits.max_per_sender as usize => {
                return full(format!(
                    "{} transactions of one sender wait",
                    self.limits.max_per_sender
                ));
            }
            None if self.len() >= self.limits.max_transactions as usize => {
                return full(format!(
                    "{} transactions wait",
                    self.limits.max_transactions
                ));
            }
            None => {}
        }
        let freed = replaced.map_or(0, |waiting| waiting.raw().len() as u64);
        if self.bytes - freed + size > self.limits.max_bytes {
            return full(format!(
                "{} bytes of transactions wait",
                self.limits.max_bytes
            ));
        }
        self.remove(sender, nonce);
        self.arrivals += 1;
        self.bytes += size;
        self.by_hash.insert(transaction.hash(), (sender, nonce));
        let waiting = Waiting {
            transaction: Arc::new(transaction),
            arrival: self.arrivals,
            since: now,
        };
        self.senders
            .entry(sender)
            .or_default()
            .insert(nonce, waiting);
        Ok(())
    }

    /// The sender's transaction of this nonce, if it waits.
    pub(super) fn get(&self, sender: Address, nonce: u64) -> Option<Arc<SignedTransaction>> {
        let waiting = self.senders.get(&sender)?.get(&nonce)?;
        Some(Arc::clone(&waiting.transaction))
    }

    /// Removes what waits at this nonce.
    pub(super) fn remove(&mut self, sender: Address, nonce: u64) {
        let Some(queue) = self.senders.get_mut(&sender) else {
            return;
        };
        if let Some(gone) = queue.remove(&nonce) {
            self.bytes -= gone.transaction.raw().len() as u64;
            self.by_hash.remove(&gone.transaction.hash());
        }
        if queue.is_empty() {
            self.senders.remove(&sender);
        }
    }

    /// Removes the sender's transactions below the account's nonce: they can never be executed.
    pub(super) fn remove_below(&mut self, sender: Address, nonce: u64) {
        let Some(queue) = self.senders.get(&sender) else {
            return;
        };
        let used: Vec<u64> = queue.range(..nonce).map(|(nonce, _)| *nonce).collect();
        for nonce in used {
            self.remove(sender, nonce);
        }
    }

    /// The senders with something waiting, by the arrival of their first transaction.
    pub(super) fn senders(&self) -> Vec<Address> {
        let mut senders: Vec<_> = self
            .senders
            .iter()
            .filter_map(|(sender, queue)| Some((queue.values().next()?.arrival, *sender)))
            .collect();
        senders.sort_unstable();
        senders.into_iter().map(|(_, sender)| sender).collect()
    }

    /// Drops what has waited longer than its lifetime; says how many.
    pub(super) fn expire(&mut self, now: Instant) -> usize {
        let lifetime = self.limits.lifetime;
        let old: Vec<_> = self
            .senders
            .iter()
            .flat_map(|(sender, queue)| {
                queue
                    .iter()
                    .map(|(nonce, waiting)| (*sender, *nonce, waiting))
            })
            .filter(|(_, _, waiting)| now.duration_since(waiting.since) > lifetime)
            .map(|(sender, nonce, _)| (sender, nonce))
            .collect();
        for (sender, nonce) in &old {
            self.remove(*sender, *nonce);
        }
        old.len()
    }

    /// Everything that waits.
    pub(super) fn all(&self) -> Vec<Arc<SignedTransaction>> {
        let waiting = self.senders.values().flat_map(BTreeMap::values);
        waiting
            .map(|waiting| Arc::clone(&waiting.transaction))
            .collect()
    }
}

/// Whether `new` offers at least 10 % more than `old`, of the fee cap and of the priority fee.
fn outbids(new: &SignedTransaction, old: &SignedTransaction) -> bool {
    let enough = |new: u128, old: u128| {
        new > old && new.saturating_mul(100) >= old.saturating_mul(u128::from(REPLACEMENT_PERCENT))
    };
    let tip = |tx: &SignedTransaction| tx.envelope().priority_fee_or_price();
    let cap = |tx: &SignedTransaction| tx.envelope().max_fee_per_gas();
    // A tip of nothing cannot be raised by a tenth of it.
    enough(cap(new), cap(old)) && (tip(old) == 0 || enough(tip(new), tip(old)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
    use alloy::eips::eip2718::Encodable2718;
    use alloy::signers::SignerSync;
    use tern_cluster_config::development_key;
    use tern_messages::ChainId;

    use super::*;

    fn transaction(account: u32, nonce: u64, fee: u128) -> SignedTransaction {
        let body = TxEip1559 {
            chain_id: 1,
            nonce,
            gas_limit: 21_000,
            max_fee_per_gas: fee,
            max_priority_fee_per_gas: fee,
            ..TxEip1559::default()
        };
        let signature = development_key(account)
            .sign_hash_sync(&body.signature_hash())
            .unwrap();
        let raw = TxEnvelope::from(body.into_signed(signature)).encoded_2718();
        SignedTransaction::decode(raw.into(), ChainId(1)).unwrap()
    }

    fn pool() -> Pool {
        let limits = PoolConfig {
            max_transactions: 4,
            max_bytes: 1 << 20,
            max_per_sender: 3,
            max_nonce_gap: 16,
            lifetime: Duration::from_secs(10),
        };
        Pool::new(limits)
    }

    fn sender(account: u32) -> Address {
        development_key(account).address()
    }

    #[test]
    fn a_replacement_must_offer_a_tenth_more() {
        let mut pool = pool();
        let now = Instant::now();
        pool.add(transaction(0, 5, 1000), now).unwrap();
        let refused = pool.add(transaction(0, 5, 1099), now).unwrap_err();
        assert_eq!(
            refused,
            Rejection::ReplacementUnderpriced {
                needed_percent: 110
            }
        );
        pool.add(transaction(0, 5, 1100), now).unwrap();
        assert_eq!(pool.len(), 1);
        assert_eq!(
            pool.get(sender(0), 5).unwrap().envelope().max_fee_per_gas(),
            1100
        );
    }

    #[test]
    fn limits_are_named_when_they_are_met() {
        let mut pool = pool();
        let now = Instant::now();
        for nonce in 1..=3 {
            pool.add(transaction(0, nonce, 10), now).unwrap();
        }
        let refused = pool.add(transaction(0, 4, 10), now).unwrap_err();
        assert!(
            refused.to_string().contains("3 transactions of one sender"),
            "{refused}"
        );
        pool.add(transaction(1, 1, 10), now).unwrap();
        let refused = pool.add(transaction(2, 1, 10), now).unwrap_err();
        assert_eq!(refused.to_string(), "txpool is full: 4 transactions wait");
        assert_eq!(pool.len(), 4);
    }

    #[test]
    fn bytes_are_limited_and_freed() {
        let size = transaction(0, 1, 10).raw().len() as u64;
        let limits = PoolConfig {
            max_bytes: size * 2,
            ..pool().limits
        };
        let mut pool = Pool::new(limits);
        let now = Instant::now();
        pool.add(transaction(0, 1, 10), now).unwrap();
        pool.add(transaction(0, 2, 10), now).unwrap();
        let refused = pool.add(transaction(0, 3, 10), now).unwrap_err();
        assert!(
            refused.to_string().contains("bytes of transactions wait"),
            "{refused}"
        );
        pool.remove(sender(0), 1);
        pool.add(transaction(0, 3, 10), now).unwrap();
    }

    #[test]
    fn what_waits_is_found_by_nonce_in_order_of_arrival() {
        let mut pool = pool();
        let now = Instant::now();
        let first = transaction(1, 7, 10);
        pool.add(first.clone(), now).unwrap();
        pool.add(transaction(0, 3, 10), now).unwrap();
        pool.add(transaction(0, 4, 10), now).unwrap();
        assert_eq!(pool.senders(), [sender(1), sender(0)]);
        assert!(pool.contains(&first.hash()));
        pool.remove_below(sender(0), 4);
        assert_eq!(pool.len(), 2);
        assert_eq!(pool.all().len(), 2);
    }

    #[test]
    fn what_has_waited_too_long_is_dropped() {
        let mut pool = pool();
        let now = Instant::now();
        pool.add(transaction(0, 3, 10), now).unwrap();
        pool.add(transaction(0, 4, 10), now + Duration::from_secs(5))
            .unwrap();
        assert_eq!(pool.expire(now + Duration::from_secs(11)), 1);
        assert!(pool.get(sender(0), 3).is_none() && pool.get(sender(0), 4).is_some());
    }
}
