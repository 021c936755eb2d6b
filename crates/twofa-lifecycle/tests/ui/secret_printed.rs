//! A hand-over code has no text form but the one that says so.
use twofa_lifecycle::HandoverCode;

fn log(code: &HandoverCode) {
    println!("{code}");
}

fn main() {}
