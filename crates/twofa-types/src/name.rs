use core::{fmt, hash, str};

/// Short clean text, held inline so that it costs no allocation: the ground that ids, operators' names and
/// ticket numbers stand on.
///
/// Between 1 and [`Name::MAX_BYTES`] bytes of any script; compared byte for byte, with no folding of case and
/// no Unicode normalisation. What could make one name look like another on a screen is refused: control
/// characters, invisible and direction-changing marks, and white space at either end.
///
/// ```
/// use twofa_types::{Name, NameError};
///
/// assert_eq!(Name::new("zoë@example.com")?.as_str(), "zoë@example.com");
/// assert_eq!(Name::new(""), Err(NameError::Empty));
/// assert_eq!(Name::new("a\u{202e}b"), Err(NameError::Forbidden { at: 1, character: '\u{202e}' }));
/// # Ok::<(), NameError>(())
/// ```
#[derive(Clone)]
pub struct Name {
    len: u8,
    bytes: [u8; Name::MAX_BYTES],
}

impl Name {
    /// The longest name, in bytes of UTF-8: an e-mail address has at most 254 (RFC 5321 section 4.5.3.1.3).
    pub const MAX_BYTES: usize = 255;

    /// Checks `text` and takes a copy of it.
    ///
    /// # Errors
    ///
    /// Says which bound was broken, and where.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        let len = u8::try_from(text.len()).map_err(|_| NameError::TooLong { bytes: text.len() })?;
        if let Some((at, character)) = text.char_indices().find(|(_, c)| misleading(*c)) {
            return Err(NameError::Forbidden { at, character });
        }
        if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
            return Err(NameError::OuterSpace);
        }
        let mut bytes = [0; Self::MAX_BYTES];
        for (to, from) in bytes.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        Ok(Self { len, bytes })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        // Always UTF-8, since only `new` writes here; the fallback exists so that no path can panic.
        self.bytes
            .get(..usize::from(self.len))
            .and_then(|b| str::from_utf8(b).ok())
            .unwrap_or("")
    }
}

/// Characters that change how a line reads without being seen in it.
fn misleading(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl hash::Hash for Name {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl str::FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

/// Why a text cannot be a [`Name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing in it.
    #[error("it is empty; give at least one character")]
    Empty,
    /// More than [`Name::MAX_BYTES`] bytes.
    #[error("it has {bytes} bytes; shorten it to at most {max}", max = Name::MAX_BYTES)]
    TooLong {
        /// Its length, in bytes of UTF-8.
        bytes: usize,
    },
    /// A control character, or a mark that is not seen or changes the direction of reading.
    #[error("it holds {}, a control or invisible character, at byte {at}; remove it", .character.escape_unicode())]
    Forbidden {
        /// Where it stands, in bytes from the start.
        at: usize,
        /// The character.
        character: char,
    },
    /// White space at its start or end.
    #[error("it begins or ends with white space; remove that")]
    OuterSpace,
}
