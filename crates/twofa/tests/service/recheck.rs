//! An open session, asked again: every way it was opened, against every change of settings and factor.

use twofa::Proof;
use twofa::policy::{Mandate, PasswordUnderSso, ProjectSettings, Reason, Recheck, Role, Sso};
use twofa::testkit::{MANDATE, MemoryHarness, Site, accepted, allowed, fine};
use twofa::types::UnixTime;

fn asked(site: &Site<'_, MemoryHarness>, proof: &Proof) -> Result<Option<Reason>, &'static str> {
    match site.wait(site.service().recheck(proof)) {
        Ok(Recheck::Continue) => Ok(None),
        Ok(Recheck::SignInAgain(decision)) => Ok(Some(decision.reason())),
        Err(error) => Err(error.code()),
    }
}

fn all_settings(now: UnixTime) -> Vec<ProjectSettings> {
    let mandates = [
        Mandate::Optional,
        Mandate::From(MANDATE),
        Mandate::From(now),
        Mandate::From(now.saturating_add(1)),
    ];
    let ssos = [
        Sso::Off,
        Sso::On(PasswordUnderSso::Exempt),
        Sso::On(PasswordUnderSso::Challenge),
        Sso::On(PasswordUnderSso::Refuse),
    ];
    let settings =
        |mandate| ssos.map(|sso| ProjectSettings::new().with_mandate(mandate).with_sso(sso));
    mandates.into_iter().flat_map(settings).collect()
}

#[test]
fn sessions_meet_every_change_of_settings() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let phone = site.enrol(&site.ann);
    let by_code = site.sign_in(&site.ann, &phone);
    site.set(ProjectSettings::new());
    let by_password = site.proof(&allowed(site.begin(&site.bob)));
    site.set(ProjectSettings::new().with_sso(Sso::supersedes()));
    let by_sso = site.proof(&allowed(site.begin_sso(&site.bob)));
    let sso_with_factor = site.proof(&allowed(site.begin_sso(&site.ann)));
    for settings in all_settings(site.now()) {
        site.set(settings);
        let started = matches!(settings.mandate(), Mandate::From(from) if from <= site.now());
        let (code, password, sso) = match settings.sso() {
            Sso::Off => (
                None,
                started.then_some(Reason::Mandatory),
                Some(Reason::SsoNotEnabled),
            ),
            Sso::On(PasswordUnderSso::Exempt) => (None, None, None),
            Sso::On(PasswordUnderSso::Challenge) => {
                (None, Some(Reason::SsoPasswordChallenged), None)
            }
            Sso::On(PasswordUnderSso::Refuse) => {
                (Some(Reason::SsoRequired), Some(Reason::SsoRequired), None)
            }
        };
        assert_eq!(
            asked(&site, &by_code),
            Ok(code),
            "by code under {settings:?}"
        );
        assert_eq!(
            asked(&site, &by_password),
            Ok(password),
            "by password under {settings:?}"
        );
        assert_eq!(asked(&site, &by_sso), Ok(sso), "by sso under {settings:?}");
        assert_eq!(
            asked(&site, &sso_with_factor),
            Ok(sso),
            "sso with factor, {settings:?}"
        );
    }
}

#[test]
fn sessions_meet_every_change_of_the_factor() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    site.set(ProjectSettings::new());
    let by_password = site.proof(&allowed(site.begin(&site.ann)));
    site.set(ProjectSettings::mandatory_from(MANDATE));
    let phone = site.enrol(&site.ann);
    site.set(ProjectSettings::new());
    // Set up since: a session by password alone is no longer enough, whatever the mandate.
    assert_eq!(asked(&site, &by_password), Ok(Some(Reason::FactorActive)));
    let by_code = site.sign_in(&site.ann, &phone);
    assert_eq!(asked(&site, &by_code), Ok(None));
    // Somebody else's guesses sign nobody out.
    site.fail(&site.ann, &phone, 5);
    assert_eq!(asked(&site, &by_code), Ok(None));
    assert_eq!(asked(&site, &by_password), Ok(Some(Reason::Locked)));
    // A replacement under way, and done.
    site.clock.forward(60);
    let by_code = site.sign_in(&site.ann, &phone);
    let set_up = site.replace(&by_code).unwrap();
    assert_eq!(asked(&site, &by_code), Ok(None));
    let new = twofa::testkit::Authenticator::scan(&set_up);
    let pass = accepted(site.answer(set_up.login(), &new.code(site.now())));
    let by_new = site.proof(&pass);
    assert_eq!(
        asked(&site, &by_code),
        Ok(None),
        "the same person's sessions go on"
    );
    // Reset: all of them end, also under single sign-on that exempts, and stay ended.
    fine_reset(&site);
    for proof in [&by_code, &by_new, &by_password] {
        assert_eq!(asked(&site, proof), Ok(Some(Reason::ResetBySupport)));
    }
    site.set(ProjectSettings::new().with_sso(Sso::supersedes()));
    assert_eq!(asked(&site, &by_new), Ok(Some(Reason::SsoSupersedes)));
    site.set(ProjectSettings::new());
    let fresh = site.enrol(&site.ann);
    assert_eq!(asked(&site, &by_new), Ok(Some(Reason::FactorActive)));
    let again = site.sign_in(&site.ann, &fresh);
    assert_eq!(asked(&site, &again), Ok(None));
}

fn fine_reset(site: &Site<'_, MemoryHarness>) {
    assert!(site.support_reset(&site.ann).is_ok());
}

#[test]
fn sessions_end_with_membership_project_and_clock() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let phone = site.enrol(&site.ann);
    let proof = site.sign_in(&site.ann, &phone);
    site.member(&site.ann, Some(Role::Administrator));
    assert_eq!(asked(&site, &proof), Ok(None));
    site.member(&site.ann, None);
    assert_eq!(asked(&site, &proof), Err("unknown-member"));
    site.member(&site.ann, Some(Role::Member));
    site.clock.back(121);
    assert_eq!(asked(&site, &proof), Ok(Some(Reason::ClockBehind)));
    site.clock.forward(1);
    assert_eq!(asked(&site, &proof), Ok(None));
    let found = fine(site.wait(site.service().events(
        twofa::Events::Person(&site.project, &site.ann),
        0,
        99,
    )));
    let events: Vec<_> = found.iter().map(|event| event.row.event.as_str()).collect();
    assert_eq!(
        events,
        ["enrolment-begun", "enrolment-confirmed", "accepted"],
        "nothing written"
    );
}
