//! The lists of a transaction that the kernel searches from the beginning, and what searching them takes.
//!
//! | list | searched by | by a revert |
//! |---|---|---|
//! | touched addresses | calls, creations, SELFDESTRUCT: for each account | for each that it takes off |
//! | transient storage | TLOAD, TSTORE | for each TSTORE |
//! | created contracts | SELFDESTRUCT | never: it is shortened |
//! | destroyed contracts | nothing | for each SELFDESTRUCT |
//!
//! Of the other lists (accounts, slots, what is warm) the prover names the place, which is checked in constant time.
//!
//! Invariant: nothing is nearer to a list's beginning than in the kernel. So what the kernel leaves in a list stays in
//! it here; and what the kernel does not append, because the instruction fails, is not appended, or is taken off again
//! when the context is undone.

use alloy::primitives::{Address, U256};

use super::costs::{
    CREATED_ENTRY, DESTROYED_ENTRY, TOUCHED_ENTRY, TRANSIENT_ENTRY, TRANSIENT_UNDO,
};
use super::lists::List;

/// RIPEMD-160, which no revert takes off the kernel's touched addresses
/// (<https://github.com/ethereum/EIPs/issues/716>).
const RIPEMD160: Address = Address::with_last_byte(3);

/// An address among the touched ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Touched {
    Known(Address),
    /// That of a creation, by number. It is not known here, and any other is as far back in the list.
    Created(u64),
}

/// What a search took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Search {
    pub(super) cycles: u64,
    /// Nothing was found, and an entry made.
    pub(super) appended: bool,
}

/// A moment to which the lists can be brought back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    touched: usize,
    transient: usize,
    destroyed: u64,
}

/// The lists, as far as it matters where something is in them.
#[derive(Debug, Default)]
pub(super) struct Searches {
    touched: List<Touched>,
    /// Entries of `touched` in the order in which a revert removes them.
    touched_log: Vec<Touched>,
    /// Entries that the kernel has somewhere between these: 1 once [`RIPEMD160`] may have stayed, otherwise 0.
    stayed: u64,
    transient: List<(Address, U256)>,
    transient_log: Vec<(Address, U256)>,
    /// All creations. An undone one stays in the kernel's list if it did not make the account, which had wei before.
    created: u64,
    /// All self-destructions that stand. The kernel's list has those of contracts of this transaction, again each time.
    destroyed: u64,
}

impl Searches {
    pub(super) fn mark(&self) -> Mark {
        Mark {
            touched: self.touched_log.len(),
            transient: self.transient_log.len(),
            destroyed: self.destroyed,
        }
    }

    /// Searches the touched addresses for one, which is appended if it is not there.
    pub(super) fn touch(&mut self, address: Address) -> Search {
        self.find(Touched::Known(address))
    }

    /// As [`Self::touch`], for the address of the last creation.
    pub(super) fn touch_created(&mut self) -> Search {
        self.find(Touched::Created(self.created))
    }

    fn find(&mut self, address: Touched) -> Search {
        let cycles = self.passing(&address);
        let appended = self.touched.insert(address);
        if appended {
            self.touched_log.push(address);
        }
        Search { cycles, appended }
    }

    /// Cycles of a search for a touched address.
    fn passing(&self, address: &Touched) -> u64 {
        (self.touched.distance(address) + self.stayed) * TOUCHED_ENTRY
    }

    /// Cycles of a search for a key of the transient storage.
    pub(super) fn load_transient(&self, key: &(Address, U256)) -> u64 {
        self.transient.distance(key) * TRANSIENT_ENTRY
    }

    /// Searches the transient storage for a key, which is appended if it is not there, and stays when that is undone.
    pub(super) fn store_transient(&mut self, key: (Address, U256)) -> Search {
        let cycles = self.load_transient(&key);
        let appended = self.transient.insert(key);
        self.transient_log.push(key);
        Search { cycles, appended }
    }

    /// A contract is created.
    pub(super) fn create(&mut self) {
        self.created += 1;
    }

    /// Cycles of the search that tells whether a contract that destroys itself is of this transaction.
    pub(super) fn destroy(&mut self) -> u64 {
        self.destroyed += 1;
        self.created * CREATED_ENTRY
    }

