//! A code that matched opens no session: its step is not spent.
use twofa::LoginPass;
use twofa::totp::Candidate;

fn open_session(_: LoginPass) {}

fn main() {}

pub fn matched(candidate: Candidate) {
    open_session(candidate);
}
