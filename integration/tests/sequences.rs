//! Random sequences of transactions: blocks of them are replayed to the same result and can be proven, several
//! blocks in a row, cut into transaction batches of random length.

use alloy::primitives::{Address, Bytes, U256};
use proptest::collection::vec;
use proptest::prelude::*;
use tern_execution::BatchLimits;
use tern_integration::corpus::assembly::{assemble, deploying};
use tern_integration::corpus::chain::TestChain;
use tern_integration::corpus::contracts::{
    DESTRUCTIBLE, ENVIRONMENT, FACTORY, FORWARDER, OTHER_PLAYGROUND, PLAYGROUND, REFUNDS, STORAGE,
};
use tern_integration::corpus::{Send, genesis};
use tern_proving::{Profile, simulate};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Few keys, so that they meet: slots, salts, amounts and heirs.
fn small() -> impl Strategy<Value = u8> {
    prop_oneof![0..4_u8, Just(77)]
}

/// Commands of the playground contracts.
fn program() -> impl Strategy<Value = Bytes> {
    let code = prop_oneof![8 => 0..6_u8, 1 => Just(6), 4 => 7..9_u8, 1 => Just(9)];
    let command = (code, small(), small()).prop_map(|(code, a, b)| [code, a, b]);
    vec(command, 1..10).prop_map(|commands| commands.concat().into())
}

/// Init code that returns, stores, destroys itself, reverts, or is anything.
fn init_code() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        vec(any::<u8>(), 0..60).prop_map(|code| deploying(&code)),
        Just(assemble("CALLVALUE 0 SSTORE CALLER SELFDESTRUCT")),
        Just(assemble("7 1 SSTORE 0 1 SSTORE 32 0 RETURN")),
        Just(assemble("32 0 REVERT")),
        vec(any::<u8>(), 0..60).prop_map(Bytes::from),
    ]
}

fn slot_and_value() -> impl Strategy<Value = [U256; 2]> {
    let value = prop_oneof![
        Just(U256::ZERO),
        small().prop_map(U256::from),
        Just(U256::MAX)
    ];
    (small().prop_map(U256::from), value).prop_map(|(slot, value)| [slot, value])
}

/// A call of a precompile by a contract, with anything as data.
fn precompile() -> impl Strategy<Value = Send> {
    (0..4_u8, 1..11_u8, vec(any::<u8>(), 0..220)).prop_map(|(way, number, data)| {
        let address = Address::with_last_byte(number);
        let data = [&[way], address.as_slice(), &data].concat();
        Send::to(FORWARDER).data(data).gas(200_000)
    })
}

fn transaction() -> impl Strategy<Value = (u8, Send)> {
    let playground = prop_oneof![Just(PLAYGROUND), Just(OTHER_PLAYGROUND)];
    let send = prop_oneof![
        6 => (playground, program(), 0..3_u64)
            .prop_map(|(to, data, value)| Send::to(to).data(data).value(value)),
        2 => slot_and_value().prop_map(|words| Send::to(STORAGE).words(words)),
        2 => (init_code(), 0..3_u64).prop_map(|(code, value)| Send::to(FACTORY).data(code).value(value)),
        2 => (init_code(), 0..3_u64).prop_map(|(code, value)| Send::create(code).value(value)),
        1 => (0x70..0x78_u8, 0..3_u64)
            .prop_map(|(to, value)| Send::to(Address::repeat_byte(to)).value(value).gas(30_000)),
        1 => Just(Send::to(REFUNDS)),
        1 => Just(Send::to(ENVIRONMENT)),
        1 => small().prop_map(|heir| Send::to(DESTRUCTIBLE).words([U256::from(heir)])),
        1 => precompile(),
    ];
    let form = 0..3_u8;
    (0..4_u8, send, form).prop_map(|(from, send, form)| {
        let send = match form {
            0 => send.legacy(),
            1 => send.eip2930(PLAYGROUND, &[1, 2]),
            _ => send,
        };
        (from, send.from(from))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn random_blocks_are_replayed_alike_and_can_be_proven(
        blocks in vec(vec(transaction(), 1..7), 1..4),
        transactions in 1..5_usize,
    ) {
        let limits = BatchLimits { transactions, gas: 4_000_000, cycles: 1 << 24 };
        let mut chain = TestChain::new(&genesis()).unwrap();
        let mut nonces = [0; 5];
        for (number, sends) in blocks.iter().enumerate() {
            let raw: Vec<Bytes> = sends
                .iter()
                .map(|(from, send)| {
                    let nonce = &mut nonces[usize::from(*from)];
                    *nonce += 1;
                    send.sign(*nonce - 1)
                })
                .collect();
            let (_, witness) = chain.build(&raw, limits).unwrap();
            for (index, batch) in witness.batches.iter().enumerate() {
                let outcome = simulate(batch, Profile::Secure);
                prop_assert!(outcome.is_ok(), "block {number}, batch {index}: {}", outcome.unwrap_err());
            }
        }
    }
}
