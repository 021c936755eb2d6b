//! Keys that change beside running services: nobody notices, nothing is lost, and a stolen key is worth nothing
//! once it is retired.

use std::sync::Arc;

use twofa_policy::{ProjectSettings, Reason, Recheck, Role};
use twofa_types::UnixTime;

use super::site::{MANDATE, RACERS, accepted, allowed, at_once, challenge, fine, granted, refused};
use super::{Authenticator, Harness, SharedRing, Site, SwappedStore};
use crate::{
    Applied, Attempt, Change, Error, KeyState, KeyringError, MemoryDirectory, MemoryStore, Proof,
    ProofsOfOld, Purpose, SignIn, Store, Subject, TwoFactor,
};

/// Signs in at some service, and keeps the proof.
fn sign_in<H: Harness, S: Store, D: crate::Directory>(
    site: &Site<'_, H>,
    service: &TwoFactor<S, D>,
    user: &twofa_types::UserId,
    phone: &Authenticator,
) -> Proof {
    site.clock.forward(30);
    let sign_in = SignIn::password(&site.project, user);
    let login = challenge(fine(site.wait(service.begin(sign_in))));
    let code = phone.code(site.now());
    let pass = accepted(fine(site.wait(service.answer(Attempt::new(&login, &code)))));
    fine(service.proof(&pass))
}

/// While an operator adds, activates, reseals and retires keys, two services go on: every login succeeds, and a
/// session that is asked for again goes on with a renewed proof.
pub fn a_rotation_is_seen_by_nobody<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    let other = site.enrol(&site.bob);
    let elsewhere = site.another();
    let mut session = site.sign_in(&site.ann, &phone);
    let goes_on = |session: &mut Proof| {
        let asked = fine(site.wait(elsewhere.recheck(session)));
        assert_eq!(asked, Recheck::Continue, "broken promise: sessions go on");
        if let Some(renewed) = fine(site.wait(elsewhere.renew(session))) {
            assert_ne!(renewed, *session);
            *session = renewed;
        }
        let again = fine(site.wait(elsewhere.renew(session)));
        assert_eq!(again, None, "a renewed proof needs nothing");
    };
    let logins = || {
        sign_in(&site, site.service(), &site.ann, &phone);
        sign_in(&site, &elsewhere, &site.bob, &other);
    };
    for _ in 0..3 {
        let (_, before) = site.activate_new_key();
        logins();
        goes_on(&mut session);
        // Half-way through a login when the key is resealed and retired.
        site.clock.forward(30);
        let login = site.challenge(&site.ann);
        let operator = site.another();
        fine(site.wait(operator.reseal(|_| {})));
        logins();
        fine(site.wait(operator.retire_key(before, ProofsOfOld::Linger)));
        site.align(&operator);
        goes_on(&mut session);
        site.clock.forward(30);
        let _pass = accepted(site.answer(&login, &phone.code(site.now())));
        logins();
    }
    site.audit_is_whole();
    let keys = fine(site.wait(site.service().list_keys()));
    let states: Vec<_> = keys
        .iter()
        .map(|key| (key.state, key.records > 0))
        .collect();
    assert_eq!(
        states,
        [
            (KeyState::Events, false),
            (KeyState::Events, false),
            (KeyState::Events, false),
            (KeyState::Active, true)
        ],
        "broken promise: everything rests under the active key"
    );
}

