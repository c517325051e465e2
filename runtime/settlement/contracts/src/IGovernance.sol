// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Who may do what to the chain beside its operator, and when
/// @notice
/// | role | may | may not |
/// |---|---|---|
/// | operator | commit batches | change what transactions do |
/// | owner | appoint operator and guardian; replace the verifier after `delay()` | stop the chain; take anything at once |
/// | guardian | pause commits and proofs for `PAUSE`, then not again for `PAUSE_REST` | end a halt; replace anything |
/// | watchers | refuse their signature, if the verifier asks for it | halt the chain for good |
/// | anyone | prove; show two proofs that contradict each other; carry out what was announced and has waited | |
///
/// **A halt.** Whoever shows two proofs of different outcomes of one block, both believed by a verifier that the chain
/// relies on, halts the chain: nothing is committed or proven any more. What was proven before stays, and claims on it
/// are never stopped. A halt ends only in public, and no sooner than `delay()` after it began, which is longer than
/// `EXIT_WINDOW`, so that everybody has had the time to leave on the last proven state:
/// 1. the owner announces another verifier (`proposeVerifier`), which does not rely on the accused one, and anyone puts
///    it in place after the delay (`replaceVerifier`); or
/// 2. if it was watchers who signed two outcomes, and other verifiers remain, anyone dismisses them after the delay
///    (`dismissWatchers`), whatever the owner does. A threshold of watchers alone thus stops the chain for `delay()`
///    at most, and only once.
///
/// A halt does not lapse by itself: the verifier that believes anything would be believed again. Where a proof system is
/// broken the chain is not left to the signatures that remain: somebody has to mend it, in the open.
///
/// Watchers (their accounts, their threshold) are part of a verifier and are replaced as it is, halt or not, behind the
/// same delay: lost keys of watchers cost the chain that time and not its life.
interface IGovernance {
    /// @notice A verifier was shown to accept contradicting proofs: nothing is committed or proven until it is replaced.
    event ChainHalted(address indexed accused, uint64 since);
    /// @notice The halt is over: batches are committed and proven again.
    event ChainResumed();
    /// @notice This verifier may be put in place from that time on.
    event VerifierProposed(address indexed verifier, uint64 notBefore);
    /// @notice The proposal was taken back.
    event VerifierProposalCancelled(address indexed verifier);
    /// @notice Proofs are verified by another contract from now on.
    event VerifierReplaced(address indexed before, address indexed verifier);
    /// @notice Watchers who signed two outcomes of one block are asked no longer.
    event WatchersDismissed(address indexed attestationVerifier);
    /// @notice Commits and proofs rest until that time.
    event ChainPaused(uint64 until);
    /// @notice The pause was ended early.
    event PauseEnded();
    /// @notice Another account may pause from now on.
    event GuardianChanged(address indexed guardian);

    /// @notice Nothing is committed or proven since that time: this verifier was shown to be broken.
    error ChainIsHalted(address accused, uint64 since);
    /// @notice Nothing is committed or proven until that time.
    error ChainIsPaused(uint64 until);
    /// @notice The chain is not halted.
    error NotHalted();
    /// @notice The caller is not the guardian.
    error NotGuardian(address caller);
    /// @notice The guardian may pause again from that time on.
    error PausedTooOften(uint64 notBefore);
    /// @notice There is no pause to end.
    error NotPaused();
    /// @notice The role cannot be this account's.
    error InvalidAccount(string role, address account);
    /// @notice A chain without owner could never be mended.
    error OwnerCannotLeave();
    /// @notice The delay is not longer than the exit window, or longer than `MAX_DELAY`.
    error InvalidDelay(uint64 delay, uint64 least, uint64 most);
    /// @notice There is no code there, or none that says what kind of proof it takes.
    error NoVerifier(address verifier);
    /// @notice No verifier was proposed.
    error NothingProposed();
    /// @notice It may be done from that time on.
    error TooEarly(uint64 notBefore);
    /// @notice The verifier relies on the one that was shown to be broken.
    error StillRelied(address accused);
    /// @notice The accused verifier does not stand for watchers, or no other verifier would remain.
    error NotDismissible(address accused);
    /// @notice The chain does not rely on this verifier.
    error NotRequired(address verifier);
    /// @notice The proofs do not contradict each other.
    error NoConflict();

    /// @notice Halts the chain if a required verifier accepts proofs of two outcomes of the same block, which no
    /// correct verifier does. Open to anyone. A proposal that waits has to wait `delay()` from now on.
    /// @param report abi.encode of a `ConflictCheck.Report`.
    function reportConflict(bytes calldata report) external;
    /// @notice Announces another verifier, in place of what was announced before. Owner only.
    function proposeVerifier(address verifier) external;
    /// @notice Takes the announcement back. Owner only.
    function cancelProposal() external;
    /// @notice Puts the announced verifier in place after its delay, and ends a halt. Open to anyone.
    function replaceVerifier() external;
    /// @notice Ends a halt by doing without the watchers who signed two outcomes, `delay()` after it began. A proposal that
    /// relies on them is taken back. Open to anyone.
    function dismissWatchers() external;
    /// @notice Lets commits and proofs rest for `PAUSE`. Guardian only.
    function pause() external;
    /// @notice Ends a pause early. Guardian only.
    function endPause() external;
    /// @notice Appoints another guardian. Owner only.
    function setGuardian(address guardian) external;

    /// @notice Time that users are given to leave on the last proven state, in seconds.
    // forge-lint: disable-next-line(mixed-case-function)
    function EXIT_WINDOW() external view returns (uint64);
    /// @notice From an announcement, and from a halt, to what follows; in seconds, longer than `EXIT_WINDOW`.
    function delay() external view returns (uint64);
    /// @notice The contract that verifies proofs: one, or a `VerifierSet`.
    function verifier() external view returns (address);
    /// @notice The announced verifier and when it may be put in place; zeros if there is none.
    function proposal() external view returns (address verifier, uint64 notBefore);
    /// @notice The verifier that was shown to be broken and since when the chain is halted; zeros if it is not.
    function halt() external view returns (address accused, uint64 since);
    /// @notice How long a pause lasts, in seconds.
    function PAUSE() external view returns (uint64);
    /// @notice When the last halt ended; 0 if there was none.
    function resumedAt() external view returns (uint64);
    /// @notice End of the last pause; it may lie in the past.
    function pausedUntil() external view returns (uint64);
    /// @notice The account that may pause.
    function guardian() external view returns (address);
    /// @notice The account that appoints and announces.
    function owner() external view returns (address);
    /// @notice Judges what `reportConflict` is told.
    function conflictCheck() external view returns (address);
    /// @notice Reverts with `ChainIsHalted` or `ChainIsPaused`.
    function expectRunning() external view;
}
