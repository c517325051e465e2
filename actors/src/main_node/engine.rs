//! The thread that owns the open block.
//!
//! ```text
//! commands ──▶ take all that wait ──▶ execute in order ──▶ one commit (fsync) ──▶ publish ──▶ reply
//!                     ▲                     │ full, or old enough                     │
//!                     └──── next turn ──────┴──▶ seal: block, state, indices in the same commit
//! ```
//!
//! * Nothing is published or answered before it is on disk. Transactions that arrive while a commit runs
//!   wait for the next one and share it.
//! * Sealing and the removal of the open block's rows are one atomic write; at whichever moment the
//!   process dies, the next start finds either the open block or the sealed one.
//! * A failed write, or state that cannot be read, ends the thread: what was confirmed is on disk, and
//!   nothing else may be said.

mod messages;
mod returned;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use alloy::consensus::Transaction;
use alloy::primitives::{Address, Bytes, U256};
use ractor::{OutputPort, RpcReplyPort};
use tern_execution::{
    CallContext, ErrorKind, ExecutedTransaction, ExecutionError, HashWindow, SignedTransaction,
};
use tern_messages::{
    Backlog, BlockNumber, BlockSealed, Confirmation, FinalityHeights, FinalityRefusal,
    FinalityReport, HaltReport, L2Anchor, NodeStatus, OfferedMessages, Place, Rejection,
};
use tern_settlement::Queue;
use tern_storage::tables::chain::{HEADS, Heads, StoredHeader, TRANSACTIONS};
use tern_storage::{WriteBatch, crash_point};
use tokio::sync::watch;
use tracing::{debug, error, info, warn};

use super::actor::Counted;
use super::chain::{Chain, ChainError};
use super::finality;
use super::head::{Head, immediate};
use super::inbox::Inbox;
use super::message::SealedAnnouncement;
use super::open_block::{OpenBlock, is_fresh};
use super::pool::Pool;
use super::refusals::Refusals;
use super::restraint::Restraint;
use super::sealing::{self, Decision};
use super::spec::{Finality, Sealing};
use super::tables::{ANCHOR, HALT};
use messages::Posted;
pub use returned::{Lost, Reconfirmed};

/// Most commands in one turn, so that the first of them need not wait for ever.
const MAX_TURN: usize = 512;
/// How often waiting transactions are checked for their lifetime, and the longest sleep.
const HOUSEKEEPING: Duration = Duration::from_secs(30);

type Reply<T, E> = RpcReplyPort<Result<T, E>>;

/// What the actor passes on.
pub(super) enum Command {
    Submit {
        raw: Bytes,
        reply: Reply<Confirmation, Rejection>,
        counted: Counted,
    },
    Finality(FinalityReport, Reply<(), FinalityRefusal>),
    Anchor(L2Anchor),
    Messages(OfferedMessages, RpcReplyPort<u64>),
    Forced(Bytes),
    Backlog(Backlog),
    Halt(HaltReport),
    Resume(BlockNumber),
    Status(RpcReplyPort<NodeStatus>),
    /// Finish this turn and end.
    Stop,
}

/// What came of a transaction.
enum Attempt {
    Executed(Arc<ExecutedTransaction>),
    /// It must wait: for room, or for an earlier nonce.
    Wait,
    Refused(Rejection),
}

/// What happens once the present turn is durable.
#[derive(Default)]
struct Turn {
    writes: WriteBatch,
    answers: Vec<Box<dyn FnOnce() + Send>>,
    sealed: Vec<BlockSealed>,
    changed: bool,
    stop: bool,
}

impl Turn {
    fn answer<T: Send + 'static>(&mut self, reply: RpcReplyPort<T>, value: T) {
        // The caller may have given up waiting.
        self.answers.push(Box::new(move || drop(reply.send(value))));
    }
}

/// The owner of the open block.
pub(super) struct Engine {
    chain: Chain,
    sealed: Arc<StoredHeader>,
    /// The state after the last sealed block.
    sealed_state: CallContext,
    /// The hashes that the next block sees.
    window: HashWindow,
    open: Option<OpenBlock>,
    pool: Pool,
    pool_changed: bool,
    restraint: Restraint,
    refusals: Refusals,
    inbox: Inbox,
    /// Whether blocks may be begun, see [`ChainSpec::catches_up`](super::spec::ChainSpec::catches_up).
    caught_up: bool,
    /// Whether L2's messages were offered since the start.
    delivered: bool,
    /// What was posted on L2 and is not executed yet, by sender and nonce.
    posted: BTreeMap<(Address, u64), Posted>,
    /// Messages that L2 knows to be processed by what was proposed there.
    known_messages: u64,
    /// Messages are not processed before this.
    inbox_rests_until: Option<Instant>,
    reported_anchor: Option<L2Anchor>,
    used_anchor: Option<L2Anchor>,
    finality: FinalityHeights,
    backlog: Backlog,
    halted: Option<HaltReport>,
    head: watch::Sender<Head>,
    events: Arc<OutputPort<SealedAnnouncement>>,
    next_housekeeping: Instant,
}

