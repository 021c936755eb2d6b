//! Codes: one use, whatever the way, the text and the clock.

use twofa_lifecycle::AcceptedBy;
use twofa_policy::Reason;
use twofa_types::UnixTime;

use crate::testkit::site::{RACERS, accepted, challenge, fine, reason, rejected};
use crate::testkit::{Authenticator, Harness, SharedRing, Site};
use crate::{Answer, Attempt, SignIn};

/// A code works once: after set-up, after login, after step-up, in another login, on another server.
pub fn f01_a_code_works_once<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let set_up = site.set_up(&site.ann);
    let phone = Authenticator::scan(&set_up);
    let confirming = phone.code(site.now());
    let pass = accepted(site.answer(set_up.login(), &confirming));
    assert_eq!(
        pass.accepted().map(|code| code.by),
        Some(AcceptedBy::Confirmed)
    );
    let login = site.challenge(&site.ann);
    assert_eq!(
        reason(site.answer(&login, &confirming)),
        Reason::CodeAlreadyUsed,
        "broken promise: the code that confirmed a set-up is spent"
    );

    site.clock.forward(30);
    let code = phone.code(site.now());
    let pass = accepted(site.answer(&login, &code));
    assert_eq!(pass.accepted().map(|code| code.offset), Some(0));
    for _ in 0..3 {
        let step_up = site.challenge(&site.ann);
        let again = reason(site.answer(&step_up, &code));
        assert_eq!(
            again,
            Reason::CodeAlreadyUsed,
            "broken promise: a spent code is spent"
        );
    }
    let other = site.another();
    let begun = fine(site.wait(other.begin(SignIn::password(&site.project, &site.ann))));
    let login = challenge(begun);
    let again = fine(site.wait(other.answer(Attempt::new(&login, &code))));
    assert_eq!(
        reason(again),
        Reason::CodeAlreadyUsed,
        "broken promise: spent on every server"
    );
    assert_eq!(site.count(&site.ann, "accepted"), 1);
    assert_eq!(
        site.count(&site.ann, "replayed"),
        5,
        "broken promise: a replay is on the record"
    );
    site.audit_is_whole();
}

/// Once a step is spent, neither it nor any before it is accepted.
pub fn f02_an_older_step_is_refused_after_a_newer_one<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    site.clock.forward(300);
    let login = site.challenge(&site.ann);
    let older = phone.code_of(site.now(), -1);
    let _pass = accepted(site.answer(&login, &phone.code(site.now())));
    let login = site.challenge(&site.ann);
    for used in [older, phone.code(site.now())] {
        assert_eq!(
            reason(site.answer(&login, &used)),
            Reason::CodeAlreadyUsed,
            "broken promise: only a later step than the last is accepted"
        );
    }
    let _pass = accepted(site.answer(&login, &phone.code_of(site.now(), 1)));
}

/// However a code is written, it is the same code: one use, one budget; and what is no code costs nothing.
pub fn f04_every_way_of_typing_is_one_code<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    site.clock.forward(30);
    let code = phone.code(site.now());
    let login = site.challenge(&site.ann);
    let _pass = accepted(site.answer(&login, &written(&code, 0)));
    for way in 1..5 {
        let login = site.challenge(&site.ann);
        let again = reason(site.answer(&login, &written(&code, way)));
        assert_eq!(
            again,
            Reason::CodeAlreadyUsed,
            "broken promise: way {way} is the same code"
        );
    }

    let login = site.challenge(&site.ann);
    for typed in [
        "",
        "12345",
        "123456789",
        "12345a",
        "12.456",
        "one two three",
        "１２３",
    ] {
        let why = rejected(site.answer(&login, typed));
        assert_eq!(
            why.reason(),
            Reason::Malformed,
            "broken promise: {typed:?} is no code"
        );
        assert!(
            !why.login_ended() && why.retry_at().is_none(),
            "broken promise: it costs nothing"
        );
    }
    let wrong = phone.wrong(site.now());
    for way in 0..4 {
        let why = rejected(site.answer(&login, &written(&wrong, way)));
        assert_eq!(why.reason(), Reason::WrongCode);
        assert_eq!(
            why.retry_at().is_some(),
            way == 3,
            "broken promise: one budget for every way"
        );
    }
    assert_eq!(
        site.count(&site.ann, "failed"),
        4,
        "broken promise: each was counted once"
    );
}

