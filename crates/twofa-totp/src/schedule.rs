//! The HMAC key schedule (RFC 2104), and the truncated HMAC of a counter (RFC 4226 section 5.3).
//!
//! HMAC hashes a block made of the key before the message, and another before the inner digest. Both are compressed
//! once per key; what then remains of a code is one block inside and one outside, since a counter and a digest fit a
//! block each. The steps of a window are independent of each other, so they go through the compression back to
//! back, all inner ones and then all outer ones, and the processor overlaps them.

mod core;
mod sha1;
mod sha2;

#[cfg(test)]
mod tests;

use ::core::array;

use zeroize::Zeroize;

use self::core::Core;
use crate::{Algorithm, Secret};

/// How many steps are compressed back to back. More gains nothing: the processor looks no further ahead.
const LANES: usize = 4;

/// The two states of one hash after its key blocks.
struct Keyed<C: Core> {
    inner: C::State,
    outer: C::State,
}

impl<C: Core> Keyed<C> {
    fn new(key: &[u8]) -> Self {
        let mut block = C::key_block(key);
        let (mut inner, mut outer) = (C::IV, C::IV);
        C::xor(&mut block, 0x36);
        C::compress(&mut inner, &block);
        C::xor(&mut block, 0x36 ^ 0x5c);
        C::compress(&mut outer, &block);
        block.zeroize();
        Self { inner, outer }
    }

    /// The truncated HMACs of `N` counters in a row.
    fn truncated<const N: usize>(&self, first: u64) -> [u32; N] {
        let mut counter = first;
        let blocks: [C::Block; N] = array::from_fn(|_| {
            let block = C::counter_block(counter);
            counter = counter.wrapping_add(1);
            block
        });
        let mut states = [self.inner; N];
        for (state, block) in states.iter_mut().zip(&blocks) {
            C::compress(state, block);
        }
        let blocks = states.map(|state| C::digest_block(&state));
        let mut states = [self.outer; N];
        for (state, block) in states.iter_mut().zip(&blocks) {
            C::compress(state, block);
        }
        states.map(|state| C::truncate(&state))
    }

    /// Hands the truncated HMACs of `count` counters from `first` to `visit`, in order.
    fn run(&self, first: u64, count: u32, mut visit: impl FnMut(u32)) {
        let mut next = first;
        let mut left = count;
        while left > 4 {
            self.truncated::<LANES>(next)
                .into_iter()
                .for_each(&mut visit);
            next = next.wrapping_add(4);
            left = left.saturating_sub(4);
        }
        match left {
            0 => {}
            1 => self.truncated::<1>(next).into_iter().for_each(visit),
            2 => self.truncated::<2>(next).into_iter().for_each(visit),
            3 => self.truncated::<3>(next).into_iter().for_each(visit),
            _ => self.truncated::<LANES>(next).into_iter().for_each(visit),
        }
    }
}

impl<C: Core> Drop for Keyed<C> {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

/// The key schedule of one secret under one algorithm: worth as much as the secret, and wiped like it.
pub(crate) struct KeySchedule(Inner);

enum Inner {
    Sha1(Keyed<sha1::Sha1>),
    Sha256(Keyed<sha2::Sha256>),
    Sha512(Keyed<sha2::Sha512>),
}

impl KeySchedule {
    pub(crate) fn new(secret: &Secret, algorithm: Algorithm) -> Self {
        let key = secret.expose_secret();
        Self(match algorithm {
            Algorithm::Sha1 => Inner::Sha1(Keyed::new(key)),
            Algorithm::Sha256 => Inner::Sha256(Keyed::new(key)),
            Algorithm::Sha512 => Inner::Sha512(Keyed::new(key)),
        })
    }

    /// The 31 bits that RFC 4226 section 5.3 cuts out of the HMAC of `counter`.
    pub(crate) fn truncated(&self, counter: u64) -> u32 {
        let [value] = match &self.0 {
            Inner::Sha1(keyed) => keyed.truncated(counter),
            Inner::Sha256(keyed) => keyed.truncated(counter),
            Inner::Sha512(keyed) => keyed.truncated(counter),
        };
        value
    }

    /// The same for `count` counters from `first` on, each handed to `visit` in order. Whoever calls this sees to it
    /// that they do not run past [`u64::MAX`].
    pub(crate) fn run(&self, first: u64, count: u32, visit: impl FnMut(u32)) {
        match &self.0 {
            Inner::Sha1(keyed) => keyed.run(first, count, visit),
            Inner::Sha256(keyed) => keyed.run(first, count, visit),
            Inner::Sha512(keyed) => keyed.run(first, count, visit),
        }
    }
}
