use alloc::string::String;
use core::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// 32 characters that are hard to take for one another: no I, O, 0 or 1.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// A code of 80 random bits, shown once to the administrator who resets a factor, passed on by other means, and
/// typed at the next set-up: so that the password alone does not choose the new key.
///
/// Its text is in [`HandoverCode::expose_secret`] only, as `ABCD-EFGH-JKLM-NPQR`; a record keeps its SHA-256.
/// Wiped when dropped.
pub struct HandoverCode(Zeroizing<String>);

impl HandoverCode {
    pub(crate) fn from_random(random: &[u8; 10]) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(19));
        for (group, five) in random.chunks(5).enumerate() {
            // Five bytes are eight characters: two groups of four.
            let bits = five.iter().fold(0_u64, |bits, b| bits << 8 | u64::from(*b));
            for place in 0..8_u32 {
                if place % 4 == 0 && (group, place) != (0, 0) {
                    text.push('-');
                }
                let index = usize::try_from(bits >> (35 - 5 * place) & 31).unwrap_or(0);
                text.push(ALPHABET.get(index).copied().map_or('A', char::from));
            }
        }
        Self(text)
    }

    /// The code, in four groups of four. For the one page that shows it.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        digest(self.expose_secret()).unwrap_or_default()
    }
}

impl fmt::Debug for HandoverCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandoverCode(..)")
    }
}

/// What a person typed, against what a record remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typed {
    /// Nothing, or nothing but spaces.
    Missing,
    Wrong,
    Right,
}

/// Spaces, hyphens and the case do not matter.
pub(crate) fn check(typed: Option<&str>, hash: &[u8; 32]) -> Typed {
    match typed.and_then(digest) {
        None => Typed::Missing,
        Some(given) if bool::from(given.ct_eq(hash)) => Typed::Right,
        Some(_) => Typed::Wrong,
    }
}

/// The hash of a code without its spaces and hyphens; `None` where nothing is left. Fed a character at a time,
/// so that no copy of the code is made; a text that is far too long is read no further.
fn digest(text: &str) -> Option<[u8; 32]> {
    let mut sha = Sha256::new();
    let mut any = false;
    let written = |c: &char| *c != '-' && !c.is_whitespace();
    for c in text.chars().filter(written).take(64) {
        any = true;
        let mut utf8 = [0; 4];
        sha.update(c.to_ascii_uppercase().encode_utf8(&mut utf8).as_bytes());
    }
    any.then(|| sha.finalize().into())
}
