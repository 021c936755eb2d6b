//! Answering a challenge: one use, windows, clocks that are off, drift.

use crate::world::{App, START, World};
use twofa_lifecycle::{
    AcceptedBy, Command, Config, EventKind, LoginEffect, LoginKind, Outcome, ParkedLogin, Record,
    State,
};
use twofa_policy::Reason;
use twofa_totp::{Code, Direction, Params, Period, Secret, Step, Window};
use twofa_types::UnixTime;

#[test]
fn f01_a_code_works_once() {
    let (mut world, app) = World::enrolled();
    let done = world.challenge(&app, 0);
    assert_eq!(done.accepted(), AcceptedBy::Challenge);
    assert_eq!(done.kinds(), [EventKind::Accepted]);
    assert_eq!(done.login, LoginEffect::End);
    assert_eq!(world.active().last_used, Some(world.now));
    assert_eq!(world.active().since, START, "use does not make it younger");

    let again = world.challenge(&app, 0);
    assert_eq!(again.reason(), Reason::CodeAlreadyUsed);
    assert_eq!(again.kinds(), [EventKind::Replayed]);
    assert_eq!(again.events[0].reason, Some(Reason::CodeAlreadyUsed));
    assert_eq!(again.login, LoginEffect::CountFailure);
    assert_eq!(again.rejection().retry_at, None);
    assert_eq!(
        world.record.throttle().failures(),
        0,
        "a replay is no guess"
    );
}

#[test]
fn f02_an_older_step_is_refused_after_a_newer_one() {
    let (mut world, app) = World::enrolled();
    assert!(world.challenge(&app, 0).is_accepted());
    assert_eq!(world.challenge(&app, -1).reason(), Reason::CodeAlreadyUsed);
    assert_eq!(world.challenge(&app, 0).reason(), Reason::CodeAlreadyUsed);
    assert!(world.challenge(&app, 1).is_accepted());
}

#[test]
fn f04_every_way_of_typing_a_code_is_one_code() {
    let (mut world, app) = World::enrolled();
    let shown = app.code(world.now, 0).expose().to_string();
    let wide: String = shown
        .chars()
        .map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap())
        .collect();
    let forms = [
        format!("{} {}", &shown[..3], &shown[3..]),
        format!("{}-{}", &shown[..3], &shown[3..]),
        wide,
        shown,
    ];
    for (n, form) in forms.iter().enumerate() {
        let code = Code::parse(form).unwrap();
        let mut login = world.park(9, LoginKind::Challenge);
        let done = world.answer(&mut login, &code);
        assert_eq!(done.is_accepted(), n == 0, "{form}");
    }
    // Wrong ones share one budget.
    let wrong = app.wrong(world.now, 25).expose().to_string();
    for (n, form) in (1..).zip([
        wrong.clone(),
        format!(" {wrong}"),
        format!("{}-{}", &wrong[..1], &wrong[1..]),
    ]) {
        let mut login = world.park(9, LoginKind::Challenge);
        let code = Code::parse(&form).unwrap();
        assert_eq!(world.answer(&mut login, &code).reason(), Reason::WrongCode);
        assert_eq!(world.record.throttle().failures(), n);
    }
}

#[test]
fn f08_the_last_step_only_rises() {
    let (mut world, app) = World::enrolled();
    world.config = Config::default().with_window(Window::new(10, 10).unwrap());
    let mut last = world.active().last_step;
    // A deterministic walk forth and back through the window.
    for n in 0..200_i64 {
        let _ = world.challenge(&app, (n * 7) % 21 - 10);
        let now = world.active().last_step;
        assert!(now >= last);
        last = now;
        world.tick(11);
    }
}

