//! Transactions in another form than the one that nodes read. They are signed as they stand.

use alloy::consensus::{SignableTransaction, TxEip4844, TxEnvelope};
use alloy::eips::eip2718::Encodable2718;
use alloy::primitives::{Address, B256, address, keccak256};
use alloy::signers::SignerSync;
use evm_arithmetization::generation::stand_in::Outcome;
use tern_integration::corpus::{CHAIN, Send, genesis, signer};
use tern_integration::lying::{Scene, honest, tell};

use super::stage::{has_no_proof, scene};

/// Three bytes are enough for it.
pub(super) const TO: Address = address!("0000000000000000000000000000000000d0d0d0");

/// The items of an EIP-1559 transaction, encoded.
pub(super) struct Items {
    /// The first byte; what is signed is the transaction of type 2.
    kind: u8,
    chain: Vec<u8>,
    nonce: Vec<u8>,
    fee: Vec<u8>,
    gas: Vec<u8>,
    to: Vec<u8>,
    value: Vec<u8>,
    pub(super) data: Vec<u8>,
    access_list: Vec<u8>,
    /// Of the signature.
    r: fn(&[u8]) -> Vec<u8>,
    /// Of the whole.
    pub(super) header: fn(usize) -> Vec<u8>,
}

/// The big-endian bytes of a length.
fn length(len: usize) -> Vec<u8> {
    let bytes = len.to_be_bytes();
    bytes[len.leading_zeros() as usize / 8..].to_vec()
}

fn header(short: u8, len: usize) -> Vec<u8> {
    match u8::try_from(len) {
        Ok(len @ ..=55) => vec![short + len],
        _ => {
            let length = length(len);
            let first = short + 55 + u8::try_from(length.len()).unwrap();
            [&[first], &length[..]].concat()
        }
    }
}

pub(super) fn string(bytes: &[u8]) -> Vec<u8> {
    match bytes {
        [byte @ ..0x80] => vec![*byte],
        _ => [&header(0x80, bytes.len()), bytes].concat(),
    }
}

fn number(number: usize) -> Vec<u8> {
    string(&length(number))
}

fn list(items: &[&[u8]]) -> Vec<u8> {
    let items = items.concat();
    [&header(0xc0, items.len()), &items[..]].concat()
}

impl Items {
    pub(super) fn canonical() -> Self {
        Self {
            kind: 2,
            chain: number(CHAIN.0 as usize),
            nonce: number(0),
            fee: number(20_000_000_000),
            gas: number(60_000),
            to: string(TO.as_slice()),
            value: number(1),
            data: string(&[]),
            access_list: list(&[]),
            r: string,
            header: |len| header(0xc0, len),
        }
    }

    pub(super) fn sign(&self) -> Vec<u8> {
        let fields = [
            &self.chain[..],
            &self.nonce,
            &self.fee,
            &self.fee,
            &self.gas,
            &self.to,
            &self.value,
            &self.data,
            &self.access_list,
        ];
        let hash = keccak256([&[2], &list(&fields)[..]].concat());
        let signature = signer(0).sign_hash_sync(&B256::from(hash)).unwrap();
        let [r, s] = [signature.r(), signature.s()].map(|word| word.to_be_bytes_trimmed_vec());
        let parity = number(usize::from(signature.v()));
        let items = [&fields.concat()[..], &parity, &(self.r)(&r), &string(&s)].concat();
        [&[self.kind], &(self.header)(items.len())[..], &items].concat()
    }
}

fn transfer() -> Scene {
    scene(&genesis(), &[Send::to(TO).value(1).gas(60_000).sign(0)])
}

/// That the transaction cannot be proven in another form.
#[track_caller]
fn is_refused(form: impl FnOnce(&mut Items)) {
    let mut items = Items::canonical();
    form(&mut items);
    has_no_proof(transfer(), vec![items.sign()]);
}

#[test]
pub(crate) fn the_canonical_form_is_provable() {
    let account = list(&[&string(TO.as_slice()), &list(&[&string(&[1; 32])])]);
    let access_list = list(&[&account]);
    for access_list in [list(&[]), access_list] {
        let mut scene = transfer();
        let items = Items {
            access_list,
            ..Items::canonical()
        };
        scene.inputs.signed_txns = vec![items.sign()];
        let run = tell(&scene, honest());
        assert!(
            matches!(run.outcome, Outcome::Halted(_)),
            "{:?}",
            run.outcome
        );
    }
}

