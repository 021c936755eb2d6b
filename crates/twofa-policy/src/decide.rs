use twofa_types::UnixTime;

use crate::reset::{SOMEBODY_ELSE, SUPPORT};
use crate::{
    FactorState, FactorView, Handover, Help, Lock, Mandate, PasswordUnderSso, ProjectSettings,
    Reason, Remedies, Remedy, ResetBy, SignInMethod, Sso, Trail,
};

/// What a sign-in meets next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Next {
    /// Let through as it is.
    Allow,
    /// Set up a factor first.
    Enrol,
    /// Enter a code first.
    Challenge,
    /// No further.
    Refuse,
}

impl Next {
    /// Stable short text: `allow`, `enrol`, `challenge` or `refuse`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Enrol => "enrol",
            Self::Challenge => "challenge",
            Self::Refuse => "refuse",
        }
    }
}

/// The answer to one sign-in: what comes next, why, by which rules, and the ways out.
///
/// A decision is computed for one moment and is no authority: it opens nothing, and it is never kept to be
/// asked again. Settings, factor and time may all differ by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "a decision that is not looked at lets everybody through"]
pub struct Decision {
    next: Next,
    reason: Reason,
    rule: u8,
    until: Option<UnixTime>,
    remedies: Remedies,
}

impl Decision {
    /// What comes next.
    pub const fn next(&self) -> Next {
        self.next
    }

    /// Why.
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// When this answer changes by itself: the end of a lock, or the mandate's date for `not-yet-mandatory`.
    pub const fn until(&self) -> Option<UnixTime> {
        self.until
    }

    /// The rules that were looked at, in order; the last one is the one that matched.
    pub const fn trail(&self) -> Trail {
        Trail::to(self.rule)
    }

    /// The ways out: at least one unless this allows, none when it does.
    pub const fn remedies(&self) -> Remedies {
        self.remedies
    }

    /// The ways out for somebody of whom it is known whether the project has another administrator to ask.
    pub const fn remedies_with(&self, help: Help) -> Remedies {
        self.remedies.given(help)
    }

    const fn new(rule: u8, next: Next, reason: Reason, remedies: Remedies) -> Self {
        Self {
            next,
            reason,
            rule,
            until: None,
            remedies,
        }
    }

    const fn until_time(mut self, until: UnixTime) -> Self {
        self.until = Some(until);
        self
    }
}

