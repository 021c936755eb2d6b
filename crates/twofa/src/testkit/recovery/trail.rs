//! What a recovery leaves on the record, and what shows when somebody changes that.

use twofa_policy::{Changer, MissingKey, ProjectSettings, Reason};

use super::{damage, flip, lying, member, put, tamper, verify};
use crate::testkit::site::{accepted, challenge, fine, granted, refused, set_up, user};
use crate::testkit::{Hand, Harness, Site, service_over};
use crate::{
    Attempt, BadPlace, Begin, Error, Events, Fault, Keyring, ResetDone, SignIn, Store, Subject,
    SubjectEvent,
};

/// The events of a project's own chain, or of the installation's.
fn chain<H: Harness>(site: &Site<'_, H>, subject: &Subject) -> Vec<SubjectEvent> {
    fine(site.wait(site.open().0.chain(subject, 0, 1_000)))
}

fn bad(places: &[BadPlace]) -> Vec<Fault> {
    let bad = places.iter().filter(|place| place.acknowledged.is_none());
    bad.map(|place| place.fault).collect()
}

/// A recovery is on two chains, with who did it and on which ticket; the person and the project's administrators are
/// told; what was found is kept. What it found on the chain is answered for, and what is changed since is bad.
pub fn a_recovery_answers_for_what_it_found<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let (ann, project) = (
        member(&site, &site.ann),
        Subject::project_itself(&site.project),
    );
    let phone = site.enrol(&site.ann);
    let _proof = site.sign_in(&site.ann, &phone);
    let mut damaged = lying(&site, &ann);
    flip(&mut damaged, 50);
    let edited = Hand::EventDetail(&ann, 2, "nothing happened");
    if !(tamper(&site, edited) && put(&site, &ann, Some(&damaged))) {
        return;
    }
    assert!(site.support_reset(&site.ann).is_ok());
    let (whole, places) = verify(&site);
    let named: Vec<_> = places.iter().map(|p| (p.seq, p.fault)).collect();
    let seq = site.events(&site.ann).last().map(|event| event.row.seq);
    assert!(
        whole && named == [(Some(2), Fault::EventAltered), (seq, Fault::RecordAltered)],
        "broken promise: what was found is answered for: {places:?}"
    );
    for place in &places {
        let by = place.acknowledged.as_ref();
        let by = by.map(|by| (by.by.as_deref(), by.ticket.as_deref(), by.at));
        assert_eq!(by, Some((Some("op"), Some("T-1"), site.now())));
    }
    let remains = fine(site.wait(site.open().0.remains(&ann)));
    assert_eq!(
        remains.damaged,
        [damaged],
        "broken promise: what was found is kept"
    );
    let twin = chain(&site, &project);
    let twin = twin.iter().filter(|event| event.row.event == "recovered");
    assert_eq!(twin.count(), 1, "broken promise: it is told twice");
    let told = fine(site.wait(site.service().notices(&site.project, 0, 99)));
    let told = told.iter().filter(|event| event.row.event == "recovered");
    let told: Vec<_> = told.map(|event| event.subject.user().cloned()).collect();
    assert_eq!(
        told,
        [Some(site.ann.clone()), None],
        "broken promise: the person is told, and the administrators"
    );

    // What is changed since.
    tamper(&site, Hand::ForgetDamaged(&ann));
    let (_, places) = verify(&site);
    assert_eq!(bad(&places), [Fault::DamagedRecordLost], "{places:?}");
    tamper(&site, Hand::EventDetail(&ann, 3, "nothing happened"));
    let (whole, places) = verify(&site);
    assert!(
        !whole && bad(&places).contains(&Fault::EventAltered),
        "broken promise: a recovery answers for nothing that came since: {places:?}"
    );
    let twins = chain(&site, &project).len() as u64;
    tamper(&site, Hand::CutEvents(&project, twins - 1));
    let (_, places) = verify(&site);
    for fault in [Fault::RecoveryUntold, Fault::ChainCut] {
        assert!(
            bad(&places).contains(&fault),
            "broken promise: a recovery that is told once shows: {places:?}"
        );
    }
}

/// The project's own record, which nobody's factor is in, is repaired by an operator. Until then everything but what
/// belongs on its chain goes on, recoveries too.
pub fn a_projects_own_record_is_repaired<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let own = Subject::project_itself(&site.project);
    let settings = ProjectSettings::new();
    let changed = || {
        let service = site.service();
        let (project, who) = (&site.project, Changer::Operator);
        let done = site.wait(service.settings_changed(project, settings, settings, who, None));
        done.map(drop).map_err(|error| error.code())
    };
    assert_eq!(changed(), Ok(()));
    let _phone = site.enrol(&site.ann);
    let mut damaged = lying(&site, &own);
    flip(&mut damaged, 50);
    if !put(&site, &own, Some(&damaged)) {
        return;
    }
    assert_eq!(changed(), Err("record-unreadable"));
    let stranger = user("stranger@example.com");
    let refused =
        site.service()
            .factors_refused(&site.project, &stranger, Reason::NotAnAdministrator);
    assert!(
        site.wait(refused).is_ok(),
        "broken promise: a refusal that cannot be put on the record is a refusal all the same"
    );
    let ann = lying(&site, &member(&site, &site.ann));
    assert!(damage(&site, "altered", &ann));
    assert!(site.support_reset(&site.ann).is_ok());

    let (op, ticket) = (fine("op".parse()), fine("T-9".parse()));
    let repair = || {
        let service = site.service();
        fine(site.wait(service.repair_project(&site.project, &op, &ticket)))
    };
    assert_eq!(repair(), Some(Fault::RecordAltered));
    assert_eq!(repair(), None, "broken promise: what is whole is let be");
    assert_eq!(changed(), Ok(()));
    let (whole, places) = verify(&site);
    let named: Vec<_> = places.iter().map(|p| p.subject.clone()).collect();
    assert!(
        whole && named == [own, member(&site, &site.ann)],
        "broken promise: both are answered for: {places:?}"
    );
    let told = chain(&site, &Subject::installation());
    let told = told.iter().filter(|event| event.row.event == "recovered");
    assert_eq!(
        told.count(),
        2,
        "broken promise: what the project cannot tell, the installation does"
    );
}

