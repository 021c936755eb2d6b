//! Only `step` makes a transition: its parts cannot be put together by hand.
use twofa_lifecycle::{LoginEffect, Outcome, Record, TransitionParts};

fn main() {
    let _ = TransitionParts {
        record: Some(Record::new()),
        outcome: Outcome::Nothing,
        events: Vec::new(),
        login: LoginEffect::Keep,
    };
}
