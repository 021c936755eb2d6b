use core::{fmt, num::NonZeroU16, str};

use twofa_types::UnixTime;

use crate::OutOfBounds;

/// The hash under the HMAC (RFC 6238 section 1.2).
///
/// SHA-1 is the default because it is the one that every authenticator app computes; several compute it whatever
/// the key URI says. Its collisions do not weaken HMAC-SHA-1 (RFC 6194 section 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Algorithm {
    /// HMAC-SHA-1, the default of RFC 4226 and of key URIs.
    #[default]
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

impl Algorithm {
    /// Every algorithm, shortest output first.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// Bytes of output, and so of a secret made for this algorithm (RFC 6238 section 5.1): 20, 32 or 64.
    pub const fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// Bytes in a block of the hash: 64, 64 or 128. HMAC hashes longer keys (RFC 2104 section 2).
    pub const fn block_len(self) -> usize {
        match self {
            Self::Sha1 | Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }

    /// The name as key URIs write it: `SHA1`, `SHA256`, `SHA512`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Reads `SHA1`, `SHA256`, `SHA512`, in either case and with or without a hyphen after `SHA`.
impl str::FromStr for Algorithm {
    type Err = OutOfBounds;

    fn from_str(text: &str) -> Result<Self, OutOfBounds> {
        let known = |names: [&str; 2]| names.iter().any(|name| text.eq_ignore_ascii_case(name));
        if known(["SHA1", "SHA-1"]) {
            Ok(Self::Sha1)
        } else if known(["SHA256", "SHA-256"]) {
            Ok(Self::Sha256)
        } else if known(["SHA512", "SHA-512"]) {
            Ok(Self::Sha512)
        } else {
            Err(OutOfBounds::Algorithm)
        }
    }
}

/// How many digits a code has: at least 6, at most 8 (RFC 4226 section 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Digits {
    /// Six digits, the default; a guess is right once in 1,000,000.
    #[default]
    Six,
    /// Seven digits.
    Seven,
    /// Eight digits.
    Eight,
}

impl Digits {
    /// The number of digits: 6, 7 or 8.
    pub const fn get(self) -> u8 {
        match self {
            Self::Six => 6,
            Self::Seven => 7,
            Self::Eight => 8,
        }
    }

    /// Reduces the 31 bits of a truncated HMAC to this many digits (RFC 4226 section 5.3). A constant divisor in
    /// each arm lets the compiler multiply instead of divide, which is also free of timing by value.
    pub(crate) const fn reduce(self, truncated: u32) -> u32 {
        match self {
            Self::Six => truncated % 1_000_000,
            Self::Seven => truncated % 10_000_000,
            Self::Eight => truncated % 100_000_000,
        }
    }
}

impl TryFrom<u8> for Digits {
    type Error = OutOfBounds;

    /// # Errors
    ///
    /// [`OutOfBounds::Digits`] for anything but 6, 7 and 8.
    fn try_from(digits: u8) -> Result<Self, OutOfBounds> {
        match digits {
            6 => Ok(Self::Six),
            7 => Ok(Self::Seven),
            8 => Ok(Self::Eight),
            _ => Err(OutOfBounds::Digits),
        }
    }
}

impl From<Digits> for u8 {
    fn from(digits: Digits) -> Self {
        digits.get()
    }
}

/// How long a time step lasts, in whole seconds: `X` of RFC 6238 section 4.1, 30 by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(NonZeroU16);

impl Period {
    /// The longest period: one hour.
    pub const MAX_SECS: u16 = 3600;

    /// A period of `secs` seconds.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds::Period`] unless `secs` lies between 1 and [`Period::MAX_SECS`].
    ///
    /// ```
    /// use twofa_totp::{OutOfBounds, Period};
    ///
    /// assert_eq!(Period::new(60)?.secs(), 60);
    /// assert_eq!(Period::new(0), Err(OutOfBounds::Period));
    /// # Ok::<(), OutOfBounds>(())
    /// ```
    pub const fn new(secs: u16) -> Result<Self, OutOfBounds> {
        match NonZeroU16::new(secs) {
            Some(secs) if secs.get() <= Self::MAX_SECS => Ok(Self(secs)),
            _ => Err(OutOfBounds::Period),
        }
    }

    /// Seconds.
    pub const fn secs(self) -> u16 {
        self.0.get()
    }

    pub(crate) fn nonzero(self) -> core::num::NonZeroU64 {
        self.0.into()
    }
}

impl Default for Period {
    /// 30 seconds (RFC 6238 section 5.2).
    fn default() -> Self {
        const THIRTY: NonZeroU16 = NonZeroU16::MIN.saturating_add(29);
        Self(THIRTY)
    }
}

impl TryFrom<u16> for Period {
    type Error = OutOfBounds;

    fn try_from(secs: u16) -> Result<Self, OutOfBounds> {
        Self::new(secs)
    }
}

impl From<Period> for u16 {
    fn from(period: Period) -> Self {
        period.secs()
    }
}

/// What the server and the authenticator app agree on beside the secret. The default is what every app
/// understands: SHA-1, six digits, 30 seconds, counted from the Unix epoch.
///
/// ```
/// use twofa_totp::{Algorithm, Digits, Params};
///
/// let params = Params::default().with_algorithm(Algorithm::Sha256).with_digits(Digits::Eight);
/// assert_eq!((params.algorithm().name(), params.digits().get(), params.period().secs()), ("SHA256", 8, 30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Params {
    algorithm: Algorithm,
    digits: Digits,
    period: Period,
    t0: UnixTime,
}

impl Params {
    /// These parameters, with another algorithm.
    #[must_use]
    pub const fn with_algorithm(self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// These parameters, with another number of digits.
    #[must_use]
    pub const fn with_digits(self, digits: Digits) -> Self {
        Self { digits, ..self }
    }

    /// These parameters, with another period.
    #[must_use]
    pub const fn with_period(self, period: Period) -> Self {
        Self { period, ..self }
    }

    /// These parameters, counting steps from another time: `T0` of RFC 6238 section 4.1. Key URIs cannot say it,
    /// so both sides must know it by other means.
    #[must_use]
    pub const fn with_t0(self, t0: UnixTime) -> Self {
        Self { t0, ..self }
    }

    /// The hash under the HMAC.
    pub const fn algorithm(self) -> Algorithm {
        self.algorithm
    }

    /// How many digits a code has.
    pub const fn digits(self) -> Digits {
        self.digits
    }

    /// How long a step lasts.
    pub const fn period(self) -> Period {
        self.period
    }

    /// When step 0 begins.
    pub const fn t0(self) -> UnixTime {
        self.t0
    }
}
