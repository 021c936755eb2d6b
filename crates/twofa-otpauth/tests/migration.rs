//! Export batches, both ways.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use proptest::prelude::*;
use twofa_otpauth::migration::{
    Account, AccountError, DecodeError, EncodeError, MAX_ACCOUNTS_READ, MAX_ACCOUNTS_WRITTEN,
    MAX_BATCHES, decode, decode_all, encode,
};
use twofa_otpauth::{KeyUri, Kind, Qr, Warning};
use twofa_totp::{Algorithm, Digits, Params, Period, Secret};

fn secret() -> Secret {
    Secret::from_bytes(b"12345678901234567890").unwrap()
}

fn keys(count: usize) -> Vec<KeyUri> {
    (0..count)
        .map(|i| {
            KeyUri::totp(
                "ACME",
                &format!("user{i}@example.com"),
                secret(),
                Params::default(),
            )
            .unwrap()
        })
        .collect()
}

/// A batch with the given payload.
fn batch(payload: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let sextet = |at: usize| -> usize {
        (at * 6..at * 6 + 6).fold(0, |bits, bit| {
            let byte = payload.get(bit / 8).copied().unwrap_or(0);
            bits << 1 | usize::from(byte >> (7 - bit % 8) & 1)
        })
    };
    let count = (payload.len() * 8).div_ceil(6);
    let data: String = (0..count)
        .map(|at| char::from(ALPHABET[sextet(at)]))
        .collect();
    format!(
        "otpauth-migration://offline?data={}",
        data.replace('+', "%2B")
    )
}

/// A length-delimited field.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
    out.extend(bytes);
    out
}

fn account(more: &[u8]) -> Vec<u8> {
    let mut message = field(1, b"12345678901234567890");
    message.extend(more);
    field(1, &message)
}

fn only(payload: &[u8]) -> Result<Account, AccountError> {
    let mut read = decode(&batch(payload)).unwrap();
    assert_eq!(read.accounts.len(), 1);
    read.accounts.remove(0)
}

#[test]
fn several_batches_in_any_order() {
    let keys = keys(25);
    let batches = encode(&keys, -5).unwrap();
    assert!(batches.len() >= 25usize.div_ceil(MAX_ACCOUNTS_WRITTEN));
    for (at, text) in batches.iter().enumerate() {
        let read = decode(text.expose_secret()).unwrap();
        assert_eq!(
            (
                usize::from(read.part.index),
                usize::from(read.part.of),
                read.part.id
            ),
            (at, batches.len(), -5)
        );
        assert!(read.accounts.len() <= MAX_ACCOUNTS_WRITTEN);
        assert!(
            Qr::encode(text.expose_secret()).unwrap().version() <= 20,
            "scans easily"
        );
    }
    let reversed: Vec<_> = batches
        .iter()
        .rev()
        .map(twofa_otpauth::SecretText::expose_secret)
        .collect();
    let read = decode_all(reversed.iter().copied()).unwrap();
    let names: Vec<_> = read
        .iter()
        .map(|a| a.as_ref().unwrap().uri.account().to_owned())
        .collect();
    let expected: Vec<_> = keys.iter().map(|k| k.account().to_owned()).collect();
    assert_eq!(names, expected);

    let of = u16::try_from(batches.len()).unwrap();
    let missing = decode_all(reversed.iter().copied().skip(1)).unwrap_err();
    assert_eq!(missing, DecodeError::Missing { index: of - 1, of });
    assert_eq!(
        missing.to_string(),
        format!("batch {of} of {of} is missing: scan it as well")
    );
    let twice = decode_all([reversed[0], reversed[0]]).unwrap_err();
    assert_eq!(twice, DecodeError::Repeated { position: 2 });
    let other = encode(&keys, 6).unwrap();
    let foreign = decode_all([reversed[0], other[0].expose_secret()]).unwrap_err();
    assert_eq!(foreign, DecodeError::OtherExport { position: 2 });
    assert!(decode_all([]).unwrap().is_empty());
    assert!(encode(&[], 1).unwrap().is_empty());
}

#[test]
fn the_whole_payload_byte_for_byte() {
    let key = KeyUri::totp(
        "A",
        "b",
        Secret::from_bytes(b"key").unwrap(),
        Params::default(),
    )
    .unwrap();
    let text = encode(&[key], 1).unwrap();
    let message = [
        &field(1, b"key")[..],
        &field(2, b"A:b"),
        &field(3, b"A"),
        &[0x20, 1, 0x28, 1, 0x30, 2],
    ]
    .concat();
    let payload = [&field(1, &message)[..], &[0x10, 1, 0x18, 1, 0x28, 1]].concat();
    let ours = text[0]
        .expose_secret()
        .trim_end_matches("%3D")
        .replace("%2F", "/");
    assert_eq!(ours, batch(&payload));
}

