//! The contracts' interface, read from its Solidity source.

alloy::sol! {
    #![sol(all_derives)]
    "contracts/src/IRollup.sol"
}
