//! Window arithmetic where time begins and where it ends.

mod common;

use std::collections::BTreeMap;

use common::{at, usual};
use twofa_totp::{
    Code, Counter, Digits, Direction, Drift, Hotp, LookAhead, NoMatch, OutOfBounds, Params, Period,
    Rejected, Scan, Secret, Step, Totp, Window,
};

#[test]
fn f28_windows_at_the_ends_of_time() {
    let widest = Window::new(10, 10).unwrap();
    let second = Period::new(1).unwrap();
    let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
    for params in [Params::default(), Params::default().with_period(second)] {
        let totp = Totp::new(&secret, params.with_digits(Digits::Eight)).with_window(widest);
        for now in [0, 1, 29, 30, 59, 60, u64::MAX - 30, u64::MAX - 1, u64::MAX] {
            let now = at(now);
            let centre = totp.step_at(now).value();
            for offset in -11_i64..=11 {
                // Steps that do not exist have no code; of those that do, ten either side are accepted.
                let Some(step) = centre.checked_add_signed(offset) else {
                    continue;
                };
                let code = totp.generate_step(Step::from_value(step));
                for drift in [-3, 0, 3].map(Drift::new) {
                    let inside =
                        offset.abs() <= 10 || offset == 11 * i64::from(drift.steps().signum());
                    let found = totp.find_with_drift(&code, now, drift);
                    let found =
                        found.map(|found| (found.step().value(), i64::from(found.offset())));
                    let expected = if inside {
                        Ok((step, offset))
                    } else {
                        Err(NoMatch)
                    };
                    assert_eq!(found, expected, "{now:?}, offset {offset}, {drift:?}");
                }
                let scan = Scan::new(Scan::MAX_STEPS, Scan::MAX_STEPS).unwrap();
                let off = totp.diagnose(&code, now, scan);
                assert_eq!(
                    off.is_some(),
                    offset.abs() == 11,
                    "{now:?}, offset {offset}"
                );
            }
            let left = totp.seconds_left(now);
            assert!(
                (1..=u64::from(params.period().secs())).contains(&left),
                "{now:?}: {left}"
            );
        }
    }
}

/// Steps do not go round: the first one is not the successor of the last.
#[test]
fn f28_time_does_not_go_round() {
    let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
    let params = Params::default()
        .with_digits(Digits::Eight)
        .with_period(Period::new(1).unwrap());
    let totp = Totp::new(&secret, params).with_window(Window::new(10, 10).unwrap());
    let scan = Scan::new(Scan::MAX_STEPS, Scan::MAX_STEPS).unwrap();
    for (now, other) in [(u64::MAX, 0), (u64::MAX, 9), (0, u64::MAX), (9, u64::MAX)] {
        let code = totp.generate_step(Step::from_value(other));
        for drift in [-3, 0, 3].map(Drift::new) {
            let found = totp.find_with_drift(&code, at(now), drift);
            assert!(found.is_err(), "{other} at {now}");
        }
        assert_eq!(
            totp.diagnose(&code, at(now), scan),
            None,
            "{other} at {now}"
        );
        let before = totp.generate_step(Step::from_value(other.wrapping_sub(1)));
        let found = totp.resync(&before, &code, at(now), scan);
        assert!(found.is_err(), "{other} at {now}");
    }
}

#[test]
fn f28_t0_ahead_of_the_clock() {
    let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
    let totp = Totp::new(&secret, Params::default().with_t0(at(u64::MAX)));
    assert_eq!(totp.step_at(at(0)).value(), 0);
    assert_eq!(totp.seconds_left(at(0)), u64::MAX);
    assert_eq!(totp.step_at(at(u64::MAX)).value(), 0);
}

#[test]
fn strict_is_the_current_step_alone() {
    let totp = usual().with_window(Window::STRICT);
    let now = at(1_669_852_800);
    assert!(totp.find(&totp.generate(now), now).is_ok());
    for beside in [1_669_852_799, 1_669_852_830] {
        assert!(
            totp.find(&totp.generate(at(beside)), now).is_err(),
            "{beside}"
        );
    }
}

