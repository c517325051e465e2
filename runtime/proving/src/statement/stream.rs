//! The elements of S.

use alloy::consensus::Header;
use alloy::primitives::{Address, B256, Bloom, U256};
use tern_messages::statement::{BLOCK_LEN, FieldElement};

use super::StatementError;

/// The eight 32-bit limbs of a 256-bit value, least significant first.
pub fn hash_limbs(hash: B256) -> [FieldElement; 8] {
    limbs(&hash.0)
}

/// The five 32-bit limbs of an address, least significant first.
pub fn address_limbs(address: Address) -> [FieldElement; 5] {
    limbs(&address.0.0)
}

fn limbs<const N: usize>(big_endian: &[u8]) -> [FieldElement; N] {
    let mut out = [0; N];
    for (limb, bytes) in out.iter_mut().zip(big_endian.rchunks(4)) {
        *limb = bytes
            .iter()
            .fold(0, |value, &byte| (value << 8) | FieldElement::from(byte));
    }
    out
}

/// The 67 elements of one block. Meaningful for headers that `check_header` accepts.
pub fn block_elements(header: &Header, hash: B256) -> [FieldElement; BLOCK_LEN] {
    let base_fee = header.base_fee_per_gas.unwrap_or_default();
    let beacon_root = header.parent_beacon_block_root.unwrap_or_default();
    let mut out = Vec::with_capacity(BLOCK_LEN);
    out.extend(hash_limbs(header.parent_hash));
    out.extend(address_limbs(header.beneficiary));
    out.extend(hash_limbs(header.state_root));
    out.extend(hash_limbs(header.transactions_root));
    out.extend(hash_limbs(header.receipts_root));
    out.extend([
        header.number,
        header.gas_limit,
        header.gas_used,
        header.timestamp,
    ]);
    out.extend(hash_limbs(header.mix_hash));
    out.extend([base_fee & 0xffff_ffff, base_fee >> 32]);
    out.extend(hash_limbs(beacon_root));
    out.extend(hash_limbs(hash));
    out.try_into()
        .expect("the lengths above add up to BLOCK_LEN")
}

pub(super) fn check_u32(
    number: u64,
    field: &'static str,
    value: u64,
) -> Result<(), StatementError> {
    let max = u64::from(u32::MAX);
    if value > max {
        return Err(StatementError::OutOfRange {
            number,
            field,
            value,
            max,
        });
    }
    Ok(())
}

/// Refuses headers whose values do not fit S, or whose constant fields are not the constants that circuit
/// and contract take for granted.
pub(crate) fn check_header(header: &Header) -> Result<(), StatementError> {
    let number = header.number;
    check_u32(number, "number", header.number)?;
    check_u32(number, "gas limit", header.gas_limit)?;
    check_u32(number, "gas used", header.gas_used)?;
    check_u32(number, "timestamp", header.timestamp)?;
    let constants = [
        ("difficulty", header.difficulty == U256::ZERO),
        ("logs bloom", header.logs_bloom == Bloom::repeat_byte(0xff)),
        ("blob gas used", header.blob_gas_used == Some(0)),
        ("excess blob gas", header.excess_blob_gas == Some(0)),
        ("base fee", header.base_fee_per_gas.is_some()),
        (
            "parent beacon block root",
            header.parent_beacon_block_root.is_some(),
        ),
    ];
    match constants.into_iter().find(|(_, holds)| !holds) {
        Some((field, _)) => Err(StatementError::NotConstant { number, field }),
        None => Ok(()),
    }
}