#[test]
pub(crate) fn a_number_does_not_begin_with_zero() {
    is_refused(|items| items.nonce = vec![0]);
    is_refused(|items| items.value = vec![0x82, 0, 1]);
    is_refused(|items| items.gas = [&[0x84, 0], &length(60_000)[..]].concat());
}

#[test]
pub(crate) fn a_small_byte_has_no_header() {
    is_refused(|items| items.value = vec![0x81, 1]);
    is_refused(|items| items.data = vec![0x81, 1]);
}

#[test]
pub(crate) fn a_short_string_has_a_short_header() {
    is_refused(|items| items.data = vec![0xb8, 2, 1, 1]);
    is_refused(|items| items.to = [&[0xb8, 20], TO.as_slice()].concat());
    is_refused(|items| items.r = |r| [&[0xb8, 32], r].concat());
}

#[test]
pub(crate) fn a_length_does_not_begin_with_zero() {
    is_refused(|items| items.data = [&[0xb9, 0, 60], &[1; 60][..]].concat());
    is_refused(|items| items.header = |len| [&[0xf9, 0], &length(len)[..]].concat());
}

#[test]
pub(crate) fn a_number_has_32_bytes_at_most() {
    is_refused(|items| items.r = |r| [&[0xa1, 0], r].concat());
    is_refused(|items| items.value = [&[0xa1, 1], &[0; 32][..]].concat());
}

#[test]
pub(crate) fn an_access_list_names_whole_addresses() {
    is_refused(|items| items.access_list = list(&[&list(&[&string(&TO[17..]), &list(&[])])]));
}

#[test]
pub(crate) fn an_access_list_names_whole_slots() {
    let slots = list(&[&[1]]);
    let account = list(&[&string(TO.as_slice()), &slots]);
    is_refused(|items| items.access_list = list(&[&account]));
}

#[test]
pub(crate) fn an_accounts_entry_of_an_access_list_ends_with_its_slots() {
    let account = list(&[&string(TO.as_slice()), &list(&[])]);
    let longer = [&[account[0] + 1], &account[1..]].concat();
    is_refused(|items| items.access_list = list(&[&longer]));
}

#[test]
pub(crate) fn a_list_is_no_string() {
    is_refused(|items| items.header = |_| vec![4]);
    is_refused(|items| items.header = |len| header(0x80, len));
    is_refused(|items| items.access_list = vec![0x80]);
}

#[test]
pub(crate) fn a_list_header_that_is_too_short_does_not_write_before_the_transaction() {
    // The header is made anew for the hash that is signed, and takes a byte more than there are.
    is_refused(|items| {
        items.data = string(&[1; 60]);
        items.header = |_| vec![0xc0];
    });
    is_refused(|items| {
        items.data = string(&[1; 60]);
        items.header = |_| vec![0xf7];
    });
}

#[test]
pub(crate) fn a_list_header_says_how_long_the_list_is() {
    is_refused(|items| items.header = |len| header(0xc0, len - 1));
    is_refused(|items| items.header = |len| header(0xc0, len + 1));
    is_refused(|items| items.header = |_| vec![0xf8, 56]);
}

#[test]
pub(crate) fn there_are_no_blob_transactions() {
    is_refused(|items| items.kind = 3);
    let blobs = TxEip4844 {
        chain_id: CHAIN.0,
        gas_limit: 60_000,
        max_fee_per_gas: 20_000_000_000,
        max_priority_fee_per_gas: 20_000_000_000,
        to: TO,
        max_fee_per_blob_gas: 1,
        blob_versioned_hashes: vec![B256::with_last_byte(1)],
        ..TxEip4844::default()
    };
    let signature = signer(0).sign_hash_sync(&blobs.signature_hash()).unwrap();
    let blobs = TxEnvelope::from(blobs.into_signed(signature));
    has_no_proof(transfer(), vec![blobs.encoded_2718()]);
}
