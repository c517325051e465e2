use super::*;

const NONCE: u64 = 7;

fn policy() -> FollowPolicy {
    FollowPolicy {
        confirmations: 3,
        resend_after: Duration::from_secs(10),
        bump_after: Duration::from_secs(40),
        give_up_after: Duration::from_secs(600),
        max_fee: 1_000,
        ..FollowPolicy::default()
    }
}

fn fees(max_fee: u128) -> Fees {
    Fees {
        max_fee,
        max_priority_fee: 10,
    }
}

/// Nothing mined; L2 knows what was sent.
fn quiet(seconds: u64) -> Observation {
    Observation {
        elapsed: Duration::from_secs(seconds),
        head: 100,
        next_nonce: NONCE,
        market: fees(200),
        receipt: None,
        known: true,
    }
}

fn included(block: u64) -> Inclusion {
    let (hash, block_hash) = (TxHash::repeat_byte(1), B256::repeat_byte(2));
    Inclusion {
        hash,
        block,
        block_hash,
        success: true,
    }
}

/// A follower that has sent at second 0 with a fee of 200.
fn sent() -> Follower {
    let mut follower = Follower::new(policy());
    assert_eq!(
        follower.next(&quiet(0)),
        Step::Send {
            nonce: NONCE,
            fees: fees(200)
        }
    );
    follower.answered(SendAnswer::Accepted);
    follower
}

#[test]
fn it_is_done_once_it_is_deep_enough() {
    let mut follower = sent();
    let mined = Observation {
        receipt: Some(included(100)),
        next_nonce: NONCE + 1,
        ..quiet(1)
    };
    assert_eq!(follower.next(&mined), Step::Wait);
    assert_eq!(
        follower.next(&Observation {
            head: 101,
            ..mined.clone()
        }),
        Step::Wait
    );
    assert_eq!(
        follower.next(&Observation { head: 102, ..mined }),
        Step::Done(included(100))
    );
}

#[test]
fn fees_never_exceed_the_cap() {
    let mut follower = Follower::new(policy());
    let dear = Observation {
        market: Fees {
            max_fee: 9_000,
            max_priority_fee: 8_000,
        },
        ..quiet(0)
    };
    let capped = Fees {
        max_fee: 1_000,
        max_priority_fee: 1_000,
    };
    assert_eq!(
        follower.next(&dear),
        Step::Send {
            nonce: NONCE,
            fees: capped
        }
    );
    follower.answered(SendAnswer::Underpriced);
    assert_eq!(
        follower.next(&Observation {
            elapsed: Duration::from_secs(100),
            ..dear
        }),
        Step::Wait
    );
}

#[test]
fn a_dropped_transaction_is_sent_again() {
    let mut follower = sent();
    let dropped = |seconds| Observation {
        known: false,
        ..quiet(seconds)
    };
    assert_eq!(follower.next(&dropped(9)), Step::Wait);
    assert_eq!(follower.next(&dropped(10)), Step::Resend);
    assert_eq!(follower.next(&dropped(19)), Step::Wait);
    assert_eq!(follower.next(&dropped(20)), Step::Resend);
}

#[test]
fn a_stuck_transaction_is_replaced_by_one_that_pays_an_eighth_more() {
    let mut follower = sent();
    assert_eq!(follower.next(&quiet(39)), Step::Wait);
    let higher = Fees {
        max_fee: 225,
        max_priority_fee: 12,
    };
    assert_eq!(
        follower.next(&quiet(40)),
        Step::Send {
            nonce: NONCE,
            fees: higher
        }
    );
    follower.answered(SendAnswer::Accepted);
    assert_eq!(follower.next(&quiet(79)), Step::Wait);
    assert!(matches!(
        follower.next(&quiet(80)),
        Step::Send { nonce: NONCE, .. }
    ));
}

#[test]
fn a_replacement_pays_what_the_market_asks_if_that_is_more() {
    let mut follower = sent();
    let dearer = Observation {
        market: Fees {
            max_fee: 700,
            max_priority_fee: 20,
        },
        ..quiet(40)
    };
    let expected = Fees {
        max_fee: 700,
        max_priority_fee: 20,
    };
    assert_eq!(
        follower.next(&dearer),
        Step::Send {
            nonce: NONCE,
            fees: expected
        }
    );
}

#[test]
fn an_underpriced_replacement_is_raised_at_once() {
    let mut follower = sent();
    follower.answered(SendAnswer::Underpriced);
    let higher = Fees {
        max_fee: 225,
        max_priority_fee: 12,
    };
    assert_eq!(
        follower.next(&quiet(1)),
        Step::Send {
            nonce: NONCE,
            fees: higher
        }
    );
}

#[test]
fn a_mined_transaction_that_vanishes_is_sent_again_at_once() {
    let mut follower = sent();
    let mined = Observation {
        receipt: Some(included(100)),
        next_nonce: NONCE + 1,
        ..quiet(1)
    };
    assert_eq!(follower.next(&mined), Step::Wait);
    assert_eq!(
        follower.next(&Observation {
            known: false,
            ..quiet(2)
        }),
        Step::Resend
    );
    assert_eq!(
        follower.next(&Observation {
            known: false,
            ..quiet(3)
        }),
        Step::Wait
    );
    let again = Observation {
        receipt: Some(included(101)),
        head: 103,
        ..quiet(4)
    };
    assert_eq!(follower.next(&again), Step::Done(included(101)));
}

