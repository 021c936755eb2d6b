//! Reading a key URI from anywhere: bounded, and free of panics for any text.

use twofa_totp::{Algorithm, Digits, Params, Period, Secret};

use super::query::{Query, number};
use super::{KeyUri, Kind, ParseError, Warning, label};
use crate::{base32, percent};

/// The longest URI that is read, in bytes.
pub const MAX_URI_LEN: usize = 4096;

/// How much of what is met in the wild is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profile {
    /// Only what the Key URI format describes; any departure is an error that names it.
    Strict,
    /// What authenticator apps read and services write, with a [`Warning`] for every departure.
    #[default]
    Lenient,
}

/// A key URI that was read.
#[derive(Debug)]
#[non_exhaustive]
pub struct Parsed {
    /// What it says.
    pub uri: KeyUri,
    /// The issuer before the label's colon.
    pub issuer_prefix: Option<String>,
    /// The issuer that the parameter names.
    pub issuer_parameter: Option<String>,
    /// What is odd about it, in the order in which it was noticed, each once.
    pub warnings: Vec<Warning>,
    /// What the URI itself calls its kind: `totp`, `hotp` or `steam`. Steam's codes are met under `totp` too.
    pub type_name: &'static str,
}

/// Reads a key URI under a profile with its usual bounds. See [`Parser`] to set them.
///
/// # Errors
///
/// Says what is wrong; see [`ParseError`].
///
/// ```
/// use twofa_otpauth::{Profile, Warning, parse};
///
/// let met = "otpauth://totp/ACME:jo?secret=gezd%20gnbv%20gy3t%20qojq%20gezd%20gnbv%20gy3t%20qojq&issuer=Acme";
/// let parsed = parse(met, Profile::Lenient)?;
/// assert_eq!(parsed.uri.account(), "jo");
/// assert_eq!(parsed.uri.issuer(), Some("Acme"));
/// assert_eq!(parsed.issuer_prefix.as_deref(), Some("ACME"));
/// assert!(parsed.warnings.contains(&Warning::IssuerMismatch));
/// assert!(parse(met, Profile::Strict).is_err());
/// # Ok::<(), twofa_otpauth::ParseError>(())
/// ```
pub fn parse(text: &str, profile: Profile) -> Result<Parsed, ParseError> {
    Parser::new(profile).parse(text)
}

/// A profile with its bounds.
///
/// Read leniently, a secret of any length is taken, with a warning below 128 and another below 80 bits: apps take
/// them too. Whoever protects accounts with what is read, an import for instance, asks for more:
///
/// ```
/// use twofa_otpauth::{ParseError, Parser, Profile};
///
/// let import = Parser::new(Profile::Lenient).with_min_secret_bits(80);
/// assert_eq!(
///     import.parse("otpauth://totp/jo?secret=GEZDGNBV").unwrap_err(),
///     ParseError::SecretTooShort { bits: 40, least: 80 }
/// );
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parser {
    profile: Profile,
    min_secret_bits: u16,
}

impl Parser {
    /// A parser with the profile's usual bounds.
    pub const fn new(profile: Profile) -> Self {
        Self {
            profile,
            min_secret_bits: 0,
        }
    }

    /// Refuses secrets of fewer bits. RFC 4226 (section 4, R6) requires 128, which the strict profile asks for anyway.
    #[must_use]
    pub const fn with_min_secret_bits(mut self, bits: u16) -> Self {
        self.min_secret_bits = bits;
        self
    }

    /// Reads a key URI.
    ///
    /// # Errors
    ///
    /// Says what is wrong; see [`ParseError`].
    pub fn parse(&self, text: &str) -> Result<Parsed, ParseError> {
        if text.len() > MAX_URI_LEN {
            return Err(ParseError::TooLong);
        }
        let mut notes = Notes::default();
        let trimmed = text.trim();
        if trimmed.len() != text.len() {
            notes.add(Warning::SurroundingSpace);
        }
        let parsed = self.read(trimmed, notes)?;
        match parsed.warnings.iter().find(|w| w.departs()) {
            Some(warning) if self.profile == Profile::Strict => {
                Err(ParseError::NotStrict(*warning))
            }
            _ => Ok(parsed),
        }
    }

    fn read(self, text: &str, mut notes: Notes) -> Result<Parsed, ParseError> {
        let (scheme, rest) = text.split_once(':').ok_or(ParseError::Scheme)?;
        if scheme.eq_ignore_ascii_case("otpauth-migration") {
            return Err(ParseError::ExportBatch);
        }
        if scheme.eq_ignore_ascii_case("steam") {
            return self.read_steam_scheme(rest, notes);
        }
        if !scheme.eq_ignore_ascii_case("otpauth") {
            return Err(ParseError::Scheme);
        }
        let rest = rest
            .strip_prefix("//")
            .ok_or(ParseError::AuthorityMissing)?;
        let rest = cut_fragment(rest, &mut notes);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, raw_label) = path
            .split_once('/')
            .map_or((path, None), |(h, l)| (h, Some(l)));

