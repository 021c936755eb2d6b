//! Who is asked: single sign-on, mandates, and changes of either.

use twofa_policy::{
    How, Mandate, Next, PasswordUnderSso, ProjectSettings, Reason, Recheck, SignInMethod, Sso,
    Warning,
};

use crate::testkit::site::{MANDATE, START, accepted, allowed, challenge, fine, refused};
use crate::testkit::{Harness, Site};
use crate::{Begin, MemberImpact, Proof, SignIn};

/// The settings of the checks with single sign-on.
fn with_sso(password: PasswordUnderSso) -> ProjectSettings {
    ProjectSettings::mandatory_from(MANDATE).with_sso(Sso::On(password))
}

/// A sign-in that claims single sign-on where there is none is refused, whatever the factor.
pub fn f16_sso_does_not_pass_where_it_is_off<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    assert_eq!(refused(site.begin_sso(&site.ann)), Reason::SsoNotEnabled);
    site.enrol(&site.ann);
    assert_eq!(
        refused(site.begin_sso(&site.ann)),
        Reason::SsoNotEnabled,
        "broken promise: no evidence, no pass"
    );
    site.set(ProjectSettings::new());
    assert_eq!(
        refused(site.begin_sso(&site.bob)),
        Reason::SsoNotEnabled,
        "optional or not"
    );
}

/// Whatever a sign-in leads to, there is a way on for that person.
pub fn f17_every_refusal_names_a_way_out<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    site.fail(&site.ann, &phone, 4);
    let all = [
        Sso::Off,
        Sso::On(PasswordUnderSso::Exempt),
        Sso::On(PasswordUnderSso::Challenge),
        Sso::On(PasswordUnderSso::Refuse),
    ];
    for sso in all {
        for mandate in [Mandate::Optional, Mandate::From(MANDATE)] {
            site.set(ProjectSettings::new().with_sso(sso).with_mandate(mandate));
            for user in [&site.ann, &site.bob] {
                let ways_in = [
                    SignIn::password(&site.project, user),
                    SignIn::sso(&site.project, user),
                ];
                for sign_in in ways_in {
                    let decision = fine(site.wait(site.service().explain(&sign_in)));
                    let stuck = decision.next() != Next::Allow && decision.remedies().is_empty();
                    assert!(
                        !stuck,
                        "broken promise: {sign_in:?} has no way out of {decision:?}"
                    );
                }
            }
        }
    }
}

/// What a password is worth beside single sign-on is a setting: exempt, challenged or refused.
pub fn f18_a_password_beside_sso_is_worth_what_was_set<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    for password in [
        PasswordUnderSso::Exempt,
        PasswordUnderSso::Challenge,
        PasswordUnderSso::Refuse,
    ] {
        let settings = with_sso(password);
        site.set(settings);
        let exempt = password == PasswordUnderSso::Exempt;
        let warned = settings
            .warnings()
            .contains(Warning::PasswordExemptUnderSso);
        assert_eq!(
            warned, exempt,
            "broken promise: what is left open is warned of"
        );
        for user in [&site.ann, &site.bob] {
            let pass = allowed(site.begin_sso(user));
            assert_eq!(
                (pass.how(), pass.reason()),
                (How::Sso, Reason::SsoSupersedes)
            );
        }
        match password {
            PasswordUnderSso::Exempt => {
                let pass = allowed(site.begin(&site.ann));
                assert_eq!(
                    (pass.how(), pass.reason()),
                    (How::Password, Reason::SsoSupersedes)
                );
            }
            PasswordUnderSso::Challenge => {
                site.clock.forward(30);
                let login = site.challenge(&site.ann);
                let _pass = accepted(site.answer(&login, &phone.code(site.now())));
                let set_up = site.set_up(&site.bob);
                assert_eq!(set_up.reason(), Reason::SsoPasswordChallenged);
            }
            PasswordUnderSso::Refuse => {
                for user in [&site.ann, &site.bob] {
                    assert_eq!(refused(site.begin(user)), Reason::SsoRequired);
                }
            }
        }
    }
}