impl Engine {
    /// Reads the chain's end from disk and executes the open block again.
    pub(super) fn recover(
        chain: Chain,
        head: watch::Sender<Head>,
        events: Arc<OutputPort<SealedAnnouncement>>,
    ) -> Result<Self, ChainError> {
        let disk = Head::on_disk(&chain)?;
        let number = disk.sealed_number();
        let window = chain.window_before(BlockNumber(number.0.saturating_add(1)))?;
        let open = OpenBlock::recover(&chain, &disk.sealed, window.clone())?;
        info!(
            target: "tern::main_node",
            chain = chain.spec.role,
            sealed = %number,
            open = open.as_ref().map_or(0, |open| open.transactions().len()),
            "recovered"
        );
        let mut engine = Self {
            pool: Pool::new(chain.spec.pool),
            refusals: Refusals::on_disk(&chain.store)?,
            caught_up: !chain.spec.catches_up,
            chain,
            sealed: disk.sealed,
            sealed_state: disk.state,
            window,
            open,
            pool_changed: true,
            restraint: Restraint::new(),
            inbox: Inbox::default(),
            delivered: false,
            posted: BTreeMap::new(),
            known_messages: 0,
            inbox_rests_until: None,
            reported_anchor: disk.anchor,
            used_anchor: disk.anchor,
            finality: disk.finality,
            backlog: disk.backlog,
            halted: disk.halted,
            head,
            events,
            next_housekeeping: Instant::now() + HOUSEKEEPING,
        };
        engine.publish();
        Ok(engine)
    }