/// The store's own record of its keys, without which nothing can be read, is repaired with the ring that it had. Without
/// those keys it goes on under others only where they are given up, and people are then recovered one by one.
pub fn the_stores_own_record_is_repaired<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let own = Subject::installation();
    let phone = site.enrol(&site.ann);
    let proof = site.sign_in(&site.ann, &phone);
    let mut damaged = lying(&site, &own);
    let last = damaged.record.len() - 1;
    flip(&mut damaged, last);
    if !put(&site, &own, Some(&damaged)) {
        return;
    }
    let (op, ticket) = (fine("op".parse()), fine("T-9".parse()));
    let service = site.another();
    let code = |result: Result<Begin, Error>| result.map(drop).map_err(|error| error.code());
    let sign_in = || SignIn::password(&site.project, &site.ann);
    assert_eq!(
        code(site.wait(service.begin(sign_in()))),
        Err("record-unreadable")
    );
    let other = fine(Keyring::generate()).to_text();
    let others = service_over(site.open().0, site.open().1, &other, &site.clock);
    for fault in [Some(Fault::RecordAltered), None] {
        let wrong = site.wait(others.repair_keys(&op, &ticket, MissingKey::MayComeBack));
        assert_eq!(
            wrong.err().map(|error| error.code()),
            Some("keyring-mismatch"),
            "broken promise: a wrong keyring repairs nothing"
        );
        let repaired = service.repair_keys(&op, &ticket, MissingKey::MayComeBack);
        assert_eq!(fine(site.wait(repaired)), fault);
    }
    let site_is_whole = |expected: usize| {
        let (whole, places) = verify(&site);
        let own = places.iter().filter(|place| place.subject == own);
        assert!(
            whole && own.count() == expected,
            "broken promise: it is answered for: {places:?}"
        );
    };
    site.clock.forward(30);
    site_is_whole(1);
    let asked = site.wait(service.recheck(&proof));
    assert!(asked.is_err(), "broken promise: no proof of before counts");
    let login = challenge(fine(site.wait(service.begin(sign_in()))));
    let typed = phone.code(site.now());
    let answer = site.wait(service.answer(Attempt::new(&login, &typed)));
    let _pass = accepted(fine(answer));

    // The keys are lost.
    let given_up = others.repair_keys(&op, &ticket, MissingKey::GivenUp);
    assert_eq!(fine(site.wait(given_up)), Some(Fault::KeyMissing));
    let refusal = refused(fine(site.wait(others.begin(sign_in()))));
    assert_eq!(refusal, Reason::RecordUnreadable);
    let reset = others.support_reset(&site.project, &site.ann, "op", "T-10");
    let reset = granted(fine(site.wait(reset)));
    assert_eq!(reset.err(), Some(Reason::KeyMissing));
    let (project, ann) = (&site.project, &site.ann);
    let reset = others.support_reset_even_though_the_key_is_missing(project, ann, "op", "T-10");
    let reset = granted(fine(site.wait(reset)));
    assert_eq!(
        reset.ok().and_then(|done| done.recovered()),
        Some(Fault::KeyMissing)
    );
    let begun = set_up(fine(site.wait(others.begin(sign_in()))));
    assert!(begun.handover_required());
}

/// Of many who recover a record at the same moment one does, and the rest find it done.
pub fn recoveries_at_once_are_one<H: Harness>(harness: &H) {
    const AT_ONCE: usize = 12;
    let site = Site::new(harness);
    let ann = member(&site, &site.ann);
    for what in ["altered", "deleted"] {
        let _phone = site.enrol(&site.ann);
        if !damage(&site, what, &lying(&site, &ann)) {
            return;
        }
        let done = site.at_once(AT_ONCE, |_| site.support_reset(&site.ann));
        let recovered = done.iter().flatten().filter_map(ResetDone::recovered);
        assert_eq!(
            recovered.count(),
            1,
            "broken promise: one recovers: {done:?}"
        );
        let late = done.iter().filter_map(|done| done.as_ref().err());
        let late: Vec<_> = late.collect();
        assert!(
            late == vec![&Reason::NothingToReset; AT_ONCE - 1],
            "broken promise: the rest find it done: {late:?}"
        );
        let handover = done.iter().flatten().find_map(|done| done.handover());
        let handover = handover.map(|code| code.expose_secret().to_owned());
        site.confirm_with(&site.ann, &handover.unwrap_or_default());
        assert!(site.support_reset(&site.ann).is_ok());
    }
    let events = Events::Person(&site.project, &site.ann);
    let events = fine(site.wait(site.service().events(events, 0, 99)));
    let recovered = events.iter().filter(|e| e.row.event == "recovered");
    assert_eq!(recovered.count(), 2);
    assert!(verify(&site).0);
}
