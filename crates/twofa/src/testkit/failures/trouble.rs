//! Trouble: what is stored shows no secret, and what cannot be read or written is an error, never a pass.

use twofa_policy::Reason;

use crate::testkit::site::{accepted, fine, granted, reason, refused, service};
use crate::testkit::{Authenticator, Fault, FaultyStore, Harness, SharedRing, Site, SwappedStore};
use crate::{Answer, Attempt, Begin, Error, Events, Keyring, SignIn, Store, Subject, SubjectEvent};

/// What must not be found, in the forms that it could be found in.
#[derive(Debug)]
pub struct Needles(Vec<(&'static str, Vec<u8>)>);

impl Needles {
    /// Everything secret about a phone, and the codes that it shows around the time that a check takes.
    pub fn of(phone: &Authenticator, around: twofa_types::UnixTime) -> Self {
        let secret = phone.secret();
        let base32 = twofa_otpauth::base32::encode(secret);
        let base32 = base32.expose_secret().trim_end_matches('=').to_owned();
        let hex = base16ct::lower::encode_string(secret);
        let mut needles = vec![
            ("the secret's bytes", secret.to_vec()),
            (
                "the secret in lower-case base32",
                base32.to_lowercase().into_bytes(),
            ),
            ("the secret in hexadecimal", hex.to_uppercase().into_bytes()),
            ("the secret in base32", base32.into_bytes()),
            ("the secret in lower-case hexadecimal", hex.into_bytes()),
            ("a key URI", phone.uri().as_bytes().to_vec()),
            ("the scheme of a key URI", b"otpauth:".to_vec()),
        ];
        let codes = (-4..=4).map(|steps| ("a code", phone.code_of(around, steps).into_bytes()));
        needles.extend(codes);
        Self(needles)
    }

    /// Looks for each of them.
    pub fn look_in(&self, hay: &[u8], place: &str) {
        for (what, needle) in &self.0 {
            let found = hay
                .windows(needle.len())
                .any(|part| part == needle.as_slice());
            assert!(!found, "broken promise: {place} holds {what}");
        }
    }
}

/// Nothing that the store is given, and nothing that prints, holds a secret, a code or a key URI.
pub fn f26_nothing_at_rest_or_printed_is_secret<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let admin = site.enrol(&site.ada);
    let set_up = site.set_up(&site.ann);
    let phone = Authenticator::scan(&set_up);
    let needles = Needles::of(&phone, site.now());
    let wrong = phone.wrong(site.now());
    let right = phone.code(site.now());
    let mut printed = vec![
        format!("{set_up:?} {:?} {:?}", set_up.uri(), set_up.manual_key()),
        format!("{:?}", Attempt::new(set_up.login(), &right)),
        format!("{:?}", site.answer(set_up.login(), &wrong)),
        format!("{:?}", site.answer(set_up.login(), &right)),
    ];
    let login = site.challenge(&site.ann);
    let old = phone.code_of(site.now(), -4);
    for typed in [right.as_str(), wrong.as_str(), old.as_str(), "12 34"] {
        printed.push(format!("{:?}", site.answer(&login, typed)));
    }
    let proof = site.sign_in(&site.ada, &admin);
    printed.push(format!("{proof:?} {phone:?} {:?}", site.service()));
    let listed = site.service().factors(&proof, None, 10);
    printed.push(format!("{:?}", fine(site.wait(listed))));
    let printed = printed.concat();
    needles.look_in(printed.as_bytes(), "what is printed");

    let mut rows = Vec::new();
    for user in [&site.ada, &site.ann] {
        let subject = Subject::member(&site.project, user);
        let store = site.service().store();
        if let Some(stored) = fine(site.wait(store.load(&subject))).stored {
            needles.look_in(&stored.record, "a stored record");
        }
        for SubjectEvent { row, .. } in fine(site.wait(store.chain(&subject, 0, 100))) {
            let mut line = format!(
                "{} {:?} {:?} {:?}",
                row.event, row.reason, row.actor, row.detail
            );
            line.push('\n');
            rows.extend(line.into_bytes());
        }
    }
    assert!(rows.len() > 100, "there are rows to look in");
    needles.look_in(&rows, "the audit");
    needles.look_in(site.keyring().as_bytes(), "the keyring");
}

/// Each call to the store fails in turn, before or after it did its work: an error, never a pass or a wrong
/// code; nothing is counted that was not answered, and trying again works.
pub fn f27_trouble_with_the_store_is_an_error<H: Harness>(harness: &H) {
    let ring = SharedRing::generate();
    for fault in [Fault::Before, Fault::After] {
        for call in 1..=6 {
            // A project of its own for each round, so that rounds do not meet.
            let site = Site::named(harness, &format!("{fault:?} {call}"), &ring);
            let (store, directory) = site.open();
            let faulty = service(
                FaultyStore::new(store),
                directory,
                &site.keyring(),
                &site.clock,
            );
            trouble_while_setting_up(&site, &faulty, call, fault);
            trouble_while_answering(&site, &faulty, call, fault);
        }
    }
}

type Faulty<H> = crate::TwoFactor<FaultyStore<<H as Harness>::Store>, <H as Harness>::Directory>;

fn is_store_error<T: std::fmt::Debug>(result: &Result<T, Error>, what: &str) {
    let store = matches!(result, Err(Error::Store(_)));
    assert!(
        store,
        "broken promise: trouble with the store is an error of {what}, not {result:?}"
    );
}

fn trouble_while_setting_up<H: Harness>(
    site: &Site<'_, H>,
    faulty: &Faulty<H>,
    call: u64,
    fault: Fault,
) {
    let sign_in = || SignIn::password(&site.project, &site.ann);
    faulty.store().fail_call(call, fault);
    let begun = site.wait(faulty.begin(sign_in()));
    if call <= faulty.store().calls() {
        is_store_error(&begun, "begin");
    }
    faulty.store().heal();
    let begun = crate::testkit::set_up(fine(site.wait(faulty.begin(sign_in()))));
    let phone = Authenticator::scan(&begun);
    let code = phone.code(site.now());
    faulty.store().fail_call(call, fault);
    let answer = site.wait(faulty.answer(Attempt::new(begun.login(), &code)));
    let failed = call <= faulty.store().calls();
    if failed {
        is_store_error(&answer, "a confirmation");
    }
    faulty.store().heal();
    // A lost reply may have left the factor confirmed; then, and only then, is the code spent.
    let confirmed = site.count(&site.ann, "enrolment-confirmed");
    match site.begin(&site.ann) {
        Begin::Challenge(challenge) => {
            assert_eq!(
                confirmed, 1,
                "broken promise: what is in use was confirmed on the record"
            );
            let again = site.answer(challenge.login(), &code);
            assert_eq!(reason(again), Reason::CodeAlreadyUsed);
        }
        Begin::Enrol(set_up) => {
            assert!(
                failed && confirmed == 0,
                "broken promise: accepted and not kept"
            );
            let phone = Authenticator::scan(&set_up);
            let _pass = accepted(site.answer(set_up.login(), &phone.code(site.now())));
        }
        other => panic!("broken promise: trouble leads nowhere else, but to {other:?}"),
    }
    site.audit_is_whole();
}

fn trouble_while_answering<H: Harness>(
    site: &Site<'_, H>,
    faulty: &Faulty<H>,
    call: u64,
    fault: Fault,
) {
    // A fresh key, since the one before may have been left anywhere.
    assert!(site.support_reset(&site.ann).is_ok());
    let phone = site.enrol(&site.ann);
    for right in [false, true] {
        site.clock.forward(30);
        let login = site.challenge(&site.ann);
        let code = if right {
            phone.code(site.now())
        } else {
            phone.wrong(site.now())
        };
        let event = if right { "accepted" } else { "failed" };
        let before = site.count(&site.ann, event);
        faulty.store().fail_call(call, fault);
        let answer = site.wait(faulty.answer(Attempt::new(&login, &code)));
        let failed = call <= faulty.store().calls();
        faulty.store().heal();
        if failed {
            is_store_error(&answer, "an answer");
        }
        let written = site.count(&site.ann, event) - before;
        match (failed, fault) {
            (true, Fault::Before) => assert_eq!(written, 0, "broken promise: nothing was counted"),
            (true, Fault::After) => assert!(written <= 1, "broken promise: counted once at most"),
            (false, _) => assert_eq!(written, 1, "broken promise: an answer is counted"),
        }
        // The same once more: it works, or it was spent by the call whose reply was lost.
        match site.try_answer(&login, &code) {
            Ok(Answer::Accepted(_)) => assert!(right && written == 0, "broken promise: used twice"),
            Ok(Answer::Rejected(why)) => {
                let spent = matches!(why.reason(), Reason::CodeAlreadyUsed | Reason::UnknownLogin);
                let told = if right {
                    spent && written == 1
                } else {
                    why.reason() == Reason::WrongCode
                };
                assert!(told, "broken promise: {why:?} after {written} written");
            }
            Err(error) => panic!("broken promise: the trouble is over: {error}"),
        }
    }
    for what in 0..3 {
        faulty.store().fail_all(fault);
        let explained = site.wait(faulty.explain(&SignIn::password(&site.project, &site.ann)));
        is_store_error(&explained, "explain");
        match what {
            0 => is_store_error(&site.wait(faulty.audit_verify(None)), "audit_verify"),
            1 => is_store_error(&site.wait(faulty.sweep(9)), "sweep"),
            _ => is_store_error(&site.wait(faulty.notices(&site.project, 0, 9)), "notices"),
        }
        faulty.store().heal();
    }
    site.audit_is_whole();
}

/// A record or a secret that was moved to another row opens nothing there; both rows are refused, on the record.
pub fn f29_a_row_that_was_moved_opens_nothing<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let phones = [site.enrol(&site.ann), site.enrol(&site.bob)];
    let logins = [site.challenge(&site.ann), site.challenge(&site.bob)];
    site.clock.forward(30);
    let (store, directory) = site.open();
    let one = Subject::member(&site.project, &site.ann);
    let other = Subject::member(&site.project, &site.bob);
    let swapped = SwappedStore::new(store, one.clone(), other.clone());
    let swapped = service(swapped, directory, &site.keyring(), &site.clock);
    let altered = |reason: Reason, what: &str| {
        assert_eq!(
            reason,
            Reason::RecordUnreadable,
            "broken promise: {what} of a moved row"
        );
    };
    for (user, login) in [&site.ann, &site.bob].into_iter().zip(&logins) {
        let begun = site.wait(swapped.begin(SignIn::password(&site.project, user)));
        altered(refused(fine(begun)), "begin");
        for phone in &phones {
            let code = phone.code(site.now());
            let answer = site.wait(swapped.answer(Attempt::new(login, &code)));
            altered(reason(fine(answer)), "an answer");
        }
    }
    let found = fine(site.wait(swapped.audit_verify(None)));
    let bad = found.first_bad.map(|bad| (bad.subject, bad.fault));
    assert_eq!(
        bad,
        Some((one, crate::Fault::RecordAltered)),
        "broken promise: the audit finds it"
    );
    let noted = fine(
        site.wait(
            site.service()
                .events(Events::Project(&site.project), 0, 100),
        ),
    );
    for user in [&site.ann, &site.bob] {
        let told = noted.iter().any(|event| {
            event.row.event == "tampered" && event.row.detail.as_deref() == Some(user.as_str())
        });
        assert!(told, "broken promise: it is on the project's record");
    }
    // Put back, everything is as it was, and no attempt was counted.
    for (user, phone) in [&site.ann, &site.bob].into_iter().zip(&phones) {
        assert_eq!(site.count(user, "failed"), 0);
        let login = site.challenge(user);
        let _pass = accepted(site.answer(&login, &phone.code(site.now())));
    }
    site.audit_is_whole();
}

