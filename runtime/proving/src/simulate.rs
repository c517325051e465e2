//! How large each table of each segment will be, without proving.
//!
//! The machine's kernel runs the batch twice: once to cut it into segments, and each segment once more to
//! count the operations of every table. A run takes some 0.1 s for each 2^16 cycles.

use evm_arithmetization::Field;
use evm_arithmetization::generation::table_degree_bits;
use serde::{Deserialize, Serialize};
use starky::config::StarkConfig;
use tern_messages::{BlockNumber, TransactionBatch};

use crate::error::Unprovable;
use crate::machine::{Machine, catch_panic};
use crate::profile::{Profile, TABLE_COUNT, Table};

/// log2 of the length of each table of one segment, in the order of [`Table::ALL`]; `None` for a table that
/// the segment does not use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentSizes(pub [Option<u8>; TABLE_COUNT]);

/// What proving one transaction batch takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulation {
    /// log2 of the segments' length in machine cycles.
    pub max_cycles_log: u8,
    /// One entry for each segment, in order.
    pub segments: Vec<SegmentSizes>,
}

/// What the machine does for a transaction batch, whatever the segments: rows by table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Rows of the Cpu table: machine cycles.
    pub cycles: u64,
    /// Rows of the Arithmetic table.
    pub arithmetic: u64,
    /// Rows of the BytePacking table.
    pub byte_packing: u64,
    /// Rows of the Keccak table, 24 for each 136 bytes.
    pub keccak: u64,
    /// Rows of the Logic table.
    pub logic: u64,
    /// Operations on memory.
    pub memory: u64,
}

impl Work {
    /// Everything in machine cycles: a table that fills a segment's share faster than the Cpu table counts for as
    /// many cycles. A segment of 2^18 cycles holds 2^17 arithmetic rows, and so on: see [`Profile::table_sizes`].
    ///
    /// Memory counts a quarter: the rest of its 2^20 rows is needed for initial values and gaps.
    pub fn equivalent_cycles(&self) -> u64 {
        [
            self.cycles,
            self.arithmetic * 2,
            self.byte_packing * 4,
            self.keccak * 8,
            self.logic * 16,
            self.memory / 4,
        ]
        .into_iter()
        .max()
        .unwrap_or_default()
    }
}

impl Simulation {
    /// The number of segments, as a plan wants it.
    pub fn segment_count(&self) -> u32 {
        u32::try_from(self.segments.len()).expect("runs are limited to MAX_SEGMENTS")
    }
}

impl SegmentSizes {
    /// Checks every table against the circuits of `profile`.
    ///
    /// # Errors
    /// The first table that is too long.
    pub fn check(
        &self,
        profile: Profile,
        block: BlockNumber,
        segment: usize,
    ) -> Result<(), Unprovable> {
        for (table, size) in Table::ALL.into_iter().zip(self.0) {
            let largest = profile.largest_size(table);
            if let Some(size) = size.map(usize::from).filter(|size| *size > largest) {
                return Err(Unprovable::DoesNotFit {
                    block,
                    segment,
                    table,
                    size,
                    largest,
                });
            }
        }
        Ok(())
    }
}

/// Runs `batch` through the machine's kernel, which checks every root, receipt and gas figure, and reports
/// the segments; all of them fit the profile's circuits.
///
/// Segments are as long as [`Profile::max_cycles_log`] says, or shorter where a table would not fit otherwise.
///
/// # Errors
/// Why the batch cannot be proven. Trying again cannot help.
pub fn simulate(batch: &TransactionBatch, profile: Profile) -> Result<Simulation, Unprovable> {
    simulate_within(batch, profile, profile.max_cycles_log())
}

/// As [`simulate`], with segments of 2^`longest` cycles at most.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_within(
    batch: &TransactionBatch,
    profile: Profile,
    longest: u8,
) -> Result<Simulation, Unprovable> {
    let mut outcome = simulate_at(batch, profile, longest);
    for max_cycles_log in (profile.min_cycles_log()..longest).rev() {
        match outcome {
            Err(Unprovable::DoesNotFit { .. }) => {
                outcome = simulate_at(batch, profile, max_cycles_log);
            }
            _ => break,
        }
    }
    outcome
}

/// As [`simulate`], with segments of one length.
fn simulate_at(
    batch: &TransactionBatch,
    profile: Profile,
    max_cycles_log: u8,
) -> Result<Simulation, Unprovable> {
    let simulation = measure(
        batch,
        &profile.recursion_config().stark_config,
        max_cycles_log,
    )?;
    for (index, sizes) in simulation.segments.iter().enumerate() {
        sizes.check(profile, BlockNumber(batch.header.number), index)?;
    }
    Ok(simulation)
}

/// The sizes of all segments, whether or not circuits exist for them.
///
/// # Errors
/// If the batch is no input, or the kernel stops.
pub fn measure(
    batch: &TransactionBatch,
    config: &StarkConfig,
    max_cycles_log: u8,
) -> Result<Simulation, Unprovable> {
    let mut machine = Machine::load(batch, max_cycles_log)?;
    let mut segments = Vec::new();
    while let Some((inputs, mut data)) = machine.next_segment()? {
        let sizes = catch_panic(|| table_degree_bits::<Field, 2>(&inputs, config, &mut data))
            .and_then(|sizes| sizes.map_err(|error| error.to_string()))
            .map_err(|message| Unprovable::Kernel {
                block: machine.block(),
                segment: segments.len(),
                transaction: None,
                message,
            })?;
        segments.push(SegmentSizes(sizes.map(|size| size.map(|bits| bits as u8))));
    }
    Ok(Simulation {
        max_cycles_log,
        segments,
    })
}

/// Runs `batch` through the machine's kernel without cutting it, and counts.
///
/// # Errors
/// If the batch is no input, or the kernel stops.
pub fn count(batch: &TransactionBatch) -> Result<Work, Unprovable> {
    let mut machine = Machine::uncut(batch)?;
    while machine.next_segment()?.is_some() {}
    Ok(machine.work())
}

/// Runs `batch` through the machine's kernel in segments of 2^`max_cycles_log` cycles, and reports the most cells of
/// memory that one of them hands to the next: rows of its MemAfter table, whether or not there are so long ones.
///
/// # Errors
/// If the batch is no input, or the kernel stops.
pub fn most_cells(batch: &TransactionBatch, max_cycles_log: u8) -> Result<u64, Unprovable> {
    let mut machine = Machine::load(batch, max_cycles_log)?;
    let mut most = 0;
    while let Some((_, data)) = machine.next_segment()? {
        most = most.max(data.initial_cells() as u64);
    }
    Ok(most)
}
