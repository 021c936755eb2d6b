//! Only `step` says that a code was accepted.
use twofa_lifecycle::{AcceptedBy, Outcome};
use twofa_totp::Step;

fn main() {
    let _ = Outcome::Accepted { by: AcceptedBy::Challenge, step: Step::from_value(1), offset: 0 };
}
