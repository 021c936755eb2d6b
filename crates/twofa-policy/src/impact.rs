use twofa_types::UnixTime;

use crate::{
    Decision, FactorState, FactorView, Next, ProjectSettings, Role, SignInMethod, Warning,
    Warnings, decide,
};

/// What one sign-in meets under the settings as they are, and what it would meet under others: the same
/// [`decide`] twice, so that a dry run is enforcement.
///
/// Changes nothing. To see what happens once a mandate's date has come, pass a time from that date on.
///
/// ```
/// use twofa_policy::{FactorView, Mandate, Next, ProjectSettings, SignInMethod, impact_of};
/// use twofa_types::UnixTime;
///
/// let now = UnixTime::from_secs(1_700_000_000);
/// let (today, then) = (ProjectSettings::new(), ProjectSettings::mandatory_from(now));
/// let (before, after) = impact_of(&today, &then, SignInMethod::Password, &FactorView::NONE, now);
/// assert_eq!((before.next(), after.next()), (Next::Allow, Next::Enrol));
/// ```
pub const fn impact_of(
    settings_now: &ProjectSettings,
    settings_then: &ProjectSettings,
    method: SignInMethod,
    factor: &FactorView,
    now: UnixTime,
) -> (Decision, Decision) {
    (
        decide(settings_now, method, factor, now),
        decide(settings_then, method, factor, now),
    )
}

/// How many people meet each answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Counts {
    /// Let through.
    pub allow: u64,
    /// Asked to set up.
    pub enrol: u64,
    /// Asked for a code.
    pub challenge: u64,
    /// Refused.
    pub refuse: u64,
}

impl Counts {
    /// How many meet this answer.
    pub const fn of(&self, next: Next) -> u64 {
        match next {
            Next::Allow => self.allow,
            Next::Enrol => self.enrol,
            Next::Challenge => self.challenge,
            Next::Refuse => self.refuse,
        }
    }

    fn count(&mut self, next: Next) {
        let one = match next {
            Next::Allow => &mut self.allow,
            Next::Enrol => &mut self.enrol,
            Next::Challenge => &mut self.challenge,
            Next::Refuse => &mut self.refuse,
        };
        *one = one.saturating_add(1);
    }
}

/// A fold over a project's members: how many meet what, before and after a change. Of fixed size, however many
/// there are.
///
/// ```
/// use twofa_policy::{FactorView, ProjectSettings, Role, SignInMethod, Summary, Warning, impact_of};
/// use twofa_types::UnixTime;
///
/// let now = UnixTime::from_secs(1_700_000_000);
/// let (today, then) = (ProjectSettings::new(), ProjectSettings::mandatory_from(now));
/// let mut summary = Summary::new();
/// for (role, factor) in [(Role::Administrator, FactorView::NONE), (Role::Member, FactorView::active(now))] {
///     summary.add(role, &factor, &impact_of(&today, &then, SignInMethod::Password, &factor, now));
/// }
/// assert_eq!((summary.members(), summary.changed()), (2, 1));
/// assert_eq!((summary.now().allow, summary.then().enrol), (1, 1));
/// assert!(summary.warnings(&then).iter().eq([Warning::SingleAdministrator, Warning::NoEnrolledAdministrator]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Summary {
    now: Counts,
    then: Counts,
    members: u64,
    changed: u64,
    administrators: u64,
    enrolled_administrators: u64,
}

impl Summary {
    /// Of nobody.
    pub const fn new() -> Self {
        const NOBODY: Counts = Counts {
            allow: 0,
            enrol: 0,
            challenge: 0,
            refuse: 0,
        };
        Self {
            now: NOBODY,
            then: NOBODY,
            members: 0,
            changed: 0,
            administrators: 0,
            enrolled_administrators: 0,
        }
    }

    /// Adds one member: their role, their factor, and what [`impact_of`] answered for it.
    pub fn add(&mut self, role: Role, factor: &FactorView, impact: &(Decision, Decision)) {
        let (now, then) = impact;
        self.members = self.members.saturating_add(1);
        self.now.count(now.next());
        self.then.count(then.next());
        if (now.next(), now.reason()) != (then.next(), then.reason()) {
            self.changed = self.changed.saturating_add(1);
        }
        if role == Role::Administrator {
            self.administrators = self.administrators.saturating_add(1);
            if factor.state == FactorState::Active {
                self.enrolled_administrators = self.enrolled_administrators.saturating_add(1);
            }
        }
    }

    /// What they meet under the settings as they are.
    pub const fn now(&self) -> Counts {
        self.now
    }

    /// What they would meet after the change.
    pub const fn then(&self) -> Counts {
        self.then
    }

    /// How many were added.
    pub const fn members(&self) -> u64 {
        self.members
    }

    /// How many of them would meet another answer, or the same for another reason.
    pub const fn changed(&self) -> u64 {
        self.changed
    }

    /// How many are administrators.
    pub const fn administrators(&self) -> u64 {
        self.administrators
    }

    /// How many administrators have an active factor.
    pub const fn enrolled_administrators(&self) -> u64 {
        self.enrolled_administrators
    }

    /// What should be thought over before `settings_then` come into force: the members' warnings, then those of
    /// the settings themselves.
    pub const fn warnings(&self, settings_then: &ProjectSettings) -> Warnings {
        let mut warnings = settings_then.warnings();
        if self.administrators == 1 {
            warnings = warnings.or(Warning::SingleAdministrator);
        }
        if self.enrolled_administrators == 0 {
            warnings = warnings.or(Warning::NoEnrolledAdministrator);
        }
        warnings
    }
}
