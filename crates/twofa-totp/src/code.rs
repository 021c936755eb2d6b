use core::{fmt, str};

use zeroize::Zeroize as _;

use crate::Digits;

/// A code that somebody typed, or that a [`Totp`](crate::Totp) generated: a number and how many digits it has.
///
/// Parsed once, at the edge, so that every way of typing it is one code to whatever counts, compares and spends.
/// It has no `Display` or `PartialEq`, and its `Debug` shows nothing; [`Code::expose`] gives the digits.
///
/// ```
/// use twofa_totp::Code;
///
/// let typed = Code::parse("１２３ ４５６")?;
/// assert_eq!(typed.expose().as_ref(), "123456");
/// assert_eq!(format!("{typed:?}"), "Code(..)");
/// # Ok::<(), twofa_totp::MalformedCode>(())
/// ```
#[derive(Clone, Copy)]
pub struct Code {
    value: u32,
    digits: Digits,
}

impl Code {
    /// The longest input that is read, in bytes; a code with a space around every full-width digit fits twice.
    pub const MAX_INPUT_BYTES: usize = 64;

    pub(crate) const fn new(value: u32, digits: Digits) -> Self {
        Self { value, digits }
    }

    pub(crate) const fn value(self) -> u32 {
        self.value
    }

    /// Reads what people type: ASCII, full-width (U+FF10), Arabic-Indic (U+0660) and Extended Arabic-Indic (U+06F0)
    /// digits, six to eight of them, with spaces, no-break spaces and hyphens anywhere between and around them. A line
    /// that was read ends in a line break, which is none of these: trim it first.
    ///
    /// # Errors
    ///
    /// [`MalformedCode`] for anything else. It says nothing about whether a code is right.
    pub fn parse(typed: &str) -> Result<Self, MalformedCode> {
        if typed.len() > Self::MAX_INPUT_BYTES {
            return Err(MalformedCode::TooLong);
        }
        let mut value: u32 = 0;
        let mut count: u8 = 0;
        for (at, character) in typed.char_indices() {
            if matches!(character, ' ' | '\u{a0}' | '-') {
                continue;
            }
            let digit = digit(character).ok_or(MalformedCode::Character { at })?;
            count = count.saturating_add(1);
            // Wraps only past eight digits, which the count below refuses.
            value = value.wrapping_mul(10).wrapping_add(digit);
        }
        match Digits::try_from(count) {
            Ok(digits) => Ok(Self { value, digits }),
            Err(_) => Err(MalformedCode::Digits { count }),
        }
    }

    /// How many digits it has, leading zeros included.
    pub const fn digits(self) -> Digits {
        self.digits
    }

    /// The digits themselves, zero padded.
    pub fn expose(self) -> CodeText {
        let mut text = CodeText {
            bytes: [b'0'; 8],
            digits: self.digits,
        };
        let mut rest = self.value;
        let len = usize::from(self.digits.get());
        for to in text.bytes.iter_mut().take(len).rev() {
            let [digit, ..] = (rest % 10).to_le_bytes();
            *to = b'0'.wrapping_add(digit);
            rest /= 10;
        }
        text
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(..)")
    }
}

impl str::FromStr for Code {
    type Err = MalformedCode;

    fn from_str(typed: &str) -> Result<Self, MalformedCode> {
        Self::parse(typed)
    }
}

/// The value of a digit in one of the four ranges that are understood.
fn digit(character: char) -> Option<u32> {
    let zero = match character {
        '0'..='9' => '0',
        '\u{ff10}'..='\u{ff19}' => '\u{ff10}',
        '\u{660}'..='\u{669}' => '\u{660}',
        '\u{6f0}'..='\u{6f9}' => '\u{6f0}',
        _ => return None,
    };
    u32::from(character).checked_sub(u32::from(zero))
}

/// The digits of a [`Code`] as text, inline, wiped when dropped.
pub struct CodeText {
    bytes: [u8; 8],
    digits: Digits,
}

impl CodeText {
    /// The digits, in ASCII, zero padded.
    pub fn as_str(&self) -> &str {
        self.bytes
            .get(..usize::from(self.digits.get()))
            .and_then(|digits| str::from_utf8(digits).ok())
            .unwrap_or("")
    }
}

impl Drop for CodeText {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl AsRef<str> for CodeText {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for CodeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for CodeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeText(..)")
    }
}

/// Why a text is no code. Whoever typed it is asked again; it costs no attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MalformedCode {
    /// More than [`Code::MAX_INPUT_BYTES`] bytes.
    #[error("the text is longer than {max} bytes; type the digits that the app shows", max = Code::MAX_INPUT_BYTES)]
    TooLong,
    /// Something that is neither a digit nor a space or hyphen.
    #[error("byte {at} begins a character that is not a digit; type the digits that the app shows")]
    Character {
        /// Where it stands, in bytes from the start.
        at: usize,
    },
    /// Fewer than six digits, or more than eight.
    #[error("there are {count} digits; a code has 6, 7 or 8")]
    Digits {
        /// How many there are.
        count: u8,
    },
}