#[test]
fn bounds_are_kept() {
    for period in [1, 30, 3600] {
        assert_eq!(Period::new(period).map(Period::secs), Ok(period));
    }
    assert_eq!(Period::new(0), Err(OutOfBounds::Period));
    assert_eq!(Period::new(3601), Err(OutOfBounds::Period));
    for digits in 0..=u8::MAX {
        let expected = if (6..=8).contains(&digits) {
            Ok(digits)
        } else {
            Err(OutOfBounds::Digits)
        };
        assert_eq!(Digits::try_from(digits).map(Digits::get), expected);
    }
    assert_eq!(Window::new(11, 0), Err(OutOfBounds::Window));
    assert_eq!(Window::new(0, 11), Err(OutOfBounds::Window));
    assert_eq!(Scan::new(1501, 0), Err(OutOfBounds::Scan));
    assert_eq!(Scan::new(0, 1501), Err(OutOfBounds::Scan));
    assert_eq!(LookAhead::new(101), Err(OutOfBounds::LookAhead));
    assert_eq!(Drift::new(i8::MIN).steps(), -3);
    assert_eq!(Drift::new(i8::MAX).steps(), 3);
}

#[test]
fn what_a_login_may_be_told_is_the_past_alone() {
    let totp = usual();
    let period = totp.params().period();
    let now = at(1_669_852_800);
    for (seconds, at_login, at_set_up) in [
        (-600_i64, true, true),
        (-630, false, false),
        (-60, true, true),
        (60, false, true),
        (600, false, true),
        (630, false, false),
    ] {
        let code = totp.generate(at(now.as_secs().checked_add_signed(seconds).unwrap()));
        let login = totp.explain(&code, now, Scan::login(period));
        let set_up = totp.explain(&code, now, Scan::set_up(period));
        assert_eq!(
            matches!(login, Rejected::ClockOff(_)),
            at_login,
            "{seconds}: {login}"
        );
        assert_eq!(
            matches!(set_up, Rejected::ClockOff(_)),
            at_set_up,
            "{seconds}: {set_up}"
        );
    }
    // Periods longer than the ten minutes still see one step; short ones stay within the bound.
    let steps = |secs| Scan::login(Period::new(secs).unwrap()).past();
    assert_eq!([1, 30, 600, 601, 3600].map(steps), [600, 20, 1, 1, 1]);
}

#[test]
fn resync_takes_two_codes_in_a_row() {
    let totp = usual();
    let now = at(1_669_852_800);
    let scan = Scan::new(Scan::MAX_STEPS, Scan::MAX_STEPS).unwrap();
    let shown =
        |offset: i64| totp.generate(at(now.as_secs().checked_add_signed(offset * 30).unwrap()));
    for offset in [-1500_i64, -700, -1, 0, 700, 1499] {
        let found = totp.resync(&shown(offset), &shown(offset + 1), now, scan);
        let found = found.map(|found| (i64::from(found.offset()), found.step()));
        let step = totp
            .step_at(now)
            .value()
            .checked_add_signed(offset + 1)
            .unwrap();
        assert_eq!(found, Ok((offset + 1, Step::from_value(step))), "{offset}");
    }
    for (first, second) in [
        (-700, -700),
        (-700, -698),
        (-699, -700),
        (1500, 1501),
        (-1501, -1500),
    ] {
        let found = totp.resync(&shown(first), &shown(second), now, scan);
        assert!(found.is_err(), "{first}, {second}");
    }
    let longer = Secret::from_bytes(b"12345678901234567890").unwrap();
    let longer = Totp::new(&longer, Params::default().with_digits(Digits::Eight));
    assert!(
        totp.resync(&shown(0), &longer.generate(now), now, scan)
            .is_err()
    );
}

