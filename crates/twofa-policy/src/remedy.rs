use core::fmt;

use twofa_types::UnixTime;

/// A way out: something that the person who was stopped, or asked, can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// Set up two-factor authentication.
    SetUp,
    /// Enter the code that the authenticator app shows.
    EnterCode,
    /// Sign in through the project's single sign-on.
    SignInThroughSso,
    /// Sign in with the password.
    SignInWithPassword,
    /// Try again at this second.
    WaitUntil(UnixTime),
    /// Ask another person, an administrator of the project.
    AskAdministrator,
    /// Open a support ticket, on which an operator can act.
    OpenSupportTicket,
    /// For an operator: say who is acting.
    NameOperator,
    /// For an operator: say which ticket asks for it.
    NameTicket,
    /// For an operator: say that a key which is missing is given up.
    GiveKeyUp,
}

impl Remedy {
    /// The stable code, in kebab case; part of the public contract, as reason codes are.
    pub const fn code(self) -> &'static str {
        match self {
            Self::SetUp => "set-up",
            Self::EnterCode => "enter-code",
            Self::SignInThroughSso => "sign-in-through-sso",
            Self::SignInWithPassword => "sign-in-with-password",
            Self::WaitUntil(_) => "wait-until",
            Self::AskAdministrator => "ask-administrator",
            Self::OpenSupportTicket => "open-support-ticket",
            Self::NameOperator => "name-operator",
            Self::NameTicket => "name-ticket",
            Self::GiveKeyUp => "give-key-up",
        }
    }

    /// What to do, as an English sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::SetUp => "Set up two-factor authentication with an authenticator app.",
            Self::EnterCode => "Enter the code that your authenticator app shows.",
            Self::SignInThroughSso => "Sign in through single sign-on.",
            Self::SignInWithPassword => "Sign in with your password.",
            Self::WaitUntil(_) => "Wait until the lock ends, then try again.",
            Self::AskAdministrator => "Ask an administrator of your project for help.",
            Self::OpenSupportTicket => "Open a support ticket.",
            Self::NameOperator => "Give the name of the operator who is acting.",
            Self::NameTicket => "Give the number of the support ticket.",
            Self::GiveKeyUp => {
                "Bring the missing key back, or say that it is given up, which destroys what it would open."
            }
        }
    }

    const fn bit(self) -> u16 {
        match self {
            Self::SetUp => 1,
            Self::EnterCode => 1 << 1,
            Self::SignInThroughSso => 1 << 2,
            Self::SignInWithPassword => 1 << 3,
            Self::WaitUntil(_) => 1 << 4,
            Self::AskAdministrator => 1 << 5,
            Self::OpenSupportTicket => 1 << 6,
            Self::NameOperator => 1 << 7,
            Self::NameTicket => 1 << 8,
            Self::GiveKeyUp => 1 << 9,
        }
    }
}

/// The code.
impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// Whom a person can turn to, where the caller knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Help {
    /// The project has an administrator other than this person.
    AdministratorOrSupport,
    /// It has none: this person is the only one, or nobody is.
    SupportOnly,
}

/// The ways out of one answer, each at most once, the nearest first.
///
/// ```
/// use twofa_policy::{FactorView, Help, ProjectSettings, Remedy, SignInMethod, decide};
/// use twofa_types::UnixTime;
///
/// let now = UnixTime::from_secs(1_700_000_000);
/// let asked = decide(&ProjectSettings::new(), SignInMethod::Password, &FactorView::active(now), now);
/// assert!(asked.remedies().iter().eq([
///     Remedy::EnterCode,
///     Remedy::AskAdministrator,
///     Remedy::OpenSupportTicket,
/// ]));
/// // The only administrator of a project has nobody to ask.
/// assert!(asked.remedies().given(Help::SupportOnly).iter().eq([Remedy::EnterCode, Remedy::OpenSupportTicket]));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Remedies {
    bits: u16,
    /// Meaningful only beside the bit of `WaitUntil`; the epoch otherwise, so that equality is plain.
    until: UnixTime,
}

impl Remedies {
    pub(crate) const NONE: Self = Self {
        bits: 0,
        until: UnixTime::EPOCH,
    };

    /// The same ways out and this one.
    pub(crate) const fn or(mut self, remedy: Remedy) -> Self {
        self.bits |= remedy.bit();
        if let Remedy::WaitUntil(until) = remedy {
            self.until = until;
        }
        self
    }

    /// The same ways out, and single sign-on where the project has it.
    pub(crate) const fn or_sso(self, on: bool) -> Self {
        if on {
            self.or(Remedy::SignInThroughSso)
        } else {
            self
        }
    }

    /// The same, without asking an administrator where there is none to ask. Support always remains.
    #[must_use]
    pub const fn given(mut self, help: Help) -> Self {
        if matches!(help, Help::SupportOnly) {
            self.bits &= !Remedy::AskAdministrator.bit();
        }
        self
    }

    /// Whether this way out, with the same time where it has one, is among them.
    pub fn contains(self, remedy: Remedy) -> bool {
        self.iter().any(|r| r == remedy)
    }

    /// How many there are.
    pub const fn len(self) -> usize {
        self.bits.count_ones() as usize
    }

    /// Whether there is none: so it is beside every pass, and beside nothing else.
    pub const fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// Each in turn, the nearest first.
    pub const fn iter(self) -> RemediesIter {
        RemediesIter { left: self }
    }
}

impl IntoIterator for Remedies {
    type Item = Remedy;
    type IntoIter = RemediesIter;

    fn into_iter(self) -> RemediesIter {
        self.iter()
    }
}

impl fmt::Debug for Remedies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// See [`Remedies::iter`].
#[derive(Debug, Clone)]
pub struct RemediesIter {
    left: Remedies,
}

impl Iterator for RemediesIter {
    type Item = Remedy;

    fn next(&mut self) -> Option<Remedy> {
        let next = [
            Remedy::SetUp,
            Remedy::EnterCode,
            Remedy::SignInThroughSso,
            Remedy::SignInWithPassword,
            Remedy::WaitUntil(self.left.until),
            Remedy::AskAdministrator,
            Remedy::OpenSupportTicket,
            Remedy::NameOperator,
            Remedy::NameTicket,
            Remedy::GiveKeyUp,
        ]
        .into_iter()
        .find(|r| self.left.bits & r.bit() != 0)?;
        self.left.bits &= !next.bit();
        Some(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left.len(), Some(self.left.len()))
    }
}

impl ExactSizeIterator for RemediesIter {}