#[test]
fn f25_a_clock_that_runs_back_opens_nothing_again() {
    for back in 0..=120 {
        let (mut world, app) = World::enrolled();
        world.config = Config::default().with_window(Window::new(10, 10).unwrap());
        let code = app.code(world.now, 0);
        let mut login = world.park(1, LoginKind::Challenge);
        assert!(world.answer(&mut login, &code).is_accepted());
        world.now = world.now.saturating_sub(back);
        let mut login = world.park(2, LoginKind::Challenge);
        let done = world.answer(&mut login, &code);
        assert_eq!(done.reason(), Reason::CodeAlreadyUsed, "{back} s back");
    }
    // A code memory as long as the window would have forgotten it here; the last step has not.
    let (mut world, app) = World::enrolled();
    let code = app.code(world.now, 0);
    let mut login = world.park(1, LoginKind::Challenge);
    assert!(world.answer(&mut login, &code).is_accepted());
    world.now = world.now.saturating_sub(60);
    let mut login = world.park(2, LoginKind::Challenge);
    assert!(!world.answer(&mut login, &code).is_accepted());
}

#[test]
fn a_clock_more_than_two_minutes_behind_decides_nothing() {
    let (mut world, app) = World::enrolled();
    let latest = world.record.last_event().unwrap();
    for (behind, reason) in [(120, Reason::WrongCode), (121, Reason::ClockBehind)] {
        let mut login = world.park(1, LoginKind::Challenge);
        world.now = latest.saturating_sub(behind);
        let code = app.wrong(world.now, 25);
        let before = world.record.clone();
        let done = world.answer(&mut login, &code);
        assert_eq!(done.reason(), reason);
        assert_eq!(done.wrote, reason == Reason::WrongCode);
        if !done.wrote {
            assert_eq!(done.login, LoginEffect::Keep);
            assert_eq!(world.record, before);
        }
    }
    assert_eq!(
        world.record.last_event(),
        Some(latest),
        "it never moves back"
    );
}

#[test]
fn at_a_login_only_a_clock_that_is_behind_is_told() {
    for steps in [-21_i64, -20, -2, 2, 3, 6, 20, 21] {
        let (mut world, app) = World::enrolled();
        world.tick(6000);
        let done = world.challenge(&app, steps);
        let rejection = done.rejection();
        if (-20..0).contains(&steps) {
            assert_eq!(rejection.reason, Reason::ClockOff, "{steps}");
            let off = rejection.clock_off.unwrap();
            assert_eq!(off.direction(), Direction::Behind);
            assert_eq!(i64::from(off.steps().get()), -steps);
        } else {
            // To say that it will be right in a while would hand a guesser a working code.
            assert_eq!(rejection.reason, Reason::WrongCode, "{steps}");
            assert_eq!(rejection.clock_off, None);
        }
        assert_eq!(done.kinds(), [EventKind::Failed]);
        assert_eq!(world.record.throttle().failures(), 1);
    }
}

#[test]
fn a_steady_drift_is_learnt_and_repairing_the_clock_locks_nobody_out() {
    for direction in [-1_i64, 1] {
        let (mut world, app) = World::enrolled();
        // One step more every day, as far as it is learnt: three, and the window beyond that.
        for drift in [1_i64, 1, 2, 3, 4, 4] {
            world.tick(86_400);
            assert!(
                world.challenge(&app, direction * drift).is_accepted(),
                "{direction} {drift}"
            );
        }
        assert_eq!(i64::from(world.active().drift.steps()), direction * 3);
        // Beyond the bound it is not followed.
        world.tick(86_400);
        assert!(!world.challenge(&app, direction * 5).is_accepted());
        // Repaired: at the next step that is not spent, every time, without one refusal that counts.
        world.tick(86_400);
        for steps in [0, -1, 1] {
            world.tick(300);
            assert!(
                world.challenge(&app, steps).is_accepted(),
                "{direction} {steps}"
            );
        }
        // Repaired within the same minute as the last use, it has at most those minutes to wait.
        let (mut world, app) = World::enrolled();
        for drift in [1_i64, 2, 3] {
            world.tick(86_400);
            assert!(world.challenge(&app, direction * drift).is_accepted());
        }
        let mut waited = 0;
        while !world.challenge(&app, 0).is_accepted() {
            assert_eq!(world.record.throttle().failures(), 0);
            world.tick(30);
            waited += 30;
            assert!(waited < 600, "it comes back by itself");
        }
        assert_eq!(waited, if direction > 0 { 120 } else { 0 });
    }
}

