//! Small promises of single types.

use twofa_policy::{
    Counts, FactorView, Help, Lock, Mandate, Next, PasswordUnderSso, ProjectSettings, Remedy, Role,
    SignInMethod, Sso, Summary, Warning, authorize_settings_change, decide, impact_of,
};
use twofa_types::UnixTime;

use crate::space::{AHEAD, NOW, PAST, SSO, cases};

#[test]
fn settings_begin_as_documented_and_keep_what_is_set() {
    let settings = ProjectSettings::default();
    assert_eq!(settings, ProjectSettings::new());
    assert_eq!(settings.step_up_age(), 300);
    assert_eq!(settings.with_step_up_age(0).step_up_age(), 0);
    assert_eq!(settings.with_step_up_age(86_400).step_up_age(), 86_400);
    assert_eq!(settings.with_step_up_age(86_401).step_up_age(), 86_400);
    assert_eq!(settings.with_step_up_age(u32::MAX).step_up_age(), 86_400);
    assert_eq!(
        ProjectSettings::mandatory_from(NOW).mandate(),
        Mandate::From(NOW)
    );
    assert_eq!(Sso::supersedes(), Sso::On(PasswordUnderSso::Exempt));
}

#[test]
fn sso_has_a_text_form_both_ways() {
    let codes: Vec<_> = SSO.iter().map(|s| s.code()).collect();
    assert_eq!(codes, ["off", "exempt", "challenge", "refuse"]);
    for sso in SSO {
        assert_eq!(Sso::from_code(sso.code()), Some(sso));
        assert_eq!(sso.is_on(), sso != Sso::Off);
    }
    assert_eq!(Sso::from_code("on"), None);
}

#[test]
fn a_lock_ends_at_its_second() {
    assert!(Lock::Until(AHEAD).holds(NOW));
    assert!(!Lock::Until(NOW).holds(NOW));
    assert!(!Lock::Until(PAST).holds(NOW));
    assert!(Lock::UntilReset.holds(UnixTime::MAX));
    assert!(!Lock::Open.holds(UnixTime::EPOCH));
}

#[test]
fn no_time_is_too_far_for_any_rule() {
    let times = [
        UnixTime::EPOCH,
        UnixTime::from_secs(119),
        NOW,
        UnixTime::MAX,
    ];
    for now in times {
        for other in times {
            let settings = ProjectSettings::mandatory_from(other);
            let factor = FactorView {
                lock: Lock::Until(other),
                ..FactorView::active(other)
            };
            for method in [SignInMethod::Password, SignInMethod::Sso] {
                let decision = decide(&settings, method, &factor, now);
                assert_ne!(decision.next(), Next::Allow);
            }
        }
    }
}

#[test]
fn sets_of_remedies_and_warnings_count_and_print_what_they_hold() {
    let locked = FactorView {
        lock: Lock::Until(AHEAD),
        ..FactorView::active(NOW)
    };
    let decision = decide(
        &ProjectSettings::new(),
        SignInMethod::Password,
        &locked,
        NOW,
    );
    let ways = decision.remedies();
    assert_eq!(ways.len(), 3);
    assert_eq!(ways.iter().size_hint(), (3, Some(3)));
    let mut iter = ways.into_iter();
    assert_eq!(iter.next(), Some(Remedy::WaitUntil(AHEAD)));
    assert_eq!(iter.len(), 2);
    assert!(ways.contains(Remedy::WaitUntil(AHEAD)));
    assert!(!ways.contains(Remedy::WaitUntil(NOW)));
    assert!(!ways.contains(Remedy::SetUp));
    let printed = format!("{:?}", ways.given(Help::SupportOnly));
    assert_eq!(
        printed,
        "[WaitUntil(2023-11-14T22:13:21Z), OpenSupportTicket]"
    );

    let warnings = Summary::new().warnings(&ProjectSettings::new().with_sso(Sso::supersedes()));
    assert_eq!(
        format!("{warnings:?}"),
        "[NoEnrolledAdministrator, PasswordExemptUnderSso]"
    );
    assert!(warnings.into_iter().eq([
        Warning::NoEnrolledAdministrator,
        Warning::PasswordExemptUnderSso
    ]));
}

#[test]
fn a_refusal_reads_as_its_sentence() {
    let refusal =
        authorize_settings_change(twofa_policy::Changer::Member(Role::Member)).unwrap_err();
    assert_eq!(refusal.to_string(), refusal.reason().sentence());
    let error: &dyn std::error::Error = &refusal;
    assert!(error.source().is_none());
}

/// The dry run is the enforcement, and the sums are the members.
#[test]
fn impact_is_the_same_decide_folded() {
    let then = ProjectSettings::mandatory_from(NOW).with_sso(Sso::On(PasswordUnderSso::Challenge));
    let mut summary = Summary::new();
    let mut expected = (Counts::default(), Counts::default(), 0, 0);
    let mut administrators = (0, 0);
    for (index, case) in cases().enumerate() {
        let role = if index % 3 == 0 {
            Role::Administrator
        } else {
            Role::Member
        };
        let impact = impact_of(&case.settings, &then, case.method, &case.factor, NOW);
        let now = decide(&case.settings, case.method, &case.factor, NOW);
        let after = decide(&then, case.method, &case.factor, NOW);
        assert_eq!(impact, (now, after));
        summary.add(role, &case.factor, &impact);
        for (counts, next) in [
            (&mut expected.0, now.next()),
            (&mut expected.1, after.next()),
        ] {
            match next.code() {
                "allow" => counts.allow += 1,
                "enrol" => counts.enrol += 1,
                "challenge" => counts.challenge += 1,
                "refuse" => counts.refuse += 1,
                other => panic!("{other}"),
            }
        }
        expected.2 += 1;
        expected.3 += u64::from(now.reason() != after.reason());
        if role == Role::Administrator {
            administrators.0 += 1;
            administrators.1 += u64::from(case.word("state") == "active");
        }
    }
    assert_eq!(
        (
            summary.now(),
            summary.then(),
            summary.members(),
            summary.changed()
        ),
        expected
    );
    assert_eq!(
        (summary.administrators(), summary.enrolled_administrators()),
        administrators
    );
    let then = summary.then();
    let by_answer = [Next::Allow, Next::Enrol, Next::Challenge, Next::Refuse].map(|n| then.of(n));
    assert_eq!(
        by_answer,
        [then.allow, then.enrol, then.challenge, then.refuse]
    );
    assert_eq!(by_answer.iter().sum::<u64>(), summary.members());
}
