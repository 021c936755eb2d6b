//! What answers say: reasons, waits, clocks that are off, and refusals of what cannot be done now.

use twofa::lifecycle::{AcceptedBy, Config};
use twofa::otpauth::KeyUri;
use twofa::policy::{How, ProjectSettings, Reason};
use twofa::testkit::{
    Authenticator, MANDATE, MemoryHarness, Site, accepted, fine, operator, reason, rejected, user,
};
use twofa::totp::{Algorithm, Direction, Params, Secret, Window};
use twofa::{Keyring, TwoFactor};

#[test]
fn a_pass_says_who_came_in_how_and_why() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let set_up = site.set_up(&site.ann);
    assert_eq!(set_up.reason(), Reason::Mandatory);
    assert_eq!(set_up.expires(), site.now().saturating_add(600));
    let phone = Authenticator::scan(&set_up);
    let pass = accepted(site.answer(set_up.login(), &phone.code_of(site.now(), -1)));
    assert_eq!((pass.project(), pass.user()), (&site.project, &site.ann));
    assert_eq!((pass.how(), pass.when()), (How::Code, site.now()));
    assert_eq!(pass.reason(), Reason::Mandatory);
    let code = pass.accepted().unwrap();
    assert_eq!((code.by, code.offset), (AcceptedBy::Confirmed, -1));
    site.set(ProjectSettings::new());
    let pass = twofa::testkit::allowed(site.begin(&site.bob));
    assert_eq!((pass.how(), pass.accepted()), (How::Password, None));
}

#[test]
fn a_clock_that_is_off_is_told_where_it_may_be() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let set_up = site.set_up(&site.ann);
    let phone = Authenticator::scan(&set_up);
    // At set-up, both ways.
    for (steps, direction) in [(-10, Direction::Behind), (10, Direction::Ahead)] {
        let why = rejected(site.answer(set_up.login(), &phone.code_of(site.now(), steps)));
        assert_eq!(why.reason(), Reason::ClockOff);
        let off = why.clock_off().unwrap();
        assert_eq!(off.direction(), direction);
        assert_eq!(off.seconds(), 300, "to the step");
    }
    let why = rejected(site.answer(set_up.login(), &phone.code_of(site.now(), -30)));
    assert_eq!(
        (why.reason(), why.clock_off()),
        (Reason::WrongCode, None),
        "15 minutes are too far"
    );
    let _pass = accepted(site.answer(set_up.login(), &phone.code(site.now())));

    // At a login, only the past: the future would be told to a guesser.
    site.clock.forward(3_600);
    let login = site.challenge(&site.ann);
    let past = rejected(site.answer(&login, &phone.code_of(site.now(), -5)));
    assert_eq!(past.reason(), Reason::ClockOff);
    assert_eq!(past.clock_off().unwrap().direction(), Direction::Behind);
    let future = rejected(site.answer(&login, &phone.code_of(site.now(), 5)));
    assert_eq!(
        (future.reason(), future.clock_off()),
        (Reason::WrongCode, None)
    );
    assert_eq!(site.count(&site.ann, "failed"), 5, "each was counted");
}

#[test]
fn waits_grow_as_promised() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let phone = site.enrol(&site.ann);
    for (failure, wait) in (1_u32..).zip([0, 0, 0, 30, 60, 120, 300, 900, 3_600, 3_600, 3_600]) {
        let login = site.challenge(&site.ann);
        let why = rejected(site.answer(&login, &phone.wrong(site.now())));
        let expected = (wait > 0).then(|| site.now().saturating_add(wait));
        assert_eq!(why.retry_at(), expected, "failure {failure}");
        site.clock.forward(wait.max(1) - 1);
        if wait > 0 {
            let other = rejected(site.answer(&login, &phone.code(site.now())));
            let held = matches!(other.reason(), Reason::Locked | Reason::Expired);
            assert!(held, "one second before the wait is over: {other:?}");
            site.clock.forward(1);
        }
    }
}

#[test]
fn an_administrators_reset_under_a_clock_that_is_behind_is_refused_as_such() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let admin = site.enrol(&site.ada);
    site.enrol(&site.ann);
    let proof = site.sign_in(&site.ada, &admin);
    site.clock.forward(200);
    let login = site.challenge(&site.ann);
    let _counted = rejected(site.answer(&login, "000000"));
    site.clock.back(200);
    assert_eq!(
        site.reset(&proof, &site.ann).err(),
        Some(Reason::ClockBehind)
    );
    assert_eq!(site.count(&site.ada, "reset-refused"), 1, "on the record");
    // Support has looked at the clock: it can.
    assert!(site.support_reset(&site.ann).is_ok());
    site.enrol(&site.ann);
}

