//! An acceptance is used once, and a secret that it holds is not copied.
use twofa_lifecycle::{Outcome, Transition};

fn again(transition: &Transition) -> Outcome {
    transition.outcome().clone()
}

fn main() {}
