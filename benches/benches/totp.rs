//! Codes: verifying, generating and scanning, beside the crates that do the same.
//!
//! Each peer is used as its users would: built once where it can be, fed the text that somebody typed. Ours parses
//! that text too.
#![expect(clippy::unwrap_used, reason = "fixed inputs")]
#![expect(clippy::print_stdout, reason = "printing figures is what it is for")]

use std::hint::black_box;

use hmac::{Hmac, KeyInit as _, Mac as _};
use twofa_benches::{compare, header, measure};
use twofa_totp::{Algorithm, Code, Params, Scan, Secret, Totp};
use twofa_types::UnixTime;

const KEY: &[u8; 64] = b"1234567890123456789012345678901234567890123456789012345678901234";
const NOW: u64 = 1_669_852_800;

fn key(algorithm: Algorithm) -> &'static [u8] {
    KEY.get(..algorithm.output_len()).unwrap()
}

fn secret(algorithm: Algorithm) -> Secret {
    Secret::from_bytes(black_box(key(algorithm))).unwrap()
}

fn ours(algorithm: Algorithm) -> Totp {
    Totp::new(
        &secret(algorithm),
        Params::default().with_algorithm(algorithm),
    )
}

fn totp_rs(algorithm: Algorithm) -> totp_rs::Totp {
    let algorithm_there = match algorithm {
        Algorithm::Sha1 => totp_rs::Algorithm::SHA1,
        Algorithm::Sha256 => totp_rs::Algorithm::SHA256,
        Algorithm::Sha512 => totp_rs::Algorithm::SHA512,
    };
    totp_rs::Builder::new()
        .with_algorithm(algorithm_there)
        .with_secret(key(algorithm))
        .build()
        .unwrap()
}

/// A code that none of the three steps has.
fn wrong_code(totp: &Totp) -> String {
    let now = UnixTime::from_secs(NOW);
    let wrong = (0..).map(|n| format!("{n:06}"));
    wrong
        .into_iter()
        .find(|text| totp.find(&Code::parse(text).unwrap(), now).is_err())
        .unwrap()
}

fn verify(totp: &Totp, typed: &str) -> bool {
    let code = Code::parse(black_box(typed)).unwrap();
    totp.find(&code, UnixTime::from_secs(black_box(NOW)))
        .is_ok()
}

fn main() {
    header("one-time codes; lower is better, below 1 is faster than the peer");

    for algorithm in Algorithm::ALL {
        let (cached, peer) = (ours(algorithm), totp_rs(algorithm));
        let typed = wrong_code(&cached);
        let name = algorithm.name();
        assert!(!verify(&cached, &typed) && peer.check(&typed, NOW).is_none());
        assert_eq!(
            cached.generate(UnixTime::from_secs(NOW)).expose().as_ref(),
            peer.generate(NOW).to_string()
        );

        compare(
            &format!("verify +-1, wrong code, {name}, cached key / totp-rs 6"),
            || verify(&cached, &typed),
            || peer.check(black_box(&typed), black_box(NOW)),
        );
        // The peer keeps the bytes of its key, and works from them at each call; so does this line.
        let secret = secret(algorithm);
        let params = cached.params();
        compare(
            &format!("verify +-1, wrong code, {name}, key from bytes / totp-rs 6"),
            || verify(&Totp::new(black_box(&secret), params), &typed),
            || peer.check(black_box(&typed), black_box(NOW)),
        );
        compare(
            &format!("verify +-1, wrong code, {name}, secret copied, then key / totp-rs 6"),
            || verify(&ours(algorithm), &typed),
            || peer.check(black_box(&typed), black_box(NOW)),
        );
        compare(
            &format!("generate, {name}, cached key / totp-rs 6"),
            || cached.generate(UnixTime::from_secs(black_box(NOW))),
            || peer.generate(black_box(NOW)),
        );
    }

    let sha1 = ours(Algorithm::Sha1);
    let typed = wrong_code(&sha1);
    compare(
        "generate as text, SHA1, key from bytes / totp-lite 2",
        || {
            ours(Algorithm::Sha1)
                .generate(UnixTime::from_secs(black_box(NOW)))
                .expose()
        },
        || totp_lite::totp_custom::<totp_lite::Sha1>(30, 6, black_box(&KEY[..20]), black_box(NOW)),
    );
    compare(
        "verify +-1, wrong code, SHA1, key from bytes / libreauth 0.18",
        || verify(&ours(Algorithm::Sha1), &typed),
        || {
            libreauth::oath::TOTPBuilder::new()
                .key(black_box(&KEY[..20]))
                .timestamp(1_669_852_800)
                .tolerance(1)
                .finalize()
                .unwrap()
                .is_valid(black_box(&typed))
        },
    );
    compare(
        "one HMAC-SHA1 of a counter, cached key / bare hmac 0.13, keyed once and cloned",
        || sha1.generate_step(sha1.step_at(UnixTime::from_secs(black_box(NOW)))),
        {
            let keyed = Hmac::<sha1::Sha1>::new_from_slice(&KEY[..20]).unwrap();
            move || {
                let mut mac = keyed.clone();
                mac.update(&black_box(NOW / 30).to_be_bytes());
                mac.finalize().into_bytes()
            }
        },
    );
    compare(
        "one HMAC-SHA1 of a counter, key from bytes / bare hmac 0.13",
        || ours(Algorithm::Sha1).generate(UnixTime::from_secs(black_box(NOW))),
        || {
            let mut mac = Hmac::<sha1::Sha1>::new_from_slice(black_box(&KEY[..20])).unwrap();
            mac.update(&black_box(NOW / 30).to_be_bytes());
            mac.finalize().into_bytes()
        },
    );

    let scan = Scan::new(Scan::MAX_STEPS, Scan::MAX_STEPS).unwrap();
    println!();
    for algorithm in Algorithm::ALL {
        let totp = ours(algorithm);
        let code = Code::parse("000000").unwrap();
        measure(
            &format!("scan of 3,001 steps, {}, a step", algorithm.name()),
            3001,
            || totp.diagnose(&code, UnixTime::from_secs(black_box(NOW)), scan),
        );
    }
}
