// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {LibCall} from "solady/utils/LibCall.sol";
import {MetadataReaderLib} from "solady/utils/MetadataReaderLib.sol";

/// @title What a token says of itself
/// @notice Whatever it answers, or does instead, costs at most three times `GAS` and never fails a deposit.
library TokenMetadata {
    /// @notice The rest of the transaction must have this much, so that the token has its full share. Else whoever deposits
    /// a token first could have its twin created without a name, for ever.
    error TooLittleGas(uint256 left, uint256 needed);

    /// @notice Gas of one question. A proxy's takes less than a tenth of it for names of this length.
    uint256 internal constant GAS = 100_000;
    /// @notice Bytes of a name or symbol; the rest is cut off.
    uint256 internal constant MAX_LENGTH = 64;
    /// @notice Where a token does not say: those of ETH.
    uint8 internal constant DECIMALS = 18;

    /// @dev A call is given at most 63/64 of what is left (EIP-150). The rest is for the call itself: it takes 2,600 if the
    /// token was not touched before.
    uint256 private constant NEEDED = GAS * 64 / 63 + 5000;

    /// @notice `abi.encode(name, symbol, decimals)`. Names are strings or, as in old tokens, 32 bytes.
    function read(address token) internal view returns (bytes memory) {
        _expectGas();
        string memory name = MetadataReaderLib.readName(token, MAX_LENGTH, GAS);
        _expectGas();
        string memory symbol = MetadataReaderLib.readSymbol(token, MAX_LENGTH, GAS);
        _expectGas();
        return abi.encode(name, symbol, _decimals(token));
    }

    function _decimals(address token) private view returns (uint8) {
        (bool answered, bool longer, bytes memory answer) =
            LibCall.tryStaticCall(token, GAS, 32, abi.encodeCall(IERC20Metadata.decimals, ()));
        if (!answered || longer || answer.length != 32) return DECIMALS;
        uint256 decimals = abi.decode(answer, (uint256));
        return decimals <= type(uint8).max ? uint8(decimals) : DECIMALS;
    }

    function _expectGas() private view {
        if (gasleft() < NEEDED) revert TooLittleGas(gasleft(), NEEDED);
    }
}
