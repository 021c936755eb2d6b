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
        let drift = i32::from(drift.steps());
        let centre = self.step_at(now);
        let first = drift.min(0).saturating_sub(self.window.past().into());
        let last = drift.max(0).saturating_add(self.window.future().into());
        let Some(run) = Run::around(centre, first, last) else {
            return Err(NoMatch);
        };
        let mut matched = 0_u32;
        let mut bit = 1_u32;
        let mut offset = run.offset;
        self.compare(*code, &run, |same| {
            let inside = self.window.holds(offset, 0) || self.window.holds(offset, drift);
            let allowed = if inside { bit } else { 0 };
            matched |= u32::conditional_select(&0, &allowed, same);
            offset = offset.saturating_add(1);
            bit = bit.wrapping_shl(1);
        });
        Candidate::new(centre, run.offset, matched).ok_or(NoMatch)
    }

    /// Looks outside the window for the step that a refused code belongs to, to tell the person that the phone's
    /// clock is off. It accepts nothing, and costs at most 3,001 steps.
    ///
    /// Steps inside the window are left out. Of several, the nearest counts. [`Scan`] says what may be told to whom.
    pub fn diagnose(&self, code: &Code, now: UnixTime, scan: Scan) -> Option<ClockOff> {
        let run = Run::around(
            self.step_at(now),
            -i32::from(scan.past()),
            scan.future().into(),
        )?;
        let mut nearest = 0_i32;
        let mut offset = run.offset;
        self.compare(*code, &run, |same| {
            let nearer = nearest == 0 || offset.unsigned_abs() < nearest.unsigned_abs();
            let allowed = if nearer && !self.window.holds(offset, 0) {
                offset
            } else {
                nearest
            };
            nearest.conditional_assign(&allowed, same);
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
        let run = Run::around(centre, -i32::from(scan.past()), scan.future().into());
        let run = run.ok_or(NoMatch)?;
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

    /// Compares `code` with every step of `run`, in order, and hands each answer to `visit`.
    fn compare(&self, code: Code, run: &Run, mut visit: impl FnMut(subtle::Choice)) {
        let digits = self.params.digits();
        let known = subtle::Choice::from(u8::from(code.digits() == digits));
        let value = code.value();
        self.schedule.run(run.first, run.count, |truncated| {
            visit(known & digits.reduce(truncated).ct_eq(&value));
        });
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
    /// The steps from `first` to `last`, offsets from `centre`, as far as they exist.
    fn around(centre: Step, first: i32, last: i32) -> Option<Self> {
        let exists = |offset: &i32| centre.checked_offset(*offset).is_some();
        // Offsets are few: at most 3,001, and all but a handful of clocks answer at the first.
        let offset = (first..=last).find(exists)?;
        let end = (offset..=last).rev().find(exists)?;
        Some(Self {
            first: centre.checked_offset(offset)?.value(),
            count: end.abs_diff(offset).saturating_add(1),
            offset,
        })
    }
}