/// Decides what one sign-in meets: the rules in order, the first that matches.
///
/// | # | when | decision | reason |
/// |---|---|---|---|
/// | 0 | the record's last event is more than two minutes ahead of `now` | refuse | `clock-behind` |
/// | 1 | signed in through SSO, project has SSO off | refuse | `sso-not-enabled` |
/// | 2 | SSO on, and signed in through SSO or passwords are exempt | allow | `sso-supersedes` |
/// | 3 | SSO on, password sign-in, passwords are refused | refuse | `sso-required` |
/// | 4 | the record cannot be read | refuse | `record-unreadable` |
/// | 5 | factor locked | refuse (until) | `locked` |
/// | 6 | factor active | challenge | `factor-active` |
/// | 7 | factor was reset and not set up since | enrol | `reset-by-admin`, `reset-by-support` |
/// | 8 | SSO on, password sign-in, passwords are challenged | enrol | `sso-password-challenged` |
/// | 9 | mandate date reached (`now` >= from) | enrol | `mandatory` |
/// | 10 | mandate date ahead | allow (from) | `not-yet-mandatory` |
/// | 11 | optional | allow | `optional` |
///
/// Rules 1 to 3 ask nothing of the factor, so that a record which cannot be read stops nobody whom single sign-on
/// lets in. It stops everybody else, whatever the mandate.
///
/// Pure and total: equal inputs give equal answers, and every input gives one.
///
/// ```
/// use twofa_policy::{FactorView, Next, ProjectSettings, Reason, SignInMethod, Sso, decide};
/// use twofa_types::UnixTime;
///
/// let now = UnixTime::from_secs(1_700_000_000);
/// let enrolled = FactorView::active(now);
/// let settings = ProjectSettings::mandatory_from(now);
///
/// let asked = decide(&settings, SignInMethod::Password, &enrolled, now);
/// assert_eq!((asked.next(), asked.reason()), (Next::Challenge, Reason::FactorActive));
/// assert_eq!(asked.trail().iter().count(), 6);
///
/// let passed = decide(&settings.with_sso(Sso::supersedes()), SignInMethod::Sso, &enrolled, now);
/// assert_eq!((passed.next(), passed.reason()), (Next::Allow, Reason::SsoSupersedes));
///
/// let claimed = decide(&settings, SignInMethod::Sso, &enrolled, now);
/// assert_eq!((claimed.next(), claimed.reason()), (Next::Refuse, Reason::SsoNotEnabled));
/// ```
pub const fn decide(
    settings: &ProjectSettings,
    method: SignInMethod,
    factor: &FactorView,
    now: UnixTime,
) -> Decision {
    let sso = settings.sso();
    let through_sso = matches!(method, SignInMethod::Sso);

    if factor.clock_behind(now) {
        return Decision::new(0, Next::Refuse, Reason::ClockBehind, SUPPORT);
    }
    if through_sso && !sso.is_on() {
        let ways = Remedies::NONE.or(Remedy::SignInWithPassword);
        return Decision::new(1, Next::Refuse, Reason::SsoNotEnabled, ways);
    }
    if sso.is_on() && (through_sso || matches!(sso, Sso::On(PasswordUnderSso::Exempt))) {
        return Decision::new(2, Next::Allow, Reason::SsoSupersedes, Remedies::NONE);
    }
    if matches!(sso, Sso::On(PasswordUnderSso::Refuse)) {
        let ways = Remedies::NONE.or(Remedy::SignInThroughSso);
        return Decision::new(3, Next::Refuse, Reason::SsoRequired, ways);
    }
    // From here on the sign-in was made with a password, and single sign-on, where it is on, is a way out.
    if let Some(ways) = factor.ways_to_recovery() {
        let ways = ways.or_sso(sso.is_on());
        return Decision::new(4, Next::Refuse, Reason::RecordUnreadable, ways);
    }
    if factor.lock.holds(now) {
        let ways = SOMEBODY_ELSE.or_sso(sso.is_on());
        return if let Lock::Until(end) = factor.lock {
            let ways = ways.or(Remedy::WaitUntil(end));
            Decision::new(5, Next::Refuse, Reason::Locked, ways).until_time(end)
        } else {
            Decision::new(5, Next::Refuse, Reason::Locked, ways)
        };
    }
    if matches!(factor.state, FactorState::Active) {
        let ways = SOMEBODY_ELSE.or_sso(sso.is_on()).or(Remedy::EnterCode);
        return Decision::new(6, Next::Challenge, Reason::FactorActive, ways);
    }
    let set_up = Remedies::NONE.or_sso(sso.is_on()).or(Remedy::SetUp);
    if let Some(by) = factor.reset_by {
        let reason = match by {
            ResetBy::Administrator => Reason::ResetByAdmin,
            ResetBy::Support => Reason::ResetBySupport,
        };
        // The hand-over code comes from whoever reset; without it, only another reset helps.
        let ways = if matches!(settings.handover(), Handover::Required) {
            set_up
                .or(Remedy::AskAdministrator)
                .or(Remedy::OpenSupportTicket)
        } else {
            set_up
        };
        return Decision::new(7, Next::Enrol, reason, ways);
    }
    if sso.is_on() {
        return Decision::new(8, Next::Enrol, Reason::SsoPasswordChallenged, set_up);
    }
    match settings.mandate() {
        Mandate::From(from) if now.as_secs() >= from.as_secs() => {
            Decision::new(9, Next::Enrol, Reason::Mandatory, set_up)
        }
        Mandate::From(from) => {
            Decision::new(10, Next::Allow, Reason::NotYetMandatory, Remedies::NONE).until_time(from)
        }
        Mandate::Optional => Decision::new(11, Next::Allow, Reason::Optional, Remedies::NONE),
    }
}
