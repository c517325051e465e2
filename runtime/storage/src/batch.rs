//! Writes that happen together or not at all.

use serde::{Serialize, de::DeserializeOwned};
use tern_messages::encode;

use crate::table::{Key, Table};

/// Writes that happen together or not at all, in the order given.
#[derive(Debug, Default)]
pub struct WriteBatch {
    pub(crate) writes: Vec<Write>,
}

#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) table: u8,
    pub(crate) key: Vec<u8>,
    /// The encoded value; `None` deletes.
    pub(crate) value: Option<Vec<u8>>,
}

impl WriteBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the value of `key`.
    pub fn put<K: Key, V: Serialize + DeserializeOwned>(
        &mut self,
        table: &Table<K, V>,
        key: &K,
        value: &V,
    ) -> &mut Self {
        let value = Some(encode(value));
        self.writes.push(Write {
            table: table.id,
            key: table.key(key),
            value,
        });
        self
    }

    /// Removes `key`, if it is there.
    pub fn delete<K: Key, V: Serialize + DeserializeOwned>(
        &mut self,
        table: &Table<K, V>,
        key: &K,
    ) -> &mut Self {
        self.writes.push(Write {
            table: table.id,
            key: table.key(key),
            value: None,
        });
        self
    }

    /// Adds all writes of another batch after these.
    pub fn append(&mut self, other: Self) -> &mut Self {
        self.writes.extend(other.writes);
        self
    }

    /// Whether nothing would be written.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Number of writes.
    pub fn len(&self) -> usize {
        self.writes.len()
    }
}
