use core::fmt;

use twofa_types::UnixTime;

/// Whether a project requires a second factor, and since when.
///
/// Nobody inside a project can change this, administrators included: see
/// [`authorize_settings_change`](crate::authorize_settings_change).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mandate {
    /// Each person chooses. Whoever has set a factor up is asked for it all the same.
    #[default]
    Optional,
    /// Required from this second on; before it, people are let through with the date as a notice.
    From(UnixTime),
}

/// Whether people of a project sign in through single sign-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Sso {
    /// Passwords only. A sign-in that claims to come through single sign-on is refused.
    #[default]
    Off,
    /// Single sign-on takes the place of the second factor; what happens to passwords is set beside it.
    On(PasswordUnderSso),
}

impl Sso {
    /// Single sign-on supersedes two-factor authentication outright: nobody in the project is asked for a code.
    ///
    /// This leaves a sign-in with a password and nothing else open to whoever still has a password, which is
    /// what [`PasswordUnderSso::Exempt`] describes and [`ProjectSettings::warnings`] points out.
    pub const fn supersedes() -> Self {
        Self::On(PasswordUnderSso::Exempt)
    }

    /// Whether sign-ins through single sign-on are accepted.
    pub const fn is_on(self) -> bool {
        matches!(self, Self::On(_))
    }

    /// Stable short text: `off`, `exempt`, `challenge` or `refuse`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On(PasswordUnderSso::Exempt) => "exempt",
            Self::On(PasswordUnderSso::Challenge) => "challenge",
            Self::On(PasswordUnderSso::Refuse) => "refuse",
        }
    }

    /// The setting that has this [`code`](Self::code); none for any other text.
    pub fn from_code(code: &str) -> Option<Self> {
        [
            Self::Off,
            Self::On(PasswordUnderSso::Exempt),
            Self::On(PasswordUnderSso::Challenge),
            Self::On(PasswordUnderSso::Refuse),
        ]
        .into_iter()
        .find(|sso| sso.code() == code)
    }
}

/// What a password is worth in a project that has single sign-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PasswordUnderSso {
    /// A password sign-in passes with no second factor, as a sign-in through single sign-on does.
    ///
    /// The attack this leaves open: whoever learns, guesses or resets a local password comes in past both the
    /// identity provider and the second factor. Choose it only where local passwords do not exist.
    Exempt,
    /// A password sign-in has to prove a second factor, and to set one up where there is none.
    Challenge,
    /// A password sign-in is refused.
    Refuse,
}

/// Whether a set-up after a reset needs a hand-over code.
///
/// After a reset, whoever first brings the password sets up. A hand-over code, shown once to the administrator
/// who reset and passed on by other means, closes that gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Handover {
    /// The password alone begins a set-up after a reset.
    #[default]
    NotRequired,
    /// The set-up after a reset also asks for the hand-over code.
    Required,
}

/// Whether administrators may reset themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SelfReset {
    /// Another administrator or support has to do it.
    #[default]
    Refused,
    /// An administrator with a fresh proof may reset their own factor.
    Allowed,
}

/// Whether sign-ins that pass without a code are on the record, one event each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Passes {
    /// They are.
    #[default]
    Recorded,
    /// They are not: for a project whose identity provider keeps such a record itself.
    NotRecorded,
}

/// How a person signed in, before any second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignInMethod {
    /// With a password that this application checked.
    Password,
    /// Through single sign-on: an identity provider vouches for the person.
    Sso,
}

impl SignInMethod {
    /// Its stable name: `password` or `sso`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Sso => "sso",
        }
    }
}

/// What a person is in one project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Uses the project.
    Member,
    /// May also reset the factors of the project's other people. May not change the mandate or single sign-on.
    Administrator,
}

impl Role {
    /// Its stable name: `member` or `administrator`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Administrator => "administrator",
        }
    }

    /// The role of that name; none for any other text.
    ///
    /// ```
    /// use twofa_policy::Role;
    ///
    /// assert_eq!(Role::from_code(Role::Administrator.code()), Some(Role::Administrator));
    /// assert_eq!(Role::from_code("admin"), None);
    /// ```
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Member, Self::Administrator]
            .into_iter()
            .find(|role| role.code() == code)
    }
}

