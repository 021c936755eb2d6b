//! Random cases from a seed, and the reference that they are compared with.
#![expect(dead_code, reason = "every test binary takes what it needs")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "bounds are kept by the generator"
)]

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use twofa_totp::{Algorithm, Code, Digits, Params, Period, Secret, Totp};
use twofa_types::UnixTime;

/// `SplitMix64`: the same cases in every run, so that a failure can be repeated.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn key(&mut self, max: u64) -> Vec<u8> {
        let len = 1 + self.below(max);
        (0..len).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    pub(crate) fn algorithm(&mut self) -> Algorithm {
        Algorithm::ALL[usize::try_from(self.below(3)).unwrap()]
    }

    pub(crate) fn digits(&mut self) -> Digits {
        Digits::try_from(u8::try_from(6 + self.below(3)).unwrap()).unwrap()
    }
}

/// A case that other implementations can compute too.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) key: Vec<u8>,
    pub(crate) algorithm: Algorithm,
    pub(crate) digits: Digits,
    pub(crate) period: Period,
    pub(crate) now: u64,
}

impl Case {
    pub(crate) fn random(random: &mut Random, longest_period: u16) -> Self {
        Self {
            key: random.key(128),
            algorithm: random.algorithm(),
            digits: random.digits(),
            period: Period::new(u16::try_from(1 + random.below(longest_period.into())).unwrap())
                .unwrap(),
            // Up to the year 2242: further than clocks are set, within what the others can parse.
            now: random.below(1 << 33),
        }
    }

    pub(crate) fn totp(&self) -> Totp {
        let params = Params::default()
            .with_algorithm(self.algorithm)
            .with_digits(self.digits)
            .with_period(self.period);
        Totp::new(&Secret::from_bytes(&self.key).unwrap(), params)
    }

    pub(crate) fn ours(&self) -> String {
        let code = self.totp().generate(UnixTime::from_secs(self.now));
        code.expose().to_string()
    }

    pub(crate) fn hex(&self) -> String {
        self.key.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    }
}

/// A code by the `hmac` crate and the truncation that RFC 4226 section 5.4 writes out.
pub(crate) fn reference(key: &[u8], algorithm: Algorithm, digits: Digits, counter: u64) -> String {
    let message = counter.to_be_bytes();
    let digest: Vec<u8> = match algorithm {
        Algorithm::Sha1 => {
            let mut mac = Hmac::<sha1::Sha1>::new_from_slice(key).unwrap();
            mac.update(&message);
            mac.finalize().into_bytes().to_vec()
        }
        Algorithm::Sha256 => {
            let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
            mac.update(&message);
            mac.finalize().into_bytes().to_vec()
        }
        Algorithm::Sha512 => {
            let mut mac = Hmac::<sha2::Sha512>::new_from_slice(key).unwrap();
            mac.update(&message);
            mac.finalize().into_bytes().to_vec()
        }
    };
    let offset = usize::from(digest.last().unwrap() & 0xf);
    let bytes: [u8; 4] = digest[offset..offset + 4].try_into().unwrap();
    let value = u64::from(u32::from_be_bytes(bytes) & 0x7fff_ffff);
    let width = usize::from(digits.get());
    format!("{:0width$}", value % 10_u64.pow(digits.get().into()))
}

pub(crate) fn code(text: &str) -> Code {
    Code::parse(text).unwrap()
}

pub(crate) fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(secs)
}

/// A secret and parameters as most people have them.
pub(crate) fn usual() -> Totp {
    let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
    Totp::new(&secret, Params::default())
}
