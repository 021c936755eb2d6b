//! What `scripts/instructions.sh` counts the instructions of: one thing, done so many times.
//!
//! `counted NAME TIMES`. Counts of two numbers of times differ by what the thing itself takes, whatever the program
//! needs to start.
#![expect(clippy::unwrap_used, clippy::panic, reason = "fixed inputs")]

use std::{env, hint::black_box};

use twofa_otpauth::Qr;
use twofa_policy::{FactorView, ProjectSettings, SignInMethod, decide};
use twofa_totp::{Algorithm, Code, Params, Secret, Totp};
use twofa_types::UnixTime;

const KEY: &[u8; 64] = b"1234567890123456789012345678901234567890123456789012345678901234";
const URI: &str = "otpauth://totp/Example%20Co:someone@example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example%20Co&image=abcdef";
const NOW: UnixTime = UnixTime::from_secs(1_669_852_800);

fn main() {
    let mut arguments = env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let times: u32 = arguments.next().map_or(1, |text| text.parse().unwrap());
    match name.as_str() {
        "verify-sha1" => verify(Algorithm::Sha1, times),
        "verify-sha256" => verify(Algorithm::Sha256, times),
        "verify-sha512" => verify(Algorithm::Sha512, times),
        "decide" => decide_all(times),
        "qr" => qr(times),
        _ => panic!("nothing is called {name:?}"),
    }
}

/// A typed code that none of the window's three steps has, under a key whose schedule is there already.
fn verify(algorithm: Algorithm, times: u32) {
    let secret = Secret::from_bytes(KEY.get(..algorithm.output_len()).unwrap()).unwrap();
    let totp = Totp::new(&secret, Params::default().with_algorithm(algorithm));
    for _ in 0..times {
        let code = Code::parse(black_box("000 000")).unwrap();
        assert!(black_box(&totp).find(&code, black_box(NOW)).is_err());
    }
}

/// Whether somebody with a factor is asked for a code, and why.
fn decide_all(times: u32) {
    let settings = ProjectSettings::mandatory_from(NOW);
    let factor = FactorView::active(NOW);
    for _ in 0..times {
        let decision = decide(
            black_box(&settings),
            SignInMethod::Password,
            black_box(&factor),
            NOW,
        );
        black_box((decision.reason(), decision.trail().iter().count()));
    }
}

/// A key URI of 120 bytes as an SVG picture.
fn qr(times: u32) {
    for _ in 0..times {
        black_box(Qr::encode(black_box(URI)).unwrap().svg("QR code"));
    }
}
