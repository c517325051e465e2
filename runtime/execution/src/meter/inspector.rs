//! The meter as revm's inspector: counts before each step, and stops execution when a limit is passed.

use std::collections::HashMap;
use std::sync::Arc;

use alloy::primitives::{Address, B256};
use revm::bytecode::opcode as op;
use revm::context_interface::{ContextTr, JournalTr, Transaction};
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::interpreter_types::{
    InputsTr, Jumps, LegacyBytecode, MemoryTr, RuntimeFlag,
};
use revm::interpreter::{
    CallInputs, CallOutcome, CallScheme, CreateInputs, CreateOutcome, Gas, InstructionResult,
    Interpreter, InterpreterResult,
};
use revm::state::EvmState;
use revm::{Database, Inspector};

use super::cells::{
    CALL_CELLS, CONTEXT_CELLS, CREATION_CELLS, CREDIT_CELLS, DESTRUCTION_CELLS,
    GAS_OF_RELOADED_CELL, RELOADED_CELLS, STORE_CELLS, TOUCHED_CELLS, TRANSIENT_CELLS,
    TRANSIENT_STORE_CELLS,
};
use super::costs::{
    COPIED_WORD, COSTS, DYNAMIC, EXPONENT_BIT, LOGGED_BYTE, MOVED_WORD, TOPIC, VALUE, hashed, words,
};
use super::paths::Paths;
use super::precompiles::precompile;
use super::searches::{Mark, Search, Searches};
use super::{Excess, MachineLimits, MachineResource, MachineWork};

/// Bytes of a log in the receipt beside its topics and data: the address and the headers.
const LOG_BYTES: u64 = 48;
/// Bytes of a topic in the receipt.
const TOPIC_BYTES: u64 = 33;
/// Bytes of a receipt beside its logs: status, gas, bloom filter, headers, its place in the trie.
const RECEIPT_BYTES: u64 = 1_000;
/// Gas of TSTORE (EIP-1153).
const TRANSIENT_STORE_GAS: u64 = 100;

/// A context whose journal can be looked into.
pub(crate) trait Context: ContextTr<Journal: JournalTr<State = EvmState>> {}

impl<C: ContextTr<Journal: JournalTr<State = EvmState>>> Context for C {}

/// Counts what a transaction's proof will take.
pub(crate) struct Meter {
    limits: MachineLimits,
    cycles: u64,
    /// `limits.cycles`, or 0 once any limit is passed: one comparison decides whether to go on.
    stop_above: u64,
    excess: Option<Excess>,
    /// Cells in use, and at most.
    cells: u64,
    most_cells: u64,
    kept_cells: u64,
    frames: Vec<Frame>,
    searches: Searches,
    /// Bytes of the receipt, which is hashed at once.
    receipt: u64,
    paths: HashMap<B256, Arc<Paths>>,
}

/// What a context has taken so far.
#[derive(Default)]
struct Frame {
    /// Jump destinations that were proven in this context, one bit each.
    proven: Vec<u64>,
    paths: Option<Arc<Paths>>,
    code: u64,
    memory: u64,
    /// Words on the stack at most: the kernel writes no zeros where it takes them off.
    stack: u64,
    returned: u64,
    cells: u64,
    /// Cells that the kernel would need again, and keep, for what a revert makes cold.
    reloaded: u64,
    /// Gas that calls took which were reverted: what it paid for is in `kept_cells`.
    reverted_gas: u64,
    /// The kernel's lists when it began.
    mark: Mark,
    receipt: u64,
}

impl Meter {
    /// A meter that has counted `work` already.
    pub(crate) fn new(limits: MachineLimits, work: MachineWork) -> Self {
        let mut meter = Self {
            limits,
            cycles: 0,
            stop_above: limits.cycles,
            excess: None,
            cells: 0,
            most_cells: 0,
            kept_cells: work.kept_cells,
            frames: Vec::new(),
            searches: Searches::default(),
            receipt: RECEIPT_BYTES,
            paths: HashMap::new(),
        };
        meter.add(work.cycles);
        meter.occupy(work.cells);
        meter
    }

