//! Key URIs: what is written, what is read, and what is refused with which reason.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use twofa_otpauth::uri::Parameter;
use twofa_otpauth::{
    BuildError, KeyUri, Kind, Lint, ParseError, Parser, Profile, Warning, base32, parse,
};
use twofa_totp::{Algorithm, Digits, Params, Period, Secret};
use twofa_types::UnixTime;

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn secret() -> Secret {
    Secret::from_bytes(b"12345678901234567890").unwrap()
}

fn totp(issuer: &str, account: &str, params: Params) -> KeyUri {
    KeyUri::totp(issuer, account, secret(), params).unwrap()
}

fn warnings(text: &str) -> Vec<Warning> {
    parse(text, Profile::Lenient).unwrap().warnings
}

fn lints(key: &KeyUri) -> Vec<&'static str> {
    key.lint().into_iter().map(Lint::code).collect()
}

#[test]
fn what_is_written() {
    let long = Params::default()
        .with_algorithm(Algorithm::Sha512)
        .with_digits(Digits::Eight)
        .with_period(Period::new(60).unwrap());
    let cases = [
        (
            totp("ACME Co", "jo@example.com", Params::default()),
            "totp/ACME%20Co:jo@example.com?secret=S&issuer=ACME%20Co",
        ),
        (
            totp("ACME", "jo", long),
            "totp/ACME:jo?secret=S&issuer=ACME&algorithm=SHA512&digits=8&period=60",
        ),
        (
            totp("A&B=C+D#?/%", "ü", Params::default()),
            "totp/A%26B%3DC%2BD%23%3F%2F%25:%C3%BC?secret=S&issuer=A%26B%3DC%2BD%23%3F%2F%25",
        ),
        (
            KeyUri::totp_without_issuer("jo", secret(), Params::default()).unwrap(),
            "totp/jo?secret=S",
        ),
        (
            KeyUri::hotp("ACME", "jo", secret(), 42, long).unwrap(),
            "hotp/ACME:jo?secret=S&issuer=ACME&algorithm=SHA512&digits=8&counter=42",
        ),
        (
            KeyUri::hotp("ACME", "jo", secret(), 0, Params::default()).unwrap(),
            "hotp/ACME:jo?secret=S&issuer=ACME&counter=0",
        ),
    ];
    for (key, expected) in cases {
        let expected = format!(
            "otpauth://{}",
            expected.replace("secret=S", &format!("secret={SECRET}"))
        );
        assert_eq!(key.to_uri().expose_secret(), expected);
    }
}

#[test]
fn what_is_refused_when_building() {
    let build = |issuer: &str, account: &str| {
        KeyUri::totp(issuer, account, secret(), Params::default()).unwrap_err()
    };
    let long = "x".repeat(301);
    for (issuer, account, expected) in [
        ("", "jo", BuildError::IssuerEmpty),
        ("ACME", "", BuildError::AccountEmpty),
        ("AC:ME", "jo", BuildError::IssuerColon),
        ("ACME", "j:o", BuildError::AccountColon),
        ("AC\nME", "jo", BuildError::IssuerControl),
        ("ACME", "j\u{85}o", BuildError::AccountControl),
        (" ACME", "jo", BuildError::IssuerSpace),
        ("ACME", "jo\u{a0}", BuildError::AccountSpace),
        (&long, "jo", BuildError::IssuerTooLong),
        ("ACME", &long, BuildError::AccountTooLong),
    ] {
        assert_eq!(build(issuer, account), expected);
        assert!(expected.to_string().len() > 20);
    }
    let shifted = Params::default().with_t0(UnixTime::from_secs(1));
    let refused = KeyUri::totp("ACME", "jo", secret(), shifted).unwrap_err();
    assert_eq!(refused, BuildError::TimeOrigin);
}

#[test]
fn what_a_person_types() {
    let key = totp("ACME", "jo", Params::default());
    assert_eq!(
        key.manual_key().expose_secret(),
        "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
    );
    assert_eq!(
        key.manual_parameters(),
        "time-based, SHA1, 6 digits, 30 seconds"
    );
    let odd = KeyUri::totp(
        "A",
        "b",
        Secret::from_bytes(b"12345678901").unwrap(),
        Params::default(),
    )
    .unwrap();
    assert_eq!(odd.manual_key().expose_secret(), "GEZD GNBV GY3T QOJQ GE");
    let counter = KeyUri::hotp(
        "A",
        "b",
        secret(),
        7,
        Params::default().with_digits(Digits::Eight),
    )
    .unwrap();
    assert_eq!(
        counter.manual_parameters(),
        "counter-based, SHA1, 8 digits, counter 7"
    );
}

