//! Nothing allocates: every call is counted. Alone in its binary, because the counter replaces the allocator.

use std::hint::black_box;

use twofa_totp::{
    Algorithm, Code, Counter, Digits, Drift, Hotp, LastStep, LookAhead, Params, Scan, Secret, Totp,
};
use twofa_types::UnixTime;

#[test]
fn nothing_allocates() {
    // The counter itself counts.
    let seen = allocation_counter::measure(|| drop(black_box(vec![0_u8; 10])));
    assert_eq!(seen.count_total, 1);

    let key = [7_u8; 128];
    let mut matched = 0;
    let seen = allocation_counter::measure(|| {
        for algorithm in Algorithm::ALL {
            for len in [1, 20, 64, 65, 128] {
                let secret = Secret::from_bytes(&key[..len]).unwrap();
                let params = Params::default().with_algorithm(algorithm);
                let totp = Totp::new(&secret, params);
                let now = UnixTime::from_secs(1_669_852_800);
                let text = totp.generate(now).expose();
                let code = Code::parse(black_box(text.as_ref())).unwrap();
                let mut last = LastStep::NONE;
                let accepted = totp.find(&code, now).unwrap().spend(&mut last).unwrap();
                assert_eq!(last.step(), Some(accepted.step()));
                let drift = Drift::new(3);
                let found = totp.find_with_drift(&code, now, drift).unwrap();
                assert!(found.settle(last.step()).is_err());
                let later = now.saturating_add(300);
                let off = totp.diagnose(&code, later, Scan::login(params.period()));
                matched += off.unwrap().seconds();

                let hotp = Hotp::new(&secret, algorithm, Digits::Eight);
                let mut counter = Counter::from_value(5);
                let code = hotp.generate(Counter::from_value(9));
                let found = hotp.find(&code, counter, LookAhead::default()).unwrap();
                found.spend(&mut counter).unwrap();
            }
        }
    });
    assert_eq!(matched, 15 * 300);
    assert_eq!(seen.count_total, 0);
}
