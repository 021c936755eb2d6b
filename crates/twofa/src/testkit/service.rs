//! What else a service must do over the store under test: hand-over codes, import, keys, pages, notices.

use twofa_lifecycle::{LoginHash, SummaryState};
use twofa_otpauth::KeyUri;
use twofa_policy::{Changer, Handover, ProjectSettings, Reason, Role};
use twofa_totp::{Algorithm, Digits, Params, Secret};

use super::site::{MANDATE, accepted, at_once, fine, granted, operator, reason, rejected, service};
use super::{Authenticator, Harness, Site, user};
use crate::{Attempt, Events, Store, Subject};

/// A project may ask for a hand-over code: shown once to whoever resets, asked for at the next set-up,
/// throttled like a code.
pub fn a_handover_code_is_asked_for_after_a_reset<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    site.set(ProjectSettings::mandatory_from(MANDATE).with_handover(Handover::Required));
    let admin = site.enrol(&site.ada);
    site.enrol(&site.ann);
    let proof = site.sign_in(&site.ada, &admin);
    let Ok(done) = site.reset(&proof, &site.ann) else {
        panic!("broken promise: an administrator with a fresh proof resets");
    };
    let Some(handover) = done.handover() else {
        panic!("broken promise: the project asks for a hand-over code, so there is one");
    };
    let handover = handover.expose_secret().to_owned();
    assert!(
        !format!("{done:?}").contains(&handover),
        "broken promise: it does not print"
    );

    let set_up = site.set_up(&site.ann);
    assert!(
        set_up.handover_required(),
        "broken promise: the set-up says that it is needed"
    );
    let phone = Authenticator::scan(&set_up);
    let code = phone.code(site.now());
    let why = rejected(site.answer(set_up.login(), &code));
    assert_eq!(
        why.reason(),
        Reason::HandoverCode,
        "broken promise: without it, no set-up"
    );
    assert_eq!(
        site.count(&site.ann, "failed"),
        0,
        "broken promise: leaving it out costs nothing"
    );
    let typed = |typed: &str| {
        let attempt = Attempt::new(set_up.login(), &code).with_handover(typed);
        fine(site.wait(site.service().answer(attempt)))
    };
    assert_eq!(reason(typed("AAAA-AAAA-AAAA-AAAA")), Reason::HandoverCode);
    assert_eq!(
        site.count(&site.ann, "failed"),
        1,
        "broken promise: a wrong one counts"
    );
    let _pass = accepted(typed(&handover.to_lowercase().replace('-', " ")));

    // The next reset has another; a project that asks for none gets none.
    let proof = site.sign_in(&site.ada, &admin);
    let again = site.reset(&proof, &site.ann).ok();
    let again = again.as_ref().and_then(|done| done.handover());
    assert!(
        again.is_some_and(|code| code.expose_secret() != handover),
        "a fresh one each time"
    );
    site.set(ProjectSettings::mandatory_from(MANDATE));
    assert!(
        site.set_up(&site.ann).handover_required(),
        "what a reset asked for stays asked for"
    );
    site.audit_is_whole();
}

/// A factor from another system is in use at once, with its own parameters, and none is overwritten.
pub fn an_imported_factor_is_in_use_at_once<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let params = Params::default()
        .with_algorithm(Algorithm::Sha256)
        .with_digits(Digits::Eight);
    let secret = fine(Secret::from_bytes(&[9; 32]));
    let uri = fine(KeyUri::totp("Elsewhere", "ann", secret, params));
    let import = |user| {
        site.wait(
            site.service()
                .import(&site.project, user, &uri, &operator()),
        )
    };
    fine(import(&site.ann));
    let phone = Authenticator::read(uri.to_uri().expose_secret());
    let login = site.challenge(&site.ann);
    assert_eq!(
        reason(site.answer(&login, "123456")),
        Reason::Malformed,
        "eight digits here"
    );
    let _pass = accepted(site.answer(&login, &phone.code(site.now())));
    let again = import(&site.ann).err().map(|error| error.code());
    assert_eq!(
        again,
        Some("already-set-up"),
        "broken promise: a factor is not overwritten"
    );
    let _set_up = site.set_up(&site.bob);
    let under_way = import(&site.bob).err().map(|error| error.code());
    assert_eq!(
        under_way,
        Some("already-set-up"),
        "broken promise: nor a set-up under way"
    );
    let stranger = import(&user("nobody@example.com"))
        .err()
        .map(|error| error.code());
    assert_eq!(stranger, Some("unknown-member"));
    assert_eq!(site.count(&site.ann, "imported"), 1);
    site.audit_is_whole();
}

