//! A grant is moved into the one reset that it permits.
use twofa_lifecycle::Command;
use twofa_policy::{Handover, ResetGrant};

fn twice(grant: ResetGrant) {
    let _ = Command::Reset { grant, handover: Handover::NotRequired };
    let _ = Command::Reset { grant, handover: Handover::NotRequired };
}

fn main() {}
