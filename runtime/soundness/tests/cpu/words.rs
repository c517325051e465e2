//! Where a word on the stack goes.

use plonky2::field::types::Field;
use tern_soundness::F;

use super::{Row, STACK, TABLE, executes, honest, row};

const POP: u8 = 0x50;
const DUP1: u8 = 0x80;

/// A read or write.
#[derive(Clone, Copy)]
struct Access {
    /// The channel with its value.
    channel: usize,
    is_read: bool,
}

/// The way of a word, up to where it is popped, overwritten or used.
#[derive(Default)]
pub(crate) struct Path {
    /// Rows and channels that hold it.
    pub(crate) cells: Vec<(usize, usize)>,
    /// Rows that use it, other than to put it aside, to find it on top again or to pop it.
    pub(crate) users: Vec<usize>,
}

impl Path {
    /// The way of the word that is on top in a row.
    pub(crate) fn of_top(index: usize) -> Self {
        let mut path = Self::default();
        path.follow_top(index);
        path
    }

    /// The way of the word that is at a place of the stack after a row.
    pub(crate) fn of_place(place: F, index: usize) -> Self {
        let mut path = Self::default();
        path.follow_place(place, index);
        path
    }

    /// Whether none but rows that copy use it, so that nothing but their constraints is concerned.
    pub(crate) fn is_only_copied(&self) -> bool {
        self.users.iter().all(|&user| copies(row(user)))
    }

    fn follow_top(&mut self, index: usize) {
        let this = row(index);
        self.cells.push((index, 0));
        let op = this.op;
        let pushes = op.push_prover_input + op.pc_push0 + op.syscall + op.exception;
        if pushes.is_one() {
            return self.follow_place(this.stack_len - F::ONE, index);
        }
        // DUP writes with channel 1, SWAP and GET_CONTEXT with channel 2.
        let [dup, swap] =
            [F::ZERO, F::ONE].map(|bit| op.dup_swap.is_one() && this.opcode_bits[4] == bit);
        let gets_context = op.context_op.is_one() && this.opcode_bits[0].is_zero();
        if dup || swap || gets_context {
            let channel = if dup { 1 } else { 2 };
            self.cells.push((index, channel));
            if executes(this, DUP1) {
                self.cells.push((index, 2));
                self.users.push(index);
            }
            self.follow_place(this.mem_channels[channel].addr_virtual, index);
        } else if !executes(this, POP) {
            self.users.push(index);
        }
    }

    /// Follows what is at a place of the stack after a row.
    fn follow_place(&mut self, place: F, index: usize) {
        let context = row(index).context;
        for later in index + 1..honest().table(TABLE).rows() {
            for access in accesses(row(later), [context, place]) {
                match access {
                    Access {
                        is_read: true,
                        channel: 0,
                    } => return self.follow_top(later),
                    Access {
                        is_read: true,
                        channel,
                    } => {
                        self.cells.push((later, channel));
                        self.users.push(later);
                    }
                    Access { is_read: false, .. } => return,
                }
            }
        }
    }
}

/// Whether a row's constraints alone say which word is on top afterwards: those of DUP, SWAP and MLOAD_GENERAL.
pub(crate) fn copies(row: &Row) -> bool {
    (row.op.dup_swap + row.op.m_op_general * row.opcode_bits[0]).is_one()
}

/// The channels with which a row reads or writes a place of the stack of a context, in the order of time. The partial
/// channel, which has the value of channel 0, counts as that.
fn accesses(row: &Row, [context, place]: [F; 2]) -> impl Iterator<Item = Access> {
    let partial = row.partial_channel;
    let partial = [
        partial.used,
        partial.addr_context,
        partial.addr_segment,
        partial.addr_virtual,
    ];
    let channels = row
        .mem_channels
        .map(|c| [c.used, c.addr_context, c.addr_segment, c.addr_virtual]);
    let reads = row.mem_channels.map(|channel| channel.is_read.is_one());
    let general = (0..).zip(reads).zip(channels);
    general
        .chain([((0, false), partial)])
        .filter(move |(_, channel)| *channel == [F::ONE, context, STACK, place])
        .map(|((channel, is_read), _)| Access { channel, is_read })
}

/// The row that was the last to write to a place of the stack before another row, and the channel with the value.
pub(crate) fn last_write(index: usize, place: F) -> Option<(usize, usize)> {
    let mut rows = (0..index).rev();
    rows.find_map(|earlier| {
        let accesses = accesses(row(earlier), [row(index).context, place]);
        let write = accesses.filter(|access| !access.is_read).last()?;
        Some((earlier, write.channel))
    })
}
