//! Blobs that travel in chunks: those that a peer is sending, and those that it is fetching.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::settings::CHUNK;
use super::wire::Refusal;

/// Most unfinished blobs of one peer.
const MAX_BLOBS: usize = 64;

/// The unfinished blobs of one peer, in both directions.
#[derive(Debug)]
pub(super) struct Blobs {
    max_len: usize,
    max_total: usize,
    life: Duration,
    coming: HashMap<u64, Coming>,
    going: HashMap<u64, Going>,
    next_going: u64,
}

#[derive(Debug)]
struct Coming {
    total: usize,
    missing: usize,
    chunks: Vec<Option<Vec<u8>>>,
    touched: Instant,
}

#[derive(Debug)]
struct Going {
    bytes: Bytes,
    touched: Instant,
}

impl Blobs {
    pub(super) fn new(max_len: usize, max_total: usize, life: Duration) -> Self {
        Self {
            max_len,
            max_total,
            life,
            coming: HashMap::new(),
            going: HashMap::new(),
            next_going: 0,
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.coming.clear();
        self.going.clear();
    }

    /// Forgets what nobody touched for a while.
    fn sweep(&mut self, now: Instant) {
        let life = self.life;
        let fresh = |touched: Instant| now.saturating_duration_since(touched) < life;
        self.coming.retain(|_, blob| fresh(blob.touched));
        self.going.retain(|_, blob| fresh(blob.touched));
    }

    fn held(&self) -> usize {
        let coming: usize = self.coming.values().map(|blob| blob.total).sum();
        let going: usize = self.going.values().map(|blob| blob.bytes.len()).sum();
        coming + going
    }

    fn make_room(&mut self, len: usize, now: Instant) -> Result<(), Refusal> {
        self.sweep(now);
        if len > self.max_len {
            let max = self.max_len as u64;
            return Err(Refusal::TooLong {
                len: len as u64,
                max,
            });
        }
        let blobs = self.coming.len() + self.going.len();
        if blobs >= MAX_BLOBS || self.held() + len > self.max_total {
            let reason = "too many unfinished blobs of this peer";
            return Err(Refusal::Busy {
                reason: reason.to_owned(),
            });
        }
        Ok(())
    }

    /// Takes chunk number `index` of a blob of `total` bytes. Chunks may come in any order, and again.
    pub(super) fn take(
        &mut self,
        id: u64,
        total: u64,
        index: u32,
        bytes: Vec<u8>,
        now: Instant,
    ) -> Result<(), Refusal> {
        let malformed = |reason: &str| {
            Err(Refusal::Malformed {
                reason: reason.to_owned(),
            })
        };
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        if !self.coming.contains_key(&id) {
            self.make_room(total, now)?;
            let chunks = total.div_ceil(CHUNK);
            let blob = Coming {
                total,
                missing: chunks,
                chunks: vec![None; chunks],
                touched: now,
            };
            self.coming.insert(id, blob);
        }
        let blob = self.coming.get_mut(&id).expect("inserted above");
        if blob.total != total {
            return malformed("two chunks of one blob disagree about its length");
        }
        let index = index as usize;
        let Some(slot) = blob.chunks.get_mut(index) else {
            return malformed("a chunk lies behind the blob's end");
        };
        if bytes.len() != CHUNK.min(total - index * CHUNK) {
            return malformed("a chunk has not the length that its place demands");
        }
        if slot.replace(bytes).is_none() {
            blob.missing -= 1;
        }
        blob.touched = now;
        Ok(())
    }

    /// A blob that is complete, which leaves the store.
    pub(super) fn finish(&mut self, id: u64) -> Result<Vec<u8>, Refusal> {
        let complete = |blob: &Coming| blob.missing == 0;
        if !self.coming.get(&id).is_some_and(complete) {
            return Err(Refusal::Malformed {
                reason: "the blob is not complete, or is no longer kept".to_owned(),
            });
        }
        let blob = self.coming.remove(&id).expect("found above");
        let mut whole = Vec::with_capacity(blob.total);
        for chunk in blob.chunks.into_iter().flatten() {
            whole.extend_from_slice(&chunk);
        }
        Ok(whole)
    }

    /// Keeps an answer for the peer to fetch, and names it.
    pub(super) fn offer(&mut self, bytes: Vec<u8>, now: Instant) -> Result<u64, Refusal> {
        self.make_room(bytes.len(), now)?;
        let id = self.next_going;
        self.next_going += 1;
        let bytes = Bytes::from(bytes);
        self.going.insert(
            id,
            Going {
                bytes,
                touched: now,
            },
        );
        Ok(id)
    }

    /// Chunk number `index` of an offered blob.
    pub(super) fn chunk(&mut self, id: u64, index: u32, now: Instant) -> Result<Bytes, Refusal> {
        let gone = || Refusal::Malformed {
            reason: "there is no such chunk, or it is no longer kept".to_owned(),
        };
        let blob = self.going.get_mut(&id).ok_or_else(gone)?;
        blob.touched = now;
        let start = (index as usize).saturating_mul(CHUNK);
        if start >= blob.bytes.len() {
            return Err(gone());
        }
        let end = blob.bytes.len().min(start + CHUNK);
        Ok(blob.bytes.slice(start..end))
    }

    /// Forgets an offered blob: it arrived.
    pub(super) fn release(&mut self, id: u64) {
        self.going.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Blobs {
        Blobs::new(3 * CHUNK, 4 * CHUNK, Duration::from_secs(10))
    }

    fn blob(len: usize) -> Vec<u8> {
        (0..len).map(|i| u8::try_from(i % 251).unwrap()).collect()
    }

    #[test]
    fn a_blob_is_put_together_from_chunks_in_any_order_that_may_come_twice() {
        let (mut store, now, whole) = (store(), Instant::now(), blob(2 * CHUNK + 5));
        let total = whole.len() as u64;
        for index in [2_u32, 0, 0, 1] {
            assert!(store.finish(1).is_err(), "not complete yet");
            let start = index as usize * CHUNK;
            let part = whole[start..whole.len().min(start + CHUNK)].to_vec();
            store.take(1, total, index, part, now).expect("room");
        }
        assert_eq!(store.finish(1), Ok(whole));
        assert!(store.finish(1).is_err(), "it left the store");
    }

    #[test]
    fn lengths_are_checked_before_anything_is_kept() {
        let (mut store, now) = (store(), Instant::now());
        let too_long = store.take(1, u64::MAX, 0, vec![0; CHUNK], now);
        assert!(
            matches!(too_long, Err(Refusal::TooLong { .. })),
            "{too_long:?}"
        );
        for (index, len) in [(0, 1), (1, CHUNK), (2, 0)] {
            let odd = store.take(2, CHUNK as u64 + 1, index, vec![0; len], now);
            assert!(
                matches!(odd, Err(Refusal::Malformed { .. })),
                "{index}: {odd:?}"
            );
        }
        let other = store.take(2, CHUNK as u64 + 2, 0, vec![0; CHUNK], now);
        assert!(matches!(other, Err(Refusal::Malformed { .. })), "{other:?}");
    }

    #[test]
    fn a_peer_can_keep_only_so_much_until_it_is_forgotten() {
        let (mut store, now) = (store(), Instant::now());
        let large = 3 * CHUNK as u64;
        store.take(1, large, 0, vec![0; CHUNK], now).expect("room");
        let refused = store.take(2, large, 0, vec![0; CHUNK], now);
        assert!(matches!(refused, Err(Refusal::Busy { .. })), "{refused:?}");
        let later = now + Duration::from_secs(10);
        store
            .take(2, large, 0, vec![0; CHUNK], later)
            .expect("the first one is forgotten");
    }

    #[test]
    fn an_offered_blob_can_be_fetched_until_it_is_released() {
        let (mut store, now, whole) = (store(), Instant::now(), blob(CHUNK + 1));
        let id = store.offer(whole.clone(), now).expect("room");
        assert_eq!(store.chunk(id, 0, now).expect("kept"), whole[..CHUNK]);
        assert_eq!(store.chunk(id, 1, now).expect("kept"), whole[CHUNK..]);
        assert!(store.chunk(id, 2, now).is_err());
        assert!(store.chunk(id, u32::MAX, now).is_err());
        store.release(id);
        assert!(store.chunk(id, 0, now).is_err());
    }
}
