//! The blocks of the corpus.

use alloy::primitives::{Address, Bytes, U256, hex};

use super::Block;
use super::assembly::{assemble, deploying};
use super::contracts::*;
use super::precompiles;
use super::script::{Script, Send, signer};

/// Creation code of an ERC-20 token; takes the supply as its argument.
const TOKEN: &str = include_str!("../../contracts/Token.hex");

pub(super) fn all() -> Vec<Block> {
    let mut script = Script::default();
    transfers(&mut script);
    storage(&mut script);
    creation(&mut script);
    failures(&mut script);
    calls(&mut script);
    cancun(&mut script);
    destruction(&mut script);
    token(&mut script);
    precompiles(&mut script);
    environment(&mut script);
    script.finish()
}

fn word(number: u64) -> U256 {
    U256::from(number)
}

fn transfers(script: &mut Script) {
    let fresh = Address::repeat_byte(0x77);
    script
        .block("transfers")
        .send(Send::to(signer(1).address()).value(1).gas(21_000))
        .send(Send::to(fresh).value(12_345).gas(21_000).legacy())
        .send(Send::to(fresh).value(0).gas(60_000).from(1))
        .send(Send::to(signer(0).address()).value(7).gas(21_000))
        .send(
            Send::to(Address::ZERO)
                .value(1)
                .data(vec![0, 1, 0, 2])
                .gas(60_000)
                .from(2),
        )
        .send(Send::to(Address::repeat_byte(0x88)).gas(21_000).from(2));
}

fn storage(script: &mut Script) {
    let set = |slot: u64, value: u64| Send::to(STORAGE).words([word(slot), word(value)]);
    let many: Vec<u8> = (100..120)
        .flat_map(|slot| [word(slot), word(slot * slot)])
        .flat_map(|word| word.to_be_bytes::<32>())
        .collect();
    let clear: Vec<u8> = (100..119)
        .flat_map(|slot| [word(slot), word(0)])
        .flat_map(|word| word.to_be_bytes::<32>())
        .collect();
    script
        .block("storage set, changed and cleared")
        .send(set(1, 1))
        .send(set(1, 2).from(1))
        .send(set(1, 0).from(2))
        .send(set(2, 0).legacy())
        .send(set(3, 9))
        .send(Send::to(STORAGE).data(many).gas(1_000_000))
        .send(Send::to(REFUNDS));
    script
        .block("storage cleared with refunds")
        .send(Send::to(STORAGE).data(clear).gas(1_000_000))
        .send(set(3, 0).from(1))
        .send(set(119, 0).from(1))
        .send(Send::to(REFUNDS));
    script
        .block("access lists")
        .send(set(5, 5).eip2930(STORAGE, &[5, 6]))
        .send(set(5, 6).access_list(STORAGE, &[5]))
        .send(
            set(5, 0)
                .access_list(Address::repeat_byte(0x55), &[1, 2, 3])
                .from(1),
        )
        .send(
            Send::to(INSPECTOR)
                .words([word(0x77)])
                .access_list(Address::with_last_byte(0x77), &[]),
        )
        .send(
            Send::to(fresh(0x66))
                .value(1)
                .eip2930(fresh(0x66), &[0, 0, 1])
                .from(2),
        );
}

fn fresh(byte: u8) -> Address {
    Address::repeat_byte(byte)
}

fn creation(script: &mut Script) {
    let runtime = assemble("CALLER 0 SSTORE 7 0 MSTORE 32 0 RETURN");
    let child = deploying(&runtime);
    let created = script.next_creation(0);
    script
        .block("creation")
        .send(Send::create(child.clone()))
        .send(Send::to(created))
        .send(Send::create(deploying(&[])).value(5).legacy())
        .send(Send::create(Bytes::new()).value(6).from(1))
        .send(Send::to(FACTORY).data(child.clone()))
        .send(Send::to(FACTORY).data(child.clone()).value(9))
        // The same address again: refused within a call that succeeds.
        .send(Send::to(FACTORY).data(child.clone()).value(9).from(1))
        .send(Send::to(FACTORY).data(assemble("0 0 REVERT")).value(2))
        .send(Send::to(FACTORY).data(assemble("INVALID")).gas(200_000))
        .send(Send::to(FACTORY).data(assemble("42 0 MSTORE 32 0 REVERT")));
    let large = deploying(&vec![0; 24_577]);
    let largest = deploying(&vec![0; 24_576]);
    script
        .block("failing creation")
        .send(
            Send::create(assemble("42 0 MSTORE 32 0 REVERT"))
                .value(1)
                .fails(),
        )
        .send(Send::create(assemble("INVALID")).fails())
        .send(Send::create(deploying(&hex!("ef00"))).fails())
        .send(Send::create(child.clone()).gas(54_500).fails())
        .send(Send::create(large).gas(6_000_000).fails());
    script
        .block("creation of the largest code")
        .send(Send::create(largest).gas(6_000_000))
        .send(Send::create(child).from(3).eip2930(FACTORY, &[]));
}

