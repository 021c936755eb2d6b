use twofa_types::UnixTime;

use crate::{Config, Record};

/// The SHA-256 of a login id. The id itself, 128 random bits that only the browser keeps, never comes here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoginHash([u8; 32]);

impl LoginHash {
    /// Takes a hash that was made of the id, or read from a store.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash, for a store to look up by.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// What a parked login waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LoginKind {
    /// The first code of the key that this login began.
    Enrol,
    /// A code of the key in use.
    Challenge,
    /// The first code of the key that is to replace the one in use.
    Replace,
}

impl LoginKind {
    /// Its name in a store: `enrol`, `challenge`, `replace`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Enrol => "enrol",
            Self::Challenge => "challenge",
            Self::Replace => "replace",
        }
    }

    /// The kind of that name.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Enrol, Self::Challenge, Self::Replace]
            .into_iter()
            .find(|kind| kind.code() == code)
    }
}

/// A login that has brought its credentials and waits for a code. Kept by the store, which also knows whose it
/// is; never by the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParkedLogin {
    /// The hash of its id.
    pub id: LoginHash,
    /// What it waits for.
    pub kind: LoginKind,
    /// The factor's generation when it was parked; a reset since then voids it.
    pub generation: u32,
    /// When it was parked.
    pub parked: UnixTime,
    /// From when on it is worth nothing.
    pub expires: UnixTime,
    /// Codes that failed or were replayed in it.
    pub failures: u8,
}

impl ParkedLogin {
    /// So many failures end a login.
    pub const MAX_FAILURES: u8 = 5;

    /// A fresh login for the factor of `record`.
    ///
    /// ```
    /// use twofa_lifecycle::{Config, LoginHash, LoginKind, ParkedLogin, Record};
    /// use twofa_types::UnixTime;
    ///
    /// let now = UnixTime::from_secs(1_669_852_800);
    /// let id = LoginHash::from_bytes([1; 32]);
    /// let login = ParkedLogin::park(id, LoginKind::Challenge, &Record::new(), now, &Config::default());
    /// assert_eq!(login.expires, now.saturating_add(600));
    /// ```
    #[must_use]
    pub fn park(
        id: LoginHash,
        kind: LoginKind,
        record: &Record,
        now: UnixTime,
        config: &Config,
    ) -> Self {
        let secs = match kind {
            LoginKind::Challenge => config.login_secs(),
            LoginKind::Enrol | LoginKind::Replace => config.set_up_secs(),
        };
        Self {
            id,
            kind,
            generation: record.generation(),
            parked: now,
            expires: now.saturating_add(u64::from(secs)),
            failures: 0,
        }
    }

    /// What one more failure does to it.
    pub(crate) const fn after_failure(&self) -> LoginEffect {
        if self.failures.saturating_add(1) >= Self::MAX_FAILURES {
            LoginEffect::End
        } else {
            LoginEffect::CountFailure
        }
    }
}

/// What becomes of the parked login that answered; stored together with the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum LoginEffect {
    /// It stays as it is.
    Keep,
    /// It stays, with one failure more.
    CountFailure,
    /// It is over.
    End,
    /// Every parked login of this subject is over.
    EndAll,
}
