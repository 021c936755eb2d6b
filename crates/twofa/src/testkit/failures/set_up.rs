//! Set-up: a secret is seen once, by the login that began it, and gates nothing until confirmed.

use std::collections::BTreeSet;

use twofa_policy::Reason;

use crate::Begin;
use crate::testkit::site::{accepted, challenge, reason, rejected};
use crate::testkit::{Authenticator, Harness, Site};

/// No call gives the secret of a factor in use.
pub fn f11_a_factor_in_use_shows_no_secret<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    for _ in 0..3 {
        match site.begin(&site.ann) {
            Begin::Challenge(challenge) => {
                let said = format!("{challenge:?}");
                assert!(
                    !said.contains(phone.uri()),
                    "broken promise: a challenge has no secret"
                );
            }
            other => panic!("broken promise: a factor in use is challenged, not {other:?}"),
        }
    }
    let pass = site.wait(
        site.service()
            .begin(crate::SignIn::password(&site.project, &site.ann)),
    );
    assert!(matches!(pass, Ok(Begin::Challenge(_))));
    // A new key for a new phone is another key.
    let proof = site.sign_in(&site.ann, &phone);
    let Ok(fresh) = site.replace(&proof) else {
        panic!("broken promise: a fresh proof begins a replacement");
    };
    assert_ne!(
        Authenticator::scan(&fresh).secret(),
        phone.secret(),
        "broken promise: a replacement has a secret of its own"
    );
}

/// Another browser's set-up takes the place of the first, which can confirm neither key; and confirming
/// lifts the login that began it alone.
pub fn f12_only_the_login_that_began_confirms<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let first = site.set_up(&site.ann);
    let second = site.set_up(&site.ann);
    let (old, new) = (Authenticator::scan(&first), Authenticator::scan(&second));
    for code in [old.code(site.now()), new.code(site.now())] {
        let why = rejected(site.answer(first.login(), &code));
        assert_eq!(
            why.reason(),
            Reason::Superseded,
            "broken promise: the newer set-up counts"
        );
        assert!(why.login_ended());
    }
    let _pass = accepted(site.answer(second.login(), &new.code(site.now())));
    let why = reason(site.answer(first.login(), &new.code_of(site.now(), 1)));
    let over = matches!(why, Reason::Superseded | Reason::UnknownLogin);
    assert!(
        over,
        "broken promise: a confirmation lifts no other login, but {why:?}"
    );
    assert_eq!(site.count(&site.ann, "enrolment-confirmed"), 1);
}

/// A key in use is replaced with a fresh proof of it, and works until the new one is confirmed.
pub fn f12_a_replacement_needs_the_old_factor<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let old = site.enrol(&site.ann);
    let bystander = site.challenge(&site.ann);
    let proof = site.sign_in(&site.ann, &old);
    let Ok(replacement) = site.replace(&proof) else {
        panic!("broken promise: a fresh proof begins a replacement");
    };
    let new = Authenticator::scan(&replacement);
    site.clock.forward(30);
    // Until it is confirmed, the old key is the key, and the new one opens nothing.
    let login = site.challenge(&site.ann);
    assert_eq!(
        reason(site.answer(&login, &new.code(site.now()))),
        Reason::WrongCode
    );
    let _pass = accepted(site.answer(&login, &old.code(site.now())));
    let answered = reason(site.answer(replacement.login(), &old.code_of(site.now(), 1)));
    assert_eq!(
        answered,
        Reason::WrongCode,
        "broken promise: the new key confirms itself"
    );
    let _pass = accepted(site.answer(replacement.login(), &new.code(site.now())));
    // From then on the new one is.
    site.clock.forward(30);
    assert_eq!(
        reason(site.answer(&bystander, &old.code(site.now()))),
        Reason::WrongCode
    );
    let _pass = accepted(site.answer(&bystander, &new.code(site.now())));
    // A proof that is not fresh begins none.
    site.clock.forward(301);
    let stale = site.replace(&proof);
    assert_eq!(
        stale.err(),
        Some(Reason::ProofTooOld),
        "broken promise: a stale proof is refused"
    );
    assert_eq!(site.count(&site.ann, "replaced"), 1);
    site.audit_is_whole();
}

/// Every set-up draws 160 bits of its own.
pub fn f13_every_secret_is_new_and_whole<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let mut seen = BTreeSet::new();
    for _ in 0..40 {
        let phone = Authenticator::scan(&site.set_up(&site.ann));
        assert_eq!(
            phone.secret().len(),
            20,
            "broken promise: a secret has 160 bits"
        );
        assert!(
            seen.insert(phone.secret().to_vec()),
            "broken promise: no secret comes twice"
        );
    }
}

/// A set-up that was begun and left locks nobody out: the next login offers another, and the older is dead.
pub fn f14_a_set_up_that_was_left_blocks_nothing<H: Harness>(harness: &H) {
    let mut site = Site::new(harness);
    let left = site.set_up(&site.ann);
    let old = Authenticator::scan(&left);
    site.restart();
    let set_up = site.set_up(&site.ann);
    let why = reason(site.answer(left.login(), &old.code(site.now())));
    assert_eq!(
        why,
        Reason::Superseded,
        "broken promise: the older QR code is void"
    );
    let why = reason(site.answer(set_up.login(), &old.code(site.now())));
    assert_eq!(
        why,
        Reason::WrongCode,
        "broken promise: and so is its secret"
    );

    site.clock.forward(600);
    let new = Authenticator::scan(&set_up);
    let why = reason(site.answer(set_up.login(), &new.code(site.now())));
    assert_eq!(
        why,
        Reason::Expired,
        "broken promise: a set-up lapses after ten minutes"
    );
    assert_eq!(
        site.count(&site.ann, "enrolment-expired"),
        1,
        "broken promise: on the record"
    );
    let phone = site.enrol(&site.ann);
    site.clock.forward(30);
    let login = challenge(site.begin(&site.ann));
    let _pass = accepted(site.answer(&login, &phone.code(site.now())));

    // Where two-factor is optional, a set-up under way does not even ask for itself.
    site.set(twofa_policy::ProjectSettings::mandatory_from(
        super::super::site::MANDATE,
    ));
    let _set_up = site.set_up(&site.bob);
    site.set(twofa_policy::ProjectSettings::new());
    let begun = site.begin(&site.bob);
    assert!(
        matches!(begun, Begin::Allowed(_)),
        "broken promise: what is pending blocks nothing"
    );
}
