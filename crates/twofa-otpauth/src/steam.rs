//! Steam's codes: five characters of an alphabet of its own, every 30 seconds, from HMAC-SHA-1.
//!
//! There is no standard; this is what Steam's own app and the apps that imitate it show. Only making them is offered:
//! nothing here checks one.

use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use twofa_totp::Secret;
use twofa_types::UnixTime;

/// Digits and consonants that cannot be mistaken for each other.
const ALPHABET: [char; 26] = [
    '2', '3', '4', '5', '6', '7', '8', '9', 'B', 'C', 'D', 'F', 'G', 'H', 'J', 'K', 'M', 'N', 'P',
    'Q', 'R', 'T', 'V', 'W', 'X', 'Y',
];

/// Seconds that a code stays.
const PERIOD: u64 = 30;

/// A code of five characters, as Steam asks for it. `Debug` does not show it.
#[derive(Clone, Copy)]
pub struct SteamCode([char; 5]);

impl SteamCode {
    /// The characters, to show to the person who signs in.
    pub const fn expose(&self) -> [char; 5] {
        self.0
    }
}

impl fmt::Debug for SteamCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SteamCode(..)")
    }
}

/// The code at a time.
///
/// ```
/// use twofa_otpauth::{Profile, parse, steam};
/// use twofa_types::UnixTime;
///
/// let uri = "otpauth://totp/Steam:?secret=FMXNK4QEGKVPULRTADY6JIDK5VHUBGZW&encoder=steam";
/// let key = parse(uri, Profile::Lenient)?.uri;
/// let code: String = steam::generate(key.secret(), UnixTime::from_secs(30)).expose().iter().collect();
/// assert_eq!(code, "QJY8Y");
/// # Ok::<(), twofa_otpauth::ParseError>(())
/// ```
pub fn generate(secret: &Secret, now: UnixTime) -> SteamCode {
    let step = now.as_secs() / PERIOD;
    let mut value = truncate(secret.expose_secret(), step);
    SteamCode(core::array::from_fn(|_| {
        let at = value % 26;
        value /= 26;
        usize::try_from(at)
            .ok()
            .and_then(|at| ALPHABET.get(at))
            .copied()
            .unwrap_or('2')
    }))
}

/// Dynamic truncation to 31 bits (RFC 4226 section 5.3).
fn truncate(key: &[u8], step: u64) -> u32 {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key) else {
        return 0;
    };
    mac.update(&step.to_be_bytes());
    let tag = mac.finalize().into_bytes();
    let offset = usize::from(tag.last().copied().unwrap_or(0) & 15);
    let word = tag
        .iter()
        .skip(offset)
        .take(4)
        .fold(0, |word: u32, byte| word << 8 | u32::from(*byte));
    word & 0x7fff_ffff
}
