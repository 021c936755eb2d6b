//! Secrets: lengths, bounds, and no way to see them by accident.

use twofa_totp::{Algorithm, Hotp, Params, Secret, SecretError, Totp};

#[test]
fn a_new_secret_has_the_length_of_the_hash() {
    let random: [u8; 64] = std::array::from_fn(|i| u8::try_from(i).unwrap().wrapping_mul(37));
    for (algorithm, len) in [
        (Algorithm::Sha1, 20),
        (Algorithm::Sha256, 32),
        (Algorithm::Sha512, 64),
    ] {
        let secret = Secret::from_random_bytes(algorithm, &random);
        assert_eq!(secret.len(), len, "{algorithm}");
        assert_eq!(secret.expose_secret(), &random[..len], "{algorithm}");
    }
}

#[test]
fn lengths_are_bounded() {
    let long = [7; 200];
    for len in 1..=128 {
        let secret = Secret::from_bytes(&long[..len]).unwrap();
        assert_eq!(secret.expose_secret(), &long[..len]);
        let reduced = Secret::reduce(&long[..len], Algorithm::Sha1).unwrap();
        assert_eq!(reduced.expose_secret(), &long[..len], "kept as it is");
    }
    assert_eq!(Secret::from_bytes(&[]).unwrap_err(), SecretError::Empty);
    assert_eq!(
        Secret::reduce(&[], Algorithm::Sha1).unwrap_err(),
        SecretError::Empty
    );
    for len in [129, 200] {
        assert_eq!(
            Secret::from_bytes(&long[..len]).unwrap_err(),
            SecretError::TooLong
        );
        for algorithm in Algorithm::ALL {
            let reduced = Secret::reduce(&long[..len], algorithm).unwrap();
            assert_eq!(reduced.len(), algorithm.output_len());
        }
    }
    // A length that would wrap in a byte.
    assert_eq!(
        Secret::from_bytes(&[7; 256 + 20]).unwrap_err(),
        SecretError::TooLong
    );
}

#[test]
fn debug_shows_no_secret() {
    let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
    assert_eq!(format!("{secret:?}"), "Secret(..)");
    let shown = format!(
        "{:?} {:?}",
        Totp::new(&secret, Params::default()),
        Hotp::new(&secret, Algorithm::Sha1, twofa_totp::Digits::Six),
    );
    assert_eq!(
        shown,
        "Totp { params: Params { algorithm: Sha1, digits: Six, period: Period(30), t0: 1970-01-01T00:00:00Z }, \
         window: Window { past: 1, future: 1 }, .. } Hotp { digits: Six, .. }"
    );
}
