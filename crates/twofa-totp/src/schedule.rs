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

use zeroize::Zeroize as _;

use self::core::Core;
use crate::{Algorithm, Secret};

/// How many steps go through the compression together. More gains nothing: the processor looks no further ahead.
const LANES: usize = 4;

/// The two states of one hash after its key blocks.
struct Keyed<C: Core> {
    inner: C::State,
    outer: C::State,
}

impl<C: Core> Keyed<C> {
    const BLANK: Self = Self {
        inner: C::IV,
        outer: C::IV,
    };

    /// Takes in the key. In place, because a state that has just been compressed is slow to copy.
    #[inline]
    fn absorb(&mut self, secret: &Secret) {
        let (mut inner, mut outer) = C::key_blocks(secret);
        C::compress(&mut self.inner, &inner);
        C::compress(&mut self.outer, &outer);
        inner.as_mut().zeroize();
        outer.as_mut().zeroize();
    }

    /// The truncated HMACs of `N` counters in a row.
    ///
    /// Staggered: while the inner hash of one counter runs, the digest of the one before is laid out as a block, and
    /// the outer hash of the one before that follows. No compression then waits for the stores of its own block.
    #[inline]
    fn truncated<const N: usize>(&self, first: u64) -> [u32; N] {
        let mut counter = first;
        let messages: [C::Block; N] = array::from_fn(|_| {
            let block = C::counter_block(counter);
            counter = counter.wrapping_add(1);
            block
        });
        let mut inner = [self.inner; N];
        let mut digests: [C::Block; N] = [C::ZERO; N];
        let mut outer = [self.outer; N];
        for turn in 0..N.saturating_add(2) {
            if let (Some(state), Some(block)) = (inner.get_mut(turn), messages.get(turn)) {
                C::compress(state, block);
            }
            let turn = turn.wrapping_sub(1);
            if let (Some(state), Some(block)) = (inner.get(turn), digests.get_mut(turn)) {
                *block = C::digest_block(state);
            }
            let turn = turn.wrapping_sub(1);
            if let (Some(state), Some(block)) = (outer.get_mut(turn), digests.get(turn)) {
                C::compress(state, block);
            }
        }
        outer.map(|state| C::truncate(&state))
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
        self.inner.as_mut().zeroize();
        self.outer.as_mut().zeroize();
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
    /// A schedule without a key yet; [`KeySchedule::absorb`] follows.
    pub(crate) const fn blank(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Sha1 => Inner::Sha1(Keyed::BLANK),
            Algorithm::Sha256 => Inner::Sha256(Keyed::BLANK),
            Algorithm::Sha512 => Inner::Sha512(Keyed::BLANK),
        })
    }

    #[inline]
    pub(crate) fn absorb(&mut self, secret: &Secret) {
        match &mut self.0 {
            Inner::Sha1(keyed) => keyed.absorb(secret),
            Inner::Sha256(keyed) => keyed.absorb(secret),
            Inner::Sha512(keyed) => keyed.absorb(secret),
        }
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
