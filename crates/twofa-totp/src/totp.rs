use core::fmt;

use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use twofa_types::UnixTime;

use crate::{
    Candidate, ClockOff, Code, Drift, NoMatch, Params, Rejected, Scan, Secret, Step, Window,
    schedule::KeySchedule,
};

/// The codes of one secret over time (RFC 6238), with the HMAC key schedule computed once.
///
/// ```
/// use twofa_totp::{Params, Secret, Totp};
/// use twofa_types::UnixTime;
///
/// // RFC 6238 appendix B, the row of 59 s, cut to six digits.
/// let totp = Totp::new(&Secret::from_bytes(b"12345678901234567890")?, Params::default());
/// assert_eq!(totp.generate(UnixTime::from_secs(59)).expose().as_ref(), "287082");
/// # Ok::<(), twofa_totp::SecretError>(())
/// ```
pub struct Totp {
    schedule: KeySchedule,
    params: Params,
    window: Window,
}

impl Totp {
    /// Computes the key schedule of `secret`. The window is [`Window::default`]: one step either side.
    #[inline]
    pub fn new(secret: &Secret, params: Params) -> Self {
        let mut totp = Self {
            schedule: KeySchedule::blank(params.algorithm()),
            params,
            window: Window::default(),
        };
        totp.schedule.absorb(secret);
        totp
    }

