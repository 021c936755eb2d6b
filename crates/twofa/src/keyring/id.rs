use std::fmt;
use std::str::FromStr;

/// What names a key of a ring: 32 bits, drawn at random, so that two hosts that each make a key never give
/// two keys one name. Text is 8 hexadecimal digits.
///
/// ```
/// use twofa::KeyId;
///
/// let id: KeyId = "0001e240".parse()?;
/// assert_eq!((id.number(), id.to_string().as_str()), (123_456, "0001e240"));
/// assert!("1e240".parse::<KeyId>().is_err());
/// # Ok::<(), twofa::NotAKeyId>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u32);

impl KeyId {
    /// The id of that number.
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// Its number, as [`AuditRow::key_id`](crate::AuditRow::key_id) holds it.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyId {
    type Err = NotAKeyId;

    fn from_str(text: &str) -> Result<Self, NotAKeyId> {
        let digits = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let number = u32::from_str_radix(text, 16).ok().filter(|_| digits);
        number.map(Self).ok_or(NotAKeyId)
    }
}

/// The text is no key id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key id is 8 hexadecimal digits, as `keys list` shows it")]
pub struct NotAKeyId;

/// What a key of a ring is still for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// Made, and perhaps not yet known to every host. It opens what rests under it; nothing does yet.
    Added,
    /// The one that everything new rests under.
    Active,
    /// It was active. What still rests under it opens; proofs do for the step-up age after it ceased to be
    /// active.
    Reading,
    /// It verifies the events that were written under it, and opens nothing.
    Events,
}

impl KeyState {
    /// Its name: `added`, `active`, `reading`, `events`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Active => "active",
            Self::Reading => "reading",
            Self::Events => "events",
        }
    }

    pub(crate) fn from_code(code: &str) -> Option<Self> {
        [Self::Added, Self::Active, Self::Reading, Self::Events]
            .into_iter()
            .find(|state| state.code() == code)
    }
}