/// A proof under a key that is no longer active is good for five minutes; where the key was retired as stolen,
/// not at all.
pub fn proofs_outlive_their_key_by_five_minutes<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    let recheck = |proof: &Proof| site.wait(site.another().recheck(proof)).is_ok();
    let proof = site.sign_in(&site.ann, &phone);
    let (_, first) = site.activate_new_key();
    site.clock.forward(300);
    assert!(recheck(&proof), "broken promise: five minutes");
    site.clock.forward(1);
    assert!(!recheck(&proof), "broken promise: and no more");
    let renewed = site.wait(site.another().renew(&proof));
    assert!(matches!(renewed, Err(Error::ProofInvalid)));

    let proof = site.sign_in(&site.ann, &phone);
    let (_, stolen) = site.activate_new_key();
    let operator = site.another();
    let early = site.wait(operator.retire_key(stolen, ProofsOfOld::Void));
    assert!(
        matches!(&early, Err(Error::Keyring(KeyringError::InUse { records, .. })) if *records > 0),
        "broken promise: not while anything rests under it: {early:?}"
    );
    fine(site.wait(operator.reseal(|_| {})));
    fine(site.wait(operator.retire_key(first, ProofsOfOld::Linger)));
    assert!(recheck(&proof));
    fine(site.wait(operator.retire_key(stolen, ProofsOfOld::Void)));
    assert!(!recheck(&proof), "broken promise: void at once");
    fine(site.wait(site.service().check_keyring()));
    assert!(
        site.wait(site.service().recheck(&proof)).is_err(),
        "broken promise: also at a service that was running"
    );
}

/// A proof that is bound to a session opens with that session's secret alone.
pub fn a_bound_proof_opens_in_its_session_alone<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let admin = site.enrol(&site.ada);
    site.enrol(&site.ann);
    site.clock.forward(30);
    let login = site.challenge(&site.ada);
    let pass = accepted(site.answer(&login, &admin.code(site.now())));
    let bound = fine(site.service().proof_bound(&pass, b"the cookie"));
    // As it lies in the session's row.
    let stored = |secret: Option<&[u8]>| -> Proof {
        let proof: Proof = fine(bound.as_str().parse());
        match secret {
            Some(secret) => proof.bound_to(secret),
            None => proof,
        }
    };
    let own = stored(Some(b"the cookie"));
    assert_eq!(
        fine(site.wait(site.service().recheck(&own))),
        Recheck::Continue
    );
    for stolen in [stored(None), stored(Some(b"another cookie"))] {
        assert!(
            site.wait(site.service().recheck(&stolen)).is_err(),
            "broken promise: a copied row opens nothing"
        );
        assert_eq!(
            site.reset(&stolen, &site.ann).err(),
            Some(Reason::ProofInvalid)
        );
    }
    site.activate_new_key();
    let renewed = fine(site.wait(site.another().renew(&own)));
    let renewed: Option<Proof> = renewed.map(|proof| fine(proof.as_str().parse()));
    let Some(renewed) = renewed else {
        panic!("broken promise: a proof under the key before is renewed");
    };
    assert!(site.wait(site.service().recheck(&renewed)).is_err());
    let renewed = renewed.bound_to(b"the cookie");
    assert!(site.reset(&renewed, &site.ann).is_ok());
}

