//! Base64 (RFC 4648 sections 4 and 5) of a payload that holds keys: buffers sized beforehand, and wiped.

use zeroize::Zeroizing;

/// Decodes either alphabet, with padding or without. `None` for anything else.
///
/// A space stands for `+`: some programs write the payload without percent-encoding it, and others then read its
/// plus signs as spaces.
pub(super) fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = text.trim_end_matches('=');
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 4 * 3 + 3));
    for quad in text.as_bytes().chunks(4) {
        let mut word = 0;
        for &byte in quad {
            word = word << 6 | u32::from(value(byte)?);
        }
        let whole = quad.len() * 6 / 8;
        if whole == 0 {
            return None;
        }
        let [_, a, b, c] = (word << (24 - quad.len() * 6)).to_be_bytes();
        bytes.extend([a, b, c].into_iter().take(whole));
    }
    Some(bytes)
}

/// Encodes with the ordinary alphabet and padding.
pub(super) fn encode(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len().div_ceil(3) * 4));
    for triple in bytes.chunks(3) {
        let word = triple
            .iter()
            .fold(0, |word: u32, b| word << 8 | u32::from(*b))
            << (24 - triple.len() * 8);
        for at in 0..4 {
            text.push(if at > triple.len() {
                '='
            } else {
                character(word >> (18 - at * 6) & 63)
            });
        }
    }
    text
}

fn value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' | b' ' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

fn character(sextet: u32) -> char {
    let from = |first: char, at: u32| char::from_u32(u32::from(first) + at).unwrap_or('A');
    match sextet {
        0..=25 => from('A', sextet),
        26..=51 => from('a', sextet - 26),
        52..=61 => from('0', sextet - 52),
        62 => '+',
        _ => '/',
    }
}
