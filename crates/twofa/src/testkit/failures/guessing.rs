//! Guessing: counted for the factor, in the store, before the answer leaves.

use twofa_policy::Reason;

use crate::testkit::site::{accepted, at_once, challenge, fine, reason, refused, rejected};
use crate::testkit::{Harness, Site};
use crate::{Answer, Attempt, Begin, LoginId, SignIn};

/// After a hundred wrong codes in a row the right one is refused, for good, until a reset.
pub fn f03_after_a_hundred_failures_the_right_code_is_refused<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let admin = site.enrol(&site.ada);
    let phone = site.enrol(&site.ann);
    let waiting = site.challenge(&site.ann);
    site.clock.forward(30);
    site.fail(&site.ann, &phone, 99);
    let Begin::Refused(decision) = site.begin(&site.ann) else {
        panic!("broken promise: the 99th failure costs a wait");
    };
    site.clock.set(decision.until().unwrap_or(site.now()));
    let last = site.challenge(&site.ann);
    let why = rejected(site.answer(&last, &phone.wrong(site.now())));
    assert_eq!(
        (why.reason(), why.retry_at()),
        (Reason::WrongCode, None),
        "until a reset"
    );

    for later in [0, 3_601, 31_536_000] {
        site.clock.forward(later);
        assert_eq!(
            refused(site.begin(&site.ann)),
            Reason::Locked,
            "broken promise: locked for good"
        );
        for login in [&waiting, &last] {
            let why = reason(site.answer(login, &phone.code(site.now())));
            let held = matches!(why, Reason::Locked | Reason::Expired);
            assert!(
                held,
                "broken promise: the right code is not looked at, but {why:?}"
            );
        }
    }
    assert_eq!(site.count(&site.ann, "failed"), 100);
    assert_eq!(
        site.count(&site.ann, "locked"),
        1,
        "broken promise: the lock is on the record"
    );
    let notices = fine(site.wait(site.service().notices(&site.project, 0, 99)));
    let told = notices
        .iter()
        .any(|event| event.row.event == "locked" && event.subject.user() == Some(&site.ann));
    assert!(told, "broken promise: a lock is to be told");

    let proof = site.sign_in(&site.ada, &admin);
    assert!(
        site.reset(&proof, &site.ann).is_ok(),
        "broken promise: a reset lifts the lock"
    );
    site.enrol(&site.ann);
    site.audit_is_whole();
}

/// A failure is counted before its answer leaves: a caller that drops the answer takes nothing back.
pub fn f05_a_failure_outlives_the_caller<H: Harness>(harness: &H) {
    let mut site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    for failures in 1..=3 {
        let login = site.challenge(&site.ann);
        drop(site.try_answer(&login, &phone.wrong(site.now())));
        site.restart();
        let counted = site.count(&site.ann, "failed");
        assert_eq!(
            counted, failures,
            "broken promise: a failure is committed before the answer"
        );
    }
    let login = site.challenge(&site.ann);
    let why = rejected(site.answer(&login, &phone.wrong(site.now())));
    assert_eq!(
        why.retry_at(),
        Some(site.now().saturating_add(30)),
        "broken promise: the fourth in a row costs 30 s, whoever counted the first three"
    );
}

/// Failures are counted in the store: a fresh process for each try changes nothing.
pub fn f06_failures_are_counted_in_the_store<H: Harness>(harness: &H) {
    let mut site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    let login = site.challenge(&site.ann);
    for _ in 0..4 {
        site.restart();
        let wrong = phone.wrong(site.now());
        assert_eq!(reason(site.answer(&login, &wrong)), Reason::WrongCode);
    }
    site.restart();
    let why = rejected(site.answer(&login, &phone.code(site.now())));
    assert_eq!(
        why.reason(),
        Reason::Locked,
        "broken promise: the lock outlives the process"
    );
    assert_eq!(refused(site.begin(&site.ann)), Reason::Locked);
}

/// Five failures in each of twenty logins are a hundred failures of the factor.
pub fn f09_the_budget_is_the_factors<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    for round in 1..=20 {
        let mut login = begin_when_allowed(&site);
        for number in 1..=5 {
            let why = loop {
                let why = rejected(site.answer(&login, &phone.wrong(site.now())));
                match why.reason() {
                    Reason::Locked => site.clock.set(why.retry_at().unwrap_or(site.now())),
                    // The pause was longer than a login lives: its failures go on in the next.
                    Reason::Expired => login = begin_when_allowed(&site),
                    _ => break why,
                }
            };
            assert_eq!(
                why.reason(),
                Reason::WrongCode,
                "failure {number} of login {round}"
            );
        }
    }
    assert_eq!(
        site.count(&site.ann, "failed"),
        100,
        "broken promise: 20 times 5 are 100"
    );
    site.clock.forward(1_000_000);
    assert_eq!(
        refused(site.begin(&site.ann)),
        Reason::Locked,
        "broken promise: locked for good"
    );
}