#[test]
fn a_replacement_that_cannot_begin_says_why() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let phone = site.enrol(&site.ann);
    let proof = site.sign_in(&site.ann, &phone);
    site.fail(&site.ann, &phone, 4);
    assert_eq!(site.replace(&proof).err(), Some(Reason::Locked));
    site.clock.forward(31);
    let _set_up = site.replace(&proof).unwrap();
    site.clock.forward(200);
    let login = site.challenge(&site.ann);
    let _counted = rejected(site.answer(&login, "000000"));
    site.clock.back(200);
    assert_eq!(site.replace(&proof).err(), Some(Reason::ClockBehind));
}

#[test]
fn an_import_under_a_clock_that_is_behind_is_an_error_of_its_own() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let set_up = site.set_up(&site.ann);
    assert_eq!(
        reason(site.answer(set_up.login(), "000000")),
        Reason::WrongCode
    );
    site.clock.back(121);
    let secret = Secret::from_bytes(&[9; 20]).unwrap();
    let uri = KeyUri::totp("Elsewhere", "ann", secret, Params::default()).unwrap();
    let by = operator();
    let import = site.service().import(&site.project, &site.ann, &uri, &by);
    assert_eq!(site.wait(import).unwrap_err().code(), "clock-behind");
    let secret = Secret::from_bytes(&[9; 20]).unwrap();
    let counter = KeyUri::hotp("Elsewhere", "ann", secret, 7, Params::default()).unwrap();
    let import = site
        .service()
        .import(&site.project, &site.bob, &counter, &by);
    assert_eq!(site.wait(import).unwrap_err().code(), "counter-based");
}

#[test]
fn a_login_lapses_and_settings_of_the_service_count() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let (store, directory) = site.open();
    let config = Config::default()
        .with_window(Window::STRICT)
        .with_login_secs(45)
        .unwrap()
        .with_params(Params::default().with_algorithm(Algorithm::Sha512));
    let keyring = Keyring::from_text(&site.keyring()).unwrap();
    let strict = TwoFactor::builder(store, directory, keyring).config(config);
    let strict = strict.clock(site.clock.reading()).build().unwrap();
    let begin = || {
        let sign_in = twofa::SignIn::password(&site.project, &site.ann);
        fine(site.wait(strict.begin(sign_in)))
    };
    let answer = |login: &twofa::LoginId, typed: &str| {
        fine(site.wait(strict.answer(twofa::Attempt::new(login, typed))))
    };
    let set_up = twofa::testkit::set_up(begin());
    let phone = Authenticator::scan(&set_up);
    assert_eq!(
        phone.secret().len(),
        64,
        "as long as the algorithm's output"
    );
    let _pass = accepted(answer(set_up.login(), &phone.code(site.now())));
    site.clock.forward(300);
    let login = twofa::testkit::challenge(begin());
    for steps in [-1, 1] {
        let why = reason(answer(&login, &phone.code_of(site.now(), steps)));
        assert!(
            matches!(why, Reason::ClockOff | Reason::WrongCode),
            "not one step: {why:?}"
        );
    }
    site.clock.forward(45);
    let why = rejected(answer(&login, &phone.code(site.now())));
    assert_eq!((why.reason(), why.login_ended()), (Reason::Expired, true));
    let malformed = rejected(answer(&login, "12"));
    assert_eq!(
        (malformed.reason(), malformed.login_ended()),
        (Reason::Expired, true)
    );
}

#[test]
fn accounts_with_colons_are_shown_without() {
    let harness = MemoryHarness::default();
    let site = Site::new(&harness);
    let colon = user("ldap:ann");
    site.member(&colon, Some(twofa::policy::Role::Member));
    let set_up = site.set_up(&colon);
    assert_eq!(set_up.key_uri().account(), "ldap.ann");
    let phone = Authenticator::scan(&set_up);
    let pass = accepted(site.answer(set_up.login(), &phone.code(site.now())));
    assert_eq!(pass.user(), &colon, "while the person keeps their name");
    assert!(MANDATE < site.now());
}