#[test]
fn one_bad_account_leaves_the_others() {
    let payload = [
        account(&[0x20, 4]),
        account(&[0x28, 2]),
        account(&[0x30, 9]),
        field(1, &[0x30, 2]),
    ]
    .concat();
    let read = decode(&batch(&payload)).unwrap();
    let results: Vec<_> = read
        .accounts
        .iter()
        .map(|a| a.as_ref().map(|_| ()).map_err(|e| *e))
        .collect();
    let expected = [
        Err(AccountError::Algorithm),
        Ok(()),
        Err(AccountError::Type),
        Err(AccountError::SecretMissing),
    ];
    assert_eq!(results, expected);
    assert_eq!(
        read.part.of, 1,
        "a batch that says nothing of others stands alone"
    );
}

#[test]
fn what_an_account_can_say() {
    let read = only(&account(&[0x20, 3, 0x28, 2, 0x30, 1, 0x38, 0x96, 0x01])).unwrap();
    assert_eq!(read.uri.kind(), Kind::Hotp { counter: 150 });
    assert_eq!(
        read.uri.params(),
        Params::default()
            .with_algorithm(Algorithm::Sha512)
            .with_digits(Digits::Eight)
    );
    assert_eq!(
        only(&account(&[])).unwrap().uri.kind(),
        Kind::Totp,
        "unspecified is the default"
    );
    let names =
        |name: &[u8], issuer: &[u8]| only(&account(&[field(2, name), field(3, issuer)].concat()));
    let read = names(b"X:jo", b"ACME").unwrap();
    assert_eq!(
        (read.uri.issuer(), read.uri.account()),
        (Some("ACME"), "jo")
    );
    assert!(read.warnings.contains(&Warning::IssuerMismatch));
    let read = names(b"100%3A: jo", b"").unwrap();
    assert_eq!(
        (read.uri.issuer(), read.uri.account()),
        (Some("100%3A"), "jo"),
        "nothing is percent-encoded here"
    );
    assert_eq!(names(b"\xff", b"").unwrap_err(), AccountError::Utf8);
    assert_eq!(names(b"a\nb", b"").unwrap_err(), AccountError::Control);
    assert_eq!(names(b"a", b"\x7f").unwrap_err(), AccountError::Control);
    assert_eq!(
        only(&account(&[0x28, 3])).unwrap_err(),
        AccountError::Digits
    );
    let negative = [&[0x30, 1, 0x38][..], &[0xff; 9], &[1]].concat();
    assert_eq!(
        only(&account(&negative)).unwrap_err(),
        AccountError::Counter
    );
    let short = only(&field(1, &field(1, b"key"))).unwrap();
    assert!(short.warnings.contains(&Warning::SecretVeryShort));
    let long = only(&[&[0x0a, 0x84, 0x01, 0x0a, 0x81, 0x01][..], &[7; 129]].concat()).unwrap();
    assert!(long.warnings.contains(&Warning::SecretReduced));
}

#[test]
fn what_is_not_a_batch() {
    let malformed = [
        &[0x08][..],
        &[0x0a, 5, 1],
        &[0x0b],
        &[0x00, 0],
        &[0x0a, 2, 0x08, 1],
        &[
            0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
        ],
        &[0x18, 0x80],
        &[0x1a, 0],
        &[0x11, 0, 0],
    ];
    for payload in malformed {
        assert_eq!(
            decode(&batch(payload)).unwrap_err(),
            DecodeError::Malformed,
            "{payload:?}"
        );
    }
    // Fields of later versions are passed over, of whatever kind they are.
    let later = [
        &[0x7d, 0, 0, 0, 0][..],
        &[0x79, 0, 0, 0, 0, 0, 0, 0, 0],
        &[0x7a, 1, 9],
        &[0x78, 3],
    ]
    .concat();
    assert!(decode(&batch(&later)).unwrap().accounts.is_empty());
    for part in [
        &[0x18, 2, 0x20, 2][..],
        &[0x18, 101],
        &[0x20, 1],
        &[0x18, 0xff, 0xff, 0xff, 0xff, 0x0f],
    ] {
        assert_eq!(
            decode(&batch(part)).unwrap_err(),
            DecodeError::Part,
            "{part:?}"
        );
    }
    for (text, expected) in [
        ("otpauth://totp/a?secret=AA", DecodeError::Scheme),
        ("otpauth-migration://online?data=AA", DecodeError::Scheme),
        ("otpauth-migration://offline", DecodeError::DataMissing),
        (
            "otpauth-migration://offline?data=",
            DecodeError::DataMissing,
        ),
        ("otpauth-migration://offline?data=A", DecodeError::Base64),
        ("otpauth-migration://offline?data=AA*A", DecodeError::Base64),
        ("otpauth-migration://offline?data=%ff", DecodeError::Base64),
    ] {
        assert_eq!(decode(text).unwrap_err(), expected, "{text}");
    }
    let long = format!("otpauth-migration://offline?data={}", "A".repeat(16 * 1024));
    assert_eq!(decode(&long).unwrap_err(), DecodeError::TooLong);
    let many = [0x0a, 0].repeat(MAX_ACCOUNTS_READ + 1);
    assert_eq!(
        decode(&batch(&many)).unwrap_err(),
        DecodeError::TooManyAccounts
    );
}