    /// What was counted.
    ///
    /// # Errors
    /// If it is more than the limits allow.
    pub(crate) fn finish(&self) -> Result<MachineWork, Excess> {
        match self.excess {
            Some(excess) => Err(excess),
            None => Ok(MachineWork {
                cycles: self.cycles,
                cells: self.most_cells,
                kept_cells: self.kept_cells,
            }),
        }
    }

    #[inline]
    fn add(&mut self, cycles: u64) {
        self.cycles = self.cycles.saturating_add(cycles);
        if self.cycles > self.stop_above {
            self.exceed(MachineResource::Cycles, self.cycles, self.limits.cycles);
        }
    }

    #[cold]
    fn exceed(&mut self, resource: MachineResource, needs: u64, limit: u64) {
        self.stop_above = 0;
        self.excess.get_or_insert(Excess {
            resource,
            needs,
            limit,
        });
    }

    fn occupy(&mut self, cells: u64) {
        self.cells = self.cells.saturating_add(cells);
        self.most_cells = self.most_cells.max(self.cells);
        if self.most_cells > self.limits.cells {
            self.exceed(MachineResource::Memory, self.most_cells, self.limits.cells);
        }
    }

    fn keep(&mut self, cells: u64) {
        self.kept_cells = self.kept_cells.saturating_add(cells);
        self.occupy(cells);
    }

    fn hash(&mut self, bytes: u64) {
        self.limit_hash(bytes);
        self.add(hashed(bytes));
    }

    fn limit_hash(&mut self, bytes: u64) {
        if bytes > MachineLimits::HASH_BYTES && self.limits != MachineLimits::NONE {
            self.exceed(MachineResource::Hash, bytes, MachineLimits::HASH_BYTES);
        }
    }

    /// A log is kept in the list of logs, in the receipt, and in the receipt's encoding.
    fn log(&mut self, topics: u64, size: u64) {
        let bytes = size + topics * TOPIC_BYTES + LOG_BYTES;
        self.receipt += bytes;
        self.limit_hash(self.receipt);
        self.keep(bytes + 2 * (size + topics + 4));
    }

    /// Cells that the current context's memory takes, one for each byte, and its stack, one for each word.
    #[inline]
    fn note_memory(&mut self, memory: usize, stack: usize) {
        let (memory, stack) = (memory as u64, stack as u64);
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        if memory <= frame.memory && stack <= frame.stack {
            return;
        }
        let more = memory.saturating_sub(frame.memory) + stack.saturating_sub(frame.stack);
        frame.memory = frame.memory.max(memory);
        frame.stack = frame.stack.max(stack);
        frame.cells += more;
        self.occupy(more);
    }

    /// Cells that the current context takes until it ends.
    fn hold(&mut self, cells: u64) {
        if let Some(frame) = self.frames.last_mut() {
            frame.cells = frame.cells.saturating_add(cells);
        }
        self.occupy(cells);
    }

    /// Code that was loaded into the current context, or is its init code, with a bit for each jump destination that
    /// it may have: the kernel proves all that a context uses when it begins.
    fn load_code(&mut self, length: u64, destinations: u64) {
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        let more = length.saturating_sub(frame.code);
        frame.code += more;
        self.hold(more + destinations);
    }

