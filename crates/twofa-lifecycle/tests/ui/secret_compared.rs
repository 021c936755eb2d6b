//! A hand-over code is compared in constant time, inside.
use twofa_lifecycle::HandoverCode;

fn same(one: &HandoverCode, other: &HandoverCode) -> bool {
    one == other
}

fn main() {}
