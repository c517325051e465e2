//! What a block's transactions see of their chain and block.

use alloy::consensus::Header;
use alloy::eips::eip1559::{BaseFeeParams, calc_next_block_base_fee};
use alloy::primitives::{Address, B256, U256, keccak256};
use revm::context::{BlockEnv, CfgEnv};
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::handler::EthPrecompiles;
use revm::primitives::eip4844::BLOB_BASE_FEE_UPDATE_FRACTION_CANCUN;
use revm::primitives::hardfork::SpecId;
use tern_messages::{Anchor, ChainId, Gas};

use crate::meter::MachineLimits;
use crate::precompiles;

/// What the header's `logsBloom` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderBloom {
    /// All ones: a constant that admits every log, for chains whose proof does not cover the bloom.
    AllOnes,
    /// The union of the receipts' blooms, as Ethereum defines it.
    True,
}

/// The rules of a chain beyond the EVM's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainRules {
    /// The chain's id.
    pub chain_id: ChainId,
    /// What headers hold in place of the bloom.
    pub header_bloom: HeaderBloom,
    /// What proving a transaction may take; without limits nothing is metered.
    pub machine: Option<MachineLimits>,
    /// Whether point evaluation (EIP-4844, at 0x0a) works. It cannot be proven: where it does not work, calls to it
    /// fail.
    pub point_evaluation: bool,
}

impl ChainRules {
    /// The rules of the rollup, without limits to what proving may take.
    pub fn provable(chain_id: ChainId) -> Self {
        Self {
            chain_id,
            header_bloom: HeaderBloom::AllOnes,
            machine: None,
            point_evaluation: false,
        }
    }

    /// The same rules with limits to what proving a transaction may take.
    #[must_use]
    pub fn limited(self, limits: MachineLimits) -> Self {
        Self {
            machine: Some(limits),
            ..self
        }
    }

    /// The rules of a plain EVM chain.
    pub fn plain(chain_id: ChainId) -> Self {
        Self {
            chain_id,
            header_bloom: HeaderBloom::True,
            machine: None,
            point_evaluation: true,
        }
    }

    pub(crate) fn precompiles(&self) -> EthPrecompiles {
        if self.point_evaluation {
            precompiles::all()
        } else {
            precompiles::provable()
        }
    }

    pub(crate) fn configuration(&self) -> CfgEnv {
        let mut configuration = CfgEnv::new_with_spec(SpecId::CANCUN);
        configuration.chain_id = self.chain_id.0;
        configuration
    }
}

/// What whoever opens a block chooses; everything else follows from the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockAttributes {
    /// Seconds since the Unix epoch; not less than the parent's.
    pub timestamp: u64,
    /// Who receives the priority fees.
    pub beneficiary: Address,
    /// Most gas that the block's transactions may use together.
    pub gas_limit: Gas,
    /// What it knows of the parent chain: contracts read the hash through EIP-4788.
    pub anchor: Anchor,
}

/// What a block's transactions see of their chain and block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockEnvironment {
    /// The chain's id.
    pub chain_id: ChainId,
    /// The block's number.
    pub number: u64,
    /// Seconds since the Unix epoch.
    pub timestamp: u64,
    /// Hash of the parent.
    pub parent_hash: B256,
    /// Who receives the priority fees.
    pub beneficiary: Address,
    /// Most gas that the block's transactions may use together.
    pub gas_limit: Gas,
    /// Base fee per gas, in wei (EIP-1559).
    pub base_fee: u64,
    /// What PREVRANDAO returns.
    pub prev_randao: B256,
    /// What the EIP-4788 system call stores.
    pub parent_beacon_block_root: B256,
}

