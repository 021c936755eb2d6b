//! Percent-encoding (RFC 3986 section 2.1): decoded once, never twice.

use zeroize::Zeroizing;

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

/// A decoded part of a URI, and what was odd about it.
pub(crate) struct Decoded {
    pub(crate) text: Zeroizing<String>,
    /// A `%` that begins no escape was kept as it stands.
    pub(crate) invalid_escape: bool,
    /// A `+` was read as a space.
    pub(crate) plus: bool,
    /// A character that a URI must escape stood there raw.
    pub(crate) raw: bool,
}

/// Decodes every escape once. `plus_is_space` is for the query, where HTML forms write a space so.
/// `None` when the bytes are not UTF-8.
pub(crate) fn decode(part: &str, plus_is_space: bool) -> Option<Decoded> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(part.len()));
    let (mut invalid_escape, mut plus, mut raw) = (false, false, false);
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
            (b'%', _) => {
                invalid_escape = true;
                bytes.push(byte);
            }
            (b'+', _) if plus_is_space => {
                plus = true;
                bytes.push(b' ');
            }
            _ => {
                raw |= !byte.is_ascii_graphic()
                    || matches!(
                        byte,
                        b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
                    );
                bytes.push(byte);
            }
        }
    }
    let text = match String::from_utf8(core::mem::take(&mut *bytes)) {
        Ok(text) => Zeroizing::new(text),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            return None;
        }
    };
    Some(Decoded {
        text,
        invalid_escape,
        plus,
        raw,
    })
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
