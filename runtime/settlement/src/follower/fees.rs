//! EIP-1559 fees.

use std::fmt;

/// Fees of a transaction, in wei for each unit of gas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fees {
    /// Most that is paid in all.
    pub max_fee: u128,
    /// Most that the block's producer gets of it.
    pub max_priority_fee: u128,
}

impl Fees {
    /// Fees that stay enough while the base fee doubles: six full blocks.
    pub fn above(base_fee: u128, priority_fee: u128) -> Self {
        let max_fee = base_fee.saturating_mul(2).saturating_add(priority_fee);
        Self {
            max_fee,
            max_priority_fee: priority_fee,
        }
    }

    /// At least an eighth more than these: pools ask for a tenth more of a replacement.
    pub fn raised(self) -> Self {
        let raise = |fee: u128| fee.saturating_add(fee.div_ceil(8)).max(1);
        Self {
            max_fee: raise(self.max_fee),
            max_priority_fee: raise(self.max_priority_fee),
        }
    }

    /// The higher of both, field by field.
    pub fn max(self, other: Self) -> Self {
        Self {
            max_fee: self.max_fee.max(other.max_fee),
            max_priority_fee: self.max_priority_fee.max(other.max_priority_fee),
        }
    }
}

impl fmt::Display for Fees {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} wei, of which at most {} priority",
            self.max_fee, self.max_priority_fee
        )
    }
}