fn failures(script: &mut Script) {
    let text = b"a reason that is longer than one word of the machine".to_vec();
    script
        .block("reverts and faults")
        .send(Send::to(REVERTER).data(text).value(3).fails())
        .send(Send::to(REVERTER).fails())
        .send(Send::to(LOOP).gas(100_000).fails())
        .send(
            Send::to(STORAGE)
                .words([word(1), word(1)])
                .gas(30_000)
                .fails(),
        )
        .send(Send::to(INVALID).gas(100_000).fails())
        .send(Send::to(UNDEFINED).gas(100_000).fails())
        .send(Send::to(BAD_JUMP).gas(100_000).fails())
        .send(Send::to(UNDERFLOW).gas(100_000).fails())
        .send(Send::to(OVERFLOW).gas(200_000).fails())
        .send(Send::to(BEYOND_RETURN_DATA).gas(100_000).fails())
        .send(
            Send::to(STORAGE)
                .words([word(1), word(1)])
                .gas(21_500)
                .legacy()
                .fails(),
        )
        .send(Send::to(SELF_PORTRAIT).value(1).gas(70_000).fails());
}

/// A call of `target` by the forwarder.
fn forward(way: u8, target: Address, data: &[u8]) -> Send {
    Send::to(FORWARDER).data([&[way], target.as_slice(), data].concat())
}

fn calls(script: &mut Script) {
    script.block("calls of every kind");
    for way in 0..4 {
        let value = if way < 2 { 11 } else { 0 };
        script
            .send(forward(way, SELF_PORTRAIT, &[]).value(value))
            .send(forward(way, REVERTER, b"no").value(value).from(1))
            .send(forward(way, INVALID, &[]).gas(200_000))
            .send(forward(way, fresh(0x44), &[1]).value(value).from(2))
            .send(forward(way, LOGGER, b"logged"));
    }
    script
        .block("deep calls")
        .send(Send::to(DEEP).gas(2_000_000))
        .send(forward(
            0,
            FORWARDER,
            &[&[2], SELF_PORTRAIT.as_slice()].concat(),
        ));
    script
        .block("logs, codes and arithmetic")
        .send(Send::to(LOGGER).data(vec![0xab; 77]))
        .send(Send::to(LOGGER).from(1))
        .send(Send::to(INSPECTOR).words([word(1)]))
        .send(Send::to(INSPECTOR).words([FORWARDER.into_word().into()]))
        .send(Send::to(INSPECTOR).words([signer(0).address().into_word().into()]))
        .send(Send::to(INSPECTOR).words([fresh(0x43).into_word().into()]));
    let big = U256::MAX - word(12);
    for [a, b, c] in [
        [word(7), word(3), word(5)],
        [big, word(3), U256::MAX],
        [U256::from(1) << 255, U256::MAX, word(0)],
        [word(3), big, big - word(1)],
        [word(0), word(0), word(0)],
        [word(255), big >> 7, word(1)],
    ] {
        script.send(Send::to(ARITHMETIC).words([a, b, c]));
    }
}

fn cancun(script: &mut Script) {
    script
        .block("transient storage and memory copies")
        .send(Send::to(TRANSIENT))
        .send(Send::to(TRANSIENT).from(1))
        .send(Send::to(MCOPY).data((0..90).collect::<Vec<u8>>()))
        .send(Send::to(MCOPY))
        .send(Send::to(PLAYGROUND).data(hex!("020105 020106 080540 010100")));
}

