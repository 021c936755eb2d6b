//! What authenticator apps make of a key URI: advice before a user scans it, with stable codes.

use core::fmt;

use twofa_totp::{Algorithm, Digits, Period};

use super::{KeyUri, Kind};
use crate::qr::{self, Qr};

/// A reason why some app would show wrong codes, show the account badly, or fail to scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lint {
    /// An algorithm other than SHA1: some apps (Authy, Duo, Microsoft Authenticator) compute SHA-1 whatever the URI
    /// says, and every code of theirs is then wrong.
    AlgorithmIgnored,
    /// Digits other than 6: some apps always show six, and every code of theirs is then wrong.
    DigitsIgnored,
    /// A period other than 30 seconds: some apps always count in 30 seconds, and their codes are then wrong.
    PeriodIgnored,
    /// A counter-based key: many apps read only time-based ones.
    CounterBased,
    /// Steam's codes: only a few apps make them.
    SteamCodes,
    /// No issuer: the app shows the account alone, and some replace another entry of the same account.
    IssuerMissing,
    /// The issuer holds a colon: apps cut the label there.
    IssuerColon,
    /// The account is empty: the user cannot tell this entry from another.
    AccountMissing,
    /// The account holds a colon: apps cut the label there.
    AccountColon,
    /// Issuer or account is longer than the 64 characters that a phone's list shows at most.
    LabelLong,
    /// The secret has fewer than the 128 bits that RFC 4226 (section 4, R6) requires.
    SecretShort,
    /// The secret has fewer than the 160 bits that RFC 4226 (section 4, R6) recommends.
    SecretBelowRecommended,
    /// The secret is longer than the hash's block: HMAC hashes it first (RFC 2104 section 2), and some apps get this wrong.
    SecretLong,
    /// The QR code is wider than a terminal of 80 columns shows, and phones need a steady hand for it.
    QrDense,
    /// The QR code would be too dense to scan off a screen: [`Qr::encode`] refuses it.
    QrTooDense,
}

impl Lint {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::AlgorithmIgnored,
        Self::DigitsIgnored,
        Self::PeriodIgnored,
        Self::CounterBased,
        Self::SteamCodes,
        Self::IssuerMissing,
        Self::IssuerColon,
        Self::AccountMissing,
        Self::AccountColon,
        Self::LabelLong,
        Self::SecretShort,
        Self::SecretBelowRecommended,
        Self::SecretLong,
        Self::QrDense,
        Self::QrTooDense,
    ];

    /// A stable name for programs: kebab-case, never changed once published.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AlgorithmIgnored => "algorithm-ignored",
            Self::DigitsIgnored => "digits-ignored",
            Self::PeriodIgnored => "period-ignored",
            Self::CounterBased => "counter-based",
            Self::SteamCodes => "steam-codes",
            Self::IssuerMissing => "issuer-missing",
            Self::IssuerColon => "issuer-colon",
            Self::AccountMissing => "account-missing",
            Self::AccountColon => "account-colon",
            Self::LabelLong => "label-long",
            Self::SecretShort => "secret-short",
            Self::SecretBelowRecommended => "secret-below-recommended",
            Self::SecretLong => "secret-long",
            Self::QrDense => "qr-dense",
            Self::QrTooDense => "qr-too-dense",
        }
    }

    /// A sentence for people: what happens, and what to do.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::AlgorithmIgnored => {
                "Some apps (Authy, Duo, Microsoft Authenticator) compute SHA-1 whatever the URI says: their codes will be wrong. Use SHA1."
            }
            Self::DigitsIgnored => {
                "Some apps always show six digits: their codes will be wrong. Use 6 digits."
            }
            Self::PeriodIgnored => {
                "Some apps always count in 30 seconds: their codes will be wrong. Use a period of 30 seconds."
            }
            Self::CounterBased => "Many apps read only time-based keys. Use totp.",
            Self::SteamCodes => "Only a few apps make Steam's codes.",
            Self::IssuerMissing => {
                "Without an issuer, apps show the account alone and may replace another entry of that name. Name the issuer."
            }
            Self::IssuerColon => "Apps cut the label at a colon. Leave it out of the issuer.",
            Self::AccountMissing => {
                "Without an account, users cannot tell this entry from another. Name the account."
            }
            Self::AccountColon => "Apps cut the label at a colon. Leave it out of the account.",
            Self::LabelLong => {
                "Apps show only the beginning of so long a name. Keep issuer and account within 64 characters each."
            }
            Self::SecretShort => {
                "The secret has fewer than 128 bits, the least that RFC 4226 allows. Make a new one."
            }
            Self::SecretBelowRecommended => {
                "The secret has fewer than the 160 bits that RFC 4226 recommends."
            }
            Self::SecretLong => {
                "The secret is longer than the hash's block, which some apps get wrong. Use the hash's own length."
            }
            Self::QrDense => {
                "The QR code is wider than 80 columns and hard to scan. Shorten issuer and account."
            }
            Self::QrTooDense => {
                "The QR code is too dense to scan off a screen. Shorten issuer and account."
            }
        }
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl KeyUri {
    /// What apps will get wrong about this key, or show badly. Empty for a key that every app takes.
    pub fn lint(&self) -> Vec<Lint> {
        let params = self.params();
        let clock = matches!(self.kind(), Kind::Totp);
        let bits = self.secret().len() * 8;
        let issuer = self.issuer().unwrap_or("");
        let too_long = |name: &str| name.chars().count() > 64;
        let (dense, too_dense) = match Qr::version_for(self.to_uri().expose_secret()) {
            Ok(version) => (version > qr::MAX_TERMINAL_VERSION, false),
            Err(_) => (false, true),
        };
        let steam = self.kind().name() == "steam";
        let checks = [
            (
                params.algorithm() != Algorithm::default(),
                Lint::AlgorithmIgnored,
            ),
            (params.digits() != Digits::default(), Lint::DigitsIgnored),
            (
                clock && params.period() != Period::default(),
                Lint::PeriodIgnored,
            ),
            (matches!(self.kind(), Kind::Hotp { .. }), Lint::CounterBased),
            (steam, Lint::SteamCodes),
            (issuer.is_empty(), Lint::IssuerMissing),
            (issuer.contains(':'), Lint::IssuerColon),
            (self.account().is_empty(), Lint::AccountMissing),
            (self.account().contains(':'), Lint::AccountColon),
            (
                too_long(issuer) || too_long(self.account()),
                Lint::LabelLong,
            ),
            (bits < 128, Lint::SecretShort),
            ((128..160).contains(&bits), Lint::SecretBelowRecommended),
            (
                self.secret().len() > params.algorithm().block_len(),
                Lint::SecretLong,
            ),
            (dense, Lint::QrDense),
            (too_dense, Lint::QrTooDense),
        ];
        checks
            .into_iter()
            .filter_map(|(applies, lint)| applies.then_some(lint))
            .collect()
    }
}