    /// Works until it is told to stop, or all senders are gone.
    pub(super) fn run(mut self, commands: &Receiver<Command>) -> Result<(), ChainError> {
        self.reconfirm()?;
        loop {
            let first = match commands.recv_timeout(self.next_wake()) {
                Ok(command) => Some(command),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            let more = commands.try_iter().take(MAX_TURN);
            let turn = first.into_iter().chain(more);
            if self.turn(turn)? {
                return Ok(());
            }
        }
    }

    fn next_wake(&self) -> Duration {
        let housekeeping = self
            .next_housekeeping
            .saturating_duration_since(Instant::now());
        match self.decision() {
            Some(Decision::Seal(_)) => Duration::ZERO,
            Some(Decision::Wait(rest)) => rest.min(housekeeping),
            None => housekeeping,
        }
    }

    /// One turn; says whether to stop.
    fn turn(&mut self, commands: impl Iterator<Item = Command>) -> Result<bool, ChainError> {
        let mut turn = Turn::default();
        for command in commands {
            self.handle(command, &mut turn)?;
        }
        if Instant::now() >= self.next_housekeeping {
            self.keep_house(&mut turn);
        }
        self.process_messages(&mut turn)?;
        self.seal_if_due(&mut turn)?;
        let stop = turn.stop;
        self.finish(turn)?;
        Ok(stop)
    }

    fn handle(&mut self, command: Command, turn: &mut Turn) -> Result<(), ChainError> {
        match command {
            Command::Submit {
                raw,
                reply,
                counted,
            } => {
                let outcome = self.submit(raw, turn)?;
                turn.answer(reply, outcome);
                drop(counted);
            }
            Command::Finality(report, reply) => {
                let answer = match finality::accept(&self.chain.store, &self.finality, &report) {
                    Ok((heights, writes)) => {
                        turn.writes.append(writes);
                        if heights != self.finality {
                            info!(
                                target: "tern::main_node",
                                committed = %heights.committed.1,
                                verified = %heights.verified.1,
                                "finality moved"
                            );
                        }
                        self.finality = heights;
                        turn.changed = true;
                        // The next report of this turn must see the records of this one.
                        self.flush(turn)?;
                        Ok(())
                    }
                    Err(refusal) => {
                        warn!(target: "tern::main_node", %refusal, "a finality report was refused");
                        Err(refusal)
                    }
                };
                turn.answer(reply, answer);
            }
            Command::Anchor(anchor) => {
                self.reported_anchor = Some(anchor);
                turn.changed = true;
                if !self.caught_up && self.delivered && is_fresh(&anchor) {
                    self.caught_up = true;
                    self.process_messages(turn)?;
                    self.force_waiting(turn)?;
                    self.run_waiting(turn)?;
                }
            }
            Command::Messages(messages, reply) => {
                self.delivered = true;
                let wanted = self.take_messages(messages)?;
                turn.answer(reply, wanted);
            }
            Command::Forced(raw) => self.force(raw, turn)?,
            Command::Backlog(backlog) => {
                self.backlog = backlog;
                turn.changed = true;
            }
            Command::Halt(report) => self.halt(report, turn),
            Command::Resume(block) => self.resume(block, turn),
            Command::Status(reply) => {
                let status = self.status();
                turn.answer(reply, status);
            }
            Command::Stop => turn.stop = true,
        }
        Ok(())
    }

    /// Decodes, checks and executes a transaction, or lets it wait.
    fn submit(
        &mut self,
        raw: Bytes,
        turn: &mut Turn,
    ) -> Result<Result<Confirmation, Rejection>, ChainError> {
        if let Some(halted) = &self.halted {
            return Ok(Err(Rejection::Halted(halted.clone())));
        }
        let transaction = match SignedTransaction::decode(raw, self.chain.spec.chain_id()) {
            Ok(transaction) => transaction,
            Err(error) => {
                return Ok(Err(Rejection::Malformed {
                    message: error.to_string(),
                }));
            }
        };
        if let Err(rejection) = self.check_limits(&transaction) {
            return Ok(Err(rejection));
        }
        let hash = transaction.hash();
        if self.pool.contains(&hash) {
            return Ok(Err(Rejection::AlreadyKnown));
        }
        let sender = transaction.sender();
        if let Err(rejection) = self.refusals.check(hash, sender) {
            return Ok(Err(rejection));
        }
        if let Some(rest) = self.restraint.of(&sender, Instant::now()) {
            let seconds = rest.as_secs() + u64::from(rest.subsec_nanos() > 0);
            return Ok(Err(Rejection::HeldBack { sender, seconds }));
        }
        let place = match self.attempt(transaction.clone(), turn)? {
            Attempt::Refused(rejection) => return Ok(Err(rejection)),
            Attempt::Executed(executed) => {
                let block = self.open.as_ref().map_or(BlockNumber(0), OpenBlock::number);
                let nonce = transaction.envelope().nonce();
                self.forget_below(sender, nonce + 1);
                self.run_waiting_of(sender, turn)?;
                let receipt = Box::new(executed.receipt.clone());
                Place::Executed {
                    block,
                    index: executed.index,
                    receipt,
                }
            }
            Attempt::Wait => match self.enqueue(transaction)? {
                Ok(()) => {
                    turn.changed = true;
                    Place::Queued
                }
                Err(rejection) => return Ok(Err(rejection)),
            },
        };
        Ok(Ok(Confirmation {
            transaction: hash,
            place,
        }))
    }

    fn check_limits(&self, transaction: &SignedTransaction) -> Result<(), Rejection> {
        let Some(limits) = self.chain.spec.limits else {
            return Ok(());
        };
        let (gas, bytes) = (
            transaction.envelope().gas_limit(),
            transaction.raw().len() as u64,
        );
        let reason = if gas > limits.transaction_gas {
            format!(
                "its gas limit is {gas}, at most {} can be proven",
                limits.transaction_gas
            )
        } else if bytes > limits.transaction_bytes {
            format!(
                "it has {bytes} bytes, at most {} can be posted",
                limits.transaction_bytes
            )
        } else {
            return Ok(());
        };
        Err(Rejection::Unprovable { reason })
    }

    /// Tries to execute a transaction now.
    fn attempt(
        &mut self,
        transaction: SignedTransaction,
        turn: &mut Turn,
    ) -> Result<Attempt, ChainError> {
        if !self.may_open() {
            return Ok(Attempt::Wait);
        }
        if let Some(rejection) = self.comes_after_posted(&transaction) {
            return Ok(Attempt::Refused(rejection));
        }
        // They come first, and take their room.
        self.process_messages(turn)?;
        if !self.has_room(&transaction) {
            if !self.may_make_room() {
                return Ok(Attempt::Wait);
            }
            self.seal(turn, "room for the next transaction")?;
        }
        let (outcome, starts_block) = {
            let open = self.ensure_open()?;
            let was_empty = open.is_empty();
            (
                open.execute(transaction.clone(), &mut turn.writes),
                was_empty,
            )
        };
        match outcome {
            Ok(executed) => {
                crash_point("main-node/executed");
                turn.changed = true;
                if starts_block && let Some(anchor) = self.used_anchor {
                    turn.writes.put(&ANCHOR, &(), &anchor);
                }
                Ok(Attempt::Executed(executed))
            }
            Err(ExecutionError::State(error)) => Err(error.into()),
            Err(ExecutionError::BlockFull { .. } | ExecutionError::Crowded { .. })
                if self.may_make_room() =>
            {
                self.seal(turn, "room for the next transaction")?;
                self.attempt(transaction, turn)
            }
            Err(error) if error.kind() == ErrorKind::NotNow => Ok(Attempt::Wait),
            Err(ExecutionError::AlreadyKnown) => Ok(Attempt::Refused(Rejection::AlreadyKnown)),
            Err(error) => self.refused(&transaction, &error),
        }
    }

    /// A sealed transaction that comes again is known, not merely late.
    fn refused(
        &mut self,
        transaction: &SignedTransaction,
        error: &ExecutionError,
    ) -> Result<Attempt, ChainError> {
        let late = matches!(error, ExecutionError::NonceTooLow { .. });
        let rejection = if late
            && self
                .chain
                .store
                .contains(&TRANSACTIONS, &transaction.hash())?
        {
            Rejection::AlreadyKnown
        } else if let ExecutionError::Unprovable(excess) = error {
            self.restraint.hold(transaction.sender(), Instant::now());
            Rejection::Unprovable {
                reason: excess.to_string(),
            }
        } else {
            Rejection::Invalid {
                message: error.to_string(),
            }
        };
        Ok(Attempt::Refused(rejection))
    }

    /// Whether bytes and number of transactions admit one more. Gas is the builder's to say.
    fn has_room(&self, transaction: &SignedTransaction) -> bool {
        let Sealing::Policy(policy) = self.chain.spec.sealing else {
            return true;
        };
        let Some(open) = &self.open else { return true };
        let bytes = open.bytes().saturating_add(transaction.raw().len() as u64);
        open.is_empty()
            || (bytes <= policy.max_bytes
                && open.transactions().len() < policy.max_transactions as usize)
    }

    /// Whether there is a block, or one may be begun.
    fn may_open(&self) -> bool {
        self.caught_up || self.open.as_ref().is_some_and(|open| !open.is_empty())
    }

    /// Whether a full block is closed for the next transaction's sake: where blocks cost no proving.
    fn may_make_room(&self) -> bool {
        self.chain.spec.sealing == Sealing::Instant
            && self.open.as_ref().is_some_and(|open| !open.is_empty())
    }

    fn ensure_some_open(&mut self) -> Result<&mut OpenBlock, ChainError> {
        if self.open.is_none() {
            self.ensure_open()?;
        }
        Ok(self.open.as_mut().expect("opened above"))
    }

    fn ensure_open(&mut self) -> Result<&mut OpenBlock, ChainError> {
        // An open block without transactions is opened afresh: with the present time, fee and anchor.
        if self.open.as_ref().is_none_or(OpenBlock::is_empty) {
            self.use_newest_anchor();
            // Whoever has these processed finds them named.
            let queue = self.next_messages()?.last().map(Queue::up_to);
            self.open = Some(OpenBlock::open(
                &self.chain,
                &self.sealed,
                self.window.clone(),
                self.used_anchor,
                queue,
            )?);
        }
        Ok(self.open.as_mut().expect("opened above"))
    }

    /// The next block names what the bridge reported last, if that is not older than what the last one names.
    fn use_newest_anchor(&mut self) {
        if let Some(reported) = self.reported_anchor
            && self
                .used_anchor
                .is_none_or(|used| used.number <= reported.number)
        {
            self.used_anchor = Some(reported);
        }
    }

    /// Checks a transaction that cannot be executed now, and lets it wait.
    fn enqueue(
        &mut self,
        transaction: SignedTransaction,
    ) -> Result<Result<(), Rejection>, ChainError> {
        let open = self.ensure_open()?;
        let (state_nonce, balance) = open.account(transaction.sender())?;
        let base_fee = open.base_fee();
        let checked = self.check_waiting(&transaction, state_nonce, balance, base_fee);
        let outcome = checked.and_then(|()| self.pool.add(transaction, Instant::now()));
        self.pool_changed |= outcome.is_ok();
        Ok(outcome)
    }

    fn check_waiting(
        &self,
        transaction: &SignedTransaction,
        state: u64,
        have: U256,
        base_fee: u64,
    ) -> Result<(), Rejection> {
        let (tx, address) = (transaction.envelope(), transaction.sender());
        let nonce = tx.nonce();
        let max_fee = tx.max_fee_per_gas();
        let limit = self.chain.spec.genesis.gas_limit;
        let cost = U256::from(tx.gas_limit())
            .checked_mul(U256::from(max_fee))
            .and_then(|fee| fee.checked_add(tx.value()));
        let error = if nonce < state {
            ExecutionError::NonceTooLow {
                address,
                transaction: nonce,
                state,
            }
        } else if nonce - state > self.chain.spec.pool.max_nonce_gap {
            ExecutionError::NonceTooHigh {
                address,
                transaction: nonce,
                state,
            }
        } else if max_fee < u128::from(base_fee) {
            ExecutionError::FeeCapTooLow {
                address,
                max_fee,
                base_fee,
            }
        } else if tx.gas_limit() > limit {
            ExecutionError::ExceedsBlockGasLimit {
                have: tx.gas_limit(),
                limit,
            }
        } else {
            match cost {
                None => ExecutionError::CostOverflow { address },
                Some(want) if have < want => ExecutionError::InsufficientFunds {
                    address,
                    have,
                    want,
                },
                Some(_) => return Ok(()),
            }
        };
        Err(Rejection::Invalid {
            message: error.to_string(),
        })
    }

    /// Executes what waits of one sender, as far as it goes.
    fn run_waiting_of(&mut self, sender: Address, turn: &mut Turn) -> Result<(), ChainError> {
        loop {
            let nonce = self.ensure_some_open()?.nonce(sender)?;
            self.forget_below(sender, nonce);
            let Some(waiting) = self.pool.get(sender, nonce) else {
                return Ok(());
            };
            match self.attempt(SignedTransaction::clone(&waiting), turn)? {
                Attempt::Executed(_) => self.forget_below(sender, nonce + 1),
                Attempt::Wait => return Ok(()),
                Attempt::Refused(reason) => {
                    debug!(target: "tern::main_node", transaction = %waiting.hash(), %reason, "dropped a waiting transaction");
                    self.pool.remove(sender, nonce);
                    self.pool_changed = true;
                    return Ok(());
                }
            }
        }
    }

    /// Executes what waits of all senders, the longest waiting first.
    fn run_waiting(&mut self, turn: &mut Turn) -> Result<(), ChainError> {
        for sender in self.pool.senders() {
            self.run_waiting_of(sender, turn)?;
        }
        Ok(())
    }

    fn forget_below(&mut self, sender: Address, nonce: u64) {
        let before = self.pool.len();
        self.pool.remove_below(sender, nonce);
        self.pool_changed |= self.pool.len() != before;
    }

    fn decision(&self) -> Option<Decision> {
        let open = self.open.as_ref().filter(|open| !open.is_empty())?;
        if self.halted.is_some() {
            return None;
        }
        Some(match self.chain.spec.sealing {
            Sealing::Instant => Decision::Wait(Duration::ZERO),
            Sealing::Policy(policy) => {
                sealing::decide(&policy, &open.figures(), self.backlog.unproven_blocks)
            }
        })
    }

    fn seal_if_due(&mut self, turn: &mut Turn) -> Result<(), ChainError> {
        loop {
            match (self.decision(), self.chain.spec.sealing) {
                (Some(Decision::Seal(reason)), _) => self.seal(turn, &reason.to_string())?,
                (Some(_), Sealing::Instant) => self.seal(turn, "instant sealing")?,
                _ => return Ok(()),
            }
            self.process_messages(turn)?;
            self.force_waiting(turn)?;
            self.run_waiting(turn)?;
        }
    }

    /// Closes the open block; when this returns, it is durable, published and announced.
    fn seal(&mut self, turn: &mut Turn, reason: &str) -> Result<(), ChainError> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let figures = open.figures();
        let started = Instant::now();
        let outcome = open.seal(&mut turn.writes)?;
        let number = outcome.block.number();
        let hash = outcome.block.hash;
        self.chain.put_sealed(&mut turn.writes, &outcome);
        let finality = match self.chain.spec.finality {
            Finality::Immediate => immediate(number),
            Finality::Reported => self.finality,
        };
        let heads = Heads {
            sealed: number,
            committed: finality.committed.1,
            verified: finality.verified.1,
        };
        turn.writes.put(&HEADS, &(), &heads);
        let header = StoredHeader {
            header: outcome.block.header,
            hash,
        };
        self.finality = finality;
        self.sealed_state = CallContext::at(
            self.chain.spec.rules,
            self.chain.state(header.header.state_root),
            &header.header,
            self.window.clone(),
        );
        self.sealed = Arc::new(header);
        self.window.push(hash);
        turn.sealed.push(BlockSealed { number, hash });
        turn.changed = true;
        crash_point("main-node/sealing");
        // The next block reads this one's state from disk.
        self.flush(turn)?;
        crash_point("main-node/sealed");
        info!(
            target: "tern::main_node",
            chain = self.chain.spec.role,
            block = %number,
            %hash,
            transactions = figures.transactions,
            gas = figures.gas_used,
            reason,
            took = ?started.elapsed(),
            "sealed"
        );
        Ok(())
    }

