//! HOTP: looking ahead, catching up, and the end of the counter.

use std::collections::BTreeMap;

use twofa_totp::{Counter, Digits, Hotp, LookAhead, Rejected, Secret};

#[test]
fn hotp_looks_ahead_catches_up_and_never_back() {
    let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
    let hotp = Hotp::new(&secret, twofa_totp::Algorithm::Sha1, Digits::Eight);
    let shown = |counter| hotp.generate(Counter::from_value(counter));
    let ahead = LookAhead::new(5).unwrap();
    let mut next = Counter::from_value(100);
    for counter in [99, 106, 98, 0] {
        assert!(
            hotp.find(&shown(counter), next, ahead).is_err(),
            "{counter}"
        );
    }
    for counter in 100..=105 {
        let found = hotp.find(&shown(counter), next, ahead).unwrap();
        assert_eq!(found.counter().value(), counter);
    }
    hotp.find(&shown(105), next, ahead)
        .unwrap()
        .spend(&mut next)
        .unwrap();
    assert_eq!(next.value(), 106);

    // Two matches of one code: the slower finds that the counter has moved on.
    let (one, two) = (
        hotp.find(&shown(106), next, ahead),
        hotp.find(&shown(106), next, ahead),
    );
    one.unwrap().spend(&mut next).unwrap();
    assert_eq!(two.unwrap().spend(&mut next), Err(Rejected::AlreadyUsed));
    assert_eq!(next.value(), 107);

    let far = LookAhead::new(100).unwrap();
    let found = hotp.resync(&shown(205), &shown(206), next, far).unwrap();
    assert_eq!(found.settle(next).map(Counter::value), Ok(207));
    assert!(hotp.resync(&shown(207), &shown(208), next, far).is_err());
    assert!(hotp.resync(&shown(205), &shown(207), next, far).is_err());
    assert!(hotp.resync(&shown(206), &shown(205), next, far).is_err());
}

/// Where a code occurs twice within the look-ahead, the first counts, so that none of the token's codes is skipped.
#[test]
fn hotp_takes_the_first_of_two_counters() {
    let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
    let hotp = Hotp::new(&secret, twofa_totp::Algorithm::Sha1, Digits::Six);
    let mut last = BTreeMap::<String, u64>::new();
    // One pair in a million is alike, and every counter makes a hundred pairs.
    let (first, second) = (0..200_000)
        .find_map(|counter| {
            let code = hotp.generate(Counter::from_value(counter)).expose();
            let before = last.insert(code.to_string(), counter)?;
            (counter - before <= 100).then_some((before, counter))
        })
        .expect("twins exist");
    let code = hotp.generate(Counter::from_value(first));
    let far = LookAhead::new(100).unwrap();
    for (next, expected) in [(first, first), (first + 1, second)] {
        let found = hotp.find(&code, Counter::from_value(next), far).unwrap();
        assert_eq!(found.counter().value(), expected);
    }
}

#[test]
fn f28_hotp_at_the_end_of_its_counter() {
    let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
    let hotp = Hotp::new(&secret, twofa_totp::Algorithm::Sha1, Digits::Six);
    let far = LookAhead::new(100).unwrap();
    for start in [u64::MAX - 50, u64::MAX - 1, u64::MAX] {
        let next = Counter::from_value(start);
        let last = hotp
            .find(&hotp.generate(Counter::from_value(u64::MAX)), next, far)
            .unwrap();
        // Accepting it would leave nothing to move on to, and so accept it for ever.
        assert_eq!(last.settle(next), Err(Rejected::Exhausted), "{start}");
        assert!(
            hotp.find(&hotp.generate(Counter::from_value(0)), next, far)
                .is_err()
        );
    }
}
