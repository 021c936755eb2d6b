//! Ways back in forget nothing: what a reset, a changed password or ten minutes have ended stays ended.

use twofa_lifecycle::SummaryState;
use twofa_otpauth::KeyUri;
use twofa_policy::{Handover, ProjectSettings, Reason, Recheck};
use twofa_totp::{Params, Secret};

use super::site::{MANDATE, accepted, allowed, challenge, fine, granted, operator, rejected};
use super::{Authenticator, Harness, Site};
use crate::{Again, Attempt, Begin, LoginId, SignIn, Store as _};

fn key(secret: &[u8]) -> KeyUri {
    let secret = fine(Secret::from_bytes(secret));
    fine(KeyUri::totp("Acme", "ann", secret, Params::default()))
}

/// An import, a reset, and the import once more: refused, the lost phone is dead, and the hand-over code is still
/// asked for. An operator may bring another key in, behind that code, and never the one that was lost.
pub fn an_import_does_not_bring_a_lost_phone_back<H: Harness>(harness: &H) {
    let ring = super::SharedRing::generate();
    for asks in [Handover::Required, Handover::NotRequired] {
        let name = if asks == Handover::Required {
            "asks"
        } else {
            "acme"
        };
        let site = Site::named(harness, name, &ring);
        site.set(ProjectSettings::mandatory_from(MANDATE).with_handover(asks));
        let (lost, other) = (key(b"12345678901234567890"), key(b"another secret of 20"));
        let import = |uri| {
            site.wait(
                site.service()
                    .import(&site.project, &site.ann, uri, &operator()),
            )
        };
        let name = |text: &str| fine(twofa_types::Name::new(text));
        let (operator, ticket) = (name("op"), name("T-7"));
        let again = |uri| {
            let (project, user) = (&site.project, &site.ann);
            let done = site
                .service()
                .import_again(project, user, uri, &operator, &ticket);
            site.wait(done)
        };
        assert!(fine(import(&lost)).handover().is_none());
        let phone = Authenticator::read(lost.to_uri().expose_secret());
        site.clock.forward(30);
        let login = site.challenge(&site.ann);
        let _pass = accepted(site.answer(&login, &phone.code(site.now())));

        let Ok(reset) = site.support_reset(&site.ann) else {
            panic!("broken promise: support resets");
        };
        let handover = reset.handover().map(|code| code.expose_secret().to_owned());
        site.clock.forward(30);
        for refused in [import(&lost), import(&other), again(&lost)] {
            let code = refused.err().map(|error| error.code());
            assert_eq!(
                code,
                Some("already-reset"),
                "broken promise: an import does not undo a reset"
            );
        }
        assert_eq!(site.count(&site.ann, "imported"), 1);
        assert!(
            matches!(site.begin(&site.ann), Begin::Enrol(set_up)
                if set_up.handover_required() == handover.is_some()),
            "broken promise: they set up anew, behind the hand-over code"
        );
        // The set-up that this began has to run out first.
        site.clock.forward(601);
        let done = fine(again(&other));
        let fresh = done.handover().map(|code| code.expose_secret().to_owned());
        let Some(code) = handover.or(fresh) else {
            panic!("broken promise: a key that is brought in after a reset has a hand-over code");
        };
        let events = site.events(&site.ann);
        let imported = events.iter().rfind(|event| event.row.event == "imported");
        assert_eq!(
            imported.map(|e| (e.row.actor.as_deref(), e.row.detail.as_deref())),
            Some((Some("op"), Some("ticket T-7"))),
            "broken promise: who brought it in is on the record"
        );
        let Begin::Challenge(asked) = site.begin(&site.ann) else {
            panic!("broken promise: the other key is in use");
        };
        assert!(asked.handover_required());
        for (typed, what) in [
            (phone.code(site.now()), "the lost phone"),
            (
                Authenticator::read(other.to_uri().expose_secret()).code(site.now()),
                "the other without its hand-over code",
            ),
        ] {
            let why = rejected(site.answer(asked.login(), &typed));
            assert_eq!(
                why.reason(),
                Reason::HandoverCode,
                "broken promise: {what} does not come in"
            );
        }
        let phone = Authenticator::read(other.to_uri().expose_secret());
        let typed = phone.code(site.now());
        let attempt = Attempt::new(asked.login(), &typed).with_handover(&code);
        let _pass = accepted(fine(site.wait(site.service().answer(attempt))));
        site.clock.forward(30);
        let login = site.challenge(&site.ann);
        let _pass = accepted(site.answer(&login, &phone.code(site.now())));
        site.audit_is_whole();
    }
}

fn again<H: Harness>(site: &Site<'_, H>, login: &LoginId) -> Again {
    fine(site.wait(site.service().begin_again(login)))
}

fn dead<H: Harness>(site: &Site<'_, H>, login: &LoginId, why: Reason, what: &str) {
    match again(site, login) {
        Again::Rejected(rejected) => assert_eq!(
            rejected.reason(),
            why,
            "broken promise: a half-open session is dead after {what}"
        ),
        Again::Enrol(_) => panic!("broken promise: a half-open session enrols after {what}"),
    }
}