/// Keys rotate under a running service; what rested under the old key is read until it is resealed, and
/// afterwards needs it no more.
pub fn keys_rotate_beside_logins<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    site.enrol(&site.bob);
    let (fresh, before) = site.activate_new_key();
    let both = site.another();
    site.clock.forward(30);
    let login = site.challenge(&site.ann);
    let code = phone.code(site.now());
    let _pass = accepted(fine(site.wait(both.answer(Attempt::new(&login, &code)))));
    let mut steps = 0;
    let done = fine(site.wait(both.reseal(|_| steps += 1)));
    assert!(
        done.seen >= 2 && done.resealed >= 2 && steps > 0,
        "broken promise: {done:?}"
    );
    let again = fine(site.wait(both.reseal(|_| {})));
    assert_eq!(again.resealed, 0, "broken promise: what is done stays done");
    let found = fine(site.wait(both.audit_verify(None)));
    assert_eq!(
        found.first_bad, None,
        "broken promise: the audit is whole under both keys"
    );

    fine(site.wait(both.retire_key(before, crate::ProofsOfOld::Linger)));
    site.align(&both);
    let mut only = site.ring().ring();
    assert_eq!(only.active_id(), fresh);
    assert_eq!(only.state(before), Some(crate::KeyState::Events));
    fine(only.remove(before));
    let (store, directory) = site.open();
    let only = service(store, directory, &only.to_text(), &site.clock);
    site.clock.forward(30);
    let begun = fine(site.wait(only.begin(crate::SignIn::password(&site.project, &site.ann))));
    let login = super::challenge(begun);
    let code = phone.code(site.now());
    let _pass = accepted(fine(site.wait(only.answer(Attempt::new(&login, &code)))));
}

/// An administrator lists the factors of the project, page by page, with when each was last used.
pub fn factors_are_listed_for_administrators<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let admin = site.enrol(&site.ada);
    site.enrol(&site.ann);
    let _set_up = site.set_up(&site.bob);
    let proof = site.sign_in(&site.ada, &admin);
    let page = |after, limit| {
        let rows = granted(fine(
            site.wait(site.service().factors(&proof, after, limit)),
        ));
        rows.unwrap_or_else(|why| panic!("broken promise: an administrator sees them: {why}"))
    };
    let rows = page(None, 100);
    let found: Vec<_> = rows
        .iter()
        .map(|row| (&row.user, row.summary.state))
        .collect();
    let expected = [
        (&site.ada, SummaryState::Active),
        (&site.ann, SummaryState::Active),
        (&site.bob, SummaryState::Pending),
    ];
    assert_eq!(found, expected, "broken promise: each factor once");
    let used: Vec<_> = rows.iter().map(|row| row.summary.last_used).collect();
    assert_eq!(
        used.first(),
        Some(&Some(site.now())),
        "broken promise: with when it was last used"
    );
    assert_eq!(page(None, 1), rows.get(..1).unwrap_or_default());
    assert_eq!(page(Some(&site.ada), 1), rows.get(1..2).unwrap_or_default());
    let member = site.proof(&{
        let set_up = site.set_up(&site.bob);
        let phone = Authenticator::scan(&set_up);
        accepted(site.answer(set_up.login(), &phone.code(site.now())))
    });
    let seen = granted(fine(site.wait(site.service().factors(&member, None, 9))));
    assert_eq!(seen.err(), Some(Reason::NotAnAdministrator));
}

/// Two administrators who reset the same person at the same moment: one reset, and the other learns that
/// there is nothing left.
pub fn two_resets_at_once_are_one<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    site.member(&site.bob, Some(Role::Administrator));
    let phones = [site.enrol(&site.ada), site.enrol(&site.bob)];
    let [ada, bob] = &phones;
    site.enrol(&site.ann);
    let proofs = [site.sign_in(&site.ada, ada), site.sign_in(&site.bob, bob)];
    let done = at_once(2, |number| {
        let Some(proof) = proofs.get(number) else {
            panic!("a proof for each");
        };
        site.reset(proof, &site.ann).map(drop)
    });
    let (granted, refused): (Vec<_>, Vec<_>) = done.into_iter().partition(Result::is_ok);
    assert_eq!(
        (granted.len(), refused),
        (1, vec![Err(Reason::NothingToReset)])
    );
    assert_eq!(
        site.count(&site.ann, "reset-granted"),
        1,
        "broken promise: one reset, one event"
    );
    site.audit_is_whole();
}