    /// Makes what the turn has done so far durable and visible.
    fn flush(&mut self, turn: &mut Turn) -> Result<(), ChainError> {
        let so_far = std::mem::take(turn);
        turn.stop = so_far.stop;
        self.finish(so_far)
    }

    /// Makes the turn durable, then visible, then answers.
    fn finish(&mut self, turn: Turn) -> Result<(), ChainError> {
        let Turn {
            writes,
            answers,
            sealed,
            changed,
            ..
        } = turn;
        let durable = !writes.is_empty();
        self.chain.store.commit(writes)?;
        if durable {
            crash_point("main-node/durable");
        }
        if changed || self.pool_changed {
            self.publish();
        }
        for answer in answers {
            answer();
        }
        if durable {
            crash_point("main-node/answered");
        }
        for block in sealed {
            self.events.send(SealedAnnouncement(block));
        }
        Ok(())
    }

    fn publish(&mut self) {
        let waiting = if self.pool_changed {
            Arc::new(self.pool.all())
        } else {
            Arc::clone(&self.head.borrow().waiting)
        };
        self.pool_changed = false;
        let open = self.open.as_ref().filter(|open| !open.is_empty());
        self.head.send_replace(Head {
            sealed: Arc::clone(&self.sealed),
            state: open.map_or_else(|| self.sealed_state.clone(), OpenBlock::state),
            open: open.map(|open| Arc::new(open.view())),
            waiting,
            finality: self.finality,
            anchor: self.reported_anchor,
            backlog: self.backlog,
            halted: self.halted.clone(),
        });
    }