/// Digits are part of a code: the same number with zeros before it is another one, on every path.
#[test]
fn the_same_number_with_more_digits_matches_nothing() {
    let totp = usual();
    let now = at(1_669_852_800);
    let scan = Scan::new(Scan::MAX_STEPS, Scan::MAX_STEPS).unwrap();
    let padded = |code: Code| Code::parse(&format!("00{}", code.expose())).unwrap();
    let (here, next) = (totp.generate(now), totp.generate(at(1_669_852_830)));
    let far = totp.generate(at(1_669_852_800 - 600));

    assert!(totp.find(&here, now).is_ok() && totp.find(&padded(here), now).is_err());
    assert!(totp.diagnose(&far, now, scan).is_some());
    assert_eq!(totp.diagnose(&padded(far), now, scan), None);
    assert!(totp.resync(&here, &next, now, scan).is_ok());
    assert!(totp.resync(&padded(here), &next, now, scan).is_err());
    assert!(totp.resync(&here, &padded(next), now, scan).is_err());

    let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
    let hotp = Hotp::new(&secret, twofa_totp::Algorithm::Sha1, Digits::Six);
    let (zero, ahead) = (Counter::from_value(0), LookAhead::default());
    let (here, next) = (hotp.generate(zero), hotp.generate(Counter::from_value(1)));
    assert!(hotp.find(&here, zero, ahead).is_ok());
    assert!(hotp.find(&padded(here), zero, ahead).is_err());
    assert!(hotp.resync(&here, &next, zero, ahead).is_ok());
    assert!(hotp.resync(&padded(here), &next, zero, ahead).is_err());
    assert!(hotp.resync(&here, &padded(next), zero, ahead).is_err());
}

/// Among 3,001 codes of six digits a few occur twice; the nearer one explains more.
#[test]
fn of_several_steps_a_diagnosis_names_the_nearest() {
    let totp = usual();
    let now = at(1_669_852_800);
    let centre = totp.step_at(now).value();
    let scan = Scan::new(Scan::MAX_STEPS, Scan::MAX_STEPS).unwrap();
    let mut seen = BTreeMap::<String, Vec<i64>>::new();
    for offset in (-1500..=1500_i64).filter(|offset| offset.abs() > 1) {
        let step = Step::from_value(centre.checked_add_signed(offset).unwrap());
        let text = totp.generate_step(step).expose().to_string();
        seen.entry(text).or_default().push(offset);
    }
    let mut twins = 0;
    for (text, offsets) in seen.iter().filter(|(_, offsets)| offsets.len() > 1) {
        let off = totp.diagnose(&Code::parse(text).unwrap(), now, scan);
        let nearest = offsets.iter().map(|offset| offset.unsigned_abs()).min();
        assert_eq!(
            off.map(|off| off.steps().get().into()),
            nearest,
            "{text}: {offsets:?}"
        );
        twins += 1;
    }
    assert!(twins > 1, "too few to tell");
}

/// A clock is more often behind than ahead: codes travel, and people type slowly.
#[test]
fn of_two_steps_as_near_a_diagnosis_names_the_past_one() {
    let totp = usual();
    let first = totp.step_at(at(1_669_852_800)).value();
    let codes: Vec<_> = (first..first + 6000)
        .map(|step| totp.generate_step(Step::from_value(step)))
        .map(|code| code.expose().to_string())
        .collect();
    let scan = Scan::new(Scan::MAX_STEPS, Scan::MAX_STEPS).unwrap();
    let mut twins = 0;
    for centre in 1500..4500 {
        let pairs = (2..=1500).filter(|k| codes.get(centre - k) == codes.get(centre + k));
        for k in pairs {
            let now = at((first + u64::try_from(centre).unwrap()) * 30);
            let code = Code::parse(&codes[centre - k]).unwrap();
            let off = totp.diagnose(&code, now, scan).unwrap();
            assert_eq!(off.direction(), Direction::Behind);
            twins += 1;
        }
    }
    assert!(twins > 0, "none to tell by");
}
