//! Every input, with each time collapsed to how it lies to now.

use twofa_policy::{
    FactorState, FactorView, Handover, Lock, Mandate, PasswordUnderSso, ProjectSettings, ResetBy,
    Role, SelfReset, SignInMethod, Sso,
};
use twofa_types::UnixTime;

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

/// Moments that a time can lie at, as seen from [`NOW`]; one on either side and itself.
pub(crate) const PAST: UnixTime = NOW.saturating_sub(1);
pub(crate) const AHEAD: UnixTime = NOW.saturating_add(1);

pub(crate) const SSO: [Sso; 4] = [
    Sso::Off,
    Sso::On(PasswordUnderSso::Exempt),
    Sso::On(PasswordUnderSso::Challenge),
    Sso::On(PasswordUnderSso::Refuse),
];
pub(crate) const MANDATES: [Mandate; 4] = [
    Mandate::Optional,
    Mandate::From(PAST),
    Mandate::From(NOW),
    Mandate::From(AHEAD),
];
pub(crate) const METHODS: [SignInMethod; 2] = [SignInMethod::Password, SignInMethod::Sso];
pub(crate) const STATES: [FactorState; 5] = [
    FactorState::None,
    FactorState::Pending,
    FactorState::Active,
    FactorState::Unreadable,
    FactorState::KeyMissing,
];
pub(crate) const RESETS: [Option<ResetBy>; 3] =
    [None, Some(ResetBy::Administrator), Some(ResetBy::Support)];
pub(crate) const LOCKS: [Lock; 5] = [
    Lock::Open,
    Lock::Until(PAST),
    Lock::Until(NOW),
    Lock::Until(AHEAD),
    Lock::UntilReset,
];
pub(crate) const ROLES: [Option<Role>; 3] = [None, Some(Role::Member), Some(Role::Administrator)];
/// No record; past; now; as far ahead as a correction of the clock may leave it; a second beyond that.
pub(crate) const LAST_EVENTS: [Option<UnixTime>; 6] = [
    None,
    Some(PAST),
    Some(NOW),
    Some(AHEAD),
    Some(NOW.saturating_add(120)),
    Some(NOW.saturating_add(121)),
];

/// One input of `decide` at [`NOW`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) settings: ProjectSettings,
    pub(crate) method: SignInMethod,
    pub(crate) factor: FactorView,
}

pub(crate) fn settings() -> impl Iterator<Item = ProjectSettings> {
    SSO.into_iter().flat_map(|sso| {
        MANDATES.into_iter().flat_map(move |mandate| {
            [Handover::NotRequired, Handover::Required]
                .into_iter()
                .flat_map(move |handover| {
                    [SelfReset::Refused, SelfReset::Allowed]
                        .into_iter()
                        .map(move |self_reset| {
                            ProjectSettings::new()
                                .with_sso(sso)
                                .with_mandate(mandate)
                                .with_handover(handover)
                                .with_self_reset(self_reset)
                        })
                })
        })
    })
}

pub(crate) fn factors() -> impl Iterator<Item = FactorView> {
    STATES.into_iter().flat_map(|state| {
        RESETS.into_iter().flat_map(move |reset_by| {
            LOCKS.into_iter().flat_map(move |lock| {
                LAST_EVENTS.into_iter().map(move |last_event| FactorView {
                    state,
                    reset_by,
                    lock,
                    last_event,
                })
            })
        })
    })
}

/// The whole input space of `decide`.
pub(crate) fn cases() -> impl Iterator<Item = Case> {
    settings().flat_map(|settings| {
        METHODS.into_iter().flat_map(move |method| {
            factors().map(move |factor| Case {
                settings,
                method,
                factor,
            })
        })
    })
}

fn lies(time: UnixTime) -> &'static str {
    match time.as_secs().cmp(&NOW.as_secs()) {
        std::cmp::Ordering::Less => "past",
        std::cmp::Ordering::Equal => "at",
        std::cmp::Ordering::Greater => "ahead",
    }
}

impl Case {
    /// What stands for this case in a column of the tables.
    pub(crate) fn word(&self, column: &str) -> &'static str {
        let behind = self
            .factor
            .last_event
            .is_some_and(|l| l.as_secs() > NOW.as_secs() + 120);
        match column {
            "clock" if behind => "behind",
            "clock" => "ok",
            "method" if self.method == SignInMethod::Sso => "sso",
            "method" => "password",
            "sso" => match self.settings.sso() {
                Sso::Off => "off",
                Sso::On(PasswordUnderSso::Exempt) => "exempt",
                Sso::On(PasswordUnderSso::Challenge) => "challenge",
                Sso::On(PasswordUnderSso::Refuse) => "refuse",
            },
            "handover" if self.settings.handover() == Handover::Required => "yes",
            "handover" => "no",
            "lock" => match self.factor.lock {
                Lock::Open => "open",
                Lock::Until(time) => lies(time),
                Lock::UntilReset => "reset",
            },
            "state" => match self.factor.state {
                FactorState::None => "none",
                FactorState::Pending => "pending",
                FactorState::Active => "active",
                FactorState::Unreadable => "damaged",
                FactorState::KeyMissing => "no-key",
            },
            "reset" => match self.factor.reset_by {
                None => "never",
                Some(ResetBy::Administrator) => "admin",
                Some(ResetBy::Support) => "support",
            },
            "mandate" => match self.settings.mandate() {
                Mandate::Optional => "optional",
                Mandate::From(time) => lies(time),
            },
            other => panic!("no column {other}"),
        }
    }
}