    /// Counts what an instruction may load that is forgotten when the context is reverted.
    fn may_load(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.reloaded += RELOADED_CELLS;
        }
    }

    /// The kernel looks an address up and appends it if it is not there.
    fn touch(&mut self, address: Address) {
        let search = self.searches.touch(address);
        self.count(search, TOUCHED_CELLS);
    }

    fn touch_created(&mut self) {
        let search = self.searches.touch_created();
        self.count(search, TOUCHED_CELLS);
    }

    /// Counts a search in a list whose entries take so many cells.
    fn count(&mut self, search: Search, cells: u64) {
        self.add(search.cycles);
        if search.appended {
            self.keep(cells);
        }
    }

    /// Who pays for the gas is in the kernel's list before the first context.
    fn begin<C: Context>(&mut self, context: &C) {
        self.touch(context.tx().caller());
    }

    fn enter(&mut self, cells: u64) {
        let cells = cells + CONTEXT_CELLS;
        self.frames.push(Frame {
            cells,
            mark: self.searches.mark(),
            receipt: self.receipt,
            ..Frame::default()
        });
        self.occupy(cells);
    }

    fn leave(&mut self, result: &InterpreterResult) {
        let Some(frame) = self.frames.pop() else {
            return;
        };
        // What is returned is copied before the context ends.
        let output = result.output.len() as u64;
        if let Some(parent) = self.frames.last_mut() {
            let more = output.saturating_sub(parent.returned);
            parent.returned += more;
            self.hold(more);
        } else {
            // To the kernel's own context, which lasts as long as the batch.
            self.keep(output);
        }
        self.cells = self.cells.saturating_sub(frame.cells);
        let (mut reloaded, mut reverted_gas) = (frame.reloaded, frame.reverted_gas);
        if !result.result.is_ok() {
            self.undo(&frame);
            let gas = result.gas.total_gas_spent();
            self.keep(reloaded.min(gas.saturating_sub(reverted_gas) / GAS_OF_RELOADED_CELL));
            (reloaded, reverted_gas) = (0, gas);
        }
        if let Some(parent) = self.frames.last_mut() {
            parent.reloaded += reloaded;
            parent.reverted_gas += reverted_gas;
        }
    }

    fn undo(&mut self, frame: &Frame) {
        let cycles = self.searches.undo(frame.mark);
        self.add(cycles);
        self.receipt = frame.receipt;
    }

    fn jump(&mut self, interpreter: &mut Interpreter<EthInterpreter>, opcode: u8) {
        let stack = &interpreter.stack;
        if opcode == op::JUMPI && stack.peek(1).is_ok_and(|condition| condition.is_zero()) {
            return;
        }
        let Ok(destination) = stack.peek(0) else {
            return;
        };
        let destination = usize::try_from(destination).unwrap_or(usize::MAX);
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        let (word, bit) = (destination / 64, 1u64 << (destination % 64));
        if frame.proven.get(word).is_some_and(|bits| bits & bit != 0) {
            return;
        }
        let paths = match &frame.paths {
            Some(paths) => Arc::clone(paths),
            None => {
                let code = interpreter.bytecode.original_bytes();
                let paths = match interpreter.bytecode.hash() {
                    Some(hash) => Arc::clone(
                        self.paths
                            .entry(hash)
                            .or_insert_with(|| Arc::new(Paths::of(&code))),
                    ),
                    None => Arc::new(Paths::of(&code)),
                };
                frame.proven = vec![0; paths.len().div_ceil(64)];
                frame.paths = Some(Arc::clone(&paths));
                paths
            }
        };
        if let Some(bits) = frame.proven.get_mut(word) {
            *bits |= bit;
        }
        self.add(paths.cost(destination));
    }

    /// What an instruction takes beyond its fixed cost.
    fn dynamic<C: Context>(
        &mut self,
        interpreter: &mut Interpreter<EthInterpreter>,
        context: &mut C,
        opcode: u8,
    ) {
        if matches!(opcode, op::JUMP | op::JUMPI) {
            return self.jump(interpreter, opcode);
        }
        let stack = &interpreter.stack;
        let word = |index: usize| stack.peek(index).unwrap_or_default();
        let number = |index: usize| u64::try_from(word(index)).unwrap_or(u64::MAX);
        let here = interpreter.input.target_address();
        match opcode {
            op::EXP => self.add(word(1).bit_len() as u64 * EXPONENT_BIT),
            op::KECCAK256 => self.if_paid(interpreter, number(1), Self::hash),
            op::CALLDATACOPY | op::CODECOPY | op::RETURNDATACOPY => {
                self.if_paid(interpreter, number(2), |meter, size| {
                    meter.add(words(size, COPIED_WORD));
                });
            }
            op::MCOPY => self.if_paid(interpreter, number(2), |meter, size| {
                meter.add(words(size, MOVED_WORD));
            }),
            op::RETURN | op::REVERT => self.if_paid(interpreter, number(1), |meter, size| {
                meter.add(words(size, COPIED_WORD));
            }),
            op::EXTCODESIZE | op::EXTCODECOPY => {
                let address = Address::from_word(word(0).into());
                let length = code_length(context, address);
                self.hash(length);
                self.may_load();
                // Loaded into a context of its own, which ends once it is copied. What is copied from behind it is zero,
                // for which there is no cell.
                let mut cells = length + CONTEXT_CELLS;
                if opcode == op::EXTCODECOPY {
                    let size = number(3);
                    cells += size.min(length);
                    self.if_paid(interpreter, size, |meter, size| {
                        meter.add(words(size, COPIED_WORD));
                    });
                }
                self.occupy(cells);
                self.cells = self.cells.saturating_sub(cells);
            }
            op::BALANCE | op::EXTCODEHASH | op::SLOAD => self.may_load(),
            op::SSTORE => {
                self.may_load();
                self.keep(STORE_CELLS);
            }
            op::TLOAD => self.add(self.searches.load_transient(&(here, word(0)))),
            op::TSTORE => {
                // What fails takes no place in the list: it would be nearer than where the kernel has it later.
                if interpreter.runtime_flag.is_static()
                    || interpreter.gas.remaining() < TRANSIENT_STORE_GAS
                    || stack.len() < 2
                {
                    return;
                }
                let search = self.searches.store_transient((here, word(0)));
                self.count(search, TRANSIENT_CELLS);
                self.keep(TRANSIENT_STORE_CELLS);
            }
            op::LOG0..=op::LOG4 => {
                let topics = u64::from(opcode - op::LOG0);
                self.add(topics * TOPIC);
                let size = number(1);
                self.if_paid(interpreter, size, |meter, size| {
                    meter.add(size.saturating_mul(LOGGED_BYTE));
                    meter.log(topics, size);
                });
            }
            op::CALL | op::CALLCODE => {
                if !word(2).is_zero() {
                    self.add(VALUE);
                    self.keep(CREDIT_CELLS);
                }
                self.may_load();
                self.copies(interpreter, [number(4), number(6)]);
            }
            op::DELEGATECALL | op::STATICCALL => {
                self.may_load();
                self.copies(interpreter, [number(3), number(5)]);
            }
            op::SELFDESTRUCT => {
                let recipient = Address::from_word(word(0).into());
                let cycles = self.searches.destroy();
                self.add(cycles);
                self.may_load();
                self.keep(DESTRUCTION_CELLS);
                self.touch(recipient);
            }
            _ => {}
        }
    }

    /// Counts a size that gas limits; what the context cannot pay for ends it at once.
    fn if_paid(
        &mut self,
        interpreter: &Interpreter<EthInterpreter>,
        size: u64,
        count: impl FnOnce(&mut Self, u64),
    ) {
        // Every instruction with a size pays at least 3 gas for memory or copying of each new word.
        let (memory, gas) = (
            interpreter.memory.size() as u64,
            interpreter.gas.remaining(),
        );
        if size
            <= memory
                .saturating_add(gas.saturating_mul(32) / 3)
                .saturating_add(32)
        {
            count(self, size);
        }
    }

    /// Calldata of a call, and the return data that its caller asks for.
    fn copies(&mut self, interpreter: &Interpreter<EthInterpreter>, sizes: [u64; 2]) {
        for size in sizes {
            self.if_paid(interpreter, size, |meter, size| {
                meter.add(words(size, COPIED_WORD));
            });
        }
    }
}

