//! What stands behind an option, read and bounded.

use twofa::policy::Sso;
use twofa::totp::{Digits, OutOfBounds, Params, Period};
use twofa::types::{Name, NameError};

use super::SsoOption;

pub(super) fn digits(text: &str) -> Result<Digits, OutOfBounds> {
    let digits: u8 = text.parse().map_err(|_| OutOfBounds::Digits)?;
    Digits::try_from(digits)
}

pub(super) fn period(text: &str) -> Result<Period, OutOfBounds> {
    Period::new(text.parse().map_err(|_| OutOfBounds::Period)?)
}

pub(super) fn steps(text: &str) -> Result<u8, String> {
    text.parse()
        .map_err(|_| "give a number of steps, 0 to 10".to_owned())
}

pub(super) fn cursor(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| {
        "a cursor is a number, as `notices` and `audit list --json` print it".to_owned()
    })
}

/// A name that an app can show, by the rules of key URIs.
pub(super) fn issuer(text: &str) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    use twofa::{otpauth::KeyUri, totp::Secret};
    Name::new(text)?;
    let secret = Secret::from_bytes(&[1; 20])?;
    KeyUri::totp(text, "account", secret, Params::default())?;
    Ok(text.to_owned())
}

/// A name that is one.
pub(super) fn whole_name(text: &str) -> Result<Name, NameError> {
    Name::new(text.trim_matches(' '))
}

/// A name, or nothing, which policy has a reason for.
pub(super) fn name(text: &str) -> Result<String, NameError> {
    let text = text.trim_matches(' ');
    if !text.is_empty() {
        Name::new(text)?;
    }
    Ok(text.to_owned())
}

impl From<SsoOption> for Sso {
    fn from(option: SsoOption) -> Self {
        use twofa::policy::PasswordUnderSso;
        match option {
            SsoOption::Off => Self::Off,
            SsoOption::Exempt => Self::On(PasswordUnderSso::Exempt),
            SsoOption::Challenge => Self::On(PasswordUnderSso::Challenge),
            SsoOption::Refuse => Self::On(PasswordUnderSso::Refuse),
        }
    }
}
