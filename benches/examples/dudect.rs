//! Does the time that finding a code takes tell anything about the right one? Statistics after dudect (Reparaz,
//! Balasch, Verbauwhede, "Dude, is my code constant time?", 2016).
//!
//!     cargo run --release -p twofa-benches --example dudect
//!
//! Below about 5 in the `max t` column nothing was told apart; far above, something was. Two controls stand beside:
//! arithmetic known to take the same time always, which shows what this machine's noise gives, and a comparison that
//! stops at the first difference, which shows that a leak would be seen.
#![expect(clippy::unwrap_used, reason = "fixed inputs")]

use std::hint::black_box;

use dudect_bencher::{BenchRng, Class, CtRunner, ctbench_main};
use rand::RngExt as _;
use twofa_totp::{Code, Digits, Params, Secret, Step, Totp};
use twofa_types::UnixTime;

const SAMPLES: usize = 200_000;

fn totp() -> Totp {
    let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
    Totp::new(&secret, Params::default().with_digits(Digits::Eight))
}

const NOW: UnixTime = UnixTime::from_secs(1_669_852_800);

/// Runs `find` over samples of two classes, made before any is timed.
fn find(runner: &mut CtRunner, rng: &mut BenchRng, mut sample: impl FnMut(Class, u32) -> Code) {
    let totp = totp();
    let samples: Vec<(Class, Code)> = (0..SAMPLES)
        .map(|_| {
            let class = if rng.random() {
                Class::Left
            } else {
                Class::Right
            };
            let number = rng.random_range(0..100_000_000);
            (class, sample(class, number))
        })
        .collect();
    for (class, code) in samples {
        runner.run_one(class, || totp.find(black_box(&code), NOW).is_ok());
    }
}

/// Wrong codes that share all digits but one with the right one, beside any wrong codes.
fn wrong_near_or_far(runner: &mut CtRunner, rng: &mut BenchRng) {
    let right = totp().generate(NOW).expose().to_string();
    find(runner, rng, |class, number| match class {
        Class::Left => {
            let last = char::from(b'0' + u8::try_from(number % 9).unwrap());
            let last = if right.ends_with(last) { '9' } else { last };
            Code::parse(&format!("{}{last}", right.get(..7).unwrap())).unwrap()
        }
        Class::Right => Code::parse(&format!("{number:08}")).unwrap(),
    });
}

/// Right codes of the first step of the window, beside those of the last.
fn right_first_or_last(runner: &mut CtRunner, rng: &mut BenchRng) {
    let totp = totp();
    let centre = totp.step_at(NOW).value();
    find(runner, rng, |class, _| {
        let step = match class {
            Class::Left => centre - 1,
            Class::Right => centre + 1,
        };
        totp.generate_step(Step::from_value(step))
    });
}

/// Known to take the same time whatever the number.
fn control_constant(runner: &mut CtRunner, rng: &mut BenchRng) {
    for _ in 0..SAMPLES {
        let (class, number) = if rng.random() {
            (Class::Left, 0)
        } else {
            (Class::Right, rng.random::<u64>())
        };
        let number = black_box(number);
        runner.run_one(class, || {
            (0..64).fold(number, |sum, turn| {
                sum.rotate_left(7) ^ (sum.wrapping_add(turn))
            })
        });
    }
}

/// Known to stop early.
#[expect(clippy::indexing_slicing, reason = "of a length that is written out")]
fn control_early_exit(runner: &mut CtRunner, rng: &mut BenchRng) {
    let right = vec![7_u8; 512];
    let mut early = right.clone();
    early[0] = 8;
    for _ in 0..SAMPLES {
        let (class, typed) = if rng.random() {
            (Class::Left, &right)
        } else {
            (Class::Right, &early)
        };
        runner.run_one(class, || {
            let (typed, right) = (black_box(typed), black_box(&right));
            typed.iter().zip(right).all(|(a, b)| a == b)
        });
    }
}

ctbench_main!(
    wrong_near_or_far,
    right_first_or_last,
    control_constant,
    control_early_exit
);
