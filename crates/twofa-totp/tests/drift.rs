//! A phone whose clock is off, lives its life beside the server's.
#![expect(clippy::unwrap_used, reason = "bounds are kept by the tests")]

mod common;

use common::{at, usual};
use twofa_totp::{Drift, LastStep, Rejected, Totp, Window};

/// What the phone shows when its clock is `skew` seconds from the true one, offered at the true time.
fn offer(
    totp: &Totp,
    now: u64,
    skew: i64,
    drift: &mut Drift,
    last: &mut LastStep,
) -> Result<i32, Rejected> {
    let code = totp.generate(at(now.checked_add_signed(skew).unwrap()));
    let accepted = totp.find_with_drift(&code, at(now), *drift)?.spend(last)?;
    *drift = drift.learn(accepted.offset());
    Ok(accepted.offset())
}

/// One code, offered at every second while its step is in sight of a drift that was learnt: accepted once.
#[test]
fn f24_drift_by_the_second_replays_nothing() {
    let totp = usual();
    let start = 1_669_852_800;
    for skew in -150..=150_i64 {
        for phase in [0, 1, 14, 29] {
            let (mut drift, mut last) = (Drift::NONE, LastStep::NONE);
            // The clock drifts to `skew` by and by, a login every ten minutes.
            for login in 0..20_i64 {
                let now = start + phase + 600 * login.unsigned_abs();
                let _ = offer(&totp, now, skew * login / 19, &mut drift, &mut last);
                assert!(drift.steps().abs() <= 3);
            }
            let now = start + phase + 600 * 30;
            let code = totp.generate(at(now.checked_add_signed(skew).unwrap()));
            let mut accepted = 0;
            for second in 0..300 {
                let clock = at(now - 150 + second);
                let found = totp.find_with_drift(&code, clock, drift);
                if let Some(candidate) = found.ok()
                    && let Ok(done) = candidate.spend(&mut last)
                {
                    accepted += 1;
                    drift = drift.learn(done.offset());
                }
            }
            assert_eq!(accepted, 1, "skew {skew} s, phase {phase} s");
        }
    }
}

#[test]
fn a_steady_drift_is_followed_to_its_bound_and_no_further() {
    let totp = usual();
    for way in [-1_i64, 1] {
        let (mut drift, mut last) = (Drift::NONE, LastStep::NONE);
        let mut now = 1_669_852_800;
        for steps in [0, 1, 2, 3, 4] {
            now += 600;
            let offset = offer(&totp, now, way * steps * 30, &mut drift, &mut last);
            assert_eq!(offset.map(i64::from), Ok(way * steps));
        }
        assert_eq!(i64::from(drift.steps()), way * 3);
        now += 600;
        let beyond = offer(&totp, now, way * 150, &mut drift, &mut last);
        assert!(matches!(beyond, Err(Rejected::NoMatch(_))), "{beyond:?}");

        // The phone's clock is repaired: nobody is locked out, and the drift is unlearnt.
        for left in [2, 1, 0, 0] {
            now += 600;
            assert_eq!(offer(&totp, now, 0, &mut drift, &mut last), Ok(0));
            assert_eq!(i64::from(drift.steps()), way * left);
        }
    }
}

#[test]
fn a_sudden_jump_is_not_followed() {
    let (mut drift, mut last) = (Drift::NONE, LastStep::NONE);
    let jumped = offer(&usual(), 1_669_852_800, -60, &mut drift, &mut last);
    assert!(matches!(jumped, Err(Rejected::NoMatch(_))));
    assert_eq!(drift, Drift::NONE);
}

/// With a narrow window there are steps between the two centres that belong to neither.
#[test]
fn steps_between_the_two_windows_stay_closed() {
    let totp = usual().with_window(Window::STRICT);
    let now = at(1_669_852_800);
    for drift in [-3, -2, 2, 3] {
        for offset in -5..=5_i64 {
            let shown = totp.generate(at(now.as_secs().checked_add_signed(offset * 30).unwrap()));
            let found = totp.find_with_drift(&shown, now, Drift::new(drift)).is_ok();
            let expected = offset == 0 || offset == i64::from(drift);
            assert_eq!(found, expected, "drift {drift}, offset {offset}");
        }
    }
}

/// The same where time begins, and part of the first window lies before it.
#[test]
fn steps_between_the_two_windows_stay_closed_at_the_beginning_of_time() {
    let totp = usual().with_window(Window::new(1, 0).unwrap());
    for step in 0..=6_u64 {
        let shown = totp.generate(at(step * 30));
        let found = totp.find_with_drift(&shown, at(0), Drift::new(3)).is_ok();
        // Around 0: 0 alone, since 1 before it does not exist. Around 3: 2 and 3.
        assert_eq!(found, [0, 2, 3].contains(&step), "step {step}");
    }
}
