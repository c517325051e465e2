//! What the bridge does next, from what it sees. Pure.

use tern_messages::BatchNumber;

/// Everything that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// Last batch committed at the head of L2.
    pub(crate) committed: BatchNumber,
    /// Last batch verified at the head of L2.
    pub(crate) verified: BatchNumber,
    /// Last batch on disk.
    pub(crate) formed: BatchNumber,
    /// Last batch in a row with a proof on disk.
    pub(crate) proven: BatchNumber,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Commit this batch, the one after the last committed.
    Commit(BatchNumber),
    /// Prove this batch, the one after the last verified, with those that share its proof.
    Prove(BatchNumber),
    /// Commit and prove this batch, the one after the last verified, at once.
    CommitAndProve(BatchNumber),
    /// There is nothing to do.
    Wait,
    /// L2 knows more than the disk: going on would contradict it.
    DiskBehind,
}

/// Decides. Proving goes first: it is rarer, and what everybody waits for.
pub(crate) fn decide(view: &View) -> Next {
    let View {
        committed,
        verified,
        formed,
        proven,
    } = *view;
    if committed > formed {
        return Next::DiskBehind;
    }
    let next = |number: BatchNumber| BatchNumber(number.0.saturating_add(1));
    if verified < proven.min(committed) {
        Next::Prove(next(verified))
    } else if committed < formed {
        Next::Commit(next(committed))
    } else {
        Next::Wait
    }
}

/// The same for whom the contract lets commit with a proof only: what others have committed is replaced.
pub(crate) fn decide_with_proofs(view: &View) -> Next {
    if view.verified > view.formed {
        Next::DiskBehind
    } else if view.verified < view.proven {
        Next::CommitAndProve(BatchNumber(view.verified.0.saturating_add(1)))
    } else {
        Next::Wait
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn view(committed: u64, verified: u64, formed: u64, proven: u64) -> View {
        View {
            committed: BatchNumber(committed),
            verified: BatchNumber(verified),
            formed: BatchNumber(formed),
            proven: BatchNumber(proven),
        }
    }

    #[test]
    fn a_new_batch_is_committed_before_its_proof_exists() {
        assert_eq!(decide(&view(0, 0, 1, 0)), Next::Commit(BatchNumber(1)));
    }

    #[test]
    fn a_proof_waits_until_its_batch_is_committed() {
        assert_eq!(decide(&view(0, 0, 1, 1)), Next::Commit(BatchNumber(1)));
        assert_eq!(decide(&view(1, 0, 1, 1)), Next::Prove(BatchNumber(1)));
    }

    #[test]
    fn proving_goes_before_committing_more() {
        assert_eq!(decide(&view(2, 1, 5, 2)), Next::Prove(BatchNumber(2)));
    }

    #[test]
    fn what_a_reorganisation_took_back_is_sent_again() {
        assert_eq!(decide(&view(3, 1, 7, 2)), Next::Prove(BatchNumber(2)));
        assert_eq!(decide(&view(1, 1, 7, 2)), Next::Commit(BatchNumber(2)));
    }

    #[test]
    fn with_proofs_only_nothing_is_committed_before_its_proof_and_others_batches_are_replaced() {
        assert_eq!(decide_with_proofs(&view(0, 0, 1, 0)), Next::Wait);
        let first = Next::CommitAndProve(BatchNumber(1));
        assert_eq!(decide_with_proofs(&view(7, 0, 2, 1)), first);
        assert_eq!(decide_with_proofs(&view(3, 3, 2, 1)), Next::DiskBehind);
    }

    #[test]
    fn a_disk_that_knows_less_than_l2_is_not_built_upon() {
        assert_eq!(decide(&view(3, 1, 2, 1)), Next::DiskBehind);
    }

    proptest! {
        #[test]
        fn following_the_decisions_settles_everything_in_order(formed in 0..20u64, proven in 0..20u64) {
            let proven = proven.min(formed);
            let mut now = view(0, 0, formed, proven);
            for _ in 0..100 {
                match decide(&now) {
                    Next::Commit(number) => {
                        prop_assert_eq!(number.0, now.committed.0 + 1);
                        now.committed = number;
                    }
                    Next::Prove(number) => {
                        prop_assert_eq!(number.0, now.verified.0 + 1);
                        prop_assert!(number <= now.committed);
                        now.verified = number;
                    }
                    Next::Wait => break,
                    Next::DiskBehind | Next::CommitAndProve(_) => prop_assert!(false),
                }
            }
            prop_assert_eq!((now.committed.0, now.verified.0), (formed, proven));
        }
    }
}
