//! Codes by counter, and catching up from two codes in a row: as found by trying one counter after the other.
#![no_main]

use libfuzzer_sys::fuzz_target;
use twofa::totp::{Algorithm, Code, Counter, Digits, Hotp, LookAhead, Params, Scan, Secret, Totp};
use twofa::types::UnixTime;
use twofa_fuzz::Bytes;

fn text(code: Code) -> String {
    code.expose().to_string()
}

fn check(data: &[u8]) -> Option<()> {
    let mut bytes = Bytes(data);
    let algorithm = Algorithm::ALL[bytes.below(3)?];
    let digits = Digits::try_from(6 + bytes.byte()? % 3).ok()?;
    let (next, ahead) = (bytes.long()?, bytes.byte()? % 24);
    let (shown, apart) = (i64::from(bytes.byte()? as i8), bytes.byte()? % 3);
    let typed = bytes.long()? % 10_u64.pow(digits.get().into());
    let secret = Secret::from_bytes(bytes.0.get(..128.min(bytes.0.len()))?).ok()?;

    let hotp = Hotp::new(&secret, algorithm, digits);
    let code_of = |counter: u64| text(hotp.generate(Counter::from_value(counter)));
    // A code of this token near the expected counter, or one that somebody made up.
    let from = next.saturating_add_signed(shown);
    let first = if shown == -128 {
        format!("{typed:0width$}", width = digits.get().into())
    } else {
        code_of(from)
    };
    let second = code_of(from.saturating_add(apart.into()));
    let [one, two] = [&first, &second].map(|code| Code::parse(code).unwrap());
    let counters = (0..=u64::from(ahead)).map_while(|by| next.checked_add(by));

    let expected = Counter::from_value(next);
    let look = LookAhead::new(ahead).unwrap();
    let found = hotp
        .find(&one, expected, look)
        .map(|found| found.counter().value());
    assert_eq!(
        found.ok(),
        counters.clone().find(|counter| code_of(*counter) == first)
    );
    if let Ok(found) = hotp.find(&one, expected, look) {
        let at = found.counter().value();
        match found.settle(expected) {
            Ok(moved) => {
                assert_eq!(moved.value(), at + 1, "past it");
                let again = hotp.find(&one, moved, LookAhead::new(0).unwrap());
                assert!(
                    again.is_err() || code_of(at + 1) == first,
                    "a code works once"
                );
            }
            Err(_) => assert_eq!(at, u64::MAX, "nothing lies beyond"),
        }
    }

    let pair = |counter: &u64| {
        counter
            .checked_sub(1)
            .is_some_and(|before| code_of(before) == first)
            && code_of(*counter) == second
    };
    let caught_up = hotp
        .resync(&one, &two, expected, look)
        .map(|found| found.counter().value());
    assert_eq!(caught_up.ok(), counters.skip(1).find(pair));

    // The same secret by time, a step a second: the counter of the middle is now.
    let period = twofa::totp::Period::new(1).unwrap();
    let params = Params::default()
        .with_algorithm(algorithm)
        .with_digits(digits)
        .with_period(period);
    let totp = Totp::new(&secret, params);
    let scan = Scan::new(ahead.into(), ahead.into()).unwrap();
    let lowest = next.saturating_sub(ahead.into());
    let highest = next.saturating_add(ahead.into());
    let now = UnixTime::from_secs(next);
    let mut pairs: Vec<u64> = (lowest..=highest).skip(1).filter(pair).collect();
    pairs.sort_by_key(|step| step.abs_diff(next));
    let found = totp.resync(&one, &two, now, scan);
    assert_eq!(found.is_ok(), !pairs.is_empty());
    if let Ok(found) = found {
        let step = found
            .settle(None)
            .expect("nothing is spent yet")
            .step()
            .value();
        assert_eq!(
            step.abs_diff(next),
            pairs[0].abs_diff(next),
            "the nearest pair"
        );
        assert!(pairs.contains(&step));
    }
    Some(())
}

fuzz_target!(|data: &[u8]| {
    let _ = check(data);
});
