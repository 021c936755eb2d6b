//! Every path to a code, compared with the `hmac` crate.

mod common;

use common::{Random, at, code, reference};
use twofa_totp::{
    Algorithm, Counter, Digits, Hotp, Params, Period, Scan, Secret, Step, Totp, Window,
};

#[test]
fn ten_thousand_random_codes() {
    let mut random = Random(0x0074_6f74_7001);
    for case in 0..10_000 {
        let key = random.key(Secret::MAX_BYTES as u64);
        let (algorithm, digits) = (random.algorithm(), random.digits());
        // Of every magnitude, up to the last step there is.
        let counter = random.next() >> random.below(64);
        let secret = Secret::from_bytes(&key).unwrap();
        let params = Params::default()
            .with_algorithm(algorithm)
            .with_digits(digits);
        let expected = reference(&key, algorithm, digits, counter);
        let context = format!("case {case}: {algorithm}, {digits:?}, {counter}, key {key:02x?}");

        let totp = Totp::new(&secret, params);
        let generated = totp.generate_step(Step::from_value(counter)).expose();
        assert_eq!(generated.as_ref(), expected, "{context}");
        let hotp = Hotp::new(&secret, algorithm, digits);
        let generated = hotp.generate(Counter::from_value(counter)).expose();
        assert_eq!(generated.as_ref(), expected, "{context}");
    }
}

#[test]
fn longer_keys_are_hashed_as_hmac_hashes_them() {
    let mut random = Random(0x0074_6f74_7002);
    for _ in 0..300 {
        let key = [random.key(200), random.key(200)].concat();
        let (algorithm, counter) = (random.algorithm(), random.next());
        let secret = Secret::reduce(&key, algorithm).unwrap();
        let params = Params::default().with_algorithm(algorithm);
        let ours = Totp::new(&secret, params).generate_step(Step::from_value(counter));
        let expected = reference(&key, algorithm, Digits::Six, counter);
        assert_eq!(
            ours.expose().as_ref(),
            expected,
            "{algorithm}, {} bytes",
            key.len()
        );
    }
}

/// Windows of every width go through the compressions in groups of other sizes; each step must come out where it is.
#[test]
fn every_step_of_every_window_is_found_at_its_offset() {
    let key = b"12345678901234567890123456789012";
    let now = at(1_669_852_800);
    for algorithm in Algorithm::ALL {
        let params = Params::default()
            .with_algorithm(algorithm)
            .with_digits(Digits::Eight);
        let secret = Secret::from_bytes(key).unwrap();
        for (past, future) in (0..=10).flat_map(|past| (0..=10).map(move |future| (past, future))) {
            let window = Window::new(past, future).unwrap();
            let totp = Totp::new(&secret, params).with_window(window);
            let centre = totp.step_at(now).value();
            for offset in -12_i64..=12 {
                let counter = centre.checked_add_signed(offset).unwrap();
                let typed = code(&reference(key, algorithm, Digits::Eight, counter));
                let found = totp.find(&typed, now).ok();
                let expected = (-i64::from(past)..=i64::from(future)).contains(&offset);
                let context = format!("{algorithm}, window {past}/{future}, offset {offset}");
                assert_eq!(found.is_some(), expected, "{context}");
                if let Some(found) = found {
                    assert_eq!(i64::from(found.offset()), offset, "{context}");
                    assert_eq!(found.step().value(), counter, "{context}");
                }
            }
        }
    }
}

#[test]
fn a_scan_finds_every_step_that_it_covers() {
    let key = b"12345678901234567890";
    let params = Params::default().with_digits(Digits::Eight);
    let totp = Totp::new(&Secret::from_bytes(key).unwrap(), params);
    let now = at(1_669_852_800);
    let centre = totp.step_at(now).value();
    let scan = Scan::new(Scan::MAX_STEPS, Scan::MAX_STEPS).unwrap();
    for offset in [
        -1501_i64, -1500, -1499, -700, -2, -1, 0, 1, 2, 3, 700, 1499, 1500, 1501,
    ] {
        let counter = centre.checked_add_signed(offset).unwrap();
        let typed = code(&reference(key, Algorithm::Sha1, Digits::Eight, counter));
        let found = totp.diagnose(&typed, now, scan);
        // Steps of the window itself are no clock that is off.
        let expected = (2..=1500).contains(&offset.abs());
        assert_eq!(found.is_some(), expected, "offset {offset}");
        if let Some(off) = found {
            assert_eq!(u64::from(off.steps().get()), offset.unsigned_abs());
            assert_eq!(u64::from(off.seconds()), offset.unsigned_abs() * 30);
            let behind = off.direction() == twofa_totp::Direction::Behind;
            assert_eq!(behind, offset < 0, "offset {offset}");
        }
    }
}

#[test]
fn t0_and_period_count_the_steps() {
    let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
    let params = Params::default()
        .with_period(Period::new(60).unwrap())
        .with_t0(at(1_000_000_000));
    let totp = Totp::new(&secret, params);
    for (now, step, left) in [
        (1_000_000_000, 0, 60),
        (1_000_000_059, 0, 1),
        (1_000_000_060, 1, 60),
        (1_000_000_601, 10, 59),
        // Before T0 nothing has begun: the first step, until its end.
        (999_999_990, 0, 70),
    ] {
        assert_eq!(totp.step_at(at(now)).value(), step, "{now}");
        assert_eq!(totp.seconds_left(at(now)), left, "{now}");
    }
}
