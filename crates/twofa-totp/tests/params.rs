//! Parameters: what they are called, how long they are, what lies within their bounds.

use twofa_totp::{Algorithm, Code, Digits, OutOfBounds, Params, Period, Secret, Totp};
use twofa_types::UnixTime;

#[test]
fn algorithms_have_their_names_and_lengths() {
    let known = Algorithm::ALL.map(|a| (a.to_string(), a.output_len(), a.block_len()));
    let expected = [("SHA1", 20, 64), ("SHA256", 32, 64), ("SHA512", 64, 128)];
    assert_eq!(
        known,
        expected.map(|(n, out, block)| (n.to_owned(), out, block))
    );
    assert_eq!(format!("{:>7}", Algorithm::Sha1), "   SHA1");
}

#[test]
fn numbers_become_parameters_within_bounds_alone() {
    for digits in 0..=u8::MAX {
        let read = Digits::try_from(digits).map(u8::from);
        let bounds = if (6..=8).contains(&digits) {
            Ok(digits)
        } else {
            Err(OutOfBounds::Digits)
        };
        assert_eq!(read, bounds);
    }
    for secs in [0, 1, 29, 60, 3600, 3601, u16::MAX] {
        let read = Period::try_from(secs).map(u16::from);
        let bounds = if (1..=3600).contains(&secs) {
            Ok(secs)
        } else {
            Err(OutOfBounds::Period)
        };
        assert_eq!(read, bounds);
    }
}

/// RFC 6238 appendix B has eight digits; fewer are the last of them (RFC 4226 section 5.3).
#[test]
fn fewer_digits_are_the_last_ones() {
    let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
    for (digits, code) in [(8, "94287082"), (7, "4287082"), (6, "287082")] {
        let params = Params::default().with_digits(Digits::try_from(digits).unwrap());
        let (totp, now) = (Totp::new(&secret, params), UnixTime::from_secs(59));
        assert_eq!(totp.generate(now).expose().as_ref(), code);
        assert!(totp.find(&Code::parse(code).unwrap(), now).is_ok());
    }
}
