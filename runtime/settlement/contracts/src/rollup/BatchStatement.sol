// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRollup} from "../IRollup.sol";
import {PackedBlock} from "./PackedBlock.sol";
import {Statement} from "./Statement.sol";

/// @title The statement of one batch, from what its prover posts
library BatchStatement {
    /// @notice The statement digest of the batch that starts at `start`; `number` is named in errors.
    function digest(
        Statement.Chain memory chain,
        uint64 number,
        Statement.Point memory start,
        IRollup.BatchProof calldata batch
    ) internal pure returns (uint64[4] memory) {
        uint256 length = batch.blocks.length;
        if (length == 0 || length % PackedBlock.SIZE != 0) {
            revert IRollup.MalformedBlocks(number, length);
        }
        uint64[4] memory commitment = batch.commitment;
        if (!canonical(commitment) || !canonical(start.window) || !canonical(batch.endWindow)) {
            revert IRollup.NotCanonical(number);
        }
        bytes memory s = Statement.stream(chain, start, batch.endWindow, batch.blocks);
        (uint256 r0, uint256 r1) = Statement.point(commitment, s);
        (uint256 y0, uint256 y1) = Statement.evaluate(s, r0, r1);
        if (y0 != batch.evaluation[0] || y1 != batch.evaluation[1]) {
            revert IRollup.EvaluationMismatch(number, [uint64(y0), uint64(y1)]);
        }
        return Statement.digest(commitment, r0, r1, batch.evaluation);
    }

    /// @notice Whether the four numbers are elements of the field.
    function canonical(uint64[4] memory elements) internal pure returns (bool) {
        return elements[0] < Statement.PRIME && elements[1] < Statement.PRIME && elements[2] < Statement.PRIME
            && elements[3] < Statement.PRIME;
    }
}
