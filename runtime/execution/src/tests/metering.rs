//! What proving takes is counted, limited, and changes nothing else.

use alloy::primitives::{B256, Bytes};
use alloy::rpc::types::TransactionRequest;
use tern_messages::Gas;

use super::scenario::{Action, Chain, WRITER};
use crate::{
    CallContext, EstimateError, Excess, ExecutionError, MachineLimits, MachineResource,
    MachineWork, StateView,
};

/// More than a transfer takes, less than fourteen new slots.
const LIMITS: MachineLimits = MachineLimits {
    cycles: 100_000,
    cells: 100_000,
};

fn limited(limits: MachineLimits) -> Chain {
    let mut chain = Chain::new();
    chain.rules = chain.rules.limited(limits);
    chain
}

fn many_slots() -> Action {
    Action::Write((0..14).map(|slot| (slot, 1)).collect())
}

fn request() -> TransactionRequest {
    let words = (0..14u8).flat_map(|slot| [slot, 1]);
    let input: Vec<u8> = words
        .flat_map(|word| B256::with_last_byte(word).0)
        .collect();
    TransactionRequest::default()
        .to(WRITER)
        .input(Bytes::from(input).into())
}

#[test]
fn what_takes_too_many_cycles_is_refused_and_leaves_no_trace() {
    let mut chain = limited(LIMITS);
    let mut builder = chain.open();
    let refused = builder.execute(chain.sign(0, &many_slots())).unwrap_err();
    assert!(
        matches!(
            refused,
            ExecutionError::Unprovable(Excess {
                resource: MachineResource::Cycles,
                needs: 100_001..,
                limit: 100_000,
            })
        ),
        "{refused}"
    );
    assert!(refused.to_string().contains("at most 100000 are allowed"));
    assert!(builder.transactions().is_empty());
    // Its nonce is free.
    chain.nonces.clear();
    let transfer = chain.sign(0, &Action::Transfer { to: 1, wei: 5 });
    let executed = builder.execute(transfer).unwrap();
    assert!((40_000..100_000).contains(&executed.work.cycles));
}

#[test]
fn what_takes_too_many_cells_is_refused() {
    let mut chain = limited(MachineLimits {
        cells: 5_200,
        ..MachineLimits::default()
    });
    let mut builder = chain.open();
    let refused = builder.execute(chain.sign(0, &many_slots())).unwrap_err();
    assert!(
        matches!(
            refused,
            ExecutionError::Unprovable(Excess {
                resource: MachineResource::Memory,
                ..
            })
        ),
        "{refused}"
    );
}

#[test]
fn estimates_refuse_what_blocks_refuse_and_calls_do_not() {
    let chain = limited(LIMITS);
    let view = StateView::new(chain.nodes.clone(), chain.head.state_root);
    let context = CallContext::at(chain.rules, view, &chain.head, chain.hashes.clone());
    let cap = Gas(30_000_000);
    assert!(context.call(&request(), cap).unwrap().outcome.is_success());
    let refused = context.estimate_gas(&request(), cap).unwrap_err();
    assert!(
        matches!(
            refused,
            EstimateError::Refused(ExecutionError::Unprovable { .. })
        ),
        "{refused}"
    );
}

#[test]
fn metering_changes_no_block() {
    let actions = [
        many_slots(),
        Action::Create {
            salt: 1,
            vanish: false,
            wei: 1,
        },
        Action::Create {
            salt: 2,
            vanish: true,
            wei: 0,
        },
        Action::Exhaust,
        Action::Deploy,
    ];
    let sealed = |mut chain: Chain| {
        let mut builder = chain.open();
        for action in &actions {
            builder.execute(chain.sign(0, action)).unwrap();
        }
        builder.seal().unwrap()
    };
    assert_eq!(sealed(Chain::new()), sealed(limited(MachineLimits::NONE)));
}

#[test]
fn works_of_one_batch_add_up_and_share_memory() {
    let work = |cycles, cells, kept_cells| MachineWork {
        cycles,
        cells,
        kept_cells,
    };
    let both = work(5, 100, 10).then(work(7, 95, 20));
    assert_eq!(both, work(12, 105, 30));
}
