//! The contracts' interfaces.

alloy::sol! {
    #![sol(all_derives)]
    "contracts/src/IRollup.sol"
}

alloy::sol! {
    /// Errors of the contracts that the Rollup is built on.
    #[derive(Debug, PartialEq, Eq)]
    interface Foundations {
        /// The proof has not the length or the elements of any proof.
        error MalformedProof();
        /// The statement is not one of field elements.
        error MalformedStatement();
        /// A number is not below the Goldilocks prime.
        error NonCanonicalElement(uint256 element);
        /// Verification was not given enough gas.
        error OutOfGas();
        /// The contract called an account without code.
        error AddressEmptyCode(address target);
        /// The contract would have sent more than it has.
        error InsufficientBalance(uint256 balance, uint256 needed);
        /// A call within the contract failed and said nothing.
        error FailedCall();
        /// The caller is not the owner.
        error OwnableUnauthorizedAccount(address account);
        /// The owner may not be this account.
        error OwnableInvalidOwner(address owner);
    }
}