    /// Cycles of the searches for what is undone. What a single undoing takes beside them is in its instruction's cost.
    pub(super) fn undo(&mut self, mark: Mark) -> u64 {
        let mut cycles = 0;
        for address in self.touched_log.split_off(mark.touched).iter().rev() {
            if *address == Touched::Known(RIPEMD160) {
                self.stayed = 1;
            } else {
                cycles += self.passing(address);
            }
            self.touched.remove(address);
        }
        for key in self.transient_log.split_off(mark.transient).iter().rev() {
            cycles += self.load_transient(key) + TRANSIENT_UNDO;
        }
        // Each may search a list of all before it and itself: of a contract of before, it is not there.
        let undone = self.destroyed - mark.destroyed;
        cycles += undone * (mark.destroyed + 1 + self.destroyed) / 2 * DESTROYED_ENTRY;
        self.destroyed = mark.destroyed;
        cycles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u8) -> Address {
        Address::repeat_byte(number)
    }

    /// Entries of the touched addresses that a search for one passes.
    fn passed(searches: &Searches, address: Address) -> u64 {
        searches.touched.distance(&Touched::Known(address))
    }

    #[test]
    fn what_is_undone_is_searched_for_and_taken_off() {
        let mut searches = Searches::default();
        searches.touch(address(1));
        let mark = searches.mark();
        let second = searches.touch(address(2));
        assert_eq!(
            second,
            Search {
                cycles: TOUCHED_ENTRY,
                appended: true
            }
        );
        searches.touch(address(3));
        assert!(!searches.touch(address(2)).appended);
        assert_eq!(searches.undo(mark), (3 + 2) * TOUCHED_ENTRY);
        assert_eq!(passed(&searches, address(9)), 1);
        assert_eq!(searches.undo(mark), 0);
    }

    #[test]
    fn ripemd_stays_somewhere() {
        let mut searches = Searches::default();
        searches.touch(address(1));
        let mark = searches.mark();
        for touched in [address(2), RIPEMD160, address(4)] {
            searches.touch(touched);
        }
        assert_eq!(searches.undo(mark), (4 + 2 + 1) * TOUCHED_ENTRY);
        let again = searches.touch(RIPEMD160);
        assert_eq!(again.cycles, (1 + 1) * TOUCHED_ENTRY);
        assert_eq!(searches.touch(address(1)).cycles, (1 + 1) * TOUCHED_ENTRY);
        assert_eq!(searches.undo(mark), 0);
    }

    #[test]
    fn each_undone_self_destruction_searches_those_before_it() {
        let mut searches = Searches::default();
        for _ in 0..10 {
            searches.destroy();
        }
        let mark = searches.mark();
        for _ in 0..3 {
            searches.destroy();
        }
        assert_eq!(searches.undo(mark), (13 + 12 + 11) * DESTROYED_ENTRY);
        assert_eq!(searches.undo(mark), 0);
        assert_eq!(searches.undo(Mark::default()), 55 * DESTROYED_ENTRY);
    }

    #[test]
    fn undone_creations_stay_in_the_list_and_their_addresses_are_no_longer_touched() {
        let mut searches = Searches::default();
        for _ in 0..7 {
            searches.create();
            assert!(searches.touch_created().appended);
            assert!(!searches.touch_created().appended);
            assert_eq!(searches.undo(Mark::default()), TOUCHED_ENTRY);
        }
        assert_eq!(searches.destroy(), 7 * CREATED_ENTRY);
    }

    #[test]
    fn transient_keys_keep_their_places_when_they_are_undone() {
        let mut searches = Searches::default();
        let key = |slot: u64| (address(1), U256::from(slot));
        searches.store_transient(key(0));
        searches.store_transient(key(1));
        let undone = (2 + 1) * TRANSIENT_ENTRY + 2 * TRANSIENT_UNDO;
        assert_eq!(searches.undo(Mark::default()), undone);
        assert_eq!(searches.load_transient(&key(1)), 2 * TRANSIENT_ENTRY);
        assert!(!searches.store_transient(key(1)).appended);
    }
}