/// A thief has copied the keyring, and the database with it. Until the key is retired they can forge; after that
/// a forged proof, a forged record and a forged chain open nothing, also with a hand in the database.
pub fn a_stolen_key_is_worth_nothing_once_retired<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let admin = site.enrol(&site.ada);
    let phone = site.enrol(&site.ann);
    let victim = Subject::member(&site.project, &site.ada);
    let stolen = SharedRing::generate();
    stolen.replace(&site.ring().ring());

    // Over the very store, with a directory in which they are whoever they like.
    let directory = Arc::new(MemoryDirectory::new());
    let sso = ProjectSettings::mandatory_from(MANDATE).with_sso(twofa_policy::Sso::supersedes());
    directory.set_project(&site.project, sso);
    directory.set_member(&site.project, &site.ada, Role::Administrator);
    let thief = TwoFactor::builder(site.open().0, Arc::clone(&directory), stolen.source());
    let thief = fine(thief.clock(site.clock.reading()).build());
    let pass = allowed(fine(
        site.wait(thief.begin(SignIn::sso(&site.project, &site.ada))),
    ));
    let forged = fine(thief.proof(&pass));
    assert!(
        site.wait(site.service().recheck(&forged)).is_ok(),
        "the thief holds the store's own key"
    );
    // A store of their own under the same keys, where Ada has the thief's phone.
    let own = TwoFactor::builder(MemoryStore::new(), directory, stolen.source());
    let own = fine(own.clock(site.clock.reading()).build());
    fine(site.wait(own.install(Purpose::Production)));
    let theirs = fine(own.proof(&pass));
    assert!(
        site.wait(site.service().recheck(&theirs)).is_err(),
        "broken promise: another store's proof opens nothing, whatever the keys"
    );
    // Her record as it lies there now, to be put back later.
    let old = fine(site.wait(site.service().store().load(&victim))).stored;

    let (_, key) = site.activate_new_key();
    let operator = site.another();
    fine(site.wait(operator.reseal(|_| {})));
    fine(site.wait(operator.retire_key(key, ProofsOfOld::Void)));
    site.align(&operator);
    fine(site.wait(site.service().check_keyring()));

    let asked = site.wait(site.service().recheck(&forged));
    assert!(
        asked.is_err(),
        "broken promise: a proof under a stolen key is void"
    );
    let factors = granted(fine(site.wait(site.service().factors(&forged, None, 9))));
    assert_eq!(factors.err(), Some(Reason::ProofInvalid));
    assert_eq!(
        site.reset(&forged, &site.ann).err(),
        Some(Reason::ProofInvalid)
    );
    assert_eq!(site.replace(&forged).err(), Some(Reason::ProofInvalid));
    // What was written under it, put back by a hand in the database.
    let put_back = SwappedStore::replaced(site.open().0, victim, old);
    let doctored = TwoFactor::builder(put_back, site.open().1, site.ring().source());
    let doctored = fine(doctored.clock(site.clock.reading()).build());
    let begun = site.wait(doctored.begin(SignIn::password(&site.project, &site.ada)));
    assert_eq!(
        refused(fine(begun)),
        Reason::RecordUnreadable,
        "broken promise: a record under a stolen key opens nothing"
    );
    let found = fine(site.wait(doctored.audit_verify(Some(&site.project))));
    assert!(found.first_bad.is_some(), "broken promise: and it is found");
    // The thief's own ring no longer opens the store, and the owners' goes on.
    assert_eq!(
        site.wait(thief.check_keyring())
            .err()
            .map(|error| error.code()),
        Some("key-missing")
    );
    sign_in(&site, site.service(), &site.ada, &admin);
    sign_in(&site, site.service(), &site.ann, &phone);
    site.audit_is_whole();
}

/// Hosts with copies of one keyring change the keys at the same moment: one does, the others say so and leave
/// no factor behind.
pub fn hosts_that_change_keys_at_once_split_nothing<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    site.enrol(&site.bob);
    let mut ring = site.ring().text();
    for _ in 0..3 {
        let copies: Vec<_> = (0..4)
            .map(|_| {
                let copy = SharedRing::generate();
                copy.replace(&fine(crate::Keyring::from_text(&ring)));
                copy
            })
            .collect();
        let changed = at_once(copies.len(), |number| {
            let copy = copies.get(number)?;
            let (store, directory) = site.open();
            let host = TwoFactor::builder(store, directory, copy.source());
            let host = fine(host.clock(site.clock.reading()).build());
            let mut own = copy.ring();
            let before = own.active_id();
            let added = fine(own.add());
            copy.replace(&own);
            let change = async {
                host.register_keys().await?;
                host.activate_key(added).await?;
                host.reseal(|_| {}).await?;
                host.retire_key(before, ProofsOfOld::Linger).await
            };
            match site.wait(change) {
                Ok(()) => {
                    fine(site.wait(host.align(&mut own)));
                    Some(own.to_text())
                }
                Err(error) => {
                    assert_eq!(
                        error.code(),
                        "key-missing",
                        "broken promise: the loser says so: {error}"
                    );
                    None
                }
            }
        });
        let won: Vec<_> = changed.into_iter().flatten().collect();
        let [winner] = won.as_slice() else {
            panic!(
                "broken promise: one host of four changes the keys, not {}",
                won.len()
            );
        };
        ring.clone_from(winner);
        site.ring().replace(&fine(crate::Keyring::from_text(&ring)));
        let after = site.another();
        sign_in(&site, &after, &site.ann, &phone);
        let found = fine(site.wait(after.audit_verify(None)));
        assert_eq!(found.first_bad, None, "broken promise: every factor opens");
    }
}

