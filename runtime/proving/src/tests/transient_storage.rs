//! Transient storage: the machine agrees with the EVM, which ran the block.

use alloy::consensus::TxEip1559;
use alloy::primitives::{Bytes, TxKind, hex};
use tern_execution::GenesisState;

use super::ran::Ran;
use crate::Profile;
use crate::simulate::simulate;

/// TSTORE(own address, 7), TSTORE(5, 0x22), TSTORE(7, 0xaa), SSTORE(0, TLOAD(5)): a search that steps into the middle of an
/// entry takes the key that is an address for an entry's owner.
const INIT_CODE: [u8; 21] = hex!("6007305d602260055d60aa60075d60055c60005500");

#[test]
fn a_key_that_is_an_address_does_not_hide_another_slot() {
    let create = TxEip1559 {
        to: TxKind::Create,
        input: Bytes::from_static(&INIT_CODE),
        ..TxEip1559::default()
    };
    let ran = Ran::of(GenesisState::default(), [create]).unwrap();
    assert!(ran.executed[0].outcome.is_success());
    let result = simulate(&ran.batch, Profile::InsecureTest);
    assert!(result.is_ok(), "{result:?}");
}
