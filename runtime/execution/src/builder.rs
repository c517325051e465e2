//! The open block: transactions go in one by one, a sealed block comes out.

use std::collections::HashSet;
use std::sync::Arc;

use alloy::consensus::{Header, Transaction};
use alloy::eips::eip2718::Encodable2718;
use alloy::eips::eip4788::BEACON_ROOTS_ADDRESS;
use alloy::primitives::{Address, B256, Bytes, KECCAK256_EMPTY};
use revm::state::EvmState;
use tern_messages::{Anchor, Gas, Receipt, SealedBlock};

use crate::call::CallContext;
use crate::changes::{Basics, Changes};
use crate::database::BlockState;
use crate::engine::{Ran, system_call, transact};
use crate::environment::{BlockAttributes, BlockEnvironment, ChainRules};
use crate::error::{ExecutionError, StateError};
use crate::header::{Contents, header};
use crate::meter::{MachineLimits, MachineWork};
use crate::outcome::{Outcome, outcome, receipt};
use crate::source::{HashedBytes, NodeSource, Overlay};
use crate::touched::Touched;
use crate::transaction::SignedTransaction;
use crate::validation::validate;
use crate::view::StateView;
use crate::window::HashWindow;

/// The open block.
///
/// [`Self::execute`] changes it only when it returns `Ok`. Nothing is written anywhere: what is to be stored
/// comes out of [`Self::seal`].
pub struct BlockBuilder {
    rules: ChainRules,
    environment: BlockEnvironment,
    /// What the environment's beacon root is the hash of, if it was opened with that.
    anchor: Anchor,
    hashes: Arc<HashWindow>,
    overlay: Overlay,
    /// The state before `changes`.
    view: StateView,
    /// Shared with [`CallContext`]s; copied when written while one is alive.
    changes: Arc<Changes>,
    transactions: Vec<Bytes>,
    known: HashSet<B256>,
    receipts: Vec<Receipt>,
    gas_used: u64,
    touched: Option<Touched>,
}

/// A transaction that became part of the open block.
#[derive(Clone, Debug)]
pub struct ExecutedTransaction {
    /// Its index in the block.
    pub index: u64,
    /// The transaction.
    pub transaction: SignedTransaction,
    /// Its receipt. Cumulative gas, logs, bloom and status are in the envelope.
    pub receipt: Receipt,
    /// How execution ended, with what it returned.
    pub outcome: Outcome,
    /// What proving it takes at most. Nothing if the chain is not metered.
    pub work: MachineWork,
}

/// A transaction that was executed and is not yet part of the block.
pub(crate) struct Candidate {
    transaction: SignedTransaction,
    ran: Ran,
}

impl Candidate {
    /// What proving it takes at most.
    pub(crate) fn work(&self) -> MachineWork {
        self.ran.work
    }

    pub(crate) fn gas_used(&self) -> u64 {
        self.ran.executed.result.tx_gas_used()
    }
}

/// A block and what its state needs on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedOutcome {
    /// The block.
    pub block: SealedBlock,
    /// New trie nodes by hash, sorted.
    pub nodes: Vec<(B256, Bytes)>,
    /// New codes by hash, sorted.
    pub codes: Vec<(B256, Bytes)>,
}

impl BlockBuilder {
    /// Opens the block after `parent` and applies the EIP-4788 system call. `hashes` are those of the 256
    /// blocks before the new one: the last of them is the parent's.
    ///
    /// # Errors
    /// If the parent's state cannot be read.
    pub fn new(
        source: Arc<dyn NodeSource>,
        rules: ChainRules,
        parent: &Header,
        hashes: HashWindow,
        attributes: BlockAttributes,
    ) -> Result<Self, StateError> {
        let environment = BlockEnvironment::after(&rules, parent, hashes.parent(), attributes);
        let mut builder = Self::open(source, rules, parent.state_root, environment, hashes)?;
        builder.anchor = attributes.anchor;
        Ok(builder)
    }

    /// Opens a block in an arbitrary environment on an arbitrary state.
    pub(crate) fn open(
        source: Arc<dyn NodeSource>,
        rules: ChainRules,
        state_root: B256,
        environment: BlockEnvironment,
        hashes: HashWindow,
    ) -> Result<Self, StateError> {
        let mut builder = Self::before_system_call(source, rules, state_root, environment, hashes);
        builder.store_beacon_root()?;
        Ok(builder)
    }

    pub(crate) fn before_system_call(
        source: Arc<dyn NodeSource>,
        rules: ChainRules,
        state_root: B256,
        environment: BlockEnvironment,
        hashes: HashWindow,
    ) -> Self {
        let overlay = Overlay::new(source);
        let view = StateView::new(Arc::new(overlay.clone()), state_root);
        Self {
            rules,
            environment,
            anchor: Anchor::default(),
            hashes: Arc::new(hashes),
            overlay,
            view,
            changes: Arc::default(),
            transactions: Vec::new(),
            known: HashSet::new(),
            receipts: Vec::new(),
            gas_used: 0,
            touched: None,
        }
    }

