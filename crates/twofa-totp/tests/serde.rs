//! serde: what is written is read back, and what cannot be built cannot be read.
#![cfg(feature = "serde")]

use proptest::prelude::*;
use serde_json::{Value, from_str, from_value, json, to_value};
use twofa_totp::{
    Algorithm, Code, Counter, Digits, Drift, LastStep, LookAhead, Params, Period, Scan, Secret,
    Step, Totp, Window,
};
use twofa_types::UnixTime;

#[test]
fn every_value_survives() {
    let params = Params::default()
        .with_algorithm(Algorithm::Sha512)
        .with_digits(Digits::Seven)
        .with_period(Period::new(60).unwrap())
        .with_t0(UnixTime::from_secs(9));
    let text = json!({"algorithm": "SHA512", "digits": 7, "period": 60, "t0": 9});
    assert_eq!(to_value(params).unwrap(), text);
    assert_eq!(from_value::<Params>(text).unwrap(), params);
    assert_eq!(from_str::<Params>("{}").unwrap(), Params::default());

    let window = Window::new(2, 0).unwrap();
    assert_eq!(to_value(window).unwrap(), json!({"past": 2, "future": 0}));
    assert_eq!(
        from_value::<Window>(to_value(window).unwrap()).unwrap(),
        window
    );
    let scan = Scan::new(1500, 0).unwrap();
    assert_eq!(from_value::<Scan>(to_value(scan).unwrap()).unwrap(), scan);

    let step = Step::from_value(u64::MAX);
    assert_eq!(from_value::<Step>(to_value(step).unwrap()).unwrap(), step);
    for last in [LastStep::NONE, LastStep::from_step(Some(step))] {
        assert_eq!(
            from_value::<LastStep>(to_value(&last).unwrap()).unwrap(),
            last
        );
    }
    let counter = Counter::from_value(7);
    assert_eq!(
        from_value::<Counter>(to_value(counter).unwrap()).unwrap(),
        counter
    );
    let ahead = LookAhead::default();
    assert_eq!(
        from_value::<LookAhead>(to_value(ahead).unwrap()).unwrap(),
        ahead
    );
    for steps in -3..=3 {
        let drift = Drift::new(steps);
        assert_eq!(
            from_value::<Drift>(to_value(drift).unwrap()).unwrap(),
            drift
        );
    }
}

#[test]
fn f33_bounds_hold_on_the_way_in() {
    for text in [
        r#"{"period": 0}"#,
        r#"{"period": 3601}"#,
        r#"{"period": 65536}"#,
        r#"{"period": -1}"#,
        r#"{"digits": 0}"#,
        r#"{"digits": 5}"#,
        r#"{"digits": 9}"#,
        r#"{"digits": 10}"#,
        r#"{"digits": 300}"#,
        r#"{"algorithm": "MD5"}"#,
        r#"{"algorithm": ""}"#,
        r#"{"t0": -1}"#,
        r#"{"step": 30}"#,
    ] {
        let error = from_str::<Params>(text).map(drop).unwrap_err();
        assert!(!error.to_string().is_empty(), "{text}");
    }
    assert!(from_value::<Window>(json!({"past": 11, "future": 0})).is_err());
    assert!(from_value::<Window>(json!({"past": 0, "future": 11})).is_err());
    assert!(from_value::<Window>(json!({"past": 0})).is_err());
    assert!(from_value::<Scan>(json!({"past": 1501, "future": 0})).is_err());
    assert!(from_value::<LookAhead>(json!(101)).is_err());
    assert!(from_value::<Drift>(json!(4)).is_err());
    assert!(from_value::<Drift>(json!(-4)).is_err());
}

#[test]
fn an_error_says_what_is_read_instead() {
    let error = from_value::<Algorithm>(json!("MD5")).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("expected SHA1, SHA256 or SHA512"),
        "{error}"
    );
    let error = from_value::<Code>(json!(123_456)).map(drop).unwrap_err();
    assert!(
        error.to_string().contains("expected a code as text"),
        "{error}"
    );
}

#[test]
fn a_typed_code_is_read_and_never_shown() {
    let code: Code = from_value(json!("123 456")).unwrap();
    assert_eq!(code.expose().as_ref(), "123456");
    for wrong in [
        json!("27182"),
        json!(271_828),
        json!(-271_828),
        json!(27182.8),
        json!("271828x"),
    ] {
        let error = from_value::<Code>(wrong).map(drop).unwrap_err().to_string();
        assert!(!error.contains("2718"), "{error}");
    }
}

fn small_or_any() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u16>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0_u64..70).prop_map(Value::from),
        prop_oneof![Just("SHA1"), Just("sha-256"), Just("SHA512"), Just("x")].prop_map(Value::from),
    ]
}

proptest! {
    /// Whatever was read works, at any time.
    #[test]
    fn f33_what_is_read_never_panics(
        (algorithm, digits, period, t0) in
            (small_or_any(), small_or_any(), small_or_any(), small_or_any()),
        (past, future) in (small_or_any(), small_or_any()),
        now in any::<u64>(),
    ) {
        let params = json!({"algorithm": algorithm, "digits": digits, "period": period, "t0": t0});
        let params = from_value::<Params>(params).or_else(|_| from_value(json!({"t0": t0})));
        let window = from_value::<Window>(json!({"past": past, "future": future}));
        if let Ok(params) = params {
            let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
            let totp = Totp::new(&secret, params).with_window(window.unwrap_or_default());
            let now = UnixTime::from_secs(now);
            let code = totp.generate(now);
            prop_assert!(totp.find(&code, now).is_ok());
            prop_assert!(totp.seconds_left(now) >= 1);
            let _ = totp.diagnose(&code, now, Scan::set_up(params.period()));
        }
    }
}
