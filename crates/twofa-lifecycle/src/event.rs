use alloc::boxed::Box;
use core::fmt;

use twofa_policy::{ProjectSettings, Reason, Role, SignInMethod};
use twofa_types::{Name, UnixTime, UserId};

/// What the audit is told: never a code, never a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// Why, where it was refused.
    pub reason: Option<Reason>,
    /// Who did it; `None` for the factor's owner.
    pub actor: Option<Box<Actor>>,
    /// The factor's generation: after the change, where there was one.
    pub generation: u32,
    /// When.
    pub at: UnixTime,
    /// What else there is to say.
    pub detail: Option<Detail>,
}

/// Someone other than the factor's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "names are held inline; an event boxes its actor, and few events have one"
)]
pub enum Actor {
    /// A member of the project.
    Member(UserId),
    /// Whoever runs the installation, or supports it.
    Operator {
        /// Who.
        name: Name,
        /// The number of the ticket, where one asked for it.
        ticket: Option<Name>,
    },
}

impl Actor {
    /// An operator whom no ticket asked.
    ///
    /// ```
    /// use twofa_lifecycle::Actor;
    ///
    /// assert_eq!(Actor::operator("grace".parse()?).to_string(), "grace");
    /// # Ok::<(), twofa_types::NameError>(())
    /// ```
    pub const fn operator(name: Name) -> Self {
        Self::Operator { name, ticket: None }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(user) => fmt::Display::fmt(user, f),
            Self::Operator {
                name,
                ticket: Some(ticket),
            } => write!(f, "{name} (ticket {ticket})"),
            Self::Operator { name, ticket: None } => fmt::Display::fmt(name, f),
        }
    }
}

/// What else there is to say about an event. Its text is stable, one line, without secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detail {
    /// How many steps an accepted code was from now; negative for the past.
    Offset(i32),
    /// How far a clock was off, in seconds; negative where it was behind.
    ClockOff(i64),
    /// How many failures in a row this makes.
    Failures(u32),
    /// It was the key that was to replace another.
    Replacement,
    /// How somebody signed in.
    Method(SignInMethod),
    /// What a new member is.
    Role(Role),
    /// What a member was and is.
    RoleChange {
        /// Before.
        from: Role,
        /// After.
        to: Role,
    },
    /// Settings before and after.
    Settings {
        /// Before.
        from: ProjectSettings,
        /// After.
        to: ProjectSettings,
    },
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offset(steps) => write!(f, "offset={steps}"),
            Self::ClockOff(seconds) => write!(f, "clock={seconds}"),
            Self::Failures(failures) => write!(f, "failures={failures}"),
            Self::Replacement => f.write_str("replacement"),
            Self::Method(method) => f.write_str(method.code()),
            Self::Role(role) => f.write_str(role.code()),
            Self::RoleChange { from, to } => write!(f, "from {} to {}", from.code(), to.code()),
            Self::Settings { from, to } => write!(f, "from {from} to {to}"),
        }
    }
}

/// What happened. Its name is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A key was made and waits for its first code.
    EnrolmentBegun,
    /// Its first code came: it is in use.
    EnrolmentConfirmed,
    /// Its first code did not come in time.
    EnrolmentExpired,
    /// A sign-in passed without a code.
    Passed,
    /// A sign-in was refused before a code was asked for.
    Refused,
    /// A code was accepted.
    Accepted,
    /// A code was wrong.
    Failed,
    /// A code was right but its step was already spent.
    Replayed,
    /// Someone tried while the factor was locked. Once per lock.
    Throttled,
    /// So many failures in a row that only a reset helps.
    Locked,
    /// An administrator reset the factor.
    ResetGranted,
    /// Someone asked for a reset and was refused.
    ResetRefused,
    /// Someone asked for something else that needs authority, such as the list of factors, and was refused.
    AccessRefused,
    /// Support reset the factor.
    SupportReset,
    /// A key was made that is to replace the one in use.
    ReplacementBegun,
    /// Its first code came: the older key is gone.
    Replaced,
    /// A key was brought from another system.
    Imported,
    /// Every parked login was ended, since the password was changed.
    LoginsEnded,
    /// Every session was ended.
    SessionsEnded,
    /// The project's settings changed.
    SettingsChanged,
    /// The person became a member of the project.
    MemberAdded,
    /// The member's role changed.
    RoleChanged,
    /// The person is no member any more.
    MemberRemoved,
    /// What is stored was changed by something else than this library.
    Tampered,
    /// A record that could not be read was recovered, by an administrator or support. What was found damaged, the
    /// caller of [`step`](crate::step) adds as its detail.
    Recovered,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 25] = [
        Self::EnrolmentBegun,
        Self::EnrolmentConfirmed,
        Self::EnrolmentExpired,
        Self::Passed,
        Self::Refused,
        Self::Accepted,
        Self::Failed,
        Self::Replayed,
        Self::Throttled,
        Self::Locked,
        Self::ResetGranted,
        Self::ResetRefused,
        Self::AccessRefused,
        Self::SupportReset,
        Self::ReplacementBegun,
        Self::Replaced,
        Self::Imported,
        Self::LoginsEnded,
        Self::SessionsEnded,
        Self::SettingsChanged,
        Self::MemberAdded,
        Self::RoleChanged,
        Self::MemberRemoved,
        Self::Tampered,
        Self::Recovered,
    ];

    /// Its stable name.
    ///
    /// ```
    /// use twofa_lifecycle::EventKind;
    ///
    /// assert_eq!(EventKind::EnrolmentBegun.code(), "enrolment-begun");
    /// assert_eq!(EventKind::from_code("replayed"), Some(EventKind::Replayed));
    /// ```
    pub const fn code(self) -> &'static str {
        match self {
            Self::EnrolmentBegun => "enrolment-begun",
            Self::EnrolmentConfirmed => "enrolment-confirmed",
            Self::EnrolmentExpired => "enrolment-expired",
            Self::Passed => "passed",
            Self::Refused => "refused",
            Self::Accepted => "accepted",
            Self::Failed => "failed",
            Self::Replayed => "replayed",
            Self::Throttled => "throttled",
            Self::Locked => "locked",
            Self::ResetGranted => "reset-granted",
            Self::ResetRefused => "reset-refused",
            Self::AccessRefused => "access-refused",
            Self::SupportReset => "support-reset",
            Self::ReplacementBegun => "replacement-begun",
            Self::Replaced => "replaced",
            Self::Imported => "imported",
            Self::LoginsEnded => "logins-ended",
            Self::SessionsEnded => "sessions-ended",
            Self::SettingsChanged => "settings-changed",
            Self::MemberAdded => "member-added",
            Self::RoleChanged => "role-changed",
            Self::MemberRemoved => "member-removed",
            Self::Tampered => "tampered",
            Self::Recovered => "recovered",
        }
    }

    /// The kind of that name.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Whether the factor's owner must be told (NIST SP 800-63B-4, sections 4.1.2.1 and 4.2.3).
    pub const fn notice(self) -> bool {
        matches!(
            self,
            Self::EnrolmentConfirmed
                | Self::Locked
                | Self::ResetGranted
                | Self::SupportReset
                | Self::Replaced
                | Self::Imported
                | Self::Recovered
        )
    }
}