    /// As [`Self::open`], noting everything that is looked at.
    pub(crate) fn recording(
        source: Arc<dyn NodeSource>,
        rules: ChainRules,
        state_root: B256,
        environment: BlockEnvironment,
        hashes: HashWindow,
    ) -> Result<Self, StateError> {
        // Measured without limits: whether a transaction may be part of a block was decided when it came.
        let rules = rules.limited(MachineLimits::NONE);
        let mut builder = Self::before_system_call(source, rules, state_root, environment, hashes);
        builder.touched = Some(Touched::default());
        builder.store_beacon_root()?;
        Ok(builder)
    }

    /// What the block's transactions see.
    pub fn environment(&self) -> &BlockEnvironment {
        &self.environment
    }

    /// Raw transactions so far, in order.
    pub fn transactions(&self) -> &[Bytes] {
        &self.transactions
    }

    /// Receipts so far, in order.
    pub fn receipts(&self) -> &[Receipt] {
        &self.receipts
    }

    /// Gas used so far.
    pub fn gas_used(&self) -> Gas {
        Gas(self.gas_used)
    }

    /// Gas left for further transactions.
    pub fn gas_left(&self) -> Gas {
        Gas(self.environment.gas_limit.0.saturating_sub(self.gas_used))
    }

    /// The account's nonce after the transactions so far.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn nonce(&self, address: Address) -> Result<u64, StateError> {
        let account = self.changes.account(&self.view, address)?;
        Ok(account.map_or(0, |account| account.nonce))
    }

    /// The state after the transactions so far, for reads and calls. Later transactions do not change it.
    pub fn pending(&self) -> CallContext {
        CallContext::pending(
            self.rules,
            self.environment,
            self.hashes.clone(),
            self.view.clone(),
            self.changes.clone(),
        )
    }

    /// Decodes and executes a transaction as the next of the block.
    ///
    /// # Errors
    /// Says why not; the block is as before. See [`ExecutionError::kind`].
    pub fn execute(&mut self, raw: Bytes) -> Result<ExecutedTransaction, ExecutionError> {
        self.execute_signed(SignedTransaction::decode(raw, self.rules.chain_id)?)
    }

    /// Executes a decoded transaction as the next of the block.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub fn execute_signed(
        &mut self,
        transaction: SignedTransaction,
    ) -> Result<ExecutedTransaction, ExecutionError> {
        let candidate = self.run(transaction)?;
        Ok(self.include(candidate)?)
    }

    /// Executes a transaction on the block so far, which stays as it is.
    pub(crate) fn run(
        &mut self,
        transaction: SignedTransaction,
    ) -> Result<Candidate, ExecutionError> {
        if self.known.contains(&transaction.hash()) {
            return Err(ExecutionError::AlreadyKnown);
        }
        let sender = self.account(transaction.sender())?;
        validate(&transaction, sender, &self.environment, self.gas_left().0)?;
        let ran = transact(
            BlockState {
                view: &self.view,
                changes: &self.changes,
                hashes: &self.hashes,
                number: self.environment.number,
                only_storage: HashSet::new(),
            },
            self.environment.block(),
            &self.rules,
            self.rules.configuration(),
            transaction.for_evm(),
        )?;
        self.check_room(ran.work)?;
        Ok(Candidate { transaction, ran })
    }

    /// What is shown of the block's transactions to a batch of those from `first` to `last`, of which the last need not
    /// be there yet.
    pub(crate) fn shown(&self, first: usize, last: usize) -> MachineWork {
        MachineWork::of_neighbours(first..=last, |index| {
            let transaction = self.transactions.get(index).map_or(0, |raw| raw.len());
            let receipt = self.receipts.get(index);
            let receipt = receipt.map_or(0, |one| one.envelope.encode_2718_len());
            (transaction + receipt) as u64
        })
    }

    /// Cells of the branches that the block may have put above keys. Keys were counted with as many as lead to them in the
    /// state before; each that the block has inserted since may have put another above them: what the gas of its
    /// transactions was spent for at most.
    pub(crate) fn grown_cells(&self) -> u64 {
        self.gas_used / MachineWork::GAS_OF_GROWN_CELL
    }

    /// Checks that the next transaction can be proven beside what is shown to it where a batch begins with it. Whether
    /// one does is not known here; in a batch that began earlier, [`MachineLimits::KEPT_CELLS`] says what fits.
    fn check_room(&self, work: MachineWork) -> Result<(), ExecutionError> {
        let Some(limits) = self.rules.machine else {
            return Ok(());
        };
        let next = self.transactions.len();
        let cells = self.shown(next, next).with(work).cells;
        let needs = cells.saturating_add(self.grown_cells());
        let limit = limits.cells.saturating_add(MachineLimits::KEPT_CELLS);
        if needs > limit {
            return Err(ExecutionError::Crowded { needs, limit });
        }
        Ok(())
    }

    /// Makes a transaction that was just run the next of the block.
    pub(crate) fn include(
        &mut self,
        candidate: Candidate,
    ) -> Result<ExecutedTransaction, StateError> {
        let Candidate {
            transaction,
            ran: Ran { executed, work },
        } = candidate;
        self.note(&transaction);
        self.take_over(executed.state)?;
        self.gas_used = self.gas_used.saturating_add(executed.result.tx_gas_used());
        let base_fee = self.environment.base_fee;
        let receipt = receipt(&transaction, base_fee, self.gas_used, &executed.result);
        let index = self.receipts.len() as u64;
        self.known.insert(transaction.hash());
        self.transactions.push(transaction.raw().clone());
        self.receipts.push(receipt.clone());
        Ok(ExecutedTransaction {
            index,
            transaction,
            receipt,
            outcome: outcome(executed.result),
            work,
        })
    }

    /// Closes the block: computes state, transactions and receipts roots, the header and its hash.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn seal(mut self) -> Result<SealedOutcome, StateError> {
        let state_root = self.fold()?;
        let contents = Contents {
            state_root,
            transactions: &self.transactions,
            receipts: &self.receipts,
            gas_used: self.gas_used,
        };
        let header = header(&self.rules, &self.environment, &contents);
        let hash = header.hash_slow();
        let (transactions, receipts) = (self.transactions, self.receipts);
        let (nodes, codes): (HashedBytes, HashedBytes) = self.overlay.fresh.sorted();
        let block = SealedBlock {
            header,
            hash,
            anchor: self.anchor,
            transactions,
            receipts,
        };
        Ok(SealedOutcome {
            block,
            nodes,
            codes,
        })
    }

    /// Writes the changes so far into the tries; returns the state root.
    pub(crate) fn fold(&mut self) -> Result<B256, StateError> {
        let changes = Arc::unwrap_or_clone(std::mem::take(&mut self.changes));
        let root = changes.into_tries(&self.view, &self.overlay)?;
        self.view = StateView::new(Arc::new(self.overlay.clone()), root);
        Ok(root)
    }

    /// What was looked at since the last call, and the state root before it.
    pub(crate) fn take_touched(&mut self) -> Touched {
        self.touched
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    pub(crate) fn view(&self) -> &StateView {
        &self.view
    }

    pub(crate) fn account(&self, address: Address) -> Result<Option<Basics>, StateError> {
        self.changes.account(&self.view, address)
    }

    fn store_beacon_root(&mut self) -> Result<(), StateError> {
        // The machine asks for the account in any case.
        if let Some(touched) = &mut self.touched {
            touched.account(BEACON_ROOTS_ADDRESS);
        }
        // EIP-4788: without code at the address the call is skipped.
        let contract = self.account(BEACON_ROOTS_ADDRESS)?;
        if contract.is_none_or(|contract| contract.code_hash == KECCAK256_EMPTY) {
            return Ok(());
        }
        let executed = system_call(
            BlockState {
                view: &self.view,
                changes: &self.changes,
                hashes: &self.hashes,
                number: self.environment.number,
                only_storage: HashSet::new(),
            },
            self.environment.block(),
            self.rules.configuration(),
            BEACON_ROOTS_ADDRESS,
            Bytes::copy_from_slice(self.environment.parent_beacon_block_root.as_slice()),
        )?;
        let mut state = executed.state;
        // The caller is not an account: it must not appear by being touched.
        state.retain(|address, _| *address == BEACON_ROOTS_ADDRESS);
        self.take_over(state)
    }

    /// Notes what the transaction names: the EVM may never load it.
    fn note(&mut self, transaction: &SignedTransaction) {
        let Some(touched) = &mut self.touched else {
            return;
        };
        let tx = transaction.envelope();
        touched.account(transaction.sender());
        touched.account(self.environment.beneficiary);
        match tx.to() {
            Some(to) => touched.account(to),
            None => touched.account(transaction.sender().create(tx.nonce())),
        };
        for item in tx
            .access_list()
            .map(|list| list.iter())
            .into_iter()
            .flatten()
        {
            touched.account(item.address);
            for slot in &item.storage_keys {
                touched.slot(item.address, (*slot).into());
            }
        }
    }

    fn take_over(&mut self, state: EvmState) -> Result<(), StateError> {
        let addresses: Vec<Address> = state.keys().copied().collect();
        if let Some(touched) = &mut self.touched {
            for (address, account) in &state {
                let entry = touched.account(*address);
                for (slot, value) in &account.storage {
                    entry.slots.insert(*slot);
                    if value.present_value().is_zero() {
                        entry.cleared.insert(*slot);
                    }
                }
                if let Some(code) = &account.info.code {
                    let codes = &mut touched.codes;
                    codes
                        .entry(account.info.code_hash)
                        .or_insert_with(|| code.original_bytes());
                }
            }
        }
        Arc::make_mut(&mut self.changes).apply(state);
        if let Some(touched) = &mut self.touched {
            for address in addresses {
                if self.changes.account(&self.view, address)?.is_none() {
                    touched.account(address).absent = true;
                }
            }
        }
        Ok(())
    }
}