/// A key that is not in the ring is an error of its own, and costs no attempt.
pub fn f30_a_lost_key_is_no_wrong_code<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    let login = site.challenge(&site.ann);
    site.clock.forward(30);
    // A copy from before the last key, and the keyring of some other store.
    let copy = site.keyring();
    site.activate_new_key();
    for (keyring, expected) in [
        (copy, "key-missing"),
        (fine(Keyring::generate()).to_text(), "keyring-mismatch"),
    ] {
        let (store, directory) = site.open();
        let without = service(store, directory, &keyring, &site.clock);
        for typed in [phone.code(site.now()), phone.wrong(site.now())] {
            let answer = site.wait(without.answer(Attempt::new(&login, &typed)));
            let code = answer.err().map(|error| error.code());
            assert_eq!(
                code,
                Some(expected),
                "broken promise: a lost key is told as such"
            );
        }
        let begun = site.wait(without.begin(SignIn::password(&site.project, &site.ann)));
        assert_eq!(begun.err().map(|error| error.code()), Some(expected));
        let reset = site.wait(without.support_reset(&site.project, &site.ann, "op", "T-1"));
        assert!(
            reset.map(granted).is_err(),
            "broken promise: nor is anything reset unseen"
        );
    }
    assert_eq!(
        site.count(&site.ann, "failed"),
        0,
        "broken promise: no attempt was counted"
    );
    let _pass = accepted(site.answer(&login, &phone.code(site.now())));
}