impl BlockEnvironment {
    /// The environment of the block after `parent`, whose hash is `parent_hash`.
    pub fn after(
        rules: &ChainRules,
        parent: &Header,
        parent_hash: B256,
        attributes: BlockAttributes,
    ) -> Self {
        Self {
            chain_id: rules.chain_id,
            number: parent.number.saturating_add(1),
            timestamp: attributes.timestamp,
            parent_hash,
            beneficiary: attributes.beneficiary,
            gas_limit: attributes.gas_limit,
            base_fee: next_base_fee(parent),
            prev_randao: keccak256(parent_hash),
            parent_beacon_block_root: attributes.anchor.root(),
        }
    }

    /// The environment that a sealed block was executed in, for calls at that block.
    pub fn of(rules: &ChainRules, header: &Header) -> Self {
        Self {
            chain_id: rules.chain_id,
            number: header.number,
            timestamp: header.timestamp,
            parent_hash: header.parent_hash,
            beneficiary: header.beneficiary,
            gas_limit: Gas(header.gas_limit),
            base_fee: header.base_fee_per_gas.unwrap_or_default(),
            prev_randao: header.mix_hash,
            parent_beacon_block_root: header.parent_beacon_block_root.unwrap_or_default(),
        }
    }

    pub(crate) fn block(&self) -> BlockEnv {
        BlockEnv {
            number: U256::from(self.number),
            beneficiary: self.beneficiary,
            timestamp: U256::from(self.timestamp),
            gas_limit: self.gas_limit.0,
            basefee: self.base_fee,
            difficulty: U256::ZERO,
            prevrandao: Some(self.prev_randao),
            // No blobs, ever: excess 0, hence a blob base fee of 1 wei.
            blob_excess_gas_and_price: Some(BlobExcessGasAndPrice::new(
                0,
                BLOB_BASE_FEE_UPDATE_FRACTION_CANCUN,
            )),
            slot_num: 0,
        }
    }
}

/// The base fee of the block after `parent`, in wei (EIP-1559, Ethereum's parameters). A header has 64 bits for it: where
/// it would be more, it stays at the most, as the contract on L2 has it.
pub fn next_base_fee(parent: &Header) -> u64 {
    let base_fee = parent.base_fee_per_gas.unwrap_or_default();
    let params = BaseFeeParams::ethereum();
    let target = u128::from(parent.gas_limit) / params.elasticity_multiplier;
    let above = u128::from(parent.gas_used).saturating_sub(target);
    if above == 0 {
        return calc_next_block_base_fee(parent.gas_used, parent.gas_limit, base_fee, params);
    }
    // The library adds within 64 bits.
    let rise = u128::from(base_fee) * above / target.max(1) / params.max_change_denominator;
    let next = u128::from(base_fee) + rise.max(1);
    u64::try_from(next).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_fee_stays_at_the_most_that_a_header_holds() {
        let full = |base_fee| Header {
            gas_limit: 30_000_000,
            gas_used: 30_000_000,
            base_fee_per_gas: Some(base_fee),
            ..Header::default()
        };
        let last_that_fits = u64::MAX / 9 * 8;
        assert_eq!(next_base_fee(&full(last_that_fits)), last_that_fits / 8 * 9);
        for above in [last_that_fits + 8, u64::MAX - 1, u64::MAX] {
            assert_eq!(next_base_fee(&full(above)), u64::MAX);
        }
    }

    #[test]
    fn the_base_fee_is_that_of_the_library_where_it_fits() {
        let params = BaseFeeParams::ethereum();
        for gas_limit in [5_000, 30_000_000, 30_000_001] {
            for gas_used in [0, 1, gas_limit / 2, gas_limit / 2 + 1, gas_limit] {
                for base_fee in [0, 1, 7, 8, 1_000_000_000, u64::MAX / 2] {
                    let parent = Header {
                        gas_limit,
                        gas_used,
                        base_fee_per_gas: Some(base_fee),
                        ..Header::default()
                    };
                    let next = calc_next_block_base_fee(gas_used, gas_limit, base_fee, params);
                    assert_eq!(next_base_fee(&parent), next, "{parent:?}");
                }
            }
        }
    }
}
