// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Constraints} from "./Constraints.sol";
import {BETAS, CONSTRAINT_INPUT_LENGTH, MEMORY_END, MEMORY_START} from "./WrapStructure.sol";

/// The second half of `Plonky2Verifier`, apart for the limit on a contract's size: checks the circuit's identity at zeta.
///
/// Calldata is the verifier's memory from BETAS to the end of the openings, all reduced; the answer is one word, 1 if
/// the identity holds, else 0. Stateless; whoever calls it learns about his own input only.
contract ConstraintVerifier {
    /// The input has not the length of every input.
    error UnexpectedLength(uint256 length);

    fallback() external {
        if (msg.data.length != CONSTRAINT_INPUT_LENGTH) revert UnexpectedLength(msg.data.length);
        uint256 free;
        assembly ("memory-safe") {
            free := mload(0x40)
        }
        assert(free <= MEMORY_START);
        assembly ("memory-safe") {
            mstore(0x40, MEMORY_END)
            calldatacopy(BETAS, 0, CONSTRAINT_INPUT_LENGTH)
        }
        bool holds = Constraints.hold();
        assembly ("memory-safe") {
            mstore(0, holds)
            return(0, 32)
        }
    }
}