#[test]
fn what_apps_get_wrong() {
    assert!(totp("ACME", "jo", Params::default()).lint().is_empty());
    let params = Params::default()
        .with_algorithm(Algorithm::Sha256)
        .with_digits(Digits::Eight)
        .with_period(Period::new(60).unwrap());
    assert_eq!(
        lints(&totp("ACME", "jo", params)),
        ["algorithm-ignored", "digits-ignored", "period-ignored"]
    );
    let counter = KeyUri::hotp("A", "b", secret(), 7, Params::default()).unwrap();
    assert_eq!(lints(&counter), ["counter-based"]);
    let key = |bytes: usize| {
        let secret = Secret::from_bytes(&vec![7; bytes]).unwrap();
        KeyUri::totp("ACME", "jo", secret, Params::default()).unwrap()
    };
    assert_eq!(lints(&key(15)), ["secret-short"]);
    assert_eq!(lints(&key(16)), ["secret-below-recommended"]);
    assert_eq!(lints(&key(64)), [""; 0]);
    assert_eq!(lints(&key(65)), ["secret-long"]);
    assert_eq!(
        lints(&totp("ACME", &"x".repeat(65), Params::default())),
        ["label-long"]
    );
    assert_eq!(
        lints(&totp("ACME", &"字".repeat(60), Params::default())),
        ["qr-dense"]
    );
    let both = "字".repeat(100);
    assert_eq!(
        lints(&totp(&both, &both, Params::default())),
        ["label-long", "qr-too-dense"]
    );
    let read = |text: &str| parse(text, Profile::Lenient).unwrap().uri;
    let bare = read(&format!("otpauth://totp/?secret={SECRET}"));
    assert_eq!(lints(&bare), ["issuer-missing", "account-missing"]);
    let colons = read(&format!(
        "otpauth://totp/a%3Ab:c%3Ad?secret={SECRET}&issuer=a%3Ab"
    ));
    assert_eq!(lints(&colons), ["issuer-colon", "account-colon"]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_departure_draws_its_warning_and_strict_refuses_it() {
    let lower = SECRET.to_lowercase();
    let ok = format!("secret={SECRET}&issuer=A");
    let cases = [
        (
            format!(" otpauth://totp/A:b?{ok}\n"),
            Warning::SurroundingSpace,
        ),
        (format!("otpauth://totp/A:b c?{ok}"), Warning::RawCharacter),
        (format!("otpauth://totp/A:bé?{ok}"), Warning::RawCharacter),
        (format!("otpauth://totp/A:b/c?{ok}"), Warning::RawCharacter),
        (
            format!("otpauth://totp/A:100%?{ok}"),
            Warning::InvalidEscape,
        ),
        (
            format!("otpauth://totp/A+:b?secret={SECRET}&issuer=A+"),
            Warning::PlusAsSpace,
        ),
        (
            format!("otpauth://totp/A:b?secret={SECRET}&amp;issuer=A"),
            Warning::HtmlAmpersand,
        ),
        (format!("otpauth://totp/A:b?{ok}#x"), Warning::Fragment),
        (format!("otpauth://totp?{ok}"), Warning::LabelMissing),
        (format!("otpauth://totp/A:?{ok}"), Warning::AccountMissing),
        (format!("otpauth://totp/:b?{ok}"), Warning::IssuerEmpty),
        (format!("otpauth://totp/B:b?{ok}"), Warning::IssuerMismatch),
        (format!("otpauth://totp/A:b:c?{ok}"), Warning::LabelColon),
        (
            format!("otpauth://totp/A:b?Secret={SECRET}&issuer=A"),
            Warning::ParameterCase,
        ),
        (
            format!("otpauth://totp/A:b?{ok}&issuer=A"),
            Warning::ParameterRepeated,
        ),
        (
            format!("otpauth://totp/A:b?{ok}&algorithm=sha1"),
            Warning::AlgorithmSpelling,
        ),
        (
            format!("otpauth://totp/A:b?{ok}&algorithm=HMAC-SHA-512"),
            Warning::AlgorithmSpelling,
        ),
        (format!("otpauth://hotp/A:b?{ok}"), Warning::CounterMissing),
        (
            format!("otpauth://totp/A:b?secret={lower}&issuer=A"),
            Warning::SecretLowerCase,
        ),
        (
            format!("otpauth://totp/A:b?secret={SECRET}-&issuer=A"),
            Warning::SecretSeparators,
        ),
        (
            format!("otpauth://totp/A:b?secret={SECRET}%3D&issuer=A"),
            Warning::SecretPadding,
        ),
        (
            format!("otpauth://totp/A:b?secret={SECRET}A&issuer=A"),
            Warning::SecretTrailingBits,
        ),
        (
            format!("otpauth://totp/A:b?secret={SECRET}AB&issuer=A"),
            Warning::SecretTrailingBits,
        ),
        (
            "otpauth://totp/A:b?secret=JBSWY3DPEHPK3PXP&issuer=A".to_owned(),
            Warning::SecretShort,
        ),
        (
            "otpauth://totp/A:b?secret=JBSWY3DPEHPK3PX&issuer=A".to_owned(),
            Warning::SecretVeryShort,
        ),
        (
            format!("otpauth://totp/A:b?secret={}&issuer=A", "A".repeat(207)),
            Warning::SecretReduced,
        ),
    ];
    for (text, warning) in &cases {
        assert!(
            warnings(text).contains(warning),
            "{text}: {:?}",
            warnings(text)
        );
        assert!(warning.departs());
        assert!(
            matches!(parse(text, Profile::Strict), Err(ParseError::NotStrict(_))),
            "{text}"
        );
    }
    let allowed = [
        (
            format!("otpauth://totp/b?secret={SECRET}"),
            Warning::IssuerMissing,
        ),
        (
            format!("otpauth://totp/A:%20b?{ok}"),
            Warning::SpaceAfterColon,
        ),
        (
            format!("otpauth://totp/A:b?{ok}&image=x"),
            Warning::ParameterUnknown,
        ),
        (
            format!("otpauth://totp/A:b?{ok}&counter=1"),
            Warning::ParameterIrrelevant,
        ),
        (
            format!("otpauth://hotp/A:b?{ok}&counter=1&period=30"),
            Warning::ParameterIrrelevant,
        ),
    ];
    for (text, warning) in &allowed {
        assert_eq!(
            parse(text, Profile::Strict).unwrap().warnings,
            [*warning],
            "{text}"
        );
    }
}

#[test]
fn what_is_refused_whatever_the_profile() {
    let refused = |text: &str| {
        let lenient = parse(text, Profile::Lenient).unwrap_err();
        assert_eq!(parse(text, Profile::Strict).unwrap_err(), lenient, "{text}");
        lenient
    };
    let with = |more: &str| format!("otpauth://totp/A:b?secret={SECRET}{more}");
    for (text, expected) in [
        (String::new(), ParseError::Scheme),
        ("https://example.com".to_owned(), ParseError::Scheme),
        (
            format!("otpauth:totp/A:b?secret={SECRET}"),
            ParseError::AuthorityMissing,
        ),
        (
            format!("otpauth://motp/A:b?secret={SECRET}"),
            ParseError::Type,
        ),
        (
            format!("otpauth://totp:80/A:b?secret={SECRET}"),
            ParseError::Type,
        ),
        (
            "otpauth-migration://offline?data=AA".to_owned(),
            ParseError::ExportBatch,
        ),
        ("otpauth://totp/A:b".to_owned(), ParseError::SecretMissing),
        (
            "otpauth://totp/A:b?secret=".to_owned(),
            ParseError::Secret(base32::DecodeError::Empty),
        ),
        (
            "otpauth://totp/A:b?secret=%20-".to_owned(),
            ParseError::Secret(base32::DecodeError::Empty),
        ),
        (
            "otpauth://totp/A:b?secret=A".to_owned(),
            ParseError::Secret(base32::DecodeError::Empty),
        ),
        (
            "otpauth://totp/A:b?secret=GEZ0".to_owned(),
            ParseError::Secret(base32::DecodeError::Character { at: 3 }),
        ),
        (
            format!("otpauth://totp/%C3?secret={SECRET}"),
            ParseError::LabelUtf8,
        ),
        (
            format!("otpauth://totp/A%00:b?secret={SECRET}"),
            ParseError::LabelControl,
        ),
        (with("&issuer=%0A"), ParseError::IssuerControl),
        (with("&issuer=%ff"), ParseError::Utf8(Parameter::Issuer)),
        (
            with("&secret=GEZDGNBV"),
            ParseError::Conflict(Parameter::Secret),
        ),
        (
            with("&digits=6&Digits=8"),
            ParseError::Conflict(Parameter::Digits),
        ),
        (with("&algorithm=MD5"), ParseError::Algorithm),
        (with("&algorithm="), ParseError::Algorithm),
        (with("&digits=9"), ParseError::Digits),
        (with("&digits=5"), ParseError::Digits),
        (with("&digits=+6"), ParseError::Digits),
        (with("&digits=262"), ParseError::Digits),
        (with("&period=0"), ParseError::Period),
        (with("&period=3601"), ParseError::Period),
        (with("&period=65566"), ParseError::Period),
        (with("&period=-30"), ParseError::Period),
        (with("&encoder=base10"), ParseError::Encoder),
        (
            format!("otpauth://hotp/A:b?secret={SECRET}&counter=18446744073709551616"),
            ParseError::Counter,
        ),
        (
            format!("otpauth://hotp/A:b?secret={SECRET}&counter="),
            ParseError::Counter,
        ),
        ("x".repeat(4097), ParseError::TooLong),
    ] {
        assert_eq!(refused(&text), expected, "{text}");
    }
}

#[test]
fn a_floor_for_secrets() {
    let floor = Parser::new(Profile::Lenient).with_min_secret_bits(80);
    assert!(
        floor
            .parse("otpauth://totp/A:b?secret=JBSWY3DPEHPK3PXP")
            .is_ok()
    );
    let refused = floor
        .parse("otpauth://totp/A:b?secret=JBSWY3DPEHPK3P")
        .unwrap_err();
    assert_eq!(
        refused,
        ParseError::SecretTooShort {
            bits: 64,
            least: 80
        }
    );
    assert!(parse("otpauth://totp/A:b?secret=AA", Profile::Lenient).is_ok());
}

#[test]
fn both_issuers_are_kept() {
    let text = format!("otpauth://totp/ACME:jo?secret={SECRET}&issuer=Acme");
    let parsed = parse(&text, Profile::Lenient).unwrap();
    assert_eq!(parsed.issuer_prefix.as_deref(), Some("ACME"));
    assert_eq!(parsed.issuer_parameter.as_deref(), Some("Acme"));
    assert_eq!(parsed.uri.issuer(), Some("Acme"));
}

#[test]
fn codes_are_kebab_case_unique_and_documented() {
    let document = include_str!("../../../docs/OTPAUTH.md");
    let lints: Vec<_> = Lint::ALL
        .iter()
        .map(|l| (l.code(), l.to_string()))
        .collect();
    let warnings: Vec<_> = Warning::ALL
        .iter()
        .map(|w| (w.code(), w.to_string()))
        .collect();
    for codes in [lints, warnings] {
        for (code, sentence) in &codes {
            assert!(
                code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{code}"
            );
            assert_eq!(
                codes.iter().filter(|other| other.0 == *code).count(),
                1,
                "{code}"
            );
            assert!(
                document.contains(&format!("`{code}`")),
                "docs/OTPAUTH.md says nothing of {code}"
            );
            assert!(sentence.ends_with('.'), "{sentence}");
        }
    }
}

#[cfg(feature = "steam")]
#[test]
fn steam_in_its_three_forms() {
    for text in [
        format!("otpauth://steam/Steam:jo?secret={SECRET}"),
        format!(
            "otpauth://totp/Steam:jo?secret={SECRET}&encoder=steam&digits=5&algorithm=SHA1&period=30"
        ),
        format!("steam://{SECRET}"),
    ] {
        let parsed = parse(&text, Profile::Lenient).unwrap();
        assert_eq!(parsed.uri.kind(), Kind::Steam, "{text}");
        assert_eq!(parsed.uri.code_length(), 5);
        assert_eq!(parsed.uri.issuer(), Some("Steam"));
        let again = parse(parsed.uri.to_uri().expose_secret(), Profile::Lenient).unwrap();
        assert_eq!(again.uri.kind(), Kind::Steam);
    }
    let refused = |more: &str| {
        parse(
            &format!("otpauth://steam/Steam:jo?secret={SECRET}{more}"),
            Profile::Lenient,
        )
        .unwrap_err()
    };
    assert_eq!(refused("&digits=6"), ParseError::Digits);
    assert_eq!(refused("&algorithm=SHA256"), ParseError::Algorithm);
    assert_eq!(refused("&period=60"), ParseError::Period);
}

#[cfg(not(feature = "steam"))]
#[test]
fn steam_is_refused_with_that_reason() {
    for text in [
        format!("otpauth://steam/Steam:jo?secret={SECRET}"),
        format!("otpauth://totp/Steam:jo?secret={SECRET}&encoder=steam"),
        format!("steam://{SECRET}"),
    ] {
        assert_eq!(
            parse(&text, Profile::Lenient).unwrap_err(),
            ParseError::Steam
        );
    }
    let _ = Kind::Totp;
}
