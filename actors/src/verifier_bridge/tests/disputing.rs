//! Batches that are final unless somebody challenges them.

use super::*;

const STAKE: u64 = 10;
/// In blocks, and so in seconds.
const WINDOW: u64 = 30;

/// An L2 on which batches are final after the window.
fn l2() -> FakeL2 {
    let l2 = FakeL2::new();
    l2.with(|inner| {
        inner.terms = Some(DisputeTerms {
            challenge_window: Duration::from_secs(WINDOW),
            proof_time: Duration::from_secs(WINDOW),
            stake: U256::from(STAKE),
            bond: U256::ONE,
        });
    });
    l2
}

fn challenged(batch: u64) -> Challenged {
    Challenged {
        batch: BatchNumber(batch),
        index: 0,
    }
}

/// Waits until this was sent; L2 goes on meanwhile, if it is to.
async fn sent(l2: &FakeL2, what: &str, goes_on: bool) -> Vec<String> {
    let wait = async {
        loop {
            let sent = l2.sent();
            if sent.iter().any(|sent| sent == what) {
                return sent;
            }
            if goes_on {
                l2.mine(|_| ());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, wait).await.expect(what)
}

#[tokio::test]
async fn each_batch_is_proposed_behind_a_stake_before_the_next_is_committed_and_final_after_its_window()
 {
    let (directory, l2) = (TempDir::new().unwrap(), l2());
    let store = store(&directory);
    let mut fixture = fixture(&store, &l2, 2, 0).await;
    let _running = fixture.start();
    let all = sent(&l2, "propose 2", false).await;
    let expected = ["commit 1", "stake 10", "propose 1", "commit 2", "propose 2"];
    assert_eq!(all, expected);
    let all = sent(&l2, "finalize 2", true).await;
    assert_eq!(all[5..], ["finalize 1", "finalize 2"]);
    fixture.settled(2, 2).await;
    let verified = |told| match told {
        Told::Finality(report) if report.verified == BatchNumber(2) => Some(report),
        _ => None,
    };
    let report = next(&mut fixture.told, verified).await;
    let known = report
        .batches
        .iter()
        .all(|record| record.verified.is_some());
    assert!(known, "the transaction that made a batch final is reported");
}

#[tokio::test]
async fn a_proof_makes_final_at_once_what_was_proposed_or_not() {
    let (directory, l2) = (TempDir::new().unwrap(), l2());
    let store = store(&directory);
    let mut fixture = fixture(&store, &l2, 2, 2).await;
    let _running = fixture.start();
    fixture.settled(2, 2).await;
    assert_eq!(l2.sent().last().unwrap(), "prove 2");
    assert!(!l2.sent().iter().any(|sent| sent.starts_with("finalize")));
}

#[tokio::test]
async fn a_challenged_block_is_proven_before_anything_else_is_done() {
    let (directory, l2) = (TempDir::new().unwrap(), l2());
    let store = store(&directory);
    let running = fixture(&store, &l2, 1, 0).await.start();
    sent(&l2, "propose 1", false).await;
    drop(running);
    l2.mine(|state| state.waiting.push(challenged(1)));
    let _running = fixture(&store, &l2, 2, 0).await.start();
    let all = sent(&l2, "propose 2", false).await;
    assert_eq!(all[3..], ["answer 1", "commit 2", "propose 2"]);
}

#[tokio::test]
async fn what_is_left_of_challenges_of_dropped_batches_is_decided_before_they_are_proposed_again() {
    let (directory, l2) = (TempDir::new().unwrap(), l2());
    let store = store(&directory);
    let running = fixture(&store, &l2, 1, 0).await.start();
    sent(&l2, "propose 1", false).await;
    drop(running);
    l2.mine(|state| {
        state.proposed.clear();
        state.staked = U256::from(4);
        state.left.push(challenged(1));
    });
    l2.with(|inner| inner.sent.clear());
    let _running = fixture(&store, &l2, 1, 0).await.start();
    let all = sent(&l2, "propose 1", false).await;
    assert_eq!(all, ["settle 1 0", "stake 6", "propose 1"]);
}

#[tokio::test]
async fn nothing_is_sent_twice_when_the_bridge_is_killed_between_the_steps_of_a_proposal() {
    let (directory, l2) = (TempDir::new().unwrap(), l2());
    let store = store(&directory);
    let steps = ["commit 1", "stake 10", "propose 1", "finalize 1"];
    for step in steps {
        l2.with(|inner| inner.lose_answers = 1);
        let running = fixture(&store, &l2, 1, 0).await.start();
        sent(&l2, step, step.starts_with("finalize")).await;
        drop(running);
    }
    let mut fixture = fixture(&store, &l2, 1, 0).await;
    let _running = fixture.start();
    fixture.settled(1, 1).await;
    assert_eq!(l2.sent(), steps);
}
