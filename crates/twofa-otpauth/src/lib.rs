//! Everything that an authenticator app reads: key URIs, export batches, and the QR codes that carry them.
//!
//! ```
//! use twofa_otpauth::{KeyUri, Qr};
//! use twofa_totp::{Params, Secret};
//!
//! // The secret comes from a generator of the caller's; here, RFC 6238's own.
//! let secret = Secret::from_bytes(b"12345678901234567890")?;
//! let key = KeyUri::totp("ACME", "jo@example.com", secret, Params::default())?;
//!
//! let svg = Qr::encode(key.to_uri().expose_secret())?.svg("QR code for ACME");
//! assert!(svg.expose_secret().contains("role=\"img\""));
//! assert_eq!(key.manual_key().expose_secret(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What this crate must never do: panic on any text, print a secret in `Debug` or an error, guess between two
//! readings that would make two different codes, read a clock or a random generator, or open a file.
//!
//! | file | subject |
//! |---|---|
//! | `uri.rs`, `uri/` | [`KeyUri`]: built, read ([`parse()`], [`Parser`]), and what apps make of it ([`Lint`]) |
//! | `qr.rs`, `qr/` | [`Qr`]: from text to modules to SVG, PNG and terminal text |
//! | `migration.rs`, `migration/` | export batches, both ways |
//! | `steam.rs` | Steam's codes (feature `steam`) |
//! | `base32.rs` | secrets as text |
//! | `percent.rs` | percent-encoding |
//! | `secret_text.rs` | [`SecretText`], `SecretBytes`: what holds a key, wiped and silent |
//!
//! Features, each of which only adds: `png` (on by default) brings `Qr::png` and the `png` crate; `steam` (on by
//! default) recognises and makes Steam's codes, which are otherwise refused with that reason.

pub mod base32;
pub mod migration;
mod percent;
pub mod qr;
mod secret_text;
#[cfg(feature = "steam")]
pub mod steam;
pub mod uri;

pub use qr::{Qr, QrError};
#[cfg(feature = "png")]
pub use secret_text::SecretBytes;
pub use secret_text::SecretText;
pub use uri::{
    BuildError, KeyUri, Kind, Lint, ParseError, Parsed, Parser, Profile, Warning, parse,
};

/// The code of this crate's README runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeOfThisCrate;
