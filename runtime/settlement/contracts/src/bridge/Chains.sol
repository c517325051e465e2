// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LibCall} from "solady/utils/LibCall.sol";
import {IBridge} from "./IBridge.sol";
import {IChain} from "./IChain.sol";
import {IExits} from "./IExits.sol";
import {IInbox} from "./IInbox.sol";

/// @title How `Bridge` asks chains, whose contracts may be anyone's
library Chains {
    /// @notice The inbox of a chain, if both name each other and this bridge. Else the rollup of a dishonest chain could name
    /// the inbox of an honest one, and what the honest one is told to pay would be on the other's account.
    function inboxOf(address rollup) internal view returns (IInbox inbox) {
        inbox = IInbox(_askAddress(rollup, abi.encodeCall(IChain.inbox, ())));
        if (!_isNamed(rollup, address(inbox))) revert IBridge.NotARollup(rollup);
    }

    /// @notice The same, if the chain takes deposits.
    function openInboxOf(address rollup) internal view returns (IInbox inbox) {
        inbox = inboxOf(rollup);
        if (_hasEnded(rollup)) revert IBridge.ChainEnded(rollup);
    }

    /// @notice Whether a chain takes deposits: it is one, and has not ended.
    function takes(address rollup) internal view returns (bool) {
        address inbox = _askAddress(rollup, abi.encodeCall(IChain.inbox, ()));
        return _isNamed(rollup, inbox) && !_hasEnded(rollup);
    }

    /// @notice Whether a chain has proven a state; not, if it does not answer.
    function hasProven(address rollup, bytes32 stateRoot) internal view returns (bool) {
        return _ask(rollup, abi.encodeCall(IChain.isProven, (stateRoot))) == 1;
    }

    /// @notice The last state of a chain that ended.
    function lastStateOf(address rollup) internal view returns (bytes32) {
        if (!_hasEnded(rollup)) revert IExits.NotFrozen(rollup);
        return bytes32(_ask(rollup, abi.encodeCall(IChain.verifiedStateRoot, ())));
    }

    function _hasEnded(address rollup) private view returns (bool) {
        return _ask(rollup, abi.encodeCall(IChain.frozen, ())) == 1;
    }

    function _isNamed(address rollup, address inbox) private view returns (bool) {
        return _askAddress(inbox, abi.encodeCall(IInbox.bridge, ())) == address(this)
            && _askAddress(inbox, abi.encodeCall(IInbox.rollup, ())) == rollup;
    }

    function _askAddress(address contract_, bytes memory question) private view returns (address) {
        return address(uint160(_ask(contract_, question)));
    }

    /// @dev One word; zero where there is no answer, or a longer one.
    function _ask(address contract_, bytes memory question) private view returns (uint256) {
        (bool answered, bool longer, bytes memory answer) =
            LibCall.tryStaticCall(contract_, gasleft(), 32, question);
        return answered && !longer && answer.length == 32 ? abi.decode(answer, (uint256)) : 0;
    }
}
