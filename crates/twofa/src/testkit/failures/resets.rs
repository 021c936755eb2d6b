//! Who may reset whom, and what a reset leaves behind.

use twofa_policy::{ProjectSettings, Reason, Recheck, Role};

use crate::testkit::site::{MANDATE, accepted, allowed, at_once, challenge, fine, granted, reason};
use crate::testkit::{Authenticator, Harness, Site, project, user};
use crate::{
    Answer, Begin, Events, LoginId, MemoryDirectory, MemoryStore, Proof, Purpose, SignIn,
    SubjectEvent, TwoFactor,
};

/// An administrator of one project reaches no factor of another, not even of the same person.
pub fn f20_a_factor_belongs_to_one_project<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let admin = site.enrol(&site.ada);
    site.enrol(&site.ann);
    let elsewhere = project("elsewhere");
    site.set_of(&elsewhere, ProjectSettings::mandatory_from(MANDATE));
    site.member_of(&elsewhere, &site.ann, Some(Role::Member));
    let begun = fine(
        site.wait(
            site.service()
                .begin(SignIn::password(&elsewhere, &site.ann)),
        ),
    );
    let set_up = crate::testkit::set_up(begun);
    let there = Authenticator::scan(&set_up);
    let _pass = accepted(site.answer(set_up.login(), &there.code(site.now())));

    let proof = site.sign_in(&site.ada, &admin);
    assert!(site.reset(&proof, &site.ann).is_ok());
    assert!(
        matches!(site.begin(&site.ann), Begin::Enrol(_)),
        "here she sets up anew"
    );
    let begun = fine(
        site.wait(
            site.service()
                .begin(SignIn::password(&elsewhere, &site.ann)),
        ),
    );
    let login = challenge(begun);
    let _pass = accepted(site.answer(&login, &there.code(site.now())));
    let stranger = user("only-elsewhere@example.com");
    site.member_of(&elsewhere, &stranger, Some(Role::Member));
    assert_eq!(
        site.reset(&proof, &stranger).err(),
        Some(Reason::NothingToReset),
        "broken promise: whoever is no member here has nothing to reset here"
    );
    site.audit_is_whole();
}

/// Nobody resets without being an administrator of that project, freshly proven; each refusal is on the record.
pub fn f21_only_a_fresh_proof_of_an_administrator_resets<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let admin = site.enrol(&site.ada);
    site.enrol(&site.ann);
    let member = site.enrol(&site.bob);
    let refused = |proof: &Proof, why: Reason, what: &str| {
        let reset = site.reset(proof, &site.ann).err();
        assert_eq!(reset, Some(why), "broken promise: {what} resets nobody");
    };

    let by_member = site.sign_in(&site.bob, &member);
    refused(&by_member, Reason::NotAnAdministrator, "a member");
    let fresh = site.sign_in(&site.ada, &admin);
    assert_eq!(
        site.reset(&fresh, &site.ada).err(),
        Some(Reason::SelfReset),
        "nor oneself"
    );

    site.clock.forward(301);
    refused(&fresh, Reason::ProofTooOld, "a stale proof");
    let fresh = site.sign_in(&site.ada, &admin);
    site.set(ProjectSettings::new());
    let root = user("root@example.com");
    site.member(&root, Some(Role::Administrator));
    let by_password = site.proof(&allowed(site.begin(&root)));
    refused(&by_password, Reason::ProofInvalid, "a password alone");
    site.set(ProjectSettings::mandatory_from(MANDATE));

    // An administrator of another project.
    let elsewhere = project("elsewhere");
    site.set_of(&elsewhere, ProjectSettings::mandatory_from(MANDATE));
    site.member_of(&elsewhere, &site.bob, Some(Role::Administrator));
    let begun = fine(
        site.wait(
            site.service()
                .begin(SignIn::password(&elsewhere, &site.bob)),
        ),
    );
    let set_up = crate::testkit::set_up(begun);
    let there = Authenticator::scan(&set_up);
    let pass = accepted(site.answer(set_up.login(), &there.code(site.now())));
    let reset = site.reset(&site.proof(&pass), &site.ann).err();
    assert_eq!(
        reset,
        Some(Reason::NothingToReset),
        "their own project, and nobody there"
    );

    // Forged: another store's under the same keyring, one character changed, cut, and no proof at all.
    let text = fresh.as_str();
    let (store, directory) = (MemoryStore::new(), MemoryDirectory::new());
    let other = TwoFactor::builder(store, directory, site.ring().ring());
    let other = fine(other.clock(site.clock.reading()).build());
    assert!(fine(site.wait(other.install(Purpose::Production))));
    let others = fine(other.proof(&pass));
    refused(&others, Reason::ProofInvalid, "another store's proof");
    let flip = |at: usize| {
        let flipped = |(place, c): (usize, char)| match (place == at, c) {
            (true, '0') => '1',
            (true, _) => '0',
            (false, c) => c,
        };
        text.chars().enumerate().map(flipped).collect::<String>()
    };
    for at in [0, 7, 8, text.len() / 2, text.len() - 1] {
        let forged: Result<Proof, _> = flip(at).parse();
        refused(&fine(forged), Reason::ProofInvalid, "an altered proof");
    }
    for cut in [1, 2, text.len() / 2] {
        let forged: Result<Proof, _> = text.get(cut..).unwrap_or("00").parse();
        refused(&fine(forged), Reason::ProofInvalid, "a cut proof");
    }

    assert!(
        matches!(site.begin(&site.ann), Begin::Challenge(_)),
        "Ann's factor still stands"
    );
    let refusals: Vec<_> = [&site.ada, &site.ann, &site.bob]
        .map(|user| site.count(user, "reset-refused"))
        .into();
    let all: usize = refusals.iter().sum();
    assert_eq!(
        all, 3,
        "broken promise: a refusal whose author is known is on the record, with whoever asked: {refusals:?}"
    );
    assert!(
        site.reset(&fresh, &site.ann).is_ok(),
        "while the fresh proof of an administrator does"
    );
    site.audit_is_whole();
}

