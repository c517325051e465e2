//! The contracts that every L3 chain begins with: `contracts/src/l3/Predeploys.sol`.

use alloy::primitives::{Address, B256, Bytes, U256, address, keccak256};

use crate::artifacts;

/// `L3Inbox`.
pub const L3_INBOX: Address = address!("7465726e00000000000000000000000000000001");
/// `L3Bridge`.
pub const L3_BRIDGE: Address = address!("7465726e00000000000000000000000000000002");
/// `L3Token`: the code of all twins.
pub const L3_TOKEN: Address = address!("7465726e00000000000000000000000000000003");

/// The slot of `L3Bridge` that names the bridge on L2.
const L2_BRIDGE_SLOT: B256 = B256::with_last_byte(2);
/// What `L3Inbox` pays out of: more than all wei that are deposited on any L2.
const POOL: U256 = U256::from_limbs([0, 1 << 56, 0, 0]);

/// An account of a chain's genesis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predeploy {
    /// Where it is.
    pub address: Address,
    /// Its code.
    pub code: Bytes,
    /// Its balance in wei.
    pub balance: U256,
    /// Its storage.
    pub storage: Vec<(B256, B256)>,
}

/// The contracts of a chain whose deposits `l2_bridge` holds.
pub fn predeploys(l2_bridge: Address) -> [Predeploy; 3] {
    let contract = |address, code| Predeploy {
        address,
        code,
        balance: U256::ZERO,
        storage: vec![],
    };
    [
        Predeploy {
            balance: POOL,
            ..contract(L3_INBOX, artifacts::l3_inbox())
        },
        Predeploy {
            storage: vec![(L2_BRIDGE_SLOT, l2_bridge.into_word())],
            ..contract(L3_BRIDGE, artifacts::l3_bridge())
        },
        contract(L3_TOKEN, artifacts::l3_token()),
    ]
}

/// How many messages a chain has processed, by slot 0 of `L3Inbox`: the 40 bits beside the hash of their queue.
pub fn processed(slot: U256) -> u64 {
    slot.as_limbs()[0] & ((1 << 40) - 1)
}

/// Where whoever creates the `Bridge` by [`crate::deploy_bridge`] creates it.
pub fn canonical_bridge() -> Address {
    artifacts::FACTORY.create2(B256::ZERO, keccak256(artifacts::bridge()))
}