        let query = Query::read(query, &mut notes)?;
        let (kind, type_name) = kind_of(host, &query, &mut notes)?;
        let issuer_parameter = query.issuer.as_deref().filter(|i| !i.is_empty());
        if issuer_parameter.is_some_and(|i| i.contains(char::is_control)) {
            return Err(ParseError::IssuerControl);
        }
        if raw_label.is_none_or(str::is_empty) {
            notes.add(Warning::LabelMissing);
        }
        let label = label::read(raw_label.unwrap_or(""), issuer_parameter, &mut notes)?;
        let issuer = notes.settle_issuer(issuer_parameter, label.issuer.as_deref());
        let params = params_of(kind, &query, &mut notes)?;
        let secret = self.secret_of(query.secret.as_deref(), params.algorithm(), &mut notes)?;
        let uri = KeyUri {
            kind,
            issuer: issuer.map(str::to_owned),
            account: label.account,
            secret,
            params,
        };
        Ok(Parsed {
            uri,
            issuer_prefix: label.issuer,
            issuer_parameter: issuer_parameter.map(str::to_owned),
            warnings: notes.warnings,
            type_name,
        })
    }

    /// `steam://SECRET`, as some password managers store it.
    #[cfg(feature = "steam")]
    fn read_steam_scheme(self, rest: &str, mut notes: Notes) -> Result<Parsed, ParseError> {
        let rest = rest
            .strip_prefix("//")
            .ok_or(ParseError::AuthorityMissing)?;
        let raw = rest.split(['/', '?', '#']).next().unwrap_or("");
        let decoded =
            percent::decode(raw, false).ok_or(ParseError::Utf8(super::Parameter::Secret))?;
        notes.note_decoded(&decoded);
        notes.add(Warning::SteamCodes);
        notes.add(Warning::LabelMissing);
        notes.add(Warning::AccountMissing);
        let secret = self.secret_of(Some(&decoded.text), Algorithm::Sha1, &mut notes)?;
        let uri = KeyUri {
            kind: Kind::Steam,
            issuer: Some("Steam".to_owned()),
            account: String::new(),
            secret,
            params: Params::default(),
        };
        Ok(Parsed {
            uri,
            issuer_prefix: None,
            issuer_parameter: None,
            warnings: notes.warnings,
            type_name: "steam",
        })
    }

    #[cfg(not(feature = "steam"))]
    #[expect(
        clippy::unused_self,
        reason = "the same shape with and without the feature"
    )]
    fn read_steam_scheme(self, _: &str, _: Notes) -> Result<Parsed, ParseError> {
        Err(ParseError::Steam)
    }

    fn secret_of(
        self,
        text: Option<&str>,
        algorithm: Algorithm,
        notes: &mut Notes,
    ) -> Result<Secret, ParseError> {
        let text = text.ok_or(ParseError::SecretMissing)?;
        let (bytes, met) = base32::decode_lenient(text).map_err(ParseError::Secret)?;
        for (is_met, warning) in [
            (met.lower_case, Warning::SecretLowerCase),
            (met.separators, Warning::SecretSeparators),
            (met.padding, Warning::SecretPadding),
            (met.trailing_bits, Warning::SecretTrailingBits),
        ] {
            if is_met {
                notes.add(warning);
            }
        }
        notes.note_secret_len(bytes.len());
        let bits = bytes.len() * 8;
        if bits < usize::from(self.min_secret_bits) {
            return Err(ParseError::SecretTooShort {
                bits,
                least: self.min_secret_bits,
            });
        }
        Secret::from_bytes(&bytes)
            .or_else(|_| {
                notes.add(Warning::SecretReduced);
                Secret::reduce(&bytes, algorithm)
            })
            .map_err(|_| ParseError::Secret(base32::DecodeError::Empty))
    }
}

/// Warnings, each once.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) warnings: Vec<Warning>,
}

impl Notes {
    pub(crate) fn add(&mut self, warning: Warning) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// RFC 4226 (section 4, R6) requires 128 bits; 80 is what the shortest keys in wide use have.
    pub(crate) fn note_secret_len(&mut self, bytes: usize) {
        if bytes < 16 {
            self.add(Warning::SecretShort);
        }
        if bytes < 10 {
            self.add(Warning::SecretVeryShort);
        }
    }