/// A set-up may be begun again, and the older one is void; but no longer than the set-up time since the password,
/// and not once the password was changed, the factor set up by another session, or reset.
pub fn a_half_open_session_does_not_outlive_its_password<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let begun = site.set_up(&site.ann);
    let Again::Enrol(second) = again(&site, begun.login()) else {
        panic!("broken promise: a set-up that is alive begins again");
    };
    assert_ne!(
        second.login().to_string(),
        begun.login().to_string(),
        "under a login id of its own"
    );
    dead(
        &site,
        begun.login(),
        Reason::UnknownLogin,
        "it was begun again",
    );
    let old = Authenticator::scan(&begun);
    let code = old.code(site.now());
    assert_eq!(
        rejected(site.answer(begun.login(), &code)).reason(),
        Reason::UnknownLogin,
        "broken promise: the older QR code is void"
    );
    // However often it is begun again, ten minutes after the password it is over.
    site.clock.forward(599);
    let Again::Enrol(third) = again(&site, second.login()) else {
        panic!("broken promise: within the set-up time");
    };
    site.clock.forward(1);
    dead(&site, third.login(), Reason::Expired, "ten minutes");
    let phone = Authenticator::scan(&third);
    let _pass = accepted(site.answer(third.login(), &phone.code(site.now())));

    // A second session of the same password, while the first set it up.
    let half_open = site.set_up(&site.bob);
    let other = site.set_up(&site.bob);
    let phone = Authenticator::scan(&other);
    let _pass = accepted(site.answer(other.login(), &phone.code(site.now())));
    dead(&site, half_open.login(), Reason::FactorActive, "the set-up");
    assert!(site.support_reset(&site.bob).is_ok());
    dead(&site, half_open.login(), Reason::UnknownLogin, "a reset");

    // The password was changed.
    let half_open = site.set_up(&site.bob);
    let scanned = Authenticator::scan(&half_open);
    fine(site.wait(site.service().end_logins(&site.project, &site.bob)));
    dead(
        &site,
        half_open.login(),
        Reason::UnknownLogin,
        "a change of password",
    );
    let code = scanned.code(site.now());
    assert_eq!(
        rejected(site.answer(half_open.login(), &code)).reason(),
        Reason::UnknownLogin,
        "broken promise: nor is its QR code confirmed"
    );
    assert_eq!(site.count(&site.bob, "logins-ended"), 1);
    // A challenge, and what was never issued, are no set-up to begin again.
    site.clock.forward(30);
    let asked = site.challenge(&site.ann);
    dead(&site, &asked, Reason::UnknownLogin, "all");
    let never = fine(LoginId::random());
    dead(&site, &never, Reason::UnknownLogin, "all");
    let listed = fine(site.wait(site.open().0.factors(&site.project, None, 9)));
    assert!(
        listed
            .iter()
            .any(|row| row.summary.state == SummaryState::Active)
    );
    site.audit_is_whole();
}

/// A person's sessions are ended at once, at every service, and a sign-in in that very second is not.
pub fn ended_sessions_do_not_go_on<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let admin = site.enrol(&site.ada);
    let phone = site.enrol(&site.ann);
    let proof = site.sign_in(&site.ada, &admin);
    let others = site.sign_in(&site.ann, &phone);
    let half_open = site.challenge(&site.ada);
    fine(site.wait(site.service().end_sessions(&site.project, &site.ada)));
    let elsewhere = site.another();
    for service in [site.service(), &elsewhere] {
        let asked = site.wait(service.recheck(&proof));
        assert_eq!(
            asked.err().map(|error| error.code()),
            Some("proof-invalid"),
            "broken promise: a session that was ended goes on"
        );
        let listed = granted(fine(site.wait(service.factors(&proof, None, 9))));
        assert_eq!(listed.err(), Some(Reason::ProofInvalid));
    }
    assert_eq!(
        site.reset(&proof, &site.ann).err(),
        Some(Reason::ProofInvalid)
    );
    assert_eq!(site.replace(&proof).err(), Some(Reason::ProofInvalid));
    let code = admin.code(site.now());
    assert_eq!(
        rejected(site.answer(&half_open, &code)).reason(),
        Reason::UnknownLogin
    );
    assert_eq!(
        fine(site.wait(site.service().recheck(&others))),
        Recheck::Continue,
        "broken promise: other people's sessions go on"
    );
    // In the same second.
    site.set(ProjectSettings::mandatory_from(MANDATE).with_sso(twofa_policy::Sso::supersedes()));
    let sign_in = SignIn::sso(&site.project, &site.ada);
    let pass = allowed(fine(site.wait(site.service().begin(sign_in))));
    let fresh = site.proof(&pass);
    assert!(site.wait(site.service().recheck(&fresh)).is_ok());
    site.set(ProjectSettings::mandatory_from(MANDATE));
    site.clock.forward(30);
    let begun = fine(
        site.wait(
            site.service()
                .begin(SignIn::password(&site.project, &site.ada)),
        ),
    );
    let login = challenge(begun);
    let _pass = accepted(site.answer(&login, &admin.code(site.now())));
    assert_eq!(site.count(&site.ada, "sessions-ended"), 1);
    site.audit_is_whole();
}
