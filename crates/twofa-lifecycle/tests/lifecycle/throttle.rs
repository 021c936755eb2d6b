//! Failures in a row: what they cost, who shares them, what clears them.

use crate::world::World;
use twofa_lifecycle::{Detail, EventKind, LoginEffect, LoginKind, Throttle};
use twofa_policy::{Handover, Lock, Reason};
use twofa_types::UnixTime;

/// Seconds that each failure costs, written out.
const WAITS: [u64; 9] = [0, 0, 0, 30, 60, 120, 300, 900, 3600];

#[test]
fn every_failure_up_to_the_hundredth_costs_exactly_its_wait() {
    let (mut world, app) = World::enrolled();
    for n in 1..=100_u32 {
        let wait = WAITS.get(n as usize - 1).copied().unwrap_or(3600);
        let mut login = world.park(1, LoginKind::Challenge);
        let code = app.wrong(world.now, 25);
        let done = world.answer(&mut login, &code);
        assert_eq!(done.reason(), Reason::WrongCode);
        assert_eq!(world.record.throttle().failures(), n);
        assert_eq!(
            done.events[0].detail.unwrap().to_string(),
            format!("failures={n}")
        );
        let lock = world.record.view().lock;
        if n == 100 {
            assert_eq!(done.kinds(), [EventKind::Failed, EventKind::Locked]);
            assert_eq!(done.events[1].reason, Some(Reason::Locked));
            assert_eq!(done.events[1].detail, Some(Detail::Failures(100)));
            assert!(EventKind::Locked.notice());
            assert_eq!(lock, Lock::UntilReset);
            assert_eq!(done.rejection().retry_at, None);
            assert_eq!(world.record.throttle().until(), None);
            continue;
        }
        assert_eq!(done.kinds(), [EventKind::Failed]);
        if wait == 0 {
            assert_eq!((done.rejection().retry_at, lock), (None, Lock::Open));
            continue;
        }
        let until = world.now.saturating_add(wait);
        assert_eq!(
            (done.rejection().retry_at, lock),
            (Some(until), Lock::Until(until))
        );
        // One second before its end it still holds; at its end it does not.
        world.now = until.saturating_sub(1);
        let mut login = world.park(2, LoginKind::Challenge);
        let code = app.wrong(world.now, 25);
        let refused = world.answer(&mut login, &code);
        assert_eq!(refused.reason(), Reason::Locked);
        assert_eq!(refused.rejection().retry_at, Some(until));
        assert_eq!(
            world.record.throttle().failures(),
            n,
            "the lock does not grow"
        );
        world.now = until;
    }
}

#[test]
fn f03_after_a_hundred_wrong_codes_the_right_one_is_refused_until_a_reset() {
    let (mut world, app) = World::enrolled();
    world.fail(&app, 100);
    for _ in 0..3 {
        world.tick(365 * 86_400);
        let done = world.challenge(&app, 0);
        assert_eq!(done.reason(), Reason::Locked);
        assert_eq!(done.rejection().retry_at, None);
    }
    assert_eq!(world.record.throttle().failures(), 100);
    let _ = world.reset(Handover::NotRequired);
    assert_eq!(world.record.throttle(), Throttle::new());
    assert_eq!(world.record.view().lock, Lock::Open);
    let app = world.enrol(1);
    world.tick(30);
    assert!(world.challenge(&app, 0).is_accepted());
}

#[test]
fn f09_the_budget_is_the_factors_whatever_the_login() {
    let (mut world, app) = World::enrolled();
    let mut ended = 0;
    for n in 0..20 {
        let mut login = world.park(n, LoginKind::Challenge);
        for _ in 0..5 {
            if let Some(until) = world.record.throttle().until() {
                world.now = world.now.max(until);
            }
            login.expires = UnixTime::MAX;
            let code = app.wrong(world.now, 25);
            if world.answer(&mut login, &code).login == LoginEffect::End {
                ended += 1;
            }
        }
    }
    assert_eq!(ended, 20);
    assert_eq!(world.record.throttle().failures(), 100);
    assert_eq!(world.record.view().lock, Lock::UntilReset);
}

#[test]
fn f10_a_new_login_clears_nothing() {
    let (mut world, app) = World::enrolled();
    world.fail(&app, 2);
    let _ = world.park(7, LoginKind::Challenge);
    world.begin_replacement(8);
    world.fail(&app, 1);
    assert_eq!(world.record.throttle().failures(), 3);
    // A replay and a malformed code neither count nor clear.
    assert_eq!(world.challenge(&app, -2).reason(), Reason::ClockOff);
    assert_eq!(world.record.throttle().failures(), 4);
    world.tick(30);
    assert!(world.challenge(&app, 0).is_accepted());
    assert_eq!(world.record.throttle(), Throttle::new());
    world.fail(&app, 1);
    assert_eq!(world.challenge(&app, 0).reason(), Reason::CodeAlreadyUsed);
    assert_eq!(world.record.throttle().failures(), 1);
}

#[test]
fn while_locked_a_code_is_neither_looked_at_nor_spent() {
    let (mut world, app) = World::enrolled();
    world.fail(&app, 4);
    let opened = world.vault.opened.get();
    let last_step = world.active().last_step;
    let code = app.code(world.now.saturating_add(30), 0);
    world.tick(29);
    let mut login = world.park(1, LoginKind::Challenge);
    let first = world.answer(&mut login, &code);
    assert_eq!(first.reason(), Reason::Locked);
    assert_eq!(first.login, LoginEffect::Keep);
    assert_eq!(first.kinds(), [EventKind::Throttled]);
    assert_eq!(first.events[0].reason, Some(Reason::Locked));
    assert!(world.record.throttle().noted());

    // The audit is told once for each lock, so that trying writes nothing more.
    for _ in 0..50 {
        let done = world.answer(&mut login, &code);
        assert_eq!(done.reason(), Reason::Locked);
        assert!(!done.wrote);
        assert_eq!(done.login, LoginEffect::Keep);
    }
    assert_eq!(world.vault.opened.get(), opened, "the secret stays sealed");
    assert_eq!(world.active().last_step, last_step);
    assert_eq!(world.record.throttle().failures(), 4);
    world.tick(1);
    assert!(
        world.answer(&mut login, &code).is_accepted(),
        "the same code, unspent, in the same login"
    );

    // The next lock is told anew.
    world.fail(&app, 4);
    assert!(!world.record.throttle().noted());
    assert_eq!(world.challenge(&app, 0).kinds(), [EventKind::Throttled]);
    world.tick(30);
    world.fail(&app, 1);
    assert_eq!(world.challenge(&app, 0).kinds(), [EventKind::Throttled]);
}

#[test]
fn what_a_guesser_is_left_is_what_the_documentation_says() {
    let waits = (1..).map(|failures| Throttle::wait_after(failures).unwrap_or(0));
    let mut at = 0;
    let mut tries_in_a_day = 0_u32;
    for wait in waits {
        if at > 86_400 {
            break;
        }
        tries_in_a_day += 1;
        at += wait;
    }
    assert_eq!(tries_in_a_day, 32);
    let per_try = 3.0 / 1_000_000.0;
    let day = f64::from(tries_in_a_day) * per_try;
    assert!((0.000_095..0.000_097).contains(&day), "{day}");
    let year = 1.0 - (1.0_f64 - day).powi(365);
    assert!((0.034..0.035).contains(&year), "{year}");
    assert!((f64::from(Throttle::HARD_STOP) * per_try - 0.000_3).abs() < 1e-9);
}