impl<C: Context> Inspector<C, EthInterpreter> for Meter {
    fn initialize_interp(&mut self, interpreter: &mut Interpreter<EthInterpreter>, _: &mut C) {
        let code = interpreter.bytecode.bytecode_len() as u64;
        self.add(hashed(code));
        let table = interpreter.bytecode.legacy_jump_table();
        let destinations = table.map_or(0, |table| ones(table.as_slice()));
        self.load_code(code, destinations);
    }

    #[inline]
    fn step(&mut self, interpreter: &mut Interpreter<EthInterpreter>, context: &mut C) {
        let opcode = interpreter.bytecode.opcode();
        let cost = COSTS[usize::from(opcode)];
        self.note_memory(interpreter.memory.size(), interpreter.stack.len());
        self.add(u64::from(cost & !DYNAMIC));
        if cost & DYNAMIC != 0 {
            self.dynamic(interpreter, context, opcode);
        }
        if self.cycles > self.stop_above {
            interpreter.halt(InstructionResult::OutOfGas);
        }
    }

    fn call(&mut self, context: &mut C, inputs: &mut CallInputs) -> Option<CallOutcome> {
        if self.frames.is_empty() {
            self.begin(context);
        }
        let input = inputs.input.as_bytes(context);
        let special = precompile(&inputs.bytecode_address, &input, inputs.gas_limit);
        let length = input.len() as u64;
        drop(input);
        self.enter(length);
        self.keep(CALL_CELLS);
        self.touch(inputs.target_address);
        if matches!(inputs.scheme, CallScheme::Call | CallScheme::CallCode) {
            // The kernel transfers even nothing.
            self.touch(inputs.caller);
            self.touch(inputs.target_address);
        }
        if inputs.transfers_value() {
            // A revert transfers it back.
            self.touch(inputs.caller);
            self.touch(inputs.target_address);
        }
        if let Some(special) = special {
            self.add(special.cycles);
            self.hold(special.cells);
        }
        (self.excess.is_some())
            .then(|| CallOutcome::new_oog(inputs.gas_limit, inputs.return_memory_offset.clone(), 0))
    }

