//! Inputs for the precompiled contracts of Cancun, 1 to 10: such that work and such that fail.

use alloy::primitives::{Address, B256, Bytes, U256, hex, keccak256};
use alloy::signers::SignerSync;

use super::signer;

/// An input for a precompile.
pub(super) struct Input {
    /// The precompile's number.
    pub(super) number: u8,
    /// The data.
    pub(super) data: Bytes,
}

impl Input {
    fn new(number: u8, data: impl Into<Bytes>) -> Self {
        let data = data.into();
        Self { number, data }
    }

    /// The precompile's address.
    pub(super) fn address(&self) -> Address {
        Address::with_last_byte(self.number)
    }
}

/// The order of the field of alt_bn128 (EIP-196).
const FIELD: U256 = U256::from_be_bytes(hex!(
    "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47"
));
/// The generator of the second group of alt_bn128, imaginary parts first (EIP-197).
const GENERATOR_2: [u8; 128] = hex!(
    "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
    "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
    "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
    "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
);
/// The commitment to, and the proof of, the zero polynomial: the point at infinity (EIP-4844).
const INFINITY: [u8; 48] = {
    let mut point = [0; 48];
    point[0] = 0xc0;
    point
};
/// sha256 of `INFINITY`, with the version 1 in its first byte.
const INFINITY_HASH: [u8; 32] =
    hex!("010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014");

/// All inputs, in order of the precompiles.
pub(super) fn inputs() -> Vec<Input> {
    let groups = [
        recoveries(),
        hashes(),
        exponentiations(),
        curve(),
        pairings(),
        compressions(),
        evaluations(),
    ];
    groups.into_iter().flatten().collect()
}

fn words(words: &[U256]) -> Vec<u8> {
    words
        .iter()
        .flat_map(|word| word.to_be_bytes::<32>())
        .collect()
}

fn recoveries() -> Vec<Input> {
    let hash = keccak256("signed");
    let signature = signer(3).sign_hash_sync(&hash).expect("a local key signs");
    let v = U256::from(27 + u8::from(signature.v()));
    let good = [hash.into(), v, signature.r(), signature.s()];
    let mut wrong_v = good;
    wrong_v[1] = U256::from(29);
    let mut zero_r = good;
    zero_r[2] = U256::ZERO;
    vec![
        Input::new(1, words(&good)),
        Input::new(1, words(&wrong_v)),
        Input::new(1, words(&zero_r)),
        Input::new(1, words(&good[..2])),
        Input::new(1, Bytes::new()),
    ]
}

fn hashes() -> Vec<Input> {
    let text = |length: usize| (0..length).map(|byte| byte as u8).collect::<Vec<_>>();
    [2, 3, 4]
        .into_iter()
        .flat_map(|number| [0, 1, 55, 64, 200].map(|length| Input::new(number, text(length))))
        .collect()
}

fn exponentiations() -> Vec<Input> {
    let lengths =
        |base: u64, exponent: u64, modulus: u64| words(&[base, exponent, modulus].map(U256::from));
    let input = |base: &[u8], exponent: &[u8], modulus: &[u8]| {
        let lengths = lengths(
            base.len() as u64,
            exponent.len() as u64,
            modulus.len() as u64,
        );
        Input::new(5, [&lengths, base, exponent, modulus].concat())
    };
    let fermat = FIELD.to_be_bytes::<32>();
    let exponent = (FIELD - U256::from(1)).to_be_bytes::<32>();
    vec![
        input(&[3], &exponent, &fermat),
        input(&[2], &[10], &[100]),
        input(&[7; 40], &[1, 0], &[9; 64]),
        input(&[], &[], &[5]),
        input(&[2], &[3], &[0]),
        input(&[], &[], &[]),
        Input::new(5, lengths(1, 1, 1)),
        Input::new(5, Bytes::new()),
    ]
}

fn curve() -> Vec<Input> {
    let [one, two, three] = [1, 2, 3].map(U256::from);
    let minus_two = FIELD - two;
    vec![
        Input::new(6, words(&[one, two, one, two])),
        Input::new(6, words(&[one, two, one, minus_two])),
        Input::new(6, words(&[one, two])),
        Input::new(6, Bytes::new()),
        Input::new(6, words(&[one, three, one, two])),
        Input::new(6, words(&[FIELD + one, two])),
        Input::new(7, words(&[one, two, U256::MAX])),
        Input::new(7, words(&[one, two, U256::ZERO])),
        Input::new(7, words(&[one, two, two])),
        Input::new(7, words(&[one, one, two])),
        Input::new(7, Bytes::new()),
    ]
}

fn pairings() -> Vec<Input> {
    let [one, two] = [1, 2].map(U256::from);
    let point = words(&[one, two]);
    let opposite = words(&[one, FIELD - two]);
    let good = [&point[..], &GENERATOR_2, &opposite, &GENERATOR_2].concat();
    let unequal = [&point[..], &GENERATOR_2, &point, &GENERATOR_2].concat();
    let mut off_curve = good.clone();
    off_curve[190] ^= 1;
    vec![
        Input::new(8, good.clone()),
        Input::new(8, unequal),
        Input::new(8, Bytes::new()),
        Input::new(8, vec![0; 192]),
        Input::new(8, off_curve),
        Input::new(8, good[..383].to_vec()),
    ]
}

fn compressions() -> Vec<Input> {
    // The example of EIP-152: BLAKE2b of "abc".
    let good = |rounds: u32, last: u8| {
        let mut data = rounds.to_be_bytes().to_vec();
        data.extend(hex!(
            "48c9bdf267e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5"
            "d182e6ad7f520e511f6c3e2b8c68059b6bbd41fbabd9831f79217e1319cde05b"
        ));
        data.extend(b"abc");
        data.resize(4 + 64 + 128, 0);
        data.push(3);
        data.resize(4 + 64 + 128 + 16, 0);
        data.push(last);
        data
    };
    vec![
        Input::new(9, good(12, 1)),
        Input::new(9, good(0, 1)),
        Input::new(9, good(3, 0)),
        Input::new(9, good(12, 2)),
        Input::new(9, good(12, 1)[..212].to_vec()),
        Input::new(9, Bytes::new()),
    ]
}

fn evaluations() -> Vec<Input> {
    let input = |hash: [u8; 32], at: u8, value: u8| {
        let (at, value) = (B256::with_last_byte(at), B256::with_last_byte(value));
        let parts = [
            &hash[..],
            at.as_slice(),
            value.as_slice(),
            &INFINITY,
            &INFINITY,
        ];
        Input::new(10, parts.concat())
    };
    let published = hex!(
        "01e798154708fe7789429634053cbf9f99b619f9f084048927333fce637f549b"
        "564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306"
        "24d25032e67a7e6a4910df5834b8fe70e6bcfeeac0352434196bdf4b2485d5a1"
        "8f59a8d2a1a625a17f3fea0fe5eb8c896db3764f3185481bc22f91b4aaffcca2"
        "5f26936857bc3a7c2539ea8ec3a952b7873033e038326e87ed3e1276fd140253"
        "fa08e9fc25fb2d9a98527fc22a2c9612fbeafdad446cbc7bcdbdcd780af2c16a"
    );
    vec![
        Input::new(10, published),
        input(INFINITY_HASH, 5, 0),
        input(INFINITY_HASH, 5, 1),
        input([1; 32], 5, 0),
        Input::new(10, Bytes::new()),
    ]
}
