use twofa_types::UnixTime;

use crate::{Decision, FactorView, Lock, Next, ProjectSettings, SignInMethod, decide};

/// How a person came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// With a password and an accepted code.
    Code,
    /// Through single sign-on.
    Sso,
    /// With a password alone: optional, not yet mandatory, or exempt. Never enough for a reset.
    Password,
}

impl How {
    /// Stable short text: `code`, `sso` or `password`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Sso => "sso",
            Self::Password => "password",
        }
    }

    /// The sign-in that stood at the beginning of it.
    pub const fn method(self) -> SignInMethod {
        match self {
            Self::Sso => SignInMethod::Sso,
            Self::Code | Self::Password => SignInMethod::Password,
        }
    }
}

/// What an open session has proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Proven {
    /// How the person came in.
    pub how: How,
    /// The generation of the person's factor at that time; 0 or 1 where there was none.
    pub generation: u32,
}

impl Proven {
    /// Whether a reset has come between this and `current`, the generation of the factor now.
    ///
    /// A person without a record counts as generation 1, which is what a first record begins with.
    pub(crate) const fn voided(self, current: u32) -> bool {
        let (then, now) = (self.generation, current);
        (if then == 0 { 1 } else { then }) != (if now == 0 { 1 } else { now })
    }
}

/// The answer for an open session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "a session that is not ended goes on"]
pub enum Recheck {
    /// It may go on.
    Continue,
    /// It has to end. The decision is what the next sign-in of the same kind would meet at this moment.
    SignInAgain(Decision),
}

/// Asks the rules again for a session that is already open, so that a mandate that begins, a single sign-on
/// that ends, a change of either, or a reset reaches live sessions too.
///
/// The session goes on where the factor has not been reset since (`current_generation`) and the same sign-in
/// would now be let through, or would be asked for a code that the session has proven. A lock ends no session
/// that has proven its code: it stops guesses, and somebody else's guesses must not sign a person out.
///
/// A record that cannot be read ends every session that rests on the factor, or on having none. Where single
/// sign-on lets the same sign-in through whatever the factor is, the session goes on. `current_generation` is
/// then the highest that is known from elsewhere, such as the events; a session of any other ends.
///
/// ```
/// use twofa_policy::{FactorView, How, ProjectSettings, Proven, Reason, Recheck, recheck};
/// use twofa_types::UnixTime;
///
/// let noon = UnixTime::from_secs(1_669_852_800);
/// let settings = ProjectSettings::mandatory_from(noon);
/// let session = Proven { how: How::Password, generation: 0 };
///
/// let before = recheck(&settings, session, &FactorView::NONE, 0, noon.saturating_sub(1));
/// assert_eq!(before, Recheck::Continue);
/// let Recheck::SignInAgain(decision) = recheck(&settings, session, &FactorView::NONE, 0, noon) else {
///     panic!("the mandate has begun");
/// };
/// assert_eq!(decision.reason(), Reason::Mandatory);
///
/// let code = Proven { how: How::Code, generation: 1 };
/// let damaged = recheck(&settings, code, &FactorView::UNREADABLE, 1, noon);
/// assert!(matches!(damaged, Recheck::SignInAgain(met) if met.reason() == Reason::RecordUnreadable));
/// ```
pub const fn recheck(
    settings: &ProjectSettings,
    proven: Proven,
    factor: &FactorView,
    current_generation: u32,
    now: UnixTime,
) -> Recheck {
    let again = decide(settings, proven.how.method(), factor, now);
    if proven.voided(current_generation) {
        return Recheck::SignInAgain(again);
    }
    let goes_on = match proven.how {
        How::Code => {
            let mut unlocked = *factor;
            unlocked.lock = Lock::Open;
            let asked = decide(settings, proven.how.method(), &unlocked, now);
            matches!(asked.next(), Next::Allow | Next::Challenge)
        }
        How::Sso | How::Password => matches!(again.next(), Next::Allow),
    };
    if goes_on {
        Recheck::Continue
    } else {
        Recheck::SignInAgain(again)
    }
}
