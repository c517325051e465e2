//! Senders who are held back for a while.
//!
//! A transaction that turns out to be unprovable has cost its execution, and nobody pays for that. A sender who
//! does it again and again waits longer each time, so that a few accounts cannot keep the main node busy. An account
//! counts, not a connection: it takes funds to have one.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use alloy::primitives::Address;
use lru::LruCache;

/// The first wait.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest wait; also how long a sender must be good after a wait for it to be forgotten.
const LONGEST: Duration = Duration::from_secs(600);
/// Senders that are remembered; the one that was heard of least recently is forgotten first.
const SENDERS: NonZeroUsize = NonZeroUsize::new(1 << 16).expect("not zero");

/// Who is held back, and until when.
pub(super) struct Restraint {
    senders: LruCache<Address, Wait>,
}

struct Wait {
    until: Instant,
    length: Duration,
}

impl Restraint {
    pub(super) fn new() -> Self {
        Self {
            senders: LruCache::new(SENDERS),
        }
    }

    /// How long this sender has to wait still.
    pub(super) fn of(&self, sender: &Address, now: Instant) -> Option<Duration> {
        let wait = self.senders.peek(sender)?;
        wait.until
            .checked_duration_since(now)
            .filter(|rest| !rest.is_zero())
    }

    /// Holds a sender back from `now` on, for twice as long as the last time if that was not long ago.
    pub(super) fn hold(&mut self, sender: Address, now: Instant) {
        let recent = self
            .senders
            .get(&sender)
            .filter(|wait| now < wait.until + LONGEST);
        let length = recent.map_or(SHORTEST, |wait| (2 * wait.length).min(LONGEST));
        let until = now + length;
        self.senders.put(sender, Wait { until, length });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENDER: Address = Address::repeat_byte(1);

    #[test]
    fn a_sender_waits_twice_as_long_each_time_up_to_the_longest() {
        let (mut restraint, mut now) = (Restraint::new(), Instant::now());
        assert_eq!(restraint.of(&SENDER, now), None);
        for expected in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600] {
            restraint.hold(SENDER, now);
            let wait = Duration::from_secs(expected);
            assert_eq!(restraint.of(&SENDER, now), Some(wait));
            assert_eq!(restraint.of(&Address::repeat_byte(2), now), None);
            now += wait;
            assert_eq!(restraint.of(&SENDER, now), None);
        }
    }

    #[test]
    fn a_sender_who_was_good_for_long_starts_afresh() {
        let (mut restraint, now) = (Restraint::new(), Instant::now());
        restraint.hold(SENDER, now);
        restraint.hold(SENDER, now);
        let later = now + Duration::from_secs(2) + LONGEST;
        restraint.hold(SENDER, later);
        assert_eq!(restraint.of(&SENDER, later), Some(SHORTEST));
    }

    #[test]
    fn no_more_senders_are_remembered_than_there_is_room_for() {
        let (mut restraint, now) = (Restraint::new(), Instant::now());
        for number in 0..=SENDERS.get() as u64 {
            restraint.hold(Address::left_padding_from(&number.to_be_bytes()), now);
        }
        assert_eq!(restraint.senders.len(), SENDERS.get());
        assert_eq!(restraint.of(&Address::ZERO, now), None);
    }
}