#[test]
fn base64_as_it_is_met() {
    let payload = account(&field(2, "ü?~>>?o".as_bytes()));
    let text = batch(&payload);
    let data = text.rsplit('=').next().unwrap();
    assert!(data.contains("%2B") && data.contains('/'), "{data}");
    for met in [
        text.clone(),
        format!("{text}%3D%3D"),
        text.replace("%2B", "+"),
        text.replace("%2B", "%20"),
        format!(
            "otpauth-migration://offline?data={}",
            data.replace("%2B", "-").replace('/', "_")
        ),
        format!("\n OTPAUTH-MIGRATION://OFFLINE/?x=1&data={data} "),
    ] {
        let read = decode(&met).unwrap();
        assert_eq!(
            read.accounts[0].as_ref().unwrap().uri.account(),
            "ü?~>>?o",
            "{met}"
        );
    }
}

#[test]
fn what_a_batch_cannot_say() {
    let key = |params| KeyUri::totp("A", "b", secret(), params).unwrap();
    let refused = |key| encode(&[keys(1).remove(0), key], 1).unwrap_err();
    let period = Params::default().with_period(Period::new(60).unwrap());
    assert_eq!(refused(key(period)), EncodeError::Period { position: 2 });
    let digits = Params::default().with_digits(Digits::Seven);
    assert_eq!(refused(key(digits)), EncodeError::Digits { position: 2 });
    let counter = KeyUri::hotp("A", "b", secret(), 1 << 63, Params::default()).unwrap();
    assert_eq!(refused(counter), EncodeError::Counter { position: 2 });
    assert_eq!(
        encode(&keys(MAX_BATCHES * MAX_ACCOUNTS_WRITTEN + 1), 1).unwrap_err(),
        EncodeError::TooMany
    );
    #[cfg(feature = "steam")]
    {
        let steam = twofa_otpauth::parse("steam://GEZDGNBV", twofa_otpauth::Profile::Lenient)
            .unwrap()
            .uri;
        assert_eq!(refused(steam), EncodeError::Steam { position: 2 });
    }
}

proptest! {
    #[test]
    fn both_ways(
        accounts in prop::collection::vec(
            ("[^\\p{Cc}:]{1,20}", "[^\\p{Cc}:]{1,40}", prop::collection::vec(any::<u8>(), 1..=128), 0..3usize, any::<bool>(), any::<Option<u32>>()),
            0..12,
        ),
        id in any::<i32>(),
    ) {
        let keys: Vec<_> = accounts
            .iter()
            .filter(|a| !a.0.trim().is_empty() && !a.1.trim().is_empty())
            .map(|(issuer, account, key, algorithm, eight, counter)| {
                let algorithm = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512].get(*algorithm).copied().unwrap();
                let digits = if *eight { Digits::Eight } else { Digits::Six };
                let params = Params::default().with_algorithm(algorithm).with_digits(digits);
                let secret = Secret::from_bytes(key).unwrap();
                match counter {
                    Some(counter) => KeyUri::hotp(issuer.trim(), account.trim(), secret, (*counter).into(), params),
                    None => KeyUri::totp(issuer.trim(), account.trim(), secret, params),
                }
                .unwrap()
            })
            .collect();
        let batches = encode(&keys, id).unwrap();
        let read = decode_all(batches.iter().map(twofa_otpauth::SecretText::expose_secret)).unwrap();
        prop_assert_eq!(read.len(), keys.len());
        for (read, key) in read.iter().zip(&keys) {
            let uri = &read.as_ref().unwrap().uri;
            prop_assert!(uri.to_uri().expose_secret() == key.to_uri().expose_secret());
        }
    }

    #[test]
    fn any_payload(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&batch(&payload));
    }
}
