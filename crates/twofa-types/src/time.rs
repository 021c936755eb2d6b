use core::fmt;

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted: the time that RFC 6238 section 4 counts in.
///
/// Nothing in these crates reads a clock; whoever owns one passes its time in. All arithmetic saturates, so
/// no time, however wrong, can panic or wrap round.
///
/// ```
/// use twofa_types::UnixTime;
///
/// let mandate = UnixTime::from_secs(1_669_852_800);
/// assert_eq!(mandate.to_string(), "2022-12-01T00:00:00Z");
/// assert!(mandate.saturating_sub(1) < mandate);
/// assert_eq!(mandate.saturating_add(90).seconds_since(mandate), 90);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixTime(u64);

impl UnixTime {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The last time that can be represented, far past anything a calendar can show.
    pub const MAX: Self = Self(u64::MAX);

    /// The time `seconds` after the epoch.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// `seconds` later, or [`UnixTime::MAX`] where that cannot be represented.
    #[must_use]
    pub const fn saturating_add(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// `seconds` earlier, or the epoch where that would lie before it.
    #[must_use]
    pub const fn saturating_sub(self, seconds: u64) -> Self {
        Self(self.0.saturating_sub(seconds))
    }

    /// Seconds from `earlier` to this time; 0 when `earlier` is in fact later.
    pub const fn seconds_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// RFC 3339 in UTC, as `2022-12-01T00:00:00Z`; past the year 9999, plain seconds.
impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// The first second of the year 10000.
        const UNPRINTABLE: u64 = 253_402_300_800;
        if self.0 >= UNPRINTABLE {
            return write!(f, "{}", self.0);
        }
        let (days, second) = (self.0 / 86_400, self.0 % 86_400);
        // Civil date from a day count, with years beginning in March so that leap days fall at the end of
        // one (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days).
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

impl fmt::Debug for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
