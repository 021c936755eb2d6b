use core::num::NonZeroU32;

use crate::Period;

/// The code belongs to none of the steps looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the code belongs to none of the steps that are accepted now; wait for the next one and type that"
)]
pub struct NoMatch;

/// Which way a clock is off, seen from the true time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The phone's clock is behind: its code belongs to a step that has passed.
    Behind,
    /// The phone's clock is ahead: its code belongs to a step that is to come.
    Ahead,
}

/// How far a phone's clock is off. An answer for the person, never an acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the clock of the phone is about {} seconds {}; set it to automatic", .seconds, match .direction {
    Direction::Behind => "behind",
    Direction::Ahead => "ahead",
})]
pub struct ClockOff {
    steps: NonZeroU32,
    direction: Direction,
    seconds: u32,
}

impl ClockOff {
    /// From an offset in steps; `None` for 0, where no clock is off.
    pub(crate) fn from_offset(offset: i32, period: Period) -> Option<Self> {
        let steps = NonZeroU32::new(offset.unsigned_abs())?;
        let direction = if offset < 0 {
            Direction::Behind
        } else {
            Direction::Ahead
        };
        Some(Self {
            steps,
            direction,
            seconds: steps.get().saturating_mul(period.secs().into()),
        })
    }

    /// Whole steps between the true time and the phone's.
    pub const fn steps(self) -> NonZeroU32 {
        self.steps
    }

    /// Which way.
    pub const fn direction(self) -> Direction {
        self.direction
    }

    /// The steps in seconds: right to within one period.
    pub const fn seconds(self) -> u32 {
        self.seconds
    }
}

/// Why a code was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// It belongs to none of the steps looked at.
    #[error(transparent)]
    NoMatch(#[from] NoMatch),
    /// It was right, but its step, or a later one, has been spent (RFC 6238 section 5.2).
    #[error("the code has been used; wait for the next one and type that")]
    AlreadyUsed,
    /// It belongs to a step outside the window: the phone's clock is off.
    #[error(transparent)]
    ClockOff(#[from] ClockOff),
    /// The counter stands at its end and could not be moved on (HOTP only); a new secret is needed.
    #[error("the counter has reached its end; set up a new secret")]
    Exhausted,
}

/// A parameter that RFC 4226 or RFC 6238, or a bound of this crate, does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutOfBounds {
    /// Not one of the three algorithms.
    #[error("the algorithm must be SHA1, SHA256 or SHA512")]
    Algorithm,
    /// Not 6, 7 or 8 digits.
    #[error("a code has 6, 7 or 8 digits")]
    Digits,
    /// A period of 0, or above one hour.
    #[error("the period must be between 1 and 3600 seconds")]
    Period,
    /// More steps than a window may have.
    #[error("a window has at most 10 steps on either side")]
    Window,
    /// More steps than a scan may have.
    #[error("a scan has at most 1500 steps on either side")]
    Scan,
    /// More counters than a look-ahead may have.
    #[error("a look-ahead has at most 100 counters")]
    LookAhead,
    /// A drift beyond its bound.
    #[error("a drift is at most 3 steps either way")]
    Drift,
}
