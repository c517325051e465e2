//! FastLZ, level 1: how transactions are posted. The contract `FastLz` decompresses them.
//!
//! What the contract accepts means the same here.

use std::collections::{HashMap, VecDeque};

/// Longest run of literals, which takes one byte more.
const LITERALS: usize = 32;
/// Longest match, which takes three bytes.
const MATCH: usize = 264;
/// Shortest match that the format knows.
const SHORTEST: usize = 3;
/// Farthest distance of a match.
const REACH: usize = 8_192;
/// Shortest match that saves more gas than it costs.
const WORTHWHILE: usize = 14;
/// Bytes by which matches are found.
const KEY: usize = 8;
/// Matches that are compared with each other.
const CANDIDATES: usize = 32;
/// More than a contract could decompress: memory of this size takes 538 million gas.
const MAX_DECOMPRESSED: usize = 16 << 20;

/// Compresses to [`longest`] bytes at most.
///
/// What the usual compressors do costs more than it saves here: the contract takes some 150 gas for each run, and a byte
/// of calldata costs 16. So only matches that save more than their runs cost are taken, and the long ones are looked
/// for: most of a transaction is addresses, selectors and zeros that were there before, or random numbers.
pub fn compress(data: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    let mut earlier = Earlier::default();
    let (mut at, mut literals) = (0, 0);
    while at < data.len() {
        let (start, length) = earlier.longest(data, at);
        if length < WORTHWHILE {
            earlier.remember(data, at);
            at += 1;
            continue;
        }
        push_literals(&mut stream, &data[literals..at]);
        push_match(&mut stream, at - start, length);
        (at..at + length).for_each(|place| earlier.remember(data, place));
        at += length;
        literals = at;
    }
    push_literals(&mut stream, &data[literals..]);
    stream
}

/// Where the same few bytes stood before.
#[derive(Default)]
struct Earlier {
    places: HashMap<[u8; KEY], VecDeque<usize>>,
}

impl Earlier {
    fn remember(&mut self, data: &[u8], place: usize) {
        if let Some(key) = data[place..].first_chunk() {
            let places = self.places.entry(*key).or_default();
            places.push_front(place);
            places.truncate(CANDIDATES);
        }
    }

    /// Start and length of the longest match for the data at `place`.
    fn longest(&self, data: &[u8], place: usize) -> (usize, usize) {
        let key = data[place..].first_chunk();
        let places = key.and_then(|key| self.places.get(key));
        let near = places
            .into_iter()
            .flatten()
            .take_while(|start| place - **start <= REACH);
        let matches = near.map(|&start| {
            let pairs = data[start..].iter().zip(&data[place..]);
            (start, pairs.take_while(|(a, b)| a == b).count())
        });
        // Of equals the last one is chosen, which is the farthest; either would do.
        matches.max_by_key(|(_, length)| *length).unwrap_or((0, 0))
    }
}

fn push_literals(stream: &mut Vec<u8>, data: &[u8]) {
    for run in data.chunks(LITERALS) {
        stream.push(run.len() as u8 - 1);
        stream.extend_from_slice(run);
    }
}

fn push_match(stream: &mut Vec<u8>, distance: usize, mut length: usize) {
    let [high, low] = (distance as u16 - 1).to_be_bytes();
    while length > 0 {
        // What remains must be a match, too.
        let part = match length {
            ..=MATCH => length,
            _ => MATCH.min(length - SHORTEST),
        };
        match part {
            ..9 => stream.extend([(part as u8 - 2) << 5 | high, low]),
            _ => stream.extend([7 << 5 | high, (part - 9) as u8, low]),
        }
        length -= part;
    }
}

/// What a stream stands for; `None` if the contract would refuse it.
pub fn decompress(stream: &[u8]) -> Option<Vec<u8>> {
    // The first three bits tell the level; the contract takes them for a match with nothing before it.
    if stream.first().is_some_and(|first| first >> 5 != 0) {
        return None;
    }
    let most = stream.len().saturating_mul(MATCH / 3);
    let mut data = vec![0; most.min(MAX_DECOMPRESSED)];
    let len = fastlz_rs::decompress_to_buf(stream, &mut data).ok()?;
    data.truncate(len);
    Some(data)
}

/// Length of the longest stream for `len` bytes.
pub const fn longest(len: usize) -> usize {
    len + len.div_ceil(LITERALS)
}

#[cfg(test)]
mod tests {
    use alloy::primitives::keccak256;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_data_survives(data in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let stream = compress(&data);
            prop_assert!(stream.len() <= longest(data.len()));
            prop_assert_eq!(decompress(&stream), Some(data));
        }

        #[test]
        fn repetitive_data_survives(data in prop::collection::vec(0_u8..3, 0..20_000)) {
            let stream = compress(&data);
            prop_assert!(stream.len() <= longest(data.len()));
            prop_assert_eq!(decompress(&stream), Some(data));
        }

        #[test]
        fn any_stream_has_one_meaning_or_none(stream in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Some(data) = decompress(&stream) {
                prop_assert_eq!(decompress(&compress(&data)), Some(data));
            }
        }
    }

    proptest! {
        #[test]
        fn long_repetitions_near_and_far_are_found(
            seed in any::<u64>(), gap in 0..10_000_usize, length in WORTHWHILE..3_000
        ) {
            let noise = |from: usize, len: usize| -> Vec<u8> {
                let word = |index: usize| keccak256([seed, index as u64].map(u64::to_be_bytes).concat())[0];
                (from..from + len).map(word).collect()
            };
            let data = [noise(0, length), noise(10_000, gap), noise(0, length)].concat();
            let stream = compress(&data);
            prop_assert!(stream.len() <= longest(data.len()));
            if gap + length <= REACH {
                prop_assert!(stream.len() <= longest(gap + length) + 1 + 3 * length.div_ceil(MATCH));
            }
            prop_assert_eq!(decompress(&stream), Some(data));
        }
    }

    #[test]
    fn what_the_contract_refuses_is_refused() {
        // A run of literals and matches that are cut, matches before the start, a stream of level 2.
        let malformed: [&[u8]; 6] = [
            &[0],
            &[0, 0xaa, 0x1f],
            &[0, 0xaa, 0x20],
            &[0, 0xaa, 0x20, 1],
            &[0x20, 0],
            &[0x20, 0xaa],
        ];
        for stream in malformed {
            assert_eq!(decompress(stream), None, "{stream:?}");
        }
        assert_eq!(decompress(&[]), Some(vec![]));
        assert_eq!(decompress(&[0, 0xaa, 0xe0, 0xff, 0]), Some(vec![0xaa; 265]));
    }

    #[test]
    fn a_stream_for_more_than_any_contract_could_hold_is_refused() {
        let bomb = |matches| {
            let runs = [0xe0, 0xff, 0].repeat(matches);
            decompress(&[&[0, 0xaa], &runs[..]].concat())
        };
        assert_eq!(bomb(1_000).map(|data| data.len()), Some(264_001));
        assert_eq!(bomb(64_000), None);
    }
}
