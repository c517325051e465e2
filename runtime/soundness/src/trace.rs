//! The tables of one segment.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use evm_arithmetization::generation::{TablesWithPVs, generate_traces};
use evm_arithmetization::proof::PublicValues;
use evm_arithmetization::{
    AllStark, GenerationInputs, GenerationSegmentData, NUM_TABLES, SegmentDataIterator,
    StarkConfig, TrimmedGenerationInputs,
};
use plonky2::field::polynomial::PolynomialValues;
use plonky2::util::timing::TimingTree;

use crate::{D, F, Table};

/// A table, row by row, padded to the length that is proven. Copies share their cells until one is changed.
#[derive(Clone, Debug)]
pub struct TableTrace {
    width: usize,
    cells: Arc<Vec<F>>,
}

impl TableTrace {
    /// A table of `width` columns from its cells, row by row.
    #[must_use]
    pub fn new(width: usize, cells: Vec<F>) -> Self {
        assert_eq!(cells.len() % width, 0, "whole rows");
        Self {
            width,
            cells: Arc::new(cells),
        }
    }

    fn from_columns(columns: &[PolynomialValues<F>]) -> Self {
        let (width, rows) = (columns.len(), columns[0].len());
        let mut cells = vec![F::default(); width * rows];
        for (index, column) in columns.iter().enumerate() {
            for (row, &value) in column.values.iter().enumerate() {
                cells[row * width + index] = value;
            }
        }
        Self::new(width, cells)
    }

    /// The number of columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// The number of rows, padding included.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.cells.len() / self.width
    }

    /// One row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[F] {
        &self.cells[row * self.width..][..self.width]
    }

    /// One row, to be changed.
    pub fn row_mut(&mut self, row: usize) -> &mut [F] {
        &mut Arc::make_mut(&mut self.cells)[row * self.width..][..self.width]
    }

    /// The row after `row`; after the last comes the first.
    #[must_use]
    pub fn next_row(&self, row: usize) -> &[F] {
        self.row((row + 1) % self.rows())
    }

    /// Whether nothing was changed since one was copied from the other.
    pub(crate) fn shares_cells(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.cells, &other.cells)
    }

    /// All rows, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[F]> {
        self.cells.chunks(self.width)
    }
}

/// The tables of one segment and its public values.
#[derive(Clone, Debug)]
pub struct Trace {
    /// By [`Table`].
    pub tables: [TableTrace; NUM_TABLES],
    /// Which tables are proven; the others look at nothing and nothing looks at them.
    pub in_use: [bool; NUM_TABLES],
    /// What the segment's proof states. The caps of the memory are empty.
    pub public_values: PublicValues<F>,
}

impl Trace {
    /// The honest traces of all segments of `inputs`, each of at most 2^`max_cycles_log` cycles, made one at a time.
    ///
    /// # Errors
    /// If the kernel stops.
    pub fn segments(
        inputs: &GenerationInputs,
        max_cycles_log: Option<usize>,
    ) -> impl Iterator<Item = Result<Self>> + use<> {
        let starks = AllStark::default();
        SegmentDataIterator::new(inputs, max_cycles_log).map(move |segment| {
            let (inputs, mut data) = segment.map_err(|error| anyhow!(error.inner))?;
            Self::generate(&starks, &inputs, &mut data)
        })
    }

    fn generate(
        starks: &AllStark<F, D>,
        inputs: &TrimmedGenerationInputs,
        data: &mut GenerationSegmentData,
    ) -> Result<Self> {
        let config = StarkConfig::standard_fast_config();
        let mut timing = TimingTree::default();
        let TablesWithPVs {
            tables,
            table_in_use,
            public_values,
        } = generate_traces(starks, inputs, &config, data, &mut timing)
            .context("the witness generator fills the tables")?;
        Ok(Self {
            tables: tables.map(|columns| TableTrace::from_columns(&columns)),
            in_use: table_in_use,
            public_values,
        })
    }

    /// One table.
    #[must_use]
    pub fn table(&self, table: Table) -> &TableTrace {
        &self.tables[table as usize]
    }

    /// One table, to be changed.
    pub fn table_mut(&mut self, table: Table) -> &mut TableTrace {
        &mut self.tables[table as usize]
    }
}
