//! Set-up: begin, confirm, run out of time, be overtaken.

use crate::world::{START, World, login_hash};
use twofa_lifecycle::{
    AcceptedBy, Command, Config, EventKind, LoginEffect, LoginKind, Outcome, State, SummaryState,
};
use twofa_policy::{FactorState, FactorView, Handover, Lock, Reason, ResetBy};
use twofa_totp::{Algorithm, Code, Direction, Params, Step, Window};

#[test]
fn a_code_of_the_new_key_puts_it_into_use_and_is_spent() {
    let mut world = World::new();
    let (app, mut login) = world.begin(1);
    assert_eq!(world.record.view().state, FactorState::Pending);
    assert_eq!(world.pending().expires, START.saturating_add(600));
    assert_eq!(world.pending().since, START);

    world.tick(40);
    let code = app.code(world.now, -1);
    let done = world.answer(&mut login, &code);
    assert!(matches!(
        done.outcome,
        Outcome::Accepted {
            by: AcceptedBy::Confirmed,
            offset: -1,
            ..
        }
    ));
    assert_eq!(done.kinds(), [EventKind::EnrolmentConfirmed]);
    assert_eq!(done.login, LoginEffect::End);

    let active = world.active().clone();
    assert_eq!(
        active.last_step,
        Some(Step::from_value(START.as_secs() / 30))
    );
    assert_eq!(active.since, world.now);
    assert_eq!(active.last_used, Some(world.now));
    assert_eq!(active.drift.steps(), 0);
    assert_eq!(active.replacement, None);
    let summary = world.record.summary();
    assert_eq!(summary.state, SummaryState::Active);
    assert_eq!(
        (summary.since, summary.last_used),
        (Some(world.now), Some(world.now))
    );

    // F01: the confirming code is spent like any other.
    assert_eq!(world.challenge(&app, -1).reason(), Reason::CodeAlreadyUsed);
    assert!(world.challenge(&app, 0).is_accepted());
}

#[test]
fn the_key_has_the_length_and_parameters_that_were_asked_for() {
    for (algorithm, bytes) in [
        (Algorithm::Sha1, 20),
        (Algorithm::Sha256, 32),
        (Algorithm::Sha512, 64),
    ] {
        let mut world = World::new();
        let params = Params::default().with_algorithm(algorithm);
        world.config = Config::default().with_params(params);
        let done = world.apply(Command::BeginEnrolment {
            login: login_hash(1),
        });
        let Outcome::Enrolment {
            secret,
            params: told,
            expires,
            ..
        } = &done.outcome
        else {
            panic!("{:?}", done.outcome)
        };
        assert_eq!(secret.len(), bytes);
        assert_eq!(*told, params);
        assert_eq!(*expires, world.pending().expires);
        assert_eq!(done.kinds(), [EventKind::EnrolmentBegun]);
    }
}

#[test]
fn f12_only_the_login_that_began_may_confirm() {
    let mut world = World::new();
    let (app, mut first) = world.begin(1);
    let mut other = world.park(2, LoginKind::Enrol);
    let mut challenge = world.park(1, LoginKind::Challenge);
    let mut replace = world.park(1, LoginKind::Replace);
    let code = app.code(world.now, 0);
    for login in [&mut other, &mut challenge, &mut replace] {
        let done = world.answer(login, &code);
        assert_eq!(done.reason(), Reason::Superseded);
        assert_eq!(done.login, LoginEffect::End);
        assert!(!done.wrote);
    }
    assert!(world.answer(&mut first, &code).is_accepted());

    // And what it confirmed lifts its own login only: another set-up login stays where it was.
    let mut other = world.park(2, LoginKind::Enrol);
    let next = app.code(world.now, 1);
    assert_eq!(world.answer(&mut other, &next).reason(), Reason::Superseded);
}

#[test]
fn f14_a_set_up_that_was_left_is_offered_again_and_its_key_is_dead() {
    let mut world = World::new();
    let (old_app, mut old) = world.begin(1);
    let old_sealed = world.pending().key.sealed.clone();
    world.tick(5);
    let (new_app, mut new) = world.begin(2);
    assert_ne!(world.pending().key.sealed, old_sealed);

    let old_code = old_app.code(world.now, 0);
    assert_eq!(
        world.answer(&mut old, &old_code).reason(),
        Reason::Superseded
    );
    assert_eq!(
        world.answer(&mut new, &old_code).reason(),
        Reason::WrongCode
    );
    let new_code = new_app.code(world.now, 0);
    assert!(world.answer(&mut new, &new_code).is_accepted());
}

