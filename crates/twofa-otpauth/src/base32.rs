//! Base32 of secrets (RFC 4648 section 6), written without padding and read strictly or as it is met.
//!
//! The codec is the `base32` crate; this file decides what reaches it, and keeps the buffers wiped.

use ::base32::Alphabet;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::SecretText;

const ALPHABET: Alphabet = Alphabet::Rfc4648 { padding: false };

/// The longest text that is read, in bytes: four times what the longest secret of a key URI needs.
pub const MAX_TEXT_LEN: usize = 4096;

/// Why a text is not the base32 of a secret. Never holds any of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// There is nothing to decode, or less than one byte.
    #[error("the secret is empty")]
    Empty,
    /// Longer than [`MAX_TEXT_LEN`] bytes.
    #[error("the secret is longer than {MAX_TEXT_LEN} characters")]
    TooLong,
    /// A character outside A-Z and 2-7 (and, read leniently, outside a-z, spaces, hyphens and padding).
    #[error("the secret holds a character that is not base32 (A-Z, 2-7) at position {at}")]
    Character {
        /// Where, in bytes from the beginning.
        at: usize,
    },
    /// A length that no number of whole bytes encodes to, or padding of the wrong length (strict only).
    #[error("the secret's length is not one that base32 can have")]
    Length,
    /// The last character carries bits that belong to no byte (strict only).
    #[error("the secret ends in bits that belong to no byte")]
    TrailingBits,
}

/// What was found, and tolerated, on the way to the bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent observations, not a state"
)]
pub struct Deviations {
    /// Lower-case letters.
    pub lower_case: bool,
    /// Spaces or hyphens between the characters.
    pub separators: bool,
    /// Padding (`=`) at the end.
    pub padding: bool,
    /// Bits at the end that belong to no byte, and were dropped.
    pub trailing_bits: bool,
}

impl Deviations {
    /// Whether the text was the canonical one, the one that [`encode`] writes.
    pub fn is_canonical(self) -> bool {
        self == Self::default()
    }
}

/// Encodes in upper case and without padding, as Google's Key URI format asks.
///
/// ```
/// assert_eq!(twofa_otpauth::base32::encode(b"Hello!").expose_secret(), "JBSWY3DPEE");
/// ```
pub fn encode(secret: &[u8]) -> SecretText {
    let mut text = String::with_capacity(secret.len().div_ceil(5) * 8);
    // Five bytes at a time: the codec's own buffer would grow on the way, and leave unwiped copies behind.
    for chunk in secret.chunks(5) {
        text.push_str(&Zeroizing::new(::base32::encode(ALPHABET, chunk)));
    }
    SecretText::new(text)
}

/// Decodes what [`encode`] writes, and nothing else: upper case, no padding, no spaces, no spare bits.
///
/// # Errors
///
/// Says what is wrong, and where, without repeating any of the text.
pub fn decode_strict(text: &str) -> Result<Zeroizing<Vec<u8>>, DecodeError> {
    let (bytes, deviations) = decode_lenient(text)?;
    if deviations.lower_case || deviations.separators || deviations.padding {
        let at = text.bytes().position(|b| value(b).is_none()).unwrap_or(0);
        return Err(DecodeError::Character { at });
    }
    if deviations.trailing_bits {
        return Err(if matches!(text.len() % 8, 1 | 3 | 6) {
            DecodeError::Length
        } else {
            DecodeError::TrailingBits
        });
    }
    Ok(bytes)
}

/// Decodes base32 as it is met: either case, spaces and hyphens anywhere, padding or none, spare bits dropped.
/// Digits that look like letters (0, 1, 8) are refused: programs differ in what they take them for.
///
/// # Errors
///
/// Says what is wrong, and where, without repeating any of the text.
///
/// ```
/// let (bytes, met) = twofa_otpauth::base32::decode_lenient("jbsw y3dp-ee======")?;
/// assert_eq!(&bytes[..], b"Hello!");
/// assert!(met.lower_case && met.separators && met.padding && !met.trailing_bits);
/// # Ok::<(), twofa_otpauth::base32::DecodeError>(())
/// ```
pub fn decode_lenient(text: &str) -> Result<(Zeroizing<Vec<u8>>, Deviations), DecodeError> {
    if text.len() > MAX_TEXT_LEN {
        return Err(DecodeError::TooLong);
    }
    let mut met = Deviations::default();
    // Canonical text is decoded where it stands; anything else from a wiped copy.
    let mut clean = Zeroizing::new(String::new());
    if !text.bytes().all(|byte| value(byte).is_some()) {
        clean.reserve_exact(text.len());
        clean_into(&mut clean, text, &mut met)?;
    }
    let mut clean = if met.is_canonical() { text } else { &clean };
    if matches!(clean.len() % 8, 1 | 3 | 6) {
        // One character more than whole bytes need: it cannot complete a byte.
        met.trailing_bits = true;
        clean = clean.get(..clean.len() - 1).unwrap_or("");
    } else {
        let spare = clean.len() * 5 % 8;
        let last = clean.bytes().last().and_then(value).unwrap_or(0);
        met.trailing_bits = last & ((1 << spare) - 1) != 0;
    }
    // Every character is in the alphabet by now, so the codec cannot refuse it.
    let bytes = ::base32::decode(ALPHABET, clean).ok_or(DecodeError::Character { at: 0 })?;
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    Ok((Zeroizing::new(bytes), met))
}

/// Appends the characters that count, in upper case.
fn clean_into(clean: &mut String, text: &str, met: &mut Deviations) -> Result<(), DecodeError> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b' ' | b'-' => met.separators = true,
            b'=' => met.padding = true,
            _ => {
                let upper = byte.to_ascii_uppercase();
                // Nothing may follow padding: two encodings in one text are not one secret.
                if value(upper).is_none() || met.padding {
                    return Err(DecodeError::Character { at });
                }
                met.lower_case |= byte != upper;
                clean.push(char::from(upper));
            }
        }
    }
    Ok(())
}

/// The five bits that an upper-case base32 character stands for.
fn value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'2'..=b'7' => Some(byte - b'2' + 26),
        _ => None,
    }
}