#[test]
fn f24_no_drift_of_any_second_replays_a_code() {
    for second in -150_i64..=150 {
        let (mut world, app) = World::enrolled();
        for day in 0..4 {
            world.tick(86_400);
            let phone =
                UnixTime::from_secs(world.now.as_secs().checked_add_signed(second).unwrap());
            let code = app.code(phone, 0);
            let mut accepted = 0;
            for moment in 0..=20 {
                let mut login = world.park(1, LoginKind::Challenge);
                if world.answer(&mut login, &code).is_accepted() {
                    accepted += 1;
                }
                if world.record.throttle().failures() > 0 {
                    break;
                }
                world.tick(if moment % 2 == 0 { 7 } else { 8 });
            }
            assert!(accepted <= 1, "{second} s off, day {day}");
            if second.abs() <= 30 {
                assert_eq!(accepted, 1, "{second} s off, day {day}");
            }
        }
    }
}

#[test]
fn f28_the_ends_of_time_neither_panic_nor_replay() {
    for period in [1, 30, 3600] {
        for now in [
            0,
            1,
            29,
            30,
            31,
            300,
            u64::MAX - 3600,
            u64::MAX - 1,
            u64::MAX,
        ] {
            let mut world = World::new();
            world.now = UnixTime::from_secs(now);
            let params = Params::default().with_period(Period::new(period).unwrap());
            let window = Window::new(10, 10).unwrap();
            world.config = Config::default().with_params(params).with_window(window);
            let (app, mut login) = world.begin(1);
            let code = app.0.generate(world.now);
            let done = world.answer(&mut login, &code);
            // At the last second nothing lies ahead of now, so whatever is parked has expired.
            if now == u64::MAX {
                assert_eq!(done.reason(), Reason::Expired);
                continue;
            }
            assert!(done.is_accepted(), "{period} {now}");
            let mut login = world.park(2, LoginKind::Challenge);
            assert_eq!(
                world.answer(&mut login, &code).reason(),
                Reason::CodeAlreadyUsed
            );
            let wrong = Code::parse("000000").unwrap();
            for _ in 0..12 {
                let mut login = world.park(3, LoginKind::Challenge);
                let _ = world.answer(&mut login, &wrong);
            }
        }
    }
}

#[test]
fn f15_five_failures_end_the_login_and_it_stays_ended() {
    let (mut world, app) = World::enrolled();
    let mut login = world.park(1, LoginKind::Challenge);
    let mut effects = Vec::new();
    for _ in 0..5 {
        world.tick(3600);
        login.expires = UnixTime::MAX;
        let code = app.wrong(world.now, 25);
        effects.push(world.answer(&mut login, &code).login);
    }
    assert_eq!(effects[..4], [LoginEffect::CountFailure; 4]);
    assert_eq!(effects[4], LoginEffect::End);

    // Where a store has not ended it, it is refused all the same, and unknown.
    let code = app.code(world.now.saturating_add(3600), 0);
    world.tick(3600);
    let mut kept = ParkedLogin {
        failures: 5,
        expires: UnixTime::MAX,
        ..login
    };
    let done = world.answer(&mut kept, &code);
    assert_eq!(done.reason(), Reason::UnknownLogin);
    assert_eq!(done.login, LoginEffect::End);
    assert!(!done.wrote);
    let mut fourth = ParkedLogin {
        failures: 4,
        expires: UnixTime::MAX,
        ..login
    };
    assert!(world.answer(&mut fourth, &code).is_accepted());
}

#[test]
fn replays_end_a_login_too() {
    let (mut world, app) = World::enrolled();
    assert!(world.challenge(&app, 0).is_accepted());
    let mut login = world.park(1, LoginKind::Challenge);
    let code = app.code(world.now, 0);
    for n in 1..=5 {
        let done = world.answer(&mut login, &code);
        assert_eq!(done.reason(), Reason::CodeAlreadyUsed);
        assert_eq!(done.login == LoginEffect::End, n == 5);
    }
    assert_eq!(world.answer(&mut login, &code).reason(), Reason::Expired);
    assert_eq!(world.record.throttle().failures(), 0);
}

