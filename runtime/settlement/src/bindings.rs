//! The contracts' interfaces.

alloy::sol! {
    #![sol(all_derives)]
    "contracts/src/IRollup.sol"
}

alloy::sol! {
    #![sol(all_derives)]
    "contracts/src/IGovernance.sol"
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
        /// A `VerifierSet` needs members with code, each once, none of them a set.
        error InvalidVerifiers();
        /// An `AttestationVerifier` needs watchers in ascending order, and a threshold that they can reach.
        error InvalidWatchers();
        /// A text is too long for what it is stored in.
        error InvalidShortString();
        /// A text is too long.
        error StringTooLong(string str);
    }
}

alloy::sol! {
    /// What verifiers say of themselves.
    interface Verifiers {
        /// `plonky2`, `attestation`, or `all` of a set.
        function proofType() external view returns (string memory);
        /// The circuit of a plonky2 verifier.
        function circuitDigest() external view returns (bytes32);
        /// The members of a set, none of which is a set.
        function verifiers() external view returns (address[] memory);
        /// The accounts of an attestation verifier.
        function watchers() external view returns (address[] memory);
        /// The signatures that it asks for.
        function threshold() external view returns (uint256);
    }

    /// What a watcher signs.
    struct Attestation {
        uint64[4] statement;
    }
}
