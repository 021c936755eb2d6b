//! What the state machine adds to a verification: answering a parked login, beside the bare look at the same code
//! with the same key, both from the secret's bytes.
#![expect(clippy::unwrap_used, reason = "fixed inputs")]

use std::hint::black_box;

use twofa_benches::{compare, header};
use twofa_lifecycle::{
    Command, Config, Context, LoginHash, LoginKind, Outcome, ParkedLogin, Random, Record,
    SealedSecret, SealedSecretError, Transition, Vault, step,
};
use twofa_totp::{Algorithm, Code, Params, Scan, Secret, Totp};
use twofa_types::UnixTime;

const KEY: &[u8; 64] = b"1234567890123456789012345678901234567890123456789012345678901234";
const NOW: UnixTime = UnixTime::from_secs(1_669_852_800);

/// Seals nothing, so that the cipher is on neither side.
struct Bare;

impl Vault for Bare {
    type Error = SealedSecretError;

    fn seal(&self, _: u32, secret: &Secret, _: &[u8; 24]) -> Result<SealedSecret, Self::Error> {
        SealedSecret::from_bytes(secret.expose_secret())
    }

    fn open(&self, _: u32, sealed: &SealedSecret) -> Result<Secret, Self::Error> {
        Secret::from_bytes(sealed.as_bytes()).map_err(|_| SealedSecretError { bytes: 0 })
    }
}

struct Factor {
    random: Random,
    record: Record,
    login: ParkedLogin,
    right: Code,
    wrong: Code,
    secret: Vec<u8>,
    params: Params,
}

fn answer(factor: &Factor, code: Code) -> Transition {
    let context = Context {
        now: black_box(NOW),
        random: &factor.random,
        vault: &Bare,
        config: &Config::default(),
    };
    let command = Command::Answer {
        login: &factor.login,
        code: &code,
        handover: None,
    };
    step(black_box(&factor.record), command, &context).unwrap()
}

fn factor(algorithm: Algorithm) -> Factor {
    let params = Params::default().with_algorithm(algorithm);
    let secret = KEY.get(..algorithm.output_len()).unwrap().to_vec();
    let random = Random {
        secret: [0; 64],
        nonce: [0; 24],
        handover: [0; 10],
    };
    let context = Context {
        now: NOW,
        random: &random,
        vault: &Bare,
        config: &Config::default(),
    };
    let key = Secret::from_bytes(&secret).unwrap();
    let import = Command::Import {
        secret: &key,
        params,
        by: None,
        again: false,
    };
    let record = step(&Record::new(), import, &context).unwrap();
    let record = record.into_parts().record.unwrap();
    let id = LoginHash::from_bytes([1; 32]);
    let login = ParkedLogin::park(id, LoginKind::Challenge, &record, NOW, context.config);
    let totp = Totp::new(&key, params);
    let wrong = (0..1000)
        .map(|n| Code::parse(&format!("{n:06}")).unwrap())
        .find(|code| {
            totp.find(code, NOW).is_err()
                && totp
                    .diagnose(code, NOW, Scan::login(params.period()))
                    .is_none()
        });
    let factor = Factor {
        random,
        record,
        login,
        right: totp.generate(NOW),
        wrong: wrong.unwrap(),
        secret,
        params,
    };
    let accepted = answer(&factor, factor.right);
    assert!(matches!(accepted.outcome(), Outcome::Accepted { .. }));
    let refused = answer(&factor, factor.wrong);
    assert!(matches!(refused.outcome(), Outcome::Rejected(_)));
    factor
}

/// From the secret's bytes to a spent step, without a record.
fn verify(factor: &Factor, code: Code) -> bool {
    let secret = Secret::from_bytes(black_box(&factor.secret)).unwrap();
    let totp = Totp::new(&secret, factor.params);
    let found = totp.find(&code, black_box(NOW));
    found.is_ok_and(|candidate| candidate.settle(None).is_ok())
}

/// The same, and where the code does not match, whether the clock is off.
fn verify_and_explain(factor: &Factor, code: Code) -> bool {
    let secret = Secret::from_bytes(black_box(&factor.secret)).unwrap();
    let totp = Totp::new(&secret, factor.params);
    let now = black_box(NOW);
    let found = totp.find(&code, now);
    let scan = Scan::login(factor.params.period());
    found.is_ok_and(|candidate| candidate.settle(None).is_ok())
        || totp.diagnose(&code, now, scan).is_some()
}

fn main() {
    header("lifecycle: an answer, beside the bare verification of the same code");
    for algorithm in Algorithm::ALL {
        let factor = factor(algorithm);
        compare(
            &format!("{algorithm}, right code, answer / verify"),
            || answer(&factor, black_box(factor.right)),
            || verify(&factor, black_box(factor.right)),
        );
        compare(
            &format!("{algorithm}, wrong code, answer / verify and explain"),
            || answer(&factor, black_box(factor.wrong)),
            || verify_and_explain(&factor, black_box(factor.wrong)),
        );
    }
}
