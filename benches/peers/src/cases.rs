use twofa_policy::{
    FactorState, FactorView, Lock, Mandate, PasswordUnderSso, ProjectSettings, ResetBy,
    SignInMethod, Sso,
};
use twofa_types::UnixTime;

/// The moment of every decision.
pub const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

/// One sign-in.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The project's settings.
    pub settings: ProjectSettings,
    /// How the person signed in.
    pub method: SignInMethod,
    /// Their factor.
    pub factor: FactorView,
}

/// Sign-ins of every kind, so that each rule decides some, in an order that a processor cannot guess.
pub fn cases() -> Vec<Case> {
    let before = NOW.saturating_sub(1000);
    let ahead = NOW.saturating_add(1000);
    let none = FactorView {
        last_event: Some(before),
        ..FactorView::NONE
    };
    let active = FactorView::active(before);
    let factors = [
        FactorView::NONE,
        FactorView {
            state: FactorState::Pending,
            ..none
        },
        FactorView {
            reset_by: Some(ResetBy::Administrator),
            ..none
        },
        FactorView {
            reset_by: Some(ResetBy::Support),
            ..none
        },
        active,
        FactorView {
            lock: Lock::Until(before),
            ..active
        },
        FactorView {
            lock: Lock::Until(ahead),
            ..active
        },
        FactorView {
            lock: Lock::UntilReset,
            ..active
        },
        FactorView::active(ahead),
    ];
    let mut cases = Vec::new();
    for sso in [
        Sso::Off,
        Sso::On(PasswordUnderSso::Exempt),
        Sso::On(PasswordUnderSso::Challenge),
        Sso::On(PasswordUnderSso::Refuse),
    ] {
        for mandate in [
            Mandate::Optional,
            Mandate::From(before),
            Mandate::From(ahead),
        ] {
            for method in [SignInMethod::Password, SignInMethod::Sso] {
                for factor in factors {
                    let settings = ProjectSettings::new().with_sso(sso).with_mandate(mandate);
                    cases.push(Case {
                        settings,
                        method,
                        factor,
                    });
                }
            }
        }
    }
    // A fixed shuffle: a step that has no divisor in common with the number of cases.
    let count = cases.len();
    (0..count).map(|i| cases[i * 101 % count]).collect()
}

impl Case {
    /// `password` or `sso`.
    pub fn method(&self) -> &'static str {
        match self.method {
            SignInMethod::Password => "password",
            SignInMethod::Sso => "sso",
        }
    }

    /// `off`, `exempt`, `challenge` or `refuse`.
    pub fn sso(&self) -> &'static str {
        self.settings.sso().code()
    }

    /// `none`, `pending` or `active`.
    pub fn state(&self) -> &'static str {
        match self.factor.state {
            FactorState::None => "none",
            FactorState::Pending => "pending",
            FactorState::Active => "active",
            FactorState::Unreadable => "unreadable",
            FactorState::KeyMissing => "key-missing",
        }
    }

    /// `never`, `admin` or `support`.
    pub fn reset(&self) -> &'static str {
        match self.factor.reset_by {
            None => "never",
            Some(ResetBy::Administrator) => "admin",
            Some(ResetBy::Support) => "support",
        }
    }

    /// `reset` for a lock without end, and when the lock ends; 0 for none.
    pub fn lock(&self) -> (&'static str, u64) {
        match self.factor.lock {
            Lock::Open => ("open", 0),
            Lock::Until(end) => ("until", end.as_secs()),
            Lock::UntilReset => ("reset", 0),
        }
    }

    /// `optional` or `from`, and from when; 0 for optional.
    pub fn mandate(&self) -> (&'static str, u64) {
        match self.settings.mandate() {
            Mandate::Optional => ("optional", 0),
            Mandate::From(from) => ("from", from.as_secs()),
        }
    }

    /// When the record last changed; 0 for no record.
    pub fn last_event(&self) -> u64 {
        self.factor.last_event.map_or(0, UnixTime::as_secs)
    }
}