    fn call_end(&mut self, _: &mut C, _: &CallInputs, outcome: &mut CallOutcome) {
        if outcome.result.result == InstructionResult::OutOfFunds {
            // The kernel finds that out when it has touched both accounts, and reverts nothing.
            let mark = self.searches.mark();
            if let Some(frame) = self.frames.last_mut() {
                frame.mark = mark;
            }
        }
        self.leave(&outcome.result);
    }

    fn create(&mut self, context: &mut C, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        if self.frames.is_empty() {
            self.begin(context);
        }
        let length = inputs.init_code().len() as u64;
        self.enter(0);
        self.load_code(length, 0);
        self.keep(CREATION_CELLS);
        self.add(words(length, COPIED_WORD));
        self.hash(length);
        self.searches.create();
        // The kernel transfers even nothing, makes the account, and sets its code.
        self.touch(inputs.caller());
        for _ in 0..3 {
            self.touch_created();
        }
        if !inputs.value().is_zero() {
            // A revert transfers it back.
            self.touch(inputs.caller());
            self.touch_created();
            self.add(VALUE);
        }
        (self.excess.is_some()).then(|| {
            CreateOutcome::new(
                InterpreterResult {
                    result: InstructionResult::OutOfGas,
                    output: Default::default(),
                    gas: Gas::new_spent_with_reservoir(inputs.gas_limit(), 0),
                },
                None,
            )
        })
    }

    fn create_end(&mut self, _: &mut C, _: &CreateInputs, outcome: &mut CreateOutcome) {
        if outcome.result.result.is_ok() {
            // The code's hash.
            self.hash(outcome.result.output.len() as u64);
        }
        self.leave(&outcome.result);
    }
}

fn ones(bits: &[u8]) -> u64 {
    bits.iter().map(|byte| u64::from(byte.count_ones())).sum()
}

/// Length of an account's code. The journal would make the account warm, so it is only looked at.
fn code_length<C: Context>(context: &mut C, address: Address) -> u64 {
    let known = context.journal().evm_state().get(&address);
    let (hash, code) = match known {
        Some(account) => (account.info.code_hash, account.info.code.clone()),
        None => {
            let info = context.db_mut().basic(address).ok().flatten();
            let info = info.unwrap_or_default();
            (info.code_hash, info.code)
        }
    };
    let code = code.or_else(|| context.db_mut().code_by_hash(hash).ok());
    code.map_or(0, |code| code.len() as u64)
}
