//! What goes in and out of a login: who signs in, and the four answers that they can get.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};
use twofa_lifecycle::LoginHash;
use twofa_otpauth::{KeyUri, SecretText, qr};
use twofa_policy::{Decision, Reason, SignInMethod};
use twofa_types::{ProjectId, UnixTime, UserId};
use zeroize::Zeroize as _;

use crate::proof::LoginPass;
use crate::random;

/// Someone whose credentials the application has just found right.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct SignIn {
    project: ProjectId,
    user: UserId,
    method: SignInMethod,
}

impl SignIn {
    /// With a password, or whatever the application itself checks.
    pub fn password(project: &ProjectId, user: &UserId) -> Self {
        Self {
            project: project.clone(),
            user: user.clone(),
            method: SignInMethod::Password,
        }
    }

    /// Through the project's identity provider. Call this only where the provider's answer was verified:
    /// in a project with single sign-on it is what stands in for the code.
    pub fn sso(project: &ProjectId, user: &UserId) -> Self {
        Self {
            project: project.clone(),
            user: user.clone(),
            method: SignInMethod::Sso,
        }
    }

    /// The project.
    pub fn project(&self) -> &ProjectId {
        &self.project
    }

    /// The person.
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// How.
    pub fn method(&self) -> SignInMethod {
        self.method
    }
}

/// What names a parked login: 128 random bits. The application keeps it where it keeps a half-open session
/// (a cookie, a hidden field); the store keeps only its hash.
#[derive(Clone)]
pub struct LoginId([u8; 16]);

impl LoginId {
    pub(crate) fn random() -> Result<Self, crate::Error> {
        let mut id = [0; 16];
        random::fill(&mut id).map_err(|_| crate::Error::Random)?;
        Ok(Self(id))
    }

    pub(crate) fn hash(&self) -> LoginHash {
        LoginHash::from_bytes(Sha256::digest(self.0).into())
    }
}

impl Drop for LoginId {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for LoginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hex = [0; 32];
        f.write_str(base16ct::lower::encode_str(&self.0, &mut hex).unwrap_or_default())
    }
}

impl fmt::Debug for LoginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginId(..)")
    }
}

impl FromStr for LoginId {
    type Err = NotALoginId;

    fn from_str(text: &str) -> Result<Self, NotALoginId> {
        let mut id = [0; 16];
        match base16ct::mixed::decode(text, &mut id) {
            Ok(decoded) if decoded.len() == 16 => Ok(Self(id)),
            _ => Err(NotALoginId),
        }
    }
}

/// The text is no login id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a login id is 32 hexadecimal digits; begin the login again")]
pub struct NotALoginId;

/// What a sign-in leads to.
#[derive(Debug)]
#[must_use]
pub enum Begin {
    /// No code is needed: here is the pass.
    Allowed(LoginPass),
    /// They must set up first: show the QR code, then answer with the code that the app shows.
    Enrol(Enrolment),
    /// They have a factor: ask for its code.
    Challenge(Challenge),
    /// They may not come in now; the decision says why, until when, and what they can do.
    Refused(Decision),
}

/// A set-up under way. The one place that a secret leaves the library: show it once, store it nowhere, and
/// send the page that carries it with `Cache-Control: no-store`.
#[derive(Debug)]
#[must_use]
pub struct Enrolment {
    pub(crate) login: LoginId,
    pub(crate) reason: Reason,
    pub(crate) uri: KeyUri,
    pub(crate) expires: UnixTime,
    pub(crate) handover_required: bool,
}

impl Enrolment {
    /// Names this set-up; only it may confirm the secret.
    pub fn login(&self) -> &LoginId {
        &self.login
    }

    /// Why they must set up.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The key URI that the QR code holds. A secret.
    pub fn uri(&self) -> SecretText {
        self.uri.to_uri()
    }

    /// The QR code that an authenticator app scans. A secret.
    ///
    /// # Errors
    ///
    /// When issuer and account are so long that a phone could not scan the symbol off a screen.
    pub fn qr(&self) -> Result<qr::Qr, qr::QrError> {
        qr::Qr::encode(self.uri().expose_secret())
    }

    /// The secret in groups of four, for people who cannot scan. A secret.
    pub fn manual_key(&self) -> SecretText {
        self.uri.manual_key()
    }

    /// Who issues, for which account, with which parameters.
    pub fn key_uri(&self) -> &KeyUri {
        &self.uri
    }

    /// When the set-up lapses, and the secret with it.
    pub fn expires(&self) -> UnixTime {
        self.expires
    }

    /// Whether the code of a resetting administrator must come with the answer.
    pub fn handover_required(&self) -> bool {
        self.handover_required
    }
}

/// A login that waits for its code.
#[derive(Debug)]
#[must_use]
pub struct Challenge {
    pub(crate) login: LoginId,
    pub(crate) decision: Decision,
    pub(crate) expires: UnixTime,
    pub(crate) handover_required: bool,
}

impl Challenge {
    /// Names the parked login.
    pub fn login(&self) -> &LoginId {
        &self.login
    }

    /// Why a code is asked for.
    pub fn reason(&self) -> Reason {
        self.decision.reason()
    }

    /// Whether a hand-over code must come with the answer: once, for a factor that was brought in after a reset.
    pub fn handover_required(&self) -> bool {
        self.handover_required
    }

    /// The decision behind it, with the ways out.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// When the parked login lapses.
    pub fn expires(&self) -> UnixTime {
        self.expires
    }
}

/// What beginning a set-up again leads to: see [`TwoFactor::begin_again`](crate::TwoFactor::begin_again).
#[derive(Debug)]
#[must_use]
#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart where it is received, and never kept"
)]
pub enum Again {
    /// A new QR code under a new login id.
    Enrol(Enrolment),
    /// The login is over; the person signs in again.
    Rejected(Rejected),
}

/// An answer to a challenge or a set-up, as a person typed it.
#[must_use]
pub struct Attempt<'a> {
    pub(crate) login: &'a LoginId,
    pub(crate) typed: &'a str,
    pub(crate) handover: Option<&'a str>,
}

impl<'a> Attempt<'a> {
    /// The code that was typed for `login`, spaces and all.
    pub fn new(login: &'a LoginId, typed: &'a str) -> Self {
        Self {
            login,
            typed,
            handover: None,
        }
    }

    /// With the hand-over code that the resetting administrator passed on.
    pub fn with_handover(self, typed: &'a str) -> Self {
        Self {
            handover: Some(typed),
            ..self
        }
    }
}

impl fmt::Debug for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attempt(..)")
    }
}

/// What an answer leads to.
#[derive(Debug)]
#[must_use]
pub enum Answer {
    /// The code was right: here is the pass.
    Accepted(LoginPass),
    /// It was not, or not now.
    Rejected(Rejected),
}

/// Why an answer was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejected {
    pub(crate) reason: Reason,
    pub(crate) retry_at: Option<UnixTime>,
    pub(crate) clock_off: Option<twofa_totp::ClockOff>,
    pub(crate) login_ended: bool,
}

impl Rejected {
    /// Why.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// When the next code will be looked at, where there is a wait.
    pub fn retry_at(&self) -> Option<UnixTime> {
        self.retry_at
    }

    /// How far off the clock of the phone is, and which way, where that may be told.
    pub fn clock_off(&self) -> Option<twofa_totp::ClockOff> {
        self.clock_off
    }

    /// Whether this login is over, so that the person must sign in again.
    pub fn login_ended(&self) -> bool {
        self.login_ended
    }
}
