//! A reset takes a grant, not names.
use twofa_lifecycle::Command;
use twofa_policy::Handover;
use twofa_types::UserId;

fn reset(administrator: UserId) {
    let _ = Command::Reset { grant: administrator, handover: Handover::NotRequired };
}

fn main() {}
