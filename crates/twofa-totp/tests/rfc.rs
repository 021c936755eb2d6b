//! The tables of RFC 4226 and RFC 6238, read from `tests/vectors`.
#![expect(
    clippy::unwrap_used,
    reason = "vectors are read from files of this crate"
)]

use twofa_totp::{Algorithm, Counter, Digits, Hotp, Params, Secret, Step, Totp};
use twofa_types::UnixTime;

/// The fields of every line that is not a comment.
fn rows(file: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = file.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_whitespace().collect())
}

fn seed(bytes: usize) -> Secret {
    let digits: Vec<u8> = b"1234567890".iter().copied().cycle().take(bytes).collect();
    Secret::from_bytes(&digits).unwrap()
}

#[test]
fn rfc_4226_appendix_d() {
    let hotp = Hotp::new(&seed(20), Algorithm::Sha1, Digits::Six);
    let eight = Hotp::new(&seed(20), Algorithm::Sha1, Digits::Eight);
    let mut count = 0;
    for row in rows(include_str!("vectors/rfc4226-appendix-d.txt")) {
        let counter = Counter::from_value(row[0].parse().unwrap());
        assert_eq!(hotp.generate(counter).expose().as_ref(), row[2], "{row:?}");
        let truncated: u32 = row[1].parse().unwrap();
        let reduced = format!("{:08}", truncated % 100_000_000);
        assert_eq!(
            eight.generate(counter).expose().as_ref(),
            reduced,
            "{row:?}"
        );
        count += 1;
    }
    assert_eq!(count, 10);
}

#[test]
fn rfc_6238_appendix_b() {
    let (mut right, mut wrong) = (0, 0);
    let table = include_str!("vectors/rfc6238-appendix-b.txt");
    for row in rows(table) {
        let now = UnixTime::from_secs(row[0].parse().unwrap());
        let step = Step::from_value(u64::from_str_radix(row[1], 16).unwrap());
        let algorithm: Algorithm = row[2].parse().unwrap();
        let secret = seed(row[3].parse().unwrap());
        let params = Params::default()
            .with_algorithm(algorithm)
            .with_digits(Digits::Eight);
        let totp = Totp::new(&secret, params);
        assert_eq!(totp.step_at(now), step, "{row:?}");
        assert_eq!(totp.generate(now).expose().as_ref(), row[4], "{row:?}");
        if row.len() == 6 {
            // The seed's length is the mistake: with the right one, this is not the code.
            let standard = Totp::new(&seed(algorithm.output_len()), params);
            assert_ne!(standard.generate(now).expose().as_ref(), row[4], "{row:?}");
            wrong += 1;
        } else {
            assert_eq!(secret.len(), algorithm.output_len(), "{row:?}");
            right += 1;
        }
    }
    assert_eq!((right, wrong), (18, 2));
}

#[test]
fn six_and_seven_digits_are_the_end_of_eight() {
    for algorithm in Algorithm::ALL {
        let secret = seed(algorithm.output_len());
        let code = |digits| {
            let params = Params::default()
                .with_algorithm(algorithm)
                .with_digits(digits);
            let now = UnixTime::from_secs(1_111_111_109);
            Totp::new(&secret, params)
                .generate(now)
                .expose()
                .to_string()
        };
        let eight = code(Digits::Eight);
        assert_eq!(code(Digits::Six), eight[2..], "{algorithm}");
        assert_eq!(code(Digits::Seven), eight[1..], "{algorithm}");
    }
}
