use crate::Reason;

/// The rules of [`decide`](crate::decide) by number: what each asks, and the reasons it can give.
const RULES: [(&str, &[Reason]); 12] = [
    (
        "the clock stands more than two minutes behind the record's last event",
        &[Reason::ClockBehind],
    ),
    (
        "signed in through single sign-on, which the project has off",
        &[Reason::SsoNotEnabled],
    ),
    (
        "single sign-on is on, and was used or exempts passwords",
        &[Reason::SsoSupersedes],
    ),
    (
        "single sign-on is on and passwords are refused",
        &[Reason::SsoRequired],
    ),
    (
        "the record of the factor cannot be read",
        &[Reason::RecordUnreadable],
    ),
    ("the factor is locked", &[Reason::Locked]),
    ("the factor is active", &[Reason::FactorActive]),
    (
        "the factor was reset and not set up since",
        &[Reason::ResetByAdmin, Reason::ResetBySupport],
    ),
    (
        "single sign-on is on and passwords are challenged",
        &[Reason::SsoPasswordChallenged],
    ),
    ("the mandate's date is reached", &[Reason::Mandatory]),
    ("the mandate's date is ahead", &[Reason::NotYetMandatory]),
    ("a second factor is optional", &[Reason::Optional]),
];

/// The rules that were looked at for one decision, in their order.
///
/// Rule 0, `clock-behind`, is a check before the rules and shows only where it matched.
///
/// ```
/// use twofa_policy::{FactorView, ProjectSettings, SignInMethod, decide};
/// use twofa_types::UnixTime;
///
/// let decision = decide(&ProjectSettings::new(), SignInMethod::Sso, &FactorView::NONE, UnixTime::EPOCH);
/// let tried: Vec<_> = decision.trail().iter().map(|t| (t.rule, t.matched)).collect();
/// assert_eq!(tried, [(1, true)]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Trail {
    matched: u8,
}

impl Trail {
    pub(crate) const fn to(matched: u8) -> Self {
        Self { matched }
    }

    /// The number of the rule that matched.
    pub const fn matched(self) -> u8 {
        self.matched
    }

    /// Each rule that was looked at, in order.
    pub const fn iter(self) -> TrailIter {
        TrailIter {
            // A check that comes before the rules leaves none of them looked at.
            next: if self.matched == 0 { 0 } else { 1 },
            matched: self.matched,
        }
    }
}

impl IntoIterator for Trail {
    type Item = RuleTried;
    type IntoIter = TrailIter;

    fn into_iter(self) -> TrailIter {
        self.iter()
    }
}

/// One rule that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RuleTried {
    /// Its number in the table of [`decide`](crate::decide).
    pub rule: u8,
    /// What it asks, in English.
    pub when: &'static str,
    /// The reasons it can give.
    pub reasons: &'static [Reason],
    /// Whether it matched, and so decided.
    pub matched: bool,
}

/// See [`Trail::iter`].
#[derive(Debug, Clone)]
pub struct TrailIter {
    next: u8,
    matched: u8,
}

impl Iterator for TrailIter {
    type Item = RuleTried;

    fn next(&mut self) -> Option<RuleTried> {
        let rule = self.next;
        if rule > self.matched {
            return None;
        }
        let (when, reasons) = *RULES.get(usize::from(rule))?;
        self.next += 1;
        Some(RuleTried {
            rule,
            when,
            reasons,
            matched: rule == self.matched,
        })
    }
}
