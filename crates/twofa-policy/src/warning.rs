use core::fmt;

use crate::{PasswordUnderSso, ProjectSettings, Sso};

/// Something that works as it is set, and should be thought over. Never a reason for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Warning {
    /// `single-administrator`. Whoever it is can be reset by support alone.
    SingleAdministrator,
    /// `no-enrolled-administrator`. Nobody in the project could prove a code in order to reset anybody.
    NoEnrolledAdministrator,
    /// `password-exempt-under-sso`. A sign-in with a password passes with no second factor at all.
    PasswordExemptUnderSso,
    /// `administrator-could-reset`. Support reset somebody whom an administrator could have helped.
    AdministratorCouldReset,
}

impl Warning {
    /// Every warning, in the order they are given in.
    pub const ALL: &'static [Self] = &[
        Self::SingleAdministrator,
        Self::NoEnrolledAdministrator,
        Self::PasswordExemptUnderSso,
        Self::AdministratorCouldReset,
    ];

    /// The stable code, in kebab case.
    pub const fn code(self) -> &'static str {
        match self {
            Self::SingleAdministrator => "single-administrator",
            Self::NoEnrolledAdministrator => "no-enrolled-administrator",
            Self::PasswordExemptUnderSso => "password-exempt-under-sso",
            Self::AdministratorCouldReset => "administrator-could-reset",
        }
    }

    /// What to think over, as an English sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::SingleAdministrator => {
                "The project has a single administrator; if they lose their device, only support can reset them."
            }
            Self::NoEnrolledAdministrator => {
                "No administrator of the project has set up two-factor authentication, so none could reset a member with a code of their own."
            }
            Self::PasswordExemptUnderSso => {
                "Sign-ins with a password pass without a second factor while single sign-on is on; challenge or refuse them unless no local passwords exist."
            }
            Self::AdministratorCouldReset => {
                "Another administrator of the project has a working second factor and could have done this reset."
            }
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::SingleAdministrator => 1,
            Self::NoEnrolledAdministrator => 1 << 1,
            Self::PasswordExemptUnderSso => 1 << 2,
            Self::AdministratorCouldReset => 1 << 3,
        }
    }
}

/// The code.
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// A set of warnings, each at most once.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Warnings(u8);

impl Warnings {
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const fn or(self, warning: Warning) -> Self {
        Self(self.0 | warning.bit())
    }

    /// Whether this one is among them.
    pub const fn contains(self, warning: Warning) -> bool {
        self.0 & warning.bit() != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each in turn.
    pub const fn iter(self) -> WarningsIter {
        WarningsIter { left: self }
    }
}

impl IntoIterator for Warnings {
    type Item = Warning;
    type IntoIter = WarningsIter;

    fn into_iter(self) -> WarningsIter {
        self.iter()
    }
}

impl fmt::Debug for Warnings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// See [`Warnings::iter`].
#[derive(Debug, Clone)]
pub struct WarningsIter {
    left: Warnings,
}

impl Iterator for WarningsIter {
    type Item = Warning;

    fn next(&mut self) -> Option<Warning> {
        let next = Warning::ALL
            .iter()
            .copied()
            .find(|w| self.left.contains(*w))?;
        self.left.0 &= !next.bit();
        Some(next)
    }
}

impl ProjectSettings {
    /// What should be thought over about these settings by themselves.
    ///
    /// ```
    /// use twofa_policy::{ProjectSettings, Sso, Warning};
    ///
    /// let settings = ProjectSettings::new().with_sso(Sso::supersedes());
    /// assert!(settings.warnings().contains(Warning::PasswordExemptUnderSso));
    /// assert!(ProjectSettings::new().warnings().is_empty());
    /// ```
    pub const fn warnings(&self) -> Warnings {
        match self.sso() {
            Sso::On(PasswordUnderSso::Exempt) => Warnings::NONE.or(Warning::PasswordExemptUnderSso),
            Sso::Off | Sso::On(PasswordUnderSso::Challenge | PasswordUnderSso::Refuse) => {
                Warnings::NONE
            }
        }
    }
}
