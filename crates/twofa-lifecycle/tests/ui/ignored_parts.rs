//! Nor may its parts be dropped.
#![deny(unused_must_use)]
use twofa_lifecycle::Transition;

fn careless(transition: Transition) {
    transition.into_parts();
}

fn main() {}