#[test]
fn f11_a_factor_in_use_shows_no_secret_to_whoever_begins() {
    let (mut world, app) = World::enrolled();
    let before = world.record.clone();
    let done = world.apply(Command::BeginEnrolment {
        login: login_hash(3),
    });
    assert_eq!(done.reason(), Reason::AlreadySetUp);
    assert_eq!(world.record, before);
    assert!(world.challenge(&app, 0).is_accepted());
}

#[test]
fn f13_secrets_are_as_long_as_the_output_and_all_different() {
    let mut seen = std::collections::BTreeSet::new();
    for n in 0_u32..10_000 {
        let mut world = World::new();
        let mut random = world.random();
        random.secret[16..20].copy_from_slice(&n.to_le_bytes());
        let context = twofa_lifecycle::Context {
            now: world.now,
            random: &random,
            vault: &world.vault,
            config: &world.config,
        };
        let begin = Command::BeginEnrolment {
            login: login_hash(1),
        };
        let transition = twofa_lifecycle::step(&world.record, begin, &context).unwrap();
        let Outcome::Enrolment { secret, .. } = transition.outcome() else {
            panic!()
        };
        assert_eq!(secret.len(), 20);
        // The last bytes differ alone, so a secret that used fewer would show here.
        assert!(seen.insert(secret.expose_secret().to_vec()));
    }
}

#[test]
fn a_key_that_waits_too_long_expires_with_its_login() {
    let mut world = World::new();
    let (app, mut login) = world.begin(1);
    world.tick(599);
    let code = app.code(world.now, 0);
    let soon = world.record.clone();
    assert!(world.answer(&mut login.clone(), &code).is_accepted());

    world.record = soon;
    world.tick(1);
    let code = app.code(world.now, 0);
    let done = world.answer(&mut login, &code);
    assert_eq!(done.reason(), Reason::Expired);
    assert_eq!(done.kinds(), [EventKind::EnrolmentExpired]);
    assert_eq!(done.login, LoginEffect::End);
    assert_eq!(*world.record.state(), State::None);
    assert_eq!(world.record.throttle().failures(), 0);
}

#[test]
fn a_login_that_expires_first_takes_no_key_with_it() {
    let mut world = World::new();
    let (app, mut login) = world.begin(1);
    login.expires = START.saturating_add(100);
    world.tick(100);
    let code = app.code(world.now, 0);
    let done = world.answer(&mut login, &code);
    assert_eq!(done.reason(), Reason::Expired);
    assert_eq!(done.login, LoginEffect::End);
    assert!(!done.wrote);
    assert_eq!(world.record.view().state, FactorState::Pending);
}

#[test]
fn a_key_expires_before_its_login_does() {
    let mut world = World::new();
    let (app, mut login) = world.begin(1);
    login.expires = START.saturating_add(5000);
    world.tick(600);
    let code = app.code(world.now, 0);
    let done = world.answer(&mut login, &code);
    assert_eq!(done.reason(), Reason::Expired);
    assert_eq!(done.kinds(), [EventKind::EnrolmentExpired]);
    assert_eq!(*world.record.state(), State::None);
}

#[test]
fn expire_drops_a_key_exactly_when_its_time_is_over() {
    let mut world = World::new();
    world.begin(1);
    world.tick(599);
    let done = world.apply(Command::Expire);
    assert!(matches!(done.outcome, Outcome::Nothing));
    assert!(!done.wrote);
    world.tick(1);
    let done = world.apply(Command::Expire);
    assert!(matches!(done.outcome, Outcome::Expired));
    assert_eq!(done.kinds(), [EventKind::EnrolmentExpired]);
    assert_eq!(done.login, LoginEffect::Keep);
    assert_eq!(*world.record.state(), State::None);
    assert!(matches!(
        world.apply(Command::Expire).outcome,
        Outcome::Nothing
    ));
}

#[test]
fn a_set_up_over_an_expired_one_tells_both() {
    let mut world = World::new();
    world.begin(1);
    world.tick(599);
    let again = Command::BeginEnrolment {
        login: login_hash(2),
    };
    assert_eq!(world.apply(again).kinds(), [EventKind::EnrolmentBegun]);
    world.tick(600);
    let again = Command::BeginEnrolment {
        login: login_hash(3),
    };
    assert_eq!(
        world.apply(again).kinds(),
        [EventKind::EnrolmentExpired, EventKind::EnrolmentBegun]
    );
}