/// The role counts as it is when the reset is carried out.
pub fn f22_the_role_is_read_when_it_counts<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let admin = site.enrol(&site.ada);
    site.enrol(&site.ann);
    let proof = site.sign_in(&site.ada, &admin);
    let listed = || granted(fine(site.wait(site.service().factors(&proof, None, 10)))).err();
    assert_eq!(listed(), None, "an administrator sees the list");
    for role in [Some(Role::Member), None] {
        site.member(&site.ada, role);
        assert_eq!(
            site.reset(&proof, &site.ann).err(),
            Some(Reason::NotAnAdministrator),
            "broken promise: whoever was demoted between click and execution is refused"
        );
        assert_eq!(listed(), Some(Reason::NotAnAdministrator));
    }
    let told = fine(
        site.wait(
            site.service()
                .events(Events::Project(&site.project), 0, 100),
        ),
    );
    let refused = |event: &&SubjectEvent| event.row.event == "access-refused";
    assert_eq!(
        told.iter().filter(refused).count(),
        2,
        "broken promise: whoever may not see the list is on the record"
    );
    site.member(&site.ada, Some(Role::Administrator));
    assert!(site.reset(&proof, &site.ann).is_ok());
}

/// A reset voids everything of the subject's: the phone, logins half-way, proofs, sessions.
pub fn f23_a_reset_voids_everything<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let admin = site.enrol(&site.ada);
    let phone = site.enrol(&site.ann);
    site.member(&site.ann, Some(Role::Administrator));
    let session = site.sign_in(&site.ann, &phone);
    let logins = [site.challenge(&site.ann), site.challenge(&site.ann)];
    let Ok(replacement) = site.replace(&session) else {
        panic!("broken promise: a fresh proof begins a replacement");
    };
    let bobs = site.set_up(&site.bob);
    let proof = site.sign_in(&site.ada, &admin);
    assert!(site.reset(&proof, &site.ann).is_ok());

    let over = |login: &LoginId, code: &str, what: &str| {
        let why = reason(site.answer(login, code));
        assert_eq!(
            why,
            Reason::UnknownLogin,
            "broken promise: a reset ends {what}"
        );
    };
    for login in &logins {
        over(login, &phone.code(site.now()), "logins half-way");
    }
    let new = Authenticator::scan(&replacement);
    over(
        replacement.login(),
        &new.code(site.now()),
        "a replacement under way",
    );
    assert_eq!(
        fine(site.wait(site.service().recheck(&session))),
        Recheck::SignInAgain(fine(
            site.wait(
                site.service()
                    .explain(&SignIn::password(&site.project, &site.ann))
            )
        )),
        "broken promise: a reset ends open sessions"
    );
    let reset = site.reset(&session, &site.bob).err();
    assert_eq!(
        reset,
        Some(Reason::ProofInvalid),
        "broken promise: a reset voids proofs"
    );
    let set_up = site.set_up(&site.ann);
    assert_eq!(set_up.reason(), Reason::ResetByAdmin);
    let why = reason(site.answer(set_up.login(), &phone.code(site.now())));
    assert_ne!(
        why,
        Reason::CodeAlreadyUsed,
        "broken promise: the old key is gone"
    );
    let fresh = Authenticator::scan(&set_up);
    let pass = accepted(site.answer(set_up.login(), &fresh.code(site.now())));
    assert_eq!(
        site.reset(&session, &site.bob).err(),
        Some(Reason::ProofInvalid),
        "broken promise: an old proof stays void after the new set-up"
    );
    let now_valid = site.proof(&pass);
    assert!(
        site.reset(&now_valid, &site.bob).is_ok(),
        "while the new one counts"
    );
    let theirs = Authenticator::scan(&bobs);
    over(bobs.login(), &theirs.code(site.now()), "a set-up under way");
    site.audit_is_whole();
}