#[test]
fn a_login_runs_out_of_time_exactly_at_its_expiry() {
    let (mut world, app) = World::enrolled();
    let mut login = world.park(1, LoginKind::Challenge);
    assert_eq!(login.expires, world.now.saturating_add(600));
    world.tick(599);
    let code = app.code(world.now, 0);
    assert!(world.answer(&mut login.clone(), &code).is_accepted());
    world.tick(1);
    let code = app.code(world.now, 0);
    let done = world.answer(&mut login, &code);
    assert_eq!(
        (done.reason(), done.login, done.wrote),
        (Reason::Expired, LoginEffect::End, false)
    );
}

#[test]
fn an_expired_challenge_leaves_a_replacement_alone() {
    let (mut world, app) = World::enrolled();
    let mut login = world.park(1, LoginKind::Challenge);
    world.begin_replacement(2);
    world.tick(700);
    let code = app.code(world.now, 0);
    let before = world.record.clone();
    assert_eq!(world.answer(&mut login, &code).reason(), Reason::Expired);
    assert_eq!(world.record, before, "whoever began it sees it expire");
}

#[test]
fn a_secret_sealed_for_another_generation_is_an_error_and_counts_nothing() {
    let (mut world, app) = World::enrolled();
    let login = world.park(1, LoginKind::Challenge);
    world.vault.broken.set(true);
    let code = app.code(world.now, 0);
    let answer = Command::Answer {
        login: &login,
        code: &code,
        handover: None,
    };
    assert!(world.rehearse(answer).is_err());
    let forged = world.record.reseal(|_, sealed| {
        let mut bytes = sealed.as_bytes().to_vec();
        bytes[0] ^= 3;
        twofa_lifecycle::SealedSecret::from_bytes(&bytes)
    });
    world.record = forged.unwrap();
    world.vault.broken.set(false);
    let answer = Command::Answer {
        login: &login,
        code: &code,
        handover: None,
    };
    assert!(world.rehearse(answer).is_err());
}

#[test]
fn an_imported_key_is_in_use_at_once_and_each_of_its_codes_works_once() {
    let mut world = World::new();
    let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
    let params = Params::default().with_period(Period::new(60).unwrap());
    let done = world.apply(Command::Import {
        secret: &secret,
        params,
        by: None,
        again: false,
    });
    assert!(matches!(done.outcome, Outcome::Imported { .. }));
    assert_eq!(done.kinds(), [EventKind::Imported]);
    assert_eq!(
        (world.active().last_step, world.active().last_used),
        (None, None)
    );
    assert_eq!(world.active().key.params, params);
    assert_eq!(world.record.summary().last_used, None);
    let app = App::new(&secret, params);
    assert!(world.challenge(&app, 0).is_accepted());
    assert_eq!(world.challenge(&app, 0).reason(), Reason::CodeAlreadyUsed);
    assert_eq!(
        world.active().last_step,
        Some(Step::from_value(START.as_secs() / 60))
    );

    // Never over another: not in use, not under way.
    for mut world in [World::enrolled().0, {
        let mut world = World::new();
        world.begin(1);
        world.tick(599);
        world
    }] {
        let before = world.record.clone();
        let done = world.apply(Command::Import {
            secret: &secret,
            params,
            by: None,
            again: false,
        });
        assert_eq!(done.reason(), Reason::AlreadySetUp);
        assert_eq!(world.record, before);
    }
    // A set-up that ran out of time is in nobody's way.
    let mut world = World::new();
    world.begin(1);
    world.tick(600);
    let done = world.apply(Command::Import {
        secret: &secret,
        params,
        by: None,
        again: false,
    });
    assert_eq!(
        done.kinds(),
        [EventKind::EnrolmentExpired, EventKind::Imported]
    );
    assert!(matches!(world.record.state(), State::Active(_)));
    assert_ne!(world.record, Record::new());
}
