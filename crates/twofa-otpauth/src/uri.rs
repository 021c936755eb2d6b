//! The key URI: what it says ([`KeyUri`]), how it is written (`build.rs`), read (`parse.rs`, with `label.rs`,
//! `query.rs` and `error.rs`), what is odd about a text that was read (`warning.rs`) and what apps make of it (`lint.rs`).

mod build;
mod error;
pub(crate) mod label;
mod lint;
mod parse;
mod query;
mod warning;

use core::fmt;

use twofa_totp::{Params, Secret};

pub use build::BuildError;
pub use error::{Parameter, ParseError};
pub use lint::Lint;
pub(crate) use parse::Notes;
pub use parse::{MAX_URI_LEN, Parsed, Parser, Profile, parse};
pub use warning::Warning;

/// What kind of codes a key URI asks an app for: the first part of `otpauth://totp/...`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Codes that follow the clock (RFC 6238).
    Totp,
    /// Codes that follow a counter (RFC 4226).
    Hotp {
        /// The counter of the next code.
        counter: u64,
    },
    /// Steam's five letters and digits, which follow the clock. See the `steam` module.
    #[cfg(feature = "steam")]
    Steam,
}

impl Kind {
    /// The name in the URI: `totp`, `hotp` or `steam`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Hotp { .. } => "hotp",
            #[cfg(feature = "steam")]
            Self::Steam => "steam",
        }
    }
}

/// A key URI's content, valid by construction: everything an authenticator app needs to make codes.
///
/// It holds the secret, so it has no `Clone` and no comparison, and its `Debug` leaves the secret out.
///
/// ```
/// use twofa_otpauth::KeyUri;
/// use twofa_totp::{Params, Secret};
///
/// let secret = Secret::from_bytes(b"12345678901234567890")?;
/// let uri = KeyUri::totp("ACME Co", "jo@example.com", secret, Params::default())?;
/// assert_eq!(
///     uri.to_uri().expose_secret(),
///     "otpauth://totp/ACME%20Co:jo@example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=ACME%20Co"
/// );
/// assert!(uri.lint().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct KeyUri {
    kind: Kind,
    issuer: Option<String>,
    account: String,
    secret: Secret,
    params: Params,
}

impl KeyUri {
    /// What was read elsewhere, and checked there.
    pub(crate) fn from_parts(
        kind: Kind,
        issuer: Option<String>,
        account: String,
        secret: Secret,
        params: Params,
    ) -> Self {
        Self {
            kind,
            issuer,
            account,
            secret,
            params,
        }
    }

    /// Clock, counter, or Steam.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Who the codes are for: the service's or project's name. When a URI that was read gave two, its `issuer`
    /// parameter; [`Parsed`] keeps both.
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// Whose codes they are: an e-mail address or a user name. May be empty in a URI that was read.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The shared key.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Algorithm, digits and period. For a counter the period means nothing; for Steam neither it nor the digits do.
    pub fn params(&self) -> Params {
        self.params
    }

    /// How many characters a code has: the digits, or Steam's five.
    pub fn code_length(&self) -> u8 {
        match self.kind {
            #[cfg(feature = "steam")]
            Kind::Steam => 5,
            _ => self.params.digits().get(),
        }
    }

    /// Takes the secret out, to make codes with; the rest is dropped.
    #[must_use]
    pub fn into_secret(self) -> Secret {
        self.secret
    }
}

impl fmt::Debug for KeyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyUri")
            .field("kind", &self.kind)
            .field("issuer", &self.issuer)
            .field("account", &self.account)
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}
