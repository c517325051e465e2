//! The library's recursive circuits of each table at each length: from a STARK proof to the one shape that the
//! segment circuit verifies.
//!
//! The segment circuit needs only their verifier data, which are committed with this crate. The circuits
//! themselves are large (0.1 to 0.4 GB) and a segment uses one for each table: they are built when first
//! needed, and those not used for longest are dropped.

use std::sync::{Arc, Mutex, PoisonError};

use evm_arithmetization::all_stark::{AllStark, Table as LibraryTable};
use evm_arithmetization::fixed_recursive_verifier::{
    RecursionConfig, RecursiveCircuitsForTableSize,
};
use rayon::prelude::*;

use super::{C, D, F, VerifierData};
use crate::profile::{Profile, TABLE_COUNT};

/// The circuits of one table at one length.
pub(crate) type TableCircuits = RecursiveCircuitsForTableSize<F, C, D>;

/// Verifier data of each table's circuits, in the order of its lengths.
pub(crate) type TableKeys = [Vec<VerifierData>; TABLE_COUNT];

/// Circuits kept: one for each table. More would be at hand when lengths change, and in memory while STARKs are made.
const KEPT: usize = TABLE_COUNT;

/// A table's index and the log2 of its length, with the circuits for them.
type Kept = ((usize, usize), Arc<TableCircuits>);

/// Builds circuits, and keeps those in use.
pub(crate) struct Tables {
    profile: Profile,
    config: RecursionConfig,
    keys: TableKeys,
    /// Most recently used last.
    kept: Mutex<Vec<Kept>>,
}

impl Tables {
    pub(crate) fn new(profile: Profile, keys: TableKeys) -> Self {
        Self {
            profile,
            config: profile.recursion_config(),
            keys,
            kept: Mutex::default(),
        }
    }

    pub(crate) fn keys(&self) -> &TableKeys {
        &self.keys
    }

    /// The circuits of `table` at log2 length `size`, with their position among the table's lengths. `building`
    /// is called if they have to be built first.
    pub(crate) fn circuits(
        &self,
        stark: &AllStark<F, D>,
        table: usize,
        size: usize,
        building: impl FnOnce(),
    ) -> anyhow::Result<(usize, Arc<TableCircuits>)> {
        let position = self.profile.table_sizes()[table]
            .iter()
            .position(|known| *known == size);
        let Some(position) = position else {
            anyhow::bail!("there are no circuits for table {table} at 2^{size}");
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|(key, _)| *key == (table, size));
        let circuits = match found.map(|index| kept.remove(index).1) {
            Some(circuits) => circuits,
            None => {
                building();
                let surplus = (kept.len() + 1).saturating_sub(KEPT);
                kept.drain(..surplus);
                let circuits =
                    TableCircuits::of_table(LibraryTable::all()[table], stark, size, &self.config);
                if circuits.final_circuit().verifier_only
                    != self.keys[table][position].verifier_only
                {
                    anyhow::bail!("the committed verifier data of table {table} are out of date");
                }
                Arc::new(circuits)
            }
        };
        kept.push(((table, size), circuits.clone()));
        Ok((position, circuits))
    }
}

/// Builds the circuits of all tables at all lengths and keeps their verifier data. Minutes under `secure`.
pub(crate) fn compute_keys(
    stark: &AllStark<F, D>,
    profile: Profile,
    progress: &(dyn Fn(String) + Sync),
) -> TableKeys {
    let config = profile.recursion_config();
    let lengths: Vec<(LibraryTable, usize)> = LibraryTable::all()
        .into_iter()
        .zip(profile.table_sizes())
        .flat_map(|(table, sizes)| sizes.iter().map(move |size| (table, *size)))
        .collect();
    let built: Vec<(usize, VerifierData)> = lengths
        .into_par_iter()
        .map(|(table, size)| {
            progress(format!("table {table:?} of 2^{size} rows"));
            let circuits = TableCircuits::of_table(table, stark, size, &config);
            (*table, circuits.final_circuit().verifier_data())
        })
        .collect();
    let mut keys = TableKeys::default();
    for (table, key) in built {
        keys[table].push(key);
    }
    keys
}