/// A code in one of the ways that people type one.
fn written(code: &str, way: u32) -> String {
    let shifted = |to: u32| {
        let digit = |c: char| {
            c.to_digit(10)
                .and_then(|d| char::from_u32(to + d))
                .unwrap_or(c)
        };
        code.chars().map(digit).collect()
    };
    match way {
        1 => code.chars().flat_map(|c| [c, ' ']).collect(),
        2 => code.chars().flat_map(|c| ['-', c]).collect(),
        3 => shifted(0xff10),
        4 => shifted(0x660),
        _ => code.to_owned(),
    }
}

/// Many answers with one code at the same moment, in logins of their own, on two servers: one is accepted.
pub fn f07_one_code_many_at_once_one_accepted<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    site.clock.forward(30);
    let code = phone.code(site.now());
    let logins: Vec<_> = (0..RACERS).map(|_| site.challenge(&site.ann)).collect();
    let servers = [site.another(), site.another()];
    let answers = at_once_each(&site, &servers, &logins, &code);
    let passes = answers
        .iter()
        .filter(|answer| matches!(answer, Answer::Accepted(_)))
        .count();
    assert_eq!(
        passes, 1,
        "broken promise: one code opens one session, of {RACERS} at once"
    );
    for answer in answers {
        if let Answer::Rejected(why) = answer {
            assert_eq!(
                why.reason(),
                Reason::CodeAlreadyUsed,
                "broken promise: the others are told"
            );
        }
    }
    assert_eq!(site.count(&site.ann, "accepted"), 1);
    assert_eq!(site.count(&site.ann, "replayed"), RACERS - 1);
    site.audit_is_whole();
}

/// The same within one login: whoever comes second finds the code spent, or the login over.
pub fn f07_one_login_many_at_once_one_accepted<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    site.clock.forward(30);
    let code = phone.code(site.now());
    let logins = vec![site.challenge(&site.ann); RACERS];
    let servers = [site.another(), site.another()];
    let answers = at_once_each(&site, &servers, &logins, &code);
    let passes = answers
        .iter()
        .filter(|answer| matches!(answer, Answer::Accepted(_)))
        .count();
    assert_eq!(
        passes, 1,
        "broken promise: one login opens one session, of {RACERS} at once"
    );
    for answer in answers {
        if let Answer::Rejected(why) = answer {
            let told = matches!(why.reason(), Reason::CodeAlreadyUsed | Reason::UnknownLogin);
            assert!(told, "broken promise: the others are told, not {why:?}");
        }
    }
    assert_eq!(site.count(&site.ann, "accepted"), 1);
    site.audit_is_whole();
}

fn at_once_each<H: Harness>(
    site: &Site<'_, H>,
    servers: &[crate::testkit::Service<H>; 2],
    logins: &[crate::LoginId],
    code: &str,
) -> Vec<Answer> {
    let [one, other] = servers;
    site.at_once(logins.len(), |number| {
        let server = if number % 2 == 0 { one } else { other };
        let Some(login) = logins.get(number) else {
            panic!("a login for each");
        };
        fine(site.wait(server.answer(Attempt::new(login, code))))
    })
}

/// A server whose clock is behind cannot put the last step back.
pub fn f08_a_late_writer_never_lowers_the_last_step<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    site.clock.forward(300);
    let late_login = site.challenge(&site.ann);
    let login = site.challenge(&site.ann);
    let now = site.now();
    let _pass = accepted(site.answer(&login, &phone.code_of(now, 1)));
    site.clock.back(30);
    for steps in [-1, 0, 1] {
        assert_eq!(
            reason(site.answer(&late_login, &phone.code_of(now, steps))),
            Reason::CodeAlreadyUsed,
            "broken promise: the last step never falls, even under a clock that is behind"
        );
    }
    site.clock.forward(60);
    let login = site.challenge(&site.ann);
    assert_eq!(
        reason(site.answer(&login, &phone.code_of(now, 1))),
        Reason::CodeAlreadyUsed
    );
    let _pass = accepted(site.answer(&login, &phone.code_of(now, 2)));
}