fn destruction(script: &mut Script) {
    let heir = fresh(0x99).into_word().into();
    script
        .block("self-destruction")
        // An old contract stays (EIP-6780), but for its balance.
        .send(Send::to(DESTRUCTIBLE).words([heir]).value(4))
        .send(
            Send::to(DESTRUCTIBLE)
                .words([DESTRUCTIBLE.into_word().into()])
                .value(4),
        )
        // One created in the same transaction goes: in its creation, and when it is called afterwards.
        .send(Send::create(assemble("CALLER SELFDESTRUCT")).value(3))
        .send(Send::create(assemble("ADDRESS SELFDESTRUCT")).value(3))
        .send(
            Send::to(FACTORY)
                .data(assemble("1 1 SSTORE CALLER SELFDESTRUCT"))
                .value(2),
        )
        .send(Send::to(PLAYGROUND).data(hex!("030102 070000")))
        // Created in one transaction, destroyed in a later one: it stays.
        .send(Send::to(PLAYGROUND).data(hex!("030205")))
        .send(Send::to(PLAYGROUND).data(hex!("070000")))
        // Created, destroyed and created again, at one address.
        .send(Send::to(PLAYGROUND).data(hex!("030301 070000")))
        .send(Send::to(PLAYGROUND).data(hex!("030301 000500")))
        .send(
            Send::to(OTHER_PLAYGROUND)
                .data(hex!("040102 030909 070000 05aa00"))
                .gas(1_000_000),
        );
}

fn token(script: &mut Script) {
    let creation: Bytes = TOKEN.trim().parse().expect("hexadecimal digits");
    let supply = word(1_000_000).to_be_bytes::<32>();
    let token = script.next_creation(4);
    let call = |selector: [u8; 4], words: &[U256]| {
        let words = words.iter().flat_map(|word| word.to_be_bytes::<32>());
        let data: Vec<u8> = selector.into_iter().chain(words).collect();
        Send::to(token).data(data).from(4)
    };
    let account = |index: u8| signer(index).address().into_word().into();
    let transfer = hex!("a9059cbb");
    let approve = hex!("095ea7b3");
    let transfer_from = hex!("23b872dd");
    let balance_of = hex!("70a08231");
    script
        .block("a token is deployed and used")
        .send(
            Send::create([&creation[..], &supply].concat().into())
                .gas(2_000_000)
                .from(4),
        )
        .send(call(transfer, &[account(0), word(100)]))
        .send(call(transfer, &[account(1), word(2_000_000)]).fails())
        .send(call(approve, &[account(1), word(50)]))
        .send(call(transfer_from, &[account(4), account(2), word(30)]).from(1))
        .send(
            call(transfer_from, &[account(4), account(2), word(30)])
                .from(1)
                .fails(),
        )
        .send(call(balance_of, &[account(2)]).from(3))
        .send(call(transfer, &[account(3), word(100)]).from(0).legacy());
}

fn precompiles(script: &mut Script) {
    for (block, half) in precompiles::inputs().chunks(16).enumerate() {
        script.block(
            [
                "precompiles 1 to 4",
                "precompiles 4 to 6",
                "precompiles 6 to 9",
                "precompiles 9 and 10",
            ][block],
        );
        for input in half {
            script.send(forward(3, input.address(), &input.data).gas(400_000));
        }
    }
    let input = precompiles::inputs().swap_remove(5);
    script
        .block("precompiles called otherwise")
        .send(Send::to(input.address()).data(input.data.clone()).value(1))
        .send(forward(0, input.address(), &input.data).value(1))
        .send(forward(1, input.address(), &input.data))
        .send(forward(2, input.address(), &input.data))
        .send(Send::to(Address::with_last_byte(11)).value(1).gas(100_000));
    script
        .block("precompiles that fail when an account calls them")
        .send(Send::to(Address::with_last_byte(9)).gas(100_000).fails())
        .send(
            Send::to(Address::with_last_byte(10))
                .value(1)
                .gas(100_000)
                .fails(),
        );
}

fn environment(script: &mut Script) {
    script
        .block("what a block tells")
        .send(Send::to(ENVIRONMENT).data(vec![1, 2, 3]).value(8))
        .send(Send::to(ENVIRONMENT).legacy().from(1));
    script
        .block("what the next block tells")
        .send(Send::to(ENVIRONMENT).from(2))
        .send(forward(2, ENVIRONMENT, &[]).from(1));
}