/// Support resets with an operator's name and a ticket, on the record, and warns where an administrator could.
pub fn support_resets_on_a_ticket<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    site.enrol(&site.ann);
    site.enrol(&site.bob);
    let support = |operator: &str, ticket: &str| {
        let reset = site
            .service()
            .support_reset(&site.project, &site.ann, operator, ticket);
        granted(fine(site.wait(reset)))
    };
    assert_eq!(support(" ", "T-1").err(), Some(Reason::OperatorMissing));
    assert_eq!(support("Olga", "").err(), Some(Reason::TicketMissing));
    let Ok(done) = support("Olga", "T-77") else {
        panic!("broken promise: with both, support resets");
    };
    assert!(
        done.warnings().is_empty(),
        "no administrator could have, and a member may not"
    );
    assert_eq!(support("Olga", "T-77").err(), Some(Reason::NothingToReset));
    let events = site.events(&site.ann);
    let told = events
        .iter()
        .find(|event| event.row.event == "support-reset");
    let told = told.map(|event| (event.row.actor.as_deref(), event.row.detail.as_deref()));
    let Some((Some("Olga"), Some(detail))) = told else {
        panic!("broken promise: the operator is on the record: {told:?}");
    };
    assert!(
        detail.contains("T-77"),
        "broken promise: and the ticket: {detail}"
    );
    site.enrol(&site.ann);
    site.enrol(&site.ada);
    let warned = support("Olga", "T-78").map(|done| done.warnings());
    let could = twofa_policy::Warning::AdministratorCouldReset;
    assert!(
        warned.is_ok_and(|warnings| warnings.contains(could)),
        "broken promise: a warning"
    );
    site.audit_is_whole();
}

/// Only an operator changes settings, and what changed is on the project's record.
pub fn settings_are_the_operators<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let (from, to) = (
        ProjectSettings::mandatory_from(MANDATE),
        ProjectSettings::new(),
    );
    let change = |who| {
        let changed = site
            .service()
            .settings_changed(&site.project, from, to, who, None);
        granted(fine(site.wait(changed)))
    };
    for role in [Role::Member, Role::Administrator] {
        let refused = change(Changer::Member(role)).err();
        assert_eq!(
            refused,
            Some(Reason::OperatorOnly),
            "broken promise: nobody inside a project"
        );
    }
    assert!(change(Changer::Operator).is_ok());
    let events = fine(site.wait(site.service().events(Events::Project(&site.project), 0, 10)));
    let told: Vec<_> = events
        .iter()
        .map(|event| event.row.event.as_str())
        .collect();
    assert_eq!(
        told,
        ["access-refused", "settings-changed"],
        "broken promise: the change is on the record, once, and so is that it was refused before"
    );
    let detail = events.last().and_then(|event| event.row.detail.clone());
    assert!(
        detail.is_some_and(|detail| detail.contains("mandate=optional")),
        "with what it was"
    );
    site.audit_is_whole();
}

/// People are told of set-up, replacement, lock and reset: in order, once, from where the reader stopped.
pub fn notices_tell_people_what_happened<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let admin = site.enrol(&site.ada);
    let mut phone = site.enrol(&site.ann);
    let session = site.sign_in(&site.ann, &phone);
    let Ok(replacement) = site.replace(&session) else {
        panic!("broken promise: a fresh proof begins a replacement");
    };
    phone = Authenticator::scan(&replacement);
    let _pass = accepted(site.answer(replacement.login(), &phone.code(site.now())));
    site.fail(&site.ann, &phone, 100);
    let proof = site.sign_in(&site.ada, &admin);
    assert!(site.reset(&proof, &site.ann).is_ok());
    let mut cursor = 0;
    let mut told = Vec::new();
    loop {
        let page = fine(site.wait(site.service().notices(&site.project, cursor, 2)));
        let Some(last) = page.last().and_then(|event| event.notice) else {
            break;
        };
        cursor = last;
        told.extend(
            page.into_iter()
                .map(|event| (event.subject, event.row.event)),
        );
    }
    let member = |user, event: &str| (Subject::member(&site.project, user), event.to_owned());
    let expected = [
        member(&site.ada, "enrolment-confirmed"),
        member(&site.ann, "enrolment-confirmed"),
        member(&site.ann, "replaced"),
        member(&site.ann, "locked"),
        member(&site.ann, "reset-granted"),
    ];
    assert_eq!(
        told, expected,
        "broken promise: each is told, in order, once"
    );
}

/// Logins that lapsed are swept a bounded number at a time, and login ids rest only as hashes.
pub fn lapsed_logins_are_swept<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    site.enrol(&site.ann);
    let logins: Vec<_> = (0..5).map(|_| site.challenge(&site.ann)).collect();
    let sweep = |limit| fine(site.wait(site.service().sweep(limit)));
    assert_eq!(sweep(10), 0, "broken promise: what has not lapsed stays");
    for login in &logins {
        let text = login.to_string();
        let mut raw = [0; 32];
        let half = fine(base16ct::lower::decode(&text, &mut raw)).len();
        assert_eq!(half, 16, "a login id has 128 bits");
        let parked = fine(site.wait(site.service().store().resume(&LoginHash::from_bytes(raw))));
        assert!(
            parked.is_none(),
            "broken promise: a login is not found by its id itself"
        );
    }
    site.clock.forward(601);
    assert_eq!((sweep(2), sweep(2), sweep(9), sweep(9)), (2, 2, 1, 0));
    let Some(login) = logins.first() else { return };
    assert_eq!(reason(site.answer(login, "123456")), Reason::UnknownLogin);
}
