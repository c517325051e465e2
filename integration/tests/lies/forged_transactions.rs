//! Transactions that no node would execute.

use alloy::primitives::{Address, B256, keccak256};
use alloy::signers::SignerSync;
use ethereum_types::U256;
use evm_arithmetization::generation::stand_in::Outcome;
use rlp::RlpStream;
use tern_integration::corpus::{CHAIN, Send, genesis, signer};
use tern_integration::lying::{Scene, answering, tell};

use super::stage::{has_no_proof, scene};

const TO: Address = Address::repeat_byte(0x31);

/// An EIP-1559 transaction with fields that alloy does not have room for.
#[derive(Clone)]
struct Raw {
    chain: u64,
    nonce: u64,
    priority: U256,
    fee: U256,
    gas: u64,
    value: U256,
    /// Bytes behind the signature, in the list or after it.
    inside: usize,
    behind: usize,
}

impl Raw {
    fn honest() -> Self {
        Self {
            chain: CHAIN.0,
            nonce: 0,
            priority: U256::from(20_000_000_000_u64),
            fee: U256::from(20_000_000_000_u64),
            gas: 21_000,
            value: U256::one(),
            inside: 0,
            behind: 0,
        }
    }

    fn fields(&self, stream: &mut RlpStream) {
        stream.append(&self.chain);
        stream.append(&self.nonce);
        stream.append(&self.priority);
        stream.append(&self.fee);
        stream.append(&self.gas);
        stream.append(&TO.as_slice());
        stream.append(&self.value);
        stream.append(&"");
        stream.begin_list(0);
    }

    fn sign(&self) -> Vec<u8> {
        let mut unsigned = RlpStream::new_list(9);
        self.fields(&mut unsigned);
        let hash = keccak256([&[2], unsigned.as_raw()].concat());
        let signature = signer(0).sign_hash_sync(&B256::from(hash)).unwrap();
        let mut signed = RlpStream::new_list(12 + self.inside);
        self.fields(&mut signed);
        signed.append(&u8::from(signature.v()));
        let number =
            |word: alloy::primitives::U256| U256::from_big_endian(&word.to_be_bytes::<32>());
        signed.append(&number(signature.r()));
        signed.append(&number(signature.s()));
        for _ in 0..self.inside {
            signed.append(&1_u8);
        }
        let behind = vec![0x5b; self.behind];
        [&[2], signed.as_raw(), &behind].concat()
    }
}

fn transfer() -> Scene {
    scene(&genesis(), &[Send::to(TO).value(1).gas(21_000).sign(0)])
}

/// Asserts that a block with these transactions has a proof.
#[track_caller]
fn is_provable(transactions: Vec<Vec<u8>>) {
    let mut scene = transfer();
    scene.inputs.signed_txns = transactions;
    let honest = answering(|question, _| question.honest.unwrap_or_default());
    let run = tell(&scene, honest);
    let halted = matches!(run.outcome, Outcome::Halted(_));
    assert!(halted, "{:?}", run.outcome);
}

#[test]
pub(crate) fn the_raw_transaction_of_these_tests_is_provable() {
    is_provable(vec![Raw::honest().sign()]);
}

#[test]
pub(crate) fn a_fee_that_overflows_does_not_mint() {
    // 2^256 / 42,000, rounded up: the product is 10,064 wei.
    let gas = 42_000;
    let fee = U256::MAX / U256::from(gas) + U256::one();
    has_no_proof(
        transfer(),
        vec![
            Raw {
                priority: fee,
                fee,
                gas,
                ..Raw::honest()
            }
            .sign(),
        ],
    );
}

#[test]
pub(crate) fn a_transaction_with_a_wrong_nonce_has_no_receipt() {
    has_no_proof(
        transfer(),
        vec![
            Raw {
                nonce: 5,
                ..Raw::honest()
            }
            .sign(),
        ],
    );
}

#[test]
pub(crate) fn a_transaction_of_another_chain_has_no_receipt() {
    has_no_proof(
        transfer(),
        vec![
            Raw {
                chain: 1,
                ..Raw::honest()
            }
            .sign(),
        ],
    );
}

#[test]
pub(crate) fn a_transaction_without_the_money_has_no_receipt() {
    let value = U256::one() << 200;
    has_no_proof(
        transfer(),
        vec![
            Raw {
                value,
                ..Raw::honest()
            }
            .sign(),
        ],
    );
}

#[test]
pub(crate) fn a_transaction_below_the_base_fee_has_no_receipt() {
    let fee = U256::one();
    has_no_proof(
        transfer(),
        vec![
            Raw {
                priority: fee,
                fee,
                ..Raw::honest()
            }
            .sign(),
        ],
    );
}

#[test]
pub(crate) fn a_transaction_with_more_gas_than_the_block_has_no_receipt() {
    let gas = 30_000_001;
    has_no_proof(
        transfer(),
        vec![
            Raw {
                gas,
                ..Raw::honest()
            }
            .sign(),
        ],
    );
}

#[test]
pub(crate) fn nothing_is_hidden_behind_the_signature() {
    has_no_proof(
        transfer(),
        vec![
            Raw {
                inside: 3,
                ..Raw::honest()
            }
            .sign(),
        ],
    );
}

#[test]
pub(crate) fn nothing_is_hidden_behind_the_transaction() {
    has_no_proof(
        transfer(),
        vec![
            Raw {
                behind: 3,
                ..Raw::honest()
            }
            .sign(),
        ],
    );
}

#[test]
pub(crate) fn two_transactions_do_not_use_a_nonce_twice() {
    has_no_proof(transfer(), vec![Raw::honest().sign(), Raw::honest().sign()]);
}

#[test]
pub(crate) fn a_sender_can_pay_the_highest_fee_that_he_allows() {
    // He has a thousand ether, which are enough for the fee that is due.
    let fee = U256::one() << 127;
    has_no_proof(
        transfer(),
        vec![
            Raw {
                fee,
                ..Raw::honest()
            }
            .sign(),
        ],
    );
}

#[test]
pub(crate) fn a_transaction_has_no_more_gas_than_the_block_has_left() {
    let second = Raw {
        nonce: 1,
        gas: 30_000_000 - 20_999,
        ..Raw::honest()
    };
    has_no_proof(transfer(), vec![Raw::honest().sign(), second.sign()]);
    let alone = Raw {
        nonce: 0,
        ..second.clone()
    };
    is_provable(vec![alone.sign()]);
    let fits = Raw {
        gas: second.gas - 1,
        ..second
    };
    is_provable(vec![Raw::honest().sign(), fits.sign()]);
}