    fn halt(&mut self, report: HaltReport, turn: &mut Turn) {
        if report.block.0 > self.sealed.header.number {
            warn!(target: "tern::main_node", %report, "not halted: there is no such block, or it was taken back");
            return;
        }
        error!(
            target: "tern::main_node",
            block = %report.block,
            transaction = ?report.transaction,
            reason = %report.reason,
            "ALARM: the chain is halted; no transaction is accepted and no block sealed"
        );
        // The first cause is the one to look at.
        if self.halted.is_none() {
            turn.writes.put(&HALT, &(), &report);
            self.halted = Some(report);
            turn.changed = true;
        }
    }

    fn resume(&mut self, block: BlockNumber, turn: &mut Turn) {
        if self
            .halted
            .as_ref()
            .is_some_and(|halted| halted.block == block)
        {
            warn!(target: "tern::main_node", %block, "the block was checked again and is good; the chain goes on");
            turn.writes.delete(&HALT, &());
            self.halted = None;
            turn.changed = true;
        }
    }

    fn keep_house(&mut self, turn: &mut Turn) {
        self.next_housekeeping = Instant::now() + HOUSEKEEPING;
        let dropped = self.pool.expire(Instant::now());
        if dropped > 0 {
            info!(target: "tern::main_node", dropped, "transactions had waited too long");
            self.pool_changed = true;
            turn.changed = true;
        }
    }

    fn status(&self) -> NodeStatus {
        NodeStatus {
            sealed: BlockNumber(self.sealed.header.number),
            sealed_hash: self.sealed.hash,
            open_transactions: self
                .open
                .as_ref()
                .map_or(0, |open| open.transactions().len() as u64),
            queued_transactions: self.pool.len() as u64,
            finality: self.finality,
            backlog: self.backlog,
            halted: self.halted.clone(),
            beneficiary: self.chain.spec.genesis.beneficiary,
        }
    }
}
