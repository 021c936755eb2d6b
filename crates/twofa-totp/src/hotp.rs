use core::fmt;

use subtle::ConstantTimeEq as _;

use crate::{
    Algorithm, Code, Digits, NoMatch, OutOfBounds, Rejected, Secret, schedule::KeySchedule,
};

/// The codes of one secret by counter (RFC 4226), with the HMAC key schedule computed once.
///
/// Token and server each count. The token's counter may have run ahead, by codes that were shown and never sent, so
/// the server looks a few ahead and catches up (RFC 4226 section 7.4); it never looks back.
///
/// ```
/// use twofa_totp::{Algorithm, Code, Counter, Digits, Hotp, LookAhead, Secret};
///
/// // RFC 4226 appendix D.
/// let hotp = Hotp::new(&Secret::from_bytes(b"12345678901234567890")?, Algorithm::Sha1, Digits::Six);
/// assert_eq!(hotp.generate(Counter::from_value(0)).expose().as_ref(), "755224");
///
/// let mut counter = Counter::from_value(0);
/// let typed = Code::parse("969429")?; // counter 3: three codes were shown and not sent
/// hotp.find(&typed, counter, LookAhead::default())?.spend(&mut counter)?;
/// assert_eq!(counter.value(), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Hotp {
    schedule: KeySchedule,
    digits: Digits,
}

impl Hotp {
    /// Computes the key schedule of `secret`. RFC 4226 knows only SHA-1; tokens with the others exist.
    pub fn new(secret: &Secret, algorithm: Algorithm, digits: Digits) -> Self {
        let mut schedule = KeySchedule::blank(algorithm);
        schedule.absorb(secret);
        Self { schedule, digits }
    }

    /// The code of one counter.
    pub fn generate(&self, counter: Counter) -> Code {
        let truncated = self.schedule.truncated(counter.value());
        Code::new(self.digits.reduce(truncated), self.digits)
    }

    /// Looks for a typed code from `next` on, the counter that the server expects, and `ahead` counters beyond.
    ///
    /// Every one of them is computed and compared in constant time. Of several matches the first counts.
    ///
    /// # Errors
    ///
    /// [`NoMatch`].
    pub fn find(
        &self,
        code: &Code,
        next: Counter,
        ahead: LookAhead,
    ) -> Result<HotpCandidate, NoMatch> {
        let value = code.value();
        let known = subtle::Choice::from(u8::from(code.digits() == self.digits));
        self.search(next, ahead, |found| known & found.ct_eq(&value))
    }

    /// Catches up with a token that is further ahead, from two codes that it showed one after the other
    /// (RFC 4226 section 7.4, E.4): by chance they match a million times less often than one.
    ///
    /// The candidate is the second code's, so that spending it moves past both.
    ///
    /// # Errors
    ///
    /// [`NoMatch`] unless both match, at two counters in a row within `next` and `ahead` counters beyond.
    pub fn resync(
        &self,
        first: &Code,
        second: &Code,
        next: Counter,
        ahead: LookAhead,
    ) -> Result<HotpCandidate, NoMatch> {
        let (value, following) = (first.value(), second.value());
        let both_known = first.digits() == self.digits && second.digits() == self.digits;
        let known = subtle::Choice::from(u8::from(both_known));
        let mut before = subtle::Choice::from(0);
        self.search(next, ahead, |found| {
            let both = known & before & found.ct_eq(&following);
            before = found.ct_eq(&value);
            both
        })
    }

    /// The first counter that `matches` says yes to, with every one of them looked at.
    fn search(
        &self,
        next: Counter,
        ahead: LookAhead,
        mut matches: impl FnMut(u32) -> subtle::Choice,
    ) -> Result<HotpCandidate, NoMatch> {
        // Counters that exist, from `next` on: at least 1, and no more than fit below u64::MAX.
        let beyond = u64::MAX.saturating_sub(next.value());
        let count = u32::from(ahead.counters())
            .min(u32::try_from(beyond).unwrap_or(u32::MAX))
            .saturating_add(1);
        let mut distance = u64::MAX;
        let mut at = 0_u64;
        self.schedule.run(next.value(), count, |truncated| {
            let hit = matches(self.digits.reduce(truncated));
            let first = at.min(distance);
            subtle::ConditionallySelectable::conditional_assign(&mut distance, &first, hit);
            at = at.saturating_add(1);
        });
        let found = distance != u64::MAX;
        let counter = found.then(|| next.value().checked_add(distance)).flatten();
        counter
            .map(|counter| HotpCandidate {
                counter: Counter(counter),
            })
            .ok_or(NoMatch)
    }
}

impl fmt::Debug for Hotp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hotp")
            .field("digits", &self.digits)
            .finish_non_exhaustive()
    }
}

/// The moving factor of RFC 4226 section 5.1. On the server: the counter whose code is expected next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Counter(u64);

impl Counter {
    /// The counter's number.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The counter of that number: what a store has kept.
    pub const fn from_value(value: u64) -> Self {
        Self(value)
    }
}

/// How many counters beyond the expected one are looked at: `s` of RFC 4226 section 7.4. Every one more gives a
/// guesser one code more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LookAhead(u8);

impl LookAhead {
    /// The furthest look-ahead.
    pub const MAX: u8 = 100;

    /// A look-ahead of `counters`.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds::LookAhead`] above [`LookAhead::MAX`].
    pub const fn new(counters: u8) -> Result<Self, OutOfBounds> {
        if counters > Self::MAX {
            return Err(OutOfBounds::LookAhead);
        }
        Ok(Self(counters))
    }

    /// How many counters.
    pub const fn counters(self) -> u8 {
        self.0
    }
}

impl Default for LookAhead {
    /// Ten counters.
    fn default() -> Self {
        Self(10)
    }
}

/// A HOTP code that matched: worth nothing until the counter has moved past it.
#[derive(Debug)]
#[must_use = "a match is not an acceptance: spend or settle it"]
pub struct HotpCandidate {
    counter: Counter,
}

impl HotpCandidate {
    /// The counter that matched.
    pub const fn counter(&self) -> Counter {
        self.counter
    }

    /// Accepts the code and moves `next`, the counter expected next, past it.
    ///
    /// # Errors
    ///
    /// As [`HotpCandidate::settle`]; `next` is then left as it was.
    pub fn spend(self, next: &mut Counter) -> Result<(), Rejected> {
        *next = self.settle(*next)?;
        Ok(())
    }

    /// Accepts the code against the expected counter that the caller has read from a store, and gives the one to
    /// store: in one conditional write, on the condition that the stored one is still `next`.
    ///
    /// # Errors
    ///
    /// [`Rejected::AlreadyUsed`] when `next` has moved past it, [`Rejected::Exhausted`] when nothing lies beyond.
    pub fn settle(self, next: Counter) -> Result<Counter, Rejected> {
        if self.counter < next {
            return Err(Rejected::AlreadyUsed);
        }
        self.counter
            .0
            .checked_add(1)
            .map(Counter)
            .ok_or(Rejected::Exhausted)
    }
}
