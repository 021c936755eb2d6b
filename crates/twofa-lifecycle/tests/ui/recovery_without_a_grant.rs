//! A recovery takes a grant as well as what was found.
use twofa_lifecycle::{Command, Damage};

fn recover(found: Damage) {
    let _ = Command::Recover { found };
}

fn main() {}
