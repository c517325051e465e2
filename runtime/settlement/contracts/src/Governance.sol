// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IGovernance} from "./IGovernance.sol";
import {ConflictCheck} from "./rollup/ConflictCheck.sol";
import {Statement} from "./rollup/Statement.sol";
import {IProofVerifier, isOfType} from "./verifier/IProofVerifier.sol";
import {VerifierSet} from "./verifier/VerifierSet.sol";

/// @title Who may do what to the chain beside its operator, and when
/// @notice See `IGovernance`.
contract Governance is IGovernance, Ownable2Step {
    /// @inheritdoc IGovernance
    uint64 public constant EXIT_WINDOW = 7 days;
    /// @notice The longest delay, so that a mend is not out of reach.
    uint64 public constant MAX_DELAY = 90 days;
    /// @inheritdoc IGovernance
    /// @dev A fault that takes longer needs another verifier.
    uint64 public constant PAUSE = 3 days;
    /// @notice How long the chain runs between two pauses at least.
    uint64 public constant PAUSE_REST = 7 days;

    /// @inheritdoc IGovernance
    uint64 public immutable delay;
    /// @inheritdoc IGovernance
    address public immutable conflictCheck;

    /// @inheritdoc IGovernance
    address public verifier;
    /// @inheritdoc IGovernance
    address public guardian;
    /// @inheritdoc IGovernance
    uint64 public pausedUntil;
    /// @inheritdoc IGovernance
    uint64 public resumedAt;
    address private _proposed;
    uint64 private _notBefore;
    address private _accused;
    uint64 private _haltedSince;

    constructor(
        Statement.Chain memory chain,
        address initialOwner,
        address initialGuardian,
        IProofVerifier proofVerifier,
        uint64 delay_
    ) Ownable(initialOwner) {
        if (delay_ <= EXIT_WINDOW || delay_ > MAX_DELAY) {
            revert InvalidDelay(delay_, EXIT_WINDOW + 1, MAX_DELAY);
        }
        _expectVerifier(address(proofVerifier));
        delay = delay_;
        conflictCheck = address(new ConflictCheck(chain));
        verifier = address(proofVerifier);
        _setGuardian(initialGuardian);
    }

    /// @inheritdoc IGovernance
    function reportConflict(bytes calldata report) external {
        if (_accused != address(0)) revert ChainIsHalted(_accused, _haltedSince);
        bytes memory answer =
            Address.functionStaticCall(conflictCheck, bytes.concat(ConflictCheck.check.selector, report));
        address accused = abi.decode(answer, (address));
        if (!_relies(verifier, accused)) revert NotRequired(accused);
        (_accused, _haltedSince) = (accused, uint64(block.timestamp));
        emit ChainHalted(accused, _haltedSince);
        if (_proposed != address(0)) _announce(_proposed);
    }

    /// @inheritdoc IGovernance
    function proposeVerifier(address newVerifier) external onlyOwner {
        _expectVerifier(newVerifier);
        _announce(newVerifier);
    }

    /// @inheritdoc IGovernance
    function cancelProposal() external onlyOwner {
        if (_proposed == address(0)) revert NothingProposed();
        _cancel();
    }

    /// @inheritdoc IGovernance
    function replaceVerifier() external {
        address proposed = _proposed;
        if (proposed == address(0)) revert NothingProposed();
        _expectTime(_notBefore);
        if (_accused != address(0) && _relies(proposed, _accused)) revert StillRelied(_accused);
        (_proposed, _notBefore) = (address(0), 0);
        _replace(proposed);
    }

    /// @inheritdoc IGovernance
    function dismissWatchers() external {
        address accused = _accused;
        if (accused == address(0)) revert NotHalted();
        _expectTime(_haltedSince + delay);
        if (verifier == accused || !isOfType(IProofVerifier(accused), "attestation")) {
            revert NotDismissible(accused);
        }
        emit WatchersDismissed(accused);
        if (_proposed != address(0) && _relies(_proposed, accused)) _cancel();
        IProofVerifier[] memory members = VerifierSet(verifier).verifiers();
        IProofVerifier[] memory rest = new IProofVerifier[](members.length - 1);
        uint256 count;
        for (uint256 i = 0; i < members.length; ++i) {
            if (address(members[i]) != accused) rest[count++] = members[i];
        }
        if (count == 0) revert NotDismissible(accused);
        _replace(count == 1 ? address(rest[0]) : address(new VerifierSet(rest)));
    }

    /// @inheritdoc IGovernance
    function pause() external {
        _expectGuardian();
        // There was none before the first.
        if (pausedUntil != 0 && block.timestamp < pausedUntil + PAUSE_REST) {
            revert PausedTooOften(pausedUntil + PAUSE_REST);
        }
        pausedUntil = uint64(block.timestamp) + PAUSE;
        emit ChainPaused(pausedUntil);
    }

    /// @inheritdoc IGovernance
    function endPause() external {
        _expectGuardian();
        if (block.timestamp >= pausedUntil) revert NotPaused();
        pausedUntil = uint64(block.timestamp);
        emit PauseEnded();
    }

    /// @inheritdoc IGovernance
    function setGuardian(address newGuardian) external onlyOwner {
        _setGuardian(newGuardian);
    }

    /// @notice Always refused: see `OwnerCannotLeave`.
    function renounceOwnership() public view override onlyOwner {
        revert OwnerCannotLeave();
    }

    /// @inheritdoc IGovernance
    function owner() public view override(IGovernance, Ownable) returns (address) {
        return super.owner();
    }

    /// @inheritdoc IGovernance
    function proposal() external view returns (address, uint64) {
        return (_proposed, _notBefore);
    }

    /// @inheritdoc IGovernance
    function halt() external view returns (address, uint64) {
        return (_accused, _haltedSince);
    }

    /// @inheritdoc IGovernance
    function expectRunning() external view {
        if (_accused != address(0)) revert ChainIsHalted(_accused, _haltedSince);
        if (block.timestamp < pausedUntil) revert ChainIsPaused(pausedUntil);
    }

    function _announce(address newVerifier) private {
        (_proposed, _notBefore) = (newVerifier, uint64(block.timestamp) + delay);
        emit VerifierProposed(newVerifier, _notBefore);
    }

    function _cancel() private {
        emit VerifierProposalCancelled(_proposed);
        (_proposed, _notBefore) = (address(0), 0);
    }

    function _replace(address newVerifier) private {
        emit VerifierReplaced(verifier, newVerifier);
        verifier = newVerifier;
        if (_accused == address(0)) return;
        (_accused, _haltedSince) = (address(0), 0);
        resumedAt = uint64(block.timestamp);
        emit ChainResumed();
    }

    function _setGuardian(address newGuardian) private {
        if (newGuardian == address(0)) revert InvalidAccount("guardian", newGuardian);
        guardian = newGuardian;
        emit GuardianChanged(newGuardian);
    }

    /// @dev Whether a verifier is `member`, or a set that asks it.
    function _relies(address whole, address member) private view returns (bool) {
        return whole == member
            || (isOfType(IProofVerifier(whole), "all") && VerifierSet(whole).requires(IProofVerifier(member)));
    }

    /// @dev Reports and dismissals ask for the kind of proof: where there is no answer they would fail.
    function _expectVerifier(address proofVerifier) private view {
        (bool answered, bytes memory kind) =
            proofVerifier.staticcall(abi.encodeCall(IProofVerifier.proofType, ()));
        if (!answered || !_isText(kind)) revert NoVerifier(proofVerifier);
    }

    /// @dev Whether a call has returned one text and nothing else. Where there is no code it has returned nothing.
    function _isText(bytes memory returned) private pure returns (bool) {
        if (returned.length < 64) return false;
        (uint256 start, uint256 length) = abi.decode(returned, (uint256, uint256));
        return start == 32 && length <= returned.length - 64;
    }

    function _expectTime(uint64 notBefore) private view {
        if (block.timestamp < notBefore) revert TooEarly(notBefore);
    }

    function _expectGuardian() private view {
        if (msg.sender != guardian) revert NotGuardian(msg.sender);
    }
}
