use twofa_policy::Lock;
use twofa_types::UnixTime;

/// Failures in a row of one factor, whatever login or address they came from, and the wait that they cost.
///
/// The first three cost no wait, the fourth 30 s, the next ones 1, 2, 5, 15 and 60 minutes, staying at 60; at
/// [`Throttle::HARD_STOP`] in a row the factor is locked until a reset (NIST SP 800-63B-4, section 3.2.2). Only
/// an accepted code or a reset clears it.
///
/// What that leaves a guesser who has the password, with three codes of six digits valid at a time (a window of
/// one step either side), so that a try succeeds with 3 in 1,000,000: while the owner stays away, 32 tries in the
/// first 24 hours (0.0096 %) and 100 in all (0.03 %), in a year or ever. An owner who signs in once a day clears
/// the count once a day, which leaves 32 tries a day and at most 3.5 % in a year, every one of them in the audit.
///
/// ```
/// use twofa_lifecycle::Throttle;
///
/// assert_eq!(Throttle::wait_after(3), None);
/// assert_eq!(Throttle::wait_after(4), Some(30));
/// assert_eq!(Throttle::wait_after(99), Some(3600));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Throttle {
    failures: u32,
    until: Option<UnixTime>,
    noted: bool,
}

impl Throttle {
    /// So many failures in a row lock the factor until it is reset.
    pub const HARD_STOP: u32 = 100;

    /// No failures.
    pub const fn new() -> Self {
        Self {
            failures: 0,
            until: None,
            noted: false,
        }
    }

    /// Seconds that the `failures`th failure in a row costs; `None` where it costs no wait. At
    /// [`Throttle::HARD_STOP`] no wait is long enough: see [`Throttle::lock`].
    pub const fn wait_after(failures: u32) -> Option<u64> {
        match failures {
            0..=3 => None,
            4 => Some(30),
            5 => Some(60),
            6 => Some(120),
            7 => Some(300),
            8 => Some(900),
            _ => Some(3600),
        }
    }

    /// Failures since the last accepted code or reset.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Until when the last failure locked the factor; it may lie in the past. `None` where it cost no wait, and
    /// at the hard stop.
    pub const fn until(&self) -> Option<UnixTime> {
        self.until
    }

    /// Whether the audit already knows that someone tried during this lock.
    pub const fn noted(&self) -> bool {
        self.noted
    }

    /// The lock, as policy sees it.
    pub const fn lock(&self) -> Lock {
        if self.failures >= Self::HARD_STOP {
            return Lock::UntilReset;
        }
        match self.until {
            Some(until) => Lock::Until(until),
            None => Lock::Open,
        }
    }

    /// The lock that holds at `now`, if one does.
    pub(crate) fn locked_at(&self, now: UnixTime) -> Option<Lock> {
        Some(self.lock()).filter(|lock| lock.holds(now))
    }

    /// One failure more, at `now`.
    #[must_use]
    pub(crate) fn fail(&self, now: UnixTime) -> Self {
        Self::after(self.failures.saturating_add(1), now)
    }

    /// After so many failures in a row, the last of them at `now`.
    #[must_use]
    pub(crate) fn after(failures: u32, now: UnixTime) -> Self {
        let until = if failures >= Self::HARD_STOP {
            None
        } else {
            Self::wait_after(failures).map(|wait| now.saturating_add(wait))
        };
        Self {
            failures,
            until,
            noted: false,
        }
    }

    /// The same, with the audit told.
    #[must_use]
    pub(crate) const fn note(&self) -> Self {
        Self {
            noted: true,
            ..*self
        }
    }

    /// From a record's bytes; `None` where no run of failures leads there.
    pub(crate) fn from_parts(failures: u32, until: Option<UnixTime>, noted: bool) -> Option<Self> {
        let waits = failures < Self::HARD_STOP && Self::wait_after(failures).is_some();
        let stopped = failures == Self::HARD_STOP;
        let sound =
            failures <= Self::HARD_STOP && until.is_some() == waits && (!noted || waits || stopped);
        sound.then_some(Self {
            failures,
            until,
            noted,
        })
    }
}