/// A challenge for Ann, once no lock is in its way.
fn begin_when_allowed<H: Harness>(site: &Site<'_, H>) -> LoginId {
    match site.begin(&site.ann) {
        Begin::Refused(decision) => {
            let Some(until) = decision.until() else {
                panic!("broken promise: locked for good before the hundredth failure");
            };
            site.clock.set(until);
            site.challenge(&site.ann)
        }
        begun => challenge(begun),
    }
}

/// A right password, a new login, or a right code of somebody else clears nothing.
pub fn f10_a_new_login_clears_nothing<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    let other = site.enrol(&site.bob);
    for _ in 0..2 {
        let login = site.challenge(&site.ann);
        assert_eq!(
            reason(site.answer(&login, &phone.wrong(site.now()))),
            Reason::WrongCode
        );
    }
    site.sign_in(&site.bob, &other);
    for _ in 0..4 {
        site.challenge(&site.ann);
    }
    let login = site.challenge(&site.ann);
    let third = rejected(site.answer(&login, &phone.wrong(site.now())));
    assert_eq!(third.retry_at(), None, "the third costs no wait");
    let fourth = rejected(site.answer(&login, &phone.wrong(site.now())));
    assert!(
        fourth.retry_at().is_some(),
        "broken promise: only an accepted code clears failures"
    );
    site.clock.forward(30);
    let login = site.challenge(&site.ann);
    let _pass = accepted(site.answer(&login, &phone.code(site.now())));
    let login = site.challenge(&site.ann);
    let first = rejected(site.answer(&login, &phone.wrong(site.now())));
    assert_eq!(
        first.retry_at(),
        None,
        "broken promise: an accepted code clears them"
    );
}

/// Five failures end the login they were made in; guessing goes on in none that is over.
pub fn f15_failures_end_the_login<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    let login = site.challenge(&site.ann);
    for number in 1..=5 {
        let why = rejected(site.answer(&login, &phone.wrong(site.now())));
        assert_eq!(why.reason(), Reason::WrongCode);
        assert_eq!(
            why.login_ended(),
            number == 5,
            "broken promise: the fifth ends the login"
        );
        site.clock.set(why.retry_at().unwrap_or(site.now()));
    }
    for _ in 0..2 {
        let why = rejected(site.answer(&login, &phone.code(site.now())));
        assert_eq!(
            why.reason(),
            Reason::UnknownLogin,
            "broken promise: an ended login is unknown"
        );
        site.clock.forward(3_600);
    }
    let login = site.challenge(&site.ann);
    let _pass = accepted(site.answer(&login, &phone.code(site.now())));
}

/// Two hundred wrong codes at the same moment: as many are counted as were looked at, and no more than the
/// throttle lets in.
pub fn f09_wrong_codes_at_once_are_counted_exactly<H: Harness>(harness: &H) {
    const GUESSES: usize = 200;
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    let logins: Vec<_> = (0..GUESSES).map(|_| site.challenge(&site.ann)).collect();
    let codes: Vec<_> = phone.wrongs(site.now()).take(GUESSES).collect();
    let servers = [site.another(), site.another()];
    let tries: Vec<_> = logins.iter().zip(&codes).collect();
    let each = GUESSES / 50;
    let answers = at_once(50, |thread| {
        let server = if thread % 2 == 0 {
            servers.first()
        } else {
            servers.last()
        };
        let server = server.unwrap_or(site.service());
        let mine = tries.iter().skip(thread * each).take(each);
        mine.map(|(login, typed)| fine(site.wait(server.answer(Attempt::new(login, typed)))))
            .map(|answer| rejected(answer).reason())
            .collect::<Vec<_>>()
    });
    let reasons: Vec<_> = answers.into_iter().flatten().collect();
    let looked_at = reasons
        .iter()
        .filter(|why| **why == Reason::WrongCode)
        .count();
    let locked = reasons.iter().filter(|why| **why == Reason::Locked).count();
    assert_eq!(
        (looked_at, looked_at + locked),
        (4, GUESSES),
        "broken promise: four are let in"
    );
    assert_eq!(
        site.count(&site.ann, "failed"),
        looked_at,
        "broken promise: each of them counts"
    );
    assert_eq!(
        site.count(&site.ann, "throttled"),
        1,
        "broken promise: a lock is noted once"
    );
    site.audit_is_whole();

    // A right code among them is looked at by nobody while the lock holds.
    let held = reason(site.answer(
        logins.last().unwrap_or_else(|| panic!("a login")),
        &phone.code(site.now()),
    ));
    assert_eq!(held, Reason::Locked, "broken promise: locked is locked");
    site.clock.forward(30);
    let begun = fine(
        site.wait(
            site.service()
                .begin(SignIn::password(&site.project, &site.ann)),
        ),
    );
    let answer = site.answer(&challenge(begun), &phone.code(site.now()));
    assert!(
        matches!(answer, Answer::Accepted(_)),
        "broken promise: the lock ends when it said"
    );
}