#[test]
fn a_set_up_after_a_reset_keeps_the_mark_until_it_is_confirmed() {
    let (mut world, _) = World::enrolled();
    let _ = world.reset(Handover::NotRequired);
    let marked = world.record.state().clone();
    let (app, mut login) = world.begin(1);
    assert_eq!(world.record.view().reset_by, Some(ResetBy::Administrator));
    world.tick(600);
    let _ = world.apply(Command::Expire);
    assert_eq!(*world.record.state(), marked);

    // A second begin keeps it too.
    world.begin(2);
    let (_, _) = world.begin(3);
    assert_eq!(world.record.view().reset_by, Some(ResetBy::Administrator));
    let old = app.code(world.now, 0);
    assert_eq!(world.answer(&mut login, &old).reason(), Reason::Expired);
    let (app, mut login) = world.begin(4);
    let code = app.code(world.now, 0);
    assert!(world.answer(&mut login, &code).is_accepted());
    assert_eq!(world.record.view().reset_by, None);
}

#[test]
fn at_a_set_up_a_clock_that_is_off_is_told_in_both_directions_up_to_ten_minutes() {
    for steps in [-21_i64, -20, -2, -1, 0, 1, 2, 20, 21] {
        let mut world = World::new();
        let (app, mut login) = world.begin(1);
        let code = app.code(world.now, steps);
        let done = world.answer(&mut login, &code);
        match steps.abs() {
            0 | 1 => assert!(done.is_accepted(), "{steps}"),
            2..=20 => {
                let rejection = done.rejection();
                assert_eq!(rejection.reason, Reason::ClockOff, "{steps}");
                let off = rejection.clock_off.unwrap();
                assert_eq!(i64::from(off.steps().get()), steps.abs());
                assert_eq!(i64::from(off.seconds()), steps.abs() * 30);
                assert_eq!(off.direction() == Direction::Behind, steps < 0);
                assert_eq!(done.events[0].reason, Some(Reason::ClockOff));
                let told = done.events[0].detail.unwrap().to_string();
                assert_eq!(told, format!("clock={}", steps * 30));
                assert_eq!(
                    world.record.throttle().failures(),
                    1,
                    "never accepted, always counted"
                );
                assert_eq!(done.login, LoginEffect::CountFailure);
            }
            _ => assert_eq!(done.reason(), Reason::WrongCode, "{steps}"),
        }
    }
}

#[test]
fn the_window_is_the_configured_one() {
    for (window, accepted) in [
        (Window::STRICT, &[0_i64][..]),
        (Window::new(2, 0).unwrap(), &[-2, -1, 0]),
        (Window::new(0, 2).unwrap(), &[0, 1, 2]),
    ] {
        for steps in -3..=3 {
            let mut world = World::new();
            world.config = Config::default().with_window(window);
            let (app, mut login) = world.begin(1);
            let code = app.code(world.now, steps);
            let done = world.answer(&mut login, &code);
            assert_eq!(
                done.is_accepted(),
                accepted.contains(&steps),
                "{window:?} {steps}"
            );
        }
    }
}

#[test]
fn a_code_with_another_number_of_digits_costs_nothing() {
    let mut world = World::new();
    let (_, mut login) = world.begin(1);
    let done = world.answer(&mut login, &Code::parse("12345678").unwrap());
    assert_eq!(done.reason(), Reason::Malformed);
    assert_eq!(done.login, LoginEffect::Keep);
    assert!(!done.wrote);
    assert_eq!(world.vault.opened.get(), 0);
}

#[test]
fn a_vault_that_fails_is_an_error_and_nothing_changes() {
    let mut world = World::new();
    world.vault.broken.set(true);
    let begin = Command::BeginEnrolment {
        login: login_hash(1),
    };
    assert!(world.rehearse(begin).is_err());
    world.vault.broken.set(false);
    let (app, login) = world.begin(1);
    world.vault.broken.set(true);
    let code = app.code(world.now, 0);
    let answer = Command::Answer {
        login: &login,
        code: &code,
        handover: None,
    };
    assert!(world.rehearse(answer).is_err());
}

#[test]
fn while_locked_no_set_up_begins() {
    let mut world = World::new();
    let (app, mut login) = world.begin(1);
    for _ in 0..4 {
        let code = app.wrong(world.now, 25);
        let _ = world.answer(&mut login, &code);
    }
    let until = world.now.saturating_add(30);
    assert_eq!(world.record.view().lock, Lock::Until(until));
    let done = world.apply(Command::BeginEnrolment {
        login: login_hash(2),
    });
    assert_eq!(done.reason(), Reason::Locked);
    assert_eq!(done.rejection().retry_at, Some(until));
    assert!(!done.wrote);

    // Time alone lifts it; the failures stay with the factor, whatever is begun.
    world.tick(30);
    world.begin(2);
    assert_eq!(world.record.throttle().failures(), 4);
}

#[test]
fn a_factor_that_was_never_set_up_looks_like_one_without_a_record() {
    let record = twofa_lifecycle::Record::default();
    assert_eq!(record.view(), FactorView::NONE);
    assert_eq!(record.summary().state, SummaryState::None);
    assert_eq!(record.summary().since, None);
}
