//! 500 random codes each beside oathtool and pyotp. Both must be installed: a missing one is a failure that names
//! the command which installs it.

mod common;

use std::{
    fmt::Write as _,
    io::Write as _,
    process::{Command, Stdio},
};

use common::{Case, Random};
use twofa_totp::Period;

fn cases(seed: u64, longest_period: u16) -> Vec<Case> {
    let mut random = Random(seed);
    let case = |_| Case::random(&mut random, longest_period);
    (0..500).map(case).collect()
}

#[test]
fn oathtool_gives_the_same_codes() {
    for case in cases(0x6f61_7468, Period::MAX_SECS) {
        let output = Command::new("oathtool")
            .arg(format!("--totp={}", case.algorithm.name()))
            .arg(format!("--digits={}", case.digits.get()))
            .arg(format!("--time-step-size={}s", case.period.secs()))
            .arg(format!("--now=@{}", case.now))
            .arg(case.hex())
            .output()
            .unwrap_or_else(|error| panic!("{error}; run: apt-get install oathtool"));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{case:?}");
        assert_eq!(case.ours(), text.trim(), "{case:?}");
    }
}

const PYOTP: &str = r"
import base64, hashlib, sys
import pyotp
pyotp.TOTP.min_secret_length_bits = 0
for line in sys.stdin:
    key, algorithm, digits, period, now = line.split()
    secret = base64.b32encode(bytes.fromhex(key)).decode()
    digest = getattr(hashlib, algorithm.lower())
    totp = pyotp.TOTP(secret, digits=int(digits), digest=digest, interval=int(period))
    print(totp.at(int(now)))
";

#[test]
fn pyotp_gives_the_same_codes() {
    // pyotp takes no period above two minutes.
    let cases = cases(0x7079_6f74, 120);
    let mut input = String::new();
    for case in &cases {
        let (digits, period) = (case.digits.get(), case.period.secs());
        let (key, name, now) = (case.hex(), case.algorithm.name(), case.now);
        writeln!(input, "{key} {name} {digits} {period} {now}").unwrap();
    }
    let mut python = Command::new("python3")
        .args(["-c", PYOTP])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{error}; run: apt-get install python3"));
    let mut stdin = python.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = python.wait_with_output().unwrap();
    let written = writer.join().unwrap();
    assert!(
        output.status.success() && written.is_ok(),
        "pyotp failed, as said above; where it is missing, run: python3 -m pip install pyotp"
    );
    let theirs = String::from_utf8(output.stdout).unwrap();
    assert_eq!(theirs.lines().count(), cases.len());
    for (case, theirs) in cases.iter().zip(theirs.lines()) {
        assert_eq!(case.ours(), theirs, "{case:?}");
    }
}
