//! Times as people type them.

use jiff::civil::{Date, Time};
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use twofa::types::UnixTime;

/// Why a text is no time.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(crate) enum NotATime {
    #[error(
        "it is no time; write RFC 3339 such as 2022-12-01T00:00:00Z, a day such as 2022-12-01, or Unix seconds"
    )]
    Unreadable,
    #[error("it lies before 1970, where Unix time begins; give a later time")]
    BeforeEpoch,
}

/// RFC 3339, a day (its first second in UTC), or Unix seconds.
pub(crate) fn time(text: &str) -> Result<UnixTime, NotATime> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        let seconds = text.parse().map_err(|_| NotATime::Unreadable)?;
        return Ok(UnixTime::from_secs(seconds));
    }
    let pieces = Pieces::parse(text).map_err(|_| NotATime::Unreadable)?;
    let offset = match pieces.offset() {
        Some(PiecesOffset::Numeric(offset)) => i64::from(offset.offset().seconds()),
        Some(_) => 0,
        None if pieces.time().is_none() && text.len() == "2022-12-01".len() => 0,
        None => return Err(NotATime::Unreadable),
    };
    let day = pieces.date();
    let time = pieces.time().unwrap_or(Time::midnight());
    // Counted here, since an instant of jiff's ends before the calendar does.
    let midnight = day.duration_since(Date::constant(1970, 1, 1)).as_secs();
    let since = time.duration_since(Time::midnight()).as_secs();
    let seconds = u64::try_from(midnight + since - offset).map_err(|_| NotATime::BeforeEpoch)?;
    Ok(UnixTime::from_secs(seconds))
}

/// How long it is until a time, in words.
pub(crate) fn wait(until: UnixTime, now: UnixTime) -> String {
    let plural = |n: u64, unit: &str| format!("{n} {unit}{}", if n == 1 { "" } else { "s" });
    match until.seconds_since(now) {
        seconds @ 0..=119 => plural(seconds, "second"),
        seconds @ 120..=7199 => plural(seconds.div_ceil(60), "minute"),
        seconds @ 7200..=172_799 => plural(seconds.div_ceil(3600), "hour"),
        seconds => plural(seconds.div_ceil(86_400), "day"),
    }
}
