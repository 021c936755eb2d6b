//! Percent-encoding (RFC 3986 section 2.1): decoded once, never twice.

use core::ops::Deref;
use std::borrow::Cow;

use zeroize::{Zeroize as _, Zeroizing};

/// Appends `text`, leaving the unreserved characters (RFC 3986 section 2.3) and those of `keep` as they are.
/// A space becomes `%20`: some apps show the `+` of HTML forms as it stands.
pub(crate) fn encode_into(out: &mut String, text: &str, keep: &[u8]) {
    for byte in text.bytes() {
        if is_unreserved(byte) || keep.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(hex_digit(byte >> 4));
            out.push(hex_digit(byte & 15));
        }
    }
}

/// How many bytes [`encode_into`] appends, so that a buffer with a secret in it never has to grow.
pub(crate) fn encoded_len(text: &str, keep: &[u8]) -> usize {
    text.bytes()
        .map(|b| {
            if is_unreserved(b) || keep.contains(&b) {
                1
            } else {
                3
            }
        })
        .sum()
}

/// A part of a URI, decoded: borrowed where nothing had to be, and wiped on drop where it is a copy.
pub(crate) struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for Text<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.0 {
            text.zeroize();
        }
    }
}

/// A decoded part, and what was odd about it.
pub(crate) struct Decoded<'a> {
    pub(crate) text: Text<'a>,
    /// A `%` that begins no escape was kept as it stands.
    pub(crate) invalid_escape: bool,
    /// A `+` was read as a space.
    pub(crate) plus: bool,
    /// A character that a URI must escape stood there raw.
    pub(crate) raw: bool,
}

/// Decodes every escape once. `plus_is_space` is for the query, where HTML forms write a space so.
/// `None` when the bytes are not UTF-8.
pub(crate) fn decode(part: &str, plus_is_space: bool) -> Option<Decoded<'_>> {
    let raw = part.bytes().any(must_be_escaped);
    if !part
        .bytes()
        .any(|byte| byte == b'%' || byte == b'+' && plus_is_space)
    {
        let text = Text(Cow::Borrowed(part));
        return Some(Decoded {
            text,
            invalid_escape: false,
            plus: false,
            raw,
        });
    }
    let mut bytes = Vec::with_capacity(part.len());
    let (mut invalid_escape, mut plus) = (false, false);
    let mut rest = part.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'%', [high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                bytes.push(hex_value(*high) << 4 | hex_value(*low));
                rest = after;
            }
            (b'+', _) if plus_is_space => {
                plus = true;
                bytes.push(b' ');
            }
            _ => {
                invalid_escape |= byte == b'%';
                bytes.push(byte);
            }
        }
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| drop(Zeroizing::new(error.into_bytes())))
        .ok()?;
    Some(Decoded {
        text: Text(Cow::Owned(text)),
        invalid_escape,
        plus,
        raw,
    })
}

/// Whether a URI may hold the byte only escaped (RFC 3986 section 2).
fn must_be_escaped(byte: u8) -> bool {
    !byte.is_ascii_graphic()
        || matches!(
            byte,
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
        )
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn hex_digit(nibble: u8) -> char {
    char::from(if nibble < 10 {
        b'0' + nibble
    } else {
        b'A' + nibble - 10
    })
}

/// Only called with a hexadecimal digit.
fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}
