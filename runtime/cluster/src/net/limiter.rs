//! Token buckets, and refusals that are logged once.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::settings::Rate;

/// Most addresses or names that are remembered. Beyond, those that may act freely are forgotten.
const MAX_KEYS: usize = 65_536;

/// A token bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    pub(super) fn full(rate: Rate, now: Instant) -> Self {
        Self {
            tokens: f64::from(rate.burst),
            at: now,
        }
    }

    fn refill(&mut self, rate: Rate, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        let tokens = self.tokens + passed * f64::from(rate.per_second);
        self.tokens = tokens.min(f64::from(rate.burst));
        self.at = now;
    }

    /// Takes a token if there is one.
    pub(super) fn try_take(&mut self, rate: Rate, now: Instant) -> bool {
        self.refill(rate, now);
        let allowed = self.tokens >= 1.0;
        if allowed {
            self.tokens -= 1.0;
        }
        allowed
    }

    /// Takes `count` tokens in any case, and says how long their user must wait for them.
    pub(super) fn take(&mut self, count: u32, rate: Rate, now: Instant) -> Duration {
        self.refill(rate, now);
        self.tokens -= f64::from(count);
        if self.tokens >= 0.0 {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(-self.tokens / f64::from(rate.per_second.max(1)))
    }

    fn is_full(&mut self, rate: Rate, now: Instant) -> bool {
        self.refill(rate, now);
        self.tokens >= f64::from(rate.burst)
    }
}

/// A bucket for each key.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    rate: Rate,
    buckets: HashMap<K, Bucket>,
}

impl<K: Eq + Hash> Buckets<K> {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            buckets: HashMap::new(),
        }
    }

    pub(super) fn try_take(&mut self, key: K, now: Instant) -> bool {
        let rate = self.rate;
        if self.buckets.len() >= MAX_KEYS && !self.buckets.contains_key(&key) {
            self.buckets.retain(|_, bucket| !bucket.is_full(rate, now));
            if self.buckets.len() >= MAX_KEYS {
                return false;
            }
        }
        let bucket = self.buckets.entry(key);
        bucket
            .or_insert_with(|| Bucket::full(rate, now))
            .try_take(rate, now)
    }
}

/// The party that shares a limit: an IPv4 address, or an IPv6 network of 64 bits, which is one customer's.
pub(super) fn party(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let network = v6.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 => v4,
    }
}

/// Decides which refusals are worth a line in the log: the first of each peer in each window. The next line says
/// how many were left out.
#[derive(Debug)]
pub(super) struct RefusalLog {
    window: Duration,
    seen: Mutex<HashMap<String, (Instant, u64)>>,
}

impl RefusalLog {
    pub(super) fn new(window: Duration) -> Self {
        Self {
            window,
            seen: Mutex::default(),
        }
    }

    /// `Some(left_out)` if this refusal of `who` shall be logged.
    pub(super) fn admit(&self, who: &str, now: Instant) -> Option<u64> {
        let mut seen = self.seen.lock().expect("nothing panics under this lock");
        if let Some((since, left_out)) = seen.get_mut(who) {
            if now.saturating_duration_since(*since) < self.window {
                *left_out += 1;
                return None;
            }
            *since = now;
            return Some(std::mem::take(left_out));
        }
        if seen.len() >= MAX_KEYS {
            let window = self.window;
            seen.retain(|_, (since, _)| now.saturating_duration_since(*since) < window);
            if seen.len() >= MAX_KEYS {
                return None;
            }
        }
        seen.insert(who.to_owned(), (now, 0));
        Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        per_second: 2,
        burst: 3,
    };

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut buckets = Buckets::new(RATE);
        let taken: Vec<_> = (0..5).map(|_| buckets.try_take("a", start)).collect();
        assert_eq!(taken, [true, true, true, false, false]);
        assert!(buckets.try_take("b", start), "another key has its own");
        let later = start + Duration::from_millis(500);
        assert!(buckets.try_take("a", later), "one token came back");
        assert!(!buckets.try_take("a", later));
    }

    #[test]
    fn who_takes_more_than_there_is_waits_in_proportion() {
        let now = Instant::now();
        let mut bucket = Bucket::full(RATE, now);
        let waits: Vec<_> = (0..5)
            .map(|_| bucket.take(1, RATE, now).as_millis())
            .collect();
        assert_eq!(waits, [0, 0, 0, 500, 1000]);
        assert_eq!(bucket.take(4, RATE, now).as_millis(), 3000);
    }

    #[test]
    fn an_ipv6_network_is_one_party() {
        let party = |text: &str| party(text.parse().expect("an address"));
        assert_eq!(party("2001:db8::1"), party("2001:db8::ffff:1"));
        assert_ne!(party("2001:db8::1"), party("2001:db8:0:1::1"));
        assert_eq!(party("::ffff:10.0.0.1"), party("10.0.0.1"));
        assert_ne!(party("10.0.0.2"), party("10.0.0.1"));
    }

    #[test]
    fn refusals_of_one_peer_are_logged_once_in_a_window_and_counted() {
        let log = RefusalLog::new(Duration::from_secs(60));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let verdicts = [
            log.admit("a", at(0)),
            log.admit("a", at(1)),
            log.admit("b", at(1)),
            log.admit("a", at(59)),
            log.admit("a", at(60)),
            log.admit("a", at(61)),
        ];
        assert_eq!(verdicts, [Some(0), None, Some(0), None, Some(2), None]);
    }
}
