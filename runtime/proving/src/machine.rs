//! The prover's machine running a transaction batch, segment by segment. Its panics end here.

use std::panic::{AssertUnwindSafe, catch_unwind};

use evm_arithmetization::{
    Field, GenerationInputs, GenerationSegmentData, SegmentDataIterator, TrimmedGenerationInputs,
};
use tern_messages::{BlockNumber, TransactionBatch};

use crate::error::{InputError, Unprovable};
use crate::inputs::generation_inputs;
use crate::limits::MAX_SEGMENTS;
use crate::simulate::Work;

/// So much is kept of what a panic says.
const MESSAGE_LEN: usize = 1000;

/// A run of the machine.
pub(crate) struct Machine {
    run: SegmentDataIterator<Field>,
    block: BlockNumber,
    first_transaction: u64,
    next_segment: usize,
}

impl Machine {
    pub(crate) fn load(batch: &TransactionBatch, max_cycles_log: u8) -> Result<Self, Unprovable> {
        Self::with(batch, Some(max_cycles_log))
    }

    /// A machine that runs the batch as one segment, however long.
    pub(crate) fn uncut(batch: &TransactionBatch) -> Result<Self, Unprovable> {
        Self::with(batch, None)
    }

    fn with(batch: &TransactionBatch, max_cycles_log: Option<u8>) -> Result<Self, Unprovable> {
        let inputs: GenerationInputs = generation_inputs(batch)?;
        let max_cycles_log = max_cycles_log.map(usize::from);
        let run = catch_panic(|| SegmentDataIterator::new(&inputs, max_cycles_log))
            .map_err(|message| InputError::Refused { message })?;
        Ok(Self {
            run,
            block: BlockNumber(batch.header.number),
            first_transaction: batch.first_transaction,
            next_segment: 0,
        })
    }

    /// What the segments so far took.
    pub(crate) fn work(&self) -> Work {
        let rows = self.run.rows();
        Work {
            cycles: self.run.cycles() as u64,
            arithmetic: rows.arithmetic as u64,
            byte_packing: rows.byte_packing as u64,
            keccak: rows.keccak as u64,
            logic: rows.logic as u64,
            memory: rows.memory as u64,
        }
    }

    pub(crate) fn block(&self) -> BlockNumber {
        self.block
    }

    /// Runs the next segment; `None` after the last.
    pub(crate) fn next_segment(
        &mut self,
    ) -> Result<Option<(TrimmedGenerationInputs, GenerationSegmentData)>, Unprovable> {
        let outcome = catch_panic(|| self.run.next());
        let segment = self.next_segment;
        let message = match outcome {
            Ok(None) => return Ok(None),
            Ok(Some(Ok(data))) => {
                self.next_segment += 1;
                if self.next_segment > MAX_SEGMENTS {
                    return Err(Unprovable::TooLong {
                        block: self.block,
                        max: MAX_SEGMENTS,
                    });
                }
                return Ok(Some(data));
            }
            Ok(Some(Err(error))) => shorten(error.inner.message),
            Err(message) => message,
        };
        // Zero before the first transaction begins: the message then speaks of the block's start.
        let begun = self.run.transactions_begun() as u64;
        let transaction = begun
            .checked_sub(1)
            .map(|last| self.first_transaction + last);
        Err(Unprovable::Kernel {
            block: self.block,
            segment,
            transaction,
            message,
        })
    }
}

/// Runs `f`; a panic becomes its message.
pub(crate) fn catch_panic<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        shorten(text.unwrap_or_else(|| "it panicked".to_owned()))
    })
}

fn shorten(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(MESSAGE_LEN) {
        message.truncate(end);
        message.push('…');
    }
    message
}