#[test]
fn a_nonce_counts_as_taken_only_when_seen_so_three_times_in_a_row() {
    let mut follower = sent();
    let taken = Observation {
        next_nonce: NONCE + 1,
        ..quiet(1)
    };
    assert_eq!(follower.next(&taken), Step::Wait);
    assert_eq!(follower.next(&taken), Step::Wait);
    assert_eq!(follower.next(&quiet(2)), Step::Wait);
    assert_eq!(follower.next(&taken), Step::Wait);
    assert_eq!(follower.next(&taken), Step::Wait);
    let failure = FollowFailure::NonceTaken { nonce: NONCE };
    assert_eq!(follower.next(&taken), Step::Failed(failure));
}

#[test]
fn a_nonce_that_stays_ahead_after_a_reorganisation_fails() {
    let mut follower = sent();
    let gap = |seconds| Observation {
        next_nonce: NONCE - 2,
        ..quiet(seconds)
    };
    assert_eq!(follower.next(&gap(1)), Step::Wait);
    assert_eq!(follower.next(&gap(10)), Step::Wait);
    let failure = FollowFailure::NonceGap {
        nonce: NONCE,
        next: NONCE - 2,
    };
    assert_eq!(follower.next(&gap(11)), Step::Failed(failure));
}

#[test]
fn a_nonce_gap_that_closes_is_waited_out() {
    let mut follower = sent();
    assert_eq!(
        follower.next(&Observation {
            next_nonce: NONCE - 1,
            ..quiet(1)
        }),
        Step::Wait
    );
    assert_eq!(follower.next(&quiet(2)), Step::Wait);
    assert_eq!(
        follower.next(&Observation {
            next_nonce: NONCE - 1,
            ..quiet(12)
        }),
        Step::Wait
    );
}

#[test]
fn a_refusal_ends_it_unless_it_was_mined_meanwhile() {
    let mut follower = sent();
    follower.answered(SendAnswer::Refused("insufficient funds".into()));
    let message = "insufficient funds".to_owned();
    assert_eq!(
        follower.next(&quiet(1)),
        Step::Failed(FollowFailure::Refused { message })
    );

    let mut follower = sent();
    follower.answered(SendAnswer::Refused("insufficient funds".into()));
    let mined = Observation {
        receipt: Some(included(98)),
        ..quiet(1)
    };
    assert_eq!(follower.next(&mined), Step::Done(included(98)));
}

#[test]
fn an_unclear_answer_leads_to_another_try() {
    let mut follower = Follower::new(policy());
    assert!(matches!(follower.next(&quiet(0)), Step::Send { .. }));
    follower.answered(SendAnswer::Unclear);
    assert_eq!(
        follower.next(&Observation {
            known: false,
            ..quiet(10)
        }),
        Step::Resend
    );
}

#[test]
fn time_runs_out() {
    let mut follower = sent();
    let failed = follower.next(&Observation {
        market: fees(300),
        ..quiet(600)
    });
    let failure = FollowFailure::TimedOut {
        after: Duration::from_secs(600),
        fees: fees(200),
        market: fees(300),
    };
    assert_eq!(failed, Step::Failed(failure));
}

#[test]
fn a_failed_transaction_is_reported_as_deep_as_a_successful_one() {
    let mut follower = sent();
    let failed = Inclusion {
        success: false,
        ..included(100)
    };
    let seen = Observation {
        receipt: Some(failed),
        ..quiet(1)
    };
    assert_eq!(follower.next(&seen), Step::Wait);
    assert_eq!(
        follower.next(&Observation { head: 102, ..seen }),
        Step::Done(failed)
    );
}

proptest::proptest! {
    /// Whatever L2 shows, the nonce stays the same, fees only rise, by a tenth at least, and stay under the cap.
    #[test]
    fn replacements_keep_the_nonce_and_raise_the_fees(
        observations in proptest::collection::vec((0u64..30, 0u64..3, 1u128..5_000, 0u128..50, proptest::bool::ANY, 0u8..4), 1..60),
    ) {
        let mut follower = Follower::new(policy());
        let (mut elapsed, mut last): (u64, Option<(u64, Fees)>) = (0, None);
        for (wait, nonce, max_fee, priority, known, answer) in observations {
            elapsed += wait;
            let market = Fees { max_fee, max_priority_fee: priority.min(max_fee) };
            let seen = Observation { market, known, next_nonce: NONCE - 1 + nonce, ..quiet(elapsed) };
            match follower.next(&seen) {
                Step::Send { nonce, fees } => {
                    proptest::prop_assert!(fees.max_fee <= policy().max_fee);
                    proptest::prop_assert!(fees.max_priority_fee <= fees.max_fee);
                    if let Some((first, before)) = last {
                        proptest::prop_assert_eq!(nonce, first);
                        proptest::prop_assert!(fees.max_fee * 10 >= before.max_fee * 11);
                        proptest::prop_assert!(fees.max_priority_fee * 10 >= before.max_priority_fee * 11);
                    }
                    last = Some((nonce, fees));
                    follower.answered(match answer {
                        0 => SendAnswer::Underpriced,
                        1 => SendAnswer::Unclear,
                        _ => SendAnswer::Accepted,
                    });
                }
                Step::Failed(_) => break,
                Step::Resend => proptest::prop_assert!(last.is_some()),
                Step::Wait => {}
                Step::Done(_) => unreachable!("no receipt was shown"),
            }
        }
    }
}