/// What an operator has set for one project.
///
/// ```
/// use twofa_policy::{Mandate, PasswordUnderSso, ProjectSettings, Sso};
/// use twofa_types::UnixTime;
///
/// const SETTINGS: ProjectSettings = ProjectSettings::mandatory_from(UnixTime::from_secs(1_669_852_800))
///     .with_sso(Sso::On(PasswordUnderSso::Challenge))
///     .with_step_up_age(120);
/// assert_eq!(SETTINGS.sso().code(), "challenge");
/// assert_eq!(SETTINGS.step_up_age(), 120);
/// assert_eq!(ProjectSettings::default().mandate(), Mandate::Optional);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProjectSettings {
    mandate: Mandate,
    sso: Sso,
    handover: Handover,
    self_reset: SelfReset,
    step_up_age: u32,
    passes: Passes,
}

impl ProjectSettings {
    /// How old a proof may be for a reset, in seconds, unless set otherwise.
    pub const DEFAULT_STEP_UP_AGE: u32 = 300;
    /// The largest step-up age, in seconds: a day. Beyond that a fresh proof would mean nothing.
    pub const MAX_STEP_UP_AGE: u32 = 86_400;

    /// Optional, no single sign-on, no hand-over code, no self-reset, a step-up age of 5 minutes, passes recorded.
    pub const fn new() -> Self {
        Self {
            mandate: Mandate::Optional,
            sso: Sso::Off,
            handover: Handover::NotRequired,
            self_reset: SelfReset::Refused,
            step_up_age: Self::DEFAULT_STEP_UP_AGE,
            passes: Passes::Recorded,
        }
    }

    /// As [`new`](Self::new), with a mandate that begins at `from`.
    pub const fn mandatory_from(from: UnixTime) -> Self {
        Self::new().with_mandate(Mandate::From(from))
    }

    /// With this mandate.
    #[must_use]
    pub const fn with_mandate(mut self, mandate: Mandate) -> Self {
        self.mandate = mandate;
        self
    }

    /// With this single sign-on.
    #[must_use]
    pub const fn with_sso(mut self, sso: Sso) -> Self {
        self.sso = sso;
        self
    }

    /// With or without a hand-over code after a reset.
    #[must_use]
    pub const fn with_handover(mut self, handover: Handover) -> Self {
        self.handover = handover;
        self
    }

    /// With or without administrators' resets of themselves.
    #[must_use]
    pub const fn with_self_reset(mut self, self_reset: SelfReset) -> Self {
        self.self_reset = self_reset;
        self
    }

    /// With proofs accepted for a reset up to `seconds` old, both ends included. More than
    /// [`MAX_STEP_UP_AGE`](Self::MAX_STEP_UP_AGE) is taken as that; 0 asks for a proof of the same second.
    #[must_use]
    pub const fn with_step_up_age(mut self, seconds: u32) -> Self {
        self.step_up_age = match seconds {
            0..=Self::MAX_STEP_UP_AGE => seconds,
            _ => Self::MAX_STEP_UP_AGE,
        };
        self
    }

    /// With sign-ins that pass without a code on the record, or not.
    #[must_use]
    pub const fn with_passes(mut self, passes: Passes) -> Self {
        self.passes = passes;
        self
    }

    /// Whether and since when a second factor is required.
    pub const fn mandate(&self) -> Mandate {
        self.mandate
    }

    /// Whether people sign in through single sign-on, and what a password is worth beside it.
    pub const fn sso(&self) -> Sso {
        self.sso
    }

    /// Whether a set-up after a reset needs a hand-over code.
    pub const fn handover(&self) -> Handover {
        self.handover
    }

    /// Whether administrators may reset themselves.
    pub const fn self_reset(&self) -> SelfReset {
        self.self_reset
    }

    /// Whether sign-ins that pass without a code are on the record.
    pub const fn passes(&self) -> Passes {
        self.passes
    }

    /// How old a proof may be for a reset, in seconds; 300 unless set.
    pub const fn step_up_age(&self) -> u32 {
        self.step_up_age
    }
}

/// One line that stays the same from version to version: what a setting's default is goes without saying.
impl fmt::Display for ProjectSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mandate {
            Mandate::Optional => f.write_str("mandate=optional")?,
            Mandate::From(from) => write!(f, "mandate={from}")?,
        }
        write!(f, " sso={}", self.sso.code())?;
        f.write_str(match self.handover {
            Handover::NotRequired => "",
            Handover::Required => " handover",
        })?;
        f.write_str(match self.self_reset {
            SelfReset::Refused => "",
            SelfReset::Allowed => " self-reset",
        })?;
        write!(f, " step-up={}", self.step_up_age)?;
        f.write_str(match self.passes {
            Passes::Recorded => "",
            Passes::NotRecorded => " passes-not-recorded",
        })
    }
}

impl Default for ProjectSettings {
    fn default() -> Self {
        Self::new()
    }
}
