//! Key URIs, over all texts and all keys.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use proptest::prelude::*;
use twofa_otpauth::{KeyUri, Profile, parse};
use twofa_totp::{Algorithm, Digits, Params, Period, Secret};

fn same(left: &KeyUri, right: &KeyUri) -> bool {
    left.kind() == right.kind()
        && left.issuer() == right.issuer()
        && left.account() == right.account()
        && left.params() == right.params()
        && left.secret().expose_secret() == right.secret().expose_secret()
}

fn params() -> impl Strategy<Value = Params> {
    (0..3usize, 6..=8u8, 1..=3600u16).prop_map(|(algorithm, digits, period)| {
        let algorithm = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512]
            .get(algorithm)
            .copied()
            .unwrap();
        Params::default()
            .with_algorithm(algorithm)
            .with_digits(Digits::try_from(digits).unwrap())
            .with_period(Period::new(period).unwrap())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_built_is_read_back_strictly(
        issuer in "[^\\p{Cc}:]{1,60}", account in "[^\\p{Cc}:]{1,60}",
        key in prop::collection::vec(any::<u8>(), 16..=128), params in params(), counter in any::<Option<u64>>(),
    ) {
        let (issuer, account) = (issuer.trim(), account.trim());
        prop_assume!(!issuer.is_empty() && !account.is_empty());
        let secret = Secret::from_bytes(&key).unwrap();
        let built = match counter {
            Some(counter) => KeyUri::hotp(issuer, account, secret, counter, params).unwrap(),
            None => KeyUri::totp(issuer, account, secret, params).unwrap(),
        };
        let text = built.to_uri();
        prop_assert!(text.expose_secret().is_ascii() && !text.expose_secret().contains('+'));
        let read = parse(text.expose_secret(), Profile::Strict).unwrap();
        prop_assert!(same(&built, &read.uri));
        prop_assert!(read.warnings.is_empty());
        prop_assert_eq!(read.issuer_prefix.as_deref(), Some(issuer));
        prop_assert_eq!(read.issuer_parameter.as_deref(), Some(issuer));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = parse(&text, Profile::Lenient);
    }

    #[test]
    fn what_was_read_leniently_is_written_and_read_alike(
        label in "[a-c:%/ 3A+é]{0,12}", issuer in "[a-c:%/ 3A+é]{0,6}", key in "[a-zA-Z2-7 =-]{2,40}",
        more in "(&(digits|period|algorithm|Secret|image|counter|encoder)=[0-9a-zA-Z]{0,4}){0,3}",
    ) {
        let text = format!("otpauth://totp/{label}?issuer={issuer}&secret={key}{more}");
        if let Ok(first) = parse(&text, Profile::Lenient) {
            let written = first.uri.to_uri();
            let again = parse(written.expose_secret(), Profile::Lenient).unwrap();
            prop_assert!(same(&first.uri, &again.uri), "{} and {}", text, written.expose_secret());
        }
    }
}
