//! Neither an open question, nor a proof, nor a name opens a session.
use twofa::lifecycle::Outcome;
use twofa::types::UserId;
use twofa::{Begin, LoginPass, Proof, Rejected};

fn open_session(_: LoginPass) {}

fn main() {}

pub fn begun(begin: Begin) {
    open_session(begin);
}

pub fn remembered(proof: Proof) {
    open_session(proof);
}

pub fn named(user: UserId) {
    open_session(user);
}

pub fn refused(rejected: Rejected) {
    open_session(rejected);
}

pub fn below(outcome: Outcome) {
    open_session(outcome);
}
