//! Times as people type them.

use jiff::Timestamp;
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
    let day = text.len() == "2022-12-01".len();
    let instant = if day {
        format!("{text}T00:00:00Z")
    } else {
        text.to_owned()
    };
    let instant: Timestamp = instant.parse().map_err(|_| NotATime::Unreadable)?;
    let seconds = u64::try_from(instant.as_second()).map_err(|_| NotATime::BeforeEpoch)?;
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
