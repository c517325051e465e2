//! Numbers that must not be mixed up. None converts into another; each converts from and to `u64`.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The number after this one, or `None` past `u64::MAX`.
            pub fn next(self) -> Option<Self> {
                self.0.checked_add(1).map(Self)
            }

            /// Big-endian bytes: keys that sort as the numbers do.
            pub fn to_be_bytes(self) -> [u8; 8] {
                self.0.to_be_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<u64> for $name {
            fn from(value: u64) -> Self {
                Self(value)
            }
        }

        impl From<$name> for u64 {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

unit!(
    /// The number of an L3 block. Genesis is 0.
    BlockNumber
);
unit!(
    /// The number of a batch. The first batch is 1; 0 stands for genesis.
    BatchNumber
);
unit!(
    /// An amount of EVM gas.
    Gas
);
unit!(
    /// An EIP-155 chain id. Provable chains need one below 2^32.
    ChainId
);
