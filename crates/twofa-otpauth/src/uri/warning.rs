//! What is odd about a key URI that was read all the same.

use core::fmt;

/// Something in a key URI that departs from the Key URI format, or deserves a second look.
///
/// `Profile::Strict` turns the departures into errors; see [`departs`](Self::departs).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Warning {
    /// White space around the URI.
    SurroundingSpace,
    /// Characters in the URI that should have been percent-encoded, such as spaces or letters with accents.
    RawCharacter,
    /// A `%` that begins no escape was taken as it stands.
    InvalidEscape,
    /// A `+` in the query was read as a space, as HTML forms write it.
    PlusAsSpace,
    /// `&amp;` in place of `&`: the URI was copied out of a web page's source.
    HtmlAmpersand,
    /// A `#` and what follows it were dropped.
    Fragment,
    /// There is no label.
    LabelMissing,
    /// The label names no account.
    AccountMissing,
    /// The label begins with a colon, so that the issuer in it is empty.
    IssuerEmpty,
    /// No issuer at all.
    IssuerMissing,
    /// The issuer in the label and the parameter differ. The parameter counts.
    IssuerMismatch,
    /// More than one colon in the label; which of them separates is a guess.
    LabelColon,
    /// Spaces between the colon and the account were dropped, as the format allows.
    SpaceAfterColon,
    /// A parameter's name in other than lower case.
    ParameterCase,
    /// A parameter stands twice with the same value.
    ParameterRepeated,
    /// A parameter that the format does not know was ignored (`image`, for instance).
    ParameterUnknown,
    /// A parameter that means nothing for this kind of code was ignored (`counter` for time-based codes).
    ParameterIrrelevant,
    /// The algorithm is spelt in another way than `SHA1`, `SHA256` or `SHA512`.
    AlgorithmSpelling,
    /// A counter-based key without its counter: read as 0.
    CounterMissing,
    /// The secret is in lower case.
    SecretLowerCase,
    /// The secret holds spaces or hyphens.
    SecretSeparators,
    /// The secret carries padding (`=`).
    SecretPadding,
    /// The secret ends in bits that belong to no byte; they were dropped.
    SecretTrailingBits,
    /// The secret has fewer than the 128 bits that RFC 4226 (section 4, R6) requires.
    SecretShort,
    /// The secret has fewer than 80 bits, the least that authenticator apps were ever given: it can be guessed.
    SecretVeryShort,
    /// The secret is longer than 128 bytes, and was hashed to the key that HMAC makes of it (RFC 2104 section 2).
    SecretReduced,
    /// Codes in Steam's alphabet, which only some apps make.
    SteamCodes,
}

impl Warning {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::SurroundingSpace,
        Self::RawCharacter,
        Self::InvalidEscape,
        Self::PlusAsSpace,
        Self::HtmlAmpersand,
        Self::Fragment,
        Self::LabelMissing,
        Self::AccountMissing,
        Self::IssuerEmpty,
        Self::IssuerMissing,
        Self::IssuerMismatch,
        Self::LabelColon,
        Self::SpaceAfterColon,
        Self::ParameterCase,
        Self::ParameterRepeated,
        Self::ParameterUnknown,
        Self::ParameterIrrelevant,
        Self::AlgorithmSpelling,
        Self::CounterMissing,
        Self::SecretLowerCase,
        Self::SecretSeparators,
        Self::SecretPadding,
        Self::SecretTrailingBits,
        Self::SecretShort,
        Self::SecretVeryShort,
        Self::SecretReduced,
        Self::SteamCodes,
    ];

    /// A stable name for programs: kebab-case, never changed once published.
    pub const fn code(self) -> &'static str {
        match self {
            Self::SurroundingSpace => "surrounding-space",
            Self::RawCharacter => "raw-character",
            Self::InvalidEscape => "invalid-escape",
            Self::PlusAsSpace => "plus-as-space",
            Self::HtmlAmpersand => "html-ampersand",
            Self::Fragment => "fragment",
            Self::LabelMissing => "label-missing",
            Self::AccountMissing => "account-missing",
            Self::IssuerEmpty => "issuer-empty",
            Self::IssuerMissing => "issuer-missing",
            Self::IssuerMismatch => "issuer-mismatch",
            Self::LabelColon => "label-colon",
            Self::SpaceAfterColon => "space-after-colon",
            Self::ParameterCase => "parameter-case",
            Self::ParameterRepeated => "parameter-repeated",
            Self::ParameterUnknown => "parameter-unknown",
            Self::ParameterIrrelevant => "parameter-irrelevant",
            Self::AlgorithmSpelling => "algorithm-spelling",
            Self::CounterMissing => "counter-missing",
            Self::SecretLowerCase => "secret-lower-case",
            Self::SecretSeparators => "secret-separators",
            Self::SecretPadding => "secret-padding",
            Self::SecretTrailingBits => "secret-trailing-bits",
            Self::SecretShort => "secret-short",
            Self::SecretVeryShort => "secret-very-short",
            Self::SecretReduced => "secret-reduced",
            Self::SteamCodes => "steam-codes",
        }
    }

    /// Whether this departs from the Key URI format, so that `Profile::Strict` refuses the URI. The others are
    /// allowed by the format, and only worth knowing.
    pub const fn departs(self) -> bool {
        !matches!(
            self,
            Self::IssuerMissing
                | Self::SpaceAfterColon
                | Self::ParameterUnknown
                | Self::ParameterIrrelevant
                | Self::SteamCodes
        )
    }

    /// A sentence for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::SurroundingSpace => "White space around the URI was dropped.",
            Self::RawCharacter => "The URI holds characters that should have been percent-encoded.",
            Self::InvalidEscape => "A percent sign that begins no escape was taken as it stands.",
            Self::PlusAsSpace => "A plus sign in the query was read as a space.",
            Self::HtmlAmpersand => {
                "The URI was copied out of a page's source: \"&amp;\" was read as \"&\"."
            }
            Self::Fragment => "What follows the # was dropped.",
            Self::LabelMissing => "The URI has no label.",
            Self::AccountMissing => "The label names no account.",
            Self::IssuerEmpty => "The label begins with a colon: its issuer is empty.",
            Self::IssuerMissing => "The URI names no issuer.",
            Self::IssuerMismatch => {
                "The label and the issuer parameter name two issuers; the parameter counts."
            }
            Self::LabelColon => "The label holds more than one colon.",
            Self::SpaceAfterColon => "Spaces before the account were dropped.",
            Self::ParameterCase => "A parameter's name is not in lower case.",
            Self::ParameterRepeated => "A parameter stands more than once with the same value.",
            Self::ParameterUnknown => "An unknown parameter was ignored.",
            Self::ParameterIrrelevant => {
                "A parameter that means nothing for this kind of code was ignored."
            }
            Self::AlgorithmSpelling => "The algorithm is spelt unusually.",
            Self::CounterMissing => "The counter is missing; it was taken to be 0.",
            Self::SecretLowerCase => "The secret is in lower case.",
            Self::SecretSeparators => "The secret holds spaces or hyphens; they were dropped.",
            Self::SecretPadding => "The secret carries padding; it was dropped.",
            Self::SecretTrailingBits => {
                "The secret ends in bits that belong to no byte; they were dropped."
            }
            Self::SecretShort => "The secret has fewer than 128 bits.",
            Self::SecretVeryShort => "The secret has fewer than 80 bits and can be guessed.",
            Self::SecretReduced => {
                "The secret is longer than 128 bytes and was hashed to the key that HMAC uses."
            }
            Self::SteamCodes => "The codes are Steam's, which only some apps make.",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}