/// Settings are read at every call: a change reaches the next login, a login half-way, and open sessions.
pub fn f19_a_change_of_settings_counts_at_once<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    site.set(ProjectSettings::new());
    let pass = allowed(site.begin(&site.ann));
    assert_eq!(pass.reason(), Reason::Optional);
    let session = site.proof(&pass);
    assert_eq!(recheck(&site, &session), None, "nothing has changed");

    // A mandate that begins later, and then has begun.
    let noon = START.saturating_add(3_600);
    site.set(ProjectSettings::mandatory_from(noon));
    assert_eq!(recheck(&site, &session), None, "not yet");
    assert_eq!(
        allowed(site.begin(&site.ann)).reason(),
        Reason::NotYetMandatory
    );
    site.clock.set(noon);
    assert_eq!(
        recheck(&site, &session),
        Some(Reason::Mandatory),
        "broken promise: a mandate reaches open sessions"
    );
    let phone = site.enrol(&site.ann);

    // Single sign-on that comes and goes.
    let coded = site.sign_in(&site.ann, &phone);
    site.set(with_sso(PasswordUnderSso::Refuse));
    assert_eq!(recheck(&site, &coded), Some(Reason::SsoRequired));
    let through_sso = site.proof(&allowed(site.begin_sso(&site.ann)));
    assert_eq!(recheck(&site, &through_sso), None);
    site.set(ProjectSettings::mandatory_from(MANDATE));
    assert_eq!(recheck(&site, &through_sso), Some(Reason::SsoNotEnabled));
    assert_eq!(
        recheck(&site, &coded),
        None,
        "broken promise: the factor was dormant, not gone"
    );
    site.clock.forward(30);
    let login = challenge(site.begin(&site.ann));

    // In the middle of a login.
    site.set(with_sso(PasswordUnderSso::Refuse));
    let answered = crate::testkit::reason(site.answer(&login, &phone.code(site.now())));
    assert_eq!(
        answered,
        Reason::SsoRequired,
        "broken promise: rules are asked again at the answer"
    );
    site.set(ProjectSettings::mandatory_from(MANDATE));
    let _pass = accepted(site.answer(&login, &phone.code(site.now())));
}

/// Why a session must end; `None` where it goes on.
fn recheck<H: Harness>(site: &Site<'_, H>, proof: &Proof) -> Option<Reason> {
    match fine(site.wait(site.service().recheck(proof))) {
        Recheck::Continue => None,
        Recheck::SignInAgain(decision) => Some(decision.reason()),
    }
}

/// A dry run warns of a mandate under which no administrator could help; and it says what a login then does.
pub fn f34_a_dry_run_warns_and_is_what_happens<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    site.fail(&site.ann, &phone, 4);
    site.set(ProjectSettings::new());
    let then = ProjectSettings::mandatory_from(MANDATE);
    let mut members: Vec<MemberImpact> = Vec::new();
    let each = |member| members.push(member);
    let impact = site
        .service()
        .impact(&site.project, &then, SignInMethod::Password, each);
    let impact = fine(site.wait(impact));
    assert!(
        impact.warnings.contains(Warning::NoEnrolledAdministrator),
        "broken promise: a mandate that no administrator has a factor for is warned of"
    );
    assert!(impact.warnings.contains(Warning::SingleAdministrator));
    let asked: Vec<_> = members.iter().map(|member| member.user.clone()).collect();
    assert_eq!(
        asked,
        [site.ada.clone(), site.ann.clone(), site.bob.clone()],
        "each member, once"
    );

    for (settings, decision) in [(ProjectSettings::new(), 0), (then, 1)] {
        site.set(settings);
        for member in &members {
            let foretold = if decision == 0 {
                &member.now
            } else {
                &member.then
            };
            let happens = match site.begin(&member.user) {
                Begin::Allowed(pass) => (Next::Allow, pass.reason()),
                Begin::Enrol(set_up) => (Next::Enrol, set_up.reason()),
                Begin::Challenge(challenge) => (Next::Challenge, challenge.reason()),
                Begin::Refused(decision) => (Next::Refuse, decision.reason()),
            };
            assert_eq!(
                happens,
                (foretold.next(), foretold.reason()),
                "broken promise: a dry run is what happens to {}",
                member.user
            );
        }
    }
    site.enrol(&site.ada);
    let impact = site
        .service()
        .impact(&site.project, &then, SignInMethod::Password, |_| {});
    let warnings = fine(site.wait(impact)).warnings;
    assert!(
        !warnings.contains(Warning::NoEnrolledAdministrator),
        "with a factor, no warning"
    );
}
