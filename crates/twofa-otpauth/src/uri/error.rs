//! Why a text is not read as a key URI.

use core::fmt;

use thiserror::Error;

use super::{MAX_URI_LEN, Warning};
use crate::base32;

/// The parameters that the format knows (`encoder` is Steam's).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Parameter {
    /// The key, in base32.
    Secret,
    /// Who the codes are for.
    Issuer,
    /// SHA1, SHA256 or SHA512.
    Algorithm,
    /// 6, 7 or 8.
    Digits,
    /// Seconds that a code stays: 1 to 3600.
    Period,
    /// The next counter of a counter-based key.
    Counter,
    /// `steam` for Steam's codes.
    Encoder,
}

impl Parameter {
    const ALL: [Self; 7] = [
        Self::Secret,
        Self::Issuer,
        Self::Algorithm,
        Self::Digits,
        Self::Period,
        Self::Counter,
        Self::Encoder,
    ];

    /// The name in the URI.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Issuer => "issuer",
            Self::Algorithm => "algorithm",
            Self::Digits => "digits",
            Self::Period => "period",
            Self::Counter => "counter",
            Self::Encoder => "encoder",
        }
    }

    pub(super) fn named(key: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|p| key.eq_ignore_ascii_case(p.name()))
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a text is not read as a key URI. Never holds any of the text, which may contain a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Longer than [`MAX_URI_LEN`] bytes.
    #[error("the URI is longer than {MAX_URI_LEN} bytes")]
    TooLong,
    /// Another scheme than `otpauth:`, or none.
    #[error("not a key URI: it must begin with otpauth://")]
    Scheme,
    /// An export batch: many keys in one. Read it with [`crate::migration::decode`].
    #[error("an export batch (otpauth-migration://), not a single key URI: decode it as a batch")]
    ExportBatch,
    /// No `//` after the scheme.
    #[error(
        "the URI does not say what kind of codes it is for: it must begin with otpauth://totp/ or otpauth://hotp/"
    )]
    AuthorityMissing,
    /// Neither `totp` nor `hotp` (nor, with the feature `steam`, `steam`).
    #[error("the URI is for a kind of codes that is not known: only totp and hotp are")]
    Type,
    /// Steam's codes, in a build without the feature `steam`.
    #[error("the URI is for Steam's codes, which this program does not make")]
    Steam,
    /// The label is not UTF-8 once decoded.
    #[error("the label is not UTF-8")]
    LabelUtf8,
    /// The label holds a control character.
    #[error("the label holds a control character")]
    LabelControl,
    /// The issuer parameter holds a control character.
    #[error("the issuer holds a control character")]
    IssuerControl,
    /// A parameter is not UTF-8 once decoded.
    #[error("the parameter `{0}` is not UTF-8")]
    Utf8(Parameter),
    /// A parameter stands twice with different values: programs would make different codes of this URI.
    #[error("the parameter `{0}` stands more than once, with different values")]
    Conflict(Parameter),
    /// There is no secret.
    #[error("the secret is missing")]
    SecretMissing,
    /// The secret is not base32.
    #[error("the secret cannot be read: {0}")]
    Secret(base32::DecodeError),
    /// The secret has fewer bits than the parser asks for.
    #[error("the secret has {bits} bits, and at least {least} are asked for")]
    SecretTooShort {
        /// Bits of the secret.
        bits: usize,
        /// Bits that were asked for.
        least: u16,
    },
    /// An algorithm other than SHA1, SHA256 and SHA512.
    #[error("the algorithm must be SHA1, SHA256 or SHA512")]
    Algorithm,
    /// Digits other than 6, 7 and 8.
    #[error("the digits must be 6, 7 or 8")]
    Digits,
    /// A period that is no number from 1 to 3600.
    #[error("the period must be a number of seconds from 1 to 3600")]
    Period,
    /// A counter that is no number of 64 bits.
    #[error("the counter must be a whole number of 64 bits")]
    Counter,
    /// An encoder other than `steam`.
    #[error("the encoder is not known: only `steam` is")]
    Encoder,
    /// Read strictly, and this departs from the format.
    #[error("not allowed when read strictly: {0}")]
    NotStrict(Warning),
}