/// A right answer and a reset at the same moment: whichever comes first, nobody is left in between.
pub fn f23_a_reset_beside_answers_leaves_nothing_alive<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let admin = site.enrol(&site.ada);
    for _ in 0..8 {
        let phone = site.enrol(&site.ann);
        let proof = site.sign_in(&site.ada, &admin);
        let logins: Vec<_> = (0..7).map(|_| site.challenge(&site.ann)).collect();
        let code = phone.code(site.now());
        let ended = at_once(8, |number| {
            let Some(login) = logins.get(number) else {
                assert!(
                    site.reset(&proof, &site.ann).is_ok(),
                    "a race is no refusal"
                );
                return None;
            };
            match site.answer(login, &code) {
                Answer::Accepted(pass) => Some(site.proof(&pass)),
                Answer::Rejected(_) => None,
            }
        });
        for login in &logins {
            let why = reason(site.answer(login, &phone.code_of(site.now(), 1)));
            assert_eq!(
                why,
                Reason::UnknownLogin,
                "broken promise: a reset ends every login"
            );
        }
        for session in ended.into_iter().flatten() {
            let again = fine(site.wait(site.service().recheck(&session)));
            assert_ne!(
                again,
                Recheck::Continue,
                "broken promise: a reset ends every session"
            );
        }
    }
    site.audit_is_whole();
}

/// After a restored backup an operator voids every proof from before: on every instance, within a second and for
/// good, and every new one counts.
pub fn f32_proofs_from_before_are_void_everywhere<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let admin = site.enrol(&site.ada);
    site.enrol(&site.ann);
    let proof = site.sign_in(&site.ada, &admin);
    // Instances that run, and know their keys.
    let others = [site.another(), site.another()];
    let recheck = |service: &crate::testkit::Service<H>, proof| site.wait(service.recheck(proof));
    for other in &others {
        assert_eq!(fine(recheck(other, &proof)), Recheck::Continue);
    }
    let name = |text: &str| fine(twofa_types::Name::new(text));
    let voided = site.another();
    fine(site.wait(voided.void_proofs(&name("grace"), &name("T-1"))));
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    for service in others.iter().chain([&voided, site.service()]) {
        let refused = recheck(service, &proof).err().map(|error| error.code());
        assert_eq!(
            refused,
            Some("proof-invalid"),
            "broken promise: proofs from before are void"
        );
        for refused in [
            granted(fine(site.wait(service.factors(&proof, None, 9)))).map(drop),
            granted(fine(site.wait(service.replace(&proof)))).map(drop),
            granted(fine(site.wait(service.reset(&proof, &site.ann)))).map(drop),
        ] {
            assert_eq!(
                refused.err(),
                Some(Reason::ProofInvalid),
                "broken promise: for every use"
            );
        }
    }
    // For good: also for an instance that starts later. And a proof made since counts on all.
    assert!(recheck(&site.another(), &proof).is_err());
    site.clock.forward(30);
    let later = site.sign_in(&site.ada, &admin);
    for other in &others {
        assert_eq!(fine(recheck(other, &later)), Recheck::Continue);
    }
    assert!(site.reset(&later, &site.ann).is_ok());
    site.audit_is_whole();
}