    /// The issuer of a key whose label and parameter may both name one: the parameter counts.
    pub(crate) fn settle_issuer<'a>(
        &mut self,
        parameter: Option<&'a str>,
        prefix: Option<&'a str>,
    ) -> Option<&'a str> {
        match (parameter, prefix) {
            (Some(parameter), Some(prefix)) if parameter != prefix => {
                self.add(Warning::IssuerMismatch);
            }
            (None, None) => self.add(Warning::IssuerMissing),
            _ => {}
        }
        parameter.or(prefix)
    }

    pub(super) fn note_decoded(&mut self, decoded: &percent::Decoded<'_>) {
        if decoded.raw {
            self.add(Warning::RawCharacter);
        }
        if decoded.invalid_escape {
            self.add(Warning::InvalidEscape);
        }
        if decoded.plus {
            self.add(Warning::PlusAsSpace);
        }
    }
}

fn cut_fragment<'a>(text: &'a str, notes: &mut Notes) -> &'a str {
    match text.split_once('#') {
        Some((before, _)) => {
            notes.add(Warning::Fragment);
            before
        }
        None => text,
    }
}

fn kind_of(
    host: &str,
    query: &Query<'_>,
    notes: &mut Notes,
) -> Result<(Kind, &'static str), ParseError> {
    let encoder = match query.encoder.as_deref() {
        None | Some("") => false,
        Some(encoder) if encoder.eq_ignore_ascii_case("steam") => true,
        Some(_) => return Err(ParseError::Encoder),
    };
    if host.eq_ignore_ascii_case("hotp") {
        if encoder {
            return Err(ParseError::Encoder);
        }
        let counter = if let Some(counter) = &query.counter {
            number(counter).ok_or(ParseError::Counter)?
        } else {
            notes.add(Warning::CounterMissing);
            0
        };
        return Ok((Kind::Hotp { counter }, "hotp"));
    }
    let type_name = if host.eq_ignore_ascii_case("totp") {
        "totp"
    } else if host.eq_ignore_ascii_case("steam") {
        "steam"
    } else {
        return Err(ParseError::Type);
    };
    if query.counter.is_some() {
        notes.add(Warning::ParameterIrrelevant);
    }
    if type_name == "totp" && !encoder {
        return Ok((Kind::Totp, type_name));
    }
    #[cfg(feature = "steam")]
    {
        notes.add(Warning::SteamCodes);
        Ok((Kind::Steam, type_name))
    }
    #[cfg(not(feature = "steam"))]
    Err(ParseError::Steam)
}

fn params_of(kind: Kind, query: &Query<'_>, notes: &mut Notes) -> Result<Params, ParseError> {
    let algorithm = match &query.algorithm {
        Some(name) => algorithm_named(name, notes)?,
        None => Algorithm::default(),
    };
    let period = match &query.period {
        Some(_) if matches!(kind, Kind::Hotp { .. }) => {
            notes.add(Warning::ParameterIrrelevant);
            Period::default()
        }
        Some(period) => number(period)
            .and_then(|p| Period::new(p).ok())
            .ok_or(ParseError::Period)?,
        None => Period::default(),
    };
    #[cfg(feature = "steam")]
    if kind == Kind::Steam {
        // Steam has one algorithm, one period and one length; a URI that asks for others cannot be served.
        return if algorithm != Algorithm::Sha1 {
            Err(ParseError::Algorithm)
        } else if period != Period::default() {
            Err(ParseError::Period)
        } else if query.digits.as_deref().is_some_and(|d| d != "5") {
            Err(ParseError::Digits)
        } else {
            Ok(Params::default())
        };
    }
    let digits = match &query.digits {
        Some(digits) => number::<u8>(digits)
            .and_then(|d| Digits::try_from(d).ok())
            .ok_or(ParseError::Digits)?,
        None => Digits::default(),
    };
    Ok(Params::default()
        .with_algorithm(algorithm)
        .with_digits(digits)
        .with_period(period))
}

/// `SHA1`, `SHA256`, `SHA512`; also in lower case, with hyphens (`SHA-256`) and with `Hmac` before it.
fn algorithm_named(name: &str, notes: &mut Notes) -> Result<Algorithm, ParseError> {
    const ALL: [Algorithm; 3] = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512];
    if let Some(exact) = ALL.into_iter().find(|a| a.name() == name) {
        return Ok(exact);
    }
    let mut plain = name.to_ascii_uppercase();
    plain.retain(|c| !matches!(c, '-' | '_'));
    let plain = plain.strip_prefix("HMAC").unwrap_or(&plain);
    let found = ALL
        .into_iter()
        .find(|a| a.name() == plain)
        .ok_or(ParseError::Algorithm)?;
    notes.add(Warning::AlgorithmSpelling);
    Ok(found)
}