/// Second by second through four steps, a code is accepted once, however the clock and the drift stand.
pub fn f24_no_second_of_drift_replays_a_code<H: Harness>(harness: &H) {
    let site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    let start = site.now().saturating_add(300);
    let mut passes = 0;
    for second in 0..120 {
        site.clock.set(start.saturating_add(second));
        // The phone runs 20 s behind, which is a whole step at some seconds and none at others.
        let shown = phone.code(site.now().saturating_sub(20));
        let login = site.challenge(&site.ann);
        match site.answer(&login, &shown) {
            Answer::Accepted(_) => passes += 1,
            Answer::Rejected(why) => assert_eq!(
                why.reason(),
                Reason::CodeAlreadyUsed,
                "broken promise: at second {second} the code was right, if spent"
            ),
        }
    }
    let steps = (start.as_secs() + 99) / 30 - (start.as_secs() - 20) / 30 + 1;
    assert_eq!(
        passes, steps,
        "broken promise: each step the phone showed was accepted once"
    );
}

/// A clock that goes back opens no spent code again; far back, nothing is decided at all.
pub fn f25_a_clock_that_goes_back_opens_nothing_again<H: Harness>(harness: &H) {
    let mut site = Site::new(harness);
    let phone = site.enrol(&site.ann);
    site.clock.forward(300);
    let login = site.challenge(&site.ann);
    let code = phone.code(site.now());
    let _pass = accepted(site.answer(&login, &code));
    let now = site.now();
    for back in [1, 29, 60, 90, 120] {
        site.clock.set(now.saturating_sub(back));
        site.restart();
        let login = site.challenge(&site.ann);
        let again = reason(site.answer(&login, &code));
        let spent = matches!(again, Reason::CodeAlreadyUsed | Reason::WrongCode);
        assert!(spent, "broken promise: {back} s back, {again:?}");
        // A code ahead of the clock is a wrong one; two of those cost no wait.
    }
    let waiting = site.challenge(&site.ann);
    for back in [121, 3_600, 1_700_000_000] {
        site.clock.set(now.saturating_sub(back));
        let begun = super::super::site::refused(site.begin(&site.ann));
        assert_eq!(
            begun,
            Reason::ClockBehind,
            "broken promise: {back} s back nothing is decided"
        );
        for typed in [code.clone(), phone.code(site.now()), "1234".to_owned()] {
            let answered = reason(site.answer(&waiting, &typed));
            assert_eq!(
                answered,
                Reason::ClockBehind,
                "broken promise: {back} s back, no answer"
            );
        }
    }
    site.clock.set(now.saturating_add(60));
    let login = site.challenge(&site.ann);
    let _pass = accepted(site.answer(&login, &phone.code(site.now())));
    site.audit_is_whole();
}

/// At both ends of time there is an answer, and no panic.
pub fn f28_the_ends_of_time_are_answered<H: Harness>(harness: &H) {
    let ring = SharedRing::generate();
    for secs in [0, 1, 29, 30, 59, 60] {
        let site = Site::named(harness, &format!("at {secs}"), &ring);
        let always = twofa_policy::ProjectSettings::mandatory_from(UnixTime::EPOCH);
        site.set(always);
        site.clock.set(UnixTime::from_secs(secs));
        let phone = site.enrol(&site.ann);
        let code = phone.code(site.now());
        let login = site.challenge(&site.ann);
        let again = reason(site.answer(&login, &code));
        assert_eq!(
            again,
            Reason::CodeAlreadyUsed,
            "broken promise: at second {secs}, one use"
        );
        let next = phone.code_of(site.now(), 1);
        let _pass = accepted(site.answer(&login, &next));
    }
    let site = Site::named(harness, "acme", &ring);
    site.enrol(&site.ann);
    for end in [u64::MAX - 1, u64::MAX] {
        site.clock.set(UnixTime::from_secs(end));
        let login = site.challenge(&site.ann);
        let answered = reason(site.answer(&login, "123456"));
        let sane = matches!(
            answered,
            Reason::Expired | Reason::WrongCode | Reason::ClockOff
        );
        assert!(
            sane,
            "broken promise: at the end of time there is an answer, not {answered:?}"
        );
    }
}