    /// The same, accepting the steps of another window.
    #[must_use]
    pub fn with_window(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// What both sides agreed on.
    pub const fn params(&self) -> Params {
        self.params
    }

    /// The steps that are accepted beside the current one.
    pub const fn window(&self) -> Window {
        self.window
    }

    /// The step that `now` lies in (RFC 6238 section 4.2); step 0 before `T0`.
    pub fn step_at(&self, now: UnixTime) -> Step {
        Step::from_value(now.seconds_since(self.params.t0()) / self.params.period().nonzero())
    }

    /// Seconds until the step of `now` ends, at least 1. Before `T0`, until step 0 ends.
    pub fn seconds_left(&self, now: UnixTime) -> u64 {
        let period = self.params.period().nonzero();
        let into = now.seconds_since(self.params.t0()) % period;
        let before = self.params.t0().seconds_since(now);
        before.saturating_add(period.get().saturating_sub(into))
    }

    /// The code that the app shows at `now`.
    pub fn generate(&self, now: UnixTime) -> Code {
        self.generate_step(self.step_at(now))
    }

    /// The code of one step.
    pub fn generate_step(&self, step: Step) -> Code {
        let digits = self.params.digits();
        Code::new(digits.reduce(self.schedule.truncated(step.value())), digits)
    }

    /// Looks for a typed code in the window around `now`.
    ///
    /// Every step of the window is computed and compared in constant time, whatever matches. A code of another
    /// number of digits matches nothing.
    ///
    /// # Errors
    ///
    /// [`NoMatch`]; [`Totp::diagnose`] may tell why.
    pub fn find(&self, code: &Code, now: UnixTime) -> Result<Candidate, NoMatch> {
        self.find_with_drift(code, now, Drift::NONE)
    }

    /// The same, in a window around the true clock and another around the learnt drift.
    ///
    /// # Errors
    ///
    /// [`NoMatch`].
    pub fn find_with_drift(
        &self,
        code: &Code,
        now: UnixTime,
        drift: Drift,
    ) -> Result<Candidate, NoMatch> {
        let centre = self.step_at(now);
        let behind = u32::from(drift.steps().min(0).unsigned_abs());
        let ahead = u32::from(drift.steps().max(0).unsigned_abs());
        let run = Run::around(
            centre,
            behind.saturating_add(self.window.past().into()),
            ahead.saturating_add(self.window.future().into()),
        );
        let digits = self.params.digits();
        let mut matched = 0_u32;
        let mut bit = 1_u32;
        self.schedule.run(run.first, run.count, |truncated| {
            let same = digits.reduce(truncated).ct_eq(&code.value());
            matched |= bit.wrapping_mul(same.unwrap_u8().into());
            bit = bit.wrapping_shl(1);
        });
        // In between the two windows may lie steps that belong to neither.
        let allowed =
            self.window.bits(run.offset, 0) | self.window.bits(run.offset, drift.steps().into());
        let allowed = if code.digits() == digits { allowed } else { 0 };
        Candidate::new(centre, run.offset, matched & allowed).ok_or(NoMatch)
    }

    /// Looks outside the window for the step that a refused code belongs to, to tell the person that the phone's
    /// clock is off. It accepts nothing, and costs at most 3,001 steps.
    ///
    /// Steps inside the window are left out. Of several, the nearest counts, and of two as near the
    /// past one. [`Scan`] says what may be told to whom.
    pub fn diagnose(&self, code: &Code, now: UnixTime, scan: Scan) -> Option<ClockOff> {
        let digits = self.params.digits();
        if code.digits() != digits {
            return None;
        }
        let run = Run::around(self.step_at(now), scan.past().into(), scan.future().into());
        let mut nearest = 0_i32;
        let mut offset = run.offset;
        self.schedule.run(run.first, run.count, |truncated| {
            let same = digits.reduce(truncated).ct_eq(&code.value());
            let nearer = nearest == 0 || offset.unsigned_abs() < nearest.unsigned_abs();
            let outside = !self.window.holds(offset);
            let chosen = if nearer && outside { offset } else { nearest };
            nearest.conditional_assign(&chosen, same);
            offset = offset.saturating_add(1);
        });
        ClockOff::from_offset(nearest, self.params.period())
    }

    /// [`Totp::diagnose`] as the reason of a refusal.
    pub fn explain(&self, code: &Code, now: UnixTime, scan: Scan) -> Rejected {
        self.diagnose(code, now, scan)
            .map_or(Rejected::NoMatch(NoMatch), Rejected::ClockOff)
    }

    /// Finds a clock that is far off, from two codes that the app showed one after the other: by chance they match
    /// a million times less often than one. Only steps of `scan` are looked at, the second code's included.
    ///
    /// The candidate is the second code's, so that spending it spends both; its offset says how far the clock is
    /// off. Of several pairs, the nearest counts.
    ///
    /// # Errors
    ///
    /// [`NoMatch`] unless both match, in two steps in a row.
    pub fn resync(
        &self,
        first: &Code,
        second: &Code,
        now: UnixTime,
        scan: Scan,
    ) -> Result<Candidate, NoMatch> {
        let centre = self.step_at(now);
        let run = Run::around(centre, scan.past().into(), scan.future().into());
        let digits = self.params.digits();
        let known = first.digits() == digits && second.digits() == digits;
        let mut before = subtle::Choice::from(0);
        let mut found = subtle::Choice::from(0);
        let mut nearest = i32::MAX;
        let mut offset = run.offset;
        self.schedule.run(run.first, run.count, |truncated| {
            let value = digits.reduce(truncated);
            let both = before & value.ct_eq(&second.value());
            let nearer = offset.unsigned_abs() < nearest.unsigned_abs();
            let chosen = if nearer { offset } else { nearest };
            nearest.conditional_assign(&chosen, both);
            found |= both;
            before = value.ct_eq(&first.value());
            offset = offset.saturating_add(1);
        });
        let matched = u32::from(known && bool::from(found));
        Candidate::new(centre, nearest, matched).ok_or(NoMatch)
    }
}

impl fmt::Debug for Totp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Totp")
            .field("params", &self.params)
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}

/// Steps in a row, none of them before 0 or past [`u64::MAX`].
struct Run {
    first: u64,
    count: u32,
    /// Offset of `first` from the centre.
    offset: i32,
}

impl Run {
    /// The step `centre`, `past` before it and `future` after it, as far as they exist.
    fn around(centre: Step, past: u32, future: u32) -> Self {
        let before = centre.value();
        let after = u64::MAX.saturating_sub(before);
        let past = past.min(u32::try_from(before).unwrap_or(u32::MAX));
        let future = future.min(u32::try_from(after).unwrap_or(u32::MAX));
        Self {
            first: before.saturating_sub(past.into()),
            count: past.saturating_add(future).saturating_add(1),
            offset: 0_i32.saturating_sub_unsigned(past),
        }
    }
}