/// Beside services that sign people in without a pause, keys are rotated again and again: no call fails for it,
/// and nothing is left under an older key.
pub fn logins_beside_rotations_lose_nothing<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let people: Vec<_> = (1..RACERS.min(6))
        .map(|number| {
            let user = super::user(&format!("user-{number}@example.com"));
            site.member(&user, Some(Role::Member));
            let phone = site.enrol(&user);
            (user, phone)
        })
        .collect();
    site.clock.forward(30);
    at_once(people.len() + 1, |number| {
        let Some((user, phone)) = number.checked_sub(1).and_then(|at| people.get(at)) else {
            for _ in 0..5 {
                let (_, before) = site.activate_new_key();
                let operator = site.another();
                fine(site.wait(operator.reseal(|_| {})));
                fine(site.wait(operator.retire_key(before, ProofsOfOld::Linger)));
                site.align(&operator);
            }
            return;
        };
        let service = site.another();
        for _ in 0..10 {
            let begun = fine(site.wait(service.begin(SignIn::password(&site.project, user))));
            let login = challenge(begun);
            let code = phone.code(site.now());
            // Only the first is accepted in a time step; what counts is that none is an error.
            let answer = site.wait(service.answer(Attempt::new(&login, &code)));
            assert!(
                answer.is_ok(),
                "broken promise: {answer:?} beside a rotation"
            );
        }
    });
    let keys = fine(site.wait(site.another().list_keys()));
    for key in &keys {
        assert_eq!(
            key.records > 0,
            key.state == KeyState::Active,
            "broken promise: nothing is left under an older key: {keys:?}"
        );
    }
    site.audit_is_whole();
}

/// A store that a version before made keeps no record of its keys. Its people sign in as before; it is given one
/// once, under the keys that open it and no others; and then its keys change as any store's.
pub fn a_store_without_a_record_of_its_keys_goes_on<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    // What shows that the store was in use before: a record that is nobody's any more.
    let stranger = Subject::member(&super::project("before"), &site.ann);
    let change = Change {
        subject: stranger,
        expected: 0,
        installation: 0,
        record: b"what is not looked at here".to_vec(),
        summary: twofa_lifecycle::Summary::NONE,
        events: Vec::new(),
        park: None,
        ends: crate::Ends::None,
        recovery: None,
    };
    let applied = site.wait(site.service().store().apply(&change));
    assert_eq!(fine(applied), Applied::Committed);

    let phone = site.enrol(&site.ann);
    let proof = site.sign_in(&site.ann, &phone);
    assert_eq!(fine(site.wait(site.service().installation())), None);
    assert_eq!(
        fine(site.wait(site.service().recheck(&proof))),
        Recheck::Continue
    );
    let early = site.wait(site.service().register_keys());
    assert!(
        matches!(early, Err(Error::Keyring(KeyringError::NotInstalled))),
        "{early:?}"
    );
    let (store, directory) = site.open();
    let foreign = super::service_over(
        store,
        directory,
        &SharedRing::generate().text(),
        &site.clock,
    );
    let refused = site.wait(foreign.install(Purpose::Production)).err();
    assert!(
        refused.is_some(),
        "broken promise: another keyring is not made the store's own"
    );

    let operator = site.another();
    assert!(fine(site.wait(operator.install(Purpose::Production))));
    assert!(!fine(site.wait(operator.install(Purpose::Production))));
    let view = fine(site.wait(site.another().installation()));
    assert_eq!(view.map(|view| view.made), Some(site.now()));
    sign_in(&site, site.service(), &site.ann, &phone);
    let (_, before) = site.activate_new_key();
    sign_in(&site, site.service(), &site.ann, &phone);
    fine(
        site.wait(operator.reseal(|_| {}))
            .or_else(|error| match error {
                // The stranger's record opens for nobody.
                Error::Unreadable { .. } => Ok(crate::Rotation::default()),
                other => Err(other),
            }),
    );
    fine(site.wait(operator.retire_key(before, ProofsOfOld::Linger)));
    site.align(&operator);
    sign_in(&site, &site.another(), &site.ann, &phone);
    site.audit_is_whole();
    assert!(site.now() > UnixTime::EPOCH);
}
