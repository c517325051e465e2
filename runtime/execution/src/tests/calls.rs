//! Calls and estimates.

use alloy::primitives::{Address, Bytes, TxKind, U256, hex};
use alloy::rpc::types::TransactionRequest;
use tern_messages::Gas;

use super::scenario::{Action, Chain, WRITER, signer, target};
use crate::{CallContext, ChainRules, EstimateError, ExecutionError, Outcome, StateView};

const CAP: Gas = Gas(50_000_000);

fn latest(chain: &Chain) -> CallContext {
    let view = StateView::new(chain.nodes.clone(), chain.head.state_root);
    CallContext::at(chain.rules, view, &chain.head, chain.hashes.clone())
}

fn write(pairs: &[(u8, u8)]) -> TransactionRequest {
    let words = pairs.iter().flat_map(|(slot, value)| [*slot, *value]);
    let input: Vec<u8> = words
        .flat_map(|word| alloy::primitives::B256::with_last_byte(word).0)
        .collect();
    TransactionRequest::default()
        .to(WRITER)
        .input(Bytes::from(input).into())
}

#[test]
fn pending_calls_see_the_open_block_and_later_transactions_do_not_change_them() {
    let mut chain = Chain::new();
    let mut builder = chain.open();
    builder
        .execute(chain.sign(0, &Action::Write(vec![(3, 2)])))
        .unwrap();
    let pending = builder.pending();
    builder
        .execute(chain.sign(0, &Action::Write(vec![(3, 1)])))
        .unwrap();
    assert_eq!(
        pending.storage(WRITER, U256::from(3)).unwrap(),
        U256::from(2)
    );
    assert_eq!(pending.nonce(signer(0).address()).unwrap(), 1);
    assert_eq!(
        builder.pending().storage(WRITER, U256::from(3)).unwrap(),
        U256::from(1)
    );
    assert_eq!(
        latest(&chain).storage(WRITER, U256::from(3)).unwrap(),
        U256::ZERO
    );
}

#[test]
fn calls_need_no_balance_for_gas_but_for_value() {
    let context = latest(&Chain::new());
    let poor = Address::repeat_byte(9);
    let request = TransactionRequest::default().from(poor).to(target(1));
    assert!(context.call(&request, CAP).unwrap().outcome.is_success());
    let error = context
        .call(&request.clone().value(U256::from(1)), CAP)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("insufficient funds for transfer"),
        "{error}"
    );
    let priced = TransactionRequest {
        gas_price: Some(20_000_000_000),
        ..request
    };
    let error = context.call(&priced, CAP).unwrap_err();
    assert!(
        matches!(error, ExecutionError::InsufficientFunds { .. }),
        "{error}"
    );
}

#[test]
fn point_evaluation_works_on_a_plain_chain_and_fails_with_all_gas_where_blocks_are_proven() {
    // The zero polynomial at 5: commitment and proof are the point at infinity.
    let mut infinity = [0; 48];
    infinity[0] = 0xc0;
    let hash = hex!("010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014");
    let [mut point, value] = [[0; 32]; 2];
    point[31] = 5;
    let input: Bytes = [&hash[..], &point, &value, &infinity, &infinity]
        .concat()
        .into();
    let request = TransactionRequest::default()
        .to(Address::with_last_byte(0x0a))
        .input(input.into());
    let chain = Chain::new();
    let proven = latest(&chain).call(&request, CAP).unwrap();
    assert!(
        matches!(proven.outcome, Outcome::Halted { .. }),
        "{proven:?}"
    );
    assert_eq!(proven.gas_used, CAP.0);
    let plain = Chain {
        rules: ChainRules::plain(chain.rules.chain_id),
        ..chain
    };
    let outcome = latest(&plain).call(&request, CAP).unwrap().outcome;
    assert!(outcome.is_success(), "{outcome:?}");
}

#[test]
fn a_revert_returns_its_data() {
    // mstore(0, 0x2a); revert(0, 32)
    let code: Bytes = vec![0x60, 0x2a, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xfd].into();
    let request = TransactionRequest {
        to: Some(TxKind::Create),
        ..Default::default()
    }
    .input(code.into());
    let context = latest(&Chain::new());
    let output: Bytes = U256::from(0x2a).to_be_bytes::<32>().into();
    let outcome = context.call(&request, CAP).unwrap().outcome;
    assert_eq!(
        outcome,
        Outcome::Reverted {
            output: output.clone()
        }
    );
    match context.estimate_gas(&request, CAP) {
        Err(EstimateError::Reverted { output: found }) => assert_eq!(found, output),
        other => panic!("{other:?}"),
    }
}

#[test]
fn estimates_suffice_and_are_close() {
    let context = latest(&Chain::new());
    let transfer = TransactionRequest::default().to(target(1));
    assert_eq!(context.estimate_gas(&transfer, CAP).unwrap(), Gas(21_000));
    let request = write(&[(1, 1), (2, 1), (3, 1)]);
    let used = context.call(&request, CAP).unwrap().gas_used;
    let estimate = context.estimate_gas(&request, CAP).unwrap().0;
    assert!(
        estimate >= used && estimate < used + used / 20,
        "used {used}, estimated {estimate}"
    );
    let limited = TransactionRequest {
        gas: Some(estimate),
        ..request
    };
    assert!(context.call(&limited, CAP).unwrap().outcome.is_success());
}

#[test]
fn an_estimate_that_needs_more_than_allowed_says_so() {
    let context = latest(&Chain::new());
    let error = context
        .estimate_gas(&write(&[(1, 1), (2, 1)]), Gas(30_000))
        .unwrap_err();
    assert_eq!(error.to_string(), "gas required exceeds allowance (30000)");
}
