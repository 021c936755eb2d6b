//! One step, one acceptance: whatever is typed, in whatever order, under whatever clock.

mod common;

use std::collections::BTreeSet;

use common::{at, usual};
use proptest::prelude::*;
use twofa_totp::{
    Accepted, Code, Digits, Drift, LastStep, Params, Rejected, Secret, Step, Totp, Window,
};
use twofa_types::UnixTime;

fn offer(
    totp: &Totp,
    code: Code,
    now: UnixTime,
    last: &mut LastStep,
) -> Result<Accepted, Rejected> {
    totp.find(&code, now)?.spend(last)
}

#[test]
fn f01_a_code_works_once_within_its_step() {
    let (totp, mut last) = (usual(), LastStep::NONE);
    let code = totp.generate(at(1_669_852_800));
    assert!(offer(&totp, code, at(1_669_852_800), &mut last).is_ok());
    for now in 1_669_852_800..1_669_852_860 {
        let again = offer(&totp, code, at(now), &mut last);
        assert_eq!(again, Err(Rejected::AlreadyUsed), "{now}");
    }
}

#[test]
fn f02_the_step_before_an_accepted_one_is_spent_too() {
    let (totp, mut last) = (usual(), LastStep::NONE);
    let now = at(1_669_852_800);
    let (before, current) = (totp.generate(at(1_669_852_770)), totp.generate(now));
    let accepted = offer(&totp, current, now, &mut last).unwrap();
    assert_eq!(last.step(), Some(accepted.step()));
    assert_eq!(
        offer(&totp, before, now, &mut last),
        Err(Rejected::AlreadyUsed)
    );
    assert_eq!(
        offer(&totp, current, now, &mut last),
        Err(Rejected::AlreadyUsed)
    );
    assert_eq!(last.step(), Some(accepted.step()));
}

#[test]
fn f25_a_clock_set_back_opens_nothing_again() {
    let (totp, mut last) = (usual(), LastStep::NONE);
    let now = at(1_669_852_800);
    let code = totp.generate(now);
    assert!(offer(&totp, code, now, &mut last).is_ok());
    for back in [1, 30, 60] {
        let refused = offer(&totp, code, now.saturating_sub(back), &mut last);
        assert!(refused.is_err(), "{back} s back: {refused:?}");
    }
    // Nor do the codes of those steps themselves.
    for back in [0, 30, 60, 90, 3600] {
        let then = now.saturating_sub(back);
        let refused = offer(&totp, totp.generate(then), then, &mut last);
        assert_eq!(refused, Err(Rejected::AlreadyUsed), "{back} s back");
    }
}

/// Codes of two steps of a window can be the same digits. A replay is refused, the other step's code is not.
#[test]
fn coinciding_codes_of_two_steps_are_told_apart() {
    let totp = usual().with_window(Window::new(10, 10).unwrap());
    let same = |step: u64| {
        let code = |step| {
            totp.generate_step(Step::from_value(step))
                .expose()
                .to_string()
        };
        (1..=10)
            .map(|ahead| step + ahead)
            .find(|&later| code(step) == code(later))
    };
    // One step in about 100,000 has such a twin within ten steps.
    let (first, second) = (0..2_000_000)
        .find_map(|step| Some((step, same(step)?)))
        .expect("twins exist");
    let code = totp.generate_step(Step::from_value(first));
    let mut last = LastStep::NONE;

    let accepted = offer(&totp, code, at(first * 30), &mut last).unwrap();
    assert_eq!((accepted.step().value(), accepted.offset()), (first, 0));
    // Typed once more, the digits can only be those of the later step: spent, once.
    let accepted = offer(&totp, code, at(first * 30), &mut last).unwrap();
    assert_eq!(accepted.step().value(), second);
    let third = offer(&totp, code, at(second * 30), &mut last);
    assert_eq!(third, Err(Rejected::AlreadyUsed));
}

#[test]
fn codes_of_other_lengths_match_nothing() {
    let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
    let now = at(1_669_852_800);
    let codes: Vec<(Digits, Totp)> = [Digits::Six, Digits::Seven, Digits::Eight]
        .into_iter()
        .map(|digits| {
            (
                digits,
                Totp::new(&secret, Params::default().with_digits(digits)),
            )
        })
        .collect();
    for (typed, from) in &codes {
        for (expected, totp) in &codes {
            let found = totp.find(&from.generate(now), now).is_ok();
            assert_eq!(found, typed == expected, "{typed:?} for {expected:?}");
        }
    }
    // Not even where the numbers are equal: a code with a leading zero, and the same without it.
    let (_, eight) = &codes[2];
    let zero = (0..1_000).map(Step::from_value).find(|step| {
        eight
            .generate_step(*step)
            .expose()
            .as_ref()
            .starts_with('0')
    });
    let now = at(zero.unwrap().value() * 30);
    let text = eight.generate(now).expose().to_string();
    assert!(eight.find(&Code::parse(&text).unwrap(), now).is_ok());
    assert!(eight.find(&Code::parse(&text[1..]).unwrap(), now).is_err());
}

/// What one attempt is made of: which step's code is typed, and where the server's clock then stands.
fn attempts() -> impl Strategy<Value = Vec<(u64, u64)>> {
    let near = 0_u64..40;
    let attempt = (near.clone(), near.prop_map(|step| step * 30), 0_u64..30)
        .prop_map(|(typed, now, into)| (typed, now + into));
    prop::collection::vec(attempt, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn never_two_acceptances_of_one_step_under_any_clock(
        attempts in attempts(),
        origin in prop_oneof![Just(0_u64), Just(u64::MAX - 40 * 30), 0..u64::MAX / 2],
        past in 0_u8..=10,
        future in 0_u8..=10,
    ) {
        let totp = usual().with_window(Window::new(past, future).unwrap());
        let first = totp.step_at(at(origin)).value();
        let (mut last, mut stored) = (LastStep::NONE, None);
        let (mut drift, mut spent) = (Drift::NONE, BTreeSet::new());
        for (typed, clock) in attempts {
            let code = totp.generate_step(Step::from_value(first.saturating_add(typed)));
            let now = at(origin.saturating_add(clock));
            let before = last.step();
            let found = || totp.find_with_drift(&code, now, drift);
            let by_memory = found().map_err(Rejected::from).and_then(|c| c.spend(&mut last));
            let by_store = found().map_err(Rejected::from).and_then(|c| c.settle(stored));
            prop_assert_eq!(by_memory, by_store);
            if let Ok(accepted) = by_memory {
                prop_assert!(spent.insert(accepted.step()), "spent twice: {accepted:?}");
                prop_assert!(before.is_none_or(|before| before < accepted.step()));
                stored = Some(accepted.step());
                drift = drift.learn(accepted.offset());
            }
            prop_assert_eq!(last.step(), stored);
        }
    }
}
