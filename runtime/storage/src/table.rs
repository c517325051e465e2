//! Tables: a name, a number, and the types of key and value.

use std::fmt;
use std::marker::PhantomData;

use alloy::primitives::{Address, B256};
use serde::{Serialize, de::DeserializeOwned};
use tern_messages::{BatchNumber, BlobId, BlockNumber, JobId};

/// A key with an order-preserving byte form.
pub trait Key: Sized {
    /// Appends the key's bytes. Numbers are big-endian, so that bytes sort as values do.
    fn write(&self, out: &mut Vec<u8>);

    /// Reads the key back; `None` if the bytes are not one.
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// A typed table. Declare it as a constant; see [`crate::tables`].
pub struct Table<K, V> {
    pub(crate) id: u8,
    pub(crate) name: &'static str,
    types: PhantomData<fn(K) -> V>,
}

impl<K, V> Table<K, V> {
    /// A table numbered `id`, which no other table of the same store may have.
    pub const fn new(id: u8, name: &'static str) -> Self {
        Self {
            id,
            name,
            types: PhantomData,
        }
    }

    /// The table's name, as errors say it.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<K, V> fmt::Debug for Table<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({:#04x} {})", self.id, self.name)
    }
}

impl<K: Key, V: Serialize + DeserializeOwned> Table<K, V> {
    pub(crate) fn key(&self, key: &K) -> Vec<u8> {
        let mut out = vec![self.id];
        key.write(&mut out);
        out
    }
}

/// The only key of a table with one row.
impl Key for () {
    fn write(&self, _out: &mut Vec<u8>) {}

    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.is_empty().then_some(())
    }
}

macro_rules! number_key {
    ($($name:ty),*) => {$(
        impl Key for $name {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }

            fn read(bytes: &[u8]) -> Option<Self> {
                Some(Self::from_be_bytes(bytes.try_into().ok()?))
            }
        }
    )*};
}
number_key!(u32, u64);

macro_rules! unit_key {
    ($($name:ident),*) => {$(
        impl Key for $name {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }

            fn read(bytes: &[u8]) -> Option<Self> {
                Key::read(bytes).map($name)
            }
        }
    )*};
}
unit_key!(BlockNumber, BatchNumber, JobId, BlobId);

macro_rules! bytes_key {
    ($($name:ty),*) => {$(
        impl Key for $name {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(self.as_slice());
            }

            fn read(bytes: &[u8]) -> Option<Self> {
                Self::try_from(bytes).ok()
            }
        }
    )*};
}
bytes_key!(B256, Address);

/// Sorts by the first part, then by the second.
impl<A: FixedKey, B: Key> Key for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (first, second) = bytes.split_at_checked(A::LEN)?;
        Some((A::read(first)?, B::read(second)?))
    }
}

/// A key whose byte form always has the same length, so that another may follow it.
pub trait FixedKey: Key {
    /// The length, in bytes.
    const LEN: usize;
}

macro_rules! fixed {
    ($($name:ty: $len:literal),*) => {$(
        impl FixedKey for $name {
            const LEN: usize = $len;
        }
    )*};
}
fixed!(u32: 4, u64: 8, BlockNumber: 8, BatchNumber: 8, JobId: 32, BlobId: 32, B256: 32, Address: 20);
